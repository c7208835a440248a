"""The optimum in whole numbers by the extensive program: exact where small, otherwise with the gap that was reached.

Not here: the rows (`optimizer.program`, `optimizer.limit_rows`, `optimizer.whole_rows`), large problems
(`optimizer.whole_cuts`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer import whole_rows
from optimizer.costs import fees_usd, objective_usd
from optimizer.errors import CertificateError
from optimizer.extensive import build_program
from optimizer.problem import PlanningProblem
from optimizer.program import Program
from optimizer.rounding import to_buyable
from optimizer.solver import WholeOptions, solve_whole_program

WHOLE_FAMILIES: tuple[Callable[[Program], None], ...] = (
    whole_rows.add_whole_purchases,
    whole_rows.add_purchase_minimum,
    whole_rows.add_whole_use,
)
AGREEMENT_TOLERANCE = 1e-6  # of the cost: the solver's own tolerance of a whole number, summed over many rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeSolution:
    """Best quantities found in whole steps, and what none in whole steps cost less than.

    Attributes
    ----------
    quantity : FloatArray of shape (n_batches,)
        Owned batches included.
    objective_usd : float
        [USD]
    lower_bound_usd : float
        Equal to the objective, to the solver's tolerance, where the search ended by itself. [USD]
    """

    quantity: FloatArray
    objective_usd: float
    lower_bound_usd: float

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "quantity", frozen_floats(self.quantity))


def build_whole_program(problem: PlanningProblem) -> Program:
    """Build the extensive program with its whole numbers."""
    built = build_program(problem)
    for add_family in WHOLE_FAMILIES:
        add_family(built)
    return built


def solve_whole_extensive(problem: PlanningProblem, options: WholeOptions) -> WholeSolution:
    """Find the optimum in whole numbers by the extensive program.

    Parameters
    ----------
    problem : PlanningProblem
        With `Batches.step` or `Batches.minimum`, or `has_whole_use`, which asks for demand in whole units.
    options : WholeOptions

    Raises
    ------
    InfeasibleLimitsError
        If no quantities in whole steps keep the limits.
    SolverError
        If the program is unbounded, or the search ended before it had found any answer.
    ValueError
        If usage is to be served in whole units, and demand is not.
    CertificateError
        If the cost of what the answer serves is not the objective.

    Notes
    -----
    Where a limit counts use, what idles is free to this program, as to `optimizer.extensive`: the answer is to be
    taken on the hours before it is believed.
    """
    if problem.has_whole_use and np.any(problem.demand != np.rint(problem.demand)):
        msg = "demand must be in whole units where has_whole_use is set. Round it up first."
        raise ValueError(msg)
    built = build_whole_program(_without_outlasted(problem))
    found = solve_whole_program(built.lp, options)
    quantity = to_buyable(problem, np.array([float(variable.varValue) for variable in built.quantity]))
    again = _recomputed_usd(built, quantity)
    if abs(again - found.objective) > AGREEMENT_TOLERANCE * (1.0 + abs(found.objective)):
        msg = (
            f"the cost of the purchases and of what they leave, {again!r} USD, is not the solver's objective, "
            f"{found.objective!r} USD. This is a defect of the program; please report it with your inputs."
        )
        raise CertificateError(msg)
    return WholeSolution(quantity=quantity, objective_usd=again, lower_bound_usd=min(found.bound, again))


def _without_outlasted(problem: PlanningProblem) -> PlanningProblem:
    """Leave out what another purchase covers just as well, longer, at no higher cost; the optimum stays.

    Only where nothing but cost counts: a limit may forbid the other one.
    """
    batches, limits, draw = problem.batches, problem.limits, problem.instruments.draw
    if limits.governs_use or limits.governs_purchases:
        return problem
    active, step, minimum = batches.active(problem.hours), batches.decided_step, batches.decided_minimum
    is_open = batches.is_decision & ~problem.instruments.reserves_units[batches.instrument]
    if problem.instruments.succession is not None:  # what goes on as another is compared with nothing
        is_open &= problem.instruments.succession.next_row[batches.instrument] < 0
    fixed = np.array(batches.fixed_quantity)
    kept: list[int] = []
    # cheapest first, of equal ones the longest, so that what outlasts a purchase is seen before it
    for b in np.lexsort((-active.sum(axis=1), batches.cost_usd)).tolist():
        if not is_open[b]:
            continue
        card = draw[batches.instrument[b]]
        is_outlasted = any(
            (step[b], minimum[b]) == (step[c], minimum[c])
            and np.array_equal(card, draw[batches.instrument[c]], equal_nan=True)
            and bool(np.all(active[c] | ~active[b]))
            for c in kept
        )
        if is_outlasted:
            fixed[b] = 0.0
        else:
            kept.append(b)
    return replace(problem, batches=replace(batches, fixed_quantity=fixed))


def _recomputed_usd(built: Program, quantity: FloatArray) -> float:
    """Objective from the quantities and the units bought by the hour. [USD]"""
    problem = built.problem
    hour = problem.hour_weights * problem.discount
    recourse = np.zeros(len(problem.weights))
    for units, rate_usd in (
        (built.on_demand, problem.on_demand_usd),
        (built.idle_on_demand, problem.on_demand_usd),
        (built.spot, problem.spot_usd),
    ):
        for (p, t, s), variable in units.items():
            recourse[s] += hour[t] * rate_usd[p] * float(variable.varValue or 0.0)
    return objective_usd(problem, fees=fees_usd(problem, quantity), recourse_usd=recourse)
