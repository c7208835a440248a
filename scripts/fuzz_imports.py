"""Imports thousands of damaged exports: each must be refused with an error, or give what a plain loop over it gives.

`python scripts/fuzz_imports.py --n 10000 --seed 0`. A small export is cut, its bytes are changed, its cells replaced by
strange ones, its columns moved or dropped, its rows doubled, or it is packed. Any exception but an `InputError`, and
any sum of money or machine hours that differs, is printed with the case's number; the exit code is then 1. Not here:
exports that are whole (`make_exports.py`).
"""

import argparse
import csv
import gzip
import io
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from forecasting.errors import InputError
from forecasting.usage.imported import ImportRequest, import_export

N_HOURS = 6
TYPES = ("BoxUsage:m5.large", "USW2-BoxUsage:c5.xlarge", "SpotUsage:m5.large", "EBS:VolumeUsage.gp3", "MP:m5.large")
LINE_TYPES = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "Tax", "Credit", "RIFee")
STRANGE = (
    *(
        "",
        "NULL",
        "nan",
        "inf",
        "-1",
        "1e308",
        "1e-400",
        "0x1F",
        "1,5",
        "1 000",
        "=1+1",
        "'",
        '"',
        "\\",
        "\t",
        "..",
        "/",
    ),
    *("2024-02-30", "2024-03-01T25:00:00Z", "9999999999", "Ж", "\u202e", "a" * 5_000, "{", "[]", "%s", "{}", "--", ";"),
)
CUR_HEADER = (
    *("lineItem/LineItemType", "lineItem/UsageStartDate", "lineItem/UsageEndDate", "lineItem/ProductCode"),
    *("lineItem/UsageType", "lineItem/Operation", "lineItem/AvailabilityZone", "lineItem/ResourceId"),
    *("lineItem/UsageAmount", "lineItem/UnblendedCost", "lineItem/CurrencyCode", "product/regionCode"),
)
FOCUS_HEADER = (
    *("ChargeCategory", "ChargePeriodStart", "ChargePeriodEnd", "ServiceName", "ChargeDescription", "ChargeClass"),
    *("ServiceCategory", "ResourceId", "ConsumedQuantity", "BilledCost", "BillingCurrency", "RegionId"),
    *("EffectiveCost", "ProviderName", "ConsumedUnit", "PricingCategory"),
)
AMOUNT = {"cur": "lineItem/UsageAmount", "focus": "ConsumedQuantity"}
MONEY = {"cur": "lineItem/UnblendedCost", "focus": "BilledCost"}
HEADERS = {"cur": CUR_HEADER, "focus": FOCUS_HEADER}
MACHINE = re.compile(r"(?:^|^[A-Z]{2,4}\d{0,2}-)(?:BoxUsage|SpotUsage)(?![A-Za-z])")
ROUNDING = Decimal("1e-9")

Table = list[list[str]]
Damage = Callable[[Table, np.random.Generator], Table]


def cur_rows(rng: np.random.Generator) -> Table:
    """Lines of an AWS report."""
    rows = []
    for number in range(int(rng.integers(1, 25))):
        hour = int(rng.integers(N_HOURS))
        rows.append(
            [
                str(rng.choice(LINE_TYPES)),
                f"2024-03-01T{hour:02d}:00:00Z",
                f"2024-03-01T{hour + 1:02d}:00:00Z",
                "AmazonEC2",
                str(rng.choice(TYPES)),
                "RunInstances",
                "us-east-1a",
                f"i-{number}",
                f"{rng.random():.6f}",
                f"{rng.normal():.8f}",
                "USD",
                "us-east-1",
            ]
        )
    return [list(CUR_HEADER), *rows]


def focus_rows(rng: np.random.Generator) -> Table:
    """Charges of FOCUS."""
    rows = []
    for number in range(int(rng.integers(1, 25))):
        hour = int(rng.integers(N_HOURS))
        cost = f"{rng.normal():.8f}"
        rows.append(
            [
                str(rng.choice(["Usage", "Usage", "Purchase", "Tax", "Credit"])),
                f"2024-03-01T{hour:02d}:00:00Z",
                f"2024-03-01T{hour + 1:02d}:00:00Z",
                "Amazon Elastic Compute Cloud",
                str(rng.choice(["$0.1 per On Demand Linux m5.large Instance Hour", "$0.05 per NAT Gateway Hour"])),
                str(rng.choice(["", "Correction"])),
                "Compute",
                f"i-{number}",
                f"{rng.random():.6f}",
                cost,
                "USD",
                "us-east-1",
                cost,
                "AWS",
                "Hours",
                str(rng.choice(["Standard", "Dynamic", "Committed"])),
            ]
        )
    return [list(FOCUS_HEADER), *rows]


def strange_cell(rows: Table, rng: np.random.Generator) -> Table:
    """Replace some cells."""
    for _ in range(int(rng.integers(1, 4))):
        row = rows[int(rng.integers(len(rows)))]
        row[int(rng.integers(len(row)))] = str(rng.choice(STRANGE))
    return rows


def moved_columns(rows: Table, rng: np.random.Generator) -> Table:
    """Put the columns in another order."""
    order = rng.permutation(len(rows[0]))
    return [[row[place] for place in order] for row in rows]


def dropped_column(rows: Table, rng: np.random.Generator) -> Table:
    """Leave a column out."""
    place = int(rng.integers(len(rows[0])))
    return [[cell for index, cell in enumerate(row) if index != place] for row in rows]


def doubled_rows(rows: Table, rng: np.random.Generator) -> Table:
    """Give some rows twice."""
    return [*rows, *(list(rows[1 + int(rng.integers(len(rows) - 1))]) for _ in range(int(rng.integers(1, 4))))]


def ragged_row(rows: Table, rng: np.random.Generator) -> Table:
    """Cut or lengthen a row."""
    row = rows[int(rng.integers(len(rows)))]
    if rng.random() < 0.5:
        row.append("x")
    else:
        row.pop()
    return rows


def untouched(rows: Table, rng: np.random.Generator) -> Table:
    """Leave the rows as they are."""
    del rng
    return rows


ROW_DAMAGES: tuple[Damage, ...] = (strange_cell, moved_columns, dropped_column, doubled_rows, ragged_row, untouched)


def damaged_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut, change or pack the bytes of a file."""
    how = int(rng.integers(6))
    if how == 0:
        return content[: int(rng.integers(len(content)))]
    if how == 1:
        changed = bytearray(content)
        for _ in range(int(rng.integers(1, 5))):
            changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        return bytes(changed)
    if how == 2:
        packed = gzip.compress(content, mtime=0)
        return packed[: int(rng.integers(1, len(packed)))]
    if how == 3:
        packed_bytes = bytearray(gzip.compress(content, mtime=0))
        packed_bytes[int(rng.integers(10, len(packed_bytes)))] ^= 1 << int(rng.integers(8))
        return bytes(packed_bytes)
    return gzip.compress(content, mtime=0) if how == 4 else content


def is_machine(row: dict[str, str], name: str) -> bool:
    """Whether a row is of a machine that runs, by the simplest reading of the rules."""
    if name == "focus":
        is_usage = row["ChargeCategory"] == "Usage" and row["ChargeClass"] != "Correction"
        is_compute = row["ServiceCategory"] in {"Compute", "NULL", ""} and row["ProviderName"] == "AWS"
        return is_usage and is_compute and row["ConsumedUnit"] == "Hours" and "On Demand" in row["ChargeDescription"]
    is_running = row["lineItem/LineItemType"] in LINE_TYPES[:3] and row["lineItem/ProductCode"] == "AmazonEC2"
    return is_running and MACHINE.search(row["lineItem/UsageType"]) is not None


def plain_totals(content: bytes, name: str) -> tuple[Decimal, Decimal] | None:
    """Money and machine hours of a file by a plain loop; None where the loop itself stumbles."""
    try:
        unpacked = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        text = unpacked.decode("utf-8-sig", errors="replace")  # bytes that no column read are nobody's concern
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        records = [dict(zip((cell.strip() for cell in rows[0]), row, strict=True)) for row in rows[1:]]
        money = sum((Decimal(record[MONEY[name]].strip()) for record in records), start=Decimal(0))
        amounts = [Decimal(record[AMOUNT[name]].strip()) for record in records if is_machine(record, name)]
        hours = sum((amount for amount in amounts if amount >= 0), start=Decimal(0))
    except (OSError, EOFError, ValueError, IndexError, KeyError, InvalidOperation, csv.Error):
        return None
    return (money, hours) if money.is_finite() and hours.is_finite() else None


def case_of(number: int, seed: int) -> tuple[str, bytes]:
    """Format and content of one case."""
    rng = np.random.default_rng([seed, number])
    name = "cur" if number % 2 else "focus"
    rows = cur_rows(rng) if name == "cur" else focus_rows(rng)
    rows = ROW_DAMAGES[int(rng.integers(len(ROW_DAMAGES)))](rows, rng)
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return name, damaged_bytes(stream.getvalue().encode(), rng)


def check_case(number: int, seed: int, folder: Path) -> str:
    """Import one case: "refused" or "read" where all is well, else what is wrong."""
    name, content = case_of(number, seed)
    path = folder / "export.csv"
    path.write_bytes(content)
    try:
        found = import_export(ImportRequest(name=name, paths=(path,), spreads_days=True, threads=1))
    except InputError:
        return "refused"
    except Exception as error:  # what a fuzz run looks for
        return f"{type(error).__name__}: {str(error)[:300]}"
    totals = plain_totals(content, name)
    parts = sum((part.billed for part in found.parts), start=Decimal(0))
    hours = sum((pool.unit_hours for pool in found.pools), start=Decimal(0))
    room = ROUNDING * max(found.n_rows, 1)
    if totals is None or abs(parts - totals[0]) > room or abs(hours - totals[1]) > room or parts != found.billed:
        return f"{name}: money {parts} of {found.billed}, hours {hours}, a plain loop {totals}"
    return "read"


def main(given: Sequence[str] | None = None) -> int:
    """Run the cases and print how they ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(given)
    counts = {"read": 0, "refused": 0}
    n_wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.first, arguments.first + arguments.n):
            outcome = check_case(number, arguments.seed, Path(folder))
            if outcome in counts:
                counts[outcome] += 1
            else:
                n_wrong += 1
                print(f"case {number}: {outcome}")
    print(f"{arguments.n:,} cases: {counts['read']:,} read, {counts['refused']:,} refused, {n_wrong:,} wrong")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
