"""The same scenarios with a declared event that comes later, or not at all, on equal draws.

Laid out on every fifth hour, as the tail of a plan is: enough to compare, and cheap. Not here: what a future costs
(`pricing`).
"""

from dataclasses import replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.events import LOSING_KINDS, EventDraws
from forecasting.forecast import Forecast
from forecasting.hours import HOURS_PER_DAY
from forecasting.prepared import BLOCK_DAYS, Prepared, in_blocks
from forecasting.roadmap import Event
from forecasting.scenarios import Scenarios
from optimizer.calendar_dates import FAR_STRIDE_HOURS
from optimizer.jobs.unnamed import unnamed_pools
from optimizer.offers import Offer
from optimizer.problem import PlanningProblem


class Futures:
    """Demand of a plan's scenarios on sampled hours, as declared or with events changed; each laid out once.

    Parameters
    ----------
    forecast : Forecast
        As it was drawn; events can only be changed where its paths are known (`Forecast.every`).
    """

    def __init__(self, forecast: Forecast) -> None:
        self.forecast = forecast
        self._known: dict[tuple[tuple[str, ...], float], FloatArray] = {}

    @property
    def is_known(self) -> bool:
        """Whether paths are known; not where demand follows another model."""
        return self.forecast.every is not None

    def slipped(self, problem: PlanningProblem, event: str, days: float) -> PlanningProblem:
        """Problem on sampled hours in which one event comes so many days later than drawn."""
        return sampled(problem) if days == 0.0 else self._with(problem, (event,), days)

    def without(self, problem: PlanningProblem, events: tuple[str, ...]) -> PlanningProblem:
        """Problem on sampled hours in which some events do not come, or go no further where they are under way."""
        return self._with(problem, events, np.inf)

    def _with(self, problem: PlanningProblem, events: tuple[str, ...], days: float) -> PlanningProblem:
        """Problem with demand laid out anew, or as it was before."""
        base, key = sampled(problem), (events, days)
        if key not in self._known:
            self._known[key] = self._laid_out(events, days, base.hours, problem.pools)
        return replace(base, demand=self._known[key])

    def _laid_out(self, events: tuple[str, ...], days: float, hours: IntArray, pools: tuple[str, ...]) -> FloatArray:
        """Demand with events changed. Shape (n_scenarios, n_pools, n_hours). [units]"""
        every = self.forecast.every
        if every is None:
            msg = "events can only be changed where the paths are known"
            raise RuntimeError(msg)
        prepared = _changed(every.of(self.forecast.kept, self.forecast.scenarios.weights), events, days)
        names = (*prepared.daily.pools, *unnamed_pools(prepared.daily.groups, prepared.daily.pools))
        units = np.concatenate([prepared.hourly(block) for block in in_blocks(hours, n_days=BLOCK_DAYS)], axis=2)
        scenarios = Scenarios(
            pools=names, hours=hours, hour_weights=np.ones(len(hours)), weights=prepared.weights, units=units
        )
        return scenarios.on_pools(pools).units


def sampled(problem: PlanningProblem) -> PlanningProblem:
    """The same problem on every fifth of the hours that are all there; fees stay those of the whole term."""
    is_near = problem.hour_weights == 1.0
    near = np.flatnonzero(is_near)
    kept = near[::FAR_STRIDE_HOURS]
    weights = np.minimum(FAR_STRIDE_HOURS, len(near) - np.arange(0, len(near), FAR_STRIDE_HOURS)).astype(np.float64)
    columns = np.concatenate([kept, np.flatnonzero(~is_near)])
    order = np.argsort(columns, kind="stable")
    hour_weights = np.concatenate([weights, problem.hour_weights[~is_near]])[order]
    columns = columns[order]
    return replace(
        problem,
        hours=problem.hours[columns],
        hour_weights=hour_weights,
        discount=problem.discount[columns],
        in_window=problem.in_window[columns],
        demand=problem.demand[:, :, columns],
        spot_available=problem.spot_available_at(columns),
    )


def within_hours(problem: PlanningProblem, start_hour: int, end_hour: int) -> PlanningProblem:
    """The same problem on its hours from one to another, end exclusive."""
    inside = (problem.hours >= start_hour) & (problem.hours < end_hour)
    return replace(
        problem,
        hours=problem.hours[inside],
        hour_weights=problem.hour_weights[inside],
        discount=problem.discount[inside],
        in_window=problem.in_window[inside],
        demand=problem.demand[:, :, inside],
        spot_available=problem.spot_available_at(inside),
    )


def draining_events(events: tuple[Event, ...], offer: Offer, *, before_hour: int, as_of_hour: int) -> tuple[Event, ...]:
    """Declared events that take demand out of an offer's reach before an hour, and are not over at as-of.

    An event that only moves demand between pools that the offer covers takes nothing away.
    """
    reach = set(offer.pools)
    return tuple(
        event
        for event in events
        if event.kind in LOSING_KINDS
        and event.start_hour < before_hour
        and event.end_hour > as_of_hour
        and not reach.isdisjoint(event.from_pools)
        and not (event.to_shares and reach.issuperset(pool for pool, _ in event.to_shares))
    )


def _changed(prepared: Prepared, events: tuple[str, ...], days: float) -> Prepared:
    """Paths with some events later, or without them."""
    return replace(
        prepared,
        events=tuple(
            (event, draws if event.name not in events else _later(draws, days))
            for event, draws in prepared.events
            if event.name not in events or np.isfinite(days)
        ),
    )


def _later(draws: EventDraws, days: float) -> EventDraws:
    """Draws of an event that comes later than drawn."""
    return replace(draws, delay_hours=draws.delay_hours + days * HOURS_PER_DAY)
