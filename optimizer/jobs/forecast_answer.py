"""A forecast as plain data: what is asked for, and the answer that files and pages are made from.

Not here: how it is made (`optimizer.jobs.forecast`).
"""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.parts import HistoryParts
from forecasting.peaks import SpanPeaks
from optimizer.jobs.forecast_causes import Causes
from optimizer.jobs.forecast_series import Series
from optimizer.jobs.inputs import file_sha256
from optimizer.plan import InputRecord

HOURLY_LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastPaths:
    """Files of a forecast; None where an option is left out.

    Attributes
    ----------
    usage : Path
    roadmap, drivers, external : Path or None
    """

    usage: Path
    roadmap: Path | None = None
    drivers: Path | None = None
    external: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """Files that were named, by role."""
        roles = ("usage", "roadmap", "drivers", "external")
        return {role: path for role in roles if (path := getattr(self, role)) is not None}

    def records(self) -> tuple[InputRecord, ...]:
        """Role, name and content hash of every file given."""
        return tuple(
            InputRecord(role=role, name=path.name, sha256=file_sha256(path)) for role, path in self.given.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOrder:
    """What `plimsoll forecast` is asked for.

    Attributes
    ----------
    as_of_hour : int
        Nothing at or after it is read.
    horizon_days : int
        Days of 24 hours, from as-of on.
    zone : ZoneInfo
        Its clocks decide where days and months begin, for peaks.
    has_groups : bool
        Whether groups of pools, by what stands before the first slash, are told besides pools and total.
    n_paths : int
        Sample paths.
    """

    as_of_hour: int
    horizon_days: int
    zone: ZoneInfo
    has_groups: bool = False
    n_paths: int = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesOutlook:
    """What is foreseen of one series, and what its daily peaks were.

    Attributes
    ----------
    series : Series
    hourly_mean_units : FloatArray of shape (n_hours,)
        [units]
    hourly_units : FloatArray of shape (n_hours, 3)
        Quantiles at `HOURLY_LEVELS`. [units]
    daily : SpanPeaks
        Of every local day, by epoch day; the first and the last may lie in the horizon in part.
    windows : SpanPeaks
        Of the whole horizon (label -1), then of every calendar month, by month index.
    window_hours : IntArray of shape (n_windows, 2)
        First epoch hour of each window, and the one after its last.
    past_days : IntArray of shape (n_past_days,)
        Epoch days of history, local.
    past_peak_units : FloatArray of shape (n_past_days,)
        Their highest hours. [units]
    """

    series: Series
    hourly_mean_units: FloatArray
    hourly_units: FloatArray
    daily: SpanPeaks
    windows: SpanPeaks
    window_hours: IntArray
    past_days: IntArray
    past_peak_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("hourly_mean_units", "hourly_units", "past_peak_units"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        for name in ("window_hours", "past_days"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForecastAnswer:
    """The whole answer.

    Attributes
    ----------
    order : ForecastOrder
    n_paths : int
        That were drawn.
    hours : IntArray of shape (n_hours,)
        Epoch hours of the horizon.
    outlooks : tuple of SeriesOutlook
        Total, groups, pools.
    causes : Causes
        What moved demand and what will.
    parts : HistoryParts
        What history was made of, hour by hour.
    assumptions : tuple of str
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    holiday_country : str
        ISO 3166 alpha-2; empty for none.
    seed : int
    """

    order: ForecastOrder
    n_paths: int
    hours: IntArray
    outlooks: tuple[SeriesOutlook, ...]
    causes: Causes
    parts: HistoryParts
    assumptions: tuple[str, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    holiday_country: str
    seed: int
