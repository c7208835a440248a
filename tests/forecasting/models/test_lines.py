import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.lines import Lines, Training, straight_line


@given(seed=st.integers(0, 10**6), n_days=st.integers(3, 60), shift=st.sampled_from([0.0, -60.0, 400.0]))
def test_each_line_is_the_weighted_least_squares_fit_of_all_points_up_to_it(seed, n_days, shift):
    rng = np.random.default_rng(seed)
    time, logs, weights = np.arange(n_days) + shift, rng.normal(3, 2, n_days), rng.uniform(0.1, 2, n_days)
    lines = straight_line(time, logs, weights)
    for last in range(1, n_days):
        seen = slice(0, last + 1)
        slope, at_zero = np.polyfit(time[seen] - time[last], logs[seen], 1, w=np.sqrt(weights[seen]))
        np.testing.assert_allclose([lines.slope[last], lines.level[last]], [slope, at_zero], rtol=1e-5, atol=1e-6)


def test_one_point_has_no_slope():
    lines = straight_line(np.array([5.0, 6.0]), np.array([2.0, 4.0]), np.ones(2))
    np.testing.assert_allclose(lines.slope, [0.0, 2.0])
    np.testing.assert_allclose(lines.level, [2.0, 4.0])


def test_ten_years_of_a_line_keep_their_precision():
    time = np.arange(3_650.0) - 3_650
    lines = straight_line(time, 2.0 + 0.001 * time, 2.0 ** (time / 180.0))
    np.testing.assert_allclose(lines.slope[30:], 0.001, rtol=1e-4)
    np.testing.assert_allclose(lines.level[30:], 2.0 + 0.001 * time[30:], atol=1e-6)


@pytest.mark.parametrize("n_days", [30, 37, 41])
def test_weeks_are_counted_back_from_the_last_day_and_an_origin_sees_whole_ones(n_days):
    logs = np.random.default_rng(n_days).normal(size=n_days)
    origins = np.arange(n_days % 7 + 7, n_days + 1, 7)
    training = Training(logs=logs, origins=origins)
    weeks = [np.median(logs[end - 7 : end]) for end in range(n_days, 6, -7)][::-1]
    np.testing.assert_allclose(training.weekly_medians, weeks)
    for origin, n_seen in zip(origins, training.n_weeks_seen, strict=True):
        np.testing.assert_allclose(training.weekly_medians[n_seen - 1], np.median(logs[origin - 7 : origin]))


def test_less_than_a_week_has_no_weekly_median():
    assert len(Training(logs=np.ones(5), origins=np.array([5])).weekly_medians) == 0


def test_lines_and_training_cannot_be_changed():
    training, lines = Training(logs=np.ones(9), origins=np.array([9])), Lines(level=np.ones(1), slope=np.zeros(1))
    for array in (training.logs, training.origins, lines.level, lines.slope):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
