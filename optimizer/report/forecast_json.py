"""The forecast as a versioned JSON document; docs/forecast-files.md says what each key means.

Not here: distributions by hour and day (Parquet files), which are too long for it.
"""

from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from forecasting.peaks import PEAK_LEVELS
from optimizer.jobs.forecast_answer import ForecastAnswer, SeriesOutlook
from optimizer.report.cause_json import cause_documents, event_document
from optimizer.report.forecast_tables import level_name
from optimizer.report.plan_json import json_bytes

FORECAST_SCHEMA_VERSION = 1


def forecast_json(answer: ForecastAnswer) -> bytes:
    """JSON of a forecast: keys sorted, floats to the last bit, null for what is not a finite number."""
    return json_bytes(forecast_document(answer))


def forecast_document(answer: ForecastAnswer) -> dict[str, Any]:
    """The forecast as nested dicts and lists, hours as ISO 8601 timestamps in UTC."""
    order = answer.order
    return {
        "schema_version": FORECAST_SCHEMA_VERSION,
        "as_of_utc": iso_of_hour(order.as_of_hour),
        "horizon_end_utc": iso_of_hour(int(answer.hours[-1]) + 1),
        "horizon_days": order.horizon_days,
        "peak_time_zone": order.zone.key,
        "holiday_country": answer.holiday_country,
        "n_paths": answer.n_paths,
        "groups": [_series(row) for row in answer.outlooks],
        **cause_documents(answer.causes),
        "events": [event_document(effect) for effect in answer.causes.effects],
        "assumptions": list(answer.assumptions),
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
        "seed": answer.seed,
    }


def _series(row: SeriesOutlook) -> dict[str, Any]:
    """Name, kind, and the highest hour of the horizon of one series."""
    quantiles = zip(PEAK_LEVELS, row.windows.quantile_units[0].tolist(), strict=True)
    peak = {"mean": float(row.windows.mean_units[0])} | {level_name(level): units for level, units in quantiles}
    return {
        "group": row.series.name,
        "kind": row.series.kind,
        "mean_units": float(row.hourly_mean_units.mean()),
        "horizon_peak": peak,
    }
