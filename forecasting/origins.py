"""Rolling origins: where in history the forecast's own rule is tried again, and which drift served best there.

Not here: the rule itself (`forecasting.level`), nor what the misses become (`forecasting.paths`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.level import MIN_TRAINING_DAYS, DriftRule, LevelFits

ORIGIN_STEP_DAYS = 7  # whole weeks: an error keeps its day of the week
MAX_ERROR_DAYS = 364  # longest horizon at which misses are read
MIN_ORIGINS_FOR_BIAS = 6
BIAS_SMOOTHING_DAYS = 29
DEFAULT_RULE = DriftRule(shrink=0.3, half_life_days=180.0)
DRIFT_RULES = (  # none stronger than the default: a young fleet's own origins always ask for it, and then overshoot
    DEFAULT_RULE,
    DriftRule(shrink=0.15, half_life_days=180.0),
    DriftRule(shrink=0.0, half_life_days=180.0),
    DriftRule(shrink=0.3, half_life_days=360.0),
)
DEFAULT_ADVANTAGE = 0.95  # another rule must be better than the default by this factor: origins overlap, luck is common


def rolling_origins(n_days: int) -> IntArray:
    """Day indices of the origins, whole weeks before the end of history; the last is the end itself.

    Examples
    --------
    >>> rolling_origins(44)
    array([30, 37, 44])
    """
    first = n_days - (n_days - MIN_TRAINING_DAYS) // ORIGIN_STEP_DAYS * ORIGIN_STEP_DAYS
    return np.arange(first, n_days + 1, ORIGIN_STEP_DAYS, dtype=np.int64)


def miss_table(logs: FloatArray, days: IntArray, fits: LevelFits, rule: DriftRule) -> FloatArray:
    """Log misses of every origin but the last at every horizon; nan beyond the end of history.

    Returns
    -------
    FloatArray of shape (n_origins - 1, n_horizon_days)
        Log of what came over what was predicted.
    """
    rows = np.arange(len(fits.origins) - 1)[:, None]
    longest = int(min(MAX_ERROR_DAYS, len(logs) - fits.origins[0]))
    horizon = np.arange(longest)[None, :]
    columns = fits.origins[:-1, None] + horizon
    inside = columns < len(logs)
    columns = np.where(inside, columns, len(logs) - 1)
    misses = logs[columns] - fits.predicted(rows, horizon, days[columns], rule)
    return np.where(inside, misses, np.nan)


def chosen_rule(logs: FloatArray, days: IntArray, fits: Sequence[LevelFits]) -> DriftRule:
    """Drift rule with the least mean absolute log miss over groups, horizons and origins inside history.

    Parameters
    ----------
    logs : FloatArray of shape (n_groups, n_days)
    days : IntArray of shape (n_days,)
    fits : sequence of LevelFits
        One for each group.
    """
    losses = [_mean_loss(logs, days, fits, rule) for rule in DRIFT_RULES]
    if not np.isfinite(losses[0]):
        return DEFAULT_RULE
    best = int(np.argmin(losses))
    return DRIFT_RULES[best] if losses[best] < DEFAULT_ADVANTAGE * losses[0] else DEFAULT_RULE


def median_bias(misses: FloatArray) -> FloatArray:
    """Median miss at each horizon, smoothed; held constant where fewer than `MIN_ORIGINS_FOR_BIAS` origins reach.

    Parameters
    ----------
    misses : FloatArray of shape (n_origins, n_horizon_days)
        From `miss_table`.
    """
    enough = int((np.isfinite(misses).sum(axis=0) >= MIN_ORIGINS_FOR_BIAS).sum())
    if enough == 0:
        return np.zeros(misses.shape[1])
    medians = np.nanmedian(misses[:, :enough], axis=0)
    medians = np.concatenate([medians, np.full(misses.shape[1] - enough, medians[-1])])
    half = BIAS_SMOOTHING_DAYS // 2
    padded = np.concatenate([np.full(half, medians[0]), medians, np.full(half, medians[-1])])
    smoothed: FloatArray = np.convolve(padded, np.full(BIAS_SMOOTHING_DAYS, 1.0 / BIAS_SMOOTHING_DAYS), mode="valid")
    return smoothed


def _mean_loss(logs: FloatArray, days: IntArray, fits: Sequence[LevelFits], rule: DriftRule) -> float:
    """Mean absolute miss: origins first, then horizons, then groups, so that long horizons count as much as short."""
    losses = []
    for row, fit in enumerate(fits):
        misses = np.abs(miss_table(logs[row], days, fit, rule))
        reached = np.isfinite(misses).sum(axis=0) >= MIN_ORIGINS_FOR_BIAS
        if reached.any():
            losses.append(float(np.nanmean(misses[:, reached], axis=0).mean()))
    return float(np.mean(losses)) if losses else float("nan")
