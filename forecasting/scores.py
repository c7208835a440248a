"""How good a forecast was: plain scores over arrays.

Not here: which forecasts are scored, and on which windows.
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray


def pinball_loss(actual: FloatArray, predicted: FloatArray, *, level: float) -> FloatArray:
    """Pinball loss of predicted quantiles at one level: level x shortfall, or (1 - level) x excess.

    Parameters
    ----------
    actual, predicted : FloatArray of equal shape
        [units]
    level : float
        Quantile level, in (0, 1).

    Returns
    -------
    FloatArray of the same shape
        [units]

    Examples
    --------
    >>> pinball_loss(np.array([3.0, 1.0]), np.array([2.0, 2.0]), level=0.75)
    array([0.75, 0.25])
    """
    shortfall = actual - predicted
    loss: FloatArray = np.maximum(level * shortfall, (level - 1.0) * shortfall)
    return loss


def weighted_quantile_loss(actual: FloatArray, quantiles: FloatArray, levels: Sequence[float]) -> float:
    """Mean over levels of twice the summed pinball loss over the sum of what came, as a fraction.

    Parameters
    ----------
    actual : FloatArray of shape (n,)
        [units]
    quantiles : FloatArray of shape (n, n_levels)
        [units]
    levels : sequence of float

    Raises
    ------
    ValueError
        If `actual` sums to zero: the loss has no scale then.
    """
    total = float(actual.sum())
    if total <= 0:
        msg = f"actual must sum to more than 0 to scale the loss, got {total}."
        raise ValueError(msg)
    losses = [2.0 * pinball_loss(actual, quantiles[:, k], level=level).sum() for k, level in enumerate(levels)]
    return float(np.mean(losses)) / total


def scaled_error(actual: FloatArray, predicted: FloatArray, *, past: FloatArray, lag: int) -> float:
    """Mean absolute error over the mean absolute difference of the past at a lag (MASE).

    Parameters
    ----------
    actual, predicted : FloatArray of shape (n,)
        [units]
    past : FloatArray of shape (n_past,)
        What was known before, same steps. [units]
    lag : int
        7 for days, 168 for hours.

    Raises
    ------
    ValueError
        If the past never changed at the lag.
    """
    scale = float(np.abs(past[lag:] - past[:-lag]).mean()) if len(past) > lag else 0.0
    if scale <= 0:
        msg = f"past must change at lag {lag} to scale the error, got a mean absolute difference of {scale}."
        raise ValueError(msg)
    return float(np.abs(actual - predicted).mean()) / scale


def coverage_fraction(actual: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Fraction of what came that lay within [low, high], ends included."""
    return float(np.mean((actual >= low) & (actual <= high)))
