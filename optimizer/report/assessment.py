"""An assessment on the terminal and as JSON; docs/money.md says what each key means.

Not here: the page (`optimizer.report.assessment_html`), how anything is computed (`optimizer.jobs.assess`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from optimizer.assessment import CaseAnswer, Cell, FactTable
from optimizer.jobs.assess.run import Assessment
from optimizer.report.assessment_html import assessment_html
from optimizer.report.assessment_words import cell_text, fact_text, heading_text
from optimizer.report.plan_json import json_bytes
from optimizer.report.terminal import fitting_table, say

SCHEMA_VERSION = 1
MAX_ROWS = 12  # of a table on the terminal; the page and the JSON document have all

__all__ = ["assessment_document", "assessment_files", "print_assessment"]


def assessment_files(found: Assessment) -> dict[str, bytes]:
    """assess.json and assess.html."""
    return {"assess.json": json_bytes(assessment_document(found)), "assess.html": assessment_html(found)}


def assessment_document(found: Assessment) -> dict[str, Any]:
    """The assessment as nested dicts and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "cases": [_case_document(answer) for answer in found.answers],
        "inputs": [asdict(record) for record in found.inputs],
        "versions": [{"name": name, "version": version} for name, version in found.versions],
    }


def _case_document(answer: CaseAnswer) -> dict[str, Any]:
    """One case."""
    return {
        "name": answer.name,
        "kind": answer.kind,
        "note": answer.note,
        "verdict": answer.verdict,
        "statement": answer.statement,
        "facts": {fact.key: fact.value for fact in answer.facts},
        "tables": {table.key: _rows(table) for table in answer.tables},
        "flip_points": list(answer.flip_points),
    }


def _rows(table: FactTable) -> list[dict[str, Cell]]:
    """Rows of a table by the keys of its columns."""
    keys = [key for key, _, _ in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def print_assessment(
    found: Assessment, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print every case: what is said, its figures, flip points and short tables.

    Parameters
    ----------
    found : Assessment
    console : Console
    out_dir : Path or None
        Where the files are; None: not written.
    files : sequence of str
        Their names.
    """
    for number, answer in enumerate(found.answers, start=1):
        say(console, f"{number}. {answer.name} ({answer.kind}): {answer.verdict}", style="bold")
        say(console, answer.statement)
        for flip in answer.flip_points:
            say(console, f"- {flip}")
        if answer.facts:
            rows = [(fact.title, fact_text(fact)) for fact in answer.facts]
            console.print(fitting_table("Figures", ("figure", "value"), rows, room=console.width))
        for table in answer.tables:
            _print_table(table, console)
        say(console, "")
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")


def _print_table(table: FactTable, console: Console) -> None:
    """First rows of a table."""
    shown = table.rows[:MAX_ROWS]
    hidden = len(table.rows) - len(shown)
    title = f"{table.title}; {hidden} more rows with --out" if hidden else table.title
    headers = [heading_text(column) for column in table.columns]
    rows = [[cell_text(cell, unit) for cell, (_, _, unit) in zip(row, table.columns, strict=True)] for row in shown]
    console.print(fitting_table(title, headers, rows, room=console.width))
