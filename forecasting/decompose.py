"""Growth split into organic and each declared event, for the past and for the horizon; the parts add up exactly.

Not here: estimates of what an event did; a declared event counts with its declared median size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from forecasting.daily import DailyHistory
from forecasting.events import apply_change, past_change
from forecasting.hours import HOURS_PER_DAY
from forecasting.roadmap import Event

ORGANIC = "organic"
INORGANIC = "inorganic"
HORIZON = "horizon"
MEAN_DAYS = 28
PAST_WINDOWS_DAYS = (90, 365)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthPart:
    """One part of the growth of one pool over one window.

    Attributes
    ----------
    window : str
        ``last 90 days``, ``last 365 days`` or ``horizon``.
    pool : str or None
        None: the sum over all pools, so that no name of a pool can be taken for it.
    name : str
        ``organic``, or the event's name.
    kind : str
        ``organic`` or ``inorganic``.
    units : float
        Growth of the four-week mean. [units]
    """

    window: str
    pool: str | None
    name: str
    kind: str
    units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposition:
    """Growth by window, pool and cause.

    Attributes
    ----------
    parts : tuple of GrowthPart
        For each window and pool, and their total: organic first, then every event that moved anything. The parts of
        a window and pool sum to its growth.
    """

    parts: tuple[GrowthPart, ...]

    def growth_units(self, window: str, *, kind: str | None = None) -> float:
        """Growth of the total over a window, of one kind or altogether. [units]"""
        return sum(p.units for p in self.parts if p.pool is None and p.window == window and kind in (None, p.kind))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StagedMeans:
    """Four-week means of history, restated event after event.

    Attributes
    ----------
    now : FloatArray of shape (n_events + 1, n_pools)
        Of the last four weeks: as observed, then with each further event restated in its state of today. [units]
    then : FloatArray of shape (n_events + 1, n_pools, n_windows)
        Of the four weeks before each window that history holds. [units]
    windows_days : tuple of int
        The windows.
    """

    now: FloatArray
    then: FloatArray
    windows_days: tuple[int, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "now", frozen_floats(self.now))
        object.__setattr__(self, "then", frozen_floats(self.then))


def staged_means(daily: DailyHistory, events: Sequence[Event]) -> StagedMeans:
    """Means of history observed, and restated by the first event, the first two, and so on."""
    windows = tuple(days for days in PAST_WINDOWS_DAYS if days + MEAN_DAYS <= daily.n_days)
    hours = np.arange(daily.first_day * HOURS_PER_DAY, daily.origin_hour, dtype=np.int64)
    stage = daily.observed.reshape(1, len(daily.pools), -1).copy()
    now, then = [_mean_before(stage[0], 0)], [[_mean_before(stage[0], days) for days in windows]]
    for event in events:
        change = past_change(event, hours, origin_hour=daily.origin_hour)
        if change is not None:
            apply_change(stage, daily.pools, event, change)
        now.append(_mean_before(stage[0], 0))
        then.append([_mean_before(stage[0], days) for days in windows])
    shape = (len(now), len(windows), len(daily.pools))
    return StagedMeans(now=np.stack(now), then=np.array(then).reshape(shape).transpose(0, 2, 1), windows_days=windows)


def decomposition(
    daily: DailyHistory, events: Sequence[Event], *, future: FloatArray, means: StagedMeans
) -> Decomposition:
    """Growth over the past windows that history holds, and over the horizon.

    Past growth is the last four weeks' mean less that of the four weeks before the window; what an event did is the
    difference it makes between demand observed and demand restated in the state of today. Growth over the horizon is
    the expected mean of its last four weeks less the last four weeks' of history.

    Parameters
    ----------
    daily : DailyHistory
    events : sequence of Event
        In the order in which they were applied.
    future : FloatArray of shape (n_events + 1, n_pools)
        Expected mean of the last four weeks of the horizon: organic, then with each further event. [units]
    means : StagedMeans
        Of the same events.
    """
    parts: list[GrowthPart] = []
    for column, days in enumerate(means.windows_days):
        growth = means.now - means.then[:, :, column]
        parts += growth_rows(
            f"last {days} days", daily.pools, growth[-1], list(zip(events, -np.diff(growth, axis=0), strict=True))
        )
    effects = np.diff(means.now, axis=0) + np.diff(future, axis=0)
    parts += growth_rows(HORIZON, daily.pools, future[0] - means.now[-1], list(zip(events, effects, strict=True)))
    return Decomposition(parts=tuple(parts))


def growth_rows(
    window: str, pools: Sequence[str], organic: FloatArray, effects: Sequence[tuple[Event, FloatArray]]
) -> list[GrowthPart]:
    """Rows of one window from organic growth and event effects, each of shape (n_pools,). [units]"""
    rows = []
    named = [(ORGANIC, ORGANIC, organic), *((event.name, INORGANIC, effect) for event, effect in effects)]
    for row, pool in enumerate(pools):
        rows += [
            GrowthPart(window=window, pool=pool, name=name, kind=kind, units=float(values[row]))
            for name, kind, values in named
            if kind == ORGANIC or values[row] != 0.0
        ]
    rows += [
        GrowthPart(window=window, pool=None, name=name, kind=kind, units=float(values.sum()))
        for name, kind, values in named
        if kind == ORGANIC or np.any(values != 0.0)
    ]
    return rows


def _mean_before(units: FloatArray, days: int) -> FloatArray:
    """Mean of the four weeks that end some days before the end. Shape (n_pools,)."""
    end = units.shape[1] - days * HOURS_PER_DAY
    mean: FloatArray = units[:, end - MEAN_DAYS * HOURS_PER_DAY : end].mean(axis=1)
    return mean
