"""Reserved Instances and savings plans in AWS's report, and the names that prices share with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.hours import hour_of_date
from forecasting.usage.aws_names import INFLEXIBLE_FAMILIES, size_factor
from forecasting.usage.offer_names import OfferKey, offer_name, parse_offer_name
from forecasting.usage.pool_names import LINUX, SHARED, PoolKey, parse_pool_name, pool_name
from optimizer.billing.aws import instances

SP = "arn:aws:savingsplans::111:savingsplan/s1"
RI = "arn:aws:ec2:us-east-1:111:reserved-instances/r1"
PLAN = {
    "line_item_line_item_type": "SavingsPlanRecurringFee",
    "line_item_product_code": "ComputeSavingsPlans",
    "line_item_usage_type": "ComputeSP:1yrNoUpfront",
    "line_item_operation": "",
    "line_item_resource_id": SP,
    "savings_plan_savings_plan_a_r_n": SP,
    "savings_plan_offering_type": "ComputeSavingsPlans",
    "savings_plan_payment_option": "No Upfront",
    "savings_plan_purchase_term": "1yr",
    "savings_plan_start_time": "2023-06-01T00:00:00.000Z",
    "savings_plan_end_time": "2024-05-30T23:59:59.000Z",
    "savings_plan_total_commitment_to_date": "1.5",
    "savings_plan_used_commitment": "1.5",
}
RESERVATION = {
    "line_item_line_item_type": "RIFee",
    "line_item_usage_type": "HeavyUsage:m5.large",
    "line_item_availability_zone": "",
    "line_item_resource_id": "",
    "reservation_reservation_a_r_n": RI,
    "reservation_number_of_reservations": "3",
    "reservation_start_time": "2023-06-01T00:00:00Z",
    "reservation_end_time": "2024-05-31T00:00:00Z",
    "pricing_lease_contract_length": "1yr",
    "pricing_offering_class": "standard",
    "pricing_purchase_option": "Partial Upfront",
}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="="), min_size=1, max_size=12)


def test_a_plan_has_its_hourly_commitment_term_and_expiry(read_cur, at):
    found = read_cur(*(at(hour) | PLAN for hour in range(3)), recovers=True).recovered
    (owned,) = found.commitments
    assert offer_name(owned.offer) == "aws/global/compute_savings_plan/any/12m/none"
    assert (owned.quantity, owned.start_hour) == (1.5, hour_of_date("2023-06-01"))
    assert owned.end_hour == hour_of_date("2024-05-31")


def test_a_daily_fee_is_divided_by_its_hours(read_cur, stamp):
    day = {"line_item_usage_start_date": stamp(0), "line_item_usage_end_date": stamp(24)}
    (owned,) = read_cur(
        PLAN | day | {"savings_plan_total_commitment_to_date": "36"}, recovers=True
    ).recovered.commitments
    assert owned.quantity == 1.5


def test_an_instance_plan_is_bound_to_its_family_and_region(read_cur):
    cells = {
        "savings_plan_offering_type": "EC2InstanceSavingsPlans",
        "savings_plan_region": "eu-west-1",
        "savings_plan_instance_type_family": "r5",
    }
    (owned,) = read_cur(PLAN | cells, recovers=True).recovered.commitments
    assert offer_name(owned.offer) == "aws/eu-west-1/instance_savings_plan/r5/12m/none"


def test_a_plan_paid_at_once_is_told_by_its_upfront_fee_alone(read_cur):
    cells = {
        "line_item_line_item_type": "SavingsPlanUpfrontFee",
        "line_item_unblended_cost": "8760",
        "savings_plan_payment_option": "Partial Upfront",
        "savings_plan_total_commitment_to_date": "",
    }
    (owned,) = read_cur(PLAN | cells, recovers=True).recovered.commitments
    assert (owned.quantity, owned.offer.payment) == (2.0, "partial")  # half of 2 USD/h x 8,760 h


def test_a_plan_that_only_its_usage_names_is_not_guessed(read_cur):
    covered = {"line_item_line_item_type": "SavingsPlanCoveredUsage", "savings_plan_savings_plan_a_r_n": SP}
    found = read_cur(covered, recovers=True).recovered
    assert found.commitments == ()
    assert "the commitment per hour" in found.unrecovered[0].lacks


def test_the_newest_fee_of_a_reservation_counts(read_cur, stamp):
    month = {"line_item_usage_start_date": stamp(0), "line_item_usage_end_date": stamp(744)}
    later = {"line_item_usage_start_date": stamp(744), "line_item_usage_end_date": stamp(1_464)}
    found = read_cur(
        RESERVATION | month, RESERVATION | later | {"reservation_number_of_reservations": "2"}, recovers=True
    )
    (owned,) = found.recovered.commitments
    assert (owned.quantity, owned.scope, owned.account) == (8.0, "regional", "111")
    assert offer_name(owned.offer) == "aws/us-east-1/reserved_standard/m5/12m/partial"


def test_commitments_of_other_services_are_counted_and_left_out(read_cur):
    database = RESERVATION | {"line_item_product_code": "AmazonRDS"}
    machine_learning = PLAN | {"savings_plan_offering_type": "SageMakerSavingsPlans"}
    found = read_cur(database, machine_learning, recovers=True).recovered
    assert (found.commitments, found.unrecovered, found.n_foreign) == ((), (), 2)


def test_the_rules_of_size_flexibility_are_those_of_billing():
    assert INFLEXIBLE_FAMILIES == instances.INFLEXIBLE_FAMILIES
    for size in ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "24xlarge"):
        assert size_factor(f"m5.{size}") == instances.normalization_factor(f"m5.{size}")


@given(provider=NAMES, region=NAMES, item=NAMES, platform=st.sampled_from([LINUX, "windows", "rhel"]), zone=NAMES)
def test_pool_names_are_safe_and_give_their_parts_back(provider, region, item, platform, zone):
    key = PoolKey(provider=provider, region=region, item=item, platform=platform, zone=zone)
    name = pool_name(key)
    assert not name.startswith("/")
    assert ".." not in name.split("/")
    assert "\\" not in name
    again = parse_pool_name(name)
    assert again is not None
    assert pool_name(again) == name
    assert (again.platform, again.tenancy) == (platform, SHARED)


@pytest.mark.parametrize(
    "key",
    [
        OfferKey(provider="aws", region="us-east-1", kind="on_demand", item="m5.large/windows"),
        OfferKey(provider="aws", region="us-east-1", kind="reserved_standard", item="m5.large/zone=a", term_months=12),
        OfferKey(
            provider="aws", region="global", kind="compute_savings_plan", item="any", term_months=36, payment="all"
        ),
    ],
)
def test_offer_names_give_their_parts_back(key):
    assert parse_offer_name(offer_name(key)) == key
