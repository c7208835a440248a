import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.spikes import MAX_SPIKE_HOURS, find_spikes, hourly_baseline, spike_hours, without_spikes

N_HOURS = 26 * 168
HOURS = np.arange(N_HOURS)
START_HOUR = 400_003  # neither a midnight nor a Monday
SEASON = (1.0 + 0.5 * np.sin(2 * np.pi * HOURS / 24)) * np.where((HOURS // 24) % 7 < 5, 1.0, 0.6)


def _noisy(seed=0, log_sd=0.05, level=100.0):
    return level * SEASON * np.random.default_rng(seed).lognormal(0.0, log_sd, N_HOURS)


def _places(units):
    return [(spike.start_hour, spike.n_hours) for spike in find_spikes(units, start_hour=0)]


def test_a_calm_season_is_its_own_baseline():
    np.testing.assert_allclose(hourly_baseline(100 * SEASON), 100 * SEASON)


def test_spikes_and_outages_do_not_move_the_baseline():
    units = 100 * SEASON
    units[1000:1011] *= 1.6
    units[2000:2006] = 0.0
    units[3000] *= 5.0
    np.testing.assert_allclose(hourly_baseline(units), 100 * SEASON, rtol=0.005)


def test_planted_spikes_are_found_with_their_hour_length_and_size():
    units = _noisy()
    planted = {510: (2, 1.6), 1234: (11, 1.6), 2000: (6, 0.0), 2500: (3, 0.4), 3333: (1, 3.0), N_HOURS - 12: (4, 1.8)}
    for first, (n_hours, factor) in planted.items():
        units[first : first + n_hours] *= factor
    found = find_spikes(units, start_hour=START_HOUR)
    assert [(s.start_hour - START_HOUR, s.n_hours) for s in found] == [(a, n) for a, (n, _) in planted.items()]
    np.testing.assert_allclose([s.excess_fraction for s in found], [f - 1 for _, f in planted.values()], atol=0.4)
    expected = [100 * SEASON[s.start_hour - START_HOUR] * s.excess_fraction for s in found]
    np.testing.assert_allclose([s.excess_units for s in found], expected, rtol=0.1)


def test_the_threshold_is_a_quarter_where_there_is_no_noise():
    units = 100 * SEASON
    peak = 50 * 24 + 6
    units[peak] *= 1.24
    assert _places(units) == []
    units[peak] *= 1.26 / 1.24
    assert _places(units) == [(peak, 1)]


def test_thresholds_can_be_given():
    units = _noisy(log_sd=0.05)
    peak = 50 * 24 + 6
    units[peak : peak + 3] = 119 * SEASON[peak : peak + 3]
    for noise_sds, is_found in ((5.0, False), (2.5, True)):
        found = find_spikes(units, start_hour=0, min_fraction=0.15, noise_sds=noise_sds)
        assert ((peak, 3) in [(spike.start_hour, spike.n_hours) for spike in found]) == is_found


def test_more_noise_raises_the_threshold():
    peak = 50 * 24 + 6
    for log_sd, is_spike in ((0.05, True), (0.25, False)):
        units = _noisy(seed=3, log_sd=log_sd)
        units[peak : peak + 3] = 150 * SEASON[peak : peak + 3]
        assert ((peak, 3) in _places(units)) == is_spike


@pytest.mark.parametrize("log_sd", [0.02, 0.1, 0.3])
def test_noise_alone_is_hardly_ever_a_spike(log_sd):
    assert len(_places(_noisy(seed=3, log_sd=log_sd))) <= 2


NOT_SPIKES = {
    "nothing": np.zeros(N_HOURS),
    "constant": np.full(N_HOURS, 7.0),
    "one hour each night": np.where(HOURS % 24 == 3, 100.0, 1.0),
    "a batch of varying size each night, idle else": np.where(
        HOURS % 24 == 3, np.random.default_rng(0).gamma(4.0, 25.0, N_HOURS), 0.0
    ),
    "off each weekend": np.where((HOURS // 24) % 7 < 5, 10.0, 0.0),
    "up for good": np.where(HOURS < 2017, 1.0, 2.0) * SEASON,
    "down for good": np.where(HOURS < 2017, 1.0, 0.3) * SEASON,
    "up for two days": np.where((HOURS >= 2017) & (HOURS < 2065), 1.5, 1.0) * SEASON,
    "a holiday": np.where(HOURS // 24 == 80, 0.6, 1.0) * SEASON,
    "moved away over a month": np.clip((3000 - HOURS) / 720, 0.0, 1.0) * SEASON,
    "born in the middle": np.where(HOURS < 2017, 0.0, 1.0) * SEASON,
    "died in the middle": np.where(HOURS < 2017, 1.0, 0.0) * SEASON,
    "switched off for a month": np.where((HOURS >= 2017) & (HOURS < 2737), 0.0, 1.0) * SEASON,
    "fast growth": np.exp(HOURS / 24 * 0.02) * SEASON,
    "now and then": np.random.default_rng(0).poisson(0.3, N_HOURS).astype(float),
    "hardly ever": np.random.default_rng(0).poisson(0.01, N_HOURS).astype(float),
}


@pytest.mark.parametrize("units", NOT_SPIKES.values(), ids=NOT_SPIKES.keys())
def test_what_is_no_spike_is_not_flagged(units):
    assert _places(units) == []


def test_a_total_outage_of_days_is_found_whole():
    units = _noisy()
    units[2000:2060] = 0.0
    (found,) = find_spikes(units, start_hour=0)
    assert (found.start_hour, found.n_hours) == (2000, 60)
    np.testing.assert_allclose(found.excess_fraction, -1.0)
    np.testing.assert_allclose(hourly_baseline(units)[2000:2060], 100 * SEASON[2000:2060], rtol=0.15)


@settings(max_examples=10)
@given(st.floats(1e-6, 1e9), st.integers(-(10**6), 10**6))
def test_units_scale_the_excess_and_hours_move_the_start(scale, later):
    units = _noisy()
    units[700:705] *= 2.0
    (one,) = find_spikes(units, start_hour=0)
    (other,) = find_spikes(scale * units, start_hour=later)
    assert (other.start_hour - later, other.n_hours) == (one.start_hour, one.n_hours)
    np.testing.assert_allclose(other.excess_units, scale * one.excess_units)
    np.testing.assert_allclose(other.excess_fraction, one.excess_fraction)


def test_without_spikes_only_their_hours_change_and_come_back_to_the_truth():
    clean = _noisy()
    units = clean.copy()
    units[700:708] *= 2.0
    units[2000:2010] = 0.0
    spikes = find_spikes(units, start_hour=START_HOUR)
    cleaned = without_spikes(units, spikes, start_hour=START_HOUR)
    inside = spike_hours(spikes, start_hour=START_HOUR, n_hours=N_HOURS)
    assert inside.sum() == 18
    np.testing.assert_allclose(cleaned[~inside], clean[~inside])
    np.testing.assert_allclose(cleaned[inside], 100 * SEASON[inside], rtol=0.15)


def test_spikes_of_another_time_are_ignored():
    units = _noisy()
    spikes = find_spikes(np.where(HOURS == 700, 3.0, 1.0) * units, start_hour=0)
    np.testing.assert_allclose(without_spikes(units, spikes, start_hour=10_000), units)
    assert spike_hours(spikes, start_hour=700, n_hours=5).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("n_hours", [0, 1, 2, 23, 25, 26, 100, 167, 168, 336, 700])
@pytest.mark.parametrize("kind", ["zeros", "constant", "gamma", "huge", "tiny", "one"])
def test_short_and_odd_series_stay_finite(n_hours, kind):
    rng = np.random.default_rng(n_hours)
    units = {
        "zeros": np.zeros(n_hours),
        "constant": np.ones(n_hours),
        "gamma": rng.gamma(0.3, 10.0, n_hours),
        "huge": rng.random(n_hours) * 1e300,
        "tiny": rng.random(n_hours) * 1e-300,
        "one": (np.arange(n_hours) == n_hours // 2).astype(float),
    }[kind]
    spikes = find_spikes(units, start_hour=5)
    cleaned = without_spikes(units, spikes, start_hour=5)
    assert cleaned.shape == units.shape
    assert np.isfinite(cleaned).all()
    assert (cleaned >= 0).all()
    assert np.isfinite([s.excess_fraction for s in spikes]).all()


def test_two_weeks_of_history_are_enough():
    units = _noisy()[: 14 * 24]
    units[200:205] *= 1.8
    assert _places(units) == [(200, 5)]


def test_the_trace_has_some_dozens_of_short_spikes(shared_data):
    frame = pd.read_parquet(shared_data / "trace" / "usage_r1.parquet")
    units = frame.groupby("hour_utc")["units"].sum().to_numpy()
    spikes = find_spikes(units, start_hour=0)
    assert 30 <= len(spikes) <= 120
    assert max(spike.n_hours for spike in spikes) <= MAX_SPIKE_HOURS
    assert sum(spike.n_hours for spike in spikes) < 0.02 * len(units)
