"""Demand of the scenarios with an event late, early, certain or never: the same draws, the event alone changed.

Nothing is fitted again: the paths are laid out once without events, then the events act on them anew. What is bought
stays as planned. Not here: what events do to demand (`forecasting.events`), what follows for purchases
(`optimizer.jobs.explain`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.events import EventDraws, apply_change, future_change
from forecasting.forecast import Forecast
from forecasting.hours import HOURS_PER_DAY
from forecasting.prepared import BLOCK_DAYS, Prepared, in_blocks
from forecasting.roadmap import Event
from forecasting.scenarios import Scenarios
from optimizer.jobs.unnamed import unnamed_pools
from optimizer.problem import PlanningProblem

ON_TIME = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChange:
    """How one event differs from what is planned with.

    Attributes
    ----------
    event : str
    late_days : float
        On top of what is declared and sampled; below 0 early.
    happens : bool or None
        Whether it comes at all; None: in the scenarios in which it does.
    """

    event: str
    late_days: float = ON_TIME
    happens: bool | None = None


class EventWorlds:
    """Demand of the scenarios of a plan with events changed.

    Parameters
    ----------
    forecast : Forecast
        With all paths (`every`).
    problem : PlanningProblem
        On the scenarios of the forecast, and on some of its hours.

    Raises
    ------
    ValueError
        If the forecast has no paths.
    """

    def __init__(self, forecast: Forecast, problem: PlanningProblem) -> None:
        if forecast.every is None:
            msg = "the forecast must have its paths to change an event in them, got none."
            raise ValueError(msg)
        self.problem = problem
        self._prepared = forecast.every.of(forecast.kept, problem.weights)
        self._without = _laid_out(replace(self._prepared, events=()), problem)
        self._planned = self._demand(None)

    @property
    def events(self) -> tuple[Event, ...]:
        """Events that act on demand."""
        return tuple(event for event, _ in self._prepared.events)

    def is_to_come(self, event: Event) -> bool:
        """Whether an event has not begun, so that it may still fail to come."""
        return event.start_hour >= self._prepared.daily.origin_hour

    def days_ahead(self, event: Event) -> float:
        """Days from the end of history to the start of an event; 0 for one that has begun."""
        return max(event.start_hour - self._prepared.daily.origin_hour, 0) / HOURS_PER_DAY

    def changed(self, change: EventChange) -> PlanningProblem:
        """Return the same problem with the demand of an event changed."""
        moved = self._demand(change) - self._planned
        return replace(self.problem, demand=np.maximum(self.problem.demand + moved, 0.0))

    def touched_pools(self, changed: PlanningProblem) -> BoolArray:
        """Whether the demand of each pool differs from what is planned with. Shape (n_pools,)."""
        differs: BoolArray = np.any(changed.demand != self.problem.demand, axis=(0, 2))
        return differs

    def _demand(self, change: EventChange | None) -> FloatArray:
        """Demand on the pools of the problem. Shape (n_scenarios, n_pools, n_hours). [units]"""
        units, prepared, hours = self._without.copy(), self._prepared, self.problem.hours
        pools = units[:, : prepared.n_pools]
        for event, draws in prepared.events:
            taken = draws if change is None or change.event != event.name else _with(draws, change)
            acts = future_change(event, taken, hours, origin_hour=prepared.daily.origin_hour)
            if acts is not None:
                apply_change(pools, prepared.daily.pools, event, acts)
        return _on_pools(units, prepared, self.problem)


def _with(draws: EventDraws, change: EventChange) -> EventDraws:
    """Draws of an event with the change in all of them."""
    happens = draws.happens if change.happens is None else np.full(len(draws.happens), change.happens)
    return replace(draws, happens=happens, delay_hours=draws.delay_hours + change.late_days * HOURS_PER_DAY)


def _laid_out(prepared: Prepared, problem: PlanningProblem) -> FloatArray:
    """Sampled units of pools and groups on the hours of the problem."""
    blocks: Sequence[FloatArray] = [prepared.hourly(block) for block in in_blocks(problem.hours, n_days=BLOCK_DAYS)]
    return np.concatenate(blocks, axis=2)


def _on_pools(units: FloatArray, prepared: Prepared, problem: PlanningProblem) -> FloatArray:
    """The same units on the pools of the problem, in their order."""
    daily = prepared.daily
    scenarios = Scenarios(
        pools=(*daily.pools, *unnamed_pools(daily.groups, daily.pools)),
        hours=problem.hours,
        hour_weights=problem.hour_weights,
        weights=problem.weights,
        units=units,
    )
    return scenarios.on_pools(problem.pools).units
