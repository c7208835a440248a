"""Launches and promotions given in drivers ("50,000 more users") become factors of demand, through the relation.

Not here: what a factor does to demand (`forecasting.events`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecasting.errors import InputError, Problem
from forecasting.events import shown_progress
from forecasting.frames import did_you_mean
from forecasting.hours import HOURS_PER_DAY
from forecasting.relations import MAX_LOG_FACTOR, DriverModel
from forecasting.roadmap import Event, RampShape


def with_driver_amounts(
    events: Sequence[Event], model: DriverModel | None, pools: Sequence[str], *, source: str
) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Events in which every `add_drivers` is a `multiply`, and sentences for the reader.

    A launch multiplies demand by the product of ((value + added) / value) ** elasticity, with the P50 of each driver
    on the first day of the ramp. What a launch has already added before as-of is in the measured driver: only the rest
    of it acts, linearly from as-of to its end.

    Parameters
    ----------
    events : sequence of Event
        Visible ones.
    model : DriverModel or None
        None where no drivers are given.
    pools : sequence of str
        Pools that the model was fitted on, in its order.
    source : str
        Name of the roadmap file.

    Raises
    ------
    InputError
        If there are no drivers, or an event's pools do not all follow one relation that names its drivers.
    """
    problems, translated, told = [], [], []
    for event in events:
        wrong = _unfit(event, model, pools) if event.add_drivers else None
        if wrong is not None:
            problems.append(Problem(column=f"events '{event.name}'", row=event.line, message=wrong))
        elif model is None or not event.add_drivers:
            translated.append(event)
        else:
            row = int(model.row_of_pool[list(pools).index(event.to_shares[0][0])])
            translated.append(_translated(event, model, row))
            if _is_idle(event, model, row):
                told.append(f"Event '{event.name}' is given in drivers that explain no demand: it changes none.")
    if problems:
        raise InputError(source, problems)
    return tuple(translated), tuple(told)


def _unfit(event: Event, model: DriverModel | None, pools: Sequence[str]) -> str | None:
    """Why an event given in drivers cannot be translated; None if it can."""
    if model is None:
        return "must have drivers to add to, and none are given. Give --drivers, or use add_units or multiply."
    missing = [pool for pool, _ in event.to_shares if pool not in pools]
    if missing:
        return f"pool {missing[0]!r} must be in the usage before the decision date, and is not."
    rows = {int(model.row_of_pool[list(pools).index(pool)]) for pool, _ in event.to_shares}
    if len(rows) > 1 or rows == {len(model.targets) - 1}:
        got = "several" if len(rows) > 1 else "none"
        return f"its pools must follow one relation to drivers, got {got}. Declare one event for each, or a relation."
    named = [curve.name for curve in model.curves]
    for driver, _ in event.add_drivers:
        if driver not in named:
            return f"add_drivers must name drivers of a relation, got {driver!r}.{did_you_mean(driver, named)}"
    return None


def _translated(event: Event, model: DriverModel, row: int) -> Event:
    """One event with its factor."""
    origin_hour = model.origin_day * HOURS_PER_DAY
    if event.start_hour >= origin_hour:
        return replace(event, add_drivers=(), multiply=_factor(event, model, row))
    if event.end_hour <= origin_hour:
        return replace(event, add_drivers=(), multiply=1.0)
    rest = replace(event, start_hour=origin_hour, probability=1.0)
    if event.shape is RampShape.PULSE:
        return replace(rest, add_drivers=(), multiply=_factor(rest, model, row))
    left_fraction = 1.0 - shown_progress(event, origin_hour=origin_hour)
    factor = _factor(rest, model, row, left_fraction=left_fraction)
    return replace(rest, add_drivers=(), shape=RampShape.LINEAR, multiply=factor)


def _factor(event: Event, model: DriverModel, row: int, *, left_fraction: float = 1.0) -> float:
    """Factor by which demand of a target grows with what is left to be added to the drivers."""
    day = np.array([event.start_hour // HOURS_PER_DAY])
    added = dict(event.add_drivers)
    log_factor = 0.0
    for position, curve in enumerate(model.curves):
        value = float(np.exp(curve.log_values(day)[0]))
        grown = float(np.log1p(left_fraction * added.get(curve.name, 0.0) / value))
        log_factor += float(model.elasticity[row, position]) * grown
    return float(np.exp(np.clip(log_factor, -MAX_LOG_FACTOR, MAX_LOG_FACTOR)))


def _is_idle(event: Event, model: DriverModel, row: int) -> bool:
    """Whether none of an event's drivers explains demand of a target."""
    named = dict(event.add_drivers)
    return not any(model.elasticity[row, k] for k, curve in enumerate(model.curves) if curve.name in named)
