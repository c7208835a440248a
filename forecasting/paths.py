"""Sample paths of daily demand: the misses of the rolling origins, resampled as whole joint stretches.

A path is a sequence of stretches of real history. On each of its days the group's miss, every pool's share miss and
the shape of the day come from the same historical day, so what moved together stays together. Where a stretch ends
another is appended to it, so the spread keeps growing. Not here: the rules whose misses these are.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.level import LevelFits
from forecasting.origins import MAX_ERROR_DAYS, ORIGIN_STEP_DAYS, miss_table
from forecasting.seasons import MAD_TO_SD

MIN_STRETCH_DAYS = 84
TRAINED_DAYS = 91  # of history before an origin whose misses say what today's model will miss
FORGETTING_DAYS = 365.0  # after which an origin counts half: fleets grow calmer, or wilder
TAIL_DAYS = 28  # mean of the end of a stretch from which the next goes on
SPARSE_REACH_SDS = 4.0  # of daily noise: with few stretches one outage would be a part of every median
SPARSE_LOG_REACH = 0.25  # beyond it, so that growth within a stretch stays
ENOUGH_STRETCHES = 8  # below this, `SPARSE_DAILY_LOG_SD` is mixed in
SPARSE_DAILY_LOG_SD = 0.02  # random walk of a group whose own past says little: 18 % after a quarter, 38 % after a year


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
    centre : FloatArray of shape (n_series, n_days)
        Median miss of all paths drawn around each day, taken off: it is the families' task to see growth. Of no
        days before it is known.
    """

    origin_rows: IntArray
    columns: IntArray
    starts: IntArray
    noise: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    centre: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("origin_rows", "columns", "starts"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        object.__setattr__(self, "noise", frozen_floats(self.noise))
        object.__setattr__(self, "centre", frozen_floats(self.centre))

    def of(self, paths: IntArray) -> "PathPlan":
        """Return the plan of some paths only."""
        kept = [np.flatnonzero(self.starts[:, 0] == path) for path in paths]
        starts = [np.column_stack([np.full(len(rows), new), self.starts[rows, 1:]]) for new, rows in enumerate(kept)]
        return PathPlan(
            origin_rows=self.origin_rows[paths],
            columns=self.columns[paths],
            starts=np.concatenate(starts) if starts else self.starts[:0],
            noise=self.noise[:, paths] if self.noise.size else self.noise,
            centre=self.centre,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupHistory:
    """Days of history as the levels of groups see them.

    A group has two series: its daily mean, in row g, and its highest hour of the day, in row n_groups + g.

    Attributes
    ----------
    days : IntArray of shape (n_history_days,)
        Epoch days.
    logs : FloatArray of shape (2 * n_groups, n_history_days)
        Log demand without spikes, holidays and season of the year.
    noise_scales : FloatArray of shape (2 * n_groups, n_history_days)
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

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.logs) // 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathModel:
    """Everything a path is made of.

    Attributes
    ----------
    history : GroupHistory
    fits : tuple of LevelFits
        One for each series of the history.
    largest_miss : FloatArray of shape (2 * n_groups,)
        Largest absolute miss seen within `MAX_ERROR_DAYS`: paths go no further, but for the root of longer horizons.
    group_stand_in : IntArray of shape (n_groups, n_origins)
        Group whose miss stands for a group's at an origin: itself unless it was too young; -1 where none.
    """

    history: GroupHistory
    fits: tuple[LevelFits, ...]
    largest_miss: FloatArray
    group_stand_in: IntArray

    def misses(self, plan: PathPlan, series: int) -> FloatArray:
        """Log misses of a series along the paths, continued from stretch to stretch. Shape (n_paths, n_days)."""
        group, first = series % self.history.n_groups, series // self.history.n_groups * self.history.n_groups
        misses = np.zeros(plan.columns.shape)
        stand_ins = self.group_stand_in[group, plan.origin_rows]
        stand_ins = np.where(stand_ins >= 0, stand_ins + first, -1)
        for other in np.unique(stand_ins[stand_ins >= 0]):
            here = stand_ins == other
            rows, columns = plan.origin_rows[here], plan.columns[here]
            horizon = columns - self.fits[other].origins[rows]
            came = self.history.logs[other, columns]
            predicted = self.fits[other].predicted(rows, horizon, self.history.days[columns])
            misses[here] = (came - predicted) * self.history.noise_scales[other, columns]
        if plan.noise.size and not self.fits[series].intermittent:
            middle = np.median(misses, axis=1, keepdims=True)
            reach = SPARSE_REACH_SDS * _daily_sd(self.history)[group] + SPARSE_LOG_REACH
            misses = np.clip(misses, middle - reach, middle + reach)
        misses = _continued(misses, plan.starts, robust=not self.fits[series].intermittent)
        growth = np.sqrt(np.maximum(1.0, np.arange(plan.columns.shape[1]) / MAX_ERROR_DAYS))
        bound = self.largest_miss[series] * growth
        bounded: FloatArray = np.clip(misses, -bound, bound)
        bounded = bounded + plan.noise[group] if plan.noise.size else bounded
        return bounded - plan.centre[series] if plan.centre.size else bounded


def path_model(history: GroupHistory, fits: tuple[LevelFits, ...], rng: np.random.Generator) -> PathModel:
    """Gather the misses of all origins, and choose who stands in for groups that were too young."""
    tables = [miss_table(history.logs[row], history.days, fit) for row, fit in enumerate(fits)]
    is_known = np.stack([fit.is_known for fit in fits[: history.n_groups]])
    return PathModel(
        history=history,
        fits=fits,
        largest_miss=_largest_misses(tables),
        group_stand_in=_stand_ins(is_known, rng),
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
    trained = eligible[origins[eligible] >= min(TRAINED_DAYS, n_history // 2)]
    eligible = trained if len(trained) >= ENOUGH_STRETCHES else eligible
    chances = 0.5 ** ((n_history - origins[eligible]) / FORGETTING_DAYS)
    chances /= chances.sum()
    lengths = np.minimum(reach, MAX_ERROR_DAYS)
    firsts = rng.permutation(_dealt(eligible, chances, n_paths))
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
            day, row = end, int(rng.choice(eligible, p=chances))
            if day < n_days:
                starts.append((path, day, min(length, TAIL_DAYS)))
    plan = PathPlan(
        origin_rows=rows,
        columns=columns,
        starts=np.array(starts, dtype=np.int64).reshape(-1, 3),
        noise=_sparse_noise(model, eligible, n_paths=n_paths, n_days=n_days, rng=rng),
    )
    return replace(plan, centre=np.stack([_centre(model, plan, series) for series in range(len(model.fits))]))


def _centre(model: PathModel, plan: PathPlan, series: int) -> FloatArray:
    """Median miss of the paths on each day. Shape (n_days,).

    The median day of a patchy group is empty: there it is the log of the mean of what misses multiply around the day,
    in whole weeks of the horizon, as days of the week balance only there.
    """
    misses = model.misses(plan, series)
    if not model.fits[series].intermittent:
        return np.median(misses, axis=0)
    means = np.exp(misses).mean(axis=0)
    summed = np.concatenate([[0.0], np.cumsum(means)])
    width = min(TAIL_DAYS, len(means) // 7 * 7) or len(means)
    first = np.clip(np.arange(len(means)) - width // 2, 0, len(means) - width)
    around = (summed[first + width] - summed[first]) / width
    return np.log(np.where(around > 0, around, 1.0))


def _dealt(rows: IntArray, chances: FloatArray, n_dealt: int) -> IntArray:
    """Rows dealt in proportion to their chances, as evenly as whole numbers allow. Shape (n_dealt,)."""
    places = (np.arange(n_dealt) + 0.5) / n_dealt
    return rows[np.minimum(np.searchsorted(np.cumsum(chances), places), len(rows) - 1)]


def _largest_misses(tables: list[FloatArray]) -> FloatArray:
    """Largest absolute miss of each series, of all series for one without any. Shape (n_series,)."""
    largest = np.array([np.nanmax(np.abs(table)) if np.isfinite(table).any() else 0.0 for table in tables])
    return np.where(largest > 0, largest, largest.max())


def _sparse_noise(
    model: PathModel, eligible: IntArray, *, n_paths: int, n_days: int, rng: np.random.Generator
) -> FloatArray:
    """Random walks and noise of the days for groups, as far as there are too few stretches to speak for themselves.

    Paths that share a stretch share the noise of its days, which the median takes off all of them: with n stretches a
    part 1 / n of its variance is missing.
    """
    n_groups = model.history.n_groups
    n_known = (model.group_stand_in[:, eligible] >= 0).sum(axis=1)
    if n_known.min() >= ENOUGH_STRETCHES:
        return np.zeros((0, 0, 0))
    lacking = np.maximum(1.0 - n_known / ENOUGH_STRETCHES, 0.0)
    steps = rng.standard_normal((n_groups, n_paths, n_days)) * SPARSE_DAILY_LOG_SD
    daily = rng.standard_normal((n_groups, n_paths, n_days)) * _daily_sd(model.history)[:, None, None]
    missing = np.where(lacking > 0, 1.0 / np.maximum(n_known, 1), 0.0)
    walks = np.cumsum(steps, axis=2) * np.sqrt(lacking)[:, None, None]
    noise: FloatArray = walks + daily * np.sqrt(missing)[:, None, None]
    return noise


def _daily_sd(history: GroupHistory) -> FloatArray:
    """Robust standard deviation of the log daily mean about its level, by group: from changes over a week."""
    logs = history.logs[: history.n_groups]
    changes = np.abs(logs[:, ORIGIN_STEP_DAYS:] - logs[:, :-ORIGIN_STEP_DAYS])
    known = [row[np.isfinite(row)] for row in changes]
    medians = np.array([float(np.median(row)) if len(row) else 0.0 for row in known])
    deviations: FloatArray = MAD_TO_SD * medians / np.sqrt(2.0)
    return deviations


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
