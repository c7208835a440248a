"""What a review answers, as plain data that pages and files are made from.

Not here: how any of it is found (`optimizer.jobs.tracking.track`).
"""

import math
from dataclasses import dataclass

from forecasting.anomalies import Anomaly
from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.jobs.tracking.calibration import Calibration
from optimizer.jobs.tracking.driver_bias import DriverBias
from optimizer.jobs.tracking.event_sizes import EventFound
from optimizer.jobs.tracking.lessons import Lessons
from optimizer.jobs.tracking.variance import PoolVariance, Variance
from optimizer.plan import InputRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of commitments, planned and actual.

    Attributes
    ----------
    name : str
        "esr", "coverage", "utilization", "stranded_fraction", "stranded_usd" or "locked_in_usd".
    planned, actual : float
        Fractions, or USD where the name says so; nan where there is nothing to measure.
    """

    name: str
    planned: float
    actual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthVariance:
    """Cost of the tracked days of one month.

    Attributes
    ----------
    month : str
        YYYY-MM.
    expected_usd, actual_usd : float
    """

    month: str
    expected_usd: float
    actual_usd: float

    @property
    def variance_fraction(self) -> float:
        """Actual less expected, as a part of expected; nan where nothing was expected."""
        if self.expected_usd <= 0:
            return float("nan")
        return (self.actual_usd - self.expected_usd) / self.expected_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedAnomaly:
    """An episode of unexpected spend in the tracked days.

    Attributes
    ----------
    found : Anomaly
        Its units are USD/h at the plan's on-demand prices for groups and the total, units for pools.
    is_kept_out : bool
        Whether its days are kept out of organic demand: a spike or outage of a pool on days without a declared event.
    """

    found: Anomaly
    is_kept_out: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackedDays:
    """All pools together, day by day, for the chart.

    Attributes
    ----------
    days : IntArray of shape (n_days,)
        Epoch days.
    actual_units : FloatArray of shape (n_days,)
        Daily mean. [units]
    quantile_units : FloatArray of shape (3, n_days)
        P10, P50 and P90 of it as forecast. [units]
    """

    days: IntArray
    actual_units: FloatArray
    quantile_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "days", frozen_ints(self.days))
        for name in ("actual_units", "quantile_units"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Review:
    """What happened against a plan.

    Attributes
    ----------
    plan_name, plan_title : str
    start_hour, end_hour : int
        Tracked hours: whole days, end exclusive.
    flag_fraction : float
        A variance above it, either way, is flagged.
    variance : Variance
    months : tuple of MonthVariance
    cost_p10_usd, cost_p90_usd : float
        Interval that the plan gave the cost of the tracked days.
    measures : tuple of Measure
    calibration : Calibration
    events : tuple of EventFound
    drivers : tuple of DriverBias
    anomalies : tuple of TrackedAnomaly
    advised : tuple of str
        Purchases that the plan advised, by id.
    not_bought : tuple of str
        Those of them that are not owned as advised.
    is_assumed_bought : bool
        Whether they were counted as made, whatever is owned.
    lessons : Lessons
    days : TrackedDays
    notes : tuple of str
        What a reader must know.
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    """

    plan_name: str
    plan_title: str
    start_hour: int
    end_hour: int
    flag_fraction: float
    variance: Variance
    months: tuple[MonthVariance, ...]
    cost_p10_usd: float
    cost_p90_usd: float
    measures: tuple[Measure, ...]
    calibration: Calibration
    events: tuple[EventFound, ...]
    drivers: tuple[DriverBias, ...]
    anomalies: tuple[TrackedAnomaly, ...]
    advised: tuple[str, ...]
    not_bought: tuple[str, ...]
    is_assumed_bought: bool
    lessons: Lessons
    days: TrackedDays
    notes: tuple[str, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]

    def is_flagged(self, row: PoolVariance | MonthVariance) -> bool:
        """Whether a variance is larger than the flag; also where nothing was expected and something came."""
        fraction = row.variance_fraction
        return row.actual_usd > 0 if math.isnan(fraction) else abs(fraction) > self.flag_fraction
