from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.clusters import clusters_of
from optimizer.costs import evaluate, unit_prices
from optimizer.cover import cover_classes
from optimizer.elastic import smallest_change
from optimizer.extensive import smallest_relaxation
from optimizer.limits import CashLimit, FirmRequirement, Limits, ShareLimit
from optimizer.master import MasterInput
from optimizer.problem import PlanningProblem
from optimizer.segments import segments_of
from optimizer.slack import limit_slack
from optimizer.solver import SolverOptions


def _each_hour_alone(problem: PlanningProblem) -> MasterInput:
    segments = segments_of(problem)
    label = np.arange(problem.demand[:, 0].size).reshape(problem.demand[:, 0].shape)
    return MasterInput(
        problem=problem,
        classes=cover_classes(problem.instruments, split_by_fee=True),
        prices=unit_prices(problem),
        segments=segments,
        clusters=clusters_of(problem, segments, label, by_scenario=True),
    )


def _headroom(build, *, limits: Limits) -> PlanningProblem:
    return build.problem(
        [[[4.0, 5.0]]],
        on_demand_usd=[1.0],
        instruments=[
            build.instrument(draw=(1.0,), fee_usd=0.5, is_firm=True),
            build.instrument(draw=(1.0,), fee_usd=0.7),
        ],
        batches=[build.batch(instrument=0, upfront_usd=2.0), build.batch(instrument=1)],
        limits=limits,
    )


def _room(units: float) -> tuple[FirmRequirement, ...]:
    return (FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=units, label="room"),)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(firm=_room(10.0), cash=(CashLimit(batch_indices=np.array([0]), usd=12.0, label="cash"),)),
        Limits(firm=_room(3.0), shares=(ShareLimit(batch_indices=np.array([0]), fraction=0.0, label="share"),)),
    ],
    ids=["cash", "share"],
)
def test_changes_what_the_extensive_program_changes(build, limits: Limits):
    problem = _headroom(build, limits=limits)
    expected = smallest_relaxation(problem, SolverOptions())
    found = smallest_change(_each_hour_alone(problem)).relaxations
    assert {one.label for one in found} == {one.label for one in expected}


@pytest.mark.parametrize("seed", range(4))
def test_the_changed_limits_are_kept_on_every_hour(invent, seed: int):
    problem = invent.problem(seed, invent.wish(limits=("stranded", "stranded CVaR", "coverage floor")))
    limits = replace(problem.limits, coverage_min_fraction=0.999, stranded_expected_fraction=0.001)
    problem = replace(problem, limits=limits)
    given = _each_hour_alone(problem)
    found = smallest_change(given)
    to = {one.label: one.to for one in found.relaxations}
    assert to
    changed = replace(
        limits,
        coverage_min_fraction=to.get("minimum coverage", 0.999),
        stranded_expected_fraction=to.get("expected stranded value", 0.001),
        stranded_cvar_fraction=to.get("CVaR 60 of stranded value", limits.stranded_cvar_fraction),
    )
    relaxed = replace(problem, limits=changed)
    slack = limit_slack(relaxed, found.quantity, evaluate(relaxed, found.quantity, given.classes))
    assert_allclose(np.nanmin([slack.stranded_expected, slack.stranded_cvar, slack.coverage_min]), 0.0, atol=1e-5)


def test_limits_that_can_be_met_change_nothing(build):
    assert smallest_change(_each_hour_alone(_headroom(build, limits=Limits(firm=_room(3.0))))).relaxations == ()
