"""How relative noise changes with size: a fleet that grows is often calmer in proportion.

Misses and spikes of a time when demand was smaller are rescaled before they are put on today's demand.
Not here: the misses themselves.
"""

import numpy as np

from forecasting.arrays import FloatArray

BLOCK_DAYS = 56
MIN_BLOCKS = 4
PRIOR_LOG_LEVEL_VARIANCE = 0.05  # of level over history at which the measured exponent is half believed
TRAILING_DAYS = 28
SCALE_BOUNDS = (0.2, 2.0)
HALF_QUARTER_DAYS = 45


def noise_exponent(units: FloatArray, deviations: FloatArray) -> float:
    """Power g in [0, 1] by which relative noise falls with the level: noise ~ level ** -g.

    Theil-Sen slope of log mean absolute deviation on log level over blocks of eight weeks, shrunk to 0 where the
    level hardly varied. 0 is purely relative noise, 1 noise of constant size in units.

    Parameters
    ----------
    units : FloatArray of shape (n_days,)
        Daily demand. [units]
    deviations : FloatArray of shape (n_days,)
        Size of each day's relative noise, >= 0; nan where unknown.
    """
    n_blocks = len(units) // BLOCK_DAYS
    if n_blocks < MIN_BLOCKS:
        return 0.0
    levels = units[-n_blocks * BLOCK_DAYS :].reshape(n_blocks, BLOCK_DAYS).mean(axis=1)
    sizes = deviations[-n_blocks * BLOCK_DAYS :].reshape(n_blocks, BLOCK_DAYS)
    is_known = (levels > 0) & np.isfinite(sizes).all(axis=1)
    is_known[is_known] = sizes[is_known].mean(axis=1) > 0
    if is_known.sum() < MIN_BLOCKS:
        return 0.0
    log_levels, log_sizes = np.log(levels[is_known]), np.log(sizes[is_known].mean(axis=1))
    earlier, later = np.triu_indices(len(log_levels), k=1)
    run = log_levels[later] - log_levels[earlier]
    is_apart = np.abs(run) > 1e-9
    if not is_apart.any():
        return 0.0
    slope = float(np.median((log_sizes[later] - log_sizes[earlier])[is_apart] / run[is_apart]))
    variance = float(log_levels.var())
    return float(np.clip(-slope, 0.0, 1.0)) * variance / (variance + PRIOR_LOG_LEVEL_VARIANCE)


def noise_scale(units: FloatArray, exponent: float) -> FloatArray:
    """Factor for each historical day's relative noise when it is put on today's level. Shape (n_days,)."""
    trailing = trailing_means(units)
    if trailing[-1] <= 0 or exponent == 0.0:
        return np.ones(len(units))
    ratio = np.maximum(trailing, 0.0) / trailing[-1]
    low, high = SCALE_BOUNDS
    scale: FloatArray = np.clip(ratio**exponent, low, high)
    return scale


def volatility_scale(deviations: FloatArray) -> FloatArray:
    """Factor that puts each historical day's miss on today's volatility (filtered historical simulation [1]_).

    Parameters
    ----------
    deviations : FloatArray of shape (n_days,)
        Size of each day's relative noise, >= 0; nan where unknown.

    Returns
    -------
    FloatArray of shape (n_days,)
        Mean deviation of the last quarter over that of the quarter around the day, within `SCALE_BOUNDS`.

    References
    ----------
    .. [1] G. Barone-Adesi, K. Giannopoulos and L. Vosper, "VaR without correlations for portfolios of derivative
       securities", Journal of Futures Markets 19, 1999.
    """
    known = np.isfinite(deviations)
    summed = np.concatenate([[0.0], np.cumsum(np.where(known, deviations, 0.0))])
    counted = np.concatenate([[0], np.cumsum(known)])
    last = np.minimum(np.arange(len(deviations)) + HALF_QUARTER_DAYS + 1, len(deviations))
    first = np.maximum(np.arange(len(deviations)) - HALF_QUARTER_DAYS, 0)
    around = (summed[last] - summed[first]) / np.maximum(counted[last] - counted[first], 1)
    start = max(len(deviations) - 2 * HALF_QUARTER_DAYS - 1, 0)
    now = (summed[-1] - summed[start]) / max(counted[-1] - counted[start], 1)
    if now <= 0:
        return np.ones(len(deviations))
    scale: FloatArray = np.where(around > 0, np.clip(now / np.where(around > 0, around, 1.0), *SCALE_BOUNDS), 1.0)
    return scale


def weekly_noise(logs: FloatArray) -> FloatArray:
    """Absolute change of log demand from the same day a week before; nan where unknown. Shape (n_days,)."""
    noise: FloatArray = np.abs(logs - np.concatenate([np.full(7, np.nan), logs[:-7]]))
    return noise


def trailing_means(units: FloatArray) -> FloatArray:
    """Mean of the four weeks that end with each day, of fewer days at the start. Shape (n_days,)."""
    summed = np.concatenate([[0.0], np.cumsum(units)])
    last = np.arange(1, len(units) + 1)
    first = np.maximum(last - TRAILING_DAYS, 0)
    means: FloatArray = (summed[last] - summed[first]) / (last - first)
    return means
