"""Whole steps: which quantities must be whole multiples, simple roundings, and whether they keep the limits.

Not here: the best quantities in whole steps (`optimizer.whole_extensive`, `optimizer.whole_cuts`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.assembly import Assembled
from optimizer.coefficients import STEP_TOLERANCE, committed_fees, serving_batches
from optimizer.costs import Evaluation, evaluate
from optimizer.cover import CoverClasses
from optimizer.metrics import gap_fraction
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack

DUST_FRACTION = 1e-9  # a solver's zero: quantities below this part of the largest are none
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
    """The same problem, its purchases in steps: USD per hour for plans, units for everything else.

    Replacements in the tail only value what outlives the window and are nobody's purchase: they stay without a step.
    """
    plan_step, unit_step = increments.usd_per_hour or 0.0, increments.units or 0.0
    if not plan_step and not unit_step:
        return assembled
    batches = assembled.problem.batches
    by_offer = np.array([plan_step if offer.is_plan else unit_step for offer in assembled.offers])
    step = np.where(assembled.decision_hour >= 0, by_offer[batches.instrument], 0.0)
    problem = replace(assembled.problem, batches=replace(batches, step=step))
    return replace(assembled, problem=problem)


def is_whole(problem: PlanningProblem, quantity: FloatArray) -> bool:
    """Whether every decided quantity is a whole number of steps already, to the last digits of float64."""
    step = problem.batches.decided_step
    n_steps = quantity[step > 0.0] / step[step > 0.0]
    return bool(np.all(np.abs(n_steps - np.rint(n_steps)) <= DUST_FRACTION * np.maximum(n_steps, 1.0)))


def in_steps(problem: PlanningProblem, n_steps: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Quantities of whole numbers of steps, `otherwise` where there is no step. Shapes (n_batches,)."""
    step = problem.batches.decided_step
    return np.where(step > 0.0, np.rint(n_steps) * step, otherwise)


def simple_roundings(problem: PlanningProblem, quantity: FloatArray) -> tuple[FloatArray, ...]:
    """Nearest, down and up, each of shape (n_batches,); firm capacity up in every case, so that headroom holds.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    """
    step = problem.batches.decided_step
    ratio = np.where(step > 0.0, quantity / np.where(step > 0.0, step, 1.0), 0.0)
    is_firm = problem.instruments.is_firm[problem.batches.instrument] & bool(problem.limits.firm)
    return tuple(
        in_steps(problem, np.where(is_firm, np.ceil(ratio - STEP_TOLERANCE), way(ratio)), quantity)
        for way in (np.rint, np.floor, np.ceil)
    )


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
    for cash in limits.cash:
        paid = float(problem.batches.upfront_usd[cash.batch_indices] @ quantity[cash.batch_indices])
        if paid > cash.usd + LIMIT_TOLERANCE * max(cash.usd, 1.0):
            out.append(f"{cash.label} is missed by {paid - cash.usd:.6g} USD")
    fees = committed_fees(problem) * quantity
    committed = float(fees.sum())
    for share in limits.shares:
        over = float(fees[share.batch_indices].sum()) - share.fraction * committed
        if over > LIMIT_TOLERANCE * max(committed, 1.0):
            out.append(f"{share.label} is missed by {over / committed:.3g}")
    for firm in limits.firm:
        short = firm.units - float(quantity[serving_batches(problem, firm)].sum())
        if short > LIMIT_TOLERANCE * max(firm.units, 1.0):
            out.append(f"{firm.label} is missed by {short:.6g} units")
    return tuple(out)


def steps_text(problem: PlanningProblem) -> str:
    """Steps for people."""
    step = problem.batches.decided_step
    return ", ".join(f"{known:g}" for known in sorted(set(step[step > 0.0].tolist())))


def no_whole_steps(problem: PlanningProblem) -> str:
    """Message where it is proved that no whole steps keep the limits."""
    return (
        f"the limits cannot all be met by purchases in whole steps ({steps_text(problem)}), though they can without. "
        "Make the increments of the policy smaller, or give the limits more room."
    )


def best_kept(
    problem: PlanningProblem, candidates: tuple[FloatArray, ...], classes: CoverClasses
) -> tuple[FloatArray, Evaluation] | None:
    """Return the cheapest of some quantities that keep every limit on every hour, with its cost; None: none does."""
    best: tuple[FloatArray, Evaluation] | None = None
    for candidate in candidates:
        found = evaluate(problem, candidate, classes)
        if broken_limits(problem, candidate, found):
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
