"""One problem solved by either method: prices of its limits, bounds of what is advised, what is left out."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.assembly import Assembled
from optimizer.costs import evaluate
from optimizer.cutting_planes import solve_cuts
from optimizer.errors import CertificateError, InfeasibleLimitsError
from optimizer.jobs.solve import Method, Solved, solve
from optimizer.limits import FirmRequirement
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.rounding import broken_limits

METHODS = [method for method in get_args(Method) if method != "auto"]


def solved(
    problem: PlanningProblem, method: Method, *, gap_fraction: float = 1e-7, increments: Increments | None = None
) -> Solved:
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
    return solve(assembled, increments or Increments(), method=method, gap_fraction=gap_fraction, tell=lambda _: None)


def test_a_lower_bound_above_the_cost_is_a_defect_and_no_answer(build, monkeypatch: pytest.MonkeyPatch):
    def wrong(*args: object, **options: object) -> object:
        found = solve_cuts(*args, **options)
        return replace(found, lower_bound_usd=found.upper_bound_usd * 1.001)

    monkeypatch.setattr("optimizer.jobs.solve.solve_cuts", wrong)
    with pytest.raises(CertificateError, match=r"the lower bound, .* is above the cost recomputed hour by hour"):
        solved(build.under_one_limit("Q1", 0.97), "cuts")


@pytest.fixture
def with_crumbs(build) -> PlanningProblem:
    """A large pool, and a tiny one whose whole reservation commits 4e-7 of the cost."""
    nan = float("nan")
    return build.problem(
        np.array([100.0, 4e-5])[None, :, None] * np.linspace(0.9, 1.1, 12)[None, None, :],
        on_demand_usd=[1.0, 1.0],
        instruments=[build.instrument(draw=draw, fee_usd=0.5) for draw in ((1.0, nan), (nan, 1.0))],
        batches=[build.batch(instrument=0), build.batch(instrument=1)],
    )


@pytest.mark.parametrize("method", METHODS)
def test_what_is_too_small_to_advise_is_left_out_and_the_bounds_are_those_of_what_remains(
    with_crumbs: PlanningProblem, method: Method
):
    found = solved(with_crumbs, method, gap_fraction=1e-6)
    assert found.n_left_out == 1
    assert found.quantity[0] > 90
    assert found.quantity[1] == found.exact[1] == 0.0
    assert found.bought.tolist() == [0]
    again = evaluate(with_crumbs, found.exact, found.classes)
    assert_allclose(found.upper_bound_usd, again.objective_usd, rtol=1e-15)
    assert found.lower_bound_usd < found.upper_bound_usd
    assert 0 < found.gap_fraction <= 2e-6


@pytest.mark.parametrize("method", METHODS)
def test_an_optimum_that_must_be_exact_keeps_what_is_small(with_crumbs: PlanningProblem, method: Method):
    found = solved(with_crumbs, method)
    assert found.n_left_out == 0
    assert found.quantity[1] > 0


@pytest.mark.parametrize("method", METHODS)
def test_a_crumb_is_not_made_whole_by_the_steps_of_purchases(with_crumbs: PlanningProblem, method: Method):
    found = solved(with_crumbs, method, gap_fraction=1e-6, increments=Increments(units=1.0))
    assert found.quantity[1] == 0.0
    assert found.quantity[0] == round(found.quantity[0]) > 90


@pytest.mark.parametrize("method", METHODS)
def test_both_methods_find_the_same_best_whole_units(build, method: Method):
    problem = build.under_one_limit("Q1", 4.3)  # cash for two whole reservations of 1.7 USD
    found = solved(problem, method, increments=Increments(units=1.0))
    reference = min(
        evaluate(problem, np.array([units, plan]), found.classes).objective_usd
        for units in (0.0, 1.0, 2.0)
        for plan in np.arange(0.0, 15.0)
    )
    assert found.rounding.method == "extensive"
    assert found.quantity[0] in (0.0, 1.0, 2.0)
    assert_allclose(found.found.objective_usd, reference, rtol=1e-7)
    assert_allclose(found.rounding.lower_bound_usd, reference, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "limit"), [("expected stranded value", 0.031), ("minimum coverage", 0.87), ("maximum coverage", 0.43)]
)
def test_limits_on_use_hold_after_rounding(build, name: str, limit: float):
    problem = build.under_one_limit(name, limit)
    found = solved(problem, "cuts", increments=Increments(units=0.5))
    assert found.rounding.method == "cuts"
    assert broken_limits(problem, found.quantity, found.found) == ()
    assert_allclose(found.quantity / 0.5, np.rint(found.quantity / 0.5), atol=1e-9)
    assert found.lower_bound_usd <= found.rounding.lower_bound_usd <= found.found.objective_usd


@pytest.mark.parametrize("coverage", [None, 0.01], ids=["extensive", "cuts"])
def test_limits_that_no_whole_units_keep_are_refused(build, coverage: float | None):
    """Firm capacity asks for 1.2 units of a reservation, cash allows 1.5; a limit on use leaves it to the cuts."""
    problem = build.under_one_limit("Q1", 1.5 * 1.7)
    firm = FirmRequirement(pool_index=0, start_hour=0, end_hour=12, units=1.2, label="room")
    limits = replace(problem.limits, firm=(firm,), coverage_min_fraction=coverage)
    between = replace(problem, limits=limits)
    assert 1.2 - 1e-6 <= solved(between, "cuts").quantity[0] <= 1.5 + 1e-6
    with pytest.raises(InfeasibleLimitsError, match=r"cannot all be met by purchases in whole steps \(1\), though"):
        solved(between, "cuts", increments=Increments(units=1.0))


def test_an_optimum_that_is_whole_as_it_is_needs_no_search(build):
    problem = build.problem(
        [[[4.0, 4.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0)],
    )
    found = solved(problem, "extensive", increments=Increments(units=1.0))
    assert found.rounding.method == "none"
    assert found.quantity.tolist() == [4.0]
