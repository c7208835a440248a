"""Worlds that differ in one thing from the run that was asked for: what the roadmap says, or how good the forecast is.

Not here: the replay of them (`optimizer.jobs.backtest.replay`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.event_kinds import EventKind
from forecasting.forecast import Forecast
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event, Roadmap
from optimizer.jobs.quarterly import Revise
from optimizer.policy import Concentration, Coverage, Headroom, Increments, Policy, Risk, Stranded

LATE_DAYS = 90
WRONG_SIZE = 0.5  # of what the roadmap says without it
HALFWAY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One thing that is different.

    Attributes
    ----------
    name : str
    title : str
        For people.
    needs_roadmap : bool
        Whether it says nothing where the run has no events.
    is_default : bool
        Whether it runs where none is named.
    """

    name: str
    title: str
    needs_roadmap: bool
    is_default: bool = True


_ALL = (
    Variant(name="off", title="Without the roadmap", needs_roadmap=True),
    Variant(name="late", title=f"Everything runs {LATE_DAYS} days later than declared", needs_roadmap=True),
    Variant(name="size", title="Events declared half as large as they are", needs_roadmap=True),
    Variant(name="halfway", title="Forecast half way to what came", needs_roadmap=False),
    Variant(name="exact", title="What comes is known", needs_roadmap=False, is_default=False),
)
VARIANTS = {variant.name: variant for variant in _ALL}


def changed_roadmap(roadmap: Roadmap, name: str) -> Roadmap:
    """Events as a variant declares them; the same roadmap for a variant that is about something else.

    Parameters
    ----------
    roadmap : Roadmap
    name : str
        ``off`` drops the events. ``late`` declares each 90 days before the date of the file, with the date from which
        it is known as it was: demand then runs that much later than declared. ``size`` declares half of each.
    """
    if name == "off":
        return replace(roadmap, events=())
    if name == "late":
        return replace(roadmap, events=tuple(_earlier(event) for event in roadmap.events))
    if name == "size":
        return replace(roadmap, events=tuple(_smaller(event) for event in roadmap.events))
    return roadmap


def _earlier(event: Event) -> Event:
    """Event with its dates moved."""
    hours = LATE_DAYS * HOURS_PER_DAY
    return replace(event, start_hour=event.start_hour - hours, end_hour=event.end_hour - hours)


def _smaller(event: Event) -> Event:
    """Event with half the effect; a capacity cliff moves no demand and stays."""
    if event.kind is EventKind.CAPACITY_CLIFF:
        return event
    if event.multiply is not None:
        return replace(event, multiply=1.0 + WRONG_SIZE * (event.multiply - 1.0))
    if event.add_units is not None:
        return replace(event, add_units=WRONG_SIZE * event.add_units)
    if event.add_drivers:
        return replace(event, add_drivers=tuple((name, WRONG_SIZE * amount) for name, amount in event.add_drivers))
    if event.is_to_be_learned:
        return event
    part = event.size_range
    shrunk = None if part is None else (WRONG_SIZE * part[0], WRONG_SIZE * part[1])
    return replace(event, size=WRONG_SIZE * event.size, size_range=shrunk)


def forecast_change(name: str, actual: History) -> Revise | None:
    """What a variant does to each forecast; None where nothing."""
    if name == "halfway":
        return lambda forecast: towards(forecast, actual, fraction=HALFWAY)
    if name == "exact":
        return lambda forecast: towards(forecast, actual, fraction=1.0)
    return None


def towards(forecast: Forecast, actual: History, *, fraction: float) -> Forecast:
    """Forecast moved towards what came, in every scenario, pool and hour that the usage has.

    Parameters
    ----------
    forecast : Forecast
    actual : History
        Beyond its last hour the forecast stays as it is.
    fraction : float
        0: the forecast; 1: what came.
    """
    ours = forecast.scenarios
    known = ours.hours < actual.end_hour
    columns = ours.hours[known] - actual.start_hour
    units = np.array(ours.units)
    for row, pool in enumerate(ours.pools):
        came = actual.units[actual.pools.index(pool)][columns] if pool in actual.pools else np.zeros(len(columns))
        units[:, row, known] = (1.0 - fraction) * units[:, row, known] + fraction * came
    return replace(forecast, scenarios=replace(ours, units=units), every=None)


def without_increments(policy: Policy) -> Policy:
    """Policy under which any quantity can be bought."""
    return policy.model_copy(update={"increments": Increments()})


def without_limits(policy: Policy) -> Policy:
    """Policy that minimizes expected cost and nothing else, in any quantity."""
    free = {
        "increments": Increments(),
        "risk": Risk(),
        "stranded": Stranded(),
        "headroom": Headroom(),
        "coverage": Coverage(),
        "concentration": Concentration(),
        "upfront_usd_per_quarter": None,
        "purchase_usd_per_date": None,
        "spot_share_max": None,
        "payback_months_max": None,
    }
    return policy.model_copy(update=free)
