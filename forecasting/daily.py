"""History cut to whole days and restated as if every declared event had always stood where it stands today.

Restating is what keeps a declared migration from being read as the organic end of one pool and the organic birth of
another. Not here: any model of the restated days.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.errors import HistoryError
from forecasting.events import apply_change, past_change
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.roadmap import Event

NEEDED_HISTORY_DAYS = 21  # two weeks of level, and one rolling origin
MAX_STALE_DAYS = 31
PROVIDERS = frozenset({"aws", "azure", "gcp"})  # first part of the names of imported pools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DailyHistory:
    """Whole days of history before as-of.

    Attributes
    ----------
    pools : tuple of str
        Pools with usage before as-of and pools that receive by a visible event, sorted.
    groups : tuple of str
        Group names: what stands before the first slash of a pool, empty without a slash; sorted.
    group_of : IntArray of shape (n_pools,)
        Row of `groups` of each pool.
    first_day : int
        Epoch day of the first column.
    observed : FloatArray of shape (n_pools, n_days, 24)
        Demand as it was. [units]
    restated : FloatArray of shape (n_pools, n_days, 24)
        Demand in the state of the events just before `origin_hour`. [units]
    """

    pools: tuple[str, ...]
    groups: tuple[str, ...]
    group_of: IntArray
    first_day: int
    observed: FloatArray
    restated: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "group_of", frozen_ints(self.group_of))
        object.__setattr__(self, "observed", frozen_floats(self.observed))
        object.__setattr__(self, "restated", frozen_floats(self.restated))

    @property
    def n_days(self) -> int:
        """Number of whole days."""
        return int(self.observed.shape[1])

    @property
    def days(self) -> IntArray:
        """Epoch days. Shape (n_days,)."""
        return np.arange(self.first_day, self.first_day + self.n_days, dtype=np.int64)

    @property
    def origin_day(self) -> int:
        """Epoch day after the last day of history: day 0 of the forecast."""
        return self.first_day + self.n_days

    @property
    def origin_hour(self) -> int:
        """Epoch hour after the last hour of history."""
        return self.origin_day * HOURS_PER_DAY


def group_name(pool: str) -> str:
    """Group of a pool: what stands before the first slash, with the region where that is a provider; empty without one.

    Examples
    --------
    >>> group_name("r1/A"), group_name("web"), group_name("aws/us-east-1/m5.large/windows")
    ('r1', '', 'aws/us-east-1')
    """
    head, slash, rest = pool.partition("/")
    region, is_deeper, _ = rest.partition("/")
    if head in PROVIDERS and is_deeper:
        return f"{head}/{region}"
    return head if slash else ""


def daily_history(history: History, events: Sequence[Event], *, as_of_hour: int) -> DailyHistory:
    """Whole days before as-of, observed and restated.

    Raises
    ------
    HistoryError
        If fewer than `NEEDED_HISTORY_DAYS` whole days stand before as-of, more than `MAX_STALE_DAYS` lie between the
        last hour and as-of, or no pool has any demand.
    """
    end_hour = min(history.end_hour, as_of_hour) // HOURS_PER_DAY * HOURS_PER_DAY
    start_hour = -(-history.start_hour // HOURS_PER_DAY) * HOURS_PER_DAY
    n_days = max((end_hour - start_hour) // HOURS_PER_DAY, 0)
    _check_span(n_days, as_of_hour=as_of_hour, last_hour=min(history.end_hour, as_of_hour))
    columns = slice(start_hour - history.start_hour, end_hour - history.start_hour)
    units = history.units[:, columns]
    is_used = units.max(axis=1) > 0
    if not np.any(is_used):
        msg = f"history must hold demand before {date_of_hour(as_of_hour)}, got zero units in every hour."
        raise HistoryError(msg)
    used = {pool: row for row, pool in enumerate(history.pools) if is_used[row]}
    pools = tuple(sorted({*used, *(pool for event in events for pool, _ in event.to_shares)}))
    observed = np.zeros((len(pools), n_days * HOURS_PER_DAY))
    for row, pool in enumerate(pools):
        if pool in used:
            observed[row] = units[used[pool]]
    restated = restated_units(observed, pools, events, start_hour=start_hour)
    groups = tuple(sorted({group_name(pool) for pool in pools}))
    return DailyHistory(
        pools=pools,
        groups=groups,
        group_of=np.array([groups.index(group_name(pool)) for pool in pools], dtype=np.int64),
        first_day=start_hour // HOURS_PER_DAY,
        observed=observed.reshape(len(pools), n_days, HOURS_PER_DAY),
        restated=restated.reshape(len(pools), n_days, HOURS_PER_DAY),
    )


def restated_units(
    observed: FloatArray, pools: Sequence[str], events: Sequence[Event], *, start_hour: int
) -> FloatArray:
    """Demand of shape (n_pools, n_hours) in the state of the events just after its last hour. Shape as given."""
    hours = np.arange(start_hour, start_hour + observed.shape[1], dtype=np.int64)
    restated = observed[None].copy()
    for event in sorted(events, key=lambda e: e.start_hour):
        change = past_change(event, hours, origin_hour=start_hour + observed.shape[1])
        if change is not None:
            apply_change(restated, pools, event, change)
    first: FloatArray = restated[0]
    return first


def _check_span(n_days: int, *, as_of_hour: int, last_hour: int) -> None:
    """Refuse a history that is too short or too old for as-of."""
    as_of = date_of_hour(as_of_hour)
    if n_days < NEEDED_HISTORY_DAYS:
        msg = (
            f"history must hold at least {NEEDED_HISTORY_DAYS} whole UTC days before {as_of}, got {n_days}. "
            "Give more usage, or choose a later as-of date."
        )
        raise HistoryError(msg)
    if as_of_hour - last_hour > MAX_STALE_DAYS * HOURS_PER_DAY:
        msg = (
            f"history must reach to within {MAX_STALE_DAYS} days of {as_of}, got {date_of_hour(last_hour - 1)} as its "
            "last day. Give more recent usage, or choose an earlier as-of date."
        )
        raise HistoryError(msg)
