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
TREND_HALF_WINDOW_DAYS = 21  # three weeks to each side outlast the longest row of holidays
MIN_HOLIDAY_WEIGHT = 0.05  # of squared workday fractions, below which a holiday was only seen on quiet days
MIN_WEEKDAY_SPREAD_SDS = 2.0  # of the noise, for days of the week to differ
TINY_VARIANCE = 1e-12  # of log demand without any noise
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


def holiday_effects(
    residuals: FloatArray, names: Sequence[str], *, workday_fraction: FloatArray | None = None
) -> dict[str, float]:
    """Log effect of each holiday name on a full working day, shrunk to that of all holidays as far as data ask for it.

    A holiday on a day that is quiet anyway changes little: each day's residual is taken for the effect times the
    day's workday fraction, and an effect is the weighted least-squares fit of its days. The spread between holidays
    beyond what noise explains is estimated by moments [1]_ (empirical Bayes): a holiday seen once in noisy data takes
    the common effect, one seen often keeps its own. The common effect itself is shrunk to zero the same way and is
    returned under the empty name, for holidays never seen.

    Parameters
    ----------
    residuals : FloatArray of shape (n_groups, n_days)
        Log daily demand less trend and day of the week; nan where a group has no demand yet.
    names : sequence of str
        Holiday name of each day, empty on ordinary days.
    workday_fraction : FloatArray of shape (n_groups, n_days), optional
        From `workday_fractions`; all ones where absent.

    References
    ----------
    .. [1] R. DerSimonian and N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7, 1986,
       doi:10.1016/0197-2456(86)90046-2.
    """
    fractions = np.ones_like(residuals) if workday_fraction is None else workday_fraction
    labels = np.array(names, dtype=object)
    ordinary = _finite(residuals[:, labels == ""])
    seen = sorted({name for name in names if name})
    weights = np.array([np.nansum(_where_known(fractions, residuals)[:, labels == name] ** 2) for name in seen])
    if len(ordinary) == 0 or not np.any(weights >= MIN_HOLIDAY_WEIGHT):
        return {"": 0.0}
    sums = np.array([np.nansum((fractions * residuals)[:, labels == name]) for name in seen])
    used = weights >= MIN_HOLIDAY_WEIGHT
    means = sums[used] / weights[used]
    noise = (MAD_TO_SD * float(np.median(np.abs(ordinary - np.median(ordinary))))) ** 2
    error = np.maximum(noise, TINY_VARIANCE) / weights[used]
    between = _variance_between(means, error)
    precision = 1.0 / (error + between)
    common = float((precision * means).sum() / precision.sum())
    common *= _kept(common**2, float(1.0 / precision.sum()))
    effects = common + between / (between + error) * (means - common)
    named = [name for name, is_used in zip(seen, used, strict=True) if is_used]
    return {"": common, **{name: float(effect) for name, effect in zip(named, effects, strict=True)}}


def calendar_residuals(log_units: FloatArray, days: IntArray, ordinary: BoolArray) -> FloatArray:
    """Log daily demand less its centred six-week median and the day-of-week medians, both of ordinary days.

    Parameters
    ----------
    log_units : FloatArray of shape (n_days,)
    days : IntArray of shape (n_days,)
        Epoch days, contiguous.
    ordinary : BoolArray of shape (n_days,)
        False on holidays.
    """
    trend, weekday = _trend_and_weekdays(log_units, days, ordinary)
    residuals: FloatArray = log_units - trend - weekday[days % 7]
    return residuals


def workday_fractions(log_units: FloatArray, days: IntArray, ordinary: BoolArray) -> FloatArray:
    """How much each day of the week has to lose: 1 on the busiest, 0 on the quietest. Shape (7,), by epoch day mod 7.

    All ones where days of the week differ by less than their noise. Parameters as in `calendar_residuals`.
    """
    trend, weekday = _trend_and_weekdays(log_units, days, ordinary)
    residuals = (log_units - trend - weekday[days % 7])[ordinary]
    noise = MAD_TO_SD * float(np.median(np.abs(residuals))) if len(residuals) else 0.0
    spread = float(np.ptp(weekday))
    if spread <= MIN_WEEKDAY_SPREAD_SDS * noise or spread == 0.0:
        return np.ones(7)
    fractions: FloatArray = (weekday - weekday.min()) / spread
    return fractions


def _trend_and_weekdays(log_units: FloatArray, days: IntArray, ordinary: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Centred running median, and median deviation of each day of the week from it, of ordinary days alone.

    In two rounds, the second on days without their day of the week: a median of an uneven count of weekends is uneven.
    """
    width = 2 * TREND_HALF_WINDOW_DAYS + 1
    weekday = np.zeros(7)
    trend = np.zeros(len(log_units))
    recent = np.arange(len(days)) >= len(days) - RECENT_DAYS
    is_used = ordinary & np.isfinite(log_units)
    if not is_used.any():
        return trend, weekday
    for _ in range(2):
        padded = np.full(len(log_units) + width - 1, np.nan)
        padded[TREND_HALF_WINDOW_DAYS : TREND_HALF_WINDOW_DAYS + len(log_units)] = np.where(
            is_used, log_units - weekday[days % 7], np.nan
        )
        windows = np.lib.stride_tricks.sliding_window_view(padded, width)
        has_any = np.isfinite(windows).any(axis=1)
        medians = np.nanmedian(windows[has_any], axis=1)
        trend = np.interp(np.arange(len(log_units)), np.flatnonzero(has_any), medians)
        residuals = log_units - trend
        samples = [residuals[(days % 7 == day) & recent & is_used] for day in range(7)]
        weekday = np.array([np.median(sample) if len(sample) else 0.0 for sample in samples])
        weekday -= weekday.mean()
    return trend, weekday


def _variance_between(means: FloatArray, error: FloatArray) -> float:
    """Variance between true effects, by moments; all of what is seen where there is but one."""
    if len(means) < 2:
        return float(np.maximum(means**2 - error, 0.0).sum())
    weights = 1.0 / error
    centre = float((weights * means).sum() / weights.sum())
    excess = float((weights * (means - centre) ** 2).sum()) - (len(means) - 1)
    return max(excess / float(weights.sum() - (weights**2).sum() / weights.sum()), 0.0)


def _where_known(values: FloatArray, residuals: FloatArray) -> FloatArray:
    """Values where a residual is known, nan elsewhere."""
    known: FloatArray = np.where(np.isfinite(residuals), values, np.nan)
    return known


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
