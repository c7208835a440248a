"""The certificate of a plan: bounds of the optimum, and the billing replay against the optimizer's own cost.

Not here: the bounds' method, the billing rules.
"""

from dataclasses import replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.numerals import percent
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.certificate import Certificate, WholeSteps
from optimizer.coefficients import window_fees
from optimizer.costs import Evaluation, evaluate
from optimizer.cover import CoverClasses
from optimizer.jobs.judge import Judged
from optimizer.jobs.solve import Solved
from optimizer.small_purchases import SMALL_FRACTION

PLAIN_GAP_FRACTION = 1e-4


def certificate(solved: Solved, judged: Judged, market: Market, window: Scenarios) -> Certificate:
    """Bounds and billing difference.

    Parameters
    ----------
    solved : Solved
    judged : Judged
        The rounded plan as billed.
    market : Market
    window : Scenarios

    Returns
    -------
    Certificate
        Its parts of the difference sum to billed less LP cost.
    """
    weights = window.weights
    exact = window_usd(solved, solved.exact, solved.exact_found)
    whole = window_usd(solved, solved.quantity, solved.found)
    small_first = window_usd(solved, solved.quantity, _small_first(solved, market))
    billed = float(weights @ judged.total_usd)
    sustained = float(weights @ judged.sustained_usd)
    parts = [
        ("rounding", whole - exact),
        ("size flexibility", small_first - whole),
        ("order of application", billed + sustained - small_first),
    ]
    # the optimizer knows list prices alone, and what it buys is judged with the discounts
    parts += [("sustained-use discounts", -sustained)] if sustained > 0.0 else []
    return Certificate(
        method=solved.method,
        upper_bound_usd=solved.upper_bound_usd,
        lower_bound_usd=solved.lower_bound_usd,
        gap_fraction=solved.gap_fraction,
        tail_usd=tail_usd(solved),
        lp_usd=exact,
        billed_usd=billed,
        difference_usd=tuple(parts),
        statement=_statement(solved),
        whole_steps=_whole_steps(solved),
    )


def window_usd(solved: Solved, quantity: FloatArray, found: Evaluation) -> float:
    """Expected amortized cost inside the window, undiscounted. [USD]"""
    problem = solved.assembled.problem
    return float(window_fees(problem) @ quantity) + float(problem.weights @ found.window_recourse_usd)


def tail_usd(solved: Solved) -> float:
    """Part of the upper bound that lies beyond the window, discounted as in the objective. [USD]"""
    problem = solved.assembled.problem
    beyond = problem.hour_weights * problem.discount * ~problem.in_window
    if not beyond.any():
        return 0.0
    active = problem.batches.active(problem.hours)
    fee = np.where(problem.instruments.reserves_units, 0.0, problem.instruments.fee_usd)
    fees = float((fee[problem.batches.instrument] * (active @ beyond)) @ solved.exact)
    return fees + float(problem.weights @ (solved.exact_found.tail_recourse_usd))


def _small_first(solved: Solved, market: Market) -> Evaluation:
    """The same quantities when size-flexible reservations serve their smallest size first, as AWS does."""
    flexible = {offer.offer_id for offer in market.catalog.offers if offer.is_size_flexible}
    is_flexible = np.zeros(solved.classes.n_classes, dtype=bool)
    for row, name in enumerate(solved.assembled.problem.instruments.names):
        if name in flexible and solved.classes.class_of[row] >= 0:
            is_flexible[solved.classes.class_of[row]] = True
    if not is_flexible.any():
        return solved.found
    return evaluate(solved.assembled.problem, solved.quantity, _ordered(solved.classes, is_flexible))


def _ordered(classes: CoverClasses, is_flexible: BoolArray) -> CoverClasses:
    """Classes whose marked rows serve the smallest draw first."""
    return replace(classes, smallest_first=is_flexible)


def _statement(solved: Solved) -> str:
    """The gap in plain words, and what was left out, which is part of it."""
    gap = solved.gap_fraction
    most = solved.upper_bound_usd - solved.lower_bound_usd
    if gap <= PLAIN_GAP_FRACTION:
        text = f"No other plan under these scenarios and limits costs less by more than {max(most, 0.0):,.0f} USD."
    else:
        text = (
            f"The search stopped early: a better plan under these scenarios and limits may save up to {most:,.0f} USD "
            f"({percent(gap, 2)} of the cost)."
        )
    if solved.n_left_out > 0:
        n, each = solved.n_left_out, percent(SMALL_FRACTION)
        what = "1 purchase, which commits" if n == 1 else f"{n} purchases, which each commit"
        text = f"{text} Left out: {what} less than {each} of the cost."
    whole = _whole_steps(solved)
    return text if whole is None else f"{text} {whole.statement}"


def _whole_steps(solved: Solved) -> WholeSteps | None:
    """What whole steps cost and how good they are; None where any quantity can be bought."""
    if not solved.assembled.problem.batches.is_ruled.any():
        return None
    rounding = solved.rounding
    upper, lower = rounding.found.objective_usd, rounding.lower_bound_usd
    cost = upper - solved.upper_bound_usd
    most = max(upper - lower, 0.0)
    gap = rounding.gap_fraction
    verb = "costs" if cost >= 0.0 else "saves"
    text = (
        f"Buying in whole steps {verb} {abs(cost):,.0f} USD; "
        f"no other whole steps cost less by more than {most:,.0f} USD"
    )
    return WholeSteps(
        method=rounding.method,
        upper_bound_usd=upper,
        lower_bound_usd=lower,
        gap_fraction=gap,
        cost_usd=cost,
        statement=f"{text}." if gap <= PLAIN_GAP_FRACTION else f"{text} ({percent(gap, 2)} of the cost).",
    )
