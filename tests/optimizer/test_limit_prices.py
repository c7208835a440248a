"""Every limit: its price is between what loosening it saves and what tightening it costs, and one that cannot be met
names what must give, so that it can.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.assembly import Assembled
from optimizer.errors import InfeasibleLimitsError
from optimizer.extensive import solve_extensive
from optimizer.jobs.describe import limit_states
from optimizer.jobs.solve import Method, Solved, solve
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.offers import Offer, OfferKind
from optimizer.plan import LimitState
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.rounding import broken_limits
from optimizer.solver import SolverOptions

METHODS = [method for method in get_args(Method) if method != "auto"]
BINDING = {
    "expected stranded value": 0.031,
    "CVaR 60 of stranded value": 0.043,
    "minimum coverage": 0.87,
    "maximum coverage": 0.43,
    "spot share": 0.051,
    "Q1": 0.97,
    "offer": 0.067,
    "date": 31.3,
    "room": 7.7,
}
WIDE = {"minimum coverage": 0.01, "room": 0.01, "Q1": 1e6, "date": 1e6}
FLOORS = ("minimum coverage", "room")
MOVE_FRACTION = 1e-4  # of a limit: small enough that the optimum is linear in it, but for a kink
NAN = float("nan")


def answer(problem: PlanningProblem, method: Method, *, gap_fraction: float = 1e-6) -> Solved:
    """Answer of one method; every batch is bought at the first date."""
    offers = tuple(
        Offer(
            offer_id=name,
            kind=OfferKind.RESERVED_STANDARD,
            provider="p",
            region="r",
            pools=problem.pools[:1],
            draw=np.array([1.0]),
            hourly_usd=0.5,
            upfront_usd=0.0,
            term_months=1,
            payment_option="none",
        )
        for name in problem.instruments.names
    )
    n_batches = problem.batches.n_batches
    assembled = Assembled(
        problem=problem, offers=offers, decision_hour=np.zeros(n_batches, dtype=int), commitment=(None,) * n_batches
    )
    return solve(assembled, Increments(), method=method, gap_fraction=gap_fraction, tell=lambda _: None)


def state_of(problem: PlanningProblem, method: Method) -> LimitState:
    """What is reported of the only limit."""
    (state,) = limit_states(answer(problem, method))
    return state


def optimum_usd(problem: PlanningProblem) -> float:
    """Optimum of the readable program."""
    return solve_extensive(problem, SolverOptions()).objective_usd


@pytest.fixture(scope="module")
def slopes(build) -> Callable[[str], tuple[float, float]]:
    """What loosening a limit saves and what tightening it costs, for each of its units, by optima found anew."""

    @cache
    def of_limit(name: str) -> tuple[float, float]:
        limit = BINDING[name]
        move = MOVE_FRACTION * limit
        looser = -move if name in FLOORS else move
        here, loose, tight = (
            optimum_usd(build.under_one_limit(name, limit + change)) for change in (0.0, looser, -looser)
        )
        return (here - loose) / move, (tight - here) / move

    return of_limit


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BINDING, ids=lambda name: name.replace(" ", "-"))
def test_a_price_is_between_what_loosening_saves_and_what_tightening_costs(build, slopes, name: str, method: Method):
    saved, cost = slopes(name)
    state = state_of(build.under_one_limit(name, BINDING[name]), method)
    assert state.binds
    assert saved > 0
    # with spot the lower bound of the cuts is not tight (docs/optimizer.md), nor is its slope
    tolerance = 5e-2 if (name, method) == ("spot share", "cuts") else 2e-3
    assert min(saved, cost) * (1 - tolerance) <= state.price_usd <= max(saved, cost) * (1 + tolerance)


@pytest.mark.parametrize("name", ["minimum coverage", "offer", "date"])
def test_at_the_gap_of_a_plan_prices_are_those_of_the_optimum(build, name: str):
    problem = build.under_one_limit(name, BINDING[name])
    (state,) = limit_states(answer(problem, "cuts", gap_fraction=1e-4))
    assert_allclose(state.price_usd, state_of(problem, "extensive").price_usd, rtol=2e-2)


KINKED = {  # the limit that leaves so many units of demand 1, 2, 3, 3 to a reservation at 0.4
    "Q1": lambda units: 2.0 * units,
    "date": lambda units: 0.4 * 4 * units,
    "maximum coverage": lambda units: float(np.minimum([1, 2, 3, 3], units).sum()) / 9,
}


def _kinked(build, name: str, limit: float) -> PlanningProblem:
    only = np.array([0])
    limits = {
        "Q1": Limits(cash=(CashLimit(batch_indices=only, usd=limit, label="Q1"),)),
        "date": Limits(purchases=(PurchaseLimit(batch_indices=only, usd=limit, label="date"),)),
        "maximum coverage": Limits(coverage_max_fraction=limit),
    }
    return build.problem(
        [[[1.0, 2.0, 3.0, 3.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.4)],
        batches=[build.batch(instrument=0, upfront_usd=2.0)],
        limits=limits[name],
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", KINKED, ids=lambda name: name[:3])
def test_at_a_kink_the_price_is_between_the_two_slopes(build, name: str, method: Method):
    # the second unit serves three hours and saves 3 - 1.6 USD, the third two and saves 2 - 1.6
    below, at, above = (KINKED[name](units) for units in (1.9, 2.0, 2.1))
    low, here, high = (optimum_usd(_kinked(build, name, limit)) for limit in (below, at, above))
    saved, cost = (here - high) / (above - at), (low - here) / (at - below)
    assert 0 < saved < 0.9 * cost
    price = state_of(_kinked(build, name, at), method).price_usd
    assert saved * (1 - 1e-6) <= price <= cost * (1 + 1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BINDING, ids=lambda name: name.replace(" ", "-"))
def test_a_limit_that_leaves_room_has_no_price(build, name: str, method: Method):
    state = state_of(build.under_one_limit(name, WIDE.get(name, 1.0)), method)
    assert not state.binds
    assert state.price_usd == 0.0


# limits that cannot be met


def _two_rooms(build, *, units: float = 5.0, fee_usd: float = 0.5, **limits: object) -> PlanningProblem:
    """Two pools of demand 4 and 5, a firm reservation of each that asks for 2 USD upfront, and firm capacity asked for.

    A third reservation is no firm capacity.
    """
    rooms = tuple(
        FirmRequirement(pool_index=pool, start_hour=0, end_hour=2, units=units, label=f"room of {pool}")
        for pool in (0, 1)
    )
    one, other = (1.0, NAN), (NAN, 1.0)
    return build.problem(
        [[[4.0, 5.0], [5.0, 4.0]]],
        on_demand_usd=[1.0, 1.0],
        instruments=[
            build.instrument(draw=one, fee_usd=fee_usd, is_firm=True),
            build.instrument(draw=other, fee_usd=fee_usd, is_firm=True),
            build.instrument(draw=one, fee_usd=0.9),
        ],
        batches=[build.batch(instrument=row, upfront_usd=2.0) for row in range(3)],
        limits=Limits(**{"firm": rooms} | limits),
    )


CASH = {"batch_indices": np.array([0, 1, 2]), "label": "Q1"}
IMPOSSIBLE = {  # limits of `_two_rooms`, and the keys of those that must give
    "expected stranded value": {"fee_usd": 0.05, "units": 10.0, "stranded_expected_fraction": 0.1},
    "CVaR 95 of stranded value": {"fee_usd": 0.05, "units": 10.0, "stranded_cvar_fraction": 0.1},
    "minimum coverage": {"firm": (), "coverage_min_fraction": 0.9, "cash": (CashLimit(usd=16.0, **CASH),)},
    "Q1": {"cash": (CashLimit(usd=18.0, **CASH),)},
    "date": {"purchases": (PurchaseLimit(usd=9.0, batch_indices=CASH["batch_indices"], label="date"),)},
    "offer": {"shares": (ShareLimit(batch_indices=np.array([0]), fraction=0.0, label="offer"),)},
    "room of 0": {"units": 30.0, "cash": (CashLimit(usd=50.0, **CASH),)},
}
PRINTED = re.compile(r"^  - (?:raise|lower) (.+) to ([\d.,e+-]+) (?:USD|units|fraction) \(by", flags=re.MULTILINE)


def relaxed(limits: Limits, printed: dict[str, float]) -> Limits:
    """Limits with the printed numbers in place of those that must give."""
    return replace(
        limits,
        stranded_expected_fraction=printed.get("expected stranded value", limits.stranded_expected_fraction),
        stranded_cvar_fraction=printed.get("CVaR 95 of stranded value", limits.stranded_cvar_fraction),
        coverage_min_fraction=printed.get("minimum coverage", limits.coverage_min_fraction),
        coverage_max_fraction=printed.get("maximum coverage", limits.coverage_max_fraction),
        cash=tuple(replace(cash, usd=printed.get(cash.label, cash.usd)) for cash in limits.cash),
        purchases=tuple(replace(one, usd=printed.get(one.label, one.usd)) for one in limits.purchases),
        shares=tuple(replace(one, fraction=printed.get(one.label, one.fraction)) for one in limits.shares),
        firm=tuple(replace(firm, units=printed.get(firm.label, firm.units)) for firm in limits.firm),
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", IMPOSSIBLE, ids=lambda name: name.replace(" ", "-"))
def test_a_limit_that_cannot_be_met_is_named_and_what_is_printed_makes_it_meetable(build, name: str, method: Method):
    problem = _two_rooms(build, **IMPOSSIBLE[name])
    with pytest.raises(InfeasibleLimitsError, match="the limits cannot all be met") as caught:
        answer(problem, method)
    printed = {label: float(to.replace(",", "")) for label, to in PRINTED.findall(str(caught.value))}
    assert name in printed
    found = answer(replace(problem, limits=relaxed(problem.limits, printed)), method)
    assert broken_limits(found.assembled.problem, found.exact, found.exact_found) == ()


@pytest.mark.parametrize("method", METHODS)
def test_a_ceiling_on_coverage_below_what_is_owned_is_named(build, method: Method):
    problem = _two_rooms(build, firm=(), coverage_max_fraction=0.2)
    owned = replace(problem, batches=replace(problem.batches, fixed_quantity=np.array([4.0, NAN, NAN])))
    with pytest.raises(InfeasibleLimitsError) as caught:
        answer(owned, method)
    ((name, to),) = PRINTED.findall(str(caught.value))
    assert name == "maximum coverage"
    assert answer(replace(owned, limits=relaxed(owned.limits, {name: float(to)})), method).quantity[0] == 4.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("limits", [{"spot_share_max": 0.0}, {"coverage_max_fraction": 0.0}], ids=["spot", "coverage"])
def test_ceilings_on_use_alone_can_always_be_met(build, limits: dict[str, float], method: Method):
    problem = replace(_two_rooms(build, firm=(), **limits), spot_usd=np.array([0.1, 0.1]), spot_eligible=np.ones(2))
    found = answer(problem, method)
    assert broken_limits(problem, found.exact, found.exact_found) == ()
