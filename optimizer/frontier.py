"""The frontier of cost against stranded risk: the cheapest plan for each amount that may be stranded.

The limit is an amount of USD that new purchases may strand in expectation, so that the least cost is convex in it and
never rises. One program over bounds serves all points, as a bound found for one of them holds for all: only the right-
hand side of the limit moves [1]_. The knee is the point farthest below the chord between both ends [2]_. Not here: what
is said of each plan (`optimizer.jobs.frontier`).

References
----------
.. [1] J. E. Kelley, "The cutting-plane method for solving convex programs", Journal of the Society for Industrial and
   Applied Mathematics 8(4), 1960. doi:10.1137/0108053
.. [2] V. Satopaa, J. Albrecht, D. Irwin and B. Raghavan, "Finding a 'Kneedle' in a Haystack: Detecting Knee Points in
   System Behavior", 31st International Conference on Distributed Computing Systems Workshops, 2011.
   doi:10.1109/ICDCSW.2011.20
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.cover import CoverClasses
from optimizer.explain_terms import stride_within, thinned
from optimizer.frontier_search import NO_LIMIT_USD, Choice, FrontierOptions, FrontierSearch
from optimizer.problem import PlanningProblem

LEAST_PRICE = 0.05  # USD per USD stranded of the passes on all hours
BUDGET_CELLS = 5e5  # numbers of demand on which plans are sought before they are taken on all hours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrontierChoices:
    """The frontier as plans.

    Attributes
    ----------
    choices : tuple of Choice
        By what they strand, the least first; the first buys nothing that no other limit asks for.
    given : Choice
        The plan asked about, with its own lower bound.
    knee : int
        Place among `choices`.
    classes : CoverClasses
        That stranded USD is known by.
    """

    choices: tuple[Choice, ...]
    given: Choice
    knee: int
    classes: CoverClasses


def frontier(
    problem: PlanningProblem,
    quantity: FloatArray,
    options: FrontierOptions,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> FrontierChoices:
    """Plans from no new commitment to no limit on stranded value, within all other limits.

    Plans are sought on some of the hours where there are many, then taken on all of them: cost, stranded USD and the
    lower bound of each are those of all hours.

    Parameters
    ----------
    problem : PlanningProblem
        Its own limits on stranded value are set aside.
    quantity : FloatArray of shape (n_batches,)
        Plan to be placed beside the frontier.
    options : FrontierOptions
    tell : callable
        Given a line on progress.

    Raises
    ------
    InfeasibleLimitsError
        If the other limits cannot all be met.
    """
    sought = FrontierSearch(thinned(problem, stride_within(problem.demand.size, BUDGET_CELLS)))
    plans = []
    for number, limit in enumerate(sought.levels(options), start=1):
        tell(f"frontier: plan {number} of {options.n_limits}")
        plans.append(sought.least_cost(limit, (), options.gap_fraction, options.max_rounds))
    exact = FrontierSearch(problem)
    for number, plan in enumerate(plans, start=1):
        tell(f"frontier: plan {number} of {len(plans)} on all hours")
        exact.tried(plan.quantity)
        exact.freed(plan.quantity, replace(exact.plain, stranded=exact.plain.stranded + max(plan.price, LEAST_PRICE)))
    given = quantity, exact.tried(quantity)
    for number, plan in enumerate(plans, start=1):
        tell(f"frontier: bounds of plan {number} of {len(plans)}")
        exact.least_cost(plan.allowed_usd, (), options.gap_fraction, options.max_exact_rounds)
    points = exact.cheapest([plan.allowed_usd for plan in plans])
    none = exact.program.least_committed()
    tell("frontier: closing holes")
    choices = exact.filled((0.0, none, exact.tried(none)), points, options)
    return FrontierChoices(
        choices=choices,
        given=exact.choice(NO_LIMIT_USD, *given),
        knee=knee([c.stranded_usd for c in choices], [c.cost_usd for c in choices]),
        classes=exact.classes,
    )


def knee(across: Sequence[float], down: Sequence[float]) -> int:
    """Place of the point farthest below the chord from the first point to the last; 0 where there is no bend.

    Both axes are first stretched to [0, 1], as in Kneedle.

    Examples
    --------
    >>> knee([0.0, 1.0, 2.0, 10.0], [100.0, 60.0, 50.0, 45.0])
    2
    """
    x, y = np.asarray(across, dtype=np.float64), np.asarray(down, dtype=np.float64)
    if len(x) < 3 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return 0
    x, y = (x - x.min()) / np.ptp(x), (y - y.min()) / np.ptp(y)
    chord = y[0] + (y[-1] - y[0]) * (x - x[0]) / (x[-1] - x[0]) if x[-1] != x[0] else np.full(len(x), y[0])
    return int(np.argmax(chord - y))


def cheapest_as_safe(
    problem: PlanningProblem, quantity: FloatArray, options: FrontierOptions
) -> tuple[float, float, float]:
    """Cost of a plan, and of the cheapest one found that strands no more USD, within the problem's other limits.

    Parameters
    ----------
    problem : PlanningProblem
        Where it limits no stranded value, neither plan is limited in it.
    quantity : FloatArray of shape (n_batches,)
        Of the plan.
    options : FrontierOptions

    Returns
    -------
    tuple of float
        Objective of the plan, of the cheapest found, and what none costs less than. [USD]
    """
    limits = problem.limits
    is_limited = limits.stranded_expected_fraction is not None or limits.stranded_cvar_fraction is not None
    search = FrontierSearch(problem)
    own = search.tried(quantity)
    allowed = max(search.added_usd(own), 0.0) if is_limited else NO_LIMIT_USD
    best = search.least_cost(allowed, (quantity,), options.gap_fraction, options.max_rounds)
    return own.objective_usd, min(best.merit_usd, own.objective_usd), search.solved(allowed).objective_usd
