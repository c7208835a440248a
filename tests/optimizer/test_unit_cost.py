import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.unit_cost import NOT_TOLD, cost_elasticity, glide_path, yearly_change

VOLUME = np.array([1.0, 1.3, 1.9, 2.6, 4.0])
STUDENT_T_95_FREEDOM_3 = 2.353363  # of published tables


@given(st.floats(-0.5, 2.5), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_a_power_law_gives_its_exponent_in_any_unit(exponent, cost_unit, volume_unit):
    found = cost_elasticity(cost_unit * VOLUME**exponent, volume_unit * VOLUME)
    assert_allclose([found.value, found.low, found.high], exponent, atol=1e-9)
    expected = "sub-linear" if exponent < 1 - 1e-6 else "super-linear" if exponent > 1 + 1e-6 else found.verdict
    assert found.verdict == expected


def test_slope_and_interval_are_those_of_least_squares():
    cost = np.array([10.0, 12.5, 18.2, 24.0, 41.0])
    x, y = np.log(VOLUME), np.log(cost)
    design = np.column_stack([np.ones(5), x])
    (_, slope), (rest,), *_ = np.linalg.lstsq(design, y)
    error = np.sqrt(rest / 3 * np.linalg.inv(design.T @ design)[1, 1])
    found = cost_elasticity(cost, VOLUME)
    assert_allclose(found.value, slope, rtol=1e-12)
    assert_allclose([found.low, found.high], slope + STUDENT_T_95_FREEDOM_3 * error * np.array([-1, 1]), rtol=1e-6)
    assert found.verdict == NOT_TOLD


def test_exact_proportion_is_linear():
    assert cost_elasticity(3.0 * VOLUME, VOLUME).verdict == "linear"


@pytest.mark.parametrize(
    ("cost", "volume"),
    [([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]), ([0.0, 2.0, 3.0], [1.0, 2.0, 3.0])],
    ids=["two periods", "volume that stays", "a cost of nothing"],
)
def test_no_elasticity_is_told_where_none_can_be(cost, volume):
    assert cost_elasticity(np.array(cost), np.array(volume)) is None


@given(st.floats(0.01, 10.0), st.floats(0.01, 10.0), st.integers(1, 24))
def test_the_way_to_a_target_changes_by_the_same_part_each_period(now, target, n_periods):
    path = glide_path(now, target_usd=target, n_periods=n_periods)
    assert len(path) == n_periods
    assert path[-1] == target
    assert_allclose(path / np.append(now, path[:-1]), (target / now) ** (1 / n_periods), rtol=1e-9)


def test_the_trend_of_a_steady_growth_is_that_growth():
    assert_allclose(yearly_change(2.0 * 1.02 ** np.arange(9), periods_per_year=4.0), 1.02**4 - 1, rtol=1e-9)
    assert yearly_change(np.array([1.0]), periods_per_year=4.0) is None
