from dataclasses import replace

import numpy as np
import pytest

from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.cut_program import CutProgram
from optimizer.elastic import smallest_change
from optimizer.extensive import smallest_relaxation
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack
from optimizer.solver import SolverOptions
from optimizer.sweep import Sweeper


def _program(problem: PlanningProblem) -> CutProgram:
    return CutProgram(Sweeper(problem, cover_classes(problem.instruments, split_by_fee=True)))


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
        Limits(firm=_room(10.0), purchases=(PurchaseLimit(batch_indices=np.array([0]), usd=7.0, label="date"),)),
        Limits(firm=_room(3.0), shares=(ShareLimit(batch_indices=np.array([0]), fraction=0.0, label="share"),)),
    ],
    ids=["cash", "date", "share"],
)
def test_changes_what_the_extensive_program_changes(build, limits: Limits):
    problem = _headroom(build, limits=limits)
    expected = smallest_relaxation(problem, SolverOptions())
    found = smallest_change(_program(problem)).relaxations
    assert {one.label for one in found} == {one.label for one in expected}


@pytest.mark.parametrize("seed", range(4))
def test_the_changed_limits_are_kept_on_every_hour(invent, seed: int):
    problem = invent.problem(seed, invent.wish(limits=("stranded", "stranded CVaR", "coverage floor")))
    limits = replace(problem.limits, coverage_min_fraction=0.999, stranded_expected_fraction=0.001)
    problem = replace(problem, limits=limits)
    program = _program(problem)
    found = smallest_change(program)
    to = {one.label: one.to for one in found.relaxations}
    assert to
    changed = replace(
        limits,
        coverage_min_fraction=to.get("minimum coverage", 0.999),
        stranded_expected_fraction=to.get("expected stranded value", 0.001),
        stranded_cvar_fraction=to.get("CVaR 60 of stranded value", limits.stranded_cvar_fraction),
    )
    relaxed = replace(problem, limits=changed)
    slack = limit_slack(relaxed, found.quantity, evaluate(relaxed, found.quantity, program.sweeper.classes))
    least = np.nanmin([slack.stranded_expected, slack.stranded_cvar, slack.coverage_min])
    # the room left is the tenth of the largest change at most
    assert least + 1e-5 >= 0.0
    assert least <= 0.1 * max(one.by for one in found.relaxations)


def test_limits_that_can_be_met_change_nothing(build):
    assert smallest_change(_program(_headroom(build, limits=Limits(firm=_room(3.0))))).relaxations == ()
