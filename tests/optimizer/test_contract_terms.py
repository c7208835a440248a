import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.contract_terms import Settlement, ShortfallRule, bound_constant_usd, marginal_usd, settle


def _rule(
    *,
    movable: tuple[float, ...] = (0.0, 0.0),
    months: int = 0,
    after: bool = False,
    discount: tuple[float, ...] | None = None,
) -> ShortfallRule:
    return ShortfallRule(
        movable_usd=np.array(movable),
        prepayment_months=months,
        is_used_after_end=after,
        end_discount=np.ones(len(movable)) if discount is None else np.array(discount),
    )


def _settled(
    rule: ShortfallRule, due: list[float], counted: list[float], spend: list[float] | None = None
) -> Settlement:
    return settle(
        rule,
        due_usd=np.array([due]),
        counted_usd=np.array([counted]),
        spend_usd=np.array([counted if spend is None else spend]),
    )


def test_a_paid_shortfall_is_the_difference_of_its_year():
    found = _settled(_rule(), [100.0, 100.0], [80.0, 130.0])
    assert found.shortfall_usd.tolist() == [[20.0, 0.0]]
    assert found.extra_usd.tolist() == [20.0]


def test_a_seventh_of_a_commitment_may_move_to_the_next_year_as_in_snaps_contract():
    # 400 million a year, up to 15 % moves: 50 missed in year 1 move, and 60 more than enough in year 2 pay them back
    found = _settled(_rule(movable=(60.0, 60.0, 0.0)), [400.0, 400.0, 400.0], [350.0, 460.0, 300.0])
    assert found.moved_usd.tolist() == [[50.0, 0.0, 0.0]]
    assert found.shortfall_usd.tolist() == [[0.0, 0.0, 100.0]]


def test_no_more_moves_than_may():
    found = _settled(_rule(movable=(60.0, 0.0)), [400.0, 400.0], [300.0, 400.0])
    assert found.moved_usd.tolist() == [[60.0, 0.0]]
    assert found.shortfall_usd.tolist() == [[40.0, 60.0]]


def test_a_prepayment_is_used_first_and_does_not_count_as_in_palantirs_contract():
    found = _settled(_rule(months=12), [100.0, 100.0], [80.0, 110.0])
    assert found.used_usd.tolist() == [[0.0, 20.0, 0.0]]
    assert found.shortfall_usd.tolist() == [[20.0, 10.0]]  # 110 - 20 that the prepayment paid for
    assert found.extra_usd.tolist() == [10.0]


def test_what_is_left_of_a_prepayment_after_its_months_lapses():
    found = _settled(_rule(months=3), [100.0, 0.0], [40.0, 100.0])
    assert found.used_usd.tolist() == [[0.0, 25.0, 0.0]]  # a quarter of the year's spend
    assert found.extra_usd.tolist() == [35.0]


def test_a_last_prepayment_is_lost_unless_spend_goes_on():
    assert _settled(_rule(months=12), [100.0, 100.0], [100.0, 80.0]).extra_usd.tolist() == [20.0]
    assert _settled(_rule(months=12, after=True), [100.0, 100.0], [100.0, 80.0]).extra_usd.tolist() == [0.0]


def test_shortfalls_are_discounted_from_the_end_of_their_year():
    found = _settled(_rule(discount=(0.9, 0.8)), [100.0, 100.0], [80.0, 70.0])
    assert_allclose(found.extra_usd, [0.9 * 20.0 + 0.8 * 30.0], rtol=1e-14)


money = st.floats(0.0, 200.0)
triples = st.tuples(money, money, money)


@given(
    due=triples,
    counted=triples,
    other=triples,
    movable=st.tuples(st.floats(0.0, 50.0), st.floats(0.0, 50.0)),
    carried=st.sampled_from([(0, False), (6, False), (12, False), (12, True)]),
    most=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
)
def test_prices_at_one_spend_bound_the_cost_of_any_other(due, counted, other, movable, carried, most):
    rule = _rule(movable=(*movable, 0.0), months=carried[0], after=carried[1], discount=(0.95, 0.9, 0.85))
    found = _settled(rule, list(due), list(counted))
    prices = marginal_usd(rule, found, np.array(most))
    assert np.all(prices >= 0.0)
    assert np.all(prices <= rule.end_discount)
    bound = float(prices[0] @ (np.array(due) - np.array(other))) + float(bound_constant_usd(rule, prices)[0])
    assert _settled(rule, list(due), list(other)).extra_usd[0] >= bound - 1e-9


@given(due=triples, counted=triples, more=triples, movable=st.floats(0.0, 50.0), months=st.sampled_from([0, 3, 12]))
def test_more_spend_never_costs_more_and_a_lower_commitment_neither(due, counted, more, movable, months):
    rule = _rule(movable=(movable, movable, 0.0), months=months)
    usd = _settled(rule, list(due), list(counted)).extra_usd[0]
    richer = [a + b for a, b in zip(counted, more, strict=True)]
    assert _settled(rule, list(due), richer).extra_usd[0] <= usd + 1e-9
    lower = [max(a - b, 0.0) for a, b in zip(due, more, strict=True)]
    assert _settled(rule, lower, list(counted)).extra_usd[0] <= usd + 1e-9


@pytest.mark.parametrize("months", [0, 12])
def test_moving_more_or_a_prepayment_never_costs_more(months):
    rng = np.random.default_rng(0)
    due, counted = rng.uniform(50.0, 150.0, (200, 3)), rng.uniform(50.0, 150.0, (200, 3))

    def extra(movable: float) -> np.ndarray:
        rule = _rule(movable=(movable, movable, 0.0), months=months)
        return settle(rule, due_usd=due, counted_usd=counted, spend_usd=counted).extra_usd

    assert np.all(extra(20.0) <= extra(10.0) + 1e-9)
    paid = settle(_rule(movable=(0.0,) * 3), due_usd=due, counted_usd=counted, spend_usd=counted).extra_usd
    assert np.all(extra(0.0) <= paid + 1e-9)
