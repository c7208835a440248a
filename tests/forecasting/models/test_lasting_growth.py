import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.lasting_growth import SHRINK, lasting_growth
from forecasting.models.lines import Training


@given(seed=st.integers(0, 10**6))
def test_growth_is_that_of_a_line_through_all_weekly_medians_seen(seed):
    logs = np.random.default_rng(seed).normal(size=280).cumsum()
    lines = lasting_growth(Training(logs=logs, origins=np.array([35, 42, 140, 280])))
    medians = np.median(logs.reshape(-1, 7), axis=1)
    fits = [np.polyfit(7.0 * np.arange(n), medians[:n], 1)[0] for n in (6, 20, 40)]
    np.testing.assert_allclose(lines.slope, SHRINK * np.array([0.0, *fits]), rtol=1e-6, atol=1e-10)
    middles = [np.median(logs[origin - 14 : origin]) for origin in (35, 42, 140, 280)]
    np.testing.assert_allclose(lines.level, middles + 6.5 * lines.slope)


def test_a_straight_line_goes_on_with_most_of_its_slope(training_of):
    training = training_of(3.0 + 0.002 * np.arange(400))
    lines = lasting_growth(training)
    seen = training.n_weeks_seen >= 6
    np.testing.assert_allclose(lines.slope[seen], SHRINK * 0.002, rtol=1e-6)
    assert np.all(lines.level <= 3.0 + 0.002 * (training.origins - 1) + 1e-9)
    assert np.all(lines.level >= 3.0 + 0.002 * (training.origins - 8))


def test_growth_of_long_ago_is_not_forgotten(training_of):
    rise = np.minimum(np.arange(600), 400) * 0.005
    assert lasting_growth(training_of(rise)).slope[-1] > 0.002


def test_a_constant_stays_and_a_few_days_have_no_growth(training_of):
    lines = lasting_growth(training_of(np.full(100, 4.0)))
    np.testing.assert_allclose(lines.level, 4.0)
    np.testing.assert_allclose(lines.slope, 0.0, atol=1e-12)
    short = lasting_growth(Training(logs=np.arange(5.0), origins=np.array([5])))
    np.testing.assert_allclose([short.level[0], short.slope[0]], [2.0, 0.0])


@pytest.mark.parametrize("cut", [60, 150, 299])
def test_nothing_after_an_origin_is_read(check_no_look_ahead, cut):
    check_no_look_ahead(lasting_growth, np.random.default_rng(cut).normal(size=300).cumsum() * 0.1, cut)
