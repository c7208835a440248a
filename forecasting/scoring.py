"""How good the forecast of one window of one series was: daily peaks, hours, the highest hour, and the mean of a year.

Not here: how the forecast was made, nor single scores over plain arrays (`forecasting.scores`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_WEEK
from forecasting.quantiles import weighted_quantiles
from forecasting.scores import coverage_fraction, scaled_error, weighted_quantile_loss

DAYS_PER_WEEK = 7
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)  # of every outlook
LOSS_LEVELS = LEVELS[1:]  # of the weighted quantile loss
LOW, MEDIAN, HIGH = LEVELS.index(0.05), LEVELS.index(0.5), LEVELS.index(0.95)
YEAR_BAND = (0.1, 0.9)
ROUNDING = 1e-9  # relative: a constant series that is foreseen to the last bit lies inside its interval
MIN_NAIVE_MISSES = 8  # of a number of weeks ahead, before a quantile of them means anything


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What a model says of one series over whole UTC days.

    Attributes
    ----------
    hourly_mean_units : FloatArray of shape (n_days * 24,)
        Expected demand. [units]
    daily_peak_units : FloatArray of shape (n_days, n_levels)
        Quantiles of the highest hour of each day, at `LEVELS`. [units]
    daily_point_units : FloatArray of shape (n_days,)
        The one number for each day's peak: the median, if the model has no other. [units]
    horizon_peak_units : FloatArray of shape (n_levels,)
        Quantiles of the highest hour of all days, at `LEVELS`. [units]
    """

    hourly_mean_units: FloatArray
    daily_peak_units: FloatArray
    daily_point_units: FloatArray
    horizon_peak_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("hourly_mean_units", "daily_peak_units", "daily_point_units", "horizon_peak_units"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookScores:
    """Scores of one outlook; nan where a score has no scale (a series that never changed, or was zero throughout).

    Attributes
    ----------
    mase_daily_peak : float
        Mean absolute error of the point for the daily peak over the past's mean absolute change in 7 days.
    mase_hourly : float
        The same of the mean, hour by hour, over the past's change in 168 hours.
    wql_daily_peak : float
        Weighted quantile loss of the daily peak over `LOSS_LEVELS`, as a fraction.
    coverage_90 : float
        Fraction of days whose peak lay within the 0.05 and the 0.95 quantile.
    wql_horizon_peak : float
        Weighted quantile loss of the highest hour, as a fraction.
    peak_within_q95 : float
        1 where the highest hour came at or below its 0.95 quantile, else 0.
    q95_above_fraction : float
        How far the 0.95 quantile of the highest hour lay above what came, as a fraction of it.
    median_peak_above_fraction : float
        The same of its median: the bias.
    """

    mase_daily_peak: float
    mase_hourly: float
    wql_daily_peak: float
    coverage_90: float
    wql_horizon_peak: float
    peak_within_q95: float
    q95_above_fraction: float
    median_peak_above_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class YearScores:
    """Scores of the mean demand of a whole window, such as 365 days; nan where nothing came.

    Attributes
    ----------
    mean_above_fraction : float
        Expected mean demand over what came, less 1: the bias.
    within_80 : float
        1 where what came lay within the 0.1 and 0.9 quantiles, else 0.
    """

    mean_above_fraction: float
    within_80: float


def path_outlook(units: FloatArray, weights: FloatArray) -> Outlook:
    """Outlook of weighted sample paths.

    Parameters
    ----------
    units : FloatArray of shape (n_paths, n_days * 24)
        From midnight UTC on. [units]
    weights : FloatArray of shape (n_paths,)
        Sum to 1.
    """
    daily = daily_peaks(units)
    quantiles = weighted_quantiles(daily, weights, LEVELS)
    return Outlook(
        hourly_mean_units=weights @ units,
        daily_peak_units=quantiles,
        daily_point_units=quantiles[:, MEDIAN],
        horizon_peak_units=weighted_quantiles(daily.max(axis=1), weights, LEVELS),
    )


def naive_outlook(past: FloatArray, *, n_days: int) -> Outlook:
    """Outlook of the seasonal naive: the last week again and again, spread as it missed in the past.

    The spread of a day k weeks ahead is that of the past's own changes over k weeks. There are no paths: the highest
    hour takes the highest quantile of any day.

    Parameters
    ----------
    past : FloatArray of shape (n_past_days * 24,)
        At least two weeks, up to midnight UTC. [units]
    n_days : int
        Days ahead.
    """
    daily = daily_peaks(past)
    days = np.arange(n_days)
    point = daily[len(daily) - DAYS_PER_WEEK + days % DAYS_PER_WEEK]
    longest = max(1, (len(daily) - MIN_NAIVE_MISSES) // DAYS_PER_WEEK)
    weeks = np.minimum(days // DAYS_PER_WEEK + 1, longest)
    spread = np.empty((n_days, len(LEVELS)))
    for n_weeks in np.unique(weeks):
        lag = int(n_weeks) * DAYS_PER_WEEK
        spread[weeks == n_weeks] = np.quantile(daily[lag:] - daily[:-lag], LEVELS)
    quantiles = np.maximum(point[:, None] + spread, 0.0)
    hours = np.arange(n_days * HOURS_PER_DAY)
    return Outlook(
        hourly_mean_units=past[len(past) - HOURS_PER_WEEK + hours % HOURS_PER_WEEK],
        daily_peak_units=quantiles,
        daily_point_units=point,
        horizon_peak_units=quantiles.max(axis=0),
    )


def outlook_scores(outlook: Outlook, *, actual: FloatArray, past: FloatArray) -> OutlookScores:
    """Scores of an outlook against what came.

    Parameters
    ----------
    outlook : Outlook
    actual : FloatArray of shape (n_days * 24,)
        What came. [units]
    past : FloatArray of shape (n_past_days * 24,)
        Everything before, which gives the errors their scale. [units]
    """
    came, before = daily_peaks(actual), daily_peaks(past)
    daily, highest = outlook.daily_peak_units, outlook.horizon_peak_units
    peak = float(came.max())
    return OutlookScores(
        mase_daily_peak=_or_nan(lambda: scaled_error(came, outlook.daily_point_units, past=before, lag=DAYS_PER_WEEK)),
        mase_hourly=_or_nan(lambda: scaled_error(actual, outlook.hourly_mean_units, past=past, lag=HOURS_PER_WEEK)),
        wql_daily_peak=_or_nan(lambda: weighted_quantile_loss(came, daily[:, 1:], LOSS_LEVELS)),
        coverage_90=coverage_fraction(came, daily[:, LOW] * (1.0 - ROUNDING), daily[:, HIGH] * (1.0 + ROUNDING)),
        wql_horizon_peak=_or_nan(lambda: weighted_quantile_loss(np.array([peak]), highest[None, 1:], LOSS_LEVELS)),
        peak_within_q95=float(peak <= highest[HIGH] * (1.0 + ROUNDING)),
        q95_above_fraction=float(highest[HIGH]) / peak - 1.0 if peak > 0 else math.nan,
        median_peak_above_fraction=float(highest[MEDIAN]) / peak - 1.0 if peak > 0 else math.nan,
    )


def year_scores(mean_units: FloatArray, weights: FloatArray, *, actual_mean_units: float) -> YearScores:
    """Scores of the mean demand of a window.

    Parameters
    ----------
    mean_units : FloatArray of shape (n_paths,)
        Mean demand of each path. [units]
    weights : FloatArray of shape (n_paths,)
        Sum to 1.
    actual_mean_units : float
        What came. [units]
    """
    low, high = weighted_quantiles(mean_units, weights, YEAR_BAND).tolist()
    within_80 = float(low * (1.0 - ROUNDING) <= actual_mean_units <= high * (1.0 + ROUNDING))
    if actual_mean_units <= 0:
        return YearScores(mean_above_fraction=math.nan, within_80=within_80)
    return YearScores(
        mean_above_fraction=float(weights @ mean_units) / actual_mean_units - 1.0,
        within_80=within_80,
    )


def daily_peaks(units: FloatArray) -> FloatArray:
    """Highest hour of each day of whole days along the last axis. Shape (..., n_days)."""
    peaks: FloatArray = units.reshape(*units.shape[:-1], -1, HOURS_PER_DAY).max(axis=-1)
    return peaks


def _or_nan(score: Callable[[], float]) -> float:
    """Score, or nan where it says that it has no scale."""
    try:
        return score()
    except ValueError:
        return math.nan
