"""`plimsoll import-prices`: files in, a price list out that bills; what is missing is said, nothing is overwritten."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

SAMPLE = "aws_savingsplan_pricelist_ap-east-2_r7g_sample.csv"


@pytest.fixture
def usage_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes two days of usage, two units of each pool."""

    def write(*pools: str) -> Path:
        hours = pd.date_range("2025-01-01", periods=48, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
        path = tmp_path / "usage.csv"
        pd.concat([pd.DataFrame({"hour_utc": hours, "pool": pool, "units": 2.0}) for pool in pools]).to_csv(
            path, index=False
        )
        return path

    return write


def read(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_the_shared_table_prices_a_bill(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    """2 m5.large x 48 h at 0.096 USD; a reservation of 8 normalized units would cover them at 0.06 each."""
    usage = usage_of("aws/us-east-1/m5.large")
    out = tmp_path / "prices.csv"
    result = plimsoll("import-prices", "csv", shared_data / "prices/prices.csv", "--usage", usage, "--out", out)
    assert result.exit_code == 0, result.output
    owned, pools = tmp_path / "owned.csv", tmp_path / "pools.csv"
    pools.write_text("pool,normalization_factor\naws/us-east-1/m5.large,4\n")
    bills = {}
    for quantity in (0, 8):
        owned.write_text(
            "commitment_id,offer_id,quantity,start_utc,end_utc\n"
            f"c,aws/us-east-1/reserved_standard/m5/12m/none,{quantity},2024-06-01,2025-06-01\n"
        )
        args = ("--usage", usage, "--prices", out, "--commitments", owned, "--pools", pools, "--out", tmp_path / "bill")
        result = plimsoll("bill", *args)
        assert result.exit_code == 0, result.output
        bills[quantity] = json.loads((tmp_path / "bill/bill.json").read_text())["total_usd"]
    assert bills[0] == pytest.approx(2 * 48 * 0.096)
    assert bills[8] == pytest.approx(2 * 48 * 0.06)


def test_files_one_after_the_other_make_one_price_list(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage = usage_of("aws/ap-east-2/r7g.12xlarge", "aws/ap-northeast-1/c6i.large/windows_sql_web/dedicated")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    samples = shared_data / "samples"
    offer = samples / "aws_ec2_offer_file_sample.csv"
    result = plimsoll("import-prices", "aws-offer", offer, "--usage", usage, "--out", first)
    assert result.exit_code == 0, result.output
    assert "aws/ap-east-2/r7g.12xlarge" in result.stdout  # has no on-demand price there
    index = samples / "aws_savingsplan_region_index_sample.json"
    files = (samples / SAMPLE, index)
    result = plimsoll("import-prices", "aws-savings-plan", *files, "--usage", usage, "--with", first, "--out", second)
    assert result.exit_code == 0, result.output
    assert [row for row in read(second) if row["kind"] != "instance_savings_plan"] == read(first)
    (plan,) = [row for row in read(second) if row["kind"] == "instance_savings_plan"]
    assert (plan["pool"], plan["hourly_usd"]) == ("aws/ap-east-2/r7g.12xlarge", "1.1721")
    record = json.loads((tmp_path / "second.import.json").read_text())
    assert [one["name"] for one in record["missing"]] == ["aws/ap-east-2/r7g.12xlarge"]
    assert record["notes"] == [
        "Plans of ap-northeast-1: /savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20250911184447/ap-northeast-1/index.csv"
    ]
    assert {one["role"] for one in record["inputs"]} == {"prices", "usage", "earlier prices"}


def test_the_same_inputs_give_the_same_bytes(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage = usage_of("aws/us-east-1/m5.large", "aws/us-east-1/m5.xlarge/windows", "aws/eu-west-1/c6i.large")
    outs = [tmp_path / "a" / "p.csv", tmp_path / "b" / "p.csv"]
    for out in outs:
        plimsoll("import-prices", "csv", shared_data / "prices/prices.csv", "--usage", usage, "--out", out)
    for name in ("p.csv", "p.import.json"):
        assert (outs[0].parent / name).read_bytes() == (outs[1].parent / name).read_bytes()


def test_prices_that_disagree_with_the_earlier_list_are_refused(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage, table = usage_of("aws/us-east-1/m5.large"), shared_data / "prices/prices.csv"
    out = tmp_path / "p.csv"
    plimsoll("import-prices", "csv", table, "--usage", usage, "--out", out)
    again = plimsoll("import-prices", "csv", table, "--usage", usage, "--with", out, "--out", tmp_path / "q.csv")
    assert again.exit_code == 0
    assert (tmp_path / "q.csv").read_bytes() == out.read_bytes()
    out.write_text(out.read_text().replace(",0.096,", ",0.097,"))
    result = plimsoll("import-prices", "csv", table, "--usage", usage, "--with", out, "--out", tmp_path / "r.csv")
    assert result.exit_code == 2
    assert "must have one price (hourly_usd and upfront_usd), got 0.097 and 0, and 0.096 and 0" in result.stderr
    assert not (tmp_path / "r.csv").exists()


def test_a_further_pool_is_priced_where_it_is_named(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage, out = usage_of("aws/us-east-1/m5.large"), tmp_path / "p.csv"
    args = ("import-prices", "csv", shared_data / "prices/prices.csv", "--usage", usage, "--out", out)
    plimsoll(*args)
    assert "aws/us-east-1/m6i.large" not in out.read_text()
    plimsoll(*args, "--pool", "aws/us-east-1/m6i.large")
    assert "aws/us-east-1/on_demand/m6i.large" in out.read_text()


def test_no_price_at_all_is_refused_with_what_is_near(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage, out = usage_of("aws/sa-east-1/m5.large", "web"), tmp_path / "p.csv"
    result = plimsoll("import-prices", "csv", shared_data / "prices/prices.csv", "--usage", usage, "--out", out)
    assert result.exit_code == 2
    assert "has no price of pool 'aws/sa-east-1/m5.large': no on-demand price" in result.stderr
    assert "Nearest with a price: aws/ap-northeast-1/m5.large, aws/eu-west-1/m5.large" in result.stderr
    assert "pool 'web': the name must be <provider>/<region>/<type>" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("prices.parquet", "must name a .csv file"),
        ("usage.csv", "would overwrite another file"),
        ("d.csv", "a directory"),
    ],
)
def test_an_output_that_cannot_be_is_refused(
    out: str, message: str, shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll
):
    usage = usage_of("aws/us-east-1/m5.large")
    (tmp_path / "d.csv").mkdir()
    table = shared_data / "prices/prices.csv"
    result = plimsoll("import-prices", "csv", table, "--usage", usage, "--out", tmp_path / out)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


@pytest.mark.slow
def test_a_fleet_of_many_families_of_the_shared_table_can_be_billed(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    """A fleet of many families in a region: the catalog accepts all offers, and on demand it costs the listed sum."""
    table = pd.read_csv(shared_data / "prices/prices.csv")
    on_demand = table[
        (table["region"] == "us-east-1") & (table["instrument"] == "on_demand") & (table["os"] == "linux")
    ]
    on_demand = on_demand.iloc[::6]  # every sixth type: nearly all families, in a sixth of the time
    names = ("aws/us-east-1/" + on_demand["instance_type"]).tolist()
    usage, out = usage_of(*names), tmp_path / "p.csv"
    plimsoll("import-prices", "csv", shared_data / "prices/prices.csv", "--usage", usage, "--out", out)
    pools = tmp_path / "pools.csv"
    factors = on_demand.set_index("instance_type")["normalization_factor"]
    lines = [f"aws/us-east-1/{item},{factors[item]}" for item in factors.index]
    pools.write_text("\n".join(["pool,normalization_factor", *lines]) + "\n")
    result = plimsoll("bill", "--usage", usage, "--prices", out, "--pools", pools, "--out", tmp_path / "bill")
    assert result.exit_code == 0, result.output
    bill = json.loads((tmp_path / "bill/bill.json").read_text())
    assert bill["total_usd"] == pytest.approx(2 * 48 * np.float64(on_demand["hourly_usd"].sum()))


def test_what_is_owned_and_idle_can_be_billed_with_the_pools_file_completed(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    """A reservation of a family that nobody runs is a pure cost: 8 normalized units at 0.08 / 4 USD for 48 hours."""
    usage, out, pools = usage_of("aws/us-east-1/m5.large"), tmp_path / "prices.csv", tmp_path / "pools.csv"
    owned, declared = tmp_path / "owned.csv", tmp_path / "declared.csv"
    declared.write_text("pool,owner\naws/us-east-1/m5.large,=shop\n")
    owned.write_text(
        "commitment_id,offer_id,quantity,start_utc,end_utc\n"
        "idle,aws/us-east-1/reserved_standard/r5/12m/none,8,2024-06-01,2025-06-01\n"
    )
    table = shared_data / "prices/prices.csv"
    files = ("--usage", usage, "--commitments", owned)
    result = plimsoll(*("import-prices", "csv", table, *files, "--pools", declared, "--out", out, "--pools-out", pools))
    assert result.exit_code == 0, result.output
    rows = {row["pool"]: row for row in read(pools)}
    assert rows["aws/us-east-1/m5.large"]["owner"] == "=shop"
    assert {pool: row["normalization_factor"] for pool, row in rows.items()} == {
        "aws/us-east-1/m5.large": "4.0", "aws/us-east-1/m5.xlarge": "8.0",
        "aws/us-east-1/r5.large": "4.0", "aws/us-east-1/r5.xlarge": "8.0",
    }  # fmt: skip
    result = plimsoll("bill", *files, "--prices", out, "--pools", pools, "--out", tmp_path / "bill")
    assert result.exit_code == 0, result.output
    bill = json.loads((tmp_path / "bill/bill.json").read_text())
    prices = pd.read_csv(table).set_index(
        ["region", "instance_type", "os", "instrument", "term_years", "payment_option"]
    )
    per_unit = prices.loc[("us-east-1", "r5.large", "linux", "ri_standard", 1, "no_upfront"), "hourly_usd"] / 4
    assert bill["stranded_usd"] == pytest.approx(8 * 48 * float(per_unit), rel=0.02)
    assert bill["stranded_usd"] <= 8 * 48 * float(per_unit) * (1 + 1e-9)  # priced as the size that is cheapest


def test_a_pools_file_does_not_take_the_place_of_prices(
    shared_data: Path, usage_of: Callable[..., Path], tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage, out = usage_of("aws/us-east-1/m5.large"), tmp_path / "p.csv"
    table = shared_data / "prices/prices.csv"
    result = plimsoll("import-prices", "csv", table, "--usage", usage, "--out", out, "--pools-out", out)
    assert result.exit_code == 2
    assert "--pools-out" in result.stderr
    assert "would overwrite another file of this run" in result.stderr
    assert not out.exists()
