"""Sample paths of daily demand: the misses of the rolling origins, resampled as whole joint stretches.

A path is a sequence of stretches of real history. On each of its days the group's miss, every pool's share miss and
the shape of the day come from the same historical day, so what moved together stays together. Where a stretch ends
another is appended to it, so the spread keeps growing. Not here: the rules whose misses these are.
"""

from dataclasses import dataclass, field

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.level import DriftRule, LevelFits, is_intermittent
from forecasting.origins import MAX_ERROR_DAYS, median_bias, miss_table
from forecasting.shares import ShareFits

MIN_STRETCH_DAYS = 84
TAIL_DAYS = 28  # mean of the end of a stretch from which the next goes on
# Of the median miss of the past half is trusted, as misses in one direction may not last; beyond the first stretch
# none, or a year's luck would compound for as long as paths are continued.
KEPT_BIAS_FRACTION = 0.5
ENOUGH_STRETCHES = 8  # below this, `SPARSE_DAILY_LOG_SD` is mixed in
SPARSE_DAILY_LOG_SD = 0.02  # random walk of a group whose own past says little: 18 % after a quarter, 38 % after a year
MAX_LOG_SHARE_MISS = 4.0  # a share falls to 2 % or rises 55-fold at most
MIN_NAMED_FRACTION = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathPlan:
    """Which historical day, seen from which origin, stands behind each day of each path.

    Attributes
    ----------
    origin_rows : IntArray of shape (n_paths, n_days)
        Row of the origin.
    columns : IntArray of shape (n_paths, n_days)
        Index of the historical day.
    starts : IntArray of shape (n_starts, 3)
        Path, first day, and days to look back for the tail, of every stretch after a path's first.
    noise : FloatArray of shape (n_groups, n_paths, n_days)
        Log random walk for want of history; of no days where the history is long enough.
    """

    origin_rows: IntArray
    columns: IntArray
    starts: IntArray
    noise: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("origin_rows", "columns", "starts"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        object.__setattr__(self, "noise", frozen_floats(self.noise))

    @property
    def is_first_stretch(self) -> BoolArray:
        """Whether each day lies in the first stretch of its path. Shape (n_paths, n_days)."""
        later = np.zeros(self.columns.shape, dtype=np.bool_)
        later[self.starts[:, 0], self.starts[:, 1]] = True
        is_first: BoolArray = np.cumsum(later, axis=1) == 0
        return is_first

    def of(self, paths: IntArray) -> "PathPlan":
        """Return the plan of some paths only."""
        kept = [np.flatnonzero(self.starts[:, 0] == path) for path in paths]
        starts = [np.column_stack([np.full(len(rows), new), self.starts[rows, 1:]]) for new, rows in enumerate(kept)]
        return PathPlan(
            origin_rows=self.origin_rows[paths],
            columns=self.columns[paths],
            starts=np.concatenate(starts) if starts else self.starts[:0],
            noise=self.noise[:, paths] if self.noise.size else self.noise,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupHistory:
    """Days of history as the levels of groups see them.

    Attributes
    ----------
    days : IntArray of shape (n_history_days,)
        Epoch days.
    logs : FloatArray of shape (n_groups, n_history_days)
        Log daily demand without holidays and season of the year.
    noise_scales : FloatArray of shape (n_groups, n_history_days)
        Factor of a day's miss when it is put on today's level (`forecasting.dispersion`).
    group_of : IntArray of shape (n_pools,)
    """

    days: IntArray
    logs: FloatArray
    noise_scales: FloatArray
    group_of: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("days", "group_of"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("logs", "noise_scales"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathModel:
    """Everything a path is made of.

    Attributes
    ----------
    history : GroupHistory
    fits : tuple of LevelFits
        One for each group.
    rule : DriftRule
    bias : FloatArray of shape (n_groups, n_horizon_days)
        Median miss at each horizon of the groups.
    largest_miss : FloatArray of shape (n_groups,)
        Largest absolute miss seen within `MAX_ERROR_DAYS`: paths go no further, but for the root of longer horizons.
    shares : ShareFits
    share_bias : FloatArray of shape (n_pools, n_horizon_days)
        Median miss of each pool's share at each horizon, taken off in full: shares cannot all go on rising.
    group_stand_in : IntArray of shape (n_groups, n_origins)
        Group whose miss stands for a group's at an origin: itself unless it was too young; -1 where none.
    pool_stand_in : IntArray of shape (n_pools, n_origins)
        The same for pools.
    """

    history: GroupHistory
    fits: tuple[LevelFits, ...]
    rule: DriftRule
    bias: FloatArray
    largest_miss: FloatArray
    shares: ShareFits
    share_bias: FloatArray
    group_stand_in: IntArray
    pool_stand_in: IntArray

    def group_misses(self, plan: PathPlan, group: int) -> FloatArray:
        """Log misses of a group along the paths, continued from stretch to stretch. Shape (n_paths, n_days)."""
        misses = np.zeros(plan.columns.shape)
        stand_ins = self.group_stand_in[group, plan.origin_rows]
        kept = np.where(plan.is_first_stretch, KEPT_BIAS_FRACTION, 0.0)
        for other in np.unique(stand_ins[stand_ins >= 0]):
            here = stand_ins == other
            rows, columns = plan.origin_rows[here], plan.columns[here]
            horizon = columns - self.fits[other].origins[rows]
            came = self.history.logs[other, columns]
            predicted = self.fits[other].predicted(rows, horizon, self.history.days[columns], self.rule)
            centred = came - predicted - (1.0 - kept[here]) * self.bias[other, horizon]
            misses[here] = centred * self.history.noise_scales[other, columns]
        misses = _continued(misses, plan.starts, robust=not self.fits[group].intermittent)
        growth = np.sqrt(np.maximum(1.0, np.arange(plan.columns.shape[1]) / MAX_ERROR_DAYS))
        bound = self.largest_miss[group] * growth
        bounded: FloatArray = np.clip(misses, -bound, bound)
        return bounded + plan.noise[group] if plan.noise.size else bounded

    def share_misses(self, plan: PathPlan, pool: int) -> FloatArray:
        """Log misses of a pool's share along the paths, continued. Shape (n_paths, n_days)."""
        pools = self.pool_stand_in[pool, plan.origin_rows]
        known = np.maximum(pools, 0)
        horizon = plan.columns - self.fits[0].origins[plan.origin_rows]
        misses = self.shares.log_errors(known, plan.origin_rows, plan.columns) - self.share_bias[known, horizon]
        misses = np.where(pools >= 0, misses, 0.0)
        return np.clip(_continued(misses, plan.starts, robust=False), -MAX_LOG_SHARE_MISS, MAX_LOG_SHARE_MISS)

    def named_fraction(self, plan: PathPlan, group: int) -> FloatArray:
        """Part of a group's demand that pools known at the origin still had, continued. Shape (n_paths, n_days)."""
        named = np.zeros(plan.columns.shape)
        members = np.flatnonzero(self.history.group_of == group)
        for pool in members:
            was_known = self.shares.shares[pool, plan.origin_rows] > 0
            named += np.where(was_known, self.shares.pool_units[pool, plan.columns], 0.0)
        total = self.shares.group_units[members[0], plan.columns]
        fraction = np.where((total > 0) & (named > 0), named / np.where(total > 0, total, 1.0), 1.0)
        logs = _continued(np.log(np.clip(fraction, MIN_NAMED_FRACTION, 1.0)), plan.starts, robust=True)
        return np.clip(np.exp(logs), MIN_NAMED_FRACTION, 1.0)


def path_model(
    history: GroupHistory, fits: tuple[LevelFits, ...], shares: ShareFits, rule: DriftRule, rng: np.random.Generator
) -> PathModel:
    """Gather the misses of all origins, and choose who stands in for groups and pools that were too young."""
    tables = [miss_table(history.logs[row], history.days, fit, rule) for row, fit in enumerate(fits)]
    is_known = np.stack([np.isfinite(fit.level) for fit in fits])
    return PathModel(
        history=history,
        fits=fits,
        rule=rule,
        largest_miss=_largest_misses(tables),
        bias=np.stack([_trend_bias(table, fit) for table, fit in zip(tables, fits, strict=True)]),
        shares=shares,
        share_bias=np.stack([_share_bias(shares, pool, fits[0].origins) for pool in range(len(shares.shares))]),
        group_stand_in=_stand_ins(is_known, rng),
        pool_stand_in=_stand_ins(shares.shares > 0, rng),
    )


def draw_plan(model: PathModel, *, n_paths: int, n_days: int, rng: np.random.Generator) -> PathPlan:
    """Draw the stretches behind each path.

    First stretches are dealt evenly over the origins that reach far enough, later ones drawn at random. Stretches are
    whole weeks long and at most a year.
    """
    origins = model.fits[0].origins
    n_history = int(origins[-1])
    reach = n_history - origins[:-1]
    usable = (model.group_stand_in[:, :-1] >= 0).any(axis=0)
    if not usable.any():
        usable = np.ones(len(reach), dtype=np.bool_)
    longest = int(reach[usable].max())
    needed = max(min(MIN_STRETCH_DAYS, longest // 14 * 7, -(-n_days // 7) * 7), 7)
    eligible = np.flatnonzero(usable & (reach >= needed))
    lengths = np.minimum(reach, MAX_ERROR_DAYS)
    firsts = np.concatenate([rng.permutation(eligible) for _ in range(-(-n_paths // len(eligible)))])[:n_paths]
    rows = np.zeros((n_paths, n_days), dtype=np.int64)
    columns = np.zeros((n_paths, n_days), dtype=np.int64)
    starts: list[tuple[int, int, int]] = []
    for path in range(n_paths):
        day, row = 0, int(firsts[path])
        while day < n_days:
            length = int(lengths[row])
            end = min(day + length, n_days)
            rows[path, day:end] = row
            columns[path, day:end] = origins[row] + np.arange(end - day)
            day, row = end, int(rng.choice(eligible))
            if day < n_days:
                starts.append((path, day, min(length, TAIL_DAYS)))
    return PathPlan(
        origin_rows=rows,
        columns=columns,
        starts=np.array(starts, dtype=np.int64).reshape(-1, 3),
        noise=_sparse_noise(model, eligible, n_paths=n_paths, n_days=n_days, rng=rng),
    )


def _share_bias(shares: ShareFits, pool: int, origins: IntArray) -> FloatArray:
    """Median log miss of a pool's share by horizon; none for a patchy pool. Shape (n_horizon_days,)."""
    n_history = shares.pool_units.shape[1]
    horizon = np.arange(int(min(MAX_ERROR_DAYS, n_history - origins[0])))[None, :]
    if shares.shares[pool, -1] == 0 or is_intermittent(shares.pool_units[pool]):
        return np.zeros(horizon.shape[1])
    rows = np.arange(len(origins) - 1)[:, None]
    columns = origins[:-1, None] + horizon
    is_seen = (columns < n_history) & (shares.shares[pool, rows] > 0)
    columns = np.minimum(columns, n_history - 1)
    misses = shares.log_errors(np.full(columns.shape, pool), np.broadcast_to(rows, columns.shape), columns)
    return median_bias(np.where(is_seen, misses, np.nan))


def _largest_misses(tables: list[FloatArray]) -> FloatArray:
    """Largest absolute miss of each group, of all groups for one without any. Shape (n_groups,)."""
    largest = np.array([np.nanmax(np.abs(table)) if np.isfinite(table).any() else 0.0 for table in tables])
    return np.where(largest > 0, largest, largest.max())


def _trend_bias(table: FloatArray, fits: LevelFits) -> FloatArray:
    """Median miss by horizon; none for a patchy group, whose median day is empty and whose mean is already right."""
    return np.zeros(table.shape[1]) if fits.intermittent else median_bias(table)


def _sparse_noise(
    model: PathModel, eligible: IntArray, *, n_paths: int, n_days: int, rng: np.random.Generator
) -> FloatArray:
    """Random walks for groups, as far as there are too few stretches to speak for themselves."""
    n_groups = len(model.fits)
    n_known = (model.group_stand_in[:, eligible] >= 0).sum(axis=1)
    if n_known.min() >= ENOUGH_STRETCHES:
        return np.zeros((0, 0, 0))
    lacking = np.maximum(1.0 - n_known / ENOUGH_STRETCHES, 0.0)
    steps = rng.standard_normal((n_groups, n_paths, n_days)) * SPARSE_DAILY_LOG_SD
    walks: FloatArray = np.cumsum(steps, axis=2) * np.sqrt(lacking)[:, None, None]
    return walks


def _continued(misses: FloatArray, starts: IntArray, *, robust: bool) -> FloatArray:
    """Append stretches: each starts from where the last weeks of the one before it stood. Shape as given.

    Where they stood is their median (`robust`: a spike on the last day is no new level), or the log of the mean of
    what the misses multiply, where many days are empty.
    """
    if len(starts) == 0:
        return misses
    path, day, tail = starts.T
    back = np.arange(1, TAIL_DAYS + 1)[None, :]
    inside = back <= tail[:, None]
    tails = np.where(inside, misses[path[:, None], np.maximum(day[:, None] - back, 0)], np.nan)
    stood = np.nanmedian(tails, axis=1) if robust else np.log(np.nanmean(np.exp(tails), axis=1))
    jumps = np.zeros_like(misses)
    jumps[path, day] = stood
    continued: FloatArray = misses + np.cumsum(jumps, axis=1)
    return continued


def _stand_ins(is_known: BoolArray, rng: np.random.Generator) -> IntArray:
    """Row that stands in for each row at each origin: itself where known, else a random known one, else -1.

    A row unknown at the last origin has no demand to forecast: it takes no stand-in and no random number.
    """
    stand_in = np.where(is_known, np.arange(len(is_known))[:, None], -1).astype(np.int64)
    for origin in np.flatnonzero(is_known.any(axis=0)):
        known = np.flatnonzero(is_known[:, origin])
        unknown = np.flatnonzero(~is_known[:, origin] & is_known[:, -1])
        if len(unknown) > 0:
            stand_in[unknown, origin] = rng.choice(known, size=len(unknown))
    return stand_in
