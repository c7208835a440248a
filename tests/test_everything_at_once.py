"""The fixture with every instrument and every limit, over few hours: solved, certified, every limit kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecasting.hours import hour_of_date
from optimizer.assembly import Assembled
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.planning_inputs import PlanningInputs, read_planning_inputs
from optimizer.jobs.posed import posed_run
from optimizer.jobs.solve import Solved, solve
from optimizer.offers import OfferKind
from optimizer.policy_limits import with_limits
from optimizer.rounding import broken_limits, is_whole

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
EVERYTHING = FIXTURES / "everything"
EVERY_NTH_HOUR, N_SCENARIOS = 400, 6


@pytest.fixture(scope="module")
def given() -> PlanningInputs:
    paths = InputPaths(
        usage=FIXTURES / "usage.parquet",
        prices=EVERYTHING / "prices.csv",
        commitments=EVERYTHING / "commitments.csv",
        pools=EVERYTHING / "pools.csv",
        roadmap=FIXTURES / "roadmap.yaml",
        policy=EVERYTHING / "policy.yaml",
    )
    return read_planning_inputs(paths, RunOptions(), as_of_hour=hour_of_date("2025-01-01"))


def _thinned(assembled: Assembled) -> Assembled:
    """Few hours, each for many, and few scenarios; dates, offers and what is owned as they are."""
    problem = assembled.problem
    columns = np.arange(EVERY_NTH_HOUR // 2, len(problem.hours), EVERY_NTH_HOUR)
    available = problem.spot_available_at(columns)
    weights = problem.weights[:N_SCENARIOS]
    few = replace(
        problem,
        hours=problem.hours[columns],
        hour_weights=problem.hour_weights[columns] * EVERY_NTH_HOUR,
        discount=problem.discount[columns],
        in_window=problem.in_window[columns],
        weights=weights / weights.sum(),
        demand=problem.demand[:N_SCENARIOS, :, columns],
        spot_available=None if available is None else available[:N_SCENARIOS],
    )
    return replace(assembled, problem=few)


@pytest.fixture(scope="module")
def solved(given: PlanningInputs) -> Solved:
    posed = posed_run(given, tell=lambda _: None)
    assembled = with_limits(_thinned(posed.assembled), posed.context)
    return solve(assembled, given.policy.increments, method="cuts", gap_fraction=2e-3, tell=lambda _: None)


def test_the_files_hold_every_instrument_and_every_limit(given: PlanningInputs):
    offers = given.market.catalog.offers
    assert {offer.kind for offer in offers} == set(OfferKind) - {OfferKind.ON_DEMAND, OfferKind.SPOT}
    assert {offer.term_months for offer in offers} >= {12, 36}
    assert {offer.payment_option for offer in offers} == {"none", "partial", "all"}
    assert np.isfinite(given.market.catalog.spot_usd).any()
    assert any(offer.lot_quantity for offer in offers)
    assert any(offer.minimum_quantity for offer in offers)
    policy = given.policy
    limits = [
        policy.stranded.expected_fraction,
        policy.stranded.cvar_fraction,
        policy.headroom.fraction,
        policy.coverage.min_fraction,
        policy.coverage.max_fraction,
        policy.upfront_usd_per_quarter,
        policy.purchase_usd_per_date,
        policy.concentration.offer_fraction,
        policy.concentration.family_fraction,
        policy.concentration.term_fraction,
        policy.spot_share_max,
        policy.increments.units,
        policy.increments.usd_per_hour,
    ]
    assert None not in limits
    assert policy.risk.lambda_ > 0
    assert policy.headroom.by == "expected_loss"


@pytest.mark.slow
def test_a_plan_over_few_hours_keeps_every_limit_in_whole_steps_within_a_certified_gap(solved: Solved):
    problem = solved.assembled.problem
    assert solved.gap_fraction < 0.02
    assert solved.rounding.gap_fraction < 0.02
    assert solved.lower_bound_usd <= solved.upper_bound_usd
    assert broken_limits(problem, solved.quantity, solved.found) == ()
    assert is_whole(problem, solved.quantity)
    assert (solved.quantity[problem.batches.is_decision] > 0.0).any()


@pytest.mark.slow
def test_limits_on_cash_and_headroom_have_a_price_there(solved: Solved):
    priced = {name for name, usd in solved.limit_prices_usd if usd > 1e-6}
    for what in ("upfront cash", "headroom of"):
        assert any(name.startswith(what) for name in priced), (what, priced)
