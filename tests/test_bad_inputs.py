"""Every kind of bad input through the command line: one clear error, exit code 2, nothing left behind."""

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from optimizer.cells import escape_cell

EXIT_USER = 2
ALL_ROLES = ("commitments", "pools", "roadmap", "policy")
ROLE_FILES = {
    "commitments": "commitments.csv",
    "pools": "pools.csv",
    "roadmap": "roadmap.yaml",
    "policy": "policy.yaml",
}

Edit = Callable[[Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One bad input: the file it is in, how the file becomes bad, and what the error must say of it."""

    name: str
    file: str
    edit: Edit
    says: tuple[str, ...]


def _sub(old: str, new: str, *, count: int = 1) -> Edit:
    """Replace text that must be there."""

    def edit(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    return edit


def _row(number: int, column: str, value: str) -> Edit:
    """Put a value into one cell of a CSV file; data rows count from 1."""

    def edit(path: Path) -> None:
        lines = path.read_text().splitlines()
        cells = lines[number].split(",")
        cells[lines[0].split(",").index(column)] = value
        lines[number] = ",".join(cells)
        path.write_text("\n".join(lines) + "\n")

    return edit


def _add(line: str) -> Edit:
    """Add a line at the end."""

    def edit(path: Path) -> None:
        path.write_text(path.read_text() + line + "\n")

    return edit


def _text(content: str) -> Edit:
    """Replace the whole file."""

    def edit(path: Path) -> None:
        path.write_text(content)

    return edit


def _bytes(change: Callable[[bytes], bytes]) -> Edit:
    """Change the bytes of the file."""

    def edit(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return edit


def _without(pattern: str) -> Edit:
    """Drop the lines that match; at least one must."""

    def edit(path: Path) -> None:
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not re.search(pattern, line)]
        assert len(kept) < len(lines)
        path.write_text("".join(kept))

    return edit


def _column(name: str, value: str) -> Edit:
    """Put one value into every cell of a column."""

    def edit(path: Path) -> None:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame.assign(**{name: value}).to_csv(path, index=False)

    return edit


def _without_column(name: str) -> Edit:
    """Drop a column."""

    def edit(path: Path) -> None:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame.drop(columns=name).to_csv(path, index=False)

    return edit


FIRST_HOUR = "2024-01-01T00:00:00Z"
USAGE = (
    Bad(
        name="missing column",
        file="usage.csv",
        edit=_without_column("units"),
        says=("column 'units', row 0", "is missing", "hour_utc"),
    ),
    Bad(
        name="extra column",
        file="usage.csv",
        edit=_sub("hour_utc,pool,units", "hour_utc,pool,units,cost\n"),
        says=("column 'cost', row 0", "is not a column of this file"),
    ),
    Bad(
        name="column there twice",
        file="usage.csv",
        edit=_sub("hour_utc,pool,units", "hour_utc,pool,units,pool\n"),
        says=("column 'pool', row 0", "must be there once"),
    ),
    Bad(
        name="wrong delimiter",
        file="usage.csv",
        edit=_sub(",", ";", count=-1),
        says=("row 0", "must be separated by commas, got semicolon ';'"),
    ),
    Bad(
        name="tabs",
        file="usage.csv",
        edit=_sub(",", "\t", count=-1),
        says=("row 0", "must be separated by commas, got tab"),
    ),
    Bad(
        name="UTF-16",
        file="usage.csv",
        edit=_bytes(lambda data: data.decode().encode("utf-16")),
        says=("must be UTF-8, got UTF-16",),
    ),
    Bad(
        name="UTF-16 without a mark",
        file="usage.csv",
        edit=_bytes(lambda data: data.decode().encode("utf-16-le")),
        says=("must be UTF-8, got UTF-16",),
    ),
    Bad(
        name="Latin-1",
        file="usage.csv",
        edit=_bytes(lambda data: data.replace(b"east/web", b"\xe9st/web", 1)),
        says=("row 1", "must be UTF-8, got byte 0xe9"),
    ),
    Bad(name="empty file", file="usage.csv", edit=_text(""), says=("the file is empty",)),
    Bad(name="blank file", file="usage.csv", edit=_text("\n \n"), says=("the file is empty",)),
    Bad(name="header only", file="usage.csv", edit=_text("hour_utc,pool,units\n"), says=("has no rows",)),
    Bad(
        name="NaN",
        file="usage.csv",
        edit=_row(5, "units", "NaN"),
        says=("column 'units', row 5", "must be a finite number", "'NaN'"),
    ),
    Bad(
        name="infinity",
        file="usage.csv",
        edit=_row(6, "units", "inf"),
        says=("column 'units', row 6", "must be a finite number", "'inf'"),
    ),
    Bad(
        name="number too large",
        file="usage.csv",
        edit=_row(6, "units", "1e999"),
        says=("column 'units', row 6", "must be a finite number", "'1e999'"),
    ),
    Bad(
        name="more units than there are",
        file="usage.csv",
        edit=_row(6, "units", "1e300"),
        says=("column 'units', row 6", "must be at most 1,000,000,000,000 in size, got '1e300'"),
    ),
    Bad(
        name="no demand before as-of",
        file="usage.csv",
        edit=_column("units", "0"),
        says=("column 'units'", "must be > 0 in some hour before 2024-03-11"),
    ),
    Bad(
        name="header over two lines",
        file="usage.csv",
        edit=_sub("hour_utc,pool", 'hour_utc,"po\nol"'),
        says=("row 0", "the header must stand on one line"),
    ),
    Bad(
        name="comma at the end of every line",
        file="usage.csv",
        edit=_sub("\n", ",\n", count=-1),
        says=("row 0", "a column has no name, perhaps for a comma at the end of the line"),
    ),
    Bad(
        name="no header",
        file="usage.csv",
        edit=_without("^hour_utc"),
        says=("column 'hour_utc', row 0", "is missing"),
    ),
    Bad(
        name="quoted line end in a name",
        file="usage.csv",
        edit=_row(3, "pool", '"east\n/web"'),
        says=("column 'pool', row 3", "must not hold control characters"),
    ),
    Bad(
        name="thousands separator",
        file="usage.csv",
        edit=_row(3, "units", '"1,000.5"'),
        says=("column 'units', row 3", "no thousands separator"),
    ),
    Bad(
        name="empty number",
        file="usage.csv",
        edit=_row(6, "units", ""),
        says=("column 'units', row 6", "must be a number, got an empty cell"),
    ),
    Bad(
        name="text for a number",
        file="usage.csv",
        edit=_row(6, "units", "many"),
        says=("column 'units', row 6", "must be a finite number, got 'many'"),
    ),
    Bad(
        name="negative units",
        file="usage.csv",
        edit=_row(7, "units", "-0.5"),
        says=("column 'units', row 7", "must be >= 0, got '-0.5'"),
    ),
    Bad(
        name="duplicate hour and pool",
        file="usage.csv",
        edit=_sub("\n", f"\n{FIRST_HOUR},east/web,1.0\n"),
        says=("column 'pool', row 2", "'east/web' at 2024-01-01T00:00:00Z in row 1 too"),
    ),
    Bad(
        name="not on the hour",
        file="usage.csv",
        edit=_row(4, "hour_utc", "2024-01-01T01:30:00Z"),
        says=("column 'hour_utc', row 4", "must be on the hour"),
    ),
    Bad(
        name="no zone",
        file="usage.csv",
        edit=_row(4, "hour_utc", "2024-01-01T01:00:00"),
        says=("column 'hour_utc', row 4", "must name its zone"),
    ),
    Bad(
        name="local zone",
        file="usage.csv",
        edit=_row(4, "hour_utc", "2024-01-01T02:00:00+01:00"),
        says=("column 'hour_utc', row 4", "must be in UTC", "+0100"),
    ),
    Bad(
        name="no timestamp",
        file="usage.csv",
        edit=_row(4, "hour_utc", "yesterday"),
        says=("column 'hour_utc', row 4", "must be an ISO 8601 timestamp in UTC"),
    ),
    Bad(
        name="an hour that no pool has",
        file="usage.csv",
        edit=_without("^2024-02-10T05"),
        says=(
            "column 'hour_utc', row 2896",
            "1 hours have no row for any pool",
            "2024-02-10T05:00:00Z to 2024-02-10T06:00:00Z",
            "--missing-hours zero",
        ),
    ),
    Bad(
        name="pool name with a control character",
        file="usage.csv",
        edit=_row(3, "pool", "east\x1b[31m/web"),
        says=("column 'pool', row 3", "must not hold control characters"),
    ),
    Bad(
        name="pool name with a tab",
        file="usage.csv",
        edit=_row(3, "pool", "east\t/web"),
        says=("column 'pool', row 3", "must not hold control characters"),
    ),
    Bad(
        name="pool name with a backslash",
        file="usage.csv",
        edit=_row(3, "pool", "east\\web"),
        says=("column 'pool', row 3", "must not hold a backslash"),
    ),
    Bad(
        name="pool name with a leading slash",
        file="usage.csv",
        edit=_row(3, "pool", "/etc/passwd"),
        says=("column 'pool', row 3", "must not start with '/'"),
    ),
    Bad(
        name="pool name with a part that goes up",
        file="usage.csv",
        edit=_row(3, "pool", "east/../web"),
        says=("column 'pool', row 3", "must not have a '..' part"),
    ),
    Bad(
        name="pool name of nothing",
        file="usage.csv",
        edit=_row(3, "pool", ""),
        says=("column 'pool', row 3", "must not be empty"),
    ),
    Bad(
        name="row too short",
        file="usage.csv",
        edit=_sub(f"\n{FIRST_HOUR},east/api", f"\n{FIRST_HOUR}"),
        says=("row 2", "must have 3 cells like the header, got 2"),
    ),
    Bad(name="NUL byte", file="usage.csv", edit=_row(9, "pool", "a\0b"), says=("row 9", "got a NUL byte")),
    Bad(
        name="gzip",
        file="usage.csv",
        edit=_bytes(lambda data: b"\x1f\x8b\x08\x00" + data),
        says=("is compressed with gzip",),
    ),
    Bad(
        name="Parquet cut short",
        file="usage.csv",
        edit=_bytes(lambda data: b"PAR1" + data[:100]),
        says=("cannot be read as Parquet",),
    ),
)
PRICES = (
    Bad(
        name="pool without an on-demand price",
        file="prices.csv",
        edit=_without("^od:east/api"),
        says=("column 'pool'", "'east/api' has no on-demand price"),
    ),
    Bad(
        name="offer without a rate for a pool it claims",
        file="prices.csv",
        edit=_sub(
            "csp1,compute_savings_plan,aws,east,east/api,1,none,0.608000",
            "csp1,compute_savings_plan,aws,east,east/api,1,none,",
        ),
        says=("column 'hourly_usd', row 13", "must be a number, got an empty cell"),
    ),
    Bad(
        name="offer at a rate of zero",
        file="prices.csv",
        edit=_sub("east/api,1,none,0.608000", "east/api,1,none,0"),
        says=("column 'hourly_usd', row 13", "must be > 0 for compute_savings_plan"),
    ),
    Bad(
        name="two rates for the same offer and pool",
        file="prices.csv",
        edit=_add("csp1,compute_savings_plan,aws,east,east/api,1,none,0.5,0"),
        says=("row 38", "csp1", "east/api", "row 13"),
    ),
    Bad(
        name="two on-demand prices",
        file="prices.csv",
        edit=_add("od2:east/api,on_demand,aws,east,east/api,0,none,0.9,0"),
        says=("column 'pool', row 38", "'east/api' must have one on_demand price"),
    ),
    Bad(
        name="price of infinity",
        file="prices.csv",
        edit=_row(2, "hourly_usd", "Infinity"),
        says=("column 'hourly_usd', row 2", "must be a finite number"),
    ),
    Bad(
        name="price in the wrong unit",
        file="prices.csv",
        edit=_row(2, "hourly_usd", "1e-300"),
        says=("column 'hourly_usd', row 2", "must be 0 or at least 1e-12, got 1e-300"),
    ),
    Bad(
        name="price beyond any",
        file="prices.csv",
        edit=_row(2, "hourly_usd", "1e300"),
        says=("column 'hourly_usd', row 2", "must be at most 1,000,000,000,000 in size"),
    ),
    Bad(
        name="term of a thousand years",
        file="prices.csv",
        edit=_row(2, "term_months", "12000"),
        says=("column 'term_months', row 2", "must be >= 0 and <= 120"),
    ),
    Bad(
        name="negative price",
        file="prices.csv",
        edit=_row(2, "hourly_usd", "-1"),
        says=("column 'hourly_usd', row 2", "must be >= 0"),
    ),
    Bad(
        name="kind that nobody sells",
        file="prices.csv",
        edit=_row(2, "kind", "reserved_standart"),
        says=("column 'kind', row 2", "'reserved_standart'", "Did you mean 'reserved_standard'"),
    ),
    Bad(
        name="payment option that nobody offers",
        file="prices.csv",
        edit=_row(2, "payment_option", "later"),
        says=("column 'payment_option', row 2", "none, partial, all"),
    ),
    Bad(
        name="term that is not whole",
        file="prices.csv",
        edit=_row(2, "term_months", "3.5"),
        says=("column 'term_months', row 2", "must be a whole number"),
    ),
    Bad(
        name="reservation without a term",
        file="prices.csv",
        edit=_row(2, "term_months", "0"),
        says=("column 'term_months', row 2", "must be > 0 for reserved_standard"),
    ),
    Bad(
        name="rows of one offer that disagree",
        file="prices.csv",
        edit=_row(13, "term_months", "12"),
        says=("column 'term_months', row 13", "must be the same in all rows of offer 'csp1'"),
    ),
    Bad(name="prices that are empty", file="prices.csv", edit=_text(""), says=("the file is empty",)),
    Bad(
        name="prices without a column",
        file="prices.csv",
        edit=_without_column("upfront_usd"),
        says=("column 'upfront_usd', row 0", "is missing"),
    ),
    Bad(
        name="offer with a leading slash",
        file="prices.csv",
        edit=_row(2, "offer_id", "/ri"),
        says=("column 'offer_id', row 2", "must not start with '/'"),
    ),
)
OWNED = (
    Bad(
        name="commitment on an unknown offer",
        file="commitments.csv",
        edit=_row(1, "offer_id", "csp1x"),
        says=("column 'offer_id', row 1", "'csp1x'", "Did you mean 'csp1'"),
    ),
    Bad(
        name="commitment on an on-demand price",
        file="commitments.csv",
        edit=_row(1, "offer_id", "od:east/web"),
        says=("column 'offer_id', row 1", "'od:east/web'", "not on_demand or spot"),
    ),
    Bad(
        name="end before start",
        file="commitments.csv",
        edit=_row(1, "end_utc", "2024-02-28T00:00:00Z"),
        says=("column 'end_utc', row 1", "must be after start_utc 2024-03-01T00:00:00Z"),
    ),
    Bad(
        name="end at start",
        file="commitments.csv",
        edit=_row(1, "end_utc", "2024-03-01"),
        says=("column 'end_utc', row 1", "must be after start_utc"),
    ),
    Bad(
        name="negative quantity",
        file="commitments.csv",
        edit=_row(2, "quantity", "-6"),
        says=("column 'quantity', row 2", "must be >= 0"),
    ),
    Bad(
        name="quantity beyond any",
        file="commitments.csv",
        edit=_row(2, "quantity", "1e300"),
        says=("column 'quantity', row 2", "must be at most 1,000,000,000,000 in size"),
    ),
    Bad(
        name="commitment there twice",
        file="commitments.csv",
        edit=_row(2, "commitment_id", "plan-that-ends"),
        says=("column 'commitment_id', row 2", "in row 1 too"),
    ),
    Bad(
        name="fraction above one",
        file="pools.csv",
        edit=_row(3, "spot_eligible_fraction", "50"),
        says=("column 'spot_eligible_fraction', row 3", "<= 1"),
    ),
    Bad(
        name="pool declared twice",
        file="pools.csv",
        edit=_row(2, "pool", "east/web"),
        says=("column 'pool', row 2", "east/web"),
    ),
)
YAML = (
    Bad(
        name="visible event that takes from a pool the usage does not have",
        file="roadmap.yaml",
        edit=_sub("from: [east/api]", "from: [east/apo]"),
        says=("'api-to-new'", "row 2", "'east/apo'", "Did you mean 'east/api'"),
    ),
    Bad(
        name="event that takes from a pool used only after as-of",
        file="roadmap.yaml",
        edit=_sub("from: [east/api]", "from: [west/late]"),
        says=("'api-to-new'", "row 2", "'west/late'"),
    ),
    Bad(
        name="event that gives to a pool without a price",
        file="roadmap.yaml",
        edit=_sub("to: {east/new: 1.0}", "to: {east/newer: 1.0}"),
        says=("to", "'east/newer'"),
    ),
    Bad(
        name="event that ends before it starts",
        file="roadmap.yaml",
        edit=_sub("end: 2024-03-24", "end: 2024-03-10"),
        says=("end", "row 7", "2024-03-14"),
    ),
    Bad(
        name="shares that do not sum to one",
        file="roadmap.yaml",
        edit=_sub("to: {east/new: 1.0}", "to: {east/new: 0.9}"),
        says=("to", "row 5", "sum to 1, got a sum of 0.9"),
    ),
    Bad(
        name="event of an unknown kind",
        file="roadmap.yaml",
        edit=_sub("kind: migration", "kind: migrate"),
        says=("kind", "row 3", "'migrate'"),
    ),
    Bad(
        name="unknown key of an event",
        file="roadmap.yaml",
        edit=_sub("shape: linear", "shap: linear"),
        says=("shap", "row 8", "Did you mean 'shape'"),
    ),
    Bad(
        name="event that ends in the year 9999",
        file="roadmap.yaml",
        edit=_sub("end: 2024-03-24", "end: 9999-12-31"),
        says=("end", "row 7", "between 1970-01-01 and 2199-12-31"),
    ),
    Bad(
        name="event in the first century",
        file="roadmap.yaml",
        edit=_sub("start: 2024-03-14", "start: 0024-03-14"),
        says=("start", "row 6", "between 1970-01-01 and 2199-12-31"),
    ),
    Bad(
        name="probability of two",
        file="roadmap.yaml",
        edit=_sub("size: 0.5", "probability: 2"),
        says=("events[0].probability', row 9", "must be a number from 0 to 1, got 2"),
    ),
    Bad(
        name="conversion beyond any",
        file="roadmap.yaml",
        edit=_sub("size: 0.5", "conversion: 1.0e+300"),
        says=("events[0].conversion', row 9", "must be a number from 0 to 1e+06"),
    ),
    Bad(
        name="slip of a thousand years",
        file="roadmap.yaml",
        edit=_sub("size: 0.5", "slip_days: [0, 30, 365000]"),
        says=("events[0].slip_days', row 9", "from 0 to 3650"),
    ),
    Bad(
        name="roadmap of nothing",
        file="roadmap.yaml",
        edit=_text("\n"),
        says=("the file is empty. Write {} for the defaults",),
    ),
    Bad(
        name="policy of nothing",
        file="policy.yaml",
        edit=_text(""),
        says=("the file is empty. Write {} for the defaults",),
    ),
    Bad(
        name="policy that is a list",
        file="policy.yaml",
        edit=_text("- risk\n"),
        says=("row 1", "must be a mapping of keys to values"),
    ),
    Bad(
        name="policy with a part that is a list",
        file="policy.yaml",
        edit=_text("coverage: [0.5]\n"),
        says=("column 'coverage', row 1", "must be a mapping of min_fraction, max_fraction, got [0.5]"),
    ),
    Bad(
        name="cadence of a million years",
        file="policy.yaml",
        edit=_text("cadence_months: 12000000\n"),
        says=("column 'cadence_months', row 1", "less than or equal to 120"),
    ),
    Bad(
        name="number of thousands of digits",
        file="policy.yaml",
        edit=_text(f"cadence_months: {'9' * 5000}\n"),
        says=("row 1", "must be a number, got '9999"),
    ),
    Bad(
        name="aversion beyond any",
        file="policy.yaml",
        edit=_text("risk: {lambda: 1.0e+300}\n"),
        says=("column 'risk.lambda', row 1", "less than or equal to 1000"),
    ),
    Bad(
        name="policy with a control character",
        file="policy.yaml",
        edit=_text('cadence_months: 3\nrisk: "\x07"\n'),
        says=("row 2", "must not hold control characters"),
    ),
    Bad(
        name="tag that claims a truth value",
        file="policy.yaml",
        edit=_text("cadence_months: !!bool maybe\n"),
        says=("row 1", "must be true or false, got 'maybe'"),
    ),
    Bad(
        name="key that is no text",
        file="policy.yaml",
        edit=_text("? [a]\n: 2\n"),
        says=("row 1", "a key must be text"),
    ),
    Bad(
        name="YAML nested too deeply",
        file="policy.yaml",
        edit=_text("risk: " + "[" * 5000 + "]" * 5000 + "\n"),
        says=("is nested too deeply",),
    ),
    Bad(
        name="YAML that is none",
        file="roadmap.yaml",
        edit=_text("events: [\n"),
        says=("row",),
    ),
    Bad(
        name="policy with an unknown key",
        file="policy.yaml",
        edit=_add("coverage: {minimum: 0.5}"),
        says=("column 'coverage.minimum', row 3", "is not a key of a policy"),
    ),
    Bad(
        name="policy in percent",
        file="policy.yaml",
        edit=_sub("expected_fraction: 0.05", "expected_fraction: 5"),
        says=("column 'stranded.expected_fraction', row 2", "less than or equal to 1", "15 % is 0.15"),
    ),
    Bad(
        name="policy of nan",
        file="policy.yaml",
        edit=_sub("expected_fraction: 0.05", "expected_fraction: .nan"),
        says=("column 'stranded.expected_fraction', row 2", "finite"),
    ),
    Bad(
        name="floor above the ceiling",
        file="policy.yaml",
        edit=_add("coverage: {min_fraction: 0.9, max_fraction: 0.5}"),
        says=("column 'coverage', row 3", "min_fraction must be <= max_fraction"),
    ),
)


def _ids(bad: Bad) -> str:
    return bad.name.replace(" ", "-")


@pytest.mark.parametrize("bad", [*USAGE, *PRICES, *OWNED, *YAML], ids=_ids)
def test_a_plan_refuses(bad: Bad, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]):
    bad.edit(fleet / bad.file)
    before = _tree(fleet.parent)
    result = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet.parent / "out")
    _check_refusal(result, (str(fleet / bad.file), *bad.says))
    assert _tree(fleet.parent) == before


@pytest.mark.parametrize("command", ["optimize", "bill"])
@pytest.mark.parametrize(
    "bad",
    [
        case
        for case in (*USAGE, *PRICES, *OWNED)
        if case.name in {"NaN", "no zone", "two on-demand prices", "end before start"}
    ],
    ids=_ids,
)
def test_the_other_commands_refuse_it_too(bad: Bad, command: str, fleet: Path, plimsoll: Callable[..., Result]):
    bad.edit(fleet / bad.file)
    before = _tree(fleet.parent)
    given = [
        "--prices",
        fleet / "prices.csv",
        "--commitments",
        fleet / "commitments.csv",
        "--out",
        fleet.parent / "out",
    ]
    usage = ["--usage"] if command == "bill" else ["--dates", "2024-03-11", "--terms", "1", "--demand"]
    result = plimsoll(command, *usage, fleet / "usage.csv", *given)
    _check_refusal(result, (str(fleet / bad.file), *bad.says))
    assert _tree(fleet.parent) == before


def test_all_problems_of_a_file_are_reported_at_once(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    usage = fleet / "usage.csv"
    _row(5, "units", "NaN")(usage)
    _row(7, "units", "-1")(usage)
    _row(9, "hour_utc", "2024-01-01T02:00:00")(usage)
    _row(11, "pool", "a\\b")(usage)
    result = plimsoll(*fleet_args(fleet), "--out", fleet.parent / "out")
    _check_refusal(result, ("4 problems", "'units', row 5", "'units', row 7", "'hour_utc', row 9", "'pool', row 11"))


PARQUET = {
    "NaN": (lambda frame: frame.assign(units=frame["units"].where(frame.index != 4)), ("column 'units', row 5",)),
    "infinity": (
        lambda frame: frame.assign(units=frame["units"].where(frame.index != 4, float("inf"))),
        ("column 'units', row 5", "must be a finite number"),
    ),
    "negative": (
        lambda frame: frame.assign(units=frame["units"].where(frame.index != 4, -1.0)),
        ("column 'units', row 5", "must be >= 0"),
    ),
    "no zone": (
        lambda frame: frame.assign(hour_utc=frame["hour_utc"].dt.tz_localize(None)),
        ("column 'hour_utc'", "timestamps without a zone"),
    ),
    "local zone": (
        lambda frame: frame.assign(hour_utc=frame["hour_utc"].dt.tz_convert("Europe/Paris")),
        ("column 'hour_utc'", "zone 'Europe/Paris'"),
    ),
    "not on the hour": (
        lambda frame: frame.assign(
            hour_utc=frame["hour_utc"] + pd.to_timedelta((frame.index == 4).astype(int), unit="m")
        ),
        ("column 'hour_utc', row 5", "must be on the hour"),
    ),
    "numbers as text": (lambda frame: frame.assign(units="many"), ("column 'units', row 1", "'many'")),
    "missing column": (lambda frame: frame.drop(columns="pool"), ("column 'pool', row 0", "is missing")),
    "duplicate": (lambda frame: pd.concat([frame, frame.iloc[[4]]]), ("column 'pool', row", "in row 5 too")),
}


@pytest.mark.parametrize("name", PARQUET, ids=lambda name: name.replace(" ", "-"))
def test_a_plan_refuses_parquet_with(
    name: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    change, says = PARQUET[name]
    frame = pd.read_csv(fleet / "usage.csv", parse_dates=["hour_utc"])
    usage = fleet / "usage.parquet"
    change(frame).to_parquet(usage)
    before = _tree(fleet.parent)
    args = [str(usage) if arg.endswith("usage.csv") else arg for arg in fleet_args(fleet)]
    _check_refusal(plimsoll(*args, "--out", fleet.parent / "out"), (str(usage), *says))
    assert _tree(fleet.parent) == before


DOUBLINGS = 40  # of what is named once: a text of it would have 9 ** 40 words


@pytest.mark.parametrize("item", ["[{}]", "{{k: {}}}"], ids=["lists", "mappings"])
@pytest.mark.parametrize("key", ["events", "coverage", "anything"])
def test_yaml_whose_aliases_hold_billions_of_values_is_refused_at_once_and_in_short(
    key: str, item: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    many = ", ".join(["*a{0}"] * 9) if item.startswith("[") else ", ".join(f"k{index}: *a{{0}}" for index in range(9))
    lines = [f"b0: &a0 {item.format('x')}"]
    for number in range(1, DOUBLINGS):
        values = many.format(number - 1)
        lines.append(f"b{number}: &a{number} " + (f"[{values}]" if item.startswith("[") else f"{{{values}}}"))
    text = "\n".join(lines) + f"\n{key}: *a{DOUBLINGS - 1}\n"
    (fleet / "policy.yaml").write_text(text)
    result = plimsoll(*fleet_args(fleet, "policy"), "--out", fleet.parent / "out")
    _check_refusal(result, (str(fleet / "policy.yaml"), "column 'b0', row 1", "is not a key of a policy"))
    assert len(result.stderr) < 10_000
    (fleet / "roadmap.yaml").write_text(text)
    result = plimsoll(*fleet_args(fleet, "roadmap"), "--out", fleet.parent / "out")
    _check_refusal(result, (str(fleet / "roadmap.yaml"), "column 'b0', row 1", "is not a key of a roadmap"))
    assert len(result.stderr) < 10_000


@pytest.mark.parametrize("tag", ["set", "binary", "timestamp", "omap", "python/tuple"])
def test_yaml_tags_make_nothing_but_plain_values(
    tag: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    (fleet / "policy.yaml").write_text(f"cadence_months: 3\nrisk: !!{tag} 2024-01-01\n")
    result = plimsoll(*fleet_args(fleet, "policy"), "--out", fleet.parent / "out")
    _check_refusal(result, (str(fleet / "policy.yaml"), "row 2", "asks for an object", tag))


@pytest.mark.parametrize("file", ["roadmap.yaml", "policy.yaml"])
@pytest.mark.parametrize(
    "tag", ["python/object/apply:os.system", "python/object/new:os.system", "python/name:os.system"]
)
def test_yaml_that_asks_for_an_object_is_refused_and_makes_none(
    tag: str, file: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    mark = fleet.parent / "made-by-yaml"
    argument = "" if "name" in tag else f' ["touch {mark}"]'
    (fleet / file).write_text(f"missing_hours: zero\nevents: !!{tag}{argument}\n")
    result = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet.parent / "out")
    _check_refusal(result, (str(fleet / file), "row 2", tag))
    assert _tree(fleet.parent) == {"fleet"} | {f"fleet/{path.name}" for path in fleet.iterdir()}


AS_OF = {
    "2024-05-03": ("--as-of", "at most 31 days after the last hour", "Use a date up to 2024-05-02"),
    "2023-12-01": ("no usage lies before 2023-12-01", "2024-01-01"),
    "2024-01-01": ("no usage lies before 2024-01-01",),
    "2024-02-11": ("must be at least 42 days long", "got 41.0 days"),
    "2024-02-30": ("--as-of", "must be a date", "'2024-02-30'"),
    "tomorrow": ("--as-of", "must be a date", "'tomorrow'"),
    "0024-03-11": ("--as-of", "between 1970-01-01 and 2199-12-31"),
    "9999-12-31": ("--as-of", "between 1970-01-01 and 2199-12-31"),
    "2024-03-11T00:00:00Z": ("--as-of", "must be a date"),
}


@pytest.mark.parametrize("as_of", AS_OF)
def test_a_plan_refuses_an_as_of(
    as_of: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    before = _tree(fleet.parent)
    result = plimsoll(*fleet_args(fleet, as_of=as_of), "--out", fleet.parent / "out")
    _check_refusal(result, AS_OF[as_of])
    assert _tree(fleet.parent) == before


@pytest.mark.parametrize("as_of", ["2024-02-12", "2024-05-02"])
def test_the_first_and_the_last_as_of_that_are_allowed_work(
    as_of: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    result = plimsoll(*fleet_args(fleet, as_of=as_of), "--out", fleet.parent / "out")
    assert result.exit_code == 0, result.output


FLAGS = {
    "terms of nothing": (["--terms", ""], ("--terms", "must be different whole months")),
    "terms in words": (["--terms", "one year"], ("--terms", "'one year'")),
    "terms of zero": (["--terms", "0,12"], ("--terms", "'0,12'")),
    "a term twice": (["--terms", "12,12"], ("--terms", "'12,12'")),
    "term of a thousand years": (["--terms", "12000"], ("--terms", "up to 120", "'12000'")),
    "term of thousands of digits": (["--terms", "9" * 5000], ("--terms", "up to 120", "'9999")),
    "seed in words": (["--seed", "lucky"], ("--seed", "valid integer")),
    "missing hours of one": (["--missing-hours", "one"], ("--missing-hours", "'one'")),
    "negative seed": (["--seed", "-1"], ("--seed",)),
    "unknown option": (["--policies", "x"], ("--policies",)),
    "unknown method": (["--method", "magic"], ("--method", "'magic'")),
}


@pytest.mark.parametrize("name", FLAGS, ids=lambda name: name.replace(" ", "-"))
def test_a_plan_refuses_flags(
    name: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    flags, says = FLAGS[name]
    before = _tree(fleet.parent)
    _check_refusal(plimsoll(*fleet_args(fleet), *flags, "--out", fleet.parent / "out"), says)
    assert _tree(fleet.parent) == before


def test_a_file_that_is_not_there_is_named(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    (fleet / "prices.csv").unlink()
    result = plimsoll(*fleet_args(fleet), "--out", fleet.parent / "out")
    _check_refusal(result, (str(fleet / "prices.csv"), "there is no such file"))


def _pipe(fleet: Path) -> Path:
    os.mkfifo(fleet / "pipe")
    return fleet / "pipe"


PLACES_OF_NO_FILE = {
    "a directory": (lambda fleet: fleet, "must be a file, got a directory"),
    "a pipe": (_pipe, "must be a regular file, got a pipe or a device"),
    "a device": (lambda _: Path(os.devnull), "must be a regular file, got a pipe or a device"),
    "a name too long": (lambda fleet: fleet / ("u" * 300), "cannot be read: File name too long"),
}


@pytest.mark.parametrize("option", ["--usage", "--policy"])
@pytest.mark.parametrize("name", PLACES_OF_NO_FILE, ids=lambda name: name.replace(" ", "-"))
def test_what_is_no_file_is_not_read(
    name: str, option: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    place_of, says = PLACES_OF_NO_FILE[name]
    place = place_of(fleet)
    before = _tree(fleet.parent)
    result = plimsoll(*fleet_args(fleet), option, place, "--out", fleet.parent / "out")
    _check_refusal(result, (str(place), says))
    assert _tree(fleet.parent) == before


@pytest.mark.slow
def test_windows_line_ends_byte_order_marks_and_quotes_change_nothing(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    plain = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet.parent / "plain")
    assert plain.exit_code == 0, plain.output
    for path in fleet.iterdir():
        text = path.read_text()
        if path.suffix == ".csv":
            quoted = [[f'"{cell}"' for cell in line.split(",")] for line in text.splitlines()]
            text = "".join(",".join(cells) + "\r\n" for cells in quoted)
        path.write_bytes(b"\xef\xbb\xbf" + text.replace("\r\n", "\n").replace("\n", "\r\n").encode())
    result = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet.parent / "out")
    assert result.exit_code == 0, result.output
    for name in ("purchases.csv", "schedule.csv", "allocation.parquet"):
        assert (fleet.parent / "out" / name).read_bytes() == (fleet.parent / "plain" / name).read_bytes()


INFEASIBLE = {
    "coverage against stranded": (
        "coverage: {min_fraction: 0.99}\nstranded: {expected_fraction: 0.0}\n",
        ("minimum coverage", "expected stranded value"),
    ),
    "coverage against concentration": (
        "coverage: {min_fraction: 1.0}\nconcentration: {offer_fraction: 0.01}\n",
        ("minimum coverage", "share of offer"),
    ),
    "coverage ceiling below what is owned": ("coverage: {max_fraction: 0.01}\n", ("maximum coverage",)),
}


@pytest.mark.parametrize("name", INFEASIBLE, ids=lambda name: name.replace(" ", "-"))
def test_limits_that_cannot_all_be_met_are_named_with_the_smallest_change(
    name: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    policy, any_of = INFEASIBLE[name]
    (fleet / "policy.yaml").write_text(policy)
    before = _tree(fleet.parent)
    result = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet.parent / "out")
    _check_refusal(result, ("the limits cannot all be met", "smallest change"))
    changes = re.findall(r"- (raise|lower) (.+) to ([\d.,e-]+) \w+ \(by ([\d.,e-]+)\)", result.stderr)
    assert changes
    assert all(any(label.startswith(known) for known in any_of) for _, label, _, _ in changes)
    assert _tree(fleet.parent) == before


CHANGES = {
    "coverage and stranded": ("coverage: {{min_fraction: {0}}}\nstranded: {{expected_fraction: {1}}}\n", (0.99, 0.001)),
    "stranded alone": ("stranded: {{expected_fraction: {1}}}\ncoverage: {{min_fraction: {0}}}\n", (0.8, 0.001)),
    "ceiling below what is owned": ("coverage: {{max_fraction: {2}}}\n", (0.0, 0.0, 0.01)),
}
PLACES = {"minimum coverage": 0, "expected stranded value": 1, "maximum coverage": 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES, ids=lambda name: name.replace(" ", "-"))
def test_the_change_that_is_named_makes_the_limits_meetable_and_half_of_it_does_not(
    name: str, fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    template, given = CHANGES[name]
    policy, args = fleet / "policy.yaml", [*fleet_args(fleet, "policy", "commitments"), "--out", str(fleet / "out")]
    policy.write_text(template.format(*given))
    refused = plimsoll(*args)
    changes = re.findall(r"- (?:raise|lower) (.+) to ([\d.e-]+) fraction", refused.stderr)
    assert changes, refused.stderr
    half, whole = list(given), list(given)
    for label, to in changes:
        place = PLACES[label]
        whole[place], half[place] = float(to), (float(to) + given[place]) / 2
    policy.write_text(template.format(*half))
    _check_refusal(plimsoll(*args), ("the limits cannot all be met",))
    policy.write_text(template.format(*whole))
    result = plimsoll(*args)
    assert result.exit_code == 0, result.stderr


def test_headroom_that_nothing_can_add_is_refused_with_the_capacity_it_lacks(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    _without("^odcr:")(fleet / "prices.csv")
    before = _tree(fleet.parent)
    result = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet.parent / "out")
    _check_refusal(result, ("lower headroom of east/web in 2024-03 to 0 units (by",))
    assert _tree(fleet.parent) == before


@pytest.mark.parametrize("command", ["plan", "optimize", "bill"])
@pytest.mark.parametrize("place", ["out", "out/deeper/still"])
def test_a_file_where_the_output_directory_should_be_is_left_alone(
    place: str, command: str, small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    (tmp_path / "out").write_text("mine")
    usage, prices = str(small_fleet / "usage.csv"), str(small_fleet / "prices.csv")
    given = {
        "plan": ["--usage", usage, "--as-of", "2024-03-11", "--terms", "1"],
        "optimize": ["--demand", usage, "--dates", "2024-03-11", "--terms", "1"],
        "bill": ["--usage", usage],
    }
    result = plimsoll(command, *given[command], "--prices", prices, "--out", tmp_path / place)
    _check_refusal(result, (f"--out '{tmp_path / place}'", f"'{tmp_path / 'out'}' is a file"))
    assert _tree(tmp_path) == {"out"}
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("command", ["plan", "optimize", "bill"])
def test_an_output_directory_without_a_name_is_refused(
    command: str, small_fleet: Path, plimsoll: Callable[..., Result]
):
    usage, prices = str(small_fleet / "usage.csv"), str(small_fleet / "prices.csv")
    given = {
        "plan": ["--usage", usage, "--as-of", "2024-03-11"],
        "optimize": ["--demand", usage, "--dates", "2024-03-11"],
        "bill": ["--usage", usage],
    }
    result = plimsoll(command, *given[command], "--prices", prices, "--out", "")
    _check_refusal(result, ("--out", "must name a directory, got nothing"))


def test_outputs_do_not_take_the_place_of_an_input(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    out = fleet.parent / "last-quarter"
    out.mkdir()
    owned = (fleet / "commitments.csv").rename(out / "purchases.csv")
    before = owned.read_text()
    for spelled in (out, fleet / ".." / out.name):
        result = plimsoll(*fleet_args(fleet), "--commitments", owned, "--out", spelled)
        _check_refusal(result, (f"--out '{spelled}'", f"would overwrite the input '{owned}'"))
    assert _tree(out) == {"purchases.csv"}
    assert owned.read_text() == before


def test_files_that_are_not_ours_stay_beside_the_outputs(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    out = fleet.parent / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (out / "plan.json").symlink_to(fleet / "usage.csv")
    usage = (fleet / "usage.csv").read_text()
    result = plimsoll(*fleet_args(fleet), "--out", out)
    assert result.exit_code == 0, result.output
    assert (out / "notes.txt").read_text() == "mine"
    assert (fleet / "usage.csv").read_text() == usage  # the link is replaced, not what it points to
    assert json.loads((out / "plan.json").read_text())["title"]


def test_a_folder_where_a_file_should_be_is_left_alone(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    out = fleet.parent / "out"
    (out / "plan.json").mkdir(parents=True)
    result = plimsoll(*fleet_args(fleet), "--out", out)
    _check_refusal(result, ("nothing was written", "a folder stands where the file 'plan.json' should be"))
    assert _tree(out) == {"plan.json"}


def _in_a_process(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from optimizer.cli import main; main()", *map(str, args)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_standard_output_on_a_full_disk_is_one_clear_error(small_fleet: Path):
    with Path("/dev/full").open("w") as full:
        args = ("bill", "--usage", small_fleet / "usage.csv", "--prices", small_fleet / "prices.csv")
        result = _in_a_process(*args, stdout=full)
    assert result.returncode == EXIT_USER
    assert result.stderr.startswith("error: the system says: No space left on device")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_closed_standard_output_does_not_stop_the_answer(small_fleet: Path, tmp_path: Path):
    args = ("bill", "--usage", small_fleet / "usage.csv", "--prices", small_fleet / "prices.csv", "--out", tmp_path)
    result = _in_a_process(*args, preexec_fn=lambda: os.close(1))
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "bill.json").exists()


def test_what_the_output_directory_held_stays_when_an_input_is_refused(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    out = fleet.parent / "out"
    out.mkdir()
    (out / "purchases.csv").write_text("of last quarter")
    _row(5, "units", "NaN")(fleet / "usage.csv")
    _check_refusal(plimsoll(*fleet_args(fleet), "--out", out), ("'units', row 5",))
    assert {path.name: path.read_text() for path in out.iterdir()} == {"purchases.csv": "of last quarter"}


@pytest.mark.slow
@pytest.mark.parametrize("is_there", [False, True], ids=["new-directory", "directory-of-last-quarter"])
def test_a_full_disk_leaves_nothing_behind(*, is_there: bool, fleet: Path, fleet_args: Callable[..., list[str]]):
    out = fleet.parent / "out"
    if is_there:
        out.mkdir()
        (out / "purchases.csv").write_text("of last quarter")
    before = _tree(fleet.parent)
    result = subprocess.run(
        [sys.executable, "-c", "from optimizer.cli import main; main()", *fleet_args(fleet), "--out", str(out)],
        capture_output=True,
        text=True,
        check=False,
        cwd=fleet,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert result.returncode == EXIT_USER, result.stderr
    assert "nothing was written" in result.stderr
    assert "File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert _tree(fleet.parent) == before
    if is_there:
        assert (out / "purchases.csv").read_text() == "of last quarter"


HOSTILE = {
    "east/web": "=cmd|'/c calc'!A1",
    "east/api": "<script>alert('x')</script>",
    "west/batch": "@SUM(1+1)/[red]b[/red] </script><img src=x onerror=alert(1)>",
    "east/new": "+1-1",
    "west/late": "-2+3",
}


@pytest.fixture(scope="module")
def hostile(
    small_fleet: Path,
    tmp_path_factory: pytest.TempPathFactory,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
) -> tuple[Path, Result]:
    """Folder and output of a plan whose pools, and the offers named after them, try to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    for file in ("usage.csv", "prices.csv", "commitments.csv", "pools.csv", "roadmap.yaml", "policy.yaml"):
        text = (small_fleet / file).read_text()
        for old, new in HOSTILE.items():
            name = json.dumps(new) if file.endswith("yaml") else new
            text = text.replace(f":{old},", f"-of-{old},").replace(old, name)
        text = text.replace("csp1,", "=csp1,").replace("plan-that-ends", "=plan")
        (folder / file).write_text(text.replace("ri1a-of-", "").replace("api-to-new", '"<b onload=alert(1)>api"'))
    result = plimsoll(*fleet_args(folder, *ALL_ROLES), "--out", folder / "out")
    return folder, result


def test_names_of_formulas_and_markup_are_accepted(hostile: tuple[Path, Result]):
    _folder, result = hostile
    assert result.exit_code == 0, result.output


def test_names_of_formulas_are_no_formulas_in_csv_and_are_read_back(
    hostile: tuple[Path, Result], plimsoll: Callable[..., Result]
):
    folder, _result = hostile
    purchases = pd.read_csv(folder / "out" / "purchases.csv", dtype=str)
    formulas = [name for name in purchases["offer_id"] if name.startswith("'")]
    assert escape_cell(HOSTILE["east/web"]) in formulas
    assert not purchases.map(lambda cell: cell.startswith(("=", "+", "-", "@"))).to_numpy().any()
    billed = plimsoll(
        *("bill", "--usage", folder / "usage.csv", "--prices", folder / "prices.csv", "--start", "2024-03-11"),
        *("--commitments", folder / "out" / "purchases.csv", "--out", folder / "bill"),
    )
    assert billed.exit_code == 0, billed.output
    lines = json.loads((folder / "bill" / "bill.json").read_text())["commitments"]
    assert {line["offer_id"] for line in lines} >= {HOSTILE["east/web"]}


def test_names_arrive_whole_in_json_and_parquet(hostile: tuple[Path, Result]):
    folder, _result = hostile
    document = json.loads((folder / "out" / "plan.json").read_text())
    known = {HOSTILE["east/web"], HOSTILE["east/api"], HOSTILE["west/batch"], HOSTILE["east/new"]}
    assert {row["pool"] for row in document["peaks"]} == known | {None}
    allocation = pd.read_parquet(folder / "out" / "allocation.parquet")
    assert set(allocation["pool"]) - {""} == known


def test_names_are_no_markup_on_the_page(hostile: tuple[Path, Result]):
    folder, _result = hostile
    page = (folder / "out" / "report.html").read_text()
    assert "alert(&#x27;x&#x27;)" in page or "alert(&#39;x&#39;)" in page or "alert('x')" in page
    for name in (HOSTILE["east/api"], "<img src=x onerror", "<b onload"):
        assert name not in page


def test_names_are_plain_text_on_the_terminal(hostile: tuple[Path, Result]):
    _folder, result = hostile
    assert HOSTILE["east/web"] in result.stdout
    assert "[red]b[/red]" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_pool_or_region_named_total_is_never_taken_for_all_pools(
    fleet: Path, plimsoll: Callable[..., Result], fleet_args: Callable[..., list[str]]
):
    for file in ("usage.csv", "prices.csv", "commitments.csv", "pools.csv", "roadmap.yaml"):
        text = (fleet / file).read_text()
        (fleet / file).write_text(text.replace("west/", "total/").replace("east/web", "total"))
    result = plimsoll(*fleet_args(fleet, *ALL_ROLES), "--out", fleet / "out")
    assert result.exit_code == 0, result.output
    document = json.loads((fleet / "out" / "plan.json").read_text())
    places = [(row["pool"], row["month"]) for row in document["peaks"]]
    assert len(set(places)) == len(places)
    assert {pool for pool, _ in places} == {None, "total", "total/batch", "east/api", "east/new"}
    for month in {month for _, month in places}:
        units = {row["pool"]: row["p50_units"] for row in document["peaks"] if row["month"] == month}
        assert max(units["total"], units["east/api"]) < units[None]
    for window in {part["window"] for part in document["growth"]}:
        parts = [part for part in document["growth"] if part["window"] == window]
        pools = sum(part["units"] for part in parts if part["pool"] is not None)
        assert_allclose(sum(part["units"] for part in parts if part["pool"] is None), pools, atol=1e-9)
        assert any(part["pool"] == "total" for part in parts)
    allocation = pd.read_parquet(fleet / "out" / "allocation.parquet")
    assert_allclose(allocation["usd"].sum(), document["total_usd"], rtol=1e-9)
    assert allocation.loc[allocation["pool"] == "total", "usd"].sum() < 0.9 * document["total_usd"]
    page = (fleet / "out" / "report.html").read_text()
    for heading in ("All pools<span", "<bdi>total</bdi><span", "Demand of all pools, units", "Demand of total, units"):
        assert heading in page
    firsts = [line.split("2024-0")[0].strip() for line in result.stdout.splitlines() if " 2024-0" in line]
    assert firsts.index("All pools") < firsts.index("total")


def _tree(folder: Path) -> set[str]:
    """Everything below a folder, hidden files too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _check_refusal(result: Result, says: tuple[str, ...]) -> None:
    """Exit code 2, a message with every part, and nothing but the message."""
    assert result.exit_code == EXIT_USER, result.output or repr(result.exception)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in says:
        assert part in result.stderr
