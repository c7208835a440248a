import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.discounted_trend import HALF_LIFE_DAYS, discounted_trend
from forecasting.models.lines import Training


@given(seed=st.integers(0, 10**6))
def test_lines_are_discounted_least_squares_of_the_days_seen(seed):
    logs = np.random.default_rng(seed).normal(size=420).cumsum()
    origins = np.array([35, 140, 420])
    lines = discounted_trend(Training(logs=logs, origins=origins))
    for row, origin in enumerate(origins):
        ages = origin - 1.0 - np.arange(origin)
        slope, level = np.polyfit(-ages, logs[:origin], 1, w=0.5 ** (ages / HALF_LIFE_DAYS / 2))
        np.testing.assert_allclose([lines.slope[row], lines.level[row]], [slope, level], rtol=1e-6, atol=1e-8)


def test_a_straight_line_is_followed_exactly(training_of):
    training = training_of(3.0 - 0.01 * np.arange(500))
    lines = discounted_trend(training)
    np.testing.assert_allclose(lines.slope, -0.01, rtol=1e-6)
    np.testing.assert_allclose(lines.level, 3.0 - 0.01 * (training.origins - 1), rtol=1e-6)


def test_the_slope_of_late_counts_more_than_that_of_long_ago(training_of):
    bend = np.maximum(np.arange(1_000) - 640.0, 0.0) * 0.01  # a year ago growth began
    even = np.polyfit(np.arange(1_000), bend, 1)[0]
    assert 1.5 * even < discounted_trend(training_of(bend)).slope[-1] < 0.01


def test_a_constant_stays(training_of):
    lines = discounted_trend(training_of(np.full(100, 4.0)))
    np.testing.assert_allclose(lines.level, 4.0)
    np.testing.assert_allclose(lines.slope, 0.0, atol=1e-12)


@pytest.mark.parametrize("cut", [60, 150, 299])
def test_nothing_after_an_origin_is_read(check_no_look_ahead, cut):
    check_no_look_ahead(discounted_trend, np.random.default_rng(cut).normal(size=300).cumsum() * 0.1, cut, atol=1e-8)
