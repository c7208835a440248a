"""The frontier of a solved plan, as figures: cost and stranded risk of each of its plans, and what they buy now.

Not here: the search (`optimizer.frontier`).
"""

import numpy as np

from forecasting.quantiles import weighted_quantile
from optimizer.coefficients import committed_fees, term_fees, window_fees
from optimizer.explanation import Frontier, FrontierPoint
from optimizer.frontier import frontier
from optimizer.frontier_search import Choice, FrontierOptions
from optimizer.jobs.solve import Solved, Tell
from optimizer.risk import conditional_value_at_risk


def plan_frontier(solved: Solved, *, tell: Tell, options: FrontierOptions | None = None) -> Frontier:
    """Frontier of the problem of a plan, and where the plan lies before rounding.

    Parameters
    ----------
    solved : Solved
    tell : callable
        Given a line on progress.
    options : FrontierOptions or None
        None: the defaults.

    Raises
    ------
    InfeasibleLimitsError
        If the limits on other things than stranded value cannot all be met.
    """
    found = frontier(solved.assembled.problem, solved.exact, options or FrontierOptions(), tell=tell)
    return Frontier(
        points=tuple(_point(solved, choice) for choice in found.choices),
        knee=found.knee,
        plan=_point(solved, found.given),
    )


def _point(solved: Solved, choice: Choice) -> FrontierPoint:
    """Figures of one plan."""
    problem = solved.assembled.problem
    weights, level = problem.weights, problem.limits.cvar_level
    quantity = choice.quantity
    cost = float(window_fees(problem) @ quantity) + choice.found.window_recourse_usd
    committed = float(committed_fees(problem) @ quantity)
    added = choice.found.stranded_usd - choice.owned_stranded_usd
    return FrontierPoint(
        allowed_usd=choice.allowed_usd if np.isfinite(choice.allowed_usd) else None,
        stranded_usd=choice.stranded_usd,
        stranded_cvar_usd=conditional_value_at_risk(added, weights, level=level),
        stranded_fraction=choice.stranded_usd / committed if committed > 0.0 else 0.0,
        objective_usd=choice.cost_usd,
        lower_bound_usd=choice.lower_bound_usd,
        gap_fraction=choice.gap_fraction,
        mean_usd=float(weights @ cost),
        p90_usd=weighted_quantile(cost, weights, level=0.9),
        cvar_usd=conditional_value_at_risk(cost, weights, level=level),
        committed_now_usd=_committed_now(solved, choice),
        committed_usd=committed,
    )


def _committed_now(solved: Solved, choice: Choice) -> tuple[tuple[str, float], ...]:
    """Fees over whole terms of what is bought on the first date, by kind, the largest first."""
    assembled = solved.assembled
    dates = assembled.decision_hour
    first = dates[dates >= 0].min(initial=np.iinfo(np.int64).max)
    fees = term_fees(assembled.problem) * choice.quantity
    sums: dict[str, float] = {}
    for batch in np.flatnonzero((dates == first) & (fees > 0.0)).tolist():
        kind = assembled.offers[int(assembled.problem.batches.instrument[batch])].kind.value
        sums[kind] = sums.get(kind, 0.0) + float(fees[batch])
    return tuple(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
