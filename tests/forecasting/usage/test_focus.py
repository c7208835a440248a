"""FOCUS: what is a machine, whatever the version and provider, and the traps of its rows."""

import json

import pytest

from forecasting.errors import InputError

M5 = "aws/us-east-1/m5.large"
OWNED = {"CommitmentDiscountId": "arn:1", "PricingCategory": "Committed", "BilledCost": "0", "EffectiveCost": "0.06"}


def test_committed_usage_is_demand_and_told_apart_by_what_was_committed(read_focus, units_of, amortized_of):
    found = read_focus(
        OWNED | {"CommitmentDiscountCategory": "Usage", "CommitmentDiscountStatus": "Used"},
        OWNED | {"CommitmentDiscountCategory": "Spend", "ResourceId": "i-2"},
        {"PricingCategory": "Dynamic", "ResourceId": "i-3"},
        {"CapacityReservationStatus": "Unused", "ResourceId": "cr-1"},
        {"ResourceId": "i-4"},
    )
    assert units_of(found) == {(0, M5): 5.0}
    assert amortized_of(found) == {
        "on demand": "0.10",
        "covered by a reservation": "0.06",
        "covered by a savings plan": "0.06",
        "spot": "0.10",
        "idle capacity reservation": "0.10",
    }


def test_unused_commitments_carry_the_commitment_as_resource_and_are_no_demand(read_focus, units_of, billed_of):
    unused = {"CommitmentDiscountStatus": "Unused", "ResourceId": "arn:1", "ConsumedQuantity": "null"}
    found = read_focus({}, OWNED | unused)
    assert units_of(found) == {(0, M5): 1.0}
    assert billed_of(found) == {"on demand": "0.10", "unused commitment": "0.00"}


def test_purchases_taxes_credits_corrections_and_adjustments_are_no_demand(read_focus, units_of, billed_of):
    found = read_focus(
        {},
        {"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time", "CommitmentDiscountId": "a", "BilledCost": "876"},
        {"ChargeCategory": "Purchase", "ChargeFrequency": "Recurring", "CommitmentDiscountId": "a", "BilledCost": "2"},
        {"ChargeCategory": "Purchase", "BilledCost": "7"},
        {"ChargeCategory": "Tax", "PricingCategory": "NULL", "BilledCost": "3"},
        {"ChargeCategory": "Credit", "BilledCost": "-4"},
        {"ChargeCategory": "Adjustment", "BilledCost": "-5"},
        {"ChargeClass": "Correction", "BilledCost": "-0.5", "ConsumedQuantity": "5", "ResourceId": "i-2"},
        {"ConsumedQuantity": "-1", "BilledCost": "-0.25", "ResourceId": "i-3"},
    )
    assert units_of(found) == {(0, M5): 1.0}
    assert billed_of(found) == {
        "on demand": "0.10",
        "upfront fees of commitments": "876.00",
        "recurring fees of commitments": "2.00",
        "other fees": "7.00",
        "tax": "3.00",
        "credits": "-4.00",
        "corrections": "-5.75",
    }


@pytest.mark.parametrize(
    ("cells", "pool"),
    [
        (
            {"x_UsageType": "USW2-BoxUsage:c5.xlarge", "x_Operation": "RunInstances:0002"},
            "aws/us-east-1/c5.xlarge/windows",
        ),
        (
            {"SkuPriceDetails": json.dumps({"InstanceType": "r5.large", "OperatingSystem": "RHEL"})},
            "aws/us-east-1/r5.large/rhel",
        ),
        (
            {"ChargeDescription": "$0.1 per On Demand Windows m5.xlarge Instance Hour"},
            "aws/us-east-1/m5.xlarge/windows",
        ),
        (
            {"ChargeDescription": "$0.11 per Dedicated Usage Linux m5.large Instance Hour"},
            "aws/us-east-1/m5.large/dedicated",
        ),
        (
            {
                "ProviderName": "Microsoft",
                "RegionId": "eastus",
                "ServiceName": "Virtual Machines",
                "x_SkuMeterCategory": "Virtual Machines",
                "x_SkuMeterSubcategory": "Dv3 Series Windows",
                "x_SkuDetails": json.dumps({"ServiceType": "Standard_D2s_v3"}),
                "ConsumedUnit": "1 Hour",
            },
            "azure/eastus/Standard_D2s_v3/windows",
        ),
        (
            {"ProviderName": "Oracle Cloud", "SkuPriceDetails": json.dumps({"InstanceType": "VM.Standard.E4"})},
            "oracle-cloud/us-east-1/VM.Standard.E4",
        ),
    ],
    ids=["aws columns", "price details", "words", "dedicated words", "microsoft", "another provider"],
)
def test_a_machine_is_found_by_what_the_provider_says_of_it(read_focus, units_of, cells, pool):
    assert units_of(read_focus(cells)) == {(0, pool): 1.0}


@pytest.mark.parametrize(
    "cells",
    [
        {"ChargeDescription": "$0.00 for 175 Mbps per t3a.small instance-hour (or partial hour)"},
        {"ChargeDescription": "$0.045 per NAT Gateway Hour"},
        {"ConsumedUnit": "GB", "ConsumedQuantity": "1234567890123"},
        {"ConsumedUnit": "OCPU Hours", "ProviderName": "Oracle", "SkuPriceDetails": '{"InstanceType": "E4"}'},
        {"x_UsageType": "NatGateway-Hours", "x_Operation": "NatGateway"},
        {"ServiceCategory": "Databases", "SkuPriceDetails": '{"InstanceType": "db.r5.large"}'},
    ],
    ids=["mbps", "gateway", "bytes", "cores", "gateway column", "database"],
)
def test_what_runs_by_the_hour_and_is_no_machine_is_left_out(read_focus, units_of, billed_of, cells):
    found = read_focus({"ChargeDescription": "", **cells})
    assert units_of(found) == {}
    assert billed_of(found) == {"other usage": "0.10"}


@pytest.mark.parametrize("unit", ["Hours", "hour", "Hrs", "HR", "1 Hour"])
def test_hours_are_read_in_every_spelling(read_focus, units_of, unit):
    assert units_of(read_focus({"ConsumedUnit": unit})) == {(0, M5): 1.0}


def test_the_region_falls_back_to_its_name(read_focus, units_of):
    assert units_of(read_focus({"RegionId": "NULL", "RegionName": "us-sanjose-1"})) == {
        (0, "aws/us-sanjose-1/m5.large"): 1.0
    }


def test_the_share_without_tags_is_of_the_cost_of_demand(read_focus):
    tagged = {"Tags": '{"team": "a"}', "EffectiveCost": "0.3"}
    bare = {"Tags": "{}", "EffectiveCost": "0.1", "ResourceId": "i-2"}
    assert read_focus(tagged, bare).untagged_fraction == pytest.approx(0.25)
    assert read_focus(bare).untagged_fraction is None


def test_a_purchase_that_spans_its_term_is_a_commitment_with_term_and_expiry(read_focus):
    purchase = {
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "One-Time",
        "ChargePeriodEnd": "2025-03-01T00:00:00Z",
        "CommitmentDiscountId": "arn:plan",
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "Compute Savings Plan",
        "CommitmentDiscountQuantity": "8760",
        "CommitmentDiscountUnit": "USD",
        "BilledCost": "8760",
        "EffectiveCost": "0",
    }
    (owned,) = read_focus({}, purchase, recovers=True).recovered.commitments
    assert (owned.quantity, owned.offer.kind, owned.offer.payment) == (1.0, "compute_savings_plan", "all")
    assert owned.end_hour - owned.start_hour == 8_760


def test_commitments_that_rows_do_not_tell_whole_are_named_with_what_is_lacking(read_focus):
    found = read_focus(OWNED | {"CommitmentDiscountCategory": "Spend"}, recovers=True).recovered
    assert found.commitments == ()
    (rest,) = found.unrecovered
    assert rest.commitment_id == "arn:1"
    assert "the quantity" in rest.lacks
    assert "the term" in rest.lacks


def test_a_broken_cell_of_json_is_refused(read_focus):
    with pytest.raises(InputError, match="Malformed JSON"):
        read_focus({"SkuPriceDetails": "{broken"})


@pytest.mark.parametrize(
    ("system", "item", "quantity"),
    [("Linux", "m5", 8.0), ("Windows", "m5.large/windows", 2.0)],
    ids=["flexible", "windows"],
)
def test_a_reservation_paid_at_once_counts_instances_or_normalized_units(read_focus, system, item, quantity):
    purchase = {
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "One-Time",
        "CommitmentDiscountId": "arn:ri",
        "CommitmentDiscountCategory": "Usage",
        "CommitmentDiscountQuantity": str(2 * 8_760),
        "CommitmentDiscountUnit": "Hours",
        "SkuPriceDetails": json.dumps(
            {
                "InstanceType": "m5.large",
                "OperatingSystem": system,
                "LeaseContractLength": "1yr",
                "PurchaseOption": "All Upfront",
                "OfferingClass": "convertible",
            }
        ),
        "BilledCost": "900",
        "EffectiveCost": "0",
    }
    (owned,) = read_focus({}, purchase, recovers=True).recovered.commitments
    assert (owned.offer.kind, owned.offer.item, owned.quantity) == ("reserved_convertible", item, quantity)
    assert (owned.offer.term_months, owned.offer.payment) == (12, "all")


def test_an_instance_plan_charged_by_the_hour_lacks_its_start_alone(read_focus):
    purchase = {
        "ChargeCategory": "Purchase",
        "ChargeFrequency": "Recurring",
        "CommitmentDiscountId": "arn:plan",
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "EC2 Instance Savings Plan",
        "CommitmentDiscountQuantity": "1.5",
        "CommitmentDiscountUnit": "USD",
        "SkuPriceDetails": json.dumps({"LeaseContractLength": "3yr", "InstanceFamily": "m5"}),
        "EffectiveCost": "0",
    }
    (rest,) = read_focus({}, purchase, recovers=True).recovered.unrecovered
    assert rest.lacks.startswith("the start")
    assert "the quantity" not in rest.lacks
