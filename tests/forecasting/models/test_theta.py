import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.lines import Training
from forecasting.models.theta import DRIFT_FRACTION, SMOOTHING, theta


def smoothed_naively(logs):
    """Level after the last day by the constant with the least squared one-day error."""
    best = (np.inf, 0.0)
    for constant in SMOOTHING:
        level, squares = float(np.mean(logs[:7])), 0.0
        for value in logs:
            squares += (value - level) ** 2
            level += constant * (value - level)
        best = min(best, (squares, level))
    return best[1]


@given(seed=st.integers(0, 10**6), wander=st.floats(0, 1))
def test_the_level_is_that_of_a_naive_loop_over_the_days_seen(seed, wander):
    rng = np.random.default_rng(seed)
    logs = wander * rng.normal(size=63).cumsum() + rng.normal(size=63)
    lines = theta(Training(logs=logs, origins=np.array([28, 49, 63])))
    np.testing.assert_allclose(lines.level, [smoothed_naively(logs[:n]) for n in (28, 49, 63)], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_seen", [28, 49, 63])
def test_the_drift_is_half_the_slope_of_a_line_through_all_days_seen(n_seen):
    logs = np.random.default_rng(n_seen).normal(size=63)
    lines = theta(Training(logs=logs, origins=np.array([n_seen, 63])))
    np.testing.assert_allclose(lines.slope[0], DRIFT_FRACTION * np.polyfit(np.arange(n_seen), logs[:n_seen], 1)[0])


def test_a_constant_stays(training_of):
    lines = theta(training_of(np.full(100, 4.0)))
    np.testing.assert_allclose(lines.level, 4.0)
    np.testing.assert_allclose(lines.slope, 0.0, atol=1e-12)


def test_noise_around_a_level_is_averaged_and_a_random_walk_is_followed(training_of):
    rng = np.random.default_rng(0)
    noise, walk = 2.0 + rng.normal(size=400), rng.normal(size=400).cumsum()
    assert abs(theta(training_of(noise)).level[-1] - 2.0) < 0.3
    assert abs(theta(training_of(walk)).level[-1] - walk[-1]) < 0.5


@pytest.mark.parametrize("cut", [60, 150, 299])
def test_nothing_after_an_origin_is_read(check_no_look_ahead, cut):
    check_no_look_ahead(theta, np.random.default_rng(cut).normal(size=300).cumsum() * 0.1, cut)


def test_three_days_are_enough_for_a_level():
    lines = theta(Training(logs=np.array([1.0, 1.0, 1.0]), origins=np.array([3])))
    np.testing.assert_allclose([lines.level[0], lines.slope[0]], [1.0, 0.0], atol=1e-12)
