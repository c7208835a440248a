"""What the reduction of sample paths to weighted scenarios does to the cost of a plan: the plan costed on every path.

Not here: the reduction (`forecasting.reduce`), the definition of cost (`optimizer.costs`).
"""

import math
from dataclasses import replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.forecast import Forecast
from forecasting.numerals import percent
from forecasting.prepared import BLOCK_DAYS, Prepared, in_blocks
from forecasting.quantiles import weighted_quantiles
from forecasting.scenarios import Scenarios
from optimizer.coefficients import window_fees
from optimizer.costs import evaluation_of, spot_part
from optimizer.jobs.solve import Solved
from optimizer.jobs.spot import AvailabilityOf
from optimizer.jobs.unnamed import unnamed_pools
from optimizer.plan import Reduction
from optimizer.problem import PlanningProblem
from optimizer.risk import conditional_value_at_risk
from optimizer.sweep import Sweeper

MEASURES = ("expected", "p10", "p90", "cvar")
NOT_COMPARED = (
    "What the reduction of paths to scenarios changes is not known: an external forecast is put on the scenarios alone"
    ", and so is what a review asks for."
)


def reduction_error(solved: Solved, forecast: Forecast, *, spot_of: AvailabilityOf | None = None) -> Reduction:
    """Cost of a plan in the window on all paths that were drawn, beside that on the scenarios.

    Parameters
    ----------
    solved : Solved
        On the scenarios of the forecast.
    forecast : Forecast
    spot_of : callable or None
        Hours with spot of any paths, where they are drawn.
    """
    problem, every = solved.assembled.problem, forecast.every
    n_scenarios, level = len(problem.weights), problem.limits.cvar_level
    if every is None:
        return Reduction(
            n_paths=None,
            n_scenarios=n_scenarios,
            cvar_level=level,
            measures=(),
            standard_error_usd=math.nan,
            statement=NOT_COMPARED,
        )
    fees_usd = float(window_fees(problem) @ solved.quantity)
    on_scenarios = _measured(fees_usd + solved.found.window_recourse_usd, problem.weights, level)
    path_usd = fees_usd + path_recourse_usd(solved, every, forecast.kept, spot_of=spot_of)
    on_paths = _measured(path_usd, every.weights, level)
    n_paths = len(path_usd)
    error_usd = float(np.std(path_usd, ddof=1)) / math.sqrt(n_paths) if n_paths > 1 else math.nan
    counts = f"{n_paths} paths were reduced to {n_scenarios} scenarios"
    return Reduction(
        n_paths=n_paths,
        n_scenarios=n_scenarios,
        cvar_level=level,
        measures=tuple(zip(MEASURES, on_scenarios, on_paths, strict=True)),
        standard_error_usd=error_usd,
        statement=f"{counts}: {_comparison(on_scenarios[0], on_paths[0], error_usd)}",
    )


def path_recourse_usd(
    solved: Solved, every: Prepared, kept: IntArray, *, spot_of: AvailabilityOf | None = None
) -> FloatArray:
    """On-demand and spot cost of every path inside the window, undiscounted.

    All purchases are those of the plan, later ones too, and so is the part of eligible demand that runs on spot where
    the policy limits it. Paths are laid out as many at once as there are scenarios, some weeks at a time.

    Parameters
    ----------
    solved : Solved
        On the kept paths.
    every : Prepared
    kept : IntArray of shape (n_scenarios,)
        Rows of the paths that are the scenarios, whose cost is known.
    spot_of : callable or None
        Hours with spot of any paths, where they are drawn.

    Returns
    -------
    FloatArray of shape (n_paths,)
        [USD]
    """
    problem = solved.assembled.problem
    costs = np.zeros(len(every.weights))
    costs[kept] = solved.found.window_recourse_usd
    others = np.setdiff1d(np.arange(len(costs)), kept)
    if not len(others):
        return costs
    part = spot_part(problem, solved.quantity, solved.classes)
    blocks = in_blocks(problem.hours[problem.in_window], n_days=BLOCK_DAYS)
    for first in range(0, len(others), len(kept)):
        rows = others[first : first + len(kept)]
        batch = every.of(rows, np.full(len(rows), 1.0 / len(rows)))
        available = None if spot_of is None else spot_of(rows)
        for block in blocks:
            sweeper = Sweeper(_laid_out(problem, batch, block, available), solved.classes)
            found = sweeper(solved.quantity, spot_part=part)
            costs[rows] += evaluation_of(sweeper, solved.quantity, found).window_recourse_usd
    return costs


def _laid_out(
    problem: PlanningProblem, batch: Prepared, hours: IntArray, available: BoolArray | None
) -> PlanningProblem:
    """Return the same problem on some paths and some of its hours."""
    at = np.searchsorted(problem.hours, hours)
    scenarios = Scenarios(
        pools=(*batch.daily.pools, *unnamed_pools(batch.daily.groups, batch.daily.pools)),
        hours=hours,
        hour_weights=problem.hour_weights[at],
        weights=batch.weights,
        units=batch.hourly(hours),
    ).on_pools(problem.pools)
    return replace(
        problem,
        hours=hours,
        hour_weights=scenarios.hour_weights,
        discount=problem.discount[at],
        in_window=problem.in_window[at],
        weights=scenarios.weights,
        demand=scenarios.units,
        spot_available=None if available is None else available[:, :, at],
    )


def _measured(cost_usd: FloatArray, weights: FloatArray, level: float) -> tuple[float, ...]:
    """Return the `MEASURES` of a weighted sample of costs. [USD]"""
    p10, p90 = weighted_quantiles(cost_usd, weights, [0.1, 0.9]).tolist()
    return (float(weights @ cost_usd), p10, p90, conditional_value_at_risk(cost_usd, weights, level=level))


def _comparison(on_scenarios: float, on_paths: float, error_usd: float) -> str:
    """Expected cost on all paths against that on the scenarios, in plain words."""
    text = f"on all paths the plan costs {on_paths:,.0f} USD in expectation"
    if on_scenarios > 0:
        change = (on_paths - on_scenarios) / on_scenarios
        side = "more" if change > 0 else "less"
        same = "as much as on the scenarios"
        text += f", {same if change == 0 else f'{percent(abs(change), 2)} {side} than on the scenarios'}"
    if on_paths > 0 and math.isfinite(error_usd):
        text += f" (standard error over paths {percent(error_usd / on_paths, 2)})"
    return f"{text}."
