"""History of every pool, group and their total, hour by hour, as parts that add up to it exactly.

Organic parts are level and trend, the seasons, holidays and noise. Inorganic are events, undeclared level shifts,
successions between pools, and spikes. Not here: growth over a window (`forecasting.decompose`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray, frozen_floats
from forecasting.daily import DailyHistory
from forecasting.event_parts import take_off_event, take_off_succession
from forecasting.found_events import GroupShifts, shift_name
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event
from forecasting.series_parts import (
    DAY_SEASON,
    HOLIDAYS,
    LEVEL_AND_TREND,
    NOISE,
    WEEK_SEASON,
    YEAR_SEASON,
    GroupCalendar,
    group_calendar,
    series_parts,
)
from forecasting.shifts import LevelShift
from forecasting.spikes import Spike, find_spikes, without_spikes
from forecasting.succession import Succession

SUCCESSION = "succession"
SPIKES = "spikes"
EVENT_PREFIX = "event: "  # so that no name of an event can be taken for another part
TOTAL = "total"
GROUP = "group"
POOL = "pool"
ORGANIC_PARTS = (LEVEL_AND_TREND, YEAR_SEASON, WEEK_SEASON, HOLIDAYS, DAY_SEASON, NOISE)
SECONDS_PER_HOUR = 3_600
NOTHING_FRACTION = 1e-12  # of the largest demand: smaller parts are rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesParts:
    """Parts of the history of one series.

    Attributes
    ----------
    series : str
        Pool, group or ``total``.
    scope : str
        ``pool``, ``group`` or ``total``.
    start_hour : int
        Epoch hour of the first column.
    names : tuple of str
        Parts that are anywhere but zero: ``level_and_trend``, ``year_season``, ``week_season``, ``holidays``,
        ``day_season``, ``event: <name>``, ``level shift <group> <date>``, ``succession``, ``spikes``, ``noise``.
    units : FloatArray of shape (n_parts, n_hours)
        Sums to the demand of each hour. [units]
    """

    series: str
    scope: str
    start_hour: int
    names: tuple[str, ...]
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "units", frozen_floats(self.units))


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryParts:
    """Parts of the history of every series.

    Attributes
    ----------
    series : tuple of SeriesParts
        The total, then groups, then pools.
    """

    series: tuple[SeriesParts, ...]

    def frame(self) -> pd.DataFrame:
        """Columns hour_utc (UTC timestamp), group, part, units; one row for each hour, series and part."""
        names = list(dict.fromkeys(name for series in self.series for name in series.names))
        counts = [series.units.size for series in self.series]
        groups = np.repeat(np.arange(len(self.series)), counts)
        hours, parts = [], []
        for series in self.series:
            n_parts, n_hours = series.units.shape
            hours.append(np.tile(np.arange(series.start_hour, series.start_hour + n_hours, dtype=np.int64), n_parts))
            parts.append(np.repeat([names.index(name) for name in series.names], n_hours))
        series_names = pd.Index([series.series for series in self.series], dtype="str")
        return pd.DataFrame(
            {
                "hour_utc": pd.to_datetime(np.concatenate(hours) * SECONDS_PER_HOUR, unit="s", utc=True),
                "group": series_names.take(groups),
                "part": pd.Index(names, dtype="str").take(np.concatenate(parts)),
                "units": np.concatenate([series.units.ravel() for series in self.series]),
            }
        )


def is_organic(part: str) -> bool:
    """Whether a part by its name is organic demand."""
    return part in ORGANIC_PARTS


def history_parts(
    daily: DailyHistory,
    events: Sequence[Event],
    *,
    holidays: Sequence[str],
    shifts: GroupShifts | None = None,
    successions: Sequence[Succession] = (),
    with_pools: bool = True,
) -> HistoryParts:
    """Split the whole days of history.

    Parameters
    ----------
    daily : DailyHistory
        Only `observed` is read.
    events : sequence of Event
        With estimated sizes.
    holidays : sequence of str
        Name of each day's holiday, empty on ordinary days.
    shifts : GroupShifts, optional
        Undeclared level shifts (`forecasting.found_events`); none where absent.
    successions : sequence of Succession
        Undeclared, rows as in `daily`.
    with_pools : bool
        False: groups and total only.

    Notes
    -----
    Events are taken off from the last to the first, then successions, then spikes; what is left is level, seasons and
    noise. Seasons of the year, holidays, level shifts
    and hours of spikes are those of the group, in its pools too. Parts of the total
    are sums over the groups.
    """
    rest, moved = _taken_off(daily, events, successions)
    found = shifts or ((),) * len(daily.groups)
    grouped = [_group_parts(daily, rest, moved, (group, found[group]), holidays) for group in range(len(daily.groups))]
    series = [_series(TOTAL, TOTAL, daily, _summed([parts for parts, _, _ in grouped]))]
    series += [
        _series(name, GROUP, daily, parts) for name, (parts, _, _) in zip(daily.groups, grouped, strict=True) if name
    ]
    for row, pool in enumerate(daily.pools if with_pools else ()):
        group = int(daily.group_of[row])
        series.append(_series(pool, POOL, daily, _pool_parts(daily, rest, moved, row, grouped[group])))
    return HistoryParts(series=tuple(series))


def _taken_off(
    daily: DailyHistory, events: Sequence[Event], successions: Sequence[Succession]
) -> tuple[FloatArray, dict[str, dict[int, FloatArray]]]:
    """Demand without events and successions, shape (n_pools, n_hours), and their parts by name and row of the pool."""
    rest = daily.observed.reshape(len(daily.pools), -1).copy()
    hours = np.arange(daily.first_day * HOURS_PER_DAY, daily.origin_hour, dtype=np.int64)
    moved: dict[str, dict[int, FloatArray]] = {}
    for event in sorted(events, key=lambda e: e.start_hour, reverse=True):
        _keep(moved, EVENT_PREFIX + event.name, take_off_event(rest, daily.pools, event, hours))
    for succession in sorted(successions, key=lambda s: s.start_day, reverse=True):
        _keep(moved, SUCCESSION, take_off_succession(rest, succession, daily.days))
    return rest, moved


def _keep(moved: dict[str, dict[int, FloatArray]], name: str, taken: FloatArray) -> None:
    """Add the rows that anything was taken off."""
    kept = moved.setdefault(name, {})
    for row in np.flatnonzero(np.any(taken != 0.0, axis=1)):
        kept[int(row)] = kept[int(row)] + taken[row] if int(row) in kept else taken[row].copy()


def _group_parts(
    daily: DailyHistory,
    rest: FloatArray,
    moved: dict[str, dict[int, FloatArray]],
    of: tuple[int, tuple[LevelShift, ...]],
    holidays: Sequence[str],
) -> tuple[dict[str, FloatArray], GroupCalendar, tuple[Spike, ...]]:
    """Parts of a group, what its days do to its pools, and its spikes, which are theirs too."""
    group, shifts = of
    members = np.flatnonzero(daily.group_of == group)
    units = rest[members].sum(axis=0)
    start_hour = daily.first_day * HOURS_PER_DAY
    spikes = find_spikes(units, start_hour=start_hour)
    calm = without_spikes(units, spikes, start_hour=start_hour)
    calendar = group_calendar(calm.reshape(-1, HOURS_PER_DAY).mean(axis=1), daily.days, holidays, shifts=shifts)
    parts = _organic(daily, calm, calendar, group)
    parts[SPIKES] = units - calm
    for name, rows in moved.items():
        mine = [units for row, units in rows.items() if row in members]
        if mine:
            parts[name] = np.sum(mine, axis=0)
    observed = daily.observed[members].sum(axis=0).ravel()
    return _completed(parts, observed), calendar, spikes


def _pool_parts(
    daily: DailyHistory,
    rest: FloatArray,
    moved: dict[str, dict[int, FloatArray]],
    row: int,
    of_group: tuple[dict[str, FloatArray], GroupCalendar, tuple[Spike, ...]],
) -> dict[str, FloatArray]:
    """Parts of a pool."""
    _, calendar, spikes = of_group
    calm = without_spikes(rest[row], spikes, start_hour=daily.first_day * HOURS_PER_DAY)
    parts = _organic(daily, calm, calendar, int(daily.group_of[row]))
    parts[SPIKES] = rest[row] - calm
    parts |= {name: rows[row] for name, rows in moved.items() if row in rows}
    return _completed(parts, daily.observed[row].ravel())


def _organic(daily: DailyHistory, calm: FloatArray, calendar: GroupCalendar, group: int) -> dict[str, FloatArray]:
    """Level, seasons, holidays and level shifts."""
    parts, shifts = series_parts(calm, daily.days, calendar)
    return parts | {
        shift_name(daily.groups[group], shift): units for shift, units in zip(calendar.shifts, shifts, strict=True)
    }


def _completed(parts: dict[str, FloatArray], observed: FloatArray) -> dict[str, FloatArray]:
    """Parts that are there at all, and noise as what they leave of what was observed."""
    least = NOTHING_FRACTION * float(observed.max(initial=0.0))
    kept = {name: units for name, units in parts.items() if float(np.abs(units).max(initial=0.0)) > least}
    kept[NOISE] = observed - np.sum(list(kept.values()), axis=0) if kept else observed.copy()
    return kept


def _summed(groups: Sequence[dict[str, FloatArray]]) -> dict[str, FloatArray]:
    """Sum of the parts of several groups, by name, noise last."""
    names = dict.fromkeys(name for parts in groups for name in parts if name != NOISE)
    return {name: np.sum([parts[name] for parts in groups if name in parts], axis=0) for name in (*names, NOISE)}


def _series(name: str, scope: str, daily: DailyHistory, parts: dict[str, FloatArray]) -> SeriesParts:
    """Record of one series."""
    return SeriesParts(
        series=name,
        scope=scope,
        start_hour=daily.first_day * HOURS_PER_DAY,
        names=tuple(parts),
        units=np.stack(list(parts.values())),
    )
