import numpy as np
import pytest
from scipy import stats

from forecasting.spike_process import (
    BLOCK_DAYS,
    HALF_LIVES_DAYS,
    PRIOR_DAYS,
    PRIOR_SIZES,
    PRIOR_SPIKES,
    SpikeProcess,
    _log_score,
    fit_spike_process,
)
from forecasting.spikes import MIN_SPIKE_FRACTION, Spike, find_spikes

N_DAYS = 728
N_HOURS = 24 * N_DAYS
START_HOUR = 24 * 19_000
FLAT = np.full(N_HOURS, 100.0)


def _spiky(days, *, hour=5, n_hours=3, excess=60.0, units=FLAT):
    units = units.copy()
    for day in days:
        units[24 * day + hour : 24 * day + hour + n_hours] += excess
    return units


def _fit(units):
    return fit_spike_process(find_spikes(units, start_hour=START_HOUR), units, start_hour=START_HOUR)


def _single(**changed):
    fields = {
        "as_of_hour": START_HOUR + 7,
        "half_life_days": 180.0,
        "rate_shape": 4.0,
        "rate_days": 40.0,
        "start_hours_of_day": np.array([5]),
        "excess_fractions": np.where(np.arange(12) < 1, 0.5, 0.0)[None, :],
        "weights": np.ones(1),
        "log_bandwidth": 0.0,
    }
    return SpikeProcess(**{**fields, **changed})


def test_samples_have_the_expected_excess_at_every_hour_of_the_day():
    process = _single(
        start_hours_of_day=np.array([5, 22]),
        excess_fractions=np.array([[0.5] + [0.0] * 11, [0.2, 0.8, 0.4] + [0.0] * 9]),
        weights=np.array([0.3, 0.7]),
        log_bandwidth=0.3,
    )
    factors = process.sample(4_000, 24 * 20, np.random.default_rng(0))
    by_hour = factors.reshape(4_000, 20, 24).mean(axis=(0, 1)) - 1.0
    expected = np.roll(process.expected_excess(), -7)  # as-of is at 7 o'clock
    np.testing.assert_allclose(expected.sum(), 0.1 * (0.3 * 0.5 + 0.7 * 1.4))
    np.testing.assert_allclose(by_hour, expected, atol=0.02 * expected.max() + 1e-12, rtol=0.05)


def test_counts_are_negative_binomial():
    n_days = 30
    factors = _single().sample(10_000, 24 * n_days, np.random.default_rng(1))
    counts = np.round((factors - 1.0).sum(axis=1) / 0.5)
    law = stats.nbinom(4.0, 40.0 / (40.0 + n_days))
    np.testing.assert_allclose(counts.mean(), law.mean(), rtol=0.04)
    np.testing.assert_allclose(counts.var(), law.var(), rtol=0.08)


def test_a_spike_that_began_the_day_before_still_runs_at_as_of():
    process = _single(
        start_hours_of_day=np.array([5]), excess_fractions=np.full((1, 12), 0.5), rate_shape=1e6, rate_days=1e6
    )
    factors = process.sample(2_000, 4, np.random.default_rng(2))  # from 7 to 11 o'clock
    np.testing.assert_allclose(factors.mean(), 1.5, rtol=0.05)


def test_factors_are_at_least_one_and_repeat_with_the_seed():
    process = _fit(_spiky(range(10, N_DAYS, 20)))
    first, again = (process.sample(50, 500, np.random.default_rng(3)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert first.shape == (50, 500)
    assert first.min() == 1.0
    assert process.sample(0, 24, np.random.default_rng(0)).shape == (0, 24)
    assert process.sample(3, 0, np.random.default_rng(0)).shape == (3, 0)


def test_without_a_spike_the_prior_and_the_quiet_history_are_left():
    process = _fit(FLAT)
    half_life = max(HALF_LIVES_DAYS)
    quiet_days = half_life / np.log(2) * (1 - 0.5 ** (N_DAYS / half_life))
    np.testing.assert_allclose(process.daily_rate, PRIOR_SPIKES / (PRIOR_DAYS + quiet_days))
    assert 0.25 < 365 * process.daily_rate < 0.4
    np.testing.assert_allclose(np.unique(process.excess_fractions.max(axis=1)), PRIOR_SIZES)


def test_no_history_leaves_the_prior_of_two_a_year():
    process = fit_spike_process((), np.zeros(0), start_hour=START_HOUR)
    np.testing.assert_allclose(365 * process.daily_rate, 2.0)
    np.testing.assert_allclose(process.weights.sum(), 1.0)


def test_prior_sizes_are_middles_of_an_exponential_above_the_least_spike():
    law = stats.expon(loc=MIN_SPIKE_FRACTION, scale=MIN_SPIKE_FRACTION)
    np.testing.assert_allclose(PRIOR_SIZES, law.ppf([0.1, 0.3, 0.5, 0.7, 0.9]))


def test_a_steady_rate_is_recovered_with_hour_length_and_size():
    process = _fit(_spiky(range(10, N_DAYS, 10)))
    np.testing.assert_allclose(process.daily_rate, 0.1, rtol=0.2)
    assert process.half_life_days == max(HALF_LIVES_DAYS)
    own = process.start_hours_of_day[:72]
    assert set(own.tolist()) == {5}
    np.testing.assert_allclose(process.excess_fractions[0], [0.6] * 3 + [0.0] * 9, atol=1e-9)


def test_a_rate_that_has_faded_is_forgotten():
    old = _fit(_spiky(range(10, 370, 9)))
    new = _fit(_spiky(range(368, N_DAYS, 9)))
    assert old.half_life_days == min(HALF_LIVES_DAYS)
    assert old.daily_rate < 0.1 / 9
    assert 0.5 / 9 < new.daily_rate < 1.2 / 9


def test_the_score_of_a_half_life_is_that_of_negative_binomials():
    counts = np.array([2, 0, 3, 1])
    kept = 0.5 ** (BLOCK_DAYS / 90.0)
    expected = 0.0
    for block, count in enumerate(counts):
        ages = np.arange(block, 0, -1)
        shape = PRIOR_SPIKES + np.sum(counts[:block] * kept**ages)
        days = PRIOR_DAYS + BLOCK_DAYS * np.sum(kept**ages)
        expected += stats.nbinom.logpmf(count, shape, days / (days + BLOCK_DAYS))
    np.testing.assert_allclose(_log_score(counts, 90.0), expected)


def test_spikes_of_constant_units_get_smaller_in_proportion_as_demand_grows():
    level = np.exp(np.linspace(0.0, np.log(4.0), N_HOURS)) * 100
    process = _fit(_spiky(range(10, N_DAYS, 20), excess=100.0, units=level))
    own = process.excess_fractions[process.excess_fractions.max(axis=1) > 0][:30].max(axis=1)
    assert own[:5].max() < 0.6  # they were 1.0 at the time and would be 0.25 now
    assert own[-1] > 0.2


def test_relative_spikes_keep_their_size_as_demand_grows():
    level = np.exp(np.linspace(0.0, np.log(4.0), N_HOURS)) * 100
    days = np.isin(np.arange(N_HOURS) // 24, np.arange(10, N_DAYS, 20)) & (np.arange(N_HOURS) % 24 == 5)
    process = _fit(level * np.where(days, 1.8, 1.0))
    np.testing.assert_allclose(process.excess_fractions[:30].max(axis=1), 0.8, rtol=0.05)


def test_outages_are_not_sampled():
    units = FLAT.copy()
    units[1000:1010] = 0.0
    np.testing.assert_allclose(_fit(units).daily_rate, _fit(FLAT).daily_rate)


def test_smoothing_spreads_sizes_and_keeps_their_mean():
    process = _single(log_bandwidth=0.3, rate_shape=1e6, rate_days=1e6)
    sizes = process.sample(1, 24 * 40_000, np.random.default_rng(5))
    np.testing.assert_allclose(sizes.mean() - 1.0, 0.5 / 24, rtol=0.03)


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e300])
def test_odd_levels_give_finite_factors(scale):
    units = scale * np.random.default_rng(0).random(2_000)
    spikes = (Spike(start_hour=START_HOUR + 1_000, n_hours=4, excess_units=scale or 1.0, excess_fraction=1.0),)
    process = fit_spike_process(spikes, units, start_hour=START_HOUR)
    factors = process.sample(20, 2_000, np.random.default_rng(0))
    assert np.isfinite(factors).all()
    assert factors.min() >= 1.0
