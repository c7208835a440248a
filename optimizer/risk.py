"""CVaR of a weighted sample.

Not here: quantiles (`forecasting.quantiles`), which cost or loss it is taken of.
"""

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.quantiles import weighted_quantile


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
    >>> round(conditional_value_at_risk(np.array([0.0, 10.0]), np.array([0.9, 0.1]), level=0.8), 9)
    5.0
    """
    at_risk = weighted_quantile(values, weights, level=level)
    return at_risk + float(weights @ np.maximum(values - at_risk, 0.0)) / (1.0 - level)
