from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.costs import LimitPrices, evaluate, no_limit_prices
from optimizer.cover import cover_classes
from optimizer.limits import Limits
from optimizer.slack import LimitSlack, limit_slack, limit_values, pressed, tightened

LIMITS = Limits(
    stranded_expected_fraction=0.3,
    stranded_cvar_fraction=0.6,
    cvar_level=0.5,
    coverage_min_fraction=0.5,
    coverage_max_fraction=0.7,
    spot_share_max=0.5,
)


def _problem(build):
    return build.problem(
        [[[4.0, 4.0]], [[2.0, 8.0]]],
        on_demand_usd=[2.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0)],
        spot=[(0.4, 0.25)],
        limits=LIMITS,
    )


def test_values_are_what_a_count_by_hand_gives(build):
    problem = _problem(build)
    classes = cover_classes(problem.instruments, split_by_fee=True)
    found = evaluate(problem, np.array([3.0]), classes)
    value = limit_values(problem, np.array([3.0]), found)
    # 3 units held; used 3, 3 and 2, 3: of 2 x 3 x 0.5 USD half a USD is idle in the second scenario
    assert_allclose(value.stranded_expected, 0.5 * 0.5 / 3.0)
    assert_allclose(value.stranded_cvar, 0.5 / 3.0)
    # spot runs a quarter of 4, 4 and 8, none where the plan covers all of it
    off_spot = [3.0 + 3.0, 2.0 + 6.0]
    assert_allclose(value.coverage, (6.0 + 5.0) / sum(off_spot))
    assert_allclose(value.spot_share, (2.0 + 2.0) / 18.0, rtol=1e-6)
    slack = limit_slack(problem, np.array([3.0]), found)
    assert_allclose(slack.coverage_min, value.coverage - 0.5)
    assert_allclose(slack.coverage_max, 0.7 - value.coverage)
    assert slack.overstepped(LIMITS) == ("maximum coverage is missed by 0.0857",)


def test_nothing_bought_strands_nothing(build):
    problem = _problem(build)
    classes = cover_classes(problem.instruments, split_by_fee=True)
    value = limit_values(problem, np.zeros(1), evaluate(problem, np.zeros(1), classes))
    assert_allclose([value.stranded_expected, value.stranded_cvar, value.coverage], 0.0, atol=1e-12)


def _slack(**values: float) -> LimitSlack:
    names = ("stranded_expected", "stranded_cvar", "coverage_min", "coverage_max", "spot_share")
    return LimitSlack(**{name: values.get(name, np.nan) for name in names})


def test_limits_move_inwards_only_where_they_are_overstepped():
    moved = tightened(LIMITS, _slack(stranded_expected=-0.01, coverage_min=-0.02, coverage_max=0.1))
    assert moved.stranded_expected_fraction < 0.29
    assert moved.coverage_min_fraction > 0.52
    expected = replace(
        LIMITS,
        stranded_expected_fraction=moved.stranded_expected_fraction,
        coverage_min_fraction=moved.coverage_min_fraction,
    )
    assert [getattr(moved, name) for name in ("coverage_max_fraction", "spot_share_max", "stranded_cvar_fraction")] == [
        getattr(expected, name) for name in ("coverage_max_fraction", "spot_share_max", "stranded_cvar_fraction")
    ]


@pytest.mark.parametrize(
    ("overstepped", "stranded_usd", "covered_usd"),
    [("stranded_expected", 1.0, 0.0), ("stranded_cvar", 1.0, 0.0), ("coverage_min", 0.0, 1.0), ("coverage_max", 0, -1)],
)
def test_an_overstepped_limit_costs_something_where_it_was_free(
    overstepped: str, stranded_usd: float, covered_usd: float
):
    prices = pressed(no_limit_prices(2), _slack(**{overstepped: -0.1}))
    assert_allclose(prices.stranded_usd, stranded_usd)
    assert_allclose(prices.covered_usd, covered_usd)


def test_prices_that_are_known_stay():
    known = LimitPrices(cost_factor=np.ones(2), stranded_usd=np.array([0.2, 0.0]), covered_usd=0.3, spot_usd=0.0)
    prices = pressed(known, _slack(stranded_expected=-0.1, coverage_min=-0.1))
    assert_allclose(prices.stranded_usd, [0.2, 0.0])
    assert_allclose(prices.covered_usd, 0.3)
