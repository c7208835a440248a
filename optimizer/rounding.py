"""Whole steps: which quantities must be whole multiples, simple roundings, and whether they keep the limits.

Not here: the best quantities in whole steps (`optimizer.whole_extensive`, `optimizer.whole_cuts`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.assembly import Assembled
from optimizer.coefficients import firm_batches
from optimizer.costs import Evaluation, evaluate_with
from optimizer.metrics import gap_fraction
from optimizer.policy import Increments
from optimizer.problem import STEP_TOLERANCE, PlanningProblem
from optimizer.purchase_limits import purchase_rows
from optimizer.relaxation import SMALLEST_CHANGE, Relaxation
from optimizer.slack import limit_slack
from optimizer.sweep import Sweeper

DUST_FRACTION = 1e-9  # a solver's zero: quantities below this part of the largest are none
MAX_LISTED = 5
LIMIT_TOLERANCE = 1e-6  # of an amount that a limit on purchases states: ten times the tolerance of the solver


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounding:
    """Quantities in whole steps, with the bound that no other whole steps beat.

    Attributes
    ----------
    method : str
        "none" (there is no step, or everything is whole as it is), "extensive" or "cuts".
    quantity : FloatArray of shape (n_batches,)
        Owned batches included.
    found : Evaluation
        Of `quantity`.
    lower_bound_usd : float
        No quantities in whole steps within the limits cost less. [USD]
    """

    method: str
    quantity: FloatArray
    found: Evaluation
    lower_bound_usd: float

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "quantity", frozen_floats(self.quantity))

    @property
    def gap_fraction(self) -> float:
        """(cost - bound) / cost, both in whole steps."""
        return gap_fraction(upper_usd=self.found.objective_usd, lower_usd=self.lower_bound_usd)


def with_steps(assembled: Assembled, increments: Increments) -> Assembled:
    """The same problem, its purchases in the steps and minima of their offers.

    An offer's own lot takes the place of the policy's increment: USD per hour for plans, units for everything else.
    Replacements in the tail only value what outlives the window and are nobody's purchase: they stay without a step.
    """
    plan_step, unit_step = increments.usd_per_hour or 0.0, increments.units or 0.0
    steps = np.array([offer.lot_quantity or (plan_step if offer.is_plan else unit_step) for offer in assembled.offers])
    minima = np.array([offer.minimum_quantity for offer in assembled.offers])
    if not steps.any() and not minima.any():
        return assembled
    batches, is_bought = assembled.problem.batches, assembled.decision_hour >= 0
    step = np.where(is_bought, steps[batches.instrument], 0.0)
    minimum = np.where(is_bought, minima[batches.instrument], 0.0)
    problem = replace(assembled.problem, batches=replace(batches, step=step, minimum=minimum))
    return replace(assembled, problem=problem)


def is_whole(problem: PlanningProblem, quantity: FloatArray) -> bool:
    """Whether every decided quantity can be bought as it is, to the last digits of float64."""
    least = np.maximum(problem.batches.decided_step, problem.batches.decided_minimum)
    away = np.abs(quantity - to_buyable(problem, quantity))
    return bool(np.all(away <= DUST_FRACTION * np.maximum(quantity, least)))


def to_buyable(
    problem: PlanningProblem, quantity: FloatArray, way: Callable[[FloatArray], FloatArray] = np.rint
) -> FloatArray:
    """Quantities that can be bought next to these: whole steps, and nothing or at least the minimum.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    way : callable
        Nearest, down or up: takes a number of steps, or of minima, to a whole one.

    Returns
    -------
    FloatArray of shape (n_batches,)
        Unchanged where any quantity can be bought, and what is owned.
    """
    step, minimum = problem.batches.decided_step, problem.batches.decided_minimum
    stepped = np.where(step > 0.0, way(quantity / np.where(step > 0.0, step, 1.0)) * step, quantity)
    n_minima = way(quantity / np.where(minimum > 0.0, minimum, 1.0))
    return np.where((stepped > 0.0) & (stepped < minimum), n_minima * minimum, stepped)


def simple_roundings(problem: PlanningProblem, quantity: FloatArray) -> tuple[FloatArray, ...]:
    """Nearest, down and up, each of shape (n_batches,); firm capacity up in every case, so that headroom holds.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    """
    is_firm = firm_batches(problem) & bool(problem.limits.firm)
    up = to_buyable(problem, quantity, lambda number: np.ceil(number - STEP_TOLERANCE))
    return tuple(np.where(is_firm, up, to_buyable(problem, quantity, way)) for way in (np.rint, np.floor, np.ceil))


def broken_limits(problem: PlanningProblem, quantity: FloatArray, found: Evaluation) -> tuple[str, ...]:
    """Name of each limit that the quantities do not keep on every hour, with what it is missed by.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    found : Evaluation
        Of `quantity`.
    """
    limits = problem.limits
    out = list(limit_slack(problem, quantity, found).overstepped(limits))
    for row in purchase_rows(problem):
        over, base_usd = row.missed_by(quantity), row.base_usd(quantity)
        if row.unit == "fraction" and over > LIMIT_TOLERANCE * max(base_usd, 1.0):
            out.append(f"{row.label} is missed by {over / base_usd:.3g}")
        elif row.unit != "fraction" and over > LIMIT_TOLERANCE * max(row.limit, 1.0):
            out.append(f"{row.label} is missed by {over:.6g} {row.unit}")
    return tuple(out)


def rules_text(problem: PlanningProblem) -> str:
    """Steps and minima for people, such as "in whole steps (1) and of at least the minimum quantity (20)"."""
    parts = []
    if (step := problem.batches.decided_step).any():
        parts.append(f"in whole steps ({_listed(step)})")
    if (minimum := problem.batches.decided_minimum).any():
        parts.append(f"of at least the minimum quantity ({_listed(minimum)})")
    return " and ".join(parts)


def _listed(values: FloatArray) -> str:
    """Values above zero, each once, the smallest first, not more than people read."""
    known = sorted(set(values[values > 0.0].tolist()))
    shown = [f"{value:g}" for value in known[:MAX_LISTED]]
    return ", ".join(shown if len(known) <= MAX_LISTED else [*shown, "..."])


def no_whole_steps(problem: PlanningProblem, relaxations: Sequence[Relaxation]) -> str:
    """Message where it is proved that no whole steps keep the limits, with the limits that must give if known."""
    text = (
        f"the limits cannot all be met by purchases {rules_text(problem)}, though they can without. Make the "
        "increments of the policy smaller, give the limits more room, or leave out offers whose lots or minimum "
        "quantities are too large."
    )
    changes = [f"  - {relaxation}" for relaxation in relaxations]
    return "\n".join([text, *([f"{SMALLEST_CHANGE}:"] if changes else []), *changes])


def best_kept(sweeper: Sweeper, candidates: tuple[FloatArray, ...]) -> tuple[FloatArray, Evaluation] | None:
    """Return the cheapest of some quantities that keep every limit on every hour, with its cost; None: none does."""
    best: tuple[FloatArray, Evaluation] | None = None
    for candidate in candidates:
        found = evaluate_with(sweeper, candidate)
        if broken_limits(sweeper.problem, candidate, found):
            continue
        if best is None or found.objective_usd < best[1].objective_usd:
            best = (candidate, found)
    return best


def without_dust(problem: PlanningProblem, quantity: FloatArray) -> FloatArray:
    """Decided quantities that are a solver's zero become 0. Shape (n_batches,)."""
    decided = problem.batches.is_decision
    if not decided.any():
        return quantity.copy()
    scale = float(np.max(quantity[decided], initial=0.0))
    return np.where(decided & (quantity < DUST_FRACTION * max(scale, 1.0)), 0.0, quantity)
