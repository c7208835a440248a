import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.shape import current_profile, day_shapes, with_peak

N_DAYS = 140
DAYS = np.arange(19_000, 19_000 + N_DAYS)
WAVE = 1.0 + 0.4 * np.sin(2 * np.pi * np.arange(24) / 24)


def test_every_day_has_mean_one():
    rng = np.random.default_rng(0)
    units = rng.gamma(2.0, 1.0, (N_DAYS, 24))
    units[17] = 0.0
    shapes = day_shapes(units, DAYS, group_units=units)
    np.testing.assert_allclose(shapes.mean(axis=1), 1.0)
    assert shapes.min() >= 0.0


def test_a_steady_wave_is_its_own_shape_whatever_the_level():
    units = np.linspace(5, 10, N_DAYS)[:, None] * WAVE
    np.testing.assert_allclose(day_shapes(units, DAYS, group_units=units), np.tile(WAVE, (N_DAYS, 1)))


def test_an_old_day_takes_todays_profile_and_keeps_its_spike():
    old = np.roll(WAVE, 12)
    units = np.where(np.arange(N_DAYS)[:, None] < N_DAYS - 56, old, WAVE)
    units[10, 5] *= 1.5
    shapes = day_shapes(units, DAYS, group_units=units)
    np.testing.assert_allclose(shapes[0], WAVE)
    spiked = WAVE * np.where(np.arange(24) == 5, 1.5, 1.0)
    np.testing.assert_allclose(shapes[10], spiked / spiked.mean(), rtol=1e-6)


def test_a_day_on_which_the_pool_was_tiny_takes_the_deviations_of_its_group():
    group = np.tile(10 * WAVE, (N_DAYS, 1))
    group[10, 3] *= 2
    units = np.tile(WAVE, (N_DAYS, 1))
    units[:60] *= 0.01
    units[10] = 0.0
    units[10, 20] = 0.3
    shape = day_shapes(units, DAYS, group_units=group)[10]
    spiked = WAVE * np.where(np.arange(24) == 3, 2.0, 1.0)
    np.testing.assert_allclose(shape, spiked / spiked.mean(), rtol=1e-6)


def test_a_pool_without_any_demand_is_flat():
    flat = day_shapes(np.zeros((N_DAYS, 24)), DAYS, group_units=np.ones((N_DAYS, 24)))
    np.testing.assert_allclose(flat, 1.0)


@given(seed=st.integers(0, 10**6))
def test_a_given_peak_is_reached_at_the_same_mean_and_never_below_zero(seed):
    rng = np.random.default_rng(seed)
    units = rng.gamma(rng.uniform(0.2, 5.0), size=(3, 2, 4, 24)) + 1e-3
    units[:, 1] *= rng.random((3, 4, 24)) < 0.9
    total = units.sum(axis=1)
    mean, highest, lowest = total.mean(axis=2), total.max(axis=2), total.min(axis=2)
    peaks = mean * rng.uniform(0.5, 4.0, mean.shape)
    made = with_peak(units, peaks)
    np.testing.assert_allclose(made.sum(axis=1).mean(axis=2), mean, rtol=1e-9)
    assert made.min() >= 0.0
    furthest = mean + (highest - mean) * mean / (mean - lowest)  # the quietest hour is then empty
    np.testing.assert_allclose(made.sum(axis=1).max(axis=2), np.clip(peaks, mean, furthest), rtol=1e-9)


@given(seed=st.integers(0, 10**6))
def test_hours_without_any_demand_stay_empty_and_nothing_goes_below_zero(seed):
    rng = np.random.default_rng(seed)
    units = rng.gamma(2.0, size=(3, 2, 4, 24)) * (rng.random((3, 1, 4, 24)) < 0.8)
    made = with_peak(units, rng.uniform(0.0, 20.0, (3, 4)))
    assert np.isfinite(made).all()
    assert made.min() >= 0.0
    assert not made[units == 0].any()


def test_pools_keep_their_parts_of_every_hour():
    units = np.random.default_rng(0).gamma(2.0, size=(1, 3, 1, 24))
    made = with_peak(units, np.array([[9.0]]))
    np.testing.assert_allclose(made / made.sum(axis=1, keepdims=True), units / units.sum(axis=1, keepdims=True))


def test_the_peak_that_a_day_has_changes_nothing_and_the_highest_hour_stays_the_highest():
    units = np.random.default_rng(1).gamma(2.0, size=(2, 1, 3, 24))
    np.testing.assert_allclose(with_peak(units, units.sum(axis=1).max(axis=2)), units)
    raised = with_peak(units, 1.5 * units.sum(axis=1).max(axis=2))
    np.testing.assert_array_equal(raised.argmax(axis=3), units.argmax(axis=3))


def test_a_day_without_a_shape_or_without_demand_stays_as_it_is():
    units = np.stack([np.full((1, 1, 24), 3.0), np.zeros((1, 1, 24))])
    np.testing.assert_allclose(with_peak(units, np.array([[9.0], [9.0]])), units)


def test_the_current_profile_is_that_of_the_last_eight_weeks_by_day_of_the_week():
    day = np.where(np.isin(DAYS % 7, (2, 3))[:, None], 2.0 - WAVE, WAVE)
    units = np.linspace(5, 10, N_DAYS)[:, None] * np.where(np.arange(N_DAYS)[:, None] < N_DAYS - 56, 1.0, day)
    units[-10, 4] *= 30.0
    profile = current_profile(units, DAYS)
    np.testing.assert_allclose(profile.mean(axis=1), 1.0)
    for weekday in range(7):
        np.testing.assert_allclose(profile[weekday], 2.0 - WAVE if weekday in (2, 3) else WAVE, rtol=1e-6)


def test_no_demand_and_odd_hours_have_a_flat_profile():
    np.testing.assert_allclose(current_profile(np.zeros((N_DAYS, 24)), DAYS), 1.0)
    odd = np.tile(np.arange(24) < 2, (N_DAYS, 1)) * 5.0
    np.testing.assert_allclose(current_profile(odd, DAYS), 1.0)
