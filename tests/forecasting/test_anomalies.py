import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.anomalies import OUTAGE, SHIFT, SPIKE, find_anomalies
from forecasting.hours import hour_of_date

N_HOURS = 20 * 168
HOURS = np.arange(N_HOURS)
START_HOUR = hour_of_date("2024-01-01")  # a Monday, as weekends are low
SEASON = (1.0 + 0.5 * np.sin(2 * np.pi * HOURS / 24)) * np.where((HOURS // 24) % 7 < 5, 1.0, 0.6)


def _noisy(seed=0, log_sd=0.05):
    return 100 * SEASON * np.random.default_rng(seed).lognormal(0.0, log_sd, N_HOURS)


def _found(units, start_hour=START_HOUR):
    return find_anomalies(units, name="total", start_hour=start_hour)


def _places(units):
    return [(a.start_hour - START_HOUR, a.n_hours, a.kind) for a in _found(units)]


def test_planted_episodes_are_found_once_each_with_hour_size_length_and_kind():
    units = _noisy()
    planted = {1000: (5, 1.8, SPIKE), 1500: (8, 0.0, OUTAGE), 2000: (3, 2.5, SPIKE), 2500: (10, 0.4, OUTAGE)}
    for first, (n_hours, factor, _) in planted.items():
        units[first : first + n_hours] *= factor
    assert _places(units) == [(first, n_hours, kind) for first, (n_hours, _, kind) in planted.items()]
    found = _found(units)
    np.testing.assert_allclose([a.deviation_fraction for a in found], [f - 1 for _, f, _ in planted.values()], atol=0.4)
    for anomaly in found:
        hour = anomaly.start_hour - START_HOUR
        inside = slice(hour, hour + anomaly.n_hours)
        assert anomaly.units in units[inside]
        assert np.abs(100 * SEASON[inside] / anomaly.expected_units - 1).min() < 0.1
        assert anomaly.group == "total"


def test_the_threshold_is_a_fifth_where_there_is_no_noise():
    units = np.full(1000, 10.0)
    units[700] = 11.9
    assert _places(units) == []
    units[700] = 12.1
    assert _places(units) == [(700, 1, SPIKE)]


def test_a_noisy_series_is_not_all_flagged():
    for log_sd in (0.05, 0.15, 0.4):
        assert len(_places(_noisy(seed=1, log_sd=log_sd))) <= 2


def test_a_shift_too_small_for_an_hour_of_a_noisy_series_is_found_by_the_day():
    units = _noisy(log_sd=0.15)
    assert _places(units) == []
    units[2000:] *= 1.5
    first, *rest = _found(units)
    assert first.kind == SHIFT
    assert 2000 <= first.start_hour - START_HOUR < 2024
    assert 24 < first.n_hours <= 120
    assert len(rest) <= 1


def test_an_outage_does_not_hide_the_next():
    units = _noisy()
    for first in (1500, 1700, 1900):
        units[first : first + 10] = 0.0
    assert [place[0] for place in _places(units)] == [1500, 1700, 1900]


@pytest.mark.parametrize("cut", [1505, 1600, 2004, 2100, 3000])
def test_what_comes_later_changes_nothing_that_was_over(cut):
    units = _noisy(log_sd=0.1)
    for first in (1000, 1500, 2000):
        units[first : first + 6] *= 2.0
    units[2600:] *= 1.5
    altered = units.copy()
    altered[cut:] = 1e6 * np.random.default_rng(0).random(N_HOURS - cut)

    def settled(series):
        return [a for a in _found(series) if a.start_hour - START_HOUR + a.n_hours < cut - 24]

    assert settled(altered) == settled(units[:cut]) == settled(units)


def test_an_episode_under_way_is_reported_already():
    units = _noisy()
    units[2000:] *= 2.0
    assert _places(units[:2003]) == [(2000, 3, SPIKE)]


NOT_ANOMALIES = {
    "nothing": np.zeros(N_HOURS),
    "constant": np.full(N_HOURS, 7.0),
    "the same every week": SEASON,
    "born in the middle": np.where(HOURS < 2017, 0.0, 100.0),
    "growth": np.exp(HOURS / 24 * 0.01) * np.where(HOURS % 24 < 12, 1.0, 2.0),
    "now and then": np.random.default_rng(0).poisson(0.3, N_HOURS).astype(float),
    "hardly ever": np.random.default_rng(0).poisson(0.01, N_HOURS).astype(float),
}


@pytest.mark.parametrize("units", NOT_ANOMALIES.values(), ids=NOT_ANOMALIES.keys())
def test_what_was_to_be_expected_is_not_flagged(units):
    assert _places(units) == []


def test_a_pool_that_comes_back_after_a_month_has_no_baseline_to_leave():
    units = _noisy()
    units[1000:1720] = 0.0
    (gone,) = _found(units)
    assert (gone.start_hour - START_HOUR, gone.kind) == (1000, SHIFT)
    np.testing.assert_allclose(gone.deviation_fraction, -1.0)


def test_a_burst_in_an_idle_pool_counts_from_twice_the_largest_on():
    units = np.zeros(2000)
    units[[300, 500, 700]] = 10.0
    units[900] = 19.0
    assert _places(units) == []
    units[900] = 21.0
    assert _places(units) == [(900, 1, SPIKE)]


@settings(max_examples=10)
@given(st.floats(1e-6, 1e9), st.integers(-1000, 1000))
def test_units_scale_and_hours_move(scale, n_weeks):
    units = _noisy()
    units[1700:1705] *= 2.0
    (one,) = _found(units)
    (other,) = _found(scale * units, START_HOUR + 168 * n_weeks)
    assert (other.start_hour - 168 * n_weeks, other.n_hours, other.kind) == (one.start_hour, one.n_hours, one.kind)
    np.testing.assert_allclose(other.units, scale * one.units)
    np.testing.assert_allclose(other.expected_units, scale * one.expected_units)
    np.testing.assert_allclose(other.deviation_fraction, one.deviation_fraction)


@pytest.mark.parametrize("n_hours", [0, 1, 2, 23, 25, 48, 100, 168, 336, 700])
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
    for anomaly in _found(units):
        assert np.isfinite([anomaly.units, anomaly.expected_units, anomaly.deviation_fraction]).all()
        assert 0 < anomaly.n_hours <= n_hours


def test_each_event_of_the_taxi_is_found(shared_data):
    frame = pd.read_parquet(shared_data / "series" / "nyc_taxi_hourly_events.parquet")
    events = frame["event"].to_numpy()
    found = find_anomalies(frame["y"].to_numpy(dtype=np.float64), name="taxi", start_hour=0)
    touched = [set(events[a.start_hour : a.start_hour + a.n_hours]) - {""} for a in found]
    assert set().union(*touched) == {"christmas", "new_year", "nyc_marathon", "snowstorm", "thanksgiving"}
    assert sum(not each for each in touched) <= 6
