"""The past taken apart for a forecast: what events did, what drivers explain, spikes, and the organic rest.

Not here: hour-by-hour parts for readers (`forecasting.parts`), nor any model of the rest (`forecasting.baseline`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.calendars import holiday_names
from forecasting.cleaning import without_group_spikes
from forecasting.daily import DailyHistory, daily_history
from forecasting.driver_events import with_driver_amounts
from forecasting.event_effects import EventEffect, estimated_events
from forecasting.found_events import GroupShifts, group_shifts
from forecasting.found_launches import FoundLaunch, found_launches
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from forecasting.relations import DailyDemand, DriverModel, driver_assumptions, fit_drivers
from forecasting.request import ForecastRequest
from forecasting.roadmap import Event, Roadmap
from forecasting.spikes import Spike


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """History before as-of and what was learned from it about causes.

    Attributes
    ----------
    daily : DailyHistory
        Restated by events with estimated sizes.
    cleaned : DailyHistory
        Restated further: without spikes.
    organic : DailyHistory
        Restated further: without what drivers explain, in their state at the end of history.
    events : tuple of Event
        Visible events in order of their start, with estimated sizes.
    effects : tuple of EventEffect
        What the events did, and are expected to do.
    launches : tuple of FoundLaunch
        Pools that were born and added demand, undeclared: `daily` is restated by them too.
    shifts : GroupShifts
        Level shifts of the groups that nobody declared.
    spikes : tuple of tuple of Spike
        By group.
    drivers : DriverModel or None
    holidays : tuple of str
        Name of the holiday on each day of history, empty on ordinary days.
    assumptions : tuple of str
        Sentences about drivers.
    """

    daily: DailyHistory
    cleaned: DailyHistory
    organic: DailyHistory
    events: tuple[Event, ...]
    effects: tuple[EventEffect, ...]
    launches: tuple[FoundLaunch, ...]
    shifts: GroupShifts
    spikes: tuple[tuple[Spike, ...], ...]
    drivers: DriverModel | None
    holidays: tuple[str, ...]
    assumptions: tuple[str, ...]


def understood_past(history: History, roadmap: Roadmap, request: ForecastRequest) -> Past:
    """Take the past apart, by the events visible at as-of.

    Raises
    ------
    HistoryError
        If the history is too short, too old or empty.
    InputError
        If a relation or an event given in drivers does not fit the drivers.
    """
    declared = tuple(sorted(roadmap.visible_at(request.as_of_hour).events, key=lambda event: event.start_hour))
    seen = daily_history(history, declared, as_of_hour=request.as_of_hour)
    drivers = _drivers(seen, roadmap, request)
    source = request.roadmap_source
    declared, told = with_driver_amounts(declared, drivers, seen.pools, source=source)
    holidays = holiday_names(seen.days, country=request.settings.holiday_country)
    estimates = estimated_events(seen, declared, holidays=holidays)
    daily = daily_history(history, estimates.events, as_of_hour=request.as_of_hour)
    launches = found_launches(daily, estimates.events)
    if launches:
        found = (launch.event for launch in launches)
        daily = daily_history(history, (*estimates.events, *found), as_of_hour=request.as_of_hour)
    cleaned, spikes = without_group_spikes(daily)
    organic = cleaned
    if drivers is not None:
        end_day = int(request.hours[-1]) // HOURS_PER_DAY + 1
        told = (*driver_assumptions(drivers, end_day=end_day), *told)
        factor = np.exp(drivers.past_log_factor[drivers.row_of_pool])
        organic = replace(cleaned, restated=cleaned.restated / factor[:, :, None])
    return Past(
        daily=daily,
        cleaned=cleaned,
        organic=organic,
        events=estimates.events,
        effects=estimates.effects,
        launches=launches,
        shifts=group_shifts(daily, holidays),
        spikes=spikes,
        drivers=drivers,
        holidays=holidays,
        assumptions=told,
    )


def _drivers(seen: DailyHistory, roadmap: Roadmap, request: ForecastRequest) -> DriverModel | None:
    """What drivers explain of demand with the declared events taken off; None without drivers."""
    if request.drivers is None:
        return None
    demand = DailyDemand(
        pools=seen.pools,
        group_of_pool=tuple(seen.groups[group] for group in seen.group_of),
        first_day=seen.first_day,
        units=seen.restated.mean(axis=2),
    )
    as_of_day = request.as_of_hour // HOURS_PER_DAY
    return fit_drivers(demand, request.drivers, roadmap.relations, as_of_day=as_of_day, source=request.roadmap_source)
