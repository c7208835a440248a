"""Successions of pools that nobody declared: demand of one pool that moves to others of its group, running or over.

A share that wanders is not a succession: its log-odds must have moved further than a random walk of its own weekly
steps would take it. Not here: how likely the next succession is (`forecasting.lifetimes`), nor what a running one does
to the shares of the future (`forecasting.mix`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.lifetimes import HALF, Lives
from forecasting.shares import group_sums

WEEK_DAYS = 7
TREND_WEEKS = (4, 8, 13, 26)  # windows in which a trend is looked for
NOISE_WEEKS = 52  # weekly steps from which a share's usual noise is read
MIN_NOISE_WEEKS = 6
NEEDED_SCORE = 3.5  # standard deviations of a random walk: several windows and many pools are tried
NEEDED_GAIN_SCORE = 1.5  # of a pool that rises while another falls
SAME_DIRECTION_FRACTION = 0.75  # of a window's weekly steps
STILL_MOVING_FRACTION = 1.0 / 3.0  # the last four weeks must move at this part of the window's speed at least
MIN_LOST_FRACTION = 0.1  # of the loser's share, within the window
MIN_GAINED_FRACTION = 0.2  # what the loser lost and what a gainer gained lie within a factor of five
MIN_STEP_NOISE = 0.02  # of log-odds a week: a share that hardly moved is not known better than that
SMALLEST_SHARE = 1e-4  # what logarithms see of less
SPEED_LOG_SD = 0.35  # of the speed of a running succession beyond its standard error: teams slow down and catch up
NORMAL_Q90 = 1.2815515655446004
DONE_LOGIT = float(np.log(99.0))
GONE_FRACTION = 0.1  # of its peak: a pool below it has been replaced


class SuccessionState(StrEnum):
    """Whether demand still moves."""

    RUNNING = "running"
    STALLED = "stalled"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """Demand that moves from one pool to others of its group without a declared event.

    Attributes
    ----------
    losing : int
        Row of the pool that loses.
    gaining : tuple of int
        Rows of the pools that gain, at least one; empty where a pool went without a successor in sight.
    gained_fractions : tuple of float
        Part of what moves that each gains; sums to 1.
    start_day : int
        Epoch day on which it is seen to begin.
    moved_fraction : float
        Of the loser's former peak share that has gone by the end of history.
    state : SuccessionState
    end_days : tuple of int
        Epoch days by which a running one is expected to be over if it goes on to full replacement: P10, P50 and P90.
        For a finished one its last day, three times; for a stalled one the last day on which it moved.
    logit, daily_slope, slope_log_sd : float
        Of a running one: log-odds of the gainers against the loser at the end of history, their growth a day, and how
        uncertain the logarithm of that growth is; 0 for others.
    stalled_days : int
        How long a stalled one has moved no more; 0 for others.
    """

    losing: int
    gaining: tuple[int, ...]
    gained_fractions: tuple[float, ...]
    start_day: int
    moved_fraction: float
    state: SuccessionState
    end_days: tuple[int, int, int]
    logit: float = 0.0
    daily_slope: float = 0.0
    slope_log_sd: float = 0.0
    stalled_days: int = 0

    @property
    def is_running(self) -> bool:
        """Whether demand still moves."""
        return self.state is SuccessionState.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trend:
    """Robust slope of a weekly series of log-odds over its last weeks."""

    n_weeks: int
    weekly_slope: float
    score: float


def running_successions(
    units: FloatArray, group_of: IntArray, days: IntArray, lives: Lives, *, may_lose: BoolArray
) -> tuple[Succession, ...]:
    """Successions under way at the end of history.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand, declared events restated. [units]
    group_of : IntArray of shape (n_pools,)
    days : IntArray of shape (n_days,)
        Epoch days.
    lives : Lives
    may_lose : BoolArray of shape (n_pools,)
        Whether a pool's fall counts: not where a declared event accounts for it.
    """
    weekly = weekly_shares(units, group_of)
    if weekly.shape[1] < MIN_NOISE_WEEKS:
        return ()
    falls = {}
    for pool in np.flatnonzero(may_lose & (weekly[:, -1] > 0)).tolist():
        trend = _trend(_logit(weekly[pool]))
        if trend is not None and trend.score < 0:
            falls[pool] = trend
    lost = {pool: float(weekly[pool, -trend.n_weeks - 1] - weekly[pool, -1]) for pool, trend in falls.items()}
    found: list[Succession] = []
    for pool in sorted(falls, key=lambda row: -lost[row]):  # the largest loss explains a gain before smaller ones do
        members = np.flatnonzero((group_of == group_of[pool]) & (lives.born >= lives.born[pool]))
        unclaimed = _unclaimed_gains(weekly, falls[pool].n_weeks, found)
        gaining = _gainers(weekly, members[members != pool], falls[pool].n_weeks, lost[pool], unclaimed)
        is_lost = lost[pool] >= MIN_LOST_FRACTION * weekly[pool, -falls[pool].n_weeks - 1]
        succession = _running(weekly, pool, gaining, falls[pool], days, lives) if gaining and is_lost else None
        if succession is not None:
            found.append(succession)
    return _without_cycles(found)


def finished_successions(units: FloatArray, group_of: IntArray, days: IntArray, lives: Lives) -> tuple[Succession, ...]:
    """Pools that have halved and all but gone, and who gained meanwhile.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand. [units]
    group_of : IntArray of shape (n_pools,)
    days : IntArray of shape (n_days,)
        Epoch days.
    lives : Lives
        Of the same demand.
    """
    weekly = weekly_shares(units, group_of)
    first_day = units.shape[1] - weekly.shape[1] * WEEK_DAYS
    found = []
    for pool in np.flatnonzero(lives.halved >= 0):
        peak = float(lives.peak_share[pool])
        left = float(weekly[pool, -4:].mean())
        fall = _steepest_fall(weekly[pool], peak) if left <= GONE_FRACTION * peak else None
        if fall is None:
            continue
        start, end = fall
        gains = _mean_weeks(weekly, end, end + 4) - _mean_weeks(weekly, start - 3, start + 1)
        lost = float(weekly[pool, start] - weekly[pool, end])
        may_gain = (group_of == group_of[pool]) & (lives.born >= lives.born[pool]) & (np.arange(len(units)) != pool)
        gaining = [int(row) for row in np.flatnonzero(may_gain) if _accounts_for(gains[row], lost)]
        total = float(gains[gaining].sum())
        last_day = int(days[first_day + (end + 1) * WEEK_DAYS - 1])
        found.append(
            Succession(
                losing=int(pool),
                gaining=tuple(gaining),
                gained_fractions=tuple(float(gains[row]) / total for row in gaining),
                start_day=int(days[first_day + (start + 1) * WEEK_DAYS - 1]),
                moved_fraction=1.0 - min(left / peak, 1.0),
                state=SuccessionState.FINISHED,
                end_days=(last_day, last_day, last_day),
            )
        )
    return tuple(found)


def _accounts_for(gained: float, lost: float) -> bool:
    """Whether a gain and a loss are of one order: neither is the noise of the other."""
    return gained > 0 and min(gained, lost) >= MIN_GAINED_FRACTION * max(gained, lost)


def _steepest_fall(shares: FloatArray, peak: float) -> tuple[int, int] | None:
    """Weeks of the shortest stretch in which a share lost half of its peak; None where there is none."""
    for n_weeks in range(1, len(shares)):
        lost = shares[:-n_weeks] - shares[n_weeks:]
        if lost.max() >= HALF * peak:
            start = int(lost.argmax())
            return start, start + n_weeks
    return None


def _mean_weeks(weekly: FloatArray, first: int, last: int) -> FloatArray:
    """Mean share over some weeks, as far as they are inside. Shape (n_pools,)."""
    first = max(min(first, weekly.shape[1] - 1), 0)
    means: FloatArray = weekly[:, first : max(min(last, weekly.shape[1]), first + 1)].mean(axis=1)
    return means


def weekly_shares(units: FloatArray, group_of: IntArray) -> FloatArray:
    """Shares of whole weeks, the last ending with history; a week without demand repeats. Shape (n_pools, n_weeks)."""
    n_weeks = units.shape[1] // WEEK_DAYS
    weeks = units[:, units.shape[1] - n_weeks * WEEK_DAYS :].reshape(len(units), n_weeks, WEEK_DAYS).sum(axis=2)
    totals = group_sums(weeks, group_of)[group_of]
    shares: FloatArray = np.where(totals > 0, weeks / np.where(totals > 0, totals, 1.0), np.nan)
    last_known = np.maximum.accumulate(np.where(np.isfinite(shares), np.arange(n_weeks), 0), axis=1)
    return np.nan_to_num(np.take_along_axis(shares, last_known, axis=1))


def _logit(shares: FloatArray) -> FloatArray:
    """Log-odds, of shares kept away from 0 and 1."""
    inside = np.clip(shares, SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
    logits: FloatArray = np.log(inside / (1.0 - inside))
    return logits


def _trend(series: FloatArray) -> _Trend | None:
    """Most significant trend over the windows, if any is significant and still going on."""
    noise = _step_noise(series)
    if noise is None:
        return None
    recent = _slope(series, TREND_WEEKS[0])
    best: _Trend | None = None
    for n_weeks in TREND_WEEKS:
        if n_weeks >= len(series):
            break
        slope = _slope(series, n_weeks)
        score = slope * np.sqrt(n_weeks) / noise
        steps = np.diff(series[-n_weeks - 1 :])
        goes_on = recent * np.sign(slope) >= STILL_MOVING_FRACTION * abs(slope)
        is_steady = float((steps * slope > 0).mean()) >= SAME_DIRECTION_FRACTION
        is_best = best is None or abs(score) > abs(best.score)
        if abs(score) >= NEEDED_SCORE and goes_on and is_steady and is_best:
            best = _Trend(n_weeks=n_weeks, weekly_slope=slope, score=float(score))
    return best


def _is_rising(series: FloatArray, n_weeks: int) -> bool:
    """Whether a series rises over a window more than its noise, if less clearly than a loser must fall."""
    noise = _step_noise(series)
    return noise is not None and _slope(series, n_weeks) * np.sqrt(n_weeks) >= NEEDED_GAIN_SCORE * noise


def _step_noise(series: FloatArray) -> float | None:
    """Robust standard deviation of the weekly steps; None where there are too few."""
    steps = np.diff(series[-NOISE_WEEKS - 1 :])
    if len(steps) < MIN_NOISE_WEEKS:
        return None
    deviations = np.abs(steps - np.median(steps))
    return max(1.4826 * float(np.median(deviations)), MIN_STEP_NOISE)


def _slope(series: FloatArray, n_weeks: int) -> float:
    """Theil-Sen slope per week over the last weeks and the one before them."""
    recent = series[-n_weeks - 1 :]
    earlier, later = np.triu_indices(len(recent), k=1)
    return float(np.median((recent[later] - recent[earlier]) / (later - earlier)))


def _level(series: FloatArray, n_weeks: int, slope: float) -> float:
    """Where a line of this slope stands at the end of the last week."""
    n_last = min(n_weeks + 1, TREND_WEEKS[0])
    back = np.arange(n_last)[::-1] + 0.5
    return float(np.median(series[-n_last:] + slope * back))


def _unclaimed_gains(weekly: FloatArray, n_weeks: int, found: Sequence[Succession]) -> FloatArray:
    """Share that each pool gained over a window without what successions found brought it. Shape (n_pools,)."""
    gains: FloatArray = weekly[:, -1] - weekly[:, -n_weeks - 1]
    lost = np.maximum(-gains, 0.0)
    for succession in found:
        gains[list(succession.gaining)] -= lost[succession.losing] * np.array(succession.gained_fractions)
    return gains


def _gainers(
    weekly: FloatArray, members: IntArray, n_weeks: int, lost: float, unclaimed: FloatArray
) -> dict[int, float]:
    """Pools that rise over a window by what another loses, and the share that each gained."""
    gained = weekly[:, -1] - weekly[:, -n_weeks - 1]
    return {
        pool: float(unclaimed[pool])
        for pool in members.tolist()
        if _accounts_for(float(gained[pool]), lost)
        and unclaimed[pool] >= MIN_GAINED_FRACTION * lost
        and (weekly[pool, -n_weeks - 1] == 0 or _is_rising(_logit(weekly[pool]), n_weeks))
    }


def _running(
    weekly: FloatArray, loser: int, gaining: dict[int, float], trend: _Trend, days: IntArray, lives: Lives
) -> Succession | None:
    """Logistic of the gainers against the loser; None where their log-odds do not rise."""
    rows = list(gaining)
    gained, left = weekly[rows].sum(axis=0), weekly[loser]
    series = np.log(np.maximum(gained, SMALLEST_SHARE) / np.maximum(left, SMALLEST_SHARE))
    slope = _slope(series, trend.n_weeks)
    if slope <= 0:
        return None
    relative_error = 1.0 / abs(trend.score)
    log_sd = float(np.hypot(relative_error, SPEED_LOG_SD))
    logit = _level(series, trend.n_weeks, slope)
    left_weeks = max(DONE_LOGIT - logit, 0.0) / slope
    ends = [int(days[-1]) + round(WEEK_DAYS * left_weeks * float(np.exp(score * log_sd))) for score in _END_SCORES]
    before = float(weekly[loser, -trend.n_weeks - 1])
    total = sum(gaining.values())
    return Succession(
        losing=loser,
        gaining=tuple(rows),
        gained_fractions=tuple(gain / total for gain in gaining.values()),
        start_day=int(days[-1]) + 1 - trend.n_weeks * WEEK_DAYS,
        moved_fraction=float(np.clip(1.0 - left[-1] / max(lives.peak_share[loser], before, left[-1]), 0.0, 1.0)),
        state=SuccessionState.RUNNING,
        end_days=(ends[0], ends[1], ends[2]),
        logit=logit,
        daily_slope=slope / WEEK_DAYS,
        slope_log_sd=log_sd,
    )


_END_SCORES = (-NORMAL_Q90, 0.0, NORMAL_Q90)


def _without_cycles(found: Sequence[Succession]) -> tuple[Succession, ...]:
    """Leave out successions towards a pool that itself loses: a pool cannot both be taken over and take over."""
    losing = {succession.losing for succession in found}
    return tuple(succession for succession in found if losing.isdisjoint(succession.gaining))
