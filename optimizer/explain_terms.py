"""What a stretch of hours costs with and without purchases: the passes that all explanations rest on.

Not here: what is made of them (`optimizer.explain_savings`, `optimizer.explain_flips`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.hours import HOURS_PER_DAY
from optimizer.cover import CoverClasses
from optimizer.limits import Limits
from optimizer.problem import Batches, PlanningProblem
from optimizer.sweep import Sweeper

STRIDES = (1, 5, 25, 101)  # all prime to a day and a week: every hour of the week has its turn
DAYS_PER_CUT = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spent:
    """Cost of the hours, on demand and spot, fees apart.

    Attributes
    ----------
    usd : FloatArray of shape (n_scenarios, n_segments)
        Undiscounted. [USD]
    discounted_usd : FloatArray of shape (n_scenarios,)
    """

    usd: FloatArray
    discounted_usd: FloatArray

    @property
    def scenario_usd(self) -> FloatArray:
        """Undiscounted sum over the hours. Shape (n_scenarios,). [USD]"""
        total: FloatArray = self.usd.sum(axis=1)
        return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planned:
    """A problem and what a plan buys in it.

    Attributes
    ----------
    problem : PlanningProblem
        All hours, or some of them that stand for all (`thinned`).
    quantity : FloatArray of shape (n_batches,)
        Of every batch, owned ones included.
    classes : CoverClasses
    spot_part : FloatArray of shape (n_pools,) or None
        Part of each pool's eligible demand that runs on spot inside the window; None: all of it.
    """

    problem: PlanningProblem
    quantity: FloatArray
    classes: CoverClasses
    spot_part: FloatArray | None = None


class TermCosts:
    """Passes over the hours of one stretch.

    Parameters
    ----------
    planned : Planned
        Its quantities are not read.
    span : tuple of int
        First epoch hour, and hour after the last.
    by_week : bool
        Whether costs are told apart by week; a pass takes longer then.
    """

    def __init__(self, planned: Planned, span: tuple[int, int], *, by_week: bool) -> None:
        start_hour, end_hour = span
        problem = planned.problem
        self._n_batches = problem.batches.n_batches
        part = on_hours(problem, (problem.hours >= start_hour) & (problem.hours < end_hour))
        part = replace(part, limits=Limits())
        if by_week:
            weeks = np.arange(start_hour, end_hour, DAYS_PER_CUT * HOURS_PER_DAY)
            part = replace(part, batches=with_cuts(part.batches, weeks, end_hour))
        self._sweeper, self._spot_part = Sweeper(part, planned.classes), planned.spot_part

    @property
    def segment_first_hour(self) -> IntArray:
        """First epoch hour of each segment. Shape (n_segments,)."""
        return self._sweeper.segments.first_hour

    @property
    def segment_hours(self) -> FloatArray:
        """Hours each segment stands for. Shape (n_segments,). [h]"""
        return self._sweeper.segments.hours

    def __call__(self, quantity: FloatArray, *, demand_factor: float = 1.0) -> Spent:
        """Serve the hours.

        Parameters
        ----------
        quantity : FloatArray of shape (n_batches,)
            Of every batch of the whole problem.
        demand_factor : float
            Demand is multiplied by it, above 0. As cost is homogeneous in demand and quantities together, the pass is
            made on the same demand at quantities divided by it.
        """
        sweeper = self._sweeper
        held = np.zeros(sweeper.problem.batches.n_batches)
        held[: self._n_batches] = quantity / demand_factor
        found = sweeper(held, spot_part=self._spot_part)
        prices = sweeper.prices
        usd = found.on_demand_units @ prices.on_demand_usd + found.spot_units @ np.nan_to_num(prices.spot_usd)
        usd = demand_factor * usd
        return Spent(usd=usd, discounted_usd=usd @ sweeper.segments.discount)


def on_hours(problem: PlanningProblem, keep: BoolArray) -> PlanningProblem:
    """Return the same problem on some of its hours, of shape (n_hours,); a contract is left out."""
    return replace(
        problem,
        contract=None,
        hours=problem.hours[keep],
        hour_weights=problem.hour_weights[keep],
        discount=problem.discount[keep],
        in_window=problem.in_window[keep],
        demand=problem.demand[:, :, keep],
        spot_available=problem.spot_available_at(keep),
    )


def thinned(problem: PlanningProblem, stride: int) -> PlanningProblem:
    """Return the same problem on every `stride`-th of its hours, which then count for those left out after them.

    Window and tail are thinned apart, so that both keep their length.
    """
    if stride == 1:
        return problem
    keep, weights = np.zeros(len(problem.hours), dtype=bool), np.zeros(len(problem.hours))
    for inside in (True, False):
        places = np.flatnonzero(problem.in_window == inside)
        if len(places):
            keep[places[::stride]] = True
            weights[places[::stride]] = np.add.reduceat(problem.hour_weights[places], np.arange(0, len(places), stride))
    return replace(on_hours(problem, keep), hour_weights=weights[keep])


def stride_within(n_cells: float, budget: float) -> int:
    """Smallest stride at which that many numbers of demand are no more than the budget; the largest where none is."""
    return next((stride for stride in STRIDES if n_cells / stride <= budget), STRIDES[-1])


def best_hourly_usd(problem: PlanningProblem, row: int) -> float:
    """Most that an hour of one unit of an instrument can be worth at on-demand rates; 0 where it covers nothing."""
    if problem.instruments.reserves_units[row]:
        return 0.0
    worth: FloatArray = np.nan_to_num(problem.on_demand_usd / problem.instruments.draw[row])
    return float(worth.max(initial=0.0))


def most_worth_usd(problem: PlanningProblem, batch: int) -> float:
    """Most that one unit of a batch can be worth at on-demand rates over the hours of the problem. [USD per quantity]

    Hardware that moves on counts by the pools of each age.
    """
    legs = problem.legs
    total = 0.0
    for leg in np.flatnonzero(legs.batch == batch).tolist():
        inside = (problem.hours >= legs.start_hour[leg]) & (problem.hours < legs.end_hour[leg])
        total += best_hourly_usd(problem, int(legs.instrument[leg])) * float(problem.hour_weights[inside].sum())
    return total


def hours_held(problem: PlanningProblem, batch: int) -> float:
    """Hours of the problem in which a batch is held. [h]"""
    batches = problem.batches
    inside = (problem.hours >= batches.start_hour[batch]) & (problem.hours < batches.end_hour[batch])
    return float(problem.hour_weights[inside].sum())


def with_cuts(batches: Batches, hours: IntArray, end_hour: int) -> Batches:
    """Return the batches and empty owned ones that begin on some hours, so that segments are cut there."""
    n_cuts = len(hours)
    return Batches(
        instrument=np.append(batches.instrument, np.resize(batches.instrument[:1], n_cuts)),
        start_hour=np.append(batches.start_hour, hours),
        end_hour=np.append(batches.end_hour, np.full(n_cuts, end_hour)),
        cost_usd=np.append(batches.cost_usd, np.zeros(n_cuts)),
        upfront_usd=np.append(batches.upfront_usd, np.zeros(n_cuts)),
        fixed_quantity=np.append(batches.fixed_quantity, np.zeros(n_cuts)),
    )
