import numpy as np
import pytest

from forecasting.local_level import LocalLevel, fit_local_level, regression


def dense_covariance(level):
    """Covariance of differences, from those of noise and steps by matrices."""
    n = len(level.noise_factors)
    difference = np.diff(np.eye(n), axis=0)
    noise = level.noise_variance * np.diag(level.noise_factors)
    steps = level.noise_variance * level.step_ratio * np.diag(level.step_factors)
    return difference @ noise @ difference.T + steps


@pytest.fixture
def level():
    rng = np.random.default_rng(0)
    return LocalLevel(
        noise_factors=rng.uniform(1, 9, 40), step_factors=rng.uniform(1, 9, 39), step_ratio=0.3, noise_variance=0.04
    )


def test_regression_is_generalized_least_squares_of_the_differences(level):
    rng = np.random.default_rng(1)
    columns, logs = rng.normal(size=(40, 3)), rng.normal(size=40)
    inverse = np.linalg.inv(dense_covariance(level))
    x, y = np.diff(columns, axis=0), np.diff(logs)
    covariance = np.linalg.inv(x.T @ inverse @ x)
    fitted, found = regression(level, logs, columns)
    np.testing.assert_allclose(found, covariance, rtol=1e-8)
    np.testing.assert_allclose(fitted, covariance @ x.T @ inverse @ y, rtol=1e-8)


def test_smoothed_noise_and_steps_are_their_expectations_given_the_series(level):
    residuals = np.random.default_rng(2).normal(size=40)
    difference = np.diff(np.eye(40), axis=0)
    pulls = np.linalg.solve(dense_covariance(level), difference @ residuals)
    noise, steps = level.smoothed(residuals)
    np.testing.assert_allclose(
        noise, level.noise_variance * level.noise_factors * (difference.T @ pulls), rtol=1e-8, atol=1e-12
    )
    np.testing.assert_allclose(steps, level.noise_variance * level.step_ratio * level.step_factors * pulls, rtol=1e-8)
    np.testing.assert_allclose(np.diff(noise) + steps, np.diff(residuals), atol=1e-12)  # they add up to what was seen


@pytest.mark.parametrize(("step_sd", "noise_sd"), [(0.0, 0.05), (0.01, 0.03), (0.05, 0.01)])
def test_variances_are_recovered(step_sd, noise_sd):
    rng = np.random.default_rng(3)
    n = 2000
    logs = np.cumsum(rng.normal(0, step_sd, n)) + rng.normal(0, noise_sd, n)
    fitted = fit_local_level(logs, np.linspace(-1, 1, n)[:, None])
    np.testing.assert_allclose(np.sqrt(fitted.noise_variance), noise_sd, rtol=0.35)
    np.testing.assert_allclose(np.sqrt(fitted.step_ratio * fitted.noise_variance), step_sd, rtol=0.4, atol=2e-3)


def test_days_that_stick_out_are_set_aside_unless_they_are_spoken_about():
    rng = np.random.default_rng(4)
    logs = rng.normal(0, 0.02, 400)
    logs[[100, 300]] += 1.0
    dated = np.arange(400) == 300
    fitted = fit_local_level(logs, np.linspace(-1, 1, 400)[:, None], is_dated=dated)
    assert fitted.noise_factors[100] > 100
    assert fitted.noise_factors[300] == 1
    assert np.all(fitted.step_factors[[299, 300]] == 1)


def test_standard_errors_hold_as_often_as_they_say():
    rng = np.random.default_rng(5)
    n, scores = 500, []
    step = (np.arange(n) >= 300).astype(float)
    columns = np.column_stack([np.linspace(-1, 1, n), step])
    for _ in range(60):
        logs = np.cumsum(rng.normal(0, 0.005, n)) + rng.normal(0, 0.03, n) + 0.2 * step
        coefficients, covariance = regression(fit_local_level(logs, columns), logs, columns)
        scores.append((coefficients[1] - 0.2) / np.sqrt(covariance[1, 1]))
    np.testing.assert_allclose(np.std(scores), 1, atol=0.25)


@pytest.mark.parametrize("logs", [np.zeros(30), np.arange(30.0), np.where(np.arange(30) < 29, 0.0, 5.0)])
def test_a_series_without_noise_has_finite_variances(logs):
    fitted = fit_local_level(logs, np.linspace(-1, 1, 30)[:, None])
    assert fitted.noise_variance > 0
    assert np.all(np.isfinite(regression(fitted, logs, np.linspace(-1, 1, 30)[:, None])[0]))
