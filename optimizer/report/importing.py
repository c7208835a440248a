"""An import as files and on the terminal: usage, pools, commitments, and what was left out and why.

Not here: reading the export (`forecasting.usage`).
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from forecasting.hours import iso_of_hour
from forecasting.numerals import percent
from forecasting.usage.lines import Part
from optimizer.cells import escape_cell
from optimizer.jobs.importing import ImportAnswer, ImportOutputs
from optimizer.outputs import Content
from optimizer.pools import Pool
from optimizer.portfolio import Commitment
from optimizer.report.numbers import number
from optimizer.report.plan_json import SCHEMA_VERSION, json_bytes
from optimizer.report.terminal import fitting_table, say

COMMITMENT_HEADER = ("commitment_id", "offer_id", "quantity", "start_utc", "end_utc", "account", "zone", "scope")
POOL_HEADER = (
    *("pool", "family", "size", "normalization_factor", "account", "zone", "platform", "tenancy"),
    "spot_eligible_fraction",
)
CSV_SUFFIX = ".csv"
ALARMING_UNTAGGED = 0.05
OWNED_PARTS = (Part.RESERVED, Part.PLANNED, Part.UNUSED, Part.RECURRING_FEE, Part.UPFRONT_FEE)


def import_files(answer: ImportAnswer, outputs: ImportOutputs) -> dict[Path, Content]:
    """Content of every file, by its path. The same export gives the same bytes."""
    usage = answer.imported.usage
    files: dict[Path, Content] = {
        outputs.usage: usage_csv(usage) if outputs.usage.suffix.lower() == CSV_SUFFIX else parquet_bytes(usage),
        outputs.report: json_bytes(import_document(answer)),
    }
    if outputs.commitments is not None:
        files[outputs.commitments] = commitments_csv(answer.commitments)
    if outputs.pools is not None:
        files[outputs.pools] = pools_csv(answer.pools)
    return files


def parquet_bytes(table: Any) -> bytes:
    """Arrow table as Parquet, without the time of writing."""
    import pyarrow.parquet as parquet  # costs 0.1 s, and only here

    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def usage_csv(table: Any) -> bytes:
    """Usage frame as CSV."""
    frame = table.to_pydict()
    hours = (hour.strftime("%Y-%m-%dT%H:%M:%SZ") for hour in frame["hour_utc"])
    rows = zip(hours, frame["pool"], (repr(units) for units in frame["units"]), strict=True)
    return _csv_bytes(("hour_utc", "pool", "units"), rows)


def commitments_csv(commitments: Sequence[Commitment]) -> bytes:
    """Commitments file, names escaped as in every CSV."""
    rows = (
        (
            escape_cell(one.commitment_id),
            escape_cell(one.offer_id),
            repr(one.quantity),
            iso_of_hour(one.start_hour),
            iso_of_hour(one.end_hour),
            escape_cell(one.account),
            escape_cell(one.zone),
            one.scope,
        )
        for one in commitments
    )
    return _csv_bytes(COMMITMENT_HEADER, rows)


def pools_csv(pools: Sequence[Pool]) -> bytes:
    """Pools file."""
    rows = (
        (
            escape_cell(pool.name),
            escape_cell(pool.family),
            escape_cell(pool.size),
            "" if pool.normalization_factor is None else repr(pool.normalization_factor),
            escape_cell(pool.account),
            escape_cell(pool.zone),
            escape_cell(pool.platform),
            escape_cell(pool.tenancy),
            repr(pool.spot_eligible_fraction),
        )
        for pool in pools
    )
    return _csv_bytes(POOL_HEADER, rows)


def import_document(answer: ImportAnswer) -> dict[str, Any]:
    """What was counted and what was left out, as nested dicts and lists; money in the export's currency."""
    found, hours = answer.imported, answer.imported.usage.column("hour_utc")
    return {
        "schema_version": SCHEMA_VERSION,
        "format": answer.format,
        "currency": found.currency,
        "n_rows": found.n_rows,
        "billed": _money(found.billed),
        "amortized": _money(found.amortized),
        "parts": [
            {
                "part": part.part.value,
                "is_demand": part.is_demand,
                "n_rows": part.n_rows,
                "billed": _money(part.billed),
                "amortized": _money(part.amortized),
            }
            for part in found.parts
        ],
        "untagged_fraction": found.untagged_fraction,
        "first_hour_utc": hours[0].as_py().isoformat() if len(hours) else None,
        "last_hour_utc": hours[-1].as_py().isoformat() if len(hours) else None,
        "n_idle_hours": found.n_idle_hours,
        "n_gap_hours": found.n_gap_hours,
        "pools": [
            {"pool": pool.name, "unit_hours": float(pool.unit_hours), "spot_unit_hours": float(pool.spot_unit_hours)}
            for pool in found.pools
        ],
        "commitments": _commitment_part(answer),
        "assumptions": list(found.assumptions),
        "inputs": [{"name": file.name, "n_bytes": file.n_bytes} for file in answer.files],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
    }


def print_import(answer: ImportAnswer, console: Console, *, outputs: ImportOutputs) -> None:
    """Print what was counted, what was left out, and what to look at."""
    found = answer.imported
    say(console, f"Import of {found.n_rows:,} rows: {_shown(found.billed)} {found.currency} billed", style="bold")
    rows = [
        (part.part.value, "demand" if part.is_demand else "left out", _shown(part.billed), _shown(part.amortized))
        for part in found.parts
    ]
    rows.append(("total", "", _shown(found.billed), _shown(found.amortized)))
    headers = ("part", "counts as", f"billed {found.currency}", f"amortized {found.currency}")
    console.print(fitting_table("Parts", headers, rows, room=console.width, n_text=2))
    for line in _notes(answer):
        say(console, line)
    say(console, f"Written: {', '.join(str(path) for path in reversed(outputs.paths))}")


def _notes(answer: ImportAnswer) -> list[str]:
    """Sentences on what a reader must know."""
    found = answer.imported
    notes = list(found.assumptions)
    if not found.pools:
        notes.append("The export holds no machines that run: the usage file is empty, and nothing can be planned.")
    else:
        hours = sum((pool.unit_hours for pool in found.pools), start=Decimal(0))
        notes.append(f"{len(found.pools):,} pools, {number(float(hours), 1)} unit-hours.")
    if found.untagged_fraction is not None:
        alarm = (
            " That is much: savings will be hard to share out." if found.untagged_fraction >= ALARMING_UNTAGGED else ""
        )
        notes.append(f"{percent(found.untagged_fraction)} of the cost of demand has no tag.{alarm}")
    if found.n_idle_hours:
        notes.append(f"{found.n_idle_hours:,} hours had lines and no machine: they are zeros.")
    if found.n_gap_hours:
        notes.append(f"{found.n_gap_hours:,} hours have no line at all: import what is missing, or declare them zero.")
    recovered = found.recovered
    if recovered is None and any(part.part in OWNED_PARTS for part in found.parts):
        notes.append("Commitments are owned: --commitments-out writes them. A plan without them would buy them again.")
    if recovered is not None:
        notes.append(f"{len(recovered.commitments):,} commitments, {recovered.n_foreign:,} that cover no machines.")
        notes += [f"Left out: {one.commitment_id} ({one.known}) lacks {one.lacks}." for one in recovered.unrecovered]
    return notes


def _commitment_part(answer: ImportAnswer) -> Mapping[str, Any] | None:
    """Commitments that were found, and those that were not told whole; None where they were not looked for."""
    recovered = answer.imported.recovered
    if recovered is None:
        return None
    return {
        "n_recovered": len(recovered.commitments),
        "n_foreign": recovered.n_foreign,
        "unrecovered": [
            {"commitment_id": one.commitment_id, "lacks": one.lacks, "known": one.known}
            for one in recovered.unrecovered
        ],
    }


def _money(amount: Decimal) -> float:
    """Amount as a number of JSON."""
    return float(amount)


def _shown(amount: Decimal) -> str:
    """Amount to the cent."""
    return number(float(amount), 2)


def _csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Table as CSV."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode()
