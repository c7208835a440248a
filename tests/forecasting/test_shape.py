import numpy as np

from forecasting.shape import day_shapes

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
