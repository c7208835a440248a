"""How far shares of pools wander by themselves, from day to day and from month to month.

Robust, so that the few pools that were replaced do not count: they have a model of their own.
Not here: replacement and successions (`forecasting.lifetimes`, `forecasting.succession`).
"""

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.lifetimes import Lives, size_likeness
from forecasting.shares import NEWBORN_DAYS, SHARE_DAYS, group_sums, trailing_shares

WEEK_DAYS = 7
LAG_WEEKS = 8  # beyond the noise of weeks, and short enough to be seen a few times in a year
MIN_LAG_WEEKS = 2
PRIOR_WEEKLY_SD = 0.05  # of log-odds: 36 % after a year
MAX_WEEKLY_SD = 0.25  # sixfold up or down after a year: patchy demand would walk anywhere
PRIOR_LAGS = 2.0  # independent changes that the prior is worth
NORMAL_Q75 = 0.6744897501960817
NOISE_DAYS = 29  # centred window around a day that its share is compared with
MAX_DAY_FACTOR = 10.0


def weekly_log_sd(units: FloatArray, group_of: IntArray, lives: Lives) -> FloatArray:
    """Standard deviation of a week's step of the random walk that each pool's log share takes.

    From the median absolute deviation of the changes of the log-odds of four-week shares over eight weeks (over less
    in a shorter history), shrunk to that of pools of about its size and to a prior. The ramp of a pool's first eight
    weeks is left out.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand. [units]
    group_of : IntArray of shape (n_pools,)
    lives : Lives

    Returns
    -------
    FloatArray of shape (n_pools,)

    Notes
    -----
    Where a pool's log share steps with variance ``(1 - share) * v`` before shares are made to sum to 1, its log-odds
    step with about v: the others step too. A random walk's means over w weeks that end L >= w weeks apart differ by
    the variance of ``L - w / 3`` steps.
    """
    n_days = units.shape[1]
    ends = np.arange(n_days, SHARE_DAYS - 1, -WEEK_DAYS)[::-1]
    shares = trailing_shares(units, group_sums(units, group_of)[group_of], ends, SHARE_DAYS)
    others = np.sqrt(np.maximum(1.0 - shares[:, -1], 0.0)) if len(ends) else np.ones(len(units))
    lag = min(LAG_WEEKS, len(ends) // 2)
    if lag < MIN_LAG_WEEKS:
        return PRIOR_WEEKLY_SD * others
    first = np.where(lives.is_age_known, lives.born + NEWBORN_DAYS, SHARE_DAYS)
    is_settled = (shares > 0) & (shares < 1) & (ends[None, :] >= first[:, None])
    inside = np.where(is_settled, shares, 0.5)
    logits = np.log(inside / (1.0 - inside))
    is_seen = is_settled[:, lag:] & is_settled[:, :-lag]
    changes = logits[:, lag:] - logits[:, :-lag]
    spreads = [_median_deviation(row[seen]) for row, seen in zip(changes, is_seen, strict=True)]
    variances = (np.array(spreads) / NORMAL_Q75) ** 2 / max(lag - SHARE_DAYS / WEEK_DAYS / 3.0, 1.0)
    n_lags = is_seen.sum(axis=1) / lag
    likeness = size_likeness(lives.peak_share)
    common = (PRIOR_LAGS * PRIOR_WEEKLY_SD**2 + likeness @ (n_lags * variances)) / (PRIOR_LAGS + likeness @ n_lags)
    shrunk = np.sqrt((PRIOR_LAGS * common + n_lags * variances) / (PRIOR_LAGS + n_lags))
    steps: FloatArray = np.minimum(shrunk, MAX_WEEKLY_SD) * others
    return steps


def _median_deviation(changes: FloatArray) -> float:
    """Median absolute deviation from the median change, which a steady succession moves; 0 without any."""
    return float(np.median(np.abs(changes - np.median(changes)))) if len(changes) else 0.0


def day_factors(units: FloatArray, group_of: IntArray, lives: Lives) -> FloatArray:
    """Share of each pool on each historical day over its mean share of the four weeks around; 0 where it had none.

    Days before a pool has settled repeat later days of its life, whole weeks apart; 1 for a pool that has not, or has
    no demand, and on days on which the whole group was out.

    Parameters
    ----------
    units : FloatArray of shape (n_pools, n_days)
        Daily mean demand. [units]
    group_of : IntArray of shape (n_pools,)
    lives : Lives

    Returns
    -------
    FloatArray of shape (n_pools, n_days)
    """
    n_days = units.shape[1]
    totals = group_sums(units, group_of)[group_of]
    days = np.arange(n_days)
    last = np.minimum(days + NOISE_DAYS // 2 + 1, n_days)
    width = last - np.maximum(days - NOISE_DAYS // 2, 0)
    widths = np.minimum(np.broadcast_to(width, units.shape), np.maximum(last[None, :] - lives.born[:, None], 1))
    around = trailing_shares(units, totals, last, widths)
    is_measured = (totals > 0) & (around > 0)
    usual = np.where(is_measured, around * totals, 1.0)
    factors = np.where(is_measured, np.minimum(units / usual, MAX_DAY_FACTOR), 1.0)
    settled = np.where(lives.is_age_known, lives.born + NEWBORN_DAYS, 0)  # a ramp is no noise
    lived = np.maximum(n_days - settled, 0)
    is_settled = ~lives.is_age_known | (lived >= SHARE_DAYS)
    factors = np.where(is_settled[:, None], factors, 1.0)
    period = np.maximum(lived // WEEK_DAYS * WEEK_DAYS, 1)
    before = np.maximum(settled[:, None] - days[None, :], 0)
    moved = days[None, :] + -(-before // period[:, None]) * period[:, None]
    repeated: FloatArray = np.take_along_axis(factors, np.minimum(moved, n_days - 1), axis=1)
    return repeated


def drawn_days(n_history: int, *, n_paths: int, n_days: int, rng: np.random.Generator) -> IntArray:
    """Historical day behind each day of each path: stretches of four weeks that keep their days of the week.

    Returns
    -------
    IntArray of shape (n_paths, n_days)
        Index of the historical day.
    """
    length = min(SHARE_DAYS, max(n_history // 2 // WEEK_DAYS, 1) * WEEK_DAYS)
    n_stretches = -(-n_days // length)
    n_places = max((n_history - length) // WEEK_DAYS + 1, 1)
    weeks_back = rng.integers(0, n_places, size=(n_paths, n_stretches))
    starts = n_history - length - weeks_back * WEEK_DAYS
    columns = (starts[:, :, None] + np.arange(length)[None, None, :]).reshape(n_paths, -1)[:, :n_days]
    clipped: IntArray = np.clip(columns, 0, n_history - 1).astype(np.int64)
    return clipped
