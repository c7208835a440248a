"""Cases of sums and views: other figures and other keys than the published ones."""

import pytest

from optimizer.billing.cases import Status

RI = {"instance_type": "m4.xlarge", "quantity": 1}
SIZES = {"S": {"od": 1.0, "committed": 0.5, "nf": 1}, "L": {"od": 3.0, "committed": 1.5, "nf": 3}}


@pytest.mark.parametrize(
    ("ri", "usage_seconds", "expected"),
    [
        (RI, [3600] * 4, {"ri_seconds": 3600, "on_demand_seconds": 10800, "on_demand_hours": 3, "unused_seconds": 0}),
        (RI, [900, 900], {"ri_seconds": 1800, "unused_seconds": 1800, "ri_hours": 0.5, "total_hours": 0.5}),
        ({**RI, "quantity": 2}, [3600, 3600, 1800], {"ri_seconds": 7200, "on_demand_seconds": 1800}),
    ],
)
def test_seconds_of_a_clock_hour(outcome_of, ri, usage_seconds, expected):
    assert outcome_of("ri_per_second", {"ri": ri, "usage_seconds": usage_seconds}, expected).reasons == ()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"ri": 5, "usage": {"A": 3, "B": 6}}, {"A": {"ri": 3, "on_demand": 0}, "B": {"ri": 2, "on_demand": 4}}),
        ({"ri": 5, "usage": {"A": 3, "B": 6}, "owner": "B"}, {"A": {"ri": 0}, "B": {"ri": 5}, "on_demand_hours": 4}),
        ({"ri": {"B": 5}, "usage": {"A": 3, "B": 1}}, {"ri_hours": 4, "unused_hours": 1, "total_hours": 4}),
        ({"ri": 5, "usage": {"A": 3, "B": 6}, "sharing": False}, {"ri_hours": 3, "unused_hours": 2}),
        ({"ri": 5, "usage": {"A": 3, "B": 6}, "on_demand_rate": 0.5}, {"on_demand_cost": 2.0}),
        (
            {
                "ri": 9,
                "usage": {"A": 1, "B": 1, "C": 1},
                "sharing": {"mode": "restricted", "groups": {"g": ["A", "C"]}},
            },
            {"A": {"ri": 1}, "B": {"ri": 0}, "C": {"ri": 1}},
        ),
        ({"ri": 9, "usage": {"A": 1, "B": 1}, "sharing": {"opted_out": ["B"]}}, {"B": {"on_demand": 1}}),
    ],
)
def test_reservations_of_an_organisation(outcome_of, inputs, expected):
    assert outcome_of("consolidated_billing", inputs, expected).reasons == ()


def test_blended_rates(outcome_of):
    inputs = {"ri_hours": 100, "on_demand_hours": 300, "on_demand_rate": 0.4, "member_hours": {"A": 50}}
    expected = {"on_demand_cost": 120.0, "total_hours": 400, "blended_rate": 0.3, "blended_cost": {"A": 15.0}}
    assert outcome_of("blended_rate", inputs, expected).reasons == ()


def test_list_values(outcome_of):
    inputs = {"upfront": 100.0, "hourly": 0.01, "term_years": 3, "quantity": 2000}
    expected = {"list_value": 725_600.0, "is_discounted": True, "discount": 0.05}
    assert outcome_of("list_value", inputs, expected).reasons == ()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {"commitment": 0.12, "used": 0.06, "payment_option": "partial_upfront"},
            {"unused_amortised": 0.03, "unused_recurring": 0.03, "unused_total": 0.06, "utilisation": 0.5},
        ),
        (
            {"upfront_fee": 13140.0, "term_years": 3, "payment": "partial_upfront"},
            {"hourly_commitment": 1.0, "recurring_hourly": 0.5, "total_commitment": 26280.0},
        ),
        (
            {"hourly_commitment": 2.0, "payment": "no_upfront", "hours_in_month": 744},
            {"upfront_fee": 0.0, "recurring_per_month": 1488.0},
        ),
        (
            {"upfront": 876.0, "hourly": 0.1, "term_years": 1, "quantity": 2, "used_quantity": 0.5},
            {
                "effective_hourly": 0.4,
                "per_day": 4.8,
                "used_amortized": 0.05,
                "used_recurring": 0.05,
                "used_total": 0.1,
            },
        ),
        ({"upfront": 730.0, "term_hours": 8760, "hours_in_month": 720}, {"per_month": 60.0, "upfront": 730.0}),
    ],
)
def test_amortization(outcome_of, inputs, expected):
    assert outcome_of("amortisation", inputs, expected).reasons == ()


def test_one_reservation_on_two_smaller_instances_is_two_lines(outcome_of):
    """Example 1 of https://docs.aws.amazon.com/cur/latest/userguide/monitor-flexible-reservation.html, which prints the
    monthly fee as 46.
    """
    line = {"usage_amount": 1, "normalization_factor": 4, "normalized_usage": 4, "unblended_cost": 0}
    inputs = {
        "ri": {"instance_type": "m4.xlarge", "quantity": 1, "hourly": 0.0618},
        "hours_in_month": 744,
        "usage": [{"instance_type": "m4.large", "quantity": 2, "hours": 1}],
    }
    expected = {
        "RIFee": 45.9792,
        "reserved_units": 744,
        "reserved_normalized_units": 5952,
        "discounted_usage": [line, line],
        "on_demand_usage": [],
    }
    assert outcome_of("billing_lines", inputs, expected).reasons == ()


def test_what_is_not_covered_is_usage_on_demand_and_upfront_is_amortized(outcome_of):
    inputs = {
        "ri": {"instance_type": "m4.large", "quantity": 1, "hourly": 0.02, "upfront": 87.6, "term_years": 1},
        "hours_in_month": 720,
        "usage": [{"instance_type": "m4.xlarge", "hours": 1.5, "od_rate": 0.2}],
    }
    expected = {
        "discounted_usage": [{"usage_amount": 0.5, "effective_cost": 0.03}, {"usage_amount": 0.5}],
        "usage": [{"usage_amount": 0.5, "unblended_cost": 0.1}],
        "Fee": 87.6,
        "unblended_total": 0.1 + 14.4 + 87.6,
        "amortized_total": 0.1 + 720 * 0.03,
        "RIFee_each": 14.4,
    }
    assert outcome_of("billing_lines", inputs, expected).reasons == ()


def test_the_fee_line_counts_744_hours_for_each_of_12_months(outcome_of):
    """The page multiplies the hours of one month by 12 (8,928 for one instance), which are not the 8,760 of a term.

    https://docs.aws.amazon.com/cur/latest/userguide/reservation-columns.html
    """
    inputs = {"quantity": 2, "hours_per_month": 744, "months": 12}
    expected = {"monthly_reserved_units": 1488, "first_fee_line_reserved_units": 2 * 8928}
    assert outcome_of("billing_lines", inputs, expected).reasons == ()


@pytest.mark.parametrize(
    ("inputs", "on_demand", "total"),
    [
        ({"eligible_cost_at_committed_rate": 0.4}, 0.0, 1.0),
        ({"eligible_cost_at_committed_rate": 1.5, "eligible_cost_on_demand": 3.0}, 1.0, 2.0),
        ({"eligible_cost_at_committed_rate": 1.5, "discount": 0.5}, 1.0, 2.0),
        ({"eligible_cost_at_committed_rate": 1.0, "overflow_on_demand_cost": 0.5}, 0.5, 1.5),
    ],
)
def test_spend_beyond_a_commitment_is_billed_on_demand(outcome_of, inputs, on_demand, total):
    expected = {"on_demand_billed": on_demand, "hour_total": total, "committed_billed": 0.0}
    inputs = {"hourly_commitment": 1.0, **inputs}
    assert outcome_of("spend_commitment_hour", inputs, expected, provider="generic").reasons == ()


@pytest.mark.parametrize(
    ("commitment", "running", "expected"),
    [
        ({"sku": "S", "flexible": True}, [{"sku": "L"}], {"used_effective_cost": 0.5, "on_demand_billed": 2.0}),
        ({"sku": "L", "quantity": 2}, [], {"unused_effective_cost": 3.0, "utilisation": 0.0}),
        (
            {"sku": "L", "quantity": 1, "flexible": True},
            [{"sku": "L", "quantity": 1}, {"sku": "S", "quantity": 2}],
            {"used_effective_cost": 1.5, "on_demand_billed": 2.0, "hour_total": 3.5},
        ),
    ],
)
def test_usage_commitments(outcome_of, commitment, running, expected):
    inputs = {"catalogue": SIZES, "commitment": commitment, "running": running}
    assert outcome_of("usage_commitment_hour", inputs, expected, provider="generic").reasons == ()


@pytest.mark.parametrize(
    ("provider", "kind", "inputs", "expected", "reason"),
    [
        ("aws", "ri_per_second", {"ri": RI, "usage_seconds": [3601]}, {"ri_seconds": 1}, "seconds from 0 to 3600"),
        ("aws", "consolidated_billing", {"ri": 1, "usage": {}}, {"ri_hours": 0}, "must name at least one member"),
        ("aws", "consolidated_billing", {"ri": 1, "usage": {"A": 1}}, {"on_demand_cost": 0}, "on_demand_rate"),
        ("aws", "consolidated_billing", {"ri": 1, "usage": {"A": 1}, "sharing": "some"}, {"A": {}}, "must be one of"),
        ("aws", "amortisation", {"upfront": 1.0, "term_years": 1, "used": 9}, {"utilisation": 1}, "must not exceed"),
        ("aws", "amortisation", {"upfront": 1.0, "term_years": 1, "term_days": 1}, {"per_day": 1}, "at most one of"),
        ("aws", "billing_lines", {}, {"RIFee": 1}, "needs the input ri"),
        ("aws", "billing_lines", {"ri": RI, "hours_in_month": 745}, {"RIFee": 1}, "whole number from 1 to 744"),
        ("aws", "billing_lines", {"ri": {**RI, "quantity": 1.5}, "hours_in_month": 1}, {"RIFee": 1}, "a whole number"),
        (
            "aws",
            "billing_lines",
            {"ri": RI, "hours_in_month": 1, "usage": [{"instance_type": "m4.large", "hours": 2}]},
            {"RIFee": 1},
            "must be at most the 1 hours of the month",
        ),
        (
            "generic",
            "spend_commitment_hour",
            {"hourly_commitment": 1.0, "eligible_cost": 2.0, "discount": 1.0},
            {"hour_total": 1},
            "must be a fraction below 1",
        ),
        (
            "generic",
            "usage_commitment_hour",
            {"catalogue": SIZES, "commitment": {"sku": "M"}},
            {"hour_total": 1},
            "must be one of the catalogue, got 'M'",
        ),
        (
            "generic",
            "usage_commitment_hour",
            {"catalogue": {"S": {"od": 1, "committed": 1, "nf": 0}}, "commitment": {"sku": "S"}},
            {"hour_total": 1},
            "nf must be > 0",
        ),
    ],
)
def test_what_cannot_be_answered_fails_and_says_why(outcome_of, provider, kind, inputs, expected, reason):
    outcome = outcome_of(kind, inputs, expected, provider=provider)
    assert outcome.status == Status.FAILED
    assert reason in outcome.reasons[0]


@pytest.mark.parametrize(
    ("provider", "kind", "inputs", "reason"),
    [
        ("aws", "tiered_volume", {}, "tiers of stored volume are no commitment"),
        ("aws", "amortisation", {"hourly_commitment": 1.0}, "payment_option"),
        ("aws", "amortisation", {"upfront": 1.0}, "term_years"),
        ("aws", "amortisation", {}, "needs one input among hourly_commitment"),
        ("aws", "list_value", {"upfront": 1.0}, "needs one input among hours"),
        (
            "generic",
            "spend_commitment_hour",
            {"hourly_commitment": 1.0, "eligible_cost_at_committed_rate": 1.5},
            "needs the on-demand cost of what the commitment does not cover",
        ),
        ("generic", "spend_commitment_hour", {"hourly_commitment": 1.0, "mood": 2}, "no rule for mood"),
    ],
)
def test_what_has_no_rule_is_not_supported(outcome_of, provider, kind, inputs, reason):
    outcome = outcome_of(kind, inputs, {"total": 1}, provider=provider)
    assert outcome.status == Status.NOT_SUPPORTED
    assert reason in outcome.reasons[0]
