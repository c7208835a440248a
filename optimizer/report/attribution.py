"""An attributed bill as files and on the terminal.

Not here: how it is shared out (`optimizer.attribution`).
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from forecasting.hours import date_of_hour, iso_of_hour
from optimizer.attribution import CENTS, AttributedRow
from optimizer.cells import escape_cell
from optimizer.jobs.attribution import Attribution
from optimizer.owners import PLATFORM, UNALLOCATED
from optimizer.report.numbers import number
from optimizer.report.plan_json import SCHEMA_VERSION, json_bytes
from optimizer.report.terminal import fitting_table, say

ATTRIBUTION_HEADER = (
    *("month", "owner", "cost_center", "pool", "unit_hours", "on_demand_equivalent_usd", "on_demand_usd", "spot_usd"),
    *("commitments_usd", "idle_usd", "total_usd", "savings_usd"),
)
MAX_SHOWN = 30


def attribution_files(found: Attribution) -> dict[str, bytes]:
    """attribution.csv, and attribution.json with `total_usd` at the top."""
    return {"attribution.csv": attribution_csv(found), "attribution.json": json_bytes(attribution_document(found))}


def attribution_csv(found: Attribution) -> bytes:
    """Rows by month, owner and pool, money in whole cents that add up to the bill.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(ATTRIBUTION_HEADER)
    for row in found.rows:
        money = (
            *(row.on_demand_equivalent_cents, row.on_demand_cents, row.spot_cents, row.commitments_cents),
            *(row.idle_cents, row.total_cents, row.savings_cents),
        )
        center = found.cost_centers.get(row.owner, "")
        writer.writerow(
            (
                *(row.month, escape_cell(row.owner), escape_cell(center), escape_cell(row.pool), repr(row.unit_hours)),
                *(_usd_text(cents) for cents in money),
            )
        )
    return stream.getvalue().encode()


def attribution_document(found: Attribution) -> dict[str, Any]:
    """Totals, and sums by owner and by cost centre."""
    answer = found.answer
    owners = {row.owner for row in found.rows} - {PLATFORM, UNALLOCATED}
    return {
        "schema_version": SCHEMA_VERSION,
        "total_usd": sum(row.total_cents for row in found.rows) / CENTS,
        "on_demand_equivalent_usd": sum(row.on_demand_equivalent_cents for row in found.rows) / CENTS,
        "billed_usd": answer.bill.total_usd,
        "start_utc": iso_of_hour(answer.start_hour),
        "end_utc": iso_of_hour(answer.end_hour),
        "idle_to": found.idle_to.value,
        "owners": _sums(found.rows, "owner", lambda row: row.owner),
        "cost_centers": _sums(found.rows, "cost_center", lambda row: found.cost_centers.get(row.owner, "")),
        "owners_without_cost_center": sorted(owners - set(found.cost_centers)) if found.cost_centers else [],
        "inputs": [asdict(record) for record in found.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
    }


def print_attribution(
    found: Attribution, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print one line for each owner, the dearest first."""
    answer = found.answer
    period = f"{date_of_hour(answer.start_hour)} to {date_of_hour(answer.end_hour - 1)}"
    total = sum(row.total_cents for row in found.rows) / CENTS
    say(console, f"Attribution, {period} UTC: {number(total, 2)} USD (amortized)", style="bold")
    owners = sorted(_sums(found.rows, "owner", lambda row: row.owner), key=lambda one: -one["total_usd"])
    lines = [
        (
            one["owner"],
            found.cost_centers.get(one["owner"], ""),
            number(one["total_usd"], 2),
            number(one["savings_usd"], 2),
            number(one["idle_usd"], 2),
        )
        for one in owners[:MAX_SHOWN]
    ]
    headers = ("owner", "cost centre", "USD", "saved USD", "of it idle USD")
    console.print(fitting_table("By owner", headers, lines, room=console.width, n_text=2))
    if len(owners) > MAX_SHOWN:
        say(console, f"and {len(owners) - MAX_SHOWN} owners more")
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")


def _sums(rows: Sequence[AttributedRow], name: str, key: Callable[[AttributedRow], str]) -> list[dict[str, Any]]:
    """Rows added up by a name, in its order."""
    groups: dict[str, list[AttributedRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return [
        {
            name: group,
            "total_usd": sum(row.total_cents for row in members) / CENTS,
            "savings_usd": sum(row.savings_cents for row in members) / CENTS,
            "on_demand_equivalent_usd": sum(row.on_demand_equivalent_cents for row in members) / CENTS,
            "on_demand_usd": sum(row.on_demand_cents for row in members) / CENTS,
            "spot_usd": sum(row.spot_cents for row in members) / CENTS,
            "commitments_usd": sum(row.commitments_cents for row in members) / CENTS,
            "idle_usd": sum(row.idle_cents for row in members) / CENTS,
        }
        for group, members in sorted(groups.items())
    ]


def _usd_text(cents: int) -> str:
    """Whole cents as USD."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // CENTS}.{abs(cents) % CENTS:02d}"
