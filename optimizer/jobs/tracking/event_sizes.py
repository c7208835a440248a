"""How large and how late declared events came, told by demand beside what the plan expected of them.

Organic demand ran at some ratio to what the plan expected, which the days without an event tell. What is left of demand
is then regressed on what the events were expected to change: a factor of 1 is an event as expected. Not here: what that
is worth in USD (`optimizer.jobs.tracking.variance`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from forecasting.daily import group_name

FREE_FRACTION = 0.01  # of organic demand: a day on which events change less tells organic demand
MIN_FREE_DAYS = 7  # of a pool, for its own ratio; with less that of its group counts, then that of all pools
SEEN_FRACTION = 0.1  # of what an event changes at most: a day on which it changes as much shows it
MIN_SEEN_WEEKS = 2
EARLIEST_DAYS, LATEST_DAYS = -28, 56  # shifts that are tried
LAG_GAIN_FRACTION = 0.2  # of the squared misses that a shift must remove: else the dates stand
RIDGE = 1e-9  # of the largest square: two events with the same profile share what they miss
DAYS_PER_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFound:
    """One declared event, expected and as it came.

    Attributes
    ----------
    name : str
    pools : tuple of str
        Whose demand it changes.
    factor, factor_error : float
        How many times the expected change came, and its standard error; nan where too little of it was seen.
    lag_days : int
        How many days later than expected it came; below 0 earlier.
    is_seen : bool
        Whether the tracked days show enough of it to tell.
    expected_units, actual_units : float
        Mean change over the tracked days. [units]
    """

    name: str
    pools: tuple[str, ...]
    factor: float
    factor_error: float
    lag_days: int
    is_seen: bool
    expected_units: float
    actual_units: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventsFound:
    """All events, and organic demand beside them.

    Attributes
    ----------
    events : tuple of EventFound
    surprise_units : FloatArray of shape (n_events, n_pools, n_days)
        What each changed less what it was expected to. [units]
    organic_ratio : FloatArray of shape (n_pools,)
        Actual over expected demand on days without an event.
    """

    events: tuple[EventFound, ...]
    surprise_units: FloatArray
    organic_ratio: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("surprise_units", "organic_ratio"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DemandCells:
    """Daily demand of pools, and what events were to change.

    Attributes
    ----------
    pools : tuple of str
    expected_units, actual_units : FloatArray of shape (n_pools, n_days)
        Events included. [units]
    names : tuple of str
        Of the events.
    event_units : FloatArray of shape (n_events, n_pools, n_window_days)
        Expected changes over the whole window of the plan, whose first days are the tracked ones. [units]
    is_usable : BoolArray of shape (n_pools, n_days)
        False on days of anomalies, which say nothing of events or organic demand.
    rate_usd : FloatArray of shape (n_pools,)
        What a unit weighs. [USD/unit-hour]
    """

    pools: tuple[str, ...]
    expected_units: FloatArray
    actual_units: FloatArray
    names: tuple[str, ...]
    event_units: FloatArray
    is_usable: BoolArray
    rate_usd: FloatArray

    @property
    def n_days(self) -> int:
        """Tracked days."""
        return int(self.actual_units.shape[1])

    @property
    def organic_units(self) -> FloatArray:
        """Expected demand without what events were to change. Shape (n_pools, n_days). [units]"""
        organic: FloatArray = self.expected_units - self.event_units[:, :, : self.n_days].sum(axis=0)
        return organic


def find_events(cells: DemandCells) -> EventsFound:
    """Sizes and delays of the events, and the ratio of organic demand.

    Notes
    -----
    With a = actual, o = expected organic demand, r = its ratio, e = expected changes of the events, the factors f
    minimize the squares of a - r o - sum f e, each pool weighted by its on-demand rate. A shift of the dates is taken
    where it removes a fifth of the squares. The standard error takes the misses of one week for one draw, and adds that
    of the ratio.
    """
    ratio, ratio_error = organic_ratio(cells)
    touched = np.flatnonzero(np.abs(cells.event_units).max(axis=(0, 2), initial=0.0) > 0)
    events, surprise = _fitted(_of_pools(cells, touched), ratio[touched], ratio_error[touched])
    everywhere = np.zeros((len(cells.names), len(cells.pools), cells.n_days))
    everywhere[:, touched] = surprise
    return EventsFound(events=events, surprise_units=everywhere, organic_ratio=ratio)


def _of_pools(cells: DemandCells, rows: IntArray) -> DemandCells:
    """Cells of some pools: those that events touch are few."""
    return replace(
        cells,
        pools=tuple(cells.pools[row] for row in rows),
        expected_units=cells.expected_units[rows],
        actual_units=cells.actual_units[rows],
        event_units=cells.event_units[:, rows],
        is_usable=cells.is_usable[rows],
        rate_usd=cells.rate_usd[rows],
    )


def _fitted(
    cells: DemandCells, ratio: FloatArray, ratio_error: FloatArray
) -> tuple[tuple[EventFound, ...], FloatArray]:
    """Events, and what each changed less what it was expected to, of shape (n_events, n_pools, n_days)."""
    target = (cells.actual_units - ratio[:, None] * cells.organic_units) * cells.rate_usd[:, None]
    lags = np.zeros(len(cells.names), dtype=np.int64)
    order = np.argsort(-np.abs(cells.event_units[:, :, : cells.n_days]).sum(axis=(1, 2)), kind="stable")
    for event in order:
        lags[event] = _best_lag(cells, target, lags, int(event))
    profiles = _profiles(cells, lags)
    is_seen = np.array([_is_seen(cells, profile) for profile in profiles], dtype=np.bool_)
    factors, errors = _factors(cells, target, profiles, is_seen, ratio_error)
    came = profiles * factors[:, None, None]
    expected = cells.event_units[:, :, : cells.n_days]
    found = tuple(_found(cells, row, (factors, errors), lags, is_seen, came) for row in range(len(cells.names)))
    return found, came - expected


def organic_ratio(cells: DemandCells) -> tuple[FloatArray, FloatArray]:
    """Actual over expected demand on days without an event; the group's, then that of all, where a pool has few.

    Returns
    -------
    FloatArray of shape (n_pools,)
        Ratios; 1 where nothing tells.
    FloatArray of shape (n_pools,)
        Their standard errors.
    """
    changes = np.abs(cells.event_units[:, :, : cells.n_days]).sum(axis=0)
    is_free = cells.is_usable & (changes <= FREE_FRACTION * np.abs(cells.organic_units))
    usd = cells.rate_usd[:, None]
    actual = np.where(is_free, cells.actual_units * usd, 0.0)
    expected = np.where(is_free, cells.organic_units * usd, 0.0)
    has_own = is_free.sum(axis=1) >= min(MIN_FREE_DAYS, cells.n_days)
    groups = np.array([group_name(pool) for pool in cells.pools])
    everywhere = _ratio(actual.sum(axis=0), expected.sum(axis=0), (1.0, 0.0))
    found = np.empty((len(cells.pools), 2))
    for row, group in enumerate(groups):
        members = groups == group
        of_group = _ratio(actual[members].sum(axis=0), expected[members].sum(axis=0), everywhere)
        found[row] = _ratio(actual[row], expected[row], of_group) if has_own[row] else of_group
    return found[:, 0], found[:, 1]


def _ratio(actual: FloatArray, expected: FloatArray, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Ratio of two sums over days and its standard error, or something else where there is none."""
    total, n_days = float(expected.sum()), int((expected > 0).sum())
    if total <= 0:
        return otherwise
    ratio = float(actual.sum()) / total
    rest = actual - ratio * expected
    by_week = [float(rest[first : first + DAYS_PER_WEEK].sum()) for first in range(0, len(rest), DAYS_PER_WEEK)]
    squares = max(float((rest**2).sum()), float(np.square(by_week).sum()))
    return ratio, math.sqrt(squares * n_days / max(n_days - 1, 1)) / total


def _best_lag(cells: DemandCells, target: FloatArray, lags: IntArray, event: int) -> int:
    """Shift of one event that explains demand best, the others as they are; 0 unless it explains much more."""
    squares = {}
    for lag in range(EARLIEST_DAYS, LATEST_DAYS + 1):
        tried = lags.copy()
        tried[event] = lag
        profiles = _profiles(cells, tried)
        if _is_seen(cells, profiles[event]) or lag == 0:
            squares[lag] = _misses(cells, target, profiles)
    best = min(squares, key=lambda lag: (squares[lag], abs(lag)))
    return best if squares[best] < (1.0 - LAG_GAIN_FRACTION) * squares[0] else 0


def _profiles(cells: DemandCells, lags: IntArray) -> FloatArray:
    """Expected changes shifted by some days, on the tracked days. Shape (n_events, n_pools, n_days). [units]"""
    last = cells.event_units.shape[2] - 1
    out = np.empty((len(lags), len(cells.pools), cells.n_days))
    for row, lag in enumerate(lags):
        days = np.clip(np.arange(cells.n_days) - lag, 0, last)
        out[row] = cells.event_units[row][:, days]
    return out


def _is_seen(cells: DemandCells, profile: FloatArray) -> bool:
    """Whether at least two weeks of days show an event, or a single day of one that is over sooner."""
    largest = float(np.abs(profile).max(initial=0.0))
    if largest <= 0.0:
        return False
    shows = (np.abs(profile).max(axis=0) >= SEEN_FRACTION * largest) & cells.is_usable.any(axis=0)
    is_over = bool(np.abs(profile[:, -1]).max() < SEEN_FRACTION * largest)
    return int(shows.sum()) >= MIN_SEEN_WEEKS * DAYS_PER_WEEK or (is_over and bool(shows.any()))


def _design(cells: DemandCells, profiles: FloatArray) -> FloatArray:
    """Weighted expected changes on usable days. Shape (n_events, n_pools, n_days)."""
    design: FloatArray = np.where(cells.is_usable, profiles * cells.rate_usd[:, None], 0.0)
    return design


def _solve(design: FloatArray, target: FloatArray) -> FloatArray:
    """Factors, near 1 where nothing tells. Shape (n_events,)."""
    rows = design.reshape(len(design), -1)
    gram = rows @ rows.T
    ridge = RIDGE * max(float(np.diag(gram).max(initial=0.0)), 1e-300)
    missed = rows @ target.ravel() - gram.sum(axis=1)
    factors: FloatArray = 1.0 + np.linalg.solve(gram + ridge * np.eye(len(rows)), missed)
    return np.maximum(factors, 0.0)


def _misses(cells: DemandCells, target: FloatArray, profiles: FloatArray) -> float:
    """Squares that the best factors leave."""
    design = _design(cells, profiles)
    masked = np.where(cells.is_usable, target, 0.0)
    rest = masked - np.tensordot(_solve(design, masked), design, axes=1)
    return float((rest**2).sum())


def _factors(
    cells: DemandCells, target: FloatArray, profiles: FloatArray, is_seen: BoolArray, ratio_error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Factors and standard errors; 1 and nan for events of which too little was seen. Shapes (n_events,)."""
    factors, errors = np.ones(len(profiles)), np.full(len(profiles), np.nan)
    if not is_seen.any():
        return factors, errors
    design = _design(cells, profiles)
    unseen = design[~is_seen].sum(axis=0)
    masked = np.where(cells.is_usable, target, 0.0) - unseen
    factors[is_seen] = _solve(design[is_seen], masked)
    rest = masked - np.tensordot(factors[is_seen], design[is_seen], axes=1)
    organic = cells.organic_units * cells.rate_usd[:, None]
    for row in np.flatnonzero(is_seen):
        square = max(float((design[row] ** 2).sum()), 1e-300)
        by_ratio = float(np.square((design[row] * organic).sum(axis=1) * ratio_error).sum())
        errors[row] = math.sqrt(_clustered_square(design[row], rest) + by_ratio) / square
    return factors, errors


def _clustered_square(column: FloatArray, rest: FloatArray) -> float:
    """Square of what chance adds to a sum of products, the days of one week taken for one draw."""
    weeks = np.arange(column.shape[1]) // DAYS_PER_WEEK
    scores = [float((column[:, weeks == week] * rest[:, weeks == week]).sum()) for week in np.unique(weeks)]
    n_told = sum(score != 0.0 for score in scores)
    return float(np.square(scores).sum()) * n_told / max(n_told - 1, 1)


def _found(
    cells: DemandCells,
    row: int,
    fitted: tuple[FloatArray, FloatArray],
    lags: IntArray,
    is_seen: BoolArray,
    came: FloatArray,
) -> EventFound:
    """Record of one event."""
    factors, errors = fitted
    moved = np.abs(cells.event_units[row]).max(axis=1) > 0
    told = bool(is_seen[row])
    return EventFound(
        name=cells.names[row],
        pools=tuple(pool for pool, is_moved in zip(cells.pools, moved, strict=True) if is_moved),
        factor=float(factors[row]) if told else float("nan"),
        factor_error=float(errors[row]),
        lag_days=int(lags[row]),
        is_seen=told,
        expected_units=net_units(cells.event_units[row, :, : cells.n_days]),
        actual_units=net_units(came[row]) if told else float("nan"),
    )


def net_units(change: FloatArray) -> float:
    """Mean over days of what the pools that change most in one direction gain or lose. [units]

    A move takes from some pools what it gives to others: its size is what it takes.
    """
    by_pool = change.mean(axis=1)
    gained, lost = float(by_pool[by_pool > 0].sum()), float(by_pool[by_pool < 0].sum())
    return gained if lost == 0.0 else lost
