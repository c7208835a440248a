"""Shares of pools in the daily demand of their group, at every origin and at the end of history.

Demand is forecast where it is smooth, in the group, and split by shares. Not here: the group's level.
"""

import numpy as np

from forecasting.arrays import FloatArray, IntArray

SHARE_DAYS = 28
DAYS_PER_YEAR = 365
NEWBORN_DAYS = 56  # a pool younger than this still ramps: its last week counts
NEWBORN_SHARE_DAYS = 7
DEAD_DAYS = 14
RESTS_PER_YEAR = 3  # of a length, in the last year, that make it usual: one long outage is no habit
PATIENCE = 2  # times the usual rest, until a pool that rests by habit counts as dead


def fit_shares(pool_units: FloatArray, group_of: IntArray, origins: IntArray) -> FloatArray:
    """Share of each pool in its group at each origin, from the days before it.

    Four weeks' demand of the pool over the group's; the last week only (or what it has
    lived of it) for a pool born within eight weeks; zero for
    a pool without demand in the last two weeks. A pool that often rests for longer (a monthly batch) is given twice its
    usual rest, for both. The shares of the rest are then scaled to sum to 1.

    Parameters
    ----------
    pool_units : FloatArray of shape (n_pools, n_days)
        Daily mean demand. [units]
    group_of : IntArray of shape (n_pools,)
        Group of each pool.
    origins : IntArray of shape (n_origins,)
        Day index of each origin, at least `SHARE_DAYS`.

    Returns
    -------
    FloatArray of shape (n_pools, n_origins)
        0 for a pool that is unborn or dead; sums to 1 in a group with demand.
    """
    n_groups = int(group_of.max()) + 1
    group_units = group_sums(pool_units, group_of)[group_of]
    has_demand = pool_units > 0
    patience = patience_days(pool_units, origins)
    is_alive = _window_sums(has_demand.astype(np.float64), origins, patience) > 0.5  # whole days: exact in floats
    share_days = np.where(patience > DEAD_DAYS, np.maximum(patience, SHARE_DAYS), SHARE_DAYS)
    shares = trailing_shares(pool_units, group_units, origins, share_days)
    born = np.where(has_demand.any(axis=1), has_demand.argmax(axis=1), pool_units.shape[1])
    age = origins[None, :] - born[:, None]
    is_newborn = (born[:, None] > 0) & (age > 0) & (age < NEWBORN_DAYS)
    newest_days = np.clip(age, 1, NEWBORN_SHARE_DAYS)
    newest = trailing_shares(pool_units, group_units, origins, newest_days)
    shares = np.where(is_alive, np.where(is_newborn, newest, shares), 0.0)
    totals = np.zeros((n_groups, len(origins)))
    np.add.at(totals, group_of, shares)
    return _ratio(shares, totals[group_of])


def patience_days(units: FloatArray, origins: IntArray) -> IntArray:
    """Days without demand after which a series counts as dead, at each origin; two weeks for one that hardly rests.

    Twice its usual rest, if that is longer: the third longest of the rests between two days with demand that ended in
    the year before the origin.

    Parameters
    ----------
    units : FloatArray of shape (n_series, n_days)
        Daily mean demand. [units]
    origins : IntArray of shape (n_origins,)

    Returns
    -------
    IntArray of shape (n_series, n_origins)
    """
    patience = np.full((len(units), len(origins)), DEAD_DAYS, dtype=np.int64)
    for row, own in enumerate(units):
        days = np.flatnonzero(own > 0)
        rests, ends = np.diff(days) - 1, days[1:]
        is_long = PATIENCE * rests > DEAD_DAYS
        rests, ends = rests[is_long], ends[is_long]
        for column, origin in enumerate(origins.tolist() if len(rests) >= RESTS_PER_YEAR else []):
            recent = np.sort(rests[(ends < origin) & (ends >= origin - DAYS_PER_YEAR)])
            if len(recent) >= RESTS_PER_YEAR:
                patience[row, column] = PATIENCE * recent[-RESTS_PER_YEAR]
    return patience


def group_sums(pool_units: FloatArray, group_of: IntArray) -> FloatArray:
    """Sum the pools of each group. Shape (n_groups, n_days). [units]"""
    sums = np.zeros((int(group_of.max()) + 1, pool_units.shape[1]))
    np.add.at(sums, group_of, pool_units)
    return sums


def trailing_shares(
    pool_units: FloatArray, group_units: FloatArray, origins: IntArray, n_days: int | IntArray
) -> FloatArray:
    """Part of each pool in its group over the last days before each origin, 0 where the group had nothing.

    Parameters
    ----------
    pool_units, group_units : FloatArray of shape (n_pools, n_history_days)
        Daily mean demand of each pool and of its group. [units]
    origins : IntArray of shape (n_origins,)
        Day index of each origin.
    n_days : int or IntArray of shape (n_pools, n_origins)
        Days before the origin that count; fewer where history begins later.

    Returns
    -------
    FloatArray of shape (n_pools, n_origins)
    """
    return _ratio(_window_sums(pool_units, origins, n_days), _window_sums(group_units, origins, n_days))


def _window_sums(units: FloatArray, origins: IntArray, n_days: int | IntArray) -> FloatArray:
    """Sum over the last days before each origin. Shape (n_series, n_origins)."""
    summed = np.concatenate([np.zeros((len(units), 1)), np.cumsum(units, axis=1)], axis=1)
    first = np.broadcast_to(np.maximum(origins - n_days, 0), (len(units), len(origins)))
    window: FloatArray = summed[:, origins] - np.take_along_axis(summed, first, axis=1)
    return np.maximum(window, 0.0)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 where the whole is 0."""
    ratio: FloatArray = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)
    return ratio
