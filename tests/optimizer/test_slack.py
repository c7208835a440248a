import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.limits import Limits
from optimizer.slack import LimitSlack, limit_slack, limit_values, overstepped_usd, pressed
from optimizer.sweep import Prices, plain_prices

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


def test_usd_overstepped_are_parts_of_what_each_limit_is_measured_by(build):
    problem = _problem(build)
    classes = cover_classes(problem.instruments, split_by_fee=True)
    quantity = np.array([3.0])
    found = evaluate(problem, quantity, classes)
    over = overstepped_usd(problem, quantity, found, limit_slack(problem, quantity, found))
    # 3 USD are committed, 18 USD of demand; 14 of them are not on spot, of which 11 are covered
    expected = {
        "expected stranded value": 0.25 - 0.3 * 3.0,
        "CVaR 50 of stranded value": 0.5 - 0.6 * 3.0,
        "minimum coverage": 0.5 * 14.0 - 11.0,
        "maximum coverage": 11.0 - 0.7 * 14.0,
        "spot share": 4.0 - 0.5 * 18.0,
    }
    assert set(over) == set(expected)
    assert_allclose([over[name] for name in expected], list(expected.values()), rtol=1e-6)


def test_a_limit_that_is_not_set_is_not_overstepped(build):
    problem = build.problem([[[4.0]]], on_demand_usd=[1.0])
    found = evaluate(problem, np.zeros(0), cover_classes(problem.instruments, split_by_fee=True))
    assert overstepped_usd(problem, np.zeros(0), found, _slack()) == {}


@pytest.mark.parametrize(("turn", "least_usd"), [(0, 0.05), (1, 0.3), (2, 1.0), (3, 0.05)])
@pytest.mark.parametrize(
    ("overstepped", "stranded", "covered", "spot"),
    [
        ("stranded_expected", 1, 0, 0),
        ("stranded_cvar", 1, 0, 0),
        ("coverage_min", 0, 1, 0),
        ("coverage_max", 0, -1, 0),
        ("spot_share", 0, 0, 1),
    ],
)
def test_an_overstepped_limit_costs_something_where_it_was_free(  # each is one column of the table
    overstepped: str, stranded: int, covered: int, spot: int, turn: int, least_usd: float
):
    prices = pressed(plain_prices(2), _slack(**{overstepped: -0.1}), turn)
    assert_allclose(prices.stranded, stranded * least_usd)
    assert_allclose([prices.covered, prices.spot], [covered * least_usd, spot * least_usd])


KNOWN = Prices(cost=np.ones(2), stranded=np.array([0.2, 0.0]), covered=0.3, spot=-0.1)


def test_prices_of_limits_that_hold_stay():
    prices = pressed(KNOWN, _slack(stranded_expected=0.1, coverage_min=0.0, coverage_max=0.2, spot_share=0.1), 2)
    assert_allclose(prices.stranded, KNOWN.stranded)
    assert (prices.covered, prices.spot) == (KNOWN.covered, KNOWN.spot)


def test_prices_that_are_known_count_more_in_turn():
    over = _slack(stranded_expected=-0.1, coverage_min=-0.1)
    stranded = [pressed(KNOWN, over, turn).stranded for turn in range(3)]
    assert_allclose(stranded, [[0.2, 0.05], [0.4, 0.3], [1.0, 1.0]])
    assert_allclose([pressed(KNOWN, over, turn).covered for turn in range(3)], [0.3, 0.6, 1.5])
