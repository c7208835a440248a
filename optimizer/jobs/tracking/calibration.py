"""How good the forecast was: bias, how often demand lay in the intervals, and how much wider they should have been.

Not here: what the bias cost (`optimizer.jobs.tracking.variance`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from forecasting.quantiles import weighted_quantile
from optimizer.jobs.tracking.event_sizes import EventsFound
from optimizer.jobs.tracking.paired import Paired

NOMINAL_FRACTION = 0.8  # of the days should lie between P10 and P90
MIN_LESSON_DAYS = 14  # with less, chance alone widens by half and more
MAX_WIDENING = 10.0  # what asks for more is no matter of width: the plan was about something else
LEAST_HALF_FRACTION = 1e-3  # of the median: a narrower interval counts as that wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Forecast of one pool against what came.

    Attributes
    ----------
    pool : str or None
        None: all pools together.
    expected_units, actual_units : float
        Means of the tracked days.
    p10_units, p90_units : float
        Interval of that mean; nan for pools that the plan does not have.
    bias_fraction : float
        Expected less actual over actual, above 0 where the forecast was too high; nan where nothing came.
    organic_fraction : float
        Actual over expected organic demand, less 1: without declared events and anomalies; that of its group where
        events leave a pool few days of its own, nan for pools that the plan does not have.
    coverage_fraction : float
        Part of the days between their P10 and P90; nan for pools that the plan does not have.
    """

    pool: str | None
    expected_units: float
    actual_units: float
    p10_units: float
    p90_units: float
    bias_fraction: float
    organic_fraction: float
    coverage_fraction: float

    @property
    def is_inside(self) -> bool:
        """Whether the mean of the tracked days lies in its interval."""
        return self.p10_units <= self.actual_units <= self.p90_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Scores of all pools, and how much wider intervals should have been.

    Attributes
    ----------
    total : Score
    pools : tuple of Score
    coverage_fraction : float
        Part of the pool-days between P10 and P90, each weighted by its on-demand USD.
    widening_factor : float
        Factor on the distance of P10 and P90 from the median with which four fifths of the pool-days, and of the days
        of all pools together, would have been inside had events come as expected; 1 where they were, and where too
        few days are known.
    n_days : int
        Tracked days that it rests on.
    """

    total: Score
    pools: tuple[Score, ...]
    coverage_fraction: float
    widening_factor: float
    n_days: int


def calibration(cells: Paired, events: EventsFound, *, is_anomalous: BoolArray) -> Calibration:
    """Score the forecast.

    Parameters
    ----------
    cells : Paired
    events : EventsFound
        What they changed more or less than expected is scored, too, but corrected at the events: it widens nothing.
    is_anomalous : BoolArray of shape (n_pools, n_days)
        Days that are scored, and not learned from.
    """
    n_planned, n_days = cells.n_planned, len(cells.days)
    low, middle, high = cells.plan.day_units[:, :, :n_days]
    planned = cells.actual_units[:n_planned]
    actual = np.concatenate([planned, cells.actual_units.sum(axis=0)[None]])  # the total has pools that came since, too
    is_inside = (low <= actual) & (actual <= high)
    usd = np.maximum(cells.expected_on_demand_usd, cells.actual_on_demand_usd)
    weights = np.repeat(usd[:n_planned], n_days)
    surprise = events.surprise_units.sum(axis=0)
    needed = _needed(actual - np.concatenate([surprise[:n_planned], surprise.sum(axis=0)[None]]), low, middle, high)
    keep = ~is_anomalous[:n_planned].ravel() & (weights > 0)
    factor = max(
        _widening(needed[:-1].ravel()[keep], weights[keep]),
        _widening(needed[-1][~is_anomalous.any(axis=0)], np.ones(int((~is_anomalous.any(axis=0)).sum()))),
    )
    ratio = events.organic_ratio
    organic = _organic_total(cells, ratio)
    scores = [_score(cells, row, is_inside, float(ratio[row] - 1.0)) for row in range(len(cells.pools))]
    return Calibration(
        total=_total(cells, is_inside[-1], organic),
        pools=tuple(scores),
        coverage_fraction=float(np.average(is_inside[:-1].ravel(), weights=weights)) if weights.any() else float("nan"),
        widening_factor=factor if n_days >= MIN_LESSON_DAYS else 1.0,
        n_days=n_days,
    )


def _needed(actual: FloatArray, low: FloatArray, middle: FloatArray, high: FloatArray) -> FloatArray:
    """How many times its half width each interval misses the median by. Same shape."""
    half = np.where(actual >= middle, high - middle, middle - low)
    floor = np.maximum(LEAST_HALF_FRACTION * middle, 1e-9)
    needed: FloatArray = np.abs(actual - middle) / np.maximum(half, floor)
    return needed


def _widening(needed: FloatArray, weights: FloatArray) -> float:
    """Factor that puts four fifths inside, in [1, `MAX_WIDENING`]: a quarter of luck is no reason to narrow."""
    if not len(needed):
        return 1.0
    return float(np.clip(weighted_quantile(needed, weights, level=NOMINAL_FRACTION), 1.0, MAX_WIDENING))


def _organic_total(cells: Paired, ratio: FloatArray) -> float:
    """Organic miss of all pools together, weighted by expected organic on-demand USD."""
    organic = (cells.expected_units - cells.event_units.sum(axis=0)).sum(axis=1) * cells.rate_usd
    return float((ratio * organic).sum() / organic.sum() - 1.0) if organic.sum() > 0 else float("nan")


def _score(cells: Paired, row: int, is_inside: BoolArray, organic_fraction: float) -> Score:
    """Score of one pool."""
    is_planned = row < cells.n_planned
    low, _, high = cells.plan.to_date_units[:, row, len(cells.days) - 1] if is_planned else (np.nan,) * 3
    expected, actual = float(cells.expected_units[row].mean()), float(cells.actual_units[row].mean())
    return Score(
        pool=cells.pools[row],
        expected_units=expected,
        actual_units=actual,
        p10_units=float(low),
        p90_units=float(high),
        bias_fraction=_bias(expected, actual),
        organic_fraction=organic_fraction if is_planned else float("nan"),
        coverage_fraction=float(is_inside[row].mean()) if is_planned else float("nan"),
    )


def _total(cells: Paired, is_inside: BoolArray, organic_fraction: float) -> Score:
    """Score of all pools together."""
    low, _, high = cells.plan.to_date_units[:, -1, len(cells.days) - 1]
    expected, actual = (float(units.sum(axis=0).mean()) for units in (cells.expected_units, cells.actual_units))
    return Score(
        pool=None,
        expected_units=expected,
        actual_units=actual,
        p10_units=float(low),
        p90_units=float(high),
        bias_fraction=_bias(expected, actual),
        organic_fraction=organic_fraction,
        coverage_fraction=float(is_inside.mean()),
    )


def _bias(expected: float, actual: float) -> float:
    """Forecast less actual, as a part of what came."""
    return (expected - actual) / actual if actual > 0 else float("nan")
