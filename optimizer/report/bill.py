"""A bill as a file and on the terminal.

Not here: how it is made (`optimizer.billing`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from forecasting.hours import date_of_hour, iso_of_hour
from forecasting.numerals import percent
from optimizer.jobs.bill import BillAnswer
from optimizer.report.numbers import number
from optimizer.report.plan_json import SCHEMA_VERSION, json_bytes
from optimizer.report.terminal import fitting_table, say


def bill_files(answer: BillAnswer) -> dict[str, bytes]:
    """bill.json, with `total_usd` at the top."""
    return {"bill.json": json_bytes(bill_document(answer))}


def bill_document(answer: BillAnswer) -> dict[str, Any]:
    """The bill as nested dicts and lists; amortized unless a key says cash."""
    bill = answer.bill
    return {
        "schema_version": SCHEMA_VERSION,
        "total_usd": bill.total_usd,
        "cash_usd": bill.cash_total_usd,
        "start_utc": iso_of_hour(answer.start_hour),
        "end_utc": iso_of_hour(answer.end_hour),
        "on_demand_usd": float(bill.on_demand_usd.sum()),
        "sustained_use_usd": float(bill.sustained_use_usd.sum()),
        "spot_usd": float(bill.spot_usd.sum()),
        "commitment_fees_usd": bill.fee_usd,
        "stranded_usd": bill.stranded_usd,
        "stranded_fraction": bill.stranded_fraction,
        "on_demand_equivalent_usd": bill.on_demand_equivalent_usd,
        "esr": bill.effective_savings_rate,
        "coverage": bill.coverage,
        "utilization": bill.utilization,
        "rules": [asdict(item) | {"rules": item.rules.value} for item in answer.rules],
        "assumptions": list(answer.sentences),
        "pools": [
            {
                "pool": pool,
                "demand_unit_hours": float(bill.demand_units[row] @ bill.hour_weights),
                "on_demand_unit_hours": float(bill.on_demand_units[row] @ bill.hour_weights),
                "on_demand_usd": float(bill.on_demand_usd[row]),
                "sustained_use_usd": float(bill.sustained_use_usd[row]),
                "spot_unit_hours": float(bill.spot_units[row] @ bill.hour_weights),
                "spot_usd": float(bill.spot_usd[row]),
            }
            for row, pool in enumerate(bill.pools)
        ],
        "commitments": [
            asdict(line) | {"kind": line.kind.value, "unused_usd": line.unused_usd, "utilization": line.utilization}
            for line in bill.commitments
        ],
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
    }


def print_bill(answer: BillAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()) -> None:
    """Print the totals, the commitments and the pools."""
    bill = answer.bill
    period = f"{date_of_hour(answer.start_hour)} to {date_of_hour(answer.end_hour - 1)}"
    say(console, f"Bill, {period} UTC: {number(bill.total_usd, 2)} USD (amortized)", style="bold")
    sustained_usd = float(bill.sustained_use_usd.sum())
    rows = [
        ("on demand", number(float(bill.on_demand_usd.sum()), 2)),
        *([("after sustained-use discounts of", number(sustained_usd, 2))] if sustained_usd > 0.0 else []),
        ("spot", number(float(bill.spot_usd.sum()), 2)),
        ("commitment fees", number(bill.fee_usd, 2)),
        ("of which stranded", number(bill.stranded_usd, 2)),
        ("all of it on demand", number(bill.on_demand_equivalent_usd, 2)),
    ]
    console.print(fitting_table("Parts", ("part", "USD"), rows, room=console.width))
    say(
        console,
        f"ESR {percent(bill.effective_savings_rate)}, coverage {percent(bill.coverage)}, "
        f"utilization {percent(bill.utilization)}, stranded {percent(bill.stranded_fraction)} of committed USD.",
    )
    for sentence in answer.sentences:
        say(console, sentence)
    if bill.commitments:
        lines = [
            (line.commitment_id, line.offer_id, number(line.fee_usd, 2), percent(line.utilization))
            for line in bill.commitments
        ]
        headers = ("commitment", "offer", "fees USD", "used")
        console.print(fitting_table("Commitments", headers, lines, room=console.width, n_text=2))
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")
