"""Cases of Azure and Google Cloud beyond the published ones: other numbers, other keys, and what is refused."""

import json
import re

import pytest

from optimizer.billing.cases import Status, read_cases, run_case

RATIOS = {"D1": 1, "D2": 2, "D3": 4, "D4": 8}


def outcome(tmp_path, provider, kind, inputs, expected):
    case = {"id": "x", "provider": provider, "kind": kind, "inputs": inputs, "expected": expected, "tolerance": 1e-9}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": [case]}), encoding="utf-8")
    return run_case(read_cases(path)[0])


@pytest.mark.parametrize(
    ("provider", "kind", "inputs", "expected"),
    [
        (
            "azure",
            "ri_application",
            {"ratios": RATIOS, "reservation": {"sku": "D4", "quantity": 2}, "running": {"D3": 1, "D2": 1}},
            {"on_demand_instance_hours": {}, "used_units": 6, "unused_units": 10},
        ),
        (
            "azure",
            "ri_application",
            {
                "ratios": RATIOS,
                "reservations": [{"sku": "D2", "quantity": 1}, {"sku": "D1", "quantity": 1}],
                "running": {"D1": 1, "D3": 1},
            },
            {"covered_instance_hours": {"D1": 1, "D3": 0.5}, "on_demand_instance_hours": {"D3": 0.5}},
        ),
        (
            "azure",
            "ri_application",
            {
                "ratios": RATIOS,
                "size_flexible": False,
                "reservation": {"sku": "D4", "quantity": 1},
                "running": {"D1": 8, "D4": 1},
            },
            {"covered_instance_hours": {"D1": 0, "D4": 1}, "on_demand_instance_hours": {"D1": 8}},
        ),
        (
            "azure",
            "ri_partial_hours",
            {"reserved_per_hour": 2.0, "usage_by_hour": [[0.5], [1, 1, 0.25], []]},
            {
                "covered_by_hour": [0.5, 2, 0],
                "pay_as_you_go_by_hour": [0, 0.25, 0],
                "unused_by_hour": [1.5, 0, 2],
                "unused": 3.5,
            },
        ),
        (
            "azure",
            "effective_rate",
            {"pay_as_you_go": 0.2, "reservation_effective": 0.05},
            {"savings": 0.75, "yearly": 438.0},
        ),
        (
            "azure",
            "refund",
            {"monthly": 1_000, "term_months": 36, "refunded_in_month": 6, "pool_limit": 50_000, "pool_used": 25_000},
            {"cancelled_commitment": 30_000, "pool_left": -5_000, "allowed": False, "fee": 0},
        ),
        (
            "azure",
            "ri_exchange",
            {"monthly": 100, "term_months": 36, "exchanged_in_month": 18, "new_monthly": 100, "new_term_months": 12},
            {"minimum_new_commitment": 1_800, "new_commitment": 1_200, "allowed": False},
        ),
        ("azure", "ri_exchange", {"upfront_charge_1y": 4_380.0}, {"hourly_1y": 0.5}),
        ("gcp", "sustained_use", {"machine_family": "n2d", "fraction_of_month": 0.5}, {"effective_discount": 0.0661}),
        ("gcp", "sustained_use", {"machine_family": "e2", "fraction_of_month": 1.0}, {"effective_discount": 0.0}),
        (
            "gcp",
            "sustained_use",
            {"machine_family": "n1", "fraction_of_month": 0.75, "base_rate": 0.0475},
            {"effective_rate": 0.038},
        ),
        (
            "gcp",
            "spend_cud",
            {"on_demand_equivalent": 200.0, "discount": 0.28, "usage": 150.0},
            {"fee": 144.0, "credit": -150.0, "commitment": 144.0, "unused": 36.0, "on_demand": 0.0, "total": 144.0},
        ),
        (
            "gcp",
            "spend_cud",
            {"commitment": 54.0, "discount": 0.46, "usage": 130.0, "date": "2026-02-01"},
            {"credit": 0.0, "fee": 0.0, "on_demand": 30.0, "total": 84.0, "savings": 46.0},
        ),
        (
            "gcp",
            "spend_cud",
            {"on_demand_equivalent": 100.0, "discount": 0.46, "date": "2025-12-31"},
            {"commitment": 100.0, "fee": 54.0, "credit": -100.0},
        ),
        (
            "gcp",
            "resource_cud",
            {"committed_cores": 8, "running_cores": 4, "committed_memory_gb": 10, "running_memory_gb": 16},
            {"discounted": {"cores": 4, "memory_gb": 10}, "standard_memory_gb": 6, "unused_cores": 4},
        ),
    ],
)
def test_cases_of_other_numbers_and_keys_come_out(tmp_path, provider, kind, inputs, expected):
    found = outcome(tmp_path, provider, kind, inputs, expected)
    assert found.reasons == ()
    assert found.status == Status.PASSED


@pytest.mark.parametrize(
    ("provider", "kind", "inputs", "expected", "message"),
    [
        ("azure", "ri_application", {"ratios": {"D1": 0}}, {"used_units": 0}, "ratios must be above 0"),
        ("azure", "ri_application", {"reservation": 3}, {"used_units": 0}, "reservation must be an object, got 3"),
        ("azure", "ri_partial_hours", {"usage_by_hour": [1]}, {"covered": 0}, "must be a list of lists"),
        ("azure", "ri_partial_hours", {"usage_by_hour": [[-1]]}, {"covered": 0}, "must hold numbers >= 0"),
        (
            "azure",
            "refund",
            {"monthly": 1, "term_months": 12, "refunded_in_month": 13},
            {"fee": 0},
            "refunded_in_month must be at most term_months 12, got 13",
        ),
        (
            "azure",
            "refund",
            {"monthly": 1, "term_months": 1.5, "refunded_in_month": 1},
            {"fee": 0},
            "term_months must be a whole number, got 1.5",
        ),
        ("azure", "ri_exchange", {"upfront_charge_1y": 1}, {"hourly_3y": 1}, "upfront_charge_3y must be a number"),
        ("azure", "ri_exchange", {"upfront_charge_1y": 1}, {"colour": 1}, "cannot check key 'colour'"),
        ("azure", "rule_order", {}, {"rules": ["x"]}, "rules in words"),
        ("gcp", "sustained_use", {"fraction_of_month": 0.5}, {"effective_discount": 0}, "machine_family or tiers"),
        (
            "gcp",
            "sustained_use",
            {"machine_family": "n1", "fraction_of_month": 1.5},
            {"effective_discount": 0},
            r"fraction_of_month must be in \[0, 1\], got 1.5",
        ),
        (
            "gcp",
            "sustained_use",
            {"fraction_of_month": 0.5, "tiers": [[0.5, 1.0]]},
            {"effective_discount": 0},
            "parts above 0 that sum to 1",
        ),
        (
            "gcp",
            "sustained_use",
            {"fraction_of_month": 0.5, "tiers": [0.5]},
            {"effective_discount": 0},
            "must be a list of",
        ),
        ("gcp", "spend_cud", {"on_demand_equivalent": 1, "discount": 1.0}, {"fee": 0}, r"discount must be in \[0, 1\)"),
        (
            "gcp",
            "spend_cud",
            {"on_demand_equivalent": 1, "discount": 0.1, "date": "soon"},
            {"fee": 0},
            "date must be a date, got 'soon'",
        ),
        (
            "gcp",
            "sustained_use",
            {"machine_family": "n1", "fraction_of_month": 1},
            {"mood": 1},
            "cannot check key 'mood'",
        ),
        ("gcp", "spend_cud", {"on_demand_equivalent": 1, "discount": 0.1}, {"mood": 1}, "cannot check key 'mood'"),
        ("gcp", "resource_cud", {"committed_cores": 8}, {"unused_mood": 8}, "cannot check key 'unused_mood'"),
        ("gcp", "resource_cud", {"cores": 8}, {"discounted": 8}, "no rule for cores"),
        ("gcp", "resource_cud", {}, {"discounted": 8}, "must have a committed_ and a running_ amount"),
    ],
)
def test_what_a_case_may_not_hold_is_named(tmp_path, provider, kind, inputs, expected, message):
    found = outcome(tmp_path, provider, kind, inputs, expected)
    assert found.status != Status.PASSED
    assert any(re.search(message, reason) for reason in found.reasons), found.reasons
