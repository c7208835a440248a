"""Cost per unit of value over time: whether it rises or falls with volume, and the way to a target.

Not here: where cost and volume come from (`optimizer.jobs`).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from forecasting.arrays import FloatArray

SUB_LINEAR, LINEAR, SUPER_LINEAR, NOT_TOLD = "sub-linear", "linear", "super-linear", "not told apart from linear"
LINEAR_WIDTH = 0.1  # an interval that holds 1 and stays this near it says linear; a wider one says nothing
INTERVAL_LEVEL = 0.9
NEEDED_PERIODS = 3  # two lie on a line by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticity:
    """Change of cost in per cent for one per cent more volume.

    Attributes
    ----------
    value, low, high : float
        Slope of the log of cost on the log of volume by least squares, and its central 90 % by Student's t.
    verdict : str
        sub-linear (all of the interval below 1), super-linear (above), linear (all of it within 0.1 of 1), else not
        told apart from linear.
    n_periods : int
    """

    value: float
    low: float
    high: float
    verdict: str
    n_periods: int


def cost_elasticity(cost_usd: FloatArray, volume: FloatArray) -> Elasticity | None:
    """Elasticity of cost in volume.

    Parameters
    ----------
    cost_usd, volume : FloatArray of shape (n_periods,)
        Above 0.

    Returns
    -------
    Elasticity or None
        None with fewer than 3 periods, with cost or volume that is not above 0, or with volume that does not change.

    Examples
    --------
    >>> volume = np.array([1.0, 2.0, 4.0, 8.0])
    >>> found = cost_elasticity(3.0 * volume**0.5, volume)
    >>> round(found.value, 9), found.verdict
    (0.5, 'sub-linear')
    """
    cost, units = np.asarray(cost_usd, dtype=np.float64), np.asarray(volume, dtype=np.float64)
    if len(units) < NEEDED_PERIODS or np.any(cost <= 0.0) or np.any(units <= 0.0):
        return None
    x, y = np.log(units), np.log(cost)
    x_off, y_off = x - x.mean(), y - y.mean()
    spread = float(x_off @ x_off)
    if spread <= 1e-18 * len(x):
        return None
    slope = float(x_off @ y_off) / spread
    rest = y_off - slope * x_off
    freedom = len(x) - 2
    error = math.sqrt(max(float(rest @ rest), 0.0) / freedom / spread)
    reach = float(stdtrit(freedom, (1.0 + INTERVAL_LEVEL) / 2.0)) * error
    low, high = slope - reach, slope + reach
    return Elasticity(value=slope, low=low, high=high, verdict=_verdict(low, high), n_periods=len(x))


def _verdict(low: float, high: float) -> str:
    """What an interval says of the slope."""
    tiny = 1e-9  # exact data have an interval without width
    if high < 1.0 - tiny:
        return SUB_LINEAR
    if low > 1.0 + tiny:
        return SUPER_LINEAR
    return LINEAR if low >= 1.0 - LINEAR_WIDTH and high <= 1.0 + LINEAR_WIDTH else NOT_TOLD


def glide_path(current_usd: float, *, target_usd: float, n_periods: int) -> FloatArray:
    """Unit cost of each period on the way to a target, changing by the same part every period. [USD]

    Parameters
    ----------
    current_usd, target_usd : float
        Above 0. [USD per unit of value]
    n_periods : int
        >= 1.

    Returns
    -------
    FloatArray of shape (n_periods,)
        The last one is the target.

    Examples
    --------
    >>> glide_path(4.0, target_usd=1.0, n_periods=2).tolist()
    [2.0, 1.0]
    """
    steps = np.arange(1, n_periods + 1) / n_periods
    out: FloatArray = current_usd * (target_usd / current_usd) ** steps
    out[-1] = target_usd
    return out


def yearly_change(values: FloatArray, *, periods_per_year: float) -> float | None:
    """Trend of positive values as a part a year: least squares in logs; None with fewer than 2 of them.

    Examples
    --------
    >>> round(yearly_change(np.array([1.0, 1.1, 1.21]), periods_per_year=1.0), 9)
    0.1
    """
    series = np.asarray(values, dtype=np.float64)
    if len(series) < 2 or np.any(series <= 0.0):
        return None
    at = np.arange(len(series)) - (len(series) - 1) / 2.0
    return math.expm1(float(at @ np.log(series)) / float(at @ at) * periods_per_year)
