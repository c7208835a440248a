"""The traps of billing formats, one test each, in their order: what would make a wrong sum that looks right."""

import pytest

from forecasting.errors import InputError

M5 = "aws/us-east-1/m5.large"
RI = "arn:aws:ec2:us-east-1:111:reserved-instances/r1"
SP = "arn:aws:savingsplans::111:savingsplan/s1"


def fee(line_type, billed, **cells):
    """Line that is no usage, dated the first of the month."""
    return {
        "line_item_line_item_type": line_type,
        "line_item_usage_start_date": "2024-03-01T00:00:00Z",
        "line_item_usage_end_date": "2024-04-01T00:00:00Z",
        "line_item_usage_type": "",
        "line_item_operation": "",
        "line_item_resource_id": "",
        "line_item_availability_zone": "",
        "line_item_usage_amount": "744",
        "line_item_unblended_cost": billed,
        **cells,
    }


def test_trap_1_covered_usage_and_its_negation_are_not_counted_twice(read_cur, units_of, billed_of, amortized_of):
    covered = {
        "line_item_line_item_type": "SavingsPlanCoveredUsage",
        "savings_plan_savings_plan_a_r_n": SP,
        "savings_plan_savings_plan_effective_cost": "0.06",
    }
    negation = covered | {"line_item_line_item_type": "SavingsPlanNegation", "line_item_unblended_cost": "-0.096"}
    recurring = fee(
        "SavingsPlanRecurringFee",
        "0.10",
        line_item_product_code="ComputeSavingsPlans",
        savings_plan_savings_plan_a_r_n=SP,
        savings_plan_total_commitment_to_date="0.10",
        savings_plan_used_commitment="0.06",
    )
    found = read_cur(covered, negation, recurring)
    assert units_of(found) == {(0, M5): 1.0}
    assert f"{found.billed:.2f}" == "0.10"  # what is paid: the fee alone
    assert f"{found.amortized:.2f}" == "0.10"  # the same in an hour that the fee is spread over
    assert amortized_of(found) == {
        "covered by a savings plan": "0.06",
        "savings plan negation": "0.00",
        "recurring fees of commitments": "0.04",
    }
    assert billed_of(found)["savings plan negation"] == "-0.10"


def test_trap_2_upfront_fees_are_no_demand_and_cost_nothing_when_amortized(read_cur, units_of, amortized_of):
    found = read_cur(
        {},
        fee("Fee", "500", reservation_reservation_a_r_n=RI),
        fee("SavingsPlanUpfrontFee", "1752", savings_plan_savings_plan_a_r_n=SP),
    )
    assert units_of(found) == {(0, M5): 1.0}
    assert amortized_of(found) == {"on demand": "0.10", "upfront fees of commitments": "0.00"}
    assert f"{found.billed:.3f}" == "2252.096"


def test_trap_3_the_term_of_a_reservation_is_not_read_from_its_reserved_units(read_cur):
    found = read_cur(
        fee(
            "RIFee",
            "44.64",
            line_item_usage_type="HeavyUsage:m5.large",
            line_item_operation="RunInstances",
            reservation_reservation_a_r_n=RI,
            reservation_total_reserved_units="8928",  # 744 h x 12
            reservation_units_per_reservation="8928",
            reservation_number_of_reservations="1",
            reservation_start_time="2024-01-10T17:11:57.000Z",
            reservation_end_time="2025-01-09T17:11:56.000Z",
            pricing_lease_contract_length="1yr",
            pricing_offering_class="standard",
            pricing_purchase_option="No Upfront",
        ),
        recovers=True,
    )
    (owned,) = found.recovered.commitments
    assert owned.end_hour - owned.start_hour == 8_760
    assert owned.quantity == 4.0  # one m5.large in normalized units
    assert owned.offer.term_months == 12


def test_trap_4_an_hour_of_one_machine_split_into_lines_is_one_hour(read_cur, units_of):
    half = {"line_item_usage_amount": "0.5", "line_item_line_item_type": "DiscountedUsage"}
    found = read_cur(
        half | {"reservation_reservation_a_r_n": RI, "reservation_effective_cost": "0.03"},
        half | {"reservation_reservation_a_r_n": RI + "b", "reservation_effective_cost": "0.03"},
    )
    assert units_of(found) == {(0, M5): 1.0}
    found = read_cur(
        {"line_item_line_item_type": "SavingsPlanCoveredUsage", "line_item_usage_amount": "0.75"},
        {"line_item_usage_amount": "0.25"},
    )
    assert units_of(found) == {(0, M5): 1.0}


def test_trap_5_an_hour_with_other_lines_and_no_machine_is_a_zero_and_one_without_lines_a_gap(read_cur, at, units_of):
    storage = {"line_item_usage_type": "EBS:VolumeUsage.gp3", "line_item_product_code": "AmazonS3"}
    found = read_cur(at(0), at(1) | storage, at(3))
    assert units_of(found) == {(0, M5): 1.0, (1, M5): 0.0, (3, M5): 1.0}
    assert (found.n_idle_hours, found.n_gap_hours) == (1, 1)


def test_trap_6_partial_hours_stay_fractions(read_cur, units_of):
    found = read_cur({"line_item_usage_amount": "0.0002777778"}, {"line_item_resource_id": "i-2"})
    assert units_of(found)[0, M5] == pytest.approx(1.0002777778, abs=1e-12)


def test_trap_7_times_with_an_offset_are_turned_into_utc(read_cur, units_of):
    found = read_cur(
        {
            "line_item_usage_start_date": "2024-03-01T05:00:00+02:00",
            "line_item_usage_end_date": "2024-03-01T06:00:00+02:00",
        }
    )
    assert units_of(found) == {(3, M5): 1.0}


@pytest.mark.parametrize(
    ("usage_type", "operation", "zone", "item", "quantity"),
    [
        ("HeavyUsage:m5.xlarge", "RunInstances", "", "m5", 16.0),
        ("HeavyUsage:m5.xlarge", "RunInstances:0002", "", "m5.xlarge/windows", 2.0),
        ("HeavyUsage:g5.xlarge", "RunInstances", "", "g5.xlarge", 2.0),
        ("HeavyUsage:m5.xlarge", "RunInstances", "us-east-1b", "m5.xlarge/zone=us-east-1b", 2.0),
        ("DedicatedUsage:m5.xlarge", "RunInstances", "", "m5.xlarge/dedicated", 2.0),
    ],
    ids=["flexible", "windows", "inflexible family", "zonal", "dedicated"],
)
def test_trap_8_normalized_units_are_for_what_is_size_flexible_alone(
    read_cur, usage_type, operation, zone, item, quantity
):
    found = read_cur(
        fee(
            "RIFee",
            "80",
            line_item_usage_type=usage_type,
            line_item_operation=operation,
            line_item_availability_zone=zone,
            reservation_reservation_a_r_n=RI,
            reservation_number_of_reservations="2",
            reservation_start_time="2024-01-01T00:00:00Z",
            reservation_end_time="2026-12-30T23:59:59Z",
            pricing_lease_contract_length="3yr",
            pricing_offering_class="convertible",
            pricing_purchase_option="All Upfront",
        ),
        recovers=True,
    )
    (owned,) = found.recovered.commitments
    assert (owned.offer.item, owned.quantity) == (item, quantity)
    assert owned.offer.kind == "reserved_convertible"
    assert owned.end_hour - owned.start_hour == 26_280


def test_trap_9_negotiated_discounts_are_a_part_of_their_own(read_cur, units_of, billed_of):
    found = read_cur({}, fee("EdpDiscount", "-0.01"), fee("PrivateRateDiscount", "-0.02"))
    assert units_of(found) == {(0, M5): 1.0}
    assert billed_of(found) == {"on demand": "0.10", "discounts": "-0.03"}


def test_trap_10_blended_rates_are_not_looked_at(read_cur):
    found = read_cur({"line_item_blended_cost": "77.7", "line_item_blended_rate": "77.7"})
    assert f"{found.billed:.3f}" == "0.096"


def test_trap_11_late_credits_refunds_and_tax_are_no_demand(read_cur, units_of, billed_of):
    found = read_cur(
        {},
        fee("Credit", "-1"),
        fee("Refund", "-2"),
        fee("Tax", "3"),
        {"line_item_usage_amount": "-0.5", "line_item_unblended_cost": "-0.048", "line_item_resource_id": "i-9"},
    )
    assert units_of(found) == {(0, M5): 1.0}
    assert billed_of(found) == {
        "on demand": "0.10",
        "credits": "-1.00",
        "refunds": "-2.00",
        "corrections": "-0.05",
        "tax": "3.00",
    }


def test_trap_12_spot_is_demand_apart_and_its_type_may_stand_in_the_description(read_cur, units_of, billed_of):
    found = read_cur(
        {"line_item_usage_type": "SpotUsage:m5.large", "line_item_operation": "RunInstances:SV001"},
        {
            "line_item_usage_type": "SpotUsage",
            "line_item_resource_id": "i-2",
            "line_item_line_item_description": "c5.xlarge Linux/UNIX Spot Instance-hour in US East (Virginia)",
        },
        {"line_item_resource_id": "i-3", "line_item_usage_amount": "3"},
    )
    assert units_of(found) == {(0, M5): 4.0, (0, "aws/us-east-1/c5.xlarge"): 1.0}
    assert billed_of(found) == {"on demand": "0.10", "spot": "0.19"}
    shares = {pool.name: float(pool.spot_unit_hours / pool.unit_hours) for pool in found.pools}
    assert shares == {M5: 0.25, "aws/us-east-1/c5.xlarge": 1.0}


def test_trap_12_spot_without_any_type_is_refused(read_cur):
    with pytest.raises(InputError, match="type of instance of a machine cannot be told"):
        read_cur({"line_item_usage_type": "SpotUsage"})


def test_trap_13_what_plans_cover_besides_machines_is_told_apart(read_cur, units_of, billed_of):
    covered = {"line_item_line_item_type": "SavingsPlanCoveredUsage", "savings_plan_savings_plan_a_r_n": SP}
    found = read_cur(
        {},
        covered | {"line_item_product_code": "AmazonECS", "line_item_usage_type": "USE1-Fargate-vCPU-Hours:perCPU"},
        covered | {"line_item_product_code": "AWSLambda", "line_item_usage_type": "Lambda-GB-Second"},
        {"line_item_usage_type": "CPUCredits:t3", "line_item_operation": "T3CPUCredits"},
        {"line_item_usage_type": "EBSOptimized:m4.large", "line_item_operation": "Hourly"},
        {"line_item_usage_type": "DataTransfer-Out-Bytes", "line_item_usage_amount": "123456789012"},
    )
    assert units_of(found) == {(0, M5): 1.0}
    assert billed_of(found) == {
        "on demand": "0.10",
        "other usage": "0.29",
        "serverless compute that a compute plan covers too": "0.19",
    }


def test_trap_14_accounts_that_do_not_share_can_be_kept_apart(read_cur, units_of):
    rows = ({}, {"line_item_usage_account_id": "222", "line_item_resource_id": "i-2"})
    assert units_of(read_cur(*rows)) == {(0, M5): 2.0}
    apart = units_of(read_cur(*rows, by=frozenset({"account", "zone"})))
    assert apart == {
        (0, f"{M5}/account=111/zone=us-east-1a"): 1.0,
        (0, f"{M5}/account=222/zone=us-east-1a"): 1.0,
    }


def test_trap_15_split_cost_allocation_does_not_double_machines(read_cur, units_of, billed_of):
    found = read_cur(
        {},
        {"line_item_operation": "EKSPod-EC2", "line_item_resource_id": "pod/1", "line_item_unblended_cost": "0"},
        {"line_item_operation": "ECSTask-EC2", "line_item_resource_id": "task/1", "line_item_unblended_cost": "0"},
    )
    assert units_of(found) == {(0, M5): 1.0}
    assert billed_of(found) == {"on demand": "0.10", "split cost allocation": "0.00"}


def test_trap_16_idle_capacity_reservations_are_demand_and_used_ones_and_marketplace_are_not(
    read_cur, units_of, billed_of
):
    found = read_cur(
        {},
        {"line_item_usage_type": "UnusedBox:m5.large", "line_item_resource_id": "cr-1", "line_item_usage_amount": "2"},
        {
            "line_item_usage_type": "Reservation:m5.large",
            "line_item_resource_id": "cr-1",
            "line_item_usage_amount": "3",
            "line_item_unblended_cost": "0",
        },
        {"line_item_usage_type": "MP:m5.large", "line_item_product_code": "abc123", "line_item_unblended_cost": "0.5"},
        {"line_item_usage_type": "HostUsage:m5", "line_item_unblended_cost": "4"},
    )
    assert units_of(found) == {(0, M5): 3.0}
    assert billed_of(found) == {
        "on demand": "0.10",
        "idle capacity reservation": "0.10",
        "dedicated hosts, not counted in instances": "4.00",
        "marketplace": "0.50",
        "capacity reservations, counted where they run": "0.00",
    }


def test_commitments_are_looked_for_only_when_asked(read_cur):
    assert read_cur({}).recovered is None
