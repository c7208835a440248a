"""What the calendar does to a group's daily demand: holidays and the season of the year, both shrunk by evidence.

Effects are log factors. Not here: days of the week (`forecasting.level`) and hours of the day (`forecasting.shape`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats

DAYS_PER_YEAR = 365.25
N_HARMONICS = 3  # waves of a year, half a year, four months
MAX_SEASON_YEARS = 3
CHANCE_DEVIATIONS = 2.0  # of the likeness of unrelated years, to be beaten before a season counts
TREND_HALF_WINDOW_DAYS = 14
RECENT_DAYS = 364  # whole weeks of the last year, for the days of the week
MAD_TO_SD = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class YearlySeason:
    """Season of the year of one group.

    Attributes
    ----------
    coefficients : FloatArray of shape (2 * N_HARMONICS,)
        Of sine and cosine of each harmonic, shrunk; zeros where the history is shorter than two years.
    reliability : float
        Part of the waves that is kept because it came back from year to year, in [0, 1].
    """

    coefficients: FloatArray
    reliability: float

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "coefficients", frozen_floats(self.coefficients))

    def log_effect(self, days: IntArray) -> FloatArray:
        """Log factor on each epoch day. Shape (n_days,)."""
        effect: FloatArray = _waves(days) @ self.coefficients
        return effect


NO_SEASON = YearlySeason(coefficients=np.zeros(2 * N_HARMONICS), reliability=0.0)


def yearly_season(log_units: FloatArray, days: IntArray) -> YearlySeason:
    """Season of the year, shrunk by how far it came back from year to year.

    A quadratic trend and one set of waves for each whole year (the last three at most) are fitted together. The mean
    waves are kept in proportion to the likeness of the years beyond chance.

    Parameters
    ----------
    log_units : FloatArray of shape (n_days,)
        Log of a group's daily demand, from its first day on.
    days : IntArray of shape (n_days,)
        Epoch days, contiguous.
    """
    n_years = min(int(len(days) // DAYS_PER_YEAR), MAX_SEASON_YEARS)
    if n_years < 2:
        return NO_SEASON
    year = ((len(days) - 1 - np.arange(len(days))) // DAYS_PER_YEAR).astype(np.int64)
    used = year < n_years
    year, y, kept_days = year[used], log_units[used], days[used]
    time = np.linspace(-1.0, 1.0, len(y))
    waves = _waves(kept_days)
    columns = [np.stack([np.ones_like(time), time, time**2], axis=1)]
    columns += [waves * (year == k)[:, None] for k in range(n_years)]
    fitted, *_ = np.linalg.lstsq(np.concatenate(columns, axis=1), y, rcond=None)
    by_year: FloatArray = np.asarray(fitted[3:], dtype=np.float64).reshape(n_years, N_HARMONICS, 2)
    kept = _reproduced_fraction(by_year)
    return YearlySeason(coefficients=kept * by_year.mean(axis=0).reshape(-1), reliability=kept)


def holiday_effects(residuals: FloatArray, names: Sequence[str]) -> dict[str, float]:
    """Log effect of each holiday name, shrunk to the mean of all holidays as far as the data ask for it.

    The spread between holidays beyond what noise explains is estimated by moments (empirical Bayes): a holiday seen
    once in noisy data takes the common effect, one seen often keeps its own. The common effect itself is shrunk to
    zero the same way and is returned under the empty name, for holidays never seen.

    Parameters
    ----------
    residuals : FloatArray of shape (n_groups, n_days)
        Log daily demand less trend and day of the week; nan where a group has no demand yet.
    names : sequence of str
        Holiday name of each day, empty on ordinary days.
    """
    seen = sorted({name for name in names if name})
    labels = np.array(names, dtype=object)
    ordinary = residuals[:, labels == ""]
    ordinary = ordinary[np.isfinite(ordinary)]
    samples = [_finite(residuals[:, labels == name]) for name in seen]
    pairs = [(name, sample) for name, sample in zip(seen, samples, strict=True) if len(sample) > 0]
    if not pairs or len(ordinary) == 0:
        return {"": 0.0}
    noise = (MAD_TO_SD * float(np.median(np.abs(ordinary - np.median(ordinary))))) ** 2
    counts = np.array([len(sample) for _, sample in pairs], dtype=np.float64)
    means = np.array([sample.mean() for _, sample in pairs])
    common = float(means.mean())
    error = noise / counts
    between = max(float(means.var()) - float(error.mean()), 0.0)
    common *= _kept(common**2, float((error + between).mean()) / len(pairs))
    own = np.array([_kept(between, float(e)) for e in error])
    effects = common + own * (means - common)
    return {"": common, **{name: float(effect) for (name, _), effect in zip(pairs, effects, strict=True)}}


def calendar_residuals(log_units: FloatArray, days: IntArray, ordinary: BoolArray) -> FloatArray:
    """Log daily demand less its centred four-week median and the day-of-week medians of ordinary days.

    Parameters
    ----------
    log_units : FloatArray of shape (n_days,)
    days : IntArray of shape (n_days,)
        Epoch days, contiguous.
    ordinary : BoolArray of shape (n_days,)
        False on holidays.
    """
    width = 2 * TREND_HALF_WINDOW_DAYS + 1
    padded = np.full(len(log_units) + width - 1, np.nan)
    padded[TREND_HALF_WINDOW_DAYS : TREND_HALF_WINDOW_DAYS + len(log_units)] = log_units
    trend = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    residuals: FloatArray = log_units - trend
    recent = np.arange(len(days)) >= len(days) - RECENT_DAYS
    for weekday in range(7):
        same = days % 7 == weekday
        sample = residuals[same & recent & ordinary]
        if len(sample) > 0:
            residuals[same] -= np.median(sample)
    return residuals


def _waves(days: IntArray) -> FloatArray:
    """Sine and cosine of each harmonic of the year. Shape (n_days, 2 * N_HARMONICS)."""
    angle = 2.0 * np.pi * np.asarray(days, dtype=np.float64)[:, None] / DAYS_PER_YEAR
    turns = angle * np.arange(1, N_HARMONICS + 1)
    waves: FloatArray = np.stack([np.sin(turns), np.cos(turns)], axis=2).reshape(len(days), -1)
    return waves


def _reproduced_fraction(by_year: FloatArray) -> float:
    """Part of the waves, of shape (n_years, n_harmonics, 2), that came back from year to year beyond chance.

    Likeness is the mean product of the years over their mean square, harmonics weighted by their number since a level
    that merely wanders has waves falling with it. Likeness within two standard deviations of chance counts nothing.
    """
    n_years, n_harmonics, _ = by_year.shape
    weighted = (by_year * np.arange(1, n_harmonics + 1)[:, None]).reshape(n_years, -1)
    own = float((weighted**2).sum())
    if own == 0.0:
        return 0.0
    cross = float((weighted.sum(axis=0) ** 2).sum()) - own
    likeness = cross / (n_years - 1) / own
    chance = CHANCE_DEVIATIONS / np.sqrt(weighted.shape[1] * n_years * (n_years - 1) / 2)
    return float(np.clip((likeness - chance) / (1.0 - chance), 0.0, 1.0))


def _finite(values: FloatArray) -> FloatArray:
    """Finite values only, in one dimension."""
    kept: FloatArray = values[np.isfinite(values)]
    return kept


def _kept(signal: float, noise: float) -> float:
    """Part of an estimate to keep: signal variance / (signal + noise variance)."""
    total = signal + noise
    return signal / total if total > 0 else 0.0
