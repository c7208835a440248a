"""One planning problem solved, by the method asked for, down to whole quantities.

Not here: how the problem came to be, what is said of the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.assembly import Assembled
from optimizer.costs import Evaluation, evaluate
from optimizer.cover import CoverClasses, cover_classes
from optimizer.errors import CertificateError, InfeasibleLimitsError
from optimizer.extensive import solve_extensive
from optimizer.limits import MAXIMUM_COVERAGE
from optimizer.partition import PartitionOptions, solve_partition
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.relaxation import Relaxation, relaxation_message
from optimizer.rounding import rounded, steps_of
from optimizer.slack import SLACK_TOLERANCE, limit_values
from optimizer.solver import SolverOptions

Method = Literal["auto", "extensive", "partition"]
EXTENSIVE_MAX_CELLS = 2_000  # hours x pools x scenarios: below, the readable program takes about a second
AGREEMENT_TOLERANCE = 1e-6  # of the cost: the solver's own feasibility tolerance, summed over many rows

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """Quantities before and after rounding, with bounds.

    Attributes
    ----------
    assembled : Assembled
    method : str
        "extensive" or "partition".
    exact : FloatArray of shape (n_batches,)
        Before rounding; owned batches included.
    quantity : FloatArray of shape (n_batches,)
        In the policy's steps.
    upper_bound_usd, lower_bound_usd : float
        Of the objective, for `exact`.
    exact_found, found : Evaluation
        Of `exact` and of `quantity`.
    limit_prices_usd : tuple of (str, float)
    reduced_cost_usd : FloatArray of shape (n_batches,)
        nan where not known.
    classes : CoverClasses
    """

    assembled: Assembled
    method: str
    exact: FloatArray
    quantity: FloatArray
    upper_bound_usd: float
    lower_bound_usd: float
    exact_found: Evaluation
    found: Evaluation
    limit_prices_usd: tuple[tuple[str, float], ...]
    reduced_cost_usd: FloatArray
    classes: CoverClasses

    @property
    def gap_fraction(self) -> float:
        """(upper - lower) / upper, before rounding."""
        if self.upper_bound_usd <= 0:
            return 0.0
        return max(0.0, self.upper_bound_usd - self.lower_bound_usd) / self.upper_bound_usd

    @property
    def bought(self) -> IntArray:
        """Batches to buy at a decision date, in the order of dates. Shape (n_bought,)."""
        dates = self.assembled.decision_hour
        places = np.flatnonzero((dates >= 0) & (self.quantity > 0))
        return places[np.argsort(dates[places], kind="stable")]


def solve(assembled: Assembled, increments: Increments, *, method: Method, gap_fraction: float, tell: Tell) -> Solved:
    """Solve, recompute the cost, and round.

    Parameters
    ----------
    assembled : Assembled
        With its limits.
    increments : Increments
    method : str
        "auto" takes the extensive program where it is small.
    gap_fraction : float
        Gap at which the partition method stops.
    tell : callable
        Given a line on progress.

    Raises
    ------
    InfeasibleLimitsError
        If the limits cannot all be met.
    CertificateError
        If the recomputed cost disagrees with the solver's.
    """
    problem = assembled.problem
    _refuse_ceiling_below_owned(problem)
    small = problem.demand.size <= EXTENSIVE_MAX_CELLS
    if method == "extensive" or (method == "auto" and small):
        return _extensive(assembled, increments)
    options = PartitionOptions(gap_fraction=gap_fraction)

    def on_round(number: int, upper: float, lower: float) -> None:
        gap = (upper - lower) / upper if np.isfinite(upper) and upper > 0 else np.nan
        tell(
            f"optimizing: round {number}, gap {gap:.1e} of {gap_fraction:.0e}"
            if gap == gap
            else f"optimizing: round {number}"
        )

    found = solve_partition(problem, options, on_round=on_round)
    steps = steps_of(problem, assembled.offers, increments)
    quantity = rounded(problem, found.quantity, steps, found.classes)
    return Solved(
        assembled=assembled,
        method="partition",
        exact=found.quantity,
        quantity=quantity,
        upper_bound_usd=found.upper_bound_usd,
        lower_bound_usd=found.lower_bound_usd,
        exact_found=found.evaluation,
        found=evaluate(problem, quantity, found.classes),
        limit_prices_usd=found.limit_prices_usd,
        reduced_cost_usd=found.reduced_cost_usd,
        classes=found.classes,
    )


def _refuse_ceiling_below_owned(problem: PlanningProblem) -> None:
    """Refuse a ceiling on coverage below what is owned: it covers what it covers, whatever is bought."""
    ceiling = problem.limits.coverage_max_fraction
    if ceiling is None:
        return
    owned = np.nan_to_num(problem.batches.fixed_quantity)
    found = evaluate(problem, owned, cover_classes(problem.instruments, split_by_fee=True))
    covered = limit_values(problem, owned, found).coverage
    if covered > ceiling + SLACK_TOLERANCE:
        change = Relaxation(label=MAXIMUM_COVERAGE, unit="fraction", is_floor=False, by=covered - ceiling, to=covered)
        raise InfeasibleLimitsError(relaxation_message([change]))


def _extensive(assembled: Assembled, increments: Increments) -> Solved:
    """Solve by the readable program; its optimum is both bounds, once the recomputed cost agrees."""
    problem = assembled.problem
    found = solve_extensive(problem, SolverOptions())
    classes = cover_classes(problem.instruments, split_by_fee=True)
    exact = np.where(problem.batches.is_decision, found.quantity, problem.batches.fixed_quantity)
    again = evaluate(problem, exact, classes)
    if again.objective_usd < found.objective_usd * (1 - AGREEMENT_TOLERANCE) - AGREEMENT_TOLERANCE:
        msg = (
            f"the cost recomputed hour by hour, {again.objective_usd!r} USD, is below the optimum of the program, "
            f"{found.objective_usd!r} USD. This is a defect of the program; please report it with your inputs."
        )
        raise CertificateError(msg)
    quantity = rounded(problem, exact, steps_of(problem, assembled.offers, increments), classes)
    return Solved(
        assembled=assembled,
        method="extensive",
        exact=exact,
        quantity=quantity,
        upper_bound_usd=again.objective_usd,
        lower_bound_usd=found.objective_usd,
        exact_found=again,
        found=evaluate(problem, quantity, classes),
        limit_prices_usd=tuple(found.duals.items()),
        reduced_cost_usd=np.full(problem.batches.n_batches, np.nan),
        classes=classes,
    )
