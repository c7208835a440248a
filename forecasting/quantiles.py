"""Quantiles of a weighted sample: the one definition that peaks, bands, headroom and risk are all taken by.

Not here: what the sample is of.
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray

LEVEL_TOLERANCE = 1e-12  # cumulated weights are sums of a few dozen float64 fractions


def weighted_quantiles(values: FloatArray, weights: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Smallest value at or below which at least `level` of the weight lies, along the first axis.

    Parameters
    ----------
    values : FloatArray of shape (n_scenarios, ...)
    weights : FloatArray of shape (n_scenarios,)
        >= 0, with a sum above 0 that counts as the whole.
    levels : sequence of float
        In [0, 1].

    Returns
    -------
    FloatArray of shape (..., n_levels)
        Values of weight 0 are never picked.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0]), np.array([0.25, 0.75]), [0.5, 0.75, 0.8]).tolist()
    [1.0, 1.0, 3.0]
    """
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    has_weight = weights[order] > 0
    cumulated = np.cumsum(weights[order], axis=0)
    reached_fraction = cumulated / cumulated[-1]  # of the last value with weight exactly 1, whatever the rounding
    picked = []
    for level in levels:
        first = np.argmax((reached_fraction >= level - LEVEL_TOLERANCE) & has_weight, axis=0)
        picked.append(np.take_along_axis(ordered, first[None], axis=0)[0])
    return np.stack(picked, axis=-1)


def weighted_quantile(values: FloatArray, weights: FloatArray, *, level: float) -> float:
    """The same of one sample at one level.

    Parameters
    ----------
    values, weights : FloatArray of shape (n_values,)
    level : float
        In [0, 1].

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3]), level=0.5)
    1.0
    """
    return float(weighted_quantiles(values, weights, [level])[0])
