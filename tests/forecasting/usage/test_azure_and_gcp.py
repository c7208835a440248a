"""Azure's cost details and Google's export: days, blocks of hours, cores and memory, nested columns."""

import json

import pytest

from forecasting.errors import InputError
from forecasting.usage.imported import ImportRequest, import_export

D2 = "azure/eastus/Standard_D2s_v3"
LABELS = [
    {"key": "compute.googleapis.com/machine_spec", "value": "n2-standard-4"},
    {"key": "compute.googleapis.com/cores", "value": "4"},
]


def gcp_row(sku="N2 Instance Core running in Americas", *, hours=4.0, cost=0.12, **keys):
    return {
        "usage_start_time": "2024-03-01 00:00:00 UTC",
        "usage_end_time": "2024-03-01 01:00:00 UTC",
        "service": {"id": "6F81-5844-456A", "description": "Compute Engine"},
        "sku": {"id": "X", "description": sku},
        "cost": cost,
        "currency": "USD",
        "usage": {
            "amount": hours * 3_600,
            "unit": "seconds",
            "amount_in_pricing_units": hours,
            "pricing_unit": "hour",
        },
        "location": {"location": "us-central1", "region": "us-central1", "zone": "us-central1-a"},
        "project": {"id": "p"},
        "cost_type": "regular",
        "credits": [],
        "system_labels": LABELS,
        **keys,
    }


@pytest.fixture
def read_gcp(tmp_path):
    def read(*rows):
        path = tmp_path / "export.json"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return import_export(ImportRequest(name="gcp", paths=(path,), recovers=True, threads=1))

    return read


def test_azure_days_are_refused_unless_spread_and_the_assumption_is_recorded(read_azure, units_of):
    with pytest.raises(InputError, match=r"no hourly grain.*--daily spread"):
        read_azure({}, spreads_days=False)
    found = read_azure({})
    assert units_of(found) == {(hour, D2): 1.0 for hour in range(24)}
    assert len(found.assumptions) == 1


def test_azure_parts_are_told_apart(read_azure, units_of, billed_of):
    found = read_azure(
        {},
        {"PricingModel": "Spot", "MeterName": "D2s v3 Spot", "ResourceId": "vm2"},
        {"PricingModel": "Reservation", "ReservationId": "r", "ResourceId": "vm3"},
        {"PricingModel": "SavingsPlan", "benefitId": "b", "ResourceId": "vm4"},
        {"ChargeType": "UnusedReservation", "PricingModel": "Reservation", "CostInBillingCurrency": "1"},
        {"ChargeType": "UnusedBenefit", "PricingModel": "SavingsPlan", "CostInBillingCurrency": "2"},
        {"ChargeType": "UnusedSavingsPlan", "PricingModel": "SavingsPlan", "CostInBillingCurrency": "4"},
        {
            "ChargeType": "Purchase",
            "PricingModel": "Reservation",
            "Frequency": "Recurring",
            "CostInBillingCurrency": "8",
        },
        {"ChargeType": "Refund", "CostInBillingCurrency": "-16"},
        {"MeterCategory": "Virtual Machines Licenses", "CostInBillingCurrency": "32"},
        {"MeterCategory": "Storage", "UnitOfMeasure": "10K", "CostInBillingCurrency": "64"},
        {"ChargeType": "Purchase", "PublisherType": "Marketplace", "CostInBillingCurrency": "128"},
    )
    assert units_of(found)[5, D2] == 4.0
    assert billed_of(found) == {
        "on demand": "2.64",
        "spot": "2.64",
        "covered by a reservation": "2.64",
        "covered by a savings plan": "2.64",
        "unused commitment": "7.00",
        "recurring fees of commitments": "8.00",
        "refunds": "-16.00",
        "licences": "32.00",
        "other usage": "64.00",
        "marketplace": "128.00",
    }


@pytest.mark.parametrize(
    ("unit", "quantity", "hours"),
    [("100 Hours", "0.24", 24.0), ("100 Hours", "24", 24.0), ("10 Hours", "2.4", 24.0), ("100 Hours", "2400", 24.0)],
)
def test_blocks_of_hours_are_read_so_that_no_machine_runs_more_than_a_day_a_day(
    read_azure, units_of, unit, quantity, hours
):
    found = read_azure({"UnitOfMeasure": unit, "Quantity": quantity})
    assert sum(units_of(found).values()) == pytest.approx(hours, abs=1e-9)


def test_blocks_of_hours_that_no_single_machine_explains_are_refused(read_azure):
    scale_set = "/providers/Microsoft.Compute/virtualMachineScaleSets/pool"
    with pytest.raises(InputError, match="units of '100 Hours' counts cannot be told"):
        read_azure({"UnitOfMeasure": "100 Hours", "ResourceId": scale_set})


def test_both_azure_data_sets_together_are_refused(shared_data):
    samples = shared_data / "samples"
    paths = (samples / "azure_EA_ActualCost_Small.csv", samples / "azure_EA_AmortizedCost_Small.csv")
    with pytest.raises(InputError, match="must not overlap"):
        import_export(ImportRequest(name="azure", paths=paths, spreads_days=True))


def test_azure_spellings_of_both_agreements_are_read(read_azure, units_of):
    mca = {"Cost": "", "PreTaxCost": "", "Date": "2024-03-01", "ResourceLocation": "US East"}
    assert units_of(read_azure(mca))[0, "azure/useast/Standard_D2s_v3"] == 1.0


def test_azure_machines_without_their_size_are_named_by_their_meter(read_azure, units_of):
    one = read_azure({"AdditionalInfo": "", "MeterName": "L4s Spot", "PricingModel": "Spot"})
    assert (0, "azure/eastus/Standard_L4s") in units_of(one)
    both = read_azure({"AdditionalInfo": ""})
    assert (0, "azure/eastus/D2-v3-D2s-v3") in units_of(both)


def test_an_azure_reservation_bought_inside_the_export_is_recovered(read_azure):
    purchase = {
        "ChargeType": "Purchase",
        "Frequency": "OneTime",
        "PricingModel": "Reservation",
        "Quantity": "3",
        "Term": "36",
        "ProductOrderName": "Reserved VM Instance, Standard_B1s, UK South, 3 Years",
        "benefitId": "/providers/Microsoft.Capacity/reservationOrders/o1/reservations/r1",
        "ResourceLocation": "uksouth",
        "CostInBillingCurrency": "300",
    }
    (owned,) = read_azure({}, purchase, recovers=True).recovered.commitments
    assert (owned.commitment_id, owned.quantity, owned.offer.item) == ("r1", 3.0, "Standard_B1s")
    assert owned.end_hour - owned.start_hour == 26_280
    (rest,) = read_azure({}, purchase | {"Frequency": "Recurring"}, recovers=True).recovered.unrecovered
    assert "the start" in rest.lacks


def test_google_cores_count_instances_by_their_labels_and_memory_is_not_counted_again(read_gcp, units_of, billed_of):
    found = read_gcp(
        gcp_row(hours=8.0),
        gcp_row("N2 Instance Ram running in Americas", hours=32.0, cost=0.05),
        gcp_row("Spot Preemptible N2 Instance Core running in Americas", hours=4.0, cost=0.01),
    )
    assert units_of(found) == {(0, "gcp/us-central1/n2-standard-4"): 3.0}
    assert billed_of(found) == {"on demand": "0.17", "spot": "0.01"}


def test_google_machines_without_labels_are_planned_in_cores_and_memory(read_gcp, units_of):
    found = read_gcp(
        gcp_row(system_labels=[]), gcp_row("N2 Instance Ram running in Americas", hours=16.0, system_labels=[])
    )
    assert units_of(found) == {(0, "gcp/us-central1/n2-vcpu"): 4.0, (0, "gcp/us-central1/n2-gib"): 16.0}


def test_google_seconds_are_hours_where_no_priced_amount_is_given(read_gcp, units_of):
    row = gcp_row()
    row["usage"] = {"amount": "14400", "unit": "seconds"}
    assert units_of(read_gcp(row)) == {(0, "gcp/us-central1/n2-standard-4"): 1.0}


def test_google_credits_fees_tax_and_adjustments_are_parts_of_their_own(read_gcp, billed_of):
    credits = [{"name": "CUD", "amount": -0.02, "type": "COMMITTED_USAGE_DISCOUNT"}, {"name": "SUD", "amount": -0.01}]
    found = read_gcp(
        gcp_row(credits=credits),
        gcp_row("Commitment v1: N2 Cpu in Americas for 1 Year", cost=5),
        gcp_row("Licensing Fee for Windows Server 2022 Datacenter Edition (CPU cost)", cost=3),
        gcp_row("", cost=1, cost_type="tax"),
        gcp_row(cost=-2, cost_type="adjustment"),
        gcp_row(hours=-4.0, cost=-0.5),
    )
    assert billed_of(found) == {
        "on demand": "0.10",
        "covered by a reservation": "0.02",
        "recurring fees of commitments": "5.00",
        "licences": "3.00",
        "credits": "-0.03",
        "corrections": "-2.50",
        "tax": "1.00",
    }
    assert f"{found.billed:.2f}" == "6.59"
    (rest,) = found.recovered.unrecovered
    assert rest.commitment_id.startswith("Commitment v1")


def test_credits_for_usage_lower_its_amortized_cost_and_other_credits_do_not(read_gcp, amortized_of, billed_of):
    credits = [
        {"amount": -0.02, "type": "COMMITTED_USAGE_DISCOUNT"},
        {"amount": -0.03, "type": "SUSTAINED_USAGE_DISCOUNT"},
        {"amount": -0.04, "type": "PROMOTION"},
    ]
    fee = [{"amount": -0.7, "type": "FEE_UTILIZATION_OFFSET"}]
    found = read_gcp(gcp_row(credits=credits), gcp_row("Flexible fee", cost=1.0, credits=fee, system_labels=[]))
    assert amortized_of(found) == {
        "on demand": "0.07",
        "covered by a reservation": "0.00",
        "recurring fees of commitments": "0.30",
        "credits": "-0.04",
    }
    assert billed_of(found) == {
        "on demand": "0.10",
        "covered by a reservation": "0.02",
        "recurring fees of commitments": "1.00",
        "credits": "-0.79",
    }
    assert f"{found.billed:.2f}" == f"{found.amortized:.2f}" == "0.33"


@pytest.mark.parametrize(
    ("amounts", "hours"),
    [((-0.03, 0.0), (3.0, 1.0, 0.0)), ((-0.03, -0.06), (1.0, 1.0, 2.0)), ((-0.13, 0.0), (0.0, 4.0, 0.0))],
    ids=["a part", "two kinds", "more than it cost"],
)
def test_credits_of_commitments_say_which_part_of_an_hour_they_covered(read_gcp, units_of, amounts, hours):
    types = ("COMMITTED_USAGE_DISCOUNT", "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE")
    credits = [{"amount": amount, "type": kind} for amount, kind in zip(amounts, types, strict=True)]
    found = read_gcp(gcp_row(credits=credits, system_labels=[]))
    assert units_of(found) == {(0, "gcp/us-central1/n2-vcpu"): 4.0}
    parts = {part.part.value: part.unit_hours for part in found.pool_parts}
    names = ("on demand", "covered by a reservation", "covered by a savings plan")
    assert tuple(parts.get(name, 0.0) for name in names) == pytest.approx(hours, abs=1e-9)
    assert f"{found.amortized:.2f}" == f"{0.12 + sum(amounts):.2f}"


def test_surcharges_on_google_machines_are_money_and_no_machines(read_gcp, units_of, billed_of):
    found = read_gcp(
        gcp_row(),
        gcp_row("Sole Tenancy Premium for N2 Instance Core running in Americas", cost=0.01),
        gcp_row("Sole Tenancy Premium for N2 Instance Ram running in Americas", cost=0.02),
    )
    assert units_of(found) == {(0, "gcp/us-central1/n2-standard-4"): 1.0}
    (part,) = found.pool_parts
    assert (part.unit_hours, f"{part.billed:.2f}") == (1.0, "0.15")
    assert billed_of(found) == {"on demand": "0.15"}


def test_the_memory_of_google_machines_is_money_of_their_pool(read_gcp):
    found = read_gcp(gcp_row(), gcp_row("N2 Instance Ram running in Americas", hours=16.0, cost=0.05))
    (part,) = found.pool_parts
    assert (part.pool, part.unit_hours, f"{part.billed:.2f}") == ("gcp/us-central1/n2-standard-4", 1.0, "0.17")


def test_a_google_label_without_a_value_does_not_shift_the_others(read_gcp, units_of):
    found = read_gcp(gcp_row(system_labels=[{"key": "compute.googleapis.com/is_unused_reservation"}, *LABELS]))
    assert units_of(found) == {(0, "gcp/us-central1/n2-standard-4"): 1.0}


@pytest.mark.parametrize(
    ("sku", "pool"),
    [
        ("N1 Predefined Instance Core running in Americas", "n1-vcpu"),
        ("Custom Instance Core running in Americas", "n1-vcpu"),
        ("Compute optimized Core running in Americas", "c2-vcpu"),
        ("Memory-optimized Instance Ram running in Americas", "m1-gib"),
        ("N2D AMD Instance Core running in Americas", "n2d-amd-vcpu"),
        ("Micro Instance with burstable CPU running in Americas", "f1-micro"),
    ],
)
def test_google_pools_are_named_by_their_series(read_gcp, units_of, sku, pool):
    assert list(units_of(read_gcp(gcp_row(sku, system_labels=[])))) == [(0, f"gcp/us-central1/{pool}")]


def test_subscriptions_of_google_machines_are_listed_whatever_their_fee_is_called(read_gcp):
    fee = {"cost": 1.0, "system_labels": [], "subscription": {"instance_id": "s-1"}}
    database = {"service": {"description": "Cloud SQL"}}
    found = read_gcp(
        gcp_row("Flexible fee", **fee), gcp_row("Commitment - dollar based v1: Cloud SQL", **database)
    ).recovered
    assert ([one.commitment_id for one in found.unrecovered], found.n_foreign) == (["s-1"], 1)
    assert "--subscriptions" in found.unrecovered[0].lacks


def test_software_of_azure_is_kept_apart_from_machines(read_azure, units_of, billed_of):
    """Windows paid with the machine has a pool of its own; software beside a reserved machine is no machine."""
    reserved = {"PricingModel": "Reservation", "benefitId": "r", "CostInBillingCurrency": "1"}
    licence = {"MeterCategory": "Virtual Machines Licenses", "UnitOfMeasure": "1 Hour", "CostInBillingCurrency": "2"}
    found = read_azure(
        reserved,
        {"MeterSubCategory": "Dv3/DSv3 Series Windows", "ResourceId": "/virtualMachines/vm2"},
        licence | {"MeterSubCategory": "Windows Server", "MeterName": "2 vCPU VM License"},
        licence | {"MeterSubCategory": "SQL Server Standard", "MeterName": "4 vCPU VM License"},
        {"MeterName": "Reservation-Windows Svr (2 Core)", "CostInBillingCurrency": "4"},
    )
    assert {pool: units for (hour, pool), units in units_of(found).items() if hour == 0} == {D2: 1, f"{D2}/windows": 1}
    assert billed_of(found) == {"on demand": "2.64", "covered by a reservation": "1.00", "licences": "8.00"}


def test_google_parquet_and_json_give_the_same(read_gcp, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rows = [gcp_row(credits=[{"name": "a", "amount": -0.01, "type": "x"}]), gcp_row("E2 Instance Core running in X")]
    path = tmp_path / "export.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    packed = import_export(ImportRequest(name="gcp", paths=(path,), recovers=False))
    plain = read_gcp(*rows)
    assert packed.usage.equals(plain.usage)
    assert packed.parts == plain.parts


def test_a_json_line_that_is_cut_is_refused(tmp_path):
    path = tmp_path / "export.json"
    text = json.dumps(gcp_row()) + "\n"
    path.write_text(text + text[:100])
    with pytest.raises(InputError, match="Malformed JSON"):
        import_export(ImportRequest(name="gcp", paths=(path,)))
