import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from forecasting.hours import hour_of_date
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import Plan
from optimizer.report.plan_json import plan_json

DOCS = Path(__file__).resolve().parents[3] / "docs" / "plan-json.md"
IN_TICKS = re.compile(r"`([^`]+)`")


def documented_keys() -> dict[str, set[str]]:
    """Keys that docs/plan-json.md has a row for, by the path of the object they are in."""
    keys: dict[str, set[str]] = {}
    paths: list[str] = []
    for line in DOCS.read_text().splitlines():
        if line.startswith("## "):
            paths = IN_TICKS.findall(line) or [""]
            keys |= {path: set() for path in paths}
        elif line.startswith("| `"):
            for path in paths:
                keys[path].add(IN_TICKS.findall(line)[0])
    return keys


def used_keys(value: Any, path: str = "") -> dict[str, set[str]]:
    """Keys that a document has, by the path of the object they are in."""
    found: dict[str, set[str]] = {}
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        found[path] = set(value)
        parts = [(f"{path}.{key}".strip("."), part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[]", part) for part in value]
    for part_path, part in parts:
        for key, names in used_keys(part, part_path).items():
            found.setdefault(key, set()).update(names)
    return found


def test_every_key_is_documented_and_every_documented_key_is_there(plan: Plan, causes: Causes) -> None:
    assert used_keys(json.loads(plan_json(plan, causes))) == documented_keys()


def test_every_field_of_the_plan_is_in_the_document_or_in_another_file(plan: Plan, causes: Causes) -> None:
    elsewhere = {"allocation", "bands"}
    renamed = {"as_of_hour": "as_of_utc", "horizon_end_hour": "horizon_end_utc"}
    fields = {renamed.get(field.name, field.name) for field in dataclasses.fields(plan)} - elsewhere
    of_causes = {"growth", "event_effects", "replacement_chances", "cliffs", "n_anomalies", "recent_anomalies"}
    assert set(json.loads(plan_json(plan, causes))) == fields | of_causes | {"schema_version", "total_usd"}


def test_anomalies_are_counted_and_those_of_the_last_quarter_listed(plan: Plan, causes: Causes) -> None:
    document = json.loads(plan_json(plan, causes))
    assert document["n_anomalies"] == 2
    assert [found["start_utc"] for found in document["recent_anomalies"]] == ["2024-12-24T00:00:00Z"]


def test_the_total_is_the_expected_cost_of_the_plan(plan: Plan, causes: Causes) -> None:
    document = json.loads(plan_json(plan, causes))
    assert document["schema_version"] == 2
    assert document["total_usd"] == document["summaries"][0]["mean_usd"] == plan.summary.mean_usd


def test_all_pools_together_are_null_beside_a_pool_named_total(plan: Plan, causes: Causes) -> None:
    document = json.loads(plan_json(plan, causes))
    months = len({row["month"] for row in document["peaks"]})
    for pool in (None, "total"):
        assert len([row for row in document["peaks"] if row["pool"] == pool]) == months
    for window in ("last 90 days", "horizon"):
        parts = [part for part in document["growth"] if part["window"] == window and part["name"] == "organic"]
        units = {part["pool"]: part["units"] for part in parts}
        assert len(parts) == len(units) == 3
        assert units["total"] == 0.4 * units[None]


def test_what_is_not_finite_becomes_null(plan: Plan, causes: Causes) -> None:
    odd = dataclasses.replace(plan, new_stranded_fraction=float("inf"))
    document = json.loads(plan_json(odd, causes), parse_constant=lambda name: f"constant {name}")
    assert document["new_stranded_fraction"] is None
    assert document["summaries"][1]["utilization"] is None
    assert document["summaries"][0]["utilization"] == plan.summary.utilization


def test_names_and_numbers_come_back_as_they_were(plan: Plan, causes: Causes) -> None:
    document = json.loads(plan_json(plan, causes))
    for key in ("purchases", "schedule"):
        for read, purchase in zip(document[key], getattr(plan, key), strict=True):
            assert (read["offer_id"], read["quantity"]) == (purchase.offer_id, purchase.quantity)
            assert read["pools"] == list(purchase.pools)
            assert hour_of_date(read["end_utc"].removesuffix("T00:00:00Z")) == purchase.end_hour
    assert document["summaries"][0]["scenario_usd"] == plan.summary.scenario_usd.tolist()


def test_the_document_is_sorted_ascii(plan: Plan, causes: Causes) -> None:
    text = plan_json(plan, causes).decode("ascii")
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"


def test_measures_of_the_reduction_are_told_with_their_differences(plan: Plan, causes: Causes) -> None:
    reduction = json.loads(plan_json(plan, causes))["reduction"]
    assert [one["name"] for one in reduction["measures"]] == ["expected", "p10", "p90", "cvar"]
    for one, (_, on_scenarios, on_paths) in zip(reduction["measures"], plan.reduction.measures, strict=True):
        assert one["difference_usd"] == on_paths - on_scenarios
        assert one["difference_fraction"] == (on_paths - on_scenarios) / on_scenarios
