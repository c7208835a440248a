"""Which limits must give, and by how much, where they cannot all be met.

Every limit may give at a cost; the cheapest sum of changes is found under the bounds of the passes made, and what its
answer takes on the true hours is what is reported, so that limits changed by that much can be met. Not here: the
sentence (`optimizer.relaxation`); the same for small problems (`optimizer.extensive`).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from forecasting.arrays import FloatArray
from optimizer.array_program import ArrayLp
from optimizer.coefficients import on_demand_equivalent_usd
from optimizer.costs import evaluate_with, evaluation_of
from optimizer.cut_limits import use_prices
from optimizer.cut_program import CutProgram
from optimizer.limits import EXPECTED_STRANDED, MAXIMUM_COVERAGE, MINIMUM_COVERAGE, SPOT_SHARE, cvar_label
from optimizer.problem import PlanningProblem
from optimizer.purchase_limits import SMALLEST_SCALE, purchase_rows
from optimizer.relaxation import Relaxation
from optimizer.slack import limit_slack, limit_values, pressed
from optimizer.solver import SolverOptions, solve_arrays
from optimizer.sweep import Sweeper, plain_prices

MAX_CHANGE_ROUNDS = 60
SETTLED_ROUNDS = 8  # over which the smallest change must grow
CHANGE_GROWTH = 1e-3  # of the smallest change: below that, more bounds are not worth their passes
CHANGE_TOLERANCE = 1e-5  # of a limit's scale: below that it does not give
ROOM_FRACTION = 0.1  # of a change of a limit on use: a choice at the very edge of what can be met is hard to find
ROOM_TOLERANCE = 1e-9  # below the solver's own feasibility tolerance
N_DIGITS = 7  # significant ones of a changed limit; what follows is the solver's tolerance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elastic:
    """What the limits are changed to, and quantities that then keep them.

    Attributes
    ----------
    relaxations : tuple of Relaxation
        Empty where every limit can be kept.
    quantity : FloatArray of shape (n_batches,)
    change : float
        Sum of the changes, each measured by its limit's scale: a lower bound.
    """

    relaxations: tuple[Relaxation, ...]
    quantity: FloatArray
    change: float


def smallest_change(program: CutProgram) -> Elastic:
    """Find the smallest change of the limits, and what it is on the true hours.

    Passes are made at the prices of the limits alone until the change no longer grows. Of the answers with the
    smallest change the cheapest under the bounds known is taken.

    Parameters
    ----------
    program : CutProgram
        Bounds are added to it.

    Raises
    ------
    SolverError
        If the solver stops.
    """
    problem, sweeper = program.problem, program.sweeper
    n_scenarios = len(problem.weights)
    changes: list[float] = []
    quantity = np.nan_to_num(problem.batches.fixed_quantity)
    for number in range(MAX_CHANGE_ROUNDS):
        lp = program.arrays()
        elastic = slackened(program, lp)
        found = solve_arrays(elastic, SolverOptions())
        change = found.objective
        changes.append(change)
        room = change * (1.0 + ROOM_TOLERANCE) + ROOM_TOLERANCE
        cheapest = solve_arrays(_cheapest(elastic, lp.cost, room), SolverOptions())
        quantity = program.quantity_of(cheapest.values[: len(lp.cost)])
        relaxations = relaxations_for(sweeper, quantity)
        before = changes[-1 - SETTLED_ROUNDS] if len(changes) > SETTLED_ROUNDS else -1.0
        is_settled = change <= before + CHANGE_GROWTH * max(change, CHANGE_TOLERANCE)
        if not problem.limits.governs_use or (is_settled and (change > CHANGE_TOLERANCE or not relaxations)):
            break
        swept = sweeper(quantity)
        program.add(swept, plain_prices(n_scenarios))
        slack = limit_slack(problem, quantity, evaluation_of(sweeper, quantity, swept))
        prices = pressed(use_prices(problem, program.rows, found.row_duals), slack, number)
        if not prices.is_plain:  # what recourse costs is no part of the change
            priced = replace(prices, cost=np.zeros(n_scenarios))
            program.add(sweeper(quantity, priced), priced)
    is_needed = change > CHANGE_TOLERANCE
    return Elastic(relaxations=relaxations if is_needed else (), quantity=quantity, change=change)


def relaxations_for(sweeper: Sweeper, quantity: FloatArray) -> tuple[Relaxation, ...]:
    """Change every limit that the quantities overstep on the true hours to what they take, and a little room."""
    problem, limits = sweeper.problem, sweeper.problem.limits
    value = limit_values(problem, quantity, evaluate_with(sweeper, quantity))
    fractions = (
        (EXPECTED_STRANDED, limits.stranded_expected_fraction, value.stranded_expected, False),
        (cvar_label(limits.cvar_level), limits.stranded_cvar_fraction, value.stranded_cvar, False),
        (MINIMUM_COVERAGE, limits.coverage_min_fraction, value.coverage, True),
        (MAXIMUM_COVERAGE, limits.coverage_max_fraction, value.coverage, False),
        (SPOT_SHARE, limits.spot_share_max, value.spot_share, False),
    )
    found = [
        _relaxation(name, "fraction", (limit, taken + ROOM_FRACTION * (taken - limit)), is_floor=is_floor, scale=1.0)
        for name, limit, taken, is_floor in fractions
        if limit is not None
    ]
    whole_usd = _whole_usd(problem)
    for row in purchase_rows(problem):
        scale = 1.0 if row.unit == "fraction" else row.scale(whole_usd)
        taken = (row.limit, row.value(quantity))
        found.append(_relaxation(row.label, row.unit, taken, is_floor=row.is_floor, scale=scale))
    return tuple(relaxation for relaxation in found if relaxation is not None)


def _relaxation(
    label: str, unit: str, limit_and_taken: tuple[float, float], *, is_floor: bool, scale: float
) -> Relaxation | None:
    """Change of one limit to what is taken; None where it holds."""
    limit, taken = limit_and_taken
    by = limit - taken if is_floor else taken - limit
    if by <= CHANGE_TOLERANCE * scale:
        return None
    return Relaxation(label=label, unit=unit, is_floor=is_floor, by=by, to=float(f"{taken:.{N_DIGITS}g}"))


def _whole_usd(problem: PlanningProblem) -> float:
    """On-demand cost of the window, which changes are measured by. [USD]"""
    return max(on_demand_equivalent_usd(problem), SMALLEST_SCALE)


def slackened(program: CutProgram, lp: ArrayLp) -> ArrayLp:
    """Let the row of each limit give, minimizing the sum of what gives in parts of its scale.

    Parameters
    ----------
    program : CutProgram
    lp : ArrayLp
        That program, or one with more columns and rows behind its own.
    """
    whole_usd = _whole_usd(program.problem)
    known = {row.label: row.scale(whole_usd) for row in purchase_rows(program.problem)}
    limits = program.limit_places
    places = np.array([place[0] for place in limits.values()], dtype=np.int64)
    scale = np.array([known.get(name, whole_usd) for name in limits])
    n = len(places)
    sign = np.where(np.isfinite(lp.row_upper[places]), -1.0, 1.0)
    slack = csr_array((sign * scale, (places, np.arange(n))), shape=(lp.matrix.shape[0], n))
    return replace(
        lp,
        cost=np.concatenate([np.zeros(len(lp.cost)), np.ones(n)]),
        lower=np.concatenate([lp.lower, np.zeros(n)]),
        upper=np.concatenate([lp.upper, np.full(n, np.inf)]),
        matrix=hstack([lp.matrix, slack]).tocsr(),
    )


def _cheapest(elastic: ArrayLp, cost: FloatArray, room: float) -> ArrayLp:
    """Minimize cost where the changes sum to no more than `room`."""
    return replace(
        elastic,
        cost=np.concatenate([cost, np.zeros(len(elastic.cost) - len(cost))]),
        matrix=vstack([elastic.matrix, csr_array(elastic.cost[None, :])]).tocsr(),
        row_lower=np.append(elastic.row_lower, -np.inf),
        row_upper=np.append(elastic.row_upper, room),
    )
