"""Azure's order of application, rule by rule: case azure-sp-order-01 states it in words, without figures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.billing.azure.order import plan_rates, settle
from optimizer.billing.settlement import Holding, Reach, Stage, UsageLines

ONE_YEAR, THREE_YEARS = 8_760, 26_280


def usage_of(units, on_demand_usd=None, accounts=None, idle=()):
    units = np.atleast_2d(np.asarray(units, dtype=float))
    n_lines = len(units)
    return UsageLines(
        names=tuple(f"line{row}" for row in range(n_lines)),
        accounts=("",) * n_lines if accounts is None else tuple(accounts),
        on_demand_usd=np.ones(n_lines) if on_demand_usd is None else on_demand_usd,
        units=units,
        idle_lines=frozenset(idle),
    )


def holding(label, stage, draws, quantity, **changes):
    return Holding(
        label=label,
        stage=stage,
        lines=list(draws),
        draw=list(draws.values()),
        quantity=np.atleast_1d(np.asarray(quantity, dtype=float)),
        **changes,
    )


def plan(label, rate, quantity, **changes):
    return holding(label, Stage.COMPUTE_PLAN, {0: rate}, quantity, **changes)


def used(settled):
    return settled.used_quantity[:, 0].tolist()


def test_reservations_come_before_savings_plans_however_much_the_plan_saves():
    reservation = holding("reservation", Stage.REGIONAL_RESERVATION, {0: 1.0}, 1.0)
    deepest = plan("plan", 0.1, 1.0, term_hours=THREE_YEARS, reach=Reach.RESOURCE_GROUP)
    settled = settle(usage_of([[1.0]]), [deepest, reservation])
    assert used(settled) == [0.0, 1.0]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_three_year_plans_come_before_one_year_plans(is_reversed):
    plans = [plan("1y", 0.7, 0.7, term_hours=ONE_YEAR), plan("3y", 0.8, 0.8, term_hours=THREE_YEARS)]
    settled = settle(usage_of([[1.0]]), plans[::-1] if is_reversed else plans)
    assert set(settled.covered_units) == {"3y"}


@pytest.mark.parametrize("stage", [Stage.REGIONAL_RESERVATION, Stage.COMPUTE_PLAN])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_narrower_scope_comes_before_the_wider_one(stage, is_reversed):
    held = [
        holding(reach.name, stage, {0: 0.5}, 0.5, reach=reach, term_hours=ONE_YEAR)
        for reach in (Reach.RESOURCE_GROUP, Reach.ACCOUNT, Reach.MANAGEMENT_GROUP, Reach.SHARED)
    ]
    settled = settle(usage_of([[3.0]]), held[::-1] if is_reversed else held)
    assert list(settled.covered_units) == ["RESOURCE_GROUP", "ACCOUNT", "MANAGEMENT_GROUP"]


def test_a_plan_covers_the_usage_with_the_greatest_discount_first_until_it_is_used_up():
    usage = usage_of([[1.0], [1.0], [1.0]], on_demand_usd=[1.0, 2.0, 4.0])
    settled = settle(usage, [holding("plan", Stage.COMPUTE_PLAN, {0: 0.8, 1: 1.0, 2: 3.0}, 2.5)])
    assert_allclose(settled.on_demand_units[:, 0], [1.0, 0.0, 0.5])  # 50 % off, then 25 %, then nothing is left
    assert_allclose(settled.used_quantity, [[2.5]])


def test_each_plan_is_used_up_before_the_next_one_starts():
    """AWS mixes plans of one type by what each saves on each line; Azure takes plan after plan."""
    usage = usage_of([[1.0], [1.0]])
    long = holding("3y", Stage.COMPUTE_PLAN, {0: 0.9, 1: 0.8}, 1.7, term_hours=THREE_YEARS)
    short = holding("1y", Stage.COMPUTE_PLAN, {0: 0.3, 1: 0.6}, 1.0, term_hours=ONE_YEAR)
    settled = settle(usage, [short, long])
    assert_allclose(settled.used_quantity[:, 0], [0.0, 1.7])


def test_unused_commitment_is_lost_in_its_hour():
    settled = settle(usage_of([[0.0, 2.0]]), [plan("plan", 0.5, [0.5, 0.5])])
    assert_allclose(settled.used_quantity, [[0.0, 0.5]])
    assert_allclose(settled.on_demand_units, [[0.0, 1.0]])


def test_a_negotiated_price_below_the_plan_rate_wins_and_draws_the_commitment_down():
    rates = plan_rates(np.array([0.6, 0.9]), np.array([1.0, 0.8]))
    assert_allclose(rates, [0.6, 0.8])
    usage = usage_of([[0.0], [1.0]], on_demand_usd=[1.0, 0.8])
    settled = settle(usage, [holding("plan", Stage.COMPUTE_PLAN, dict(enumerate(rates)), 2.0)])
    assert_allclose(settled.used_quantity, [[0.8]])


def test_running_machines_are_covered_before_idle_reserved_capacity():
    usage = usage_of([[1.0], [1.0]], idle=[0])
    settled = settle(usage, [holding("reservation", Stage.REGIONAL_RESERVATION, {0: 1.0, 1: 1.0}, 1.0)])
    assert_allclose(settled.on_demand_units[:, 0], [1.0, 0.0])


def test_what_is_not_shared_stays_in_its_own_subscription():
    usage = usage_of([[1.0], [1.0]], accounts=["mine", "theirs"])
    reservation = holding("r", Stage.REGIONAL_RESERVATION, {0: 1.0, 1: 1.0}, 2.0, account="mine")
    assert_allclose(settle(usage, [reservation], is_shared=False).on_demand_units[:, 0], [0.0, 1.0])
    assert_allclose(settle(usage, [reservation]).on_demand_units, 0.0)
