"""A reconciliation as files and on the terminal.

Not here: how both sides are compared (`optimizer.jobs.reconcile`).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from forecasting.hours import date_of_hour, iso_of_hour
from forecasting.numerals import percent
from optimizer.cells import escape_cell
from optimizer.jobs.reconcile import PoolLine, Reconciliation
from optimizer.report.numbers import number
from optimizer.report.plan_json import SCHEMA_VERSION, json_bytes
from optimizer.report.terminal import fitting_table, say

HEADER = (
    *("line", "pool", "charged_unit_hours", "billed_unit_hours", "charged_usd", "billed_usd", "difference_usd"),
    *("by_spot_usd", "by_rates_usd", "by_units_usd"),
)
SMALL_USD = 0.005
CAUSES = (
    "By spot: a bill takes spot as one share of every hour, the export has its own hours. By rates: the price list "
    "against what was charged (negotiated prices, rounding, another date). By units: hours that something else paid "
    "for (order of application, accounts, zones, commitments that one side lacks)."
)


def reconciliation_files(found: Reconciliation) -> dict[str, bytes]:
    """reconcile.csv by line and pool, and reconcile.json."""
    return {"reconcile.csv": reconciliation_csv(found), "reconcile.json": json_bytes(reconciliation_document(found))}


def reconciliation_csv(found: Reconciliation) -> bytes:
    """Lines by pool, then what no price list has, to the last bit.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for line in found.lines:
        numbers = (
            *(line.charged_unit_hours, line.billed_unit_hours, line.charged_usd, line.billed_usd),
            *(line.difference_usd, line.by_spot_usd, line.by_rates_usd, line.by_units_usd),
        )
        writer.writerow((line.line, escape_cell(line.pool), *(repr(float(value)) for value in numbers)))
    for part in found.outside:
        usd = float(part.amortized)
        writer.writerow((f"not billed: {part.part.value}", "", "", "", repr(usd), "0.0", repr(-usd), "", "", ""))
    return stream.getvalue().encode()


def reconciliation_document(found: Reconciliation) -> dict[str, Any]:
    """Sums by line, parts outside of a bill, and notes."""
    answer = found.answer
    return {
        "schema_version": SCHEMA_VERSION,
        "charged_usd": found.charged_usd,
        "outside_usd": float(sum(part.amortized for part in found.outside)),
        "comparable_charged_usd": sum(line.charged_usd for line in found.lines),
        "billed_usd": answer.bill.total_usd,
        "difference_usd": sum(line.difference_usd for line in found.lines),
        "start_utc": iso_of_hour(answer.start_hour),
        "end_utc": iso_of_hour(answer.end_hour),
        "lines": _sums(found.lines),
        "outside": [
            {"part": part.part.value, "n_rows": part.n_rows, "amortized_usd": float(part.amortized)}
            for part in found.outside
        ],
        "notes": list(found.notes),
        "inputs": [asdict(record) for record in found.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
    }


def print_reconciliation(
    found: Reconciliation, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print both sides by line, what the difference comes from, and what is no part of a bill."""
    answer = found.answer
    period = f"{date_of_hour(answer.start_hour)} to {date_of_hour(answer.end_hour - 1)}"
    sums = _sums(found.lines)
    charged = sum(one["charged_usd"] for one in sums)
    difference = sum(one["difference_usd"] for one in sums)
    share = percent(abs(difference) / charged) if charged else "n/a"
    say(console, f"Charged and billed, {period} UTC, amortized USD: {share} apart", style="bold")
    rows = [
        (
            one["line"],
            *(number(_rounded(one[name]), 2) for name in ("charged_usd", "billed_usd", "difference_usd")),
            *(number(_rounded(one[name]), 2) for name in ("by_spot_usd", "by_rates_usd", "by_units_usd")),
        )
        for one in sums
    ]
    headers = ("line", "charged", "billed", "difference", "by spot", "by rates", "by units")
    console.print(fitting_table("What a price list has", headers, rows, room=console.width))
    if any(abs(one["difference_usd"]) >= SMALL_USD for one in sums):
        say(console, CAUSES)
    outside = [(part.part.value, str(part.n_rows), number(float(part.amortized), 2)) for part in found.outside]
    if outside:
        headers_outside = ("part", "rows", "USD")
        console.print(fitting_table("Charged, and no part of a bill", headers_outside, outside, room=console.width))
    for note in found.notes:
        say(console, note)
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")


def _rounded(usd: float) -> float:
    """Amount to the cent: sums of both sides differ in their last bits."""
    return round(usd, 2) + 0.0


def _sums(lines: Sequence[PoolLine]) -> list[dict[str, Any]]:
    """Lines added up over pools, in their order."""
    groups: dict[str, list[PoolLine]] = {}
    for line in lines:
        groups.setdefault(line.line, []).append(line)
    return [
        {
            "line": name,
            "charged_usd": sum(line.charged_usd for line in members),
            "billed_usd": sum(line.billed_usd for line in members),
            "difference_usd": sum(line.difference_usd for line in members),
            "by_spot_usd": sum(line.by_spot_usd for line in members),
            "by_rates_usd": sum(line.by_rates_usd for line in members),
            "by_units_usd": sum(line.by_units_usd for line in members),
        }
        for name, members in groups.items()
    ]
