"""Recorded runs on the terminal and as files.

Not here: the store they are kept in (`optimizer.run_store`).
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from forecasting.numerals import percent
from optimizer.cells import escape_cell
from optimizer.report.numbers import number, quantity
from optimizer.report.plan_json import json_bytes
from optimizer.report.terminal import fitting_table, say
from optimizer.report.words import counted
from optimizer.run_store.records import StoredRun

HISTORY_SCHEMA = 1
HASH_LETTERS = 8
COLUMNS = ("total_usd", "esr", "coverage", "utilization", "stranded_usd", "stranded_fraction")
SCORES = ("variance_fraction", "forecast_bias_fraction", "forecast_coverage_fraction", "widening_factor")
HEADER = (
    *("run_id", "kind", "title", "start_utc", "end_utc", "recorded_at_utc", *COLUMNS, *SCORES),
    *("n_purchases", "committed_usd", "inputs_sha256"),
)


def history_files(runs: Sequence[StoredRun]) -> dict[str, bytes]:
    """history.csv with one row a run, and history.json with all that is kept.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    document: dict[str, Any] = {"schema_version": HISTORY_SCHEMA, "runs": [asdict(run) for run in runs]}
    return {"history.csv": history_csv(runs), "history.json": json_bytes(document)}


def history_csv(runs: Sequence[StoredRun]) -> bytes:
    """One row a run, numbers to the last bit; an empty cell is not known.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for run in runs:
        figures = [run.figure(name) for name in (*COLUMNS, *SCORES)]
        committed = sum(bought.committed_usd for bought in run.purchases)
        writer.writerow(
            (
                *(escape_cell(text) for text in (run.run_id, run.kind, run.title)),
                *(escape_cell(text) for text in (run.start_utc, run.end_utc, run.recorded_at_utc)),
                *("" if value is None else repr(value) for value in figures),
                len(run.purchases),
                repr(float(committed)),
                escape_cell(" ".join(f"{record.role}:{record.sha256}" for record in run.inputs)),
            )
        )
    return stream.getvalue().encode()


def print_history(
    runs: Sequence[StoredRun],
    console: Console,
    *,
    pool: str | None = None,
    out_dir: Path | None = None,
    files: Sequence[str] = (),
) -> None:
    """Print runs, the first recorded first; of one pool with its purchases and scores."""
    if not runs:
        say(console, "The store has no such run.")
        return
    rows = [_row(run) for run in runs]
    headers = (
        *("run", "about", "recorded at", "total USD", "ESR", "stranded USD", "purchases"),
        *("variance", "forecast bias", "in P10-P90"),
    )
    console.print(fitting_table(counted(len(runs), "run"), headers, rows, room=console.width, n_text=2))
    for run in runs:
        say(console, f"{run.run_id[:HASH_LETTERS]} read {_inputs(run)}")
        if pool is not None:
            _print_pool(run, pool, console)
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")


def _row(run: StoredRun) -> tuple[str, ...]:
    """One run in a table."""
    return (
        f"{run.kind} {run.run_id[:HASH_LETTERS]}",
        f"{run.start_utc[:10]} to {run.end_utc[:10]}",
        run.recorded_at_utc[:19],
        number(run.figure("total_usd"), 0),
        percent(run.figure("esr")),
        number(run.figure("stranded_usd"), 0),
        str(len(run.purchases)),
        *(percent(run.figure(name)) for name in SCORES[:3]),
    )


def _inputs(run: StoredRun) -> str:
    """Files that a run read, with the first letters of their hashes."""
    return ", ".join(f"{record.role} {record.name} ({record.sha256[:HASH_LETTERS]})" for record in run.inputs) or "none"


def _print_pool(run: StoredRun, pool: str, console: Console) -> None:
    """What a run says of one pool."""
    for bought in run.purchases:
        if pool in bought.pools:
            what = f"{quantity(bought.quantity)} {bought.quantity_unit} of {bought.offer_id}"
            say(console, f"  bought {what}, {bought.start_utc[:10]} to {bought.end_utc[:10]}")
    scores = [f"{one.name} {one.value:,.4g}" for one in run.figures if one.pool == pool]
    if scores:
        say(console, f"  {', '.join(scores)}")
