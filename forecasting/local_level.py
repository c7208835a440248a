"""A level that wanders, under noise, beside known columns: what is needed to weigh evidence about sudden changes.

``y = level + columns @ coefficients + noise``, the level a random walk with drift. Differences of y have a covariance
with one band beside the diagonal, so that years of days are whitened in microseconds. Days and steps that stick out
are given a larger variance of their own. Not here: what the columns mean (`forecasting.event_effects`,
`forecasting.shifts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky_banded, solve_banded, solveh_banded

from forecasting.arrays import BoolArray, FloatArray, frozen_floats
from forecasting.robust import SD_OF_MEDIAN

STEP_RATIOS = (
    1e-5,
    1e-4,
    1e-3,
    3e-3,
    1e-2,
    3e-2,
    0.1,
    0.3,
    1.0,
    5.0,
    50.0,
)  # variance of a day's step over that of its noise
OUTLIER_NOISE_SDS = 3.0  # a day beyond it gets the variance that makes it one deviation
OUTLIER_STEP_SDS = 4.0  # steps that follow each other are smoothed alike: a run of growth is no outlier
N_ROBUST_PASSES = 3
MISSING_VARIANCE_FACTOR = 1e6  # of a day that says nothing
RANK_TOLERANCE = 1e-10
MIN_SD = 1e-4  # of log demand: a series without noise is known no better than to 0.01 %


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalLevel:
    """Variances of a wandering level and its noise.

    Attributes
    ----------
    noise_factors : FloatArray of shape (n_days,)
        Factor on the variance of each day's noise; 1 on ordinary days.
    step_factors : FloatArray of shape (n_days - 1,)
        Factor on the variance of the step to each next day; 1 for ordinary steps.
    step_ratio : float
        Variance of an ordinary step over that of ordinary noise.
    noise_variance : float
        Of an ordinary day.
    """

    noise_factors: FloatArray
    step_factors: FloatArray
    step_ratio: float
    noise_variance: float

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "noise_factors", frozen_floats(self.noise_factors))
        object.__setattr__(self, "step_factors", frozen_floats(self.step_factors))

    @property
    def bands(self) -> FloatArray:
        """Covariance of differences, unit noise variance: subdiagonal, then diagonal. Shape (2, n_days - 1)."""
        bands = np.zeros((2, len(self.step_factors)))
        bands[1] = self.step_ratio * self.step_factors + self.noise_factors[:-1] + self.noise_factors[1:]
        bands[0, 1:] = -self.noise_factors[1:-1]
        return bands

    def whitened(self, columns: FloatArray) -> FloatArray:
        """Differences of columns of shape (n_days, n_columns), of unit variance and independent where y is noise."""
        factor = cholesky_banded(self.bands)
        lower = np.zeros_like(factor)
        lower[0], lower[1, :-1] = factor[1], factor[0, 1:]
        differences = np.diff(columns, axis=0)
        sd = max(float(np.sqrt(self.noise_variance)), MIN_SD)
        white: FloatArray = solve_banded((1, 0), lower, differences) / sd
        return white

    def smoothed(self, residuals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected noise of each day, shape (n_days,), and step of each next, (n_days - 1,), given y less columns."""
        pulls = solveh_banded(self.bands, np.diff(residuals))
        padded = np.concatenate([[0.0], pulls, [0.0]])
        return self.noise_factors * (padded[:-1] - padded[1:]), self.step_ratio * self.step_factors * pulls


def fit_local_level(
    logs: FloatArray, columns: FloatArray, *, is_known: BoolArray | None = None, is_dated: BoolArray | None = None
) -> LocalLevel:
    """Variances by restricted maximum likelihood over `STEP_RATIOS`, with outlying days and steps set aside.

    Parameters
    ----------
    logs : FloatArray of shape (n_days,)
        Finite, at least three days.
    columns : FloatArray of shape (n_days, n_columns)
        What is known to act, a column of days for the drift included by the caller.
    is_known : BoolArray of shape (n_days,), optional
        False on days that say nothing.
    is_dated : BoolArray of shape (n_days,), optional
        True on days about which the columns speak: neither they nor the steps to and from them are set aside.
    """
    dated = np.zeros(len(logs), dtype=np.bool_) if is_dated is None else is_dated
    blank = np.ones(len(logs)) if is_known is None else np.where(is_known, 1.0, MISSING_VARIANCE_FACTOR)
    noise_factors, step_factors = blank, np.ones(len(logs) - 1)
    fitted = _likeliest(logs, columns, noise_factors, step_factors, STEP_RATIOS)
    for _ in range(N_ROBUST_PASSES):
        residuals = logs - columns @ regression(fitted, logs, columns)[0]
        noise, steps = fitted.smoothed(residuals)
        noise_factors = np.maximum(blank, np.where(dated, 1.0, _inflation(noise, OUTLIER_NOISE_SDS)))
        step_factors = np.where(dated[:-1] | dated[1:], 1.0, _inflation(steps, OUTLIER_STEP_SDS))
        best = STEP_RATIOS.index(fitted.step_ratio)  # what is set aside moves it little
        fitted = _likeliest(logs, columns, noise_factors, step_factors, STEP_RATIOS[max(best - 2, 0) : best + 3])
    return fitted


def regression(level: LocalLevel, logs: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients of the columns, and their covariance. Shapes (n_columns,) and (n_columns, n_columns)."""
    white = level.whitened(np.column_stack([columns, logs]))
    inverse = np.linalg.pinv(white[:, :-1].T @ white[:, :-1], hermitian=True)
    fitted: FloatArray = inverse @ (white[:, :-1].T @ white[:, -1])
    return fitted, np.asarray(inverse, dtype=np.float64)


def _likeliest(
    logs: FloatArray,
    columns: FloatArray,
    noise_factors: FloatArray,
    step_factors: FloatArray,
    ratios: Sequence[float],
) -> LocalLevel:
    """Best of some ratios for given outliers, and its variance."""
    together = np.column_stack([columns, logs])
    n_free = max(len(logs) - 1 - columns.shape[1], 1)
    tried = []
    for ratio in ratios:
        unit = LocalLevel(noise_factors=noise_factors, step_factors=step_factors, step_ratio=ratio, noise_variance=1.0)
        white = unit.whitened(together)
        gram = white.T @ white
        eigenvalues, vectors = np.linalg.eigh(gram[:-1, :-1])
        is_free = eigenvalues > RANK_TOLERANCE * max(float(eigenvalues[-1]), 1.0)
        inner = vectors[:, is_free].T @ gram[:-1, -1]
        left = max(float(gram[-1, -1] - (inner**2 / eigenvalues[is_free]).sum()), 0.0)
        variance = max(left / n_free, MIN_SD**2)
        log_determinant = 2.0 * float(np.log(cholesky_banded(unit.bands)[1]).sum())
        log_determinant += float(np.log(eigenvalues[is_free]).sum())
        tried.append((-0.5 * (log_determinant + n_free * np.log(variance)), ratio, variance))
    _, ratio, variance = max(tried)
    return LocalLevel(noise_factors=noise_factors, step_factors=step_factors, step_ratio=ratio, noise_variance=variance)


def _inflation(residuals: FloatArray, threshold_sds: float) -> FloatArray:
    """Variance factor that makes what lies beyond the threshold one robust deviation large; 1 for the rest."""
    scores = np.abs(residuals) / max(SD_OF_MEDIAN * float(np.median(np.abs(residuals))), MIN_SD)
    return np.where(scores > threshold_sds, np.minimum(scores**2, MISSING_VARIANCE_FACTOR), 1.0)
