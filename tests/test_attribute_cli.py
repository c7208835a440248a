"""`plimsoll attribute`: the files it writes against the bill of the same inputs."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import Result

WINDOW = ("--start", "2024-03-01", "--end", "2024-03-11")


@pytest.fixture
def inputs(fleet: Path) -> list[object]:
    """Inputs of a bill with everything in it: spot, an idle capacity reservation, two commitments; owners declared."""
    pools = (fleet / "pools.csv").read_text().splitlines()
    owners = ["owner", "=shop", "shop", ""]
    (fleet / "pools.csv").write_text("".join(f"{line},{owner}\n" for line, owner in zip(pools, owners, strict=True)))
    with (fleet / "commitments.csv").open("a") as stream:
        stream.write("idle,odcr:east/web,45,2024-01-01,2025-01-01\nmuch,ri12n:east/api,20,2024-01-01,2024-12-31\n")
    names = ("usage", "prices", "commitments", "pools")
    return [part for name in names for part in (f"--{name}", fleet / f"{name}.csv")]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def column(rows: list[dict[str, str]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def test_the_file_sums_to_the_bill(inputs: list[object], tmp_path: Path, plimsoll: Callable[..., Result]):
    cmdb = tmp_path / "cmdb.csv"
    cmdb.write_text("service,cost_center\nshop,CC-7\n")
    result = plimsoll("attribute", *inputs, *WINDOW, "--cost-centers", cmdb, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert plimsoll("bill", *inputs, *WINDOW, "--out", tmp_path / "out").exit_code == 0
    bill = json.loads((tmp_path / "out/bill.json").read_text())
    rows = rows_of(tmp_path / "out/attribution.csv")
    assert column(rows, "total_usd") == Decimal(str(round(bill["total_usd"], 2)))
    assert column(rows, "on_demand_equivalent_usd") == Decimal(str(round(bill["on_demand_equivalent_usd"], 2)))
    for row in rows:
        parts = sum(Decimal(row[name]) for name in ("on_demand_usd", "spot_usd", "commitments_usd", "idle_usd"))
        assert parts == Decimal(row["total_usd"])
        assert Decimal(row["savings_usd"]) == Decimal(row["on_demand_equivalent_usd"]) - Decimal(row["total_usd"])
    by_owner = {row["owner"]: row for row in rows if row["pool"]}
    assert set(by_owner) == {"'=shop", "shop", "(unallocated)", "(platform)"}
    assert [row["cost_center"] for row in rows if row["owner"] == "shop"] == ["CC-7"]
    idle = [row for row in rows if row["owner"] == "(platform)"]
    assert column(idle, "idle_usd") == column(rows, "idle_usd") > Decimal(str(round(bill["stranded_usd"], 2)))
    document = json.loads((tmp_path / "out/attribution.json").read_text())
    assert document["owners_without_cost_center"] == ["=shop"]
    assert document["total_usd"] == float(column(rows, "total_usd"))


def test_owners_may_carry_what_is_idle(inputs: list[object], tmp_path: Path, plimsoll: Callable[..., Result]):
    sums = {}
    for who in ("platform", "owners"):
        result = plimsoll("attribute", *inputs, *WINDOW, "--idle", who, "--out", tmp_path / who)
        assert result.exit_code == 0, result.output
        rows = rows_of(tmp_path / who / "attribution.csv")
        sums[who] = column(rows, "total_usd"), column([row for row in rows if row["pool"] == ""], "idle_usd")
    assert sums["platform"][0] == sums["owners"][0]
    assert sums["platform"][1] > sums["owners"][1] == 0


def test_hourly_owners_take_the_place_of_declared_ones(
    inputs: list[object], fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    usage = rows_of(fleet / "usage.csv")
    lines = [
        f"{row['hour_utc']},{row['pool']},{owner},{float(row['units']) * part}"
        for row in usage
        if row["pool"] == "east/web"
        for owner, part in (("day" if row["hour_utc"][10:13] < "T12" else "night", 0.75),)
    ]
    path = tmp_path / "owners.csv"
    path.write_text("hour_utc,pool,owner,units\n" + "\n".join(lines) + "\n")
    result = plimsoll("attribute", *inputs, *WINDOW, "--owners", path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    rows = [row for row in rows_of(tmp_path / "out/attribution.csv") if row["pool"] == "east/web"]
    hours = {row["owner"]: float(row["unit_hours"]) for row in rows if row["owner"] != "(platform)"}
    assert set(hours) == {"day", "night", "(unallocated)"}
    assert hours["(unallocated)"] == pytest.approx(sum(hours.values()) / 4)


def test_without_out_it_is_only_printed(inputs: list[object], fleet: Path, plimsoll: Callable[..., Result]):
    before = sorted(fleet.iterdir())
    result = plimsoll("attribute", *inputs, *WINDOW)
    assert result.exit_code == 0, result.output
    assert "(platform)" in result.stdout
    assert sorted(fleet.iterdir()) == before


def test_a_wrong_owners_file_is_refused_and_nothing_written(
    inputs: list[object], tmp_path: Path, plimsoll: Callable[..., Result]
):
    path = tmp_path / "owners.csv"
    path.write_text("hour_utc,pool,owner,units\n2024-03-01T00:00:00Z,east/web,me,1e9\n")
    result = plimsoll("attribute", *inputs, *WINDOW, "--owners", path, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "must have at most its units" in result.stderr
    assert not (tmp_path / "out").exists()
