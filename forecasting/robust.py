"""Medians of what is known, and runs of hours: what finding spikes and finding anomalies share.

Not here: what is expected, and what counts as a departure from it.
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray

SD_OF_MEDIAN = 1.4826  # standard deviation / median absolute deviation of a normal


def row_medians(table: FloatArray) -> tuple[FloatArray, IntArray]:
    """Median of the known values of each row, nan without any, and how many are known. Shapes (n_rows,).

    Examples
    --------
    >>> row_medians(np.array([[1.0, np.nan, 4.0], [np.nan, np.nan, np.nan]]))
    (array([2.5, nan]), array([2, 0]))
    """
    ranked = np.sort(table, axis=1)  # nan goes last
    n_known = np.isfinite(ranked).sum(axis=1)
    rows = np.arange(len(table))
    upper = np.minimum(n_known // 2, table.shape[1] - 1)
    lower = np.maximum((n_known - 1) // 2, 0)
    return 0.5 * (ranked[rows, lower] + ranked[rows, upper]), n_known


def lagged_medians(values: FloatArray, lags: IntArray) -> tuple[FloatArray, IntArray]:
    """Median over the values that lie `lags` before each (after it: below 0), and how many of them are known.

    Examples
    --------
    >>> lagged_medians(np.array([1.0, 2.0, 6.0]), np.array([1, -1]))
    (array([2. , 3.5, 2. ]), array([1, 2, 1]))
    """
    table = np.full((len(values), len(lags)), np.nan)
    for column, lag in enumerate(lags):
        if 0 < lag < len(values):
            table[lag:, column] = values[:-lag]
        elif -len(values) < lag < 0:
            table[:lag, column] = values[-lag:]
    return row_medians(table)


def running_medians(values: FloatArray, *, half_width: int) -> FloatArray:
    """Median of the known among each value and `half_width` on either side; at an end that of the last whole window.

    Examples
    --------
    >>> running_medians(np.array([1.0, 9.0, 2.0, np.nan, 4.0]), half_width=1)
    array([2. , 2. , 5.5, 3. , 3. ])
    """
    width = 2 * half_width + 1
    if len(values) <= width:
        return np.full(len(values), row_medians(values[None, :])[0][0])
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    medians = np.median(windows, axis=1) if np.isfinite(values).all() else row_medians(windows)[0]
    smooth: FloatArray = medians[np.clip(np.arange(len(values)) - half_width, 0, len(medians) - 1)]
    return smooth


def runs(inside: BoolArray) -> list[tuple[int, int]]:
    """First and past-the-last index of each run of True.

    Examples
    --------
    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
