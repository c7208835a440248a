"""One problem solved by either method: prices of its limits, bounds of what is advised, what is left out."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.assembly import Assembled
from optimizer.costs import evaluate
from optimizer.cutting_planes import solve_cuts
from optimizer.errors import CertificateError
from optimizer.jobs.describe import limit_states
from optimizer.jobs.solve import Method, Solved, solve
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem

METHODS = [method for method in get_args(Method) if method != "auto"]
LIMITS = {
    "expected stranded value": 0.031,
    "CVaR 60 of stranded value": 0.043,
    "minimum coverage": 0.87,
    "maximum coverage": 0.43,
    "spot share": 0.051,
    "Q1": 0.97,
    "offer": 0.067,
    "room": 7.7,
}
FLOORS = ("minimum coverage", "room")


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


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LIMITS, ids=lambda name: name.replace(" ", "-"))
def test_the_price_of_a_limit_is_what_loosening_it_saves(build, name: str, method: Method):
    step = 1e-4 * (-1.0 if name in FLOORS else 1.0)
    tight, loose = (build.under_one_limit(name, LIMITS[name] + change) for change in (-step, step))
    (state,) = limit_states(solved(build.under_one_limit(name, LIMITS[name]), method))
    saved = solved(tight, "extensive").upper_bound_usd - solved(loose, "extensive").upper_bound_usd
    assert state.binds
    assert state.price_usd > 0
    # the bounds of cutting planes are near the optimum in value, and less so in slope
    assert_allclose(state.price_usd, saved / (2 * abs(step)), rtol=5e-3 if method == "extensive" else 0.05)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LIMITS, ids=lambda name: name.replace(" ", "-"))
def test_a_limit_that_leaves_room_has_no_price(build, name: str, method: Method):
    wide = {"minimum coverage": 0.01, "room": 0.01, "Q1": 1e6}.get(name, 1.0)
    (state,) = limit_states(solved(build.under_one_limit(name, wide), method))
    assert not state.binds
    assert state.price_usd == 0.0


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
