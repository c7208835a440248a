"""Reasons of a plan of the small fleet: savings by brute force, a migration that comes late, what is said of both."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.hours import hour_of_date
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.explain_terms import STRIDES, Planned
from optimizer.explanation import Explanation
from optimizer.frontier_search import FrontierOptions
from optimizer.jobs.explain import explain
from optimizer.jobs.explain_events import EventChange, EventWorlds
from optimizer.jobs.explain_late import EventSavings, event_regret, plan_excess_usd
from optimizer.jobs.frontier import plan_frontier
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.purchases import next_units, planned_commitments
from optimizer.jobs.quarterly import SolvedRun, read_planning_inputs, solved_run
from optimizer.legs import Succession
from optimizer.problem import Batches, Instruments

AS_OF = "2024-03-11"
MOVE = "api-to-new"
ROADMAP = """\
events:
  - name: api-to-new
    kind: migration
    from: [east/api]
    to: {east/new: 1.0}
    start: 2024-03-14
    end: 2024-03-24
    shape: linear
    size: 0.8
    probability: 0.6
"""


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def run(small_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> SolvedRun:
    roadmap = tmp_path_factory.mktemp("explained") / "roadmap.yaml"
    roadmap.write_text(ROADMAP)
    paths = InputPaths(
        usage=small_fleet / "usage.csv",
        prices=small_fleet / "prices.csv",
        commitments=None,
        pools=None,
        roadmap=roadmap,
        policy=None,
    )
    given = read_planning_inputs(paths, RunOptions(terms_months=(1,)), as_of_hour=hour_of_date(AS_OF))
    return solved_run(given, method="auto", tell=quiet)


@pytest.fixture(scope="module")
def explained(run: SolvedRun) -> Explanation:
    return explain(run.solved, run.given.market, run.forecast, tell=quiet)


@pytest.fixture(scope="module")
def worlds(run: SolvedRun) -> EventWorlds:
    return EventWorlds(run.forecast, run.solved.assembled.problem)


def planned(run: SolvedRun) -> Planned:
    solved = run.solved
    return Planned(problem=solved.assembled.problem, quantity=solved.quantity, classes=solved.classes)


def test_every_purchase_has_its_reasons_and_its_saving_is_that_of_brute_force(run: SolvedRun, explained: Explanation):
    solved = run.solved
    problem = solved.assembled.problem
    names = [commitment.commitment_id for commitment in planned_commitments(solved)]
    assert [case.commitment_id for case in explained.purchases] == names  # one date alone
    assert len(names) > 0
    for case, batch in zip(explained.purchases, solved.bought.tolist(), strict=True):
        less = solved.quantity.copy()
        less[batch] = 0.0
        brute = evaluate(problem, less, solved.classes).objective_usd - solved.found.objective_usd
        assert_allclose(case.saving.decided_usd, brute, rtol=1e-6, atol=1e-6 * solved.found.objective_usd)
        assert case.saving.p10_usd <= case.saving.expected_usd <= case.saving.p90_usd
    assert explained.schedule == ()


def test_a_purchase_that_saves_flips_at_less_demand_and_at_dearer_offers(explained: Explanation):
    for case in explained.purchases:
        if case.saving.decided_usd <= 0:
            continue
        by = {flip.of: flip for flip in case.flips if not flip.event}
        assert 0.1 < by["demand"].at < 1.0
        assert by["offer_price"].at > 1.0 > by["on_demand_price"].at
        assert_allclose(by["offer_price"].at * by["on_demand_price"].at, 1.0)
        assert case.saving.use_fraction > case.saving.break_even_fraction


def test_offers_that_are_not_bought_have_one_row_each_and_none_that_is(run: SolvedRun, explained: Explanation):
    bought = {
        run.solved.assembled.offers[run.solved.assembled.problem.batches.instrument[batch]].offer_id
        for batch in run.solved.bought.tolist()
    }
    rows = [row.offer_id for row in explained.why_not]
    assert len(set(rows)) == len(rows)
    assert bought.isdisjoint(rows)
    assert bought | set(rows) == {offer.offer_id for offer in run.given.market.catalog.offers if offer.pools}


# events that differ


def test_with_nothing_changed_the_demand_is_the_plans_own(worlds: EventWorlds):
    same = worlds.changed(EventChange(event=MOVE, late_days=0.0))
    assert_array_equal(same.demand, worlds.problem.demand)
    assert not worlds.touched_pools(same).any()


def test_a_move_that_comes_after_the_window_leaves_demand_as_if_it_never_came(worlds: EventWorlds):
    late, never = (
        worlds.changed(change).demand
        for change in (EventChange(event=MOVE, late_days=90.0), EventChange(event=MOVE, happens=False))
    )
    assert_allclose(late, never, atol=1e-9)
    pools = worlds.problem.pools
    touched = worlds.touched_pools(replace(worlds.problem, demand=never))
    assert {pool for pool, is_touched in zip(pools, touched, strict=True) if is_touched} == {"east/api", "east/new"}
    surely = worlds.changed(EventChange(event=MOVE, happens=True)).demand
    api = pools.index("east/api")
    last = -24
    assert_allclose(surely[:, api, last:], 0.2 * never[:, api, last:], rtol=1e-9)
    assert np.all(never[:, api] >= worlds.problem.demand[:, api] - 1e-9)


def test_the_chance_that_is_planned_with_saves_what_the_mixture_of_both_worlds_does(
    run: SolvedRun, worlds: EventWorlds
):
    problem = worlds.problem
    events = EventSavings(planned(run), worlds, problem)
    batch = next(b for b in run.solved.bought.tolist() if events.touching(b))
    never, surely = (events.saving_usd(batch, EventChange(event=MOVE, happens=happens)) for happens in (False, True))
    (flip,) = [flip for flip in events.flips(batch) if flip.of == "event_probability"]
    assert flip.planned == 0.6
    if flip.at is None:
        assert (never > 0) == (surely > 0)
    else:
        assert_allclose(never + flip.at * (surely - never), 0.0, atol=1e-6 * abs(surely - never))
    as_planned = events.as_planned.expected_usd(batch)
    assert min(never, surely) <= as_planned <= max(never, surely)


def test_a_late_event_changes_a_saving_by_the_difference_of_both_demands(run: SolvedRun, worlds: EventWorlds):
    plan = planned(run)
    events = EventSavings(plan, worlds, worlds.problem)
    late = worlds.changed(EventChange(event=MOVE, late_days=90.0))
    for batch in run.solved.bought.tolist():
        less = plan.quantity.copy()
        less[batch] = 0.0
        saving = [
            evaluate(problem, less, plan.classes).objective_usd
            - evaluate(problem, plan.quantity, plan.classes).objective_usd
            for problem in (worlds.problem, late)
        ]
        found = events.late(batch, 1_000.0)
        offer = run.solved.assembled.offers[plan.problem.batches.instrument[batch]]
        if {"east/api", "east/new"}.isdisjoint(offer.pools):
            assert found == ()
            continue
        assert [(event.event, event.late_days) for event in found] == [(MOVE, 90.0)]
        assert_allclose(found[0].change_usd, saving[1] - saving[0], atol=1e-6)
        assert_allclose(found[0].saving_usd, 1_000.0 + saving[1] - saving[0], atol=1e-6)
        assert found[0].regret_usd == max(0.0, -found[0].saving_usd)


def test_the_regret_of_the_whole_plan_is_against_one_that_had_known(run: SolvedRun, worlds: EventWorlds):
    plan = planned(run)
    excess = plan_excess_usd(plan)
    assert 0.0 <= excess <= 1e-3 * run.solved.found.objective_usd
    found = event_regret(plan, worlds, MOVE, excess)
    late = worlds.changed(EventChange(event=MOVE, late_days=90.0))
    assert_allclose(found.held_usd, evaluate(late, plan.quantity, plan.classes).objective_usd, rtol=1e-9)
    assert found.best_usd <= found.held_usd
    assert_allclose(found.regret_usd, max(0.0, found.held_usd - found.best_usd - excess), rtol=1e-12)
    assert found.regret_usd > 0.0  # the pool that was to be left is not covered


def test_without_paths_events_are_not_changed_and_that_is_said(run: SolvedRun):
    found = explain(run.solved, run.given.market, replace(run.forecast, every=None), tell=quiet)
    assert found.events == ()
    assert all(case.late == () for case in found.purchases)
    assert any("Events are not changed" in note for note in found.notes)
    with pytest.raises(ValueError, match="the forecast must have its paths to change an event in them, got none"):
        EventWorlds(replace(run.forecast, every=None), run.solved.assembled.problem)


def test_the_frontier_of_a_plan_names_what_is_bought_now_and_places_the_plan(run: SolvedRun):
    options = FrontierOptions(n_limits=13, gap_fraction=2e-3, max_rounds=6, max_exact_rounds=0, max_mixtures=6)
    found = plan_frontier(run.solved, tell=quiet, options=options)
    assert len(found.points) >= 12
    assert found.points[0].committed_now_usd == ()
    last = found.points[-1]
    assert sum(usd for _, usd in last.committed_now_usd) > 0.0
    assert_allclose(found.plan.objective_usd, run.solved.upper_bound_usd, rtol=1e-9)
    assert_allclose(
        last.objective_usd, run.solved.upper_bound_usd, rtol=1e-2
    )  # few rounds: how near it comes is seen elsewhere
    for point in found.points:
        assert point.lower_bound_usd <= point.objective_usd * (1 + 1e-9)
        assert point.mean_usd <= point.p90_usd <= point.cvar_usd
        assert point.stranded_usd <= point.stranded_cvar_usd + 1e-6


def test_where_passes_would_take_too_long_the_largest_purchases_alone_are_explained(
    run: SolvedRun, monkeypatch: pytest.MonkeyPatch
):
    solved = run.solved
    problem = solved.assembled.problem
    names = [commitment.commitment_id for commitment in planned_commitments(solved)]
    n_told = len(names) - 1
    assert n_told > 1
    monkeypatch.setattr("optimizer.jobs.explain.FEWEST", 1)
    monkeypatch.setattr("optimizer.jobs.explain.FLIP_CELLS", 1.0)
    monkeypatch.setattr("optimizer.jobs.explain.SAVING_CELLS", (n_told + 0.5) * problem.demand.size / STRIDES[-1])
    few = explain(solved, run.given.market, run.forecast, tell=quiet)
    batches, fees = problem.batches, problem.instruments.fee_usd
    paid = fees[batches.instrument] * (batches.end_hour - batches.start_hour) * solved.quantity
    largest_first = [names[place] for place in np.argsort(-paid[solved.bought])]
    assert {case.commitment_id for case in few.purchases} == set(largest_first[:n_told])
    assert f"The smallest purchases, 1 of {len(names)}," in few.notes[-1]
    sought = {case.commitment_id for case in few.purchases if any(flip.of == "demand" for flip in case.flips)}
    assert sought == {largest_first[0]}
    assert {case.commitment_id for case in few.purchases if case.late} <= sought
    assert all(any(flip.of == "offer_price" for flip in case.flips) for case in few.purchases)
    assert "the 1 largest purchases of today alone" in few.notes[-2]


def test_what_sums_of_a_solver_leave_of_a_reduced_cost_is_no_saving(run: SolvedRun):
    batches = run.solved.assembled.problem.batches
    first = run.solved.assembled.decision_hour == run.solved.assembled.decision_hour[run.solved.bought[0]]
    noisy, real = (replace(run.solved, reduced_cost_usd=-part * batches.cost_usd) for part in (1e-13, 1e-6))
    assert [unit.saving_usd for unit in next_units(noisy)] == [0.0] * int(first.sum())
    assert_allclose(
        sorted(unit.saving_usd for unit in next_units(real)), np.sort(1e-6 * batches.cost_usd[first]), rtol=1e-12
    )


def test_an_event_in_a_pool_that_hardware_serves_later_touches_it(run: SolvedRun, worlds: EventWorlds):
    problem = worlds.problem
    at = [problem.pools.index(name) for name in ("east/web", "east/api")]
    draw = np.full((2, len(problem.pools)), np.nan)
    draw[[0, 1], at] = 1.0  # the second one is moved by the event
    none = np.zeros(2, dtype=bool)
    instruments = Instruments(
        names=("rack", "rack"),
        draw=draw,
        fee_usd=np.full(2, 0.1),
        reserves_units=none,
        is_firm=none,
        succession=Succession(next_row=np.array([1, -1]), after_hours=np.array([24 * 14, 0])),
    )
    start, end = int(problem.hours[0]), int(problem.hours[-1]) + 1
    batches = Batches(
        instrument=np.array([0]),
        start_hour=np.array([start]),
        end_hour=np.array([end]),
        cost_usd=np.ones(1),
        upfront_usd=np.zeros(1),
        fixed_quantity=np.full(1, np.nan),
    )
    moving = EventWorlds(run.forecast, replace(problem, instruments=instruments, batches=batches))
    classes = cover_classes(instruments, split_by_fee=False)
    events = EventSavings(Planned(problem=moving.problem, quantity=np.ones(1), classes=classes), moving, moving.problem)
    assert [event.name for event in events.touching(0)] == [MOVE]
