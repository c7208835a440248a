"""The plan as a versioned JSON document; docs/plan-json.md says what each key means.

Not here: daily bands (in the page) and the allocation (a Parquet file), which are tables too long for it.
"""

import hashlib
import json
import math
from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from optimizer.certificate import Certificate
from optimizer.expected import Expected
from optimizer.expected_file import EXPECTED_NAME, expected_parquet
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import CostSummary, Plan, Reduction
from optimizer.plan_money import PlanMoney
from optimizer.report.cause_json import anomaly_document, cause_documents, event_document
from optimizer.report.explain_json import explanation_document, frontier_document
from optimizer.report.words import change_fraction, recent_hour

SCHEMA_VERSION = 2


def plan_json(plan: Plan, causes: Causes) -> bytes:
    """JSON of a plan and the causes of demand: keys sorted, floats to the last bit, null for what is not finite.

    Returns
    -------
    bytes
        UTF-8, ASCII only, indented by two, with a line feed at the end.
    """
    return json_bytes(plan_document(plan, causes))


def json_bytes(document: dict[str, Any]) -> bytes:
    """JSON of a document that holds nothing but dicts, lists, text, numbers and None."""
    text = json.dumps(_finite(document), sort_keys=True, indent=2, allow_nan=False, ensure_ascii=True)
    return (text + "\n").encode()


def plan_document(plan: Plan, causes: Causes) -> dict[str, Any]:
    """The plan as nested dicts and lists, hours as ISO 8601 timestamps in UTC."""
    return {
        "schema_version": SCHEMA_VERSION,
        "total_usd": plan.summary.mean_usd,
        "title": plan.title,
        "as_of_utc": iso_of_hour(plan.as_of_hour),
        "horizon_end_utc": iso_of_hour(plan.horizon_end_hour),
        "purchases": [dated(asdict(purchase)) for purchase in plan.purchases],
        "schedule": [dated(asdict(purchase)) for purchase in plan.schedule],
        "summaries": [summary_document(summary) for summary in plan.summaries],
        "scenario_weights": plan.scenario_weights.tolist(),
        "new_stranded_fraction": plan.new_stranded_fraction,
        "new_stranded_cvar_fraction": plan.new_stranded_cvar_fraction,
        "peaks": [asdict(row) for row in plan.peaks],
        "expiries": [dated(asdict(expiry)) for expiry in plan.expiries],
        **cause_documents(causes),
        "event_effects": [event_document(effect) for effect in causes.effects],
        "n_anomalies": len(causes.anomalies),
        "recent_anomalies": [anomaly_document(found) for found in causes.anomalies_since(recent_hour(plan))],
        "certificate": certificate_document(plan.certificate),
        "reduction": reduction_document(plan.reduction),
        "limits": [asdict(limit) for limit in plan.limits],
        "next_units": [asdict(unit) for unit in plan.next_units],
        "events": [dated(asdict(event)) for event in plan.events],
        "assumptions": list(plan.assumptions),
        "inputs": [asdict(record) for record in plan.inputs],
        "versions": [{"name": name, "version": version} for name, version in plan.versions],
        "seed": plan.seed,
        "spot": [asdict(row) for row in plan.spot],
        "expected": None if plan.expected is None else expected_document(plan.expected),
        "money": None if plan.money is None else money_document(plan.money),
        "explanation": None if plan.explanation is None else explanation_document(plan.explanation),
        "frontier": None if plan.frontier is None else frontier_document(plan.frontier),
        "headroom": None if plan.headroom is None else asdict(plan.headroom),
    }


def money_document(money: PlanMoney) -> dict[str, Any]:
    """Money of a plan, its quarters with timestamps."""
    return asdict(money) | {"quarters": [dated(asdict(one)) for one in money.quarters]}


def expected_document(expected: Expected) -> dict[str, Any]:
    """Which file beside the plan holds what it expects day by day."""
    digest = hashlib.sha256(expected_parquet(expected)).hexdigest()
    return {"name": EXPECTED_NAME, "sha256": digest, "knows_events": expected.knows_events}


def certificate_document(certificate: Certificate) -> dict[str, Any]:
    """Certificate with its difference as a list of rules."""
    parts = [{"rule": rule, "usd": usd} for rule, usd in certificate.difference_usd]
    return asdict(certificate) | {"difference_usd": parts}


def reduction_document(reduction: Reduction) -> dict[str, Any]:
    """Reduction with its measures as a list."""
    measures = [
        {
            "name": name,
            "scenarios_usd": on_scenarios,
            "paths_usd": on_paths,
            "difference_usd": on_paths - on_scenarios,
            "difference_fraction": change_fraction(on_scenarios, on_paths),
        }
        for name, on_scenarios, on_paths in reduction.measures
    ]
    return asdict(reduction) | {"measures": measures}


def dated(record: dict[str, Any]) -> dict[str, Any]:
    """Record with every epoch hour as a timestamp, `*_hour` becoming `*_utc`."""
    hours = ("decision_hour", "start_hour", "end_hour")
    plain = {key: value for key, value in record.items() if key not in hours}
    return plain | {key.replace("_hour", "_utc"): iso_of_hour(record[key]) for key in hours if key in record}


def summary_document(summary: CostSummary) -> dict[str, Any]:
    """Summary with its scenarios as a list."""
    return asdict(summary) | {"scenario_usd": summary.scenario_usd.tolist()}


def _finite(value: Any) -> Any:
    """Same document with None for what is not a finite number, lists for tuples."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
