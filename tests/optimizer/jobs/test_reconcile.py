"""The loop of Azure and Google Cloud: an export of some days, billed again; every difference has its cause."""

import csv
import json

import pytest
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date, iso_of_hour

PRICE_HEADER = "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
D2 = "azure/eastus/Standard_D2s_v3"
E2 = "gcp/us-central1/e2-standard-4"
N1 = "gcp/us-central1/n1-standard-4"
PAYG, RESERVED, WINDOWS = 0.096, 0.06, 0.188  # [USD/h]
CORE, MEMORY = 0.0218, 0.00292  # of one vCPU and one GiB [USD/h]
E2_USD = 4 * CORE + 16 * MEMORY
KEPT = 0.72  # what a flexible commitment of a year leaves of the price
COMMITTED = 0.3  # [USD/h]
N1_USD = 4 * 0.03 + 15 * 0.004
CENT = 0.005


def reconciled(plimsoll, folder, *args):
    """reconcile.json, after the laws that hold for every one of them."""
    result = plimsoll(*args, "--out", folder / "reconciled")
    assert result.exit_code == 0, result.output
    document = json.loads((folder / "reconciled/reconcile.json").read_text())
    for line in document["lines"]:
        causes = line["by_spot_usd"] + line["by_rates_usd"] + line["by_units_usd"]
        assert_allclose(causes, line["billed_usd"] - line["charged_usd"], atol=1e-9)
    comparable = document["comparable_charged_usd"]
    assert_allclose(sum(line["charged_usd"] for line in document["lines"]), comparable, atol=1e-9)
    assert_allclose(document["billed_usd"] - comparable, document["difference_usd"], atol=1e-9)
    assert_allclose(comparable + document["outside_usd"], document["charged_usd"], atol=1e-9)
    return document, {line["line"]: line for line in document["lines"]}


def imported(plimsoll, folder, kind, export, *extra):
    """Options that name the files of an import."""
    files = {"usage": folder / "usage.parquet", "commitments": folder / "owned.csv", "pools": folder / "pools.csv"}
    outs = ("--out", files["usage"], "--commitments-out", files["commitments"], "--pools-out", files["pools"])
    result = plimsoll("import", kind, export, *outs, *extra)
    assert result.exit_code == 0, result.output
    return [part for role, path in files.items() for part in (f"--{role}", path)]


def azure_line(day, **cells):
    """A machine of 24 hours a day."""
    return {
        "Date": f"03/{day:02d}/2024",
        "ChargeType": "Usage",
        "Frequency": "UsageBased",
        "MeterCategory": "Virtual Machines",
        "MeterSubCategory": "Dv3/DSv3 Series",
        "MeterName": "D2s v3",
        "Quantity": "24",
        "UnitOfMeasure": "1 Hour",
        "CostInBillingCurrency": f"{24 * PAYG:.6f}",
        "BillingCurrencyCode": "USD",
        "ResourceLocation": "EastUS",
        "PricingModel": "OnDemand",
        "ResourceId": "/subscriptions/s/providers/Microsoft.Compute/virtualMachines/vm1",
        "AdditionalInfo": '{"ServiceType":"Standard_D2s_v3"}',
        "benefitId": "",
        "SubscriptionId": "s",
        "Term": "",
        "ProductOrderName": "",
    } | cells


def azure_export(path, *, payg=PAYG):
    """A Windows machine of two days, a machine on demand, and a reserved one that runs on the first day alone."""
    owned = {
        "PricingModel": "Reservation",
        "benefitId": "/providers/Microsoft.Capacity/reservationOrders/o1/reservations/r1",
        "ProductOrderName": "Reserved VM Instance, Standard_D2s_v3, East US, 1 Year",
        "Term": "12",
    }
    reserved = owned | {"CostInBillingCurrency": f"{24 * RESERVED:.6f}"}
    windows = {"MeterSubCategory": "Dv3/DSv3 Series Windows", "CostInBillingCurrency": f"{24 * WINDOWS:.6f}"}
    rows = [
        azure_line(1, CostInBillingCurrency=f"{24 * payg:.6f}"),
        azure_line(1, ResourceId="/virtualMachines/vm2", **reserved),
        azure_line(2, ResourceId="", ChargeType="UnusedReservation", **reserved),
    ]
    for day in (1, 2):
        rows.append(azure_line(day, ResourceId="/virtualMachines/vm3", **windows))
        rows.append(azure_line(day, MeterCategory="Storage", UnitOfMeasure="1 GB", CostInBillingCurrency="0.5"))
    upfront = {"ChargeType": "Purchase", "Frequency": "OneTime", "Quantity": "1", "CostInBillingCurrency": "0"}
    rows.append(azure_line(1, **upfront, **owned))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def azure_prices(path):
    """Pay-as-you-go and one reservation; software has an on-demand price alone."""
    reservation = "azure/eastus/reserved_standard/Standard_D2s_v3/12m/all,reservation,azure,eastus"
    path.write_text(
        PRICE_HEADER
        + f"od,on_demand,azure,eastus,{D2},0,none,{PAYG},0\n"
        + f"od-windows,on_demand,azure,eastus,{D2}/windows,0,none,{WINDOWS},0\n"
        + f"{reservation},{D2},12,all,0,{RESERVED * 8_760}\n"
    )
    return path


def test_azures_loop_closes_and_software_is_covered_by_nothing(plimsoll, tmp_path):
    export = azure_export(tmp_path / "azure.csv")
    files = imported(plimsoll, tmp_path, "azure", export, "--daily", "spread")
    prices = azure_prices(tmp_path / "prices.csv")
    document, lines = reconciled(plimsoll, tmp_path, "reconcile", "azure", export, *files, "--prices", prices)
    assert document["notes"] == []
    assert_allclose(document["difference_usd"], 0.0, atol=1e-6)
    assert_allclose(lines["on demand"]["billed_usd"], 24 * PAYG + 48 * WINDOWS)
    assert_allclose(lines["reservations used"]["billed_usd"], 24 * RESERVED)
    assert_allclose(lines["unused commitments"]["billed_usd"], 24 * RESERVED)
    assert_allclose(document["outside_usd"], 1.0)


def test_azures_negotiated_rates_are_a_difference_by_rates(plimsoll, tmp_path):
    export = azure_export(tmp_path / "azure.csv", payg=0.9 * PAYG)
    files = imported(plimsoll, tmp_path, "azure", export, "--daily", "spread")
    prices = azure_prices(tmp_path / "prices.csv")
    _, lines = reconciled(plimsoll, tmp_path, "reconcile", "azure", export, *files, "--prices", prices)
    assert_allclose(lines["on demand"]["by_rates_usd"], 24 * 0.1 * PAYG)
    assert_allclose([line["by_units_usd"] for line in lines.values()], 0.0, atol=1e-6)


def test_a_reservation_that_is_left_out_is_a_difference_by_units_and_named(plimsoll, tmp_path):
    export = azure_export(tmp_path / "azure.csv")
    files = imported(plimsoll, tmp_path, "azure", export, "--daily", "spread")
    prices = azure_prices(tmp_path / "prices.csv")
    without = [part for part in files if part not in ("--commitments", tmp_path / "owned.csv")]
    document, lines = reconciled(plimsoll, tmp_path, "reconcile", "azure", export, *without, "--prices", prices)
    assert document["notes"] == ["The export has commitment r1, the commitments file has not."]
    assert_allclose(lines["on demand"]["by_units_usd"], 24 * PAYG)
    assert_allclose(lines["reservations used"]["by_units_usd"], -24 * RESERVED)


def test_azures_actual_cost_is_named_as_paid_not_spread(plimsoll, tmp_path):
    export = azure_export(tmp_path / "azure.csv")
    lines = export.read_text().splitlines(keepends=True)
    lines[-1] = lines[-1].replace(",0,USD", f",{RESERVED * 8_760},USD")
    export.write_text("".join(lines))
    files = imported(plimsoll, tmp_path, "azure", export, "--daily", "spread")
    prices = azure_prices(tmp_path / "prices.csv")
    document, _ = reconciled(plimsoll, tmp_path, "reconcile", "azure", export, *files, "--prices", prices)
    assert "as they were paid, not spread over the term" in document["notes"][0]


def test_pools_split_on_import_are_compared_split(plimsoll, tmp_path):
    export = azure_export(tmp_path / "azure.csv")
    files = imported(plimsoll, tmp_path, "azure", export, "--daily", "spread", "--by", "account")
    prices = azure_prices(tmp_path / "prices.csv")
    prices.write_text(
        prices.read_text().replace(D2 + ",", D2 + "/account=s,").replace("windows,", "windows/account=s,")
    )
    document, _ = reconciled(plimsoll, tmp_path, "reconcile", "azure", export, *files, "--prices", prices)
    assert document["notes"] == []
    assert_allclose(document["difference_usd"], 0.0, atol=1e-6)


def google_row(hour, sku, *, amount, cost, **keys):
    """A row of the detailed export, in hours of what the SKU counts."""
    start = hour_of_date("2026-03-01") + hour
    return {
        "usage_start_time": iso_of_hour(start),
        "usage_end_time": iso_of_hour(start + 1),
        "service": {"description": "Compute Engine"},
        "sku": {"description": sku},
        "cost": round(cost, 10),
        "currency": "USD",
        "usage": {
            "amount": amount * 3_600,
            "unit": "seconds",
            "amount_in_pricing_units": amount,
            "pricing_unit": "hour",
        },
        "location": {"region": "us-central1", "zone": "us-central1-a"},
        "cost_type": "regular",
    } | keys


def labels(spec):
    """System labels of a machine of four cores."""
    return [
        {"key": "compute.googleapis.com/machine_spec", "value": spec},
        {"key": "compute.googleapis.com/cores", "value": "4"},
    ]


def e2_rows(hour, units, *, kept=1.0, **keys):
    """Cores and memory of machines, at a part of their price."""
    keys |= {"system_labels": labels("e2-standard-4")}
    yield google_row(
        hour, "E2 Instance Core running in Americas", amount=4 * units, cost=kept * 4 * CORE * units, **keys
    )
    yield google_row(
        hour, "E2 Instance Ram running in Americas", amount=16 * units, cost=kept * 16 * MEMORY * units, **keys
    )


def flexible_rows():
    """Two days under a flexible commitment, as Google bills since 2026: one with less, one with more than it covers."""
    plan = {"consumption_model": {"description": "Compute Flexible CUDs - 1 Year"}}
    for hour in range(48):
        units = 2.0 if hour < 24 else 5.0
        covered = min(units, COMMITTED / (KEPT * E2_USD))
        yield from e2_rows(hour, covered, kept=KEPT, resource={"name": "covered"}, **plan)
        if units > covered:
            yield from e2_rows(hour, units - covered, resource={"name": "rest"})
        offset = {"type": "FEE_UTILIZATION_OFFSET", "amount": -round(covered * KEPT * E2_USD, 10)}
        fee = {"credits": [offset], "subscription": {"instance_id": "s-1"}}
        yield google_row(hour, "Compute Flexible fee", amount=1.0, cost=COMMITTED, **fee)


def subscriptions(path):
    """Table with the one commitment."""
    row = {
        "cud_product": {"display_name": "Flexible CUD", "type": "Spend-Based"},
        "consumption_model": {"id": "m", "description": "Compute Flexible CUDs - 1 Year"},
        "subscription": {"instance_id": "s-1"},
        "region": "global",
        "commitent_amount": {"unit": "$/hr", "value": COMMITTED},
        "term": "P1Y",
        "start_time": "2026-02-01 00:00:00 UTC",
        "end_time": "2027-02-01 00:00:00 UTC",
        "state": "Active",
    }
    path.write_text(json.dumps(row) + "\n")
    return path


def google_export(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_googles_loop_closes_with_the_table_of_subscriptions(plimsoll, tmp_path):
    export = google_export(tmp_path / "export.json", flexible_rows())
    table = subscriptions(tmp_path / "cud_subscriptions_export.json")
    files = imported(plimsoll, tmp_path, "gcp", export, "--subscriptions", table)
    prices = tmp_path / "prices.csv"
    plan = "gcp/global/compute_savings_plan/any/12m/none,compute_savings_plan,gcp,us-central1"
    prices.write_text(
        PRICE_HEADER
        + f"od,on_demand,gcp,us-central1,{E2},0,none,{E2_USD!r},0\n"
        + f"{plan},{E2},12,none,{KEPT * E2_USD!r},0\n"
    )
    document, lines = reconciled(plimsoll, tmp_path, "reconcile", "gcp", export, *files, "--prices", prices)
    assert document["notes"] == []
    assert_allclose([line["billed_usd"] - line["charged_usd"] for line in lines.values()], 0.0, atol=CENT)
    assert_allclose(lines["plans used"]["billed_usd"], 24 * (2 * KEPT * E2_USD + COMMITTED), rtol=1e-9)
    assert_allclose(lines["unused commitments"]["billed_usd"], 24 * (COMMITTED - 2 * KEPT * E2_USD), rtol=1e-9)
    record = json.loads((tmp_path / "usage.import.json").read_text())
    assert [file["name"] for file in record["inputs"]] == ["export.json", "cud_subscriptions_export.json"]


def test_resource_based_commitments_of_google_are_told_by_their_credits(plimsoll, tmp_path):
    """Two of three machines are covered: usage at list price, credits for two, and the fee as a line of its own."""

    def rows():
        for hour in range(48):
            for row in e2_rows(hour, 3.0):
                credit = {"type": "COMMITTED_USAGE_DISCOUNT", "amount": -round(row["cost"] * 2 / 3, 10)}
                yield row | {"credits": [credit]}
            yield google_row(hour, "Commitment v1: E2 Cpu in Iowa for 1 Year", amount=8.0, cost=2 * 0.63 * E2_USD)

    export = google_export(tmp_path / "export.json", rows())
    files = imported(plimsoll, tmp_path, "gcp", export, "--unrecovered", "leave-out")
    offer = "gcp/us-central1/reserved_standard/e2-standard-4/12m/none"
    header = (tmp_path / "owned.csv").read_text().splitlines()[0]
    (tmp_path / "owned.csv").write_text(f"{header}\ncud,{offer},2,2026-01-01,2027-01-01,,,\n")
    prices = tmp_path / "prices.csv"
    prices.write_text(
        PRICE_HEADER
        + f"od,on_demand,gcp,us-central1,{E2},0,none,{E2_USD!r},0\n"
        + f"{offer},reservation,gcp,us-central1,{E2},12,none,{0.63 * E2_USD!r},0\n"
    )
    document, lines = reconciled(plimsoll, tmp_path, "reconcile", "gcp", export, *files, "--prices", prices)
    assert_allclose(lines["on demand"]["charged_usd"], 48 * E2_USD, atol=CENT)
    assert_allclose(lines["on demand"]["billed_usd"], 48 * E2_USD)
    assert_allclose(lines["reservations used"]["by_units_usd"], 0.0, atol=CENT)
    assert_allclose(document["difference_usd"], 0.0, atol=CENT)
    assert "right in sum, not one by one" in document["notes"][0]


def test_google_commitments_without_the_table_stop_the_import(plimsoll, tmp_path):
    export = google_export(tmp_path / "export.json", flexible_rows())
    out = ("--out", tmp_path / "usage.parquet", "--commitments-out", tmp_path / "owned.csv")
    result = plimsoll("import", "gcp", export, *out)
    assert result.exit_code == 2
    assert "commitment 's-1'" in result.stderr
    assert "--subscriptions" in result.stderr
    assert not (tmp_path / "usage.parquet").exists()


@pytest.mark.parametrize("kind", ["cur", "gcp"])
def test_the_table_is_refused_where_nothing_would_be_made_of_it(plimsoll, tmp_path, kind):
    export = google_export(tmp_path / "export.json", flexible_rows())
    table = subscriptions(tmp_path / "table.json")
    result = plimsoll("import", kind, export, "--out", tmp_path / "usage.parquet", "--subscriptions", table)
    assert result.exit_code == 2
    assert "--subscriptions is refused" in result.stderr
    assert not (tmp_path / "usage.parquet").exists()


def test_a_google_machine_of_a_whole_month_earns_its_sustained_use_discount_on_both_sides(plimsoll, tmp_path):
    """N1 is 30 % off over a whole month: Google's credits and our bill say the same of the import, nothing by hand."""
    keys = {"system_labels": labels("n1-standard-4")}
    core, memory = ("N1 Predefined Instance Core running in Americas", "N1 Predefined Instance Ram running in Americas")

    def rows():
        for hour in range(744):
            for sku, amount, usd in ((core, 4.0, 0.12), (memory, 15.0, 0.06)):
                credit = {"type": "SUSTAINED_USAGE_DISCOUNT", "amount": -round(0.3 * usd, 10)}
                yield google_row(hour, sku, amount=amount, cost=usd, credits=[credit], **keys)

    export = google_export(tmp_path / "export.json", rows())
    files = imported(plimsoll, tmp_path, "gcp", export)
    with (tmp_path / "pools.csv").open(newline="") as stream:
        (pool,) = csv.DictReader(stream)
    assert (pool["pool"], pool["family"], pool["size"]) == (N1, "n1", "standard-4")
    prices = tmp_path / "prices.csv"
    prices.write_text(f"{PRICE_HEADER}od,on_demand,gcp,us-central1,{N1},0,none,{N1_USD!r},0\n")
    document, lines = reconciled(plimsoll, tmp_path, "reconcile", "gcp", export, *files, "--prices", prices)
    assert_allclose(document["billed_usd"], 0.7 * 744 * N1_USD)
    assert_allclose(lines["on demand"]["charged_usd"], 0.7 * 744 * N1_USD)
    assert_allclose(document["difference_usd"], 0.0, atol=1e-6)
