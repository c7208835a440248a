"""Whole numbers: quantities in the steps that the policy asks for, and what that costs.

Not here: an optimal rounding by integer programming; the cost of this one is stated with the plan.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.costs import evaluate
from optimizer.cover import CoverClasses
from optimizer.offers import Offer
from optimizer.policy import Increments
from optimizer.problem import PlanningProblem
from optimizer.slack import limit_slack

DUST_FRACTION = 1e-9  # a solver's zero: quantities below this part of the largest are none


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Smallest step of each batch's quantity.

    Attributes
    ----------
    step : FloatArray of shape (n_batches,)
        0 where any quantity can be bought.
    """

    step: FloatArray


def steps_of(problem: PlanningProblem, offers: tuple[Offer, ...], increments: Increments) -> Steps:
    """Steps by kind: USD per hour for plans, units for everything else."""
    plan_step, unit_step = increments.usd_per_hour or 0.0, increments.units or 0.0
    by_offer = np.array([plan_step if offer.is_plan else unit_step for offer in offers])
    return Steps(step=by_offer[problem.batches.instrument])


def rounded(problem: PlanningProblem, quantity: FloatArray, steps: Steps, classes: CoverClasses) -> FloatArray:
    """Quantities in whole steps: the cheapest of nearest, down and up that keeps the limits best.

    Firm capacity is rounded up in every case, so that headroom holds.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    steps : Steps
    classes : CoverClasses

    Returns
    -------
    FloatArray of shape (n_batches,)
    """
    clean = without_dust(problem, quantity)
    moves = problem.batches.is_decision & (steps.step > 0)
    if not moves.any():
        return clean
    ratio = np.where(moves, clean / np.where(moves, steps.step, 1.0), 0.0)
    is_firm = problem.instruments.is_firm[problem.batches.instrument] & bool(problem.limits.firm)
    candidates = []
    for way in (np.rint, np.floor, np.ceil):
        whole = np.where(is_firm, np.ceil(ratio - DUST_FRACTION), way(ratio))
        candidate = np.where(moves, whole * steps.step, clean)
        found = evaluate(problem, candidate, classes)
        is_broken = not limit_slack(problem, candidate, found).is_kept or _overspends(problem, candidate)
        candidates.append((is_broken, found.objective_usd, candidate))
    return min(candidates, key=lambda known: known[:2])[2]


def without_dust(problem: PlanningProblem, quantity: FloatArray) -> FloatArray:
    """Decided quantities that are a solver's zero become 0. Shape (n_batches,)."""
    decided = problem.batches.is_decision
    if not decided.any():
        return quantity.copy()
    scale = float(np.max(quantity[decided], initial=0.0))
    return np.where(decided & (quantity < DUST_FRACTION * max(scale, 1.0)), 0.0, quantity)


def _overspends(problem: PlanningProblem, quantity: FloatArray) -> bool:
    """Whether a quarter's upfront cash is overspent."""
    upfront = problem.batches.upfront_usd * quantity
    return any(float(upfront[cash.batch_indices].sum()) > cash.usd * (1 + 1e-9) for cash in problem.limits.cash)
