"""The numbers of a forecast as Parquet and CSV; same rows, same bytes. docs/forecast-files.md says what each column is.

Not here: pages for people.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.decompose import INORGANIC, ORGANIC
from forecasting.parts import is_organic
from forecasting.peaks import PEAK_LEVELS
from optimizer.jobs.forecast_answer import HOURLY_LEVELS, ForecastAnswer, SeriesOutlook

MS_PER_HOUR = 3_600_000


def hourly_parquet(answer: ForecastAnswer) -> bytes:
    """Every hour of every series: hour_utc, group, mean and quantiles."""
    rows = answer.outlooks
    return parquet_bytes(
        {
            "hour_utc": utc_hours(np.tile(answer.hours, len(rows))),
            "group": _names(rows, len(answer.hours)),
            "mean": np.concatenate([row.hourly_mean_units for row in rows]),
            **_quantiles(np.concatenate([row.hourly_units for row in rows]), HOURLY_LEVELS),
        }
    )


def daily_peak_parquet(answer: ForecastAnswer) -> bytes:
    """Highest hour of every local day of every series: group, day, mean and quantiles."""
    import pyarrow as pa  # here, so that the terminal does not wait for it

    rows = answer.outlooks
    days = np.concatenate([row.daily.labels for row in rows]).astype(np.int32)
    return parquet_bytes(
        {
            "group": _names(rows, len(rows[0].daily.labels)),
            "day": pa.array(days, type=pa.int32()).cast(pa.date32()),
            "mean": np.concatenate([row.daily.mean_units for row in rows]),
            **_quantiles(np.concatenate([row.daily.quantile_units for row in rows]), PEAK_LEVELS),
        }
    )


def horizon_peak_parquet(answer: ForecastAnswer) -> bytes:
    """Highest hour of the horizon, then of each month in it: group, window_start, window_end, mean and quantiles."""
    rows = answer.outlooks
    windows = np.concatenate([row.window_hours for row in rows])
    return parquet_bytes(
        {
            "group": _names(rows, len(rows[0].window_hours)),
            "window_start": utc_hours(windows[:, 0]),
            "window_end": utc_hours(windows[:, 1]),
            "mean": np.concatenate([row.windows.mean_units for row in rows]),
            **_quantiles(np.concatenate([row.windows.quantile_units for row in rows]), PEAK_LEVELS),
        }
    )


def decomposition_parquet(answer: ForecastAnswer) -> bytes:
    """Parts of every hour of history of every series: hour_utc, group, part, kind and units."""
    import pyarrow as pa

    told = {(row.series.name, row.series.kind) for row in answer.outlooks}
    split = [series for series in answer.parts.series if (series.series, series.scope) in told]
    names = list(dict.fromkeys(name for series in split for name in series.names))
    kinds = [ORGANIC if is_organic(name) else INORGANIC for name in names]
    n_hours = [series.units.shape[1] for series in split]
    parts = np.concatenate([np.repeat(list(map(names.index, s.names)), n) for s, n in zip(split, n_hours, strict=True)])
    groups = np.repeat(np.arange(len(split)), [series.units.size for series in split])
    hours = [
        np.tile(np.arange(s.start_hour, s.start_hour + n), len(s.names)) for s, n in zip(split, n_hours, strict=True)
    ]
    return parquet_bytes(
        {
            "hour_utc": utc_hours(np.concatenate(hours)),
            "group": _coded(groups, [series.series for series in split]),
            "part": _coded(parts, names),
            "kind": _coded(parts, kinds),
            "units": pa.array(np.concatenate([series.units.ravel() for series in split])),
        }
    )


def _coded(codes: IntArray, names: Sequence[str]) -> Any:
    """Column of names by their positions, which takes little room where they are long."""
    import pyarrow as pa

    return pa.array(names, type=pa.string()).take(pa.array(codes))


def utc_hours(hours: Any) -> Any:
    """Arrow timestamps in UTC of epoch hours."""
    import pyarrow as pa

    return pa.array(np.asarray(hours, dtype=np.int64) * MS_PER_HOUR, type=pa.timestamp("ms", tz="UTC"))


def parquet_bytes(columns: dict[str, Any]) -> bytes:
    """Parquet of named columns: no index, no time of writing."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def level_name(level: float) -> str:
    """Name of the column of a quantile.

    Examples
    --------
    >>> level_name(0.05), level_name(0.5)
    ('q0.05', 'q0.5')
    """
    return f"q{level:g}"


def _names(rows: tuple[SeriesOutlook, ...], n_each: int) -> Any:
    """Column of the names of the series, each so many times."""
    import pyarrow as pa

    return pa.array([row.series.name for row in rows for _ in range(n_each)], type=pa.string())


def _quantiles(units: FloatArray, levels: tuple[float, ...]) -> dict[str, FloatArray]:
    """One column for each level of an array of shape (n_rows, n_levels)."""
    return {level_name(level): np.ascontiguousarray(units[:, column]) for column, level in enumerate(levels)}
