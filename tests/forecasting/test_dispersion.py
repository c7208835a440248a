import numpy as np
import pytest

from forecasting.dispersion import noise_exponent, noise_scale, trailing_means, volatility_scale, weekly_noise


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_power_by_which_noise_falls_is_recovered(power):
    rng = np.random.default_rng(4)
    levels = np.exp(np.linspace(0, 3, 56 * 16))
    noise = np.abs(rng.standard_normal(len(levels))) * 0.1 * levels**-power
    assert abs(noise_exponent(levels, noise) - power) < 0.12


def test_a_level_that_never_moved_says_nothing():
    rng = np.random.default_rng(5)
    assert noise_exponent(np.full(600, 7.0), rng.random(600)) == 0.0
    assert noise_exponent(np.arange(100.0), rng.random(100)) == 0.0
    assert noise_exponent(np.zeros(600), rng.random(600)) == 0.0
    assert noise_exponent(np.arange(600.0), np.full(600, np.nan)) == 0.0


def test_noise_is_scaled_from_the_level_of_then_to_the_level_of_now():
    units = np.concatenate([np.full(100, 4.0), np.full(100, 16.0)])
    scale = noise_scale(units, 0.5)
    np.testing.assert_allclose(scale[[50, 150, 199]], [0.5, 1.0, 1.0])
    np.testing.assert_allclose(noise_scale(units, 0.0), 1.0)
    np.testing.assert_allclose(noise_scale(units[::-1], 1.0)[0], 2.0)  # bounded
    np.testing.assert_allclose(noise_scale(np.append(units, np.zeros(28)), 0.5), 1.0)


def test_trailing_means_agree_with_a_loop():
    units = np.random.default_rng(6).random(60)
    loop = [units[max(k - 27, 0) : k + 1].mean() for k in range(60)]
    np.testing.assert_allclose(trailing_means(units), loop)


def test_weekly_noise_is_the_change_from_the_week_before():
    noise = weekly_noise(np.arange(9.0) ** 2)
    np.testing.assert_allclose(noise, [np.nan] * 7 + [49.0, 63.0])


def test_noise_that_has_doubled_doubles_the_misses_of_older_days():
    scale = volatility_scale(np.where(np.arange(500) < 300, 0.1, 0.2))
    np.testing.assert_allclose(scale[:255], 2.0)
    np.testing.assert_allclose(scale[345:], 1.0)
    assert np.all(np.diff(scale) <= 1e-12)


def test_noise_that_stays_changes_nothing_and_what_calmed_down_scales_down():
    np.testing.assert_allclose(volatility_scale(np.full(400, 0.3)), 1.0)
    np.testing.assert_allclose(volatility_scale(np.where(np.arange(500) < 300, 0.2, 0.1))[:250], 0.5)


def test_the_scale_agrees_with_a_loop_over_the_days_around():
    noise = np.random.default_rng(7).gamma(2.0, size=300)
    noise[:7] = np.nan
    now = np.nanmean(noise[-91:])
    around = [np.nanmean(noise[max(day - 45, 0) : day + 46]) for day in range(300)]
    np.testing.assert_allclose(volatility_scale(noise), np.clip(now / np.array(around), 0.2, 2.0))


def test_the_unit_of_the_noise_does_not_matter():
    noise = np.random.default_rng(8).gamma(2.0, size=300)
    np.testing.assert_allclose(volatility_scale(1e-9 * noise), volatility_scale(noise))


@pytest.mark.parametrize("noise", [np.zeros(200), np.full(200, np.nan), np.full(3, 0.1), np.zeros(0)], ids=str)
def test_noise_that_is_not_known_changes_nothing(noise):
    np.testing.assert_allclose(volatility_scale(noise), 1.0)


def test_no_day_is_scaled_beyond_the_bounds():
    scale = volatility_scale(np.concatenate([np.full(200, 1e-6), np.full(200, 1.0), np.full(200, 1e-2)]))
    np.testing.assert_allclose(scale[[100, 300]], [2.0, 0.2])
    np.testing.assert_allclose(volatility_scale(np.where(np.arange(300) < 100, 0.0, 0.1))[:40], 1.0)
