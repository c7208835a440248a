"""Purchases too small to advise are left out, as far as firm capacity, the other limits and the certificate allow.

Not here: steps that quantities are rounded to (`optimizer.rounding`).
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.coefficients import committed_fees, serving_batches, term_fees, window_fees
from optimizer.costs import Evaluation, evaluate_with
from optimizer.problem import PlanningProblem
from optimizer.slack import SLACK_TOLERANCE, LimitSlack, limit_slack
from optimizer.sweep import Sweeper

SMALL_FRACTION = 1e-5  # of the expected cost: what a purchase must commit over its term to be worth a line
SHARE_TOLERANCE = 1e-9  # of what is committed: below the solver's own feasibility tolerance


def without_small_purchases(
    sweeper: Sweeper,
    priced: tuple[FloatArray, Evaluation],
    *,
    is_advised: BoolArray,
    most_rise_usd: float,
) -> tuple[FloatArray, Evaluation]:
    """Quantities without the purchases that commit less than `SMALL_FRACTION` of the expected cost, and their cost.

    The smallest go first, and none any more once the next would break a limit or cost too much.

    Parameters
    ----------
    sweeper : Sweeper
        Of the problem: every trial is a pass, and they share its copy of demand.
    priced : tuple of (FloatArray of shape (n_batches,), Evaluation)
        Quantities and what they cost.
    is_advised : BoolArray of shape (n_batches,)
        Batches that the plan names as purchases; only these can go.
    most_rise_usd : float
        What all that is left out may save in the objective. [USD]

    Returns
    -------
    tuple of (FloatArray of shape (n_batches,), Evaluation)
    """
    problem, (quantity, found) = sweeper.problem, priced
    places = _small(problem, quantity, found, is_advised)
    slack, shares = limit_slack(problem, quantity, found), _shares(problem, quantity)
    most_shares = np.maximum(shares, [limit.fraction for limit in problem.limits.shares]) + SHARE_TOLERANCE
    best, low, high = priced, 0, len(places) + 1
    tried = len(places)
    while high - low > 1:
        less = quantity.copy()
        less[places[:tried]] = 0.0
        again = evaluate_with(sweeper, less)
        is_kept = (
            again.objective_usd <= found.objective_usd + most_rise_usd
            and bool(np.all(_shares(problem, less) <= most_shares))
            and _is_no_worse(limit_slack(problem, less, again), slack)
        )
        if is_kept:
            best, low = (less, again), tried
        else:
            high = tried
        tried = (low + high) // 2
    return best


def _small(problem: PlanningProblem, quantity: FloatArray, found: Evaluation, is_advised: BoolArray) -> IntArray:
    """Batches that commit next to nothing and that no requirement of firm capacity needs, the smallest first."""
    batches = problem.batches
    committed_usd = term_fees(problem) * quantity
    expected_usd = float(window_fees(problem) @ quantity) + float(problem.weights @ found.window_recourse_usd)
    is_small = batches.is_decision & is_advised & (quantity > 0.0) & (committed_usd < SMALL_FRACTION * expected_usd)
    rank = np.lexsort((quantity, committed_usd))
    for firm in problem.limits.firm:
        serves = serving_batches(problem, firm)
        spare_units = float(quantity[serves].sum()) - firm.units
        for batch in rank[(serves & is_small)[rank]]:
            is_small[batch] = quantity[batch] <= spare_units
            spare_units -= float(quantity[batch]) * is_small[batch]
    return rank[is_small[rank]]


def _shares(problem: PlanningProblem, quantity: FloatArray) -> FloatArray:
    """Part of what is committed that each limited group has; 0 where nothing is. Shape (n_shares,)."""
    fees = committed_fees(problem) * quantity
    committed_usd = max(float(fees.sum()), np.finfo(float).tiny)
    return np.array([float(fees[share.batch_indices].sum()) / committed_usd for share in problem.limits.shares])


def _is_no_worse(after: LimitSlack, before: LimitSlack) -> bool:
    """Whether every limit that was kept still is, and no other is further off."""
    pairs = (
        (after.stranded_expected, before.stranded_expected),
        (after.stranded_cvar, before.stranded_cvar),
        (after.coverage_min, before.coverage_min),
        (after.coverage_max, before.coverage_max),
        (after.spot_share, before.spot_share),
    )
    return all(np.isnan(now) or now >= min(then, -SLACK_TOLERANCE) for now, then in pairs)
