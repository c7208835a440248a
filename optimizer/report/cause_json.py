"""Causes of demand as nested dicts, hours as ISO 8601 timestamps in UTC, for the documents of a forecast and a plan.

Not here: the documents (`optimizer.report.forecast_json`, `optimizer.report.plan_json`).
"""

from dataclasses import asdict
from typing import Any

from forecasting.anomalies import Anomaly
from forecasting.cliffs import Cliff
from forecasting.event_effects import EventEffect
from forecasting.hours import iso_of_hour
from optimizer.jobs.forecast_causes import Causes


def cause_documents(causes: Causes) -> dict[str, Any]:
    """Growth, chances of replacement and cliffs, which both documents have alike."""
    return {
        "growth": [asdict(part) for part in causes.growth],
        "replacement_chances": [asdict(chance) for chance in causes.chances],
        "cliffs": [_cliff(cliff) for cliff in causes.cliffs],
    }


def event_document(effect: EventEffect) -> dict[str, Any]:
    """Effect of an event."""
    record = asdict(effect)
    return record | {"start_utc": iso_of_hour(record.pop("start_hour")), "end_utc": iso_of_hour(record.pop("end_hour"))}


def anomaly_document(anomaly: Anomaly) -> dict[str, Any]:
    """Anomaly."""
    record = asdict(anomaly)
    return record | {"start_utc": iso_of_hour(record.pop("start_hour"))}


def _cliff(cliff: Cliff) -> dict[str, Any]:
    """Cliff."""
    record = asdict(cliff)
    hours = {key: record.pop(key) for key in ("already_crossed_hour", "p10_hour", "p50_hour", "p90_hour")}
    stamps = {key.replace("_hour", "_utc"): None if at is None else iso_of_hour(at) for key, at in hours.items()}
    return record | stamps
