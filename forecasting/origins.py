"""Rolling origins: where in history the forecast is tried again, and by how much it missed.

Not here: the forecast itself (`forecasting.level`), nor what the misses become (`forecasting.paths`).
"""

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.level import LevelFits, training_days

ORIGIN_STEP_DAYS = 7  # whole weeks: an error keeps its day of the week
MAX_ERROR_DAYS = 364  # longest horizon at which misses are read


def rolling_origins(n_days: int) -> IntArray:
    """Day indices of the origins, whole weeks before the end of history; the last is the end itself.

    Examples
    --------
    >>> rolling_origins(44)
    array([30, 37, 44])
    >>> rolling_origins(21)
    array([14, 21])
    """
    first = n_days - (n_days - training_days(n_days)) // ORIGIN_STEP_DAYS * ORIGIN_STEP_DAYS
    return np.arange(first, n_days + 1, ORIGIN_STEP_DAYS, dtype=np.int64)


def miss_table(logs: FloatArray, days: IntArray, fits: LevelFits) -> FloatArray:
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
    misses = logs[columns] - fits.predicted(rows, horizon, days[columns])
    return np.where(inside, misses, np.nan)
