import numpy as np
import pytest

from forecasting.dispersion import noise_exponent, noise_scale, trailing_means, weekly_noise


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
