"""Growth split into organic and each event, for the past and for the horizon; the parts add up exactly.

Not here: how large an event was (`forecasting.event_effects`), which shifts nobody declared
(`forecasting.found_events`), history hour by hour (`forecasting.parts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from forecasting.daily import DailyHistory
from forecasting.events import NORMAL_Q90, apply_change, past_change
from forecasting.hours import HOURS_PER_DAY
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event

ORGANIC = "organic"
INORGANIC = "inorganic"
HORIZON = "horizon"
MEAN_DAYS = 28
PAST_WINDOWS_DAYS = (90, 365)
LOW_LEVEL, HIGH_LEVEL = 0.1, 0.9  # the central 80 %: what `size_range` speaks of


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
    low_units, high_units : float
        Central 80 % interval of `units`: of the past from what is not known of the events' sizes, of the horizon
        from the scenarios. [units]
    is_found : bool
        Whether the cause is a level shift that nobody declared.
    """

    window: str
    pool: str | None
    name: str
    kind: str
    units: float
    low_units: float
    high_units: float
    is_found: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StagedMeans:
    """Four-week means of history, restated event after event.

    Attributes
    ----------
    now : FloatArray of shape (n_events + 1, n_pools)
        Of the last four weeks: as observed, then with each further event restated in its state of today. [units]
    then : FloatArray of shape (n_events + 1, n_pools, n_windows)
        Of the four weeks before each window that history holds. [units]
    low, high : FloatArray of shape (n_events, n_pools, n_windows)
        What is to be added to the growth by an event at the P10 and P90 of its size. [units]
    windows_days : tuple of int
        The windows.
    """

    now: FloatArray
    then: FloatArray
    low: FloatArray
    high: FloatArray
    windows_days: tuple[int, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("now", "then", "low", "high"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def staged_means(daily: DailyHistory, events: Sequence[Event]) -> StagedMeans:
    """Means of history observed, and restated by the first event, the first two, and so on."""
    windows = tuple(days for days in PAST_WINDOWS_DAYS if days + MEAN_DAYS <= daily.n_days)
    stage = daily.observed.mean(axis=2)[None]
    means = [_means(stage[0], windows)]
    spreads: dict[float, list[FloatArray]] = {LOW_LEVEL: [], HIGH_LEVEL: []}
    for event in events:
        others = [_means(_restated(daily, stage, end)[0], windows) for end in _ends(event)]
        stage = _restated(daily, stage, event)
        means.append(_means(stage[0], windows))
        for level, other in zip(spreads, others, strict=True):
            change = means[-1] - other  # what restating takes off, the event has done
            spreads[level].append(change[:, -1:] - change[:, :-1])
    table = np.stack(means)
    shape = (len(events), len(daily.pools), len(windows))
    return StagedMeans(
        now=table[:, :, -1],
        then=table[:, :, :-1],
        low=np.array(spreads[LOW_LEVEL]).reshape(shape),
        high=np.array(spreads[HIGH_LEVEL]).reshape(shape),
        windows_days=windows,
    )


def decomposition(
    daily: DailyHistory,
    events: Sequence[Event],
    *,
    future: FloatArray,
    weights: FloatArray,
    means: StagedMeans,
    found: Sequence[Event] = (),
) -> Decomposition:
    """Growth over the past windows that history holds, and over the horizon.

    Past growth is the last four weeks' mean less that of the four weeks before the window; what an event did is the
    difference it makes between demand observed and demand restated in the state of today. Growth over the horizon is
    the expected mean of its last four weeks less the last four weeks' of history.

    Parameters
    ----------
    daily : DailyHistory
    events : sequence of Event
        With estimated sizes, in the order in which they were applied.
    future : FloatArray of shape (n_events + 1, n_scenarios, n_pools)
        Mean of the last four weeks of the horizon: organic, then with each further event. [units]
    weights : FloatArray of shape (n_scenarios,)
        Sum to 1.
    means : StagedMeans
        Of the same events, and after them of those found.
    found : sequence of Event
        Level shifts that nobody declared.
    """
    causes = [*((event, False) for event in events), *((event, True) for event in found)]
    parts: list[GrowthPart] = []
    for column, days in enumerate(means.windows_days):
        growth = means.now - means.then[:, :, column]
        effects = _Values(middle=-np.diff(growth, axis=0), low=means.low[:, :, column], high=means.high[:, :, column])
        parts += _rows(f"last {days} days", daily.pools, causes, _past_values(growth[-1], effects))
    parts += _rows(HORIZON, daily.pools, causes, _horizon_values(future, weights, means))
    return Decomposition(parts=tuple(parts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Values:
    """Central values of causes, shape (n_causes, n_pools), and their ends: as differences, or of pools and total."""

    middle: FloatArray
    low: FloatArray
    high: FloatArray


def _past_values(organic: FloatArray, effects: _Values) -> _Values:
    """Organic growth and effects with ends, of pools and total. Shape (n_causes + 1, n_pools + 1).

    Growth as a whole is known, so organic growth is uncertain as far as the events are, the other way round.
    """
    middle = _with_total(np.concatenate([organic[None], effects.middle]))
    ends = np.stack([_with_total(effects.low), _with_total(effects.high)])
    below, above = np.maximum(-ends.min(axis=0), 0.0), np.maximum(ends.max(axis=0), 0.0)
    organic_below, organic_above = np.sqrt((above**2).sum(axis=0)), np.sqrt((below**2).sum(axis=0))
    return _Values(
        middle=middle,
        low=middle - np.concatenate([organic_below[None], below]),
        high=middle + np.concatenate([organic_above[None], above]),
    )


def _horizon_values(paths: FloatArray, weights: FloatArray, means: StagedMeans) -> _Values:
    """Growth over the horizon with the quantiles of the scenarios. Shape (n_causes + 1, n_pools + 1)."""
    n_found = len(means.now) - len(paths)
    effects = np.concatenate([np.diff(paths, axis=0), np.zeros((n_found, *paths.shape[1:]))])
    effects = effects + np.diff(means.now, axis=0)[:, None, :]
    grown = np.concatenate([(paths[0] - means.now[-1])[None], effects])
    together = np.concatenate([grown, grown.sum(axis=2, keepdims=True)], axis=2)
    middle = _with_total(np.einsum("s,csp->cp", weights, grown))
    ends = weighted_quantiles(np.moveaxis(together, 1, 0), weights, [LOW_LEVEL, HIGH_LEVEL])
    return _Values(middle=middle, low=np.minimum(ends[..., 0], middle), high=np.maximum(ends[..., 1], middle))


def _with_total(values: FloatArray) -> FloatArray:
    """Append the sum over pools to the last axis."""
    return np.concatenate([values, values.sum(axis=-1, keepdims=True)], axis=-1)


def _rows(window: str, pools: Sequence[str], causes: Sequence[tuple[Event, bool]], values: _Values) -> list[GrowthPart]:
    """Rows of one window: organic in any case, and every cause that moved anything, of pools and then of the total."""
    named = [(ORGANIC, ORGANIC, False), *((event.name, INORGANIC, is_found) for event, is_found in causes)]
    moved = np.any(values.middle[:, :-1] != 0.0, axis=1)
    rows = []
    for column, pool in enumerate((*pools, None)):
        for row, (name, kind, is_found) in enumerate(named):
            units = float(values.middle[row, column])
            is_there = units != 0.0 if pool is not None else bool(moved[row])
            if kind == ORGANIC or is_there:
                rows.append(
                    GrowthPart(
                        window=window,
                        pool=pool,
                        name=name,
                        kind=kind,
                        units=units,
                        low_units=float(values.low[row, column]),
                        high_units=float(values.high[row, column]),
                        is_found=is_found,
                    )
                )
    return rows


def _ends(event: Event) -> tuple[Event, Event]:
    """Event at the P10 and P90 of its size, or of how far demand shows it."""
    if event.shown is not None:
        by_dates, middle, sd = event.shown
        low, high = (float(np.clip(middle + sign * NORMAL_Q90 * sd, 0.0, 1.0)) for sign in (-1.0, 1.0))
        return replace(event, shown=(by_dates, low, sd)), replace(event, shown=(by_dates, high, sd))
    low, high = event.size_range or (event.size, event.size)
    return replace(event, size=low), replace(event, size=high)


def _restated(daily: DailyHistory, stage: FloatArray, event: Event) -> FloatArray:
    """Daily demand of shape (1, n_pools, n_days) in the state of today of one more event."""
    noons = daily.days * HOURS_PER_DAY + HOURS_PER_DAY // 2
    change = past_change(event, noons, origin_hour=daily.origin_hour)
    if change is None:
        return stage
    restated = stage.copy()
    apply_change(restated, daily.pools, event, change)
    return restated


def _means(units: FloatArray, windows: Sequence[int]) -> FloatArray:
    """Means of the four weeks before each window, and of the last four. Shape (n_pools, n_windows + 1)."""
    ends = [units.shape[1] - days for days in (*windows, 0)]
    return np.stack([units[:, end - MEAN_DAYS : end].mean(axis=1) for end in ends], axis=1)
