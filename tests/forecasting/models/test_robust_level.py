import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import theilslopes

from forecasting.models.lines import Training
from forecasting.models.robust_level import SHRINK, robust_level


def test_a_straight_line_is_followed_with_a_part_of_its_slope(training_of):
    training = training_of(3.0 + 0.01 * np.arange(200))
    lines = robust_level(training)
    seen = training.n_weeks_seen >= 6
    np.testing.assert_allclose(lines.slope[seen], SHRINK * 0.01)
    np.testing.assert_allclose(lines.slope[~seen], 0.0)
    middle = 3.0 + 0.01 * (training.origins - 7.5)  # of the last two weeks
    np.testing.assert_allclose(lines.level, middle + lines.slope * 6.5)


def test_a_constant_is_its_own_level(training_of):
    lines = robust_level(training_of(np.full(100, 4.0)))
    np.testing.assert_allclose(lines.level, 4.0)
    np.testing.assert_allclose(lines.slope, 0.0)


def test_a_step_is_the_new_level_after_eight_days_and_a_spike_never_is(training_of):
    logs = np.where(np.arange(300) < 292, 1.0, 3.0)
    assert robust_level(training_of(logs)).level[-1] == 3.0
    spiked = np.where(np.arange(300) >= 294, 9.0, 1.0)
    np.testing.assert_allclose(robust_level(training_of(spiked)).level, 1.0)


@given(seed=st.integers(0, 10**6))
def test_the_slope_is_that_of_theil_and_sen_over_seventeen_weeks(seed):
    logs = np.random.default_rng(seed).normal(size=245).cumsum()
    training = Training(logs=logs, origins=np.array([70, 245]))
    weekly = logs.reshape(-1, 7)
    medians = np.median(weekly, axis=1)
    expected = [
        theilslopes(medians[first:last], 7.0 * np.arange(last - first))[0] for first, last in ((0, 10), (18, 35))
    ]
    np.testing.assert_allclose(robust_level(training).slope, SHRINK * np.array(expected))


@pytest.mark.parametrize("cut", [60, 150, 299])
def test_nothing_after_an_origin_is_read(check_no_look_ahead, cut):
    check_no_look_ahead(robust_level, np.random.default_rng(cut).normal(size=300).cumsum() * 0.1, cut)
