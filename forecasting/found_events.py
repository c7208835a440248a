"""Level shifts that nobody declared, as events and as rows of the table of effects.

A shift of a group is taken to have moved all of its pools by the same factor. Not here: how a shift is recognised
(`forecasting.shifts`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.daily import DailyHistory
from forecasting.event_effects import FOUND, NORMAL_Q95, EventEffect
from forecasting.event_evidence import usual_units
from forecasting.event_kinds import EventKind, RampShape
from forecasting.events import NORMAL_Q90
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.roadmap import Event
from forecasting.series_parts import group_calendar
from forecasting.shifts import LevelShift

LEVEL_SHIFT = "level_shift"
BASE_DAYS = 28

GroupShifts = tuple[tuple[LevelShift, ...], ...]


def group_shifts(daily: DailyHistory, holidays: Sequence[str]) -> GroupShifts:
    """Shifts of each group, in the order of the groups.

    Parameters
    ----------
    daily : DailyHistory
        Restated by events with estimated sizes.
    holidays : sequence of str
        Name of each day's holiday, empty on ordinary days.
    """
    units = np.zeros((len(daily.groups), daily.n_days))
    np.add.at(units, daily.group_of, daily.restated.mean(axis=2))
    return tuple(group_calendar(row, daily.days, holidays).shifts for row in units)


def shift_name(group: str, shift: LevelShift) -> str:
    """Name of a shift, by its group and date."""
    return " ".join(part for part in ("level shift", group, str(date_of_hour(shift.day * HOURS_PER_DAY))) if part)


def shift_events(daily: DailyHistory, shifts: GroupShifts) -> tuple[Event, ...]:
    """Shifts as events that have happened: steps by a factor, with P10 and P90 as `size_range`."""
    made = []
    for group, found in enumerate(shifts):
        pools = [pool for pool, of in zip(daily.pools, daily.group_of, strict=True) if of == group]
        for shift in found:
            spread = NORMAL_Q90 * shift.sd
            made.append(
                Event(
                    name=shift_name(daily.groups[group], shift),
                    kind=EventKind.LAUNCH,
                    to_shares=tuple((pool, 1.0 / len(pools)) for pool in pools),
                    start_hour=shift.day * HOURS_PER_DAY,
                    end_hour=(shift.day + 1) * HOURS_PER_DAY,
                    shape=RampShape.STEP,
                    multiply=float(np.exp(shift.log_size)),
                    size_range=(float(np.exp(-spread)), float(np.exp(spread))),
                )
            )
    return tuple(made)


def shift_effects(daily: DailyHistory, shifts: GroupShifts) -> tuple[EventEffect, ...]:
    """Shifts as rows of the table of effects."""
    rows = []
    units = daily.observed.mean(axis=2)
    for group, found in enumerate(shifts):
        members = np.flatnonzero(daily.group_of == group)
        for shift in found:
            before = np.flatnonzero(daily.days < shift.day)[-BASE_DAYS:]
            base = usual_units(units[members][:, before].sum(axis=0))
            ends = shift.log_size + NORMAL_Q95 * shift.sd * np.array([-1.0, 0.0, 1.0])
            low, middle, high = (float(value) for value in np.expm1(ends))
            rows.append(
                EventEffect(
                    name=shift_name(daily.groups[group], shift),
                    kind=LEVEL_SHIFT,
                    pools=tuple(daily.pools[row] for row in members),
                    start_hour=shift.day * HOURS_PER_DAY,
                    end_hour=(shift.day + 1) * HOURS_PER_DAY,
                    declared_fraction=None,
                    fraction=middle,
                    low_fraction=low,
                    high_fraction=high,
                    base_units=base,
                    units=middle * base,
                    low_units=low * base,
                    high_units=high * base,
                    n_seen=1,
                    source=FOUND,
                    note="",
                )
            )
    return tuple(rows)
