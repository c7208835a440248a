"""Measures of a weighted sample: quantiles and CVaR.

Not here: which cost or loss they are taken of.
"""

import numpy as np

from forecasting.arrays import FloatArray

WEIGHT_SLACK = 1e-12  # cumulated float64 weights may miss a level by rounding


def weighted_quantile(values: FloatArray, weights: FloatArray, *, level: float) -> float:
    """Smallest value whose cumulated weight reaches `level`.

    Parameters
    ----------
    values, weights : FloatArray of shape (n_values,)
        Weights sum to 1.
    level : float
        In [0, 1].

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3]), level=0.5)
    1.0
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) >= level - WEIGHT_SLACK
    place = int(np.argmax(reached)) if reached.any() else len(order) - 1
    return float(values[order[place]])


def conditional_value_at_risk(values: FloatArray, weights: FloatArray, *, level: float) -> float:
    """Mean of the worst 1 - level of a weighted sample [1]_.

    Parameters
    ----------
    values, weights : FloatArray of shape (n_values,)
        Larger is worse; weights sum to 1.
    level : float
        In (0, 1).

    References
    ----------
    .. [1] R. T. Rockafellar and S. Uryasev, "Optimization of conditional value-at-risk", Journal of Risk 2(3), 2000.
       doi:10.21314/JOR.2000.038

    Examples
    --------
    >>> conditional_value_at_risk(np.array([0.0, 10.0]), np.array([0.9, 0.1]), level=0.8)
    5.0
    """
    at_risk = weighted_quantile(values, weights, level=level)
    return at_risk + float(weights @ np.maximum(values - at_risk, 0.0)) / (1.0 - level)
