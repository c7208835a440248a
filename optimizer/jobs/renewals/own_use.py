"""What of some batches stays unused in each scenario, and what running old and new together costs.

Where several interchangeable commitments serve the same demand what idles is shared in proportion to what is held. Not
here: expected cost (`pricing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.events import MOVING_KINDS
from forecasting.roadmap import Event
from optimizer.cover import cover_classes
from optimizer.jobs.renewals.futures import within_hours
from optimizer.problem import PlanningProblem
from optimizer.sweep import Sweeper


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnUse:
    """Use of some batches on the hours of a problem.

    Attributes
    ----------
    idle_usd : FloatArray of shape (n_scenarios,)
        Fees of what no usage consumed. [USD]
    idle_unit_hours : FloatArray of shape (n_scenarios,)
        Units of the smallest draw that it could have covered. [unit-hours]
    held_usd : float
        Fees of what is held. [USD]
    """

    idle_usd: FloatArray
    idle_unit_hours: FloatArray
    held_usd: float


def own_use(problem: PlanningProblem, quantity: FloatArray, rows: Sequence[int], *, in_window: bool) -> OwnUse:
    """Use of some batches among all that are held.

    Parameters
    ----------
    problem : PlanningProblem
    quantity : FloatArray of shape (n_batches,)
    rows : sequence of int
        Batches whose use is asked for.
    in_window : bool
        Whether only hours inside the window count.
    """
    none = np.zeros(len(problem.weights))
    if not len(problem.hours):
        return OwnUse(idle_usd=none, idle_unit_hours=none, held_usd=0.0)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    sweeper = Sweeper(problem, classes)
    swept, (held, _) = sweeper(quantity), sweeper.held(quantity)
    segments, batches, instruments = sweeper.segments, problem.batches, problem.instruments
    active = batches.active(segments.first_hour)
    counts = segments.hours * (segments.in_window if in_window else 1.0)
    usd, units, held_usd = none.copy(), none.copy(), 0.0
    for row in rows:
        instrument = int(batches.instrument[row])
        group = int(classes.class_of[instrument])
        draws = instruments.draw[instrument]
        if quantity[row] <= 0.0 or group < 0 or not np.isfinite(draws).any():
            continue
        own = quantity[row] * active[row]
        part = np.divide(
            classes.scale[instrument] * own, held[:, group], out=np.zeros(len(own)), where=held[:, group] > 0.0
        )
        idle = (swept.idle_quantity[:, :, group] * part * (counts > 0.0)) @ np.ones(len(own))
        idle = idle / classes.scale[instrument]
        usd += idle * instruments.fee_usd[instrument]
        units += idle / np.nanmin(draws)
        held_usd += float(own @ counts) * float(instruments.fee_usd[instrument])
    return OwnUse(idle_usd=usd, idle_unit_hours=units, held_usd=held_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Cost of running old and new together while events move demand.

    Attributes
    ----------
    stranded_usd : float
        Fees of the commitment, and of what renews it on the same pools, that the events leave unused. [USD]
    new_capacity_usd : float
        The same work on the pools it moves to, at their on-demand rates: it is paid for twice. [USD]
    """

    stranded_usd: float
    new_capacity_usd: float


def overlap(
    problems: tuple[PlanningProblem, PlanningProblem],
    quantity: FloatArray,
    rows: Sequence[int],
    events: Sequence[Event],
) -> Overlap:
    """What events add to what is unused from their first hour on, and what the same work costs where it moved.

    Parameters
    ----------
    problems : pair of PlanningProblem
        With the events, and without them.
    quantity : FloatArray of shape (n_batches,)
    rows : sequence of int
        The commitment, and what covers the same pools in its place.
    events : sequence of Event
    """
    if not events:
        return Overlap(stranded_usd=0.0, new_capacity_usd=0.0)
    start = min(event.start_hour for event in events)
    uses = [
        own_use(within_hours(problem, start, int(problem.hours[-1]) + 1), quantity, rows, in_window=True)
        for problem in problems
    ]
    weights = problems[0].weights
    stranded = float(weights @ (uses[0].idle_usd - uses[1].idle_usd))
    unit_hours = max(0.0, float(weights @ (uses[0].idle_unit_hours - uses[1].idle_unit_hours)))
    rates = [_moved_usd(event, problems[0]) for event in events if event.kind in MOVING_KINDS]
    return Overlap(
        stranded_usd=max(0.0, stranded),
        new_capacity_usd=unit_hours * (sum(rates) / len(rates) if rates else 0.0),
    )


def _moved_usd(event: Event, problem: PlanningProblem) -> float:
    """On-demand cost of the work of one unit where an event moves it. [USD/unit-hour]"""
    rate = dict(zip(problem.pools, problem.on_demand_usd.tolist(), strict=True))
    usd = sum(share * rate.get(pool, 0.0) for pool, share in event.to_shares)
    return float(event.conversion * usd)
