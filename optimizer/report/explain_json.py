"""Reasons and frontier of a plan as JSON objects, and the frontier as CSV; docs/plan-json.md says what keys mean.

Not here: the rest of plan.json (`optimizer.report.plan_json`), the page (`optimizer.report.explain_sections`).
"""

import csv
import io
from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from optimizer.explanation import Explanation, Frontier, FrontierPoint, PurchaseCase

FRONTIER_NAME = "frontier.csv"
FRONTIER_HEADER = (
    "plan",
    "is_knee",
    "allowed_usd",
    "stranded_usd",
    "stranded_cvar_usd",
    "stranded_fraction",
    "objective_usd",
    "lower_bound_usd",
    "gap_fraction",
    "mean_usd",
    "p90_usd",
    "cvar_usd",
    "committed_usd",
    "committed_now",
)


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Reasons as nested dicts, break-even hours as timestamps."""
    return asdict(explanation) | {"purchases": [_case(case) for case in explanation.purchases]}


def _case(case: PurchaseCase) -> dict[str, Any]:
    """Reasons of one purchase."""
    plain = asdict(case)
    hour = plain.pop("break_even_hour")
    return plain | {"break_even_utc": None if hour is None else iso_of_hour(hour)}


def frontier_document(frontier: Frontier) -> dict[str, Any]:
    """Frontier as nested dicts."""
    return {
        "points": [_point(point) for point in frontier.points],
        "knee": frontier.knee,
        "plan": _point(frontier.plan),
    }


def _point(point: FrontierPoint) -> dict[str, Any]:
    """One plan of the frontier."""
    return asdict(point) | {"committed_now_usd": [{"kind": kind, "usd": usd} for kind, usd in point.committed_now_usd]}


def frontier_csv(frontier: Frontier) -> bytes:
    """Plans of the frontier, the least stranded first, then the plan itself; numbers to the last bit.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed. `committed_now` is "kind=USD", separated by semicolons.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FRONTIER_HEADER)
    rows = [(str(place), place == frontier.knee, point) for place, point in enumerate(frontier.points)]
    for name, is_knee, point in [*rows, ("this plan", False, frontier.plan)]:
        figures = [getattr(point, key) for key in FRONTIER_HEADER[2:-1]]
        bought = ";".join(f"{kind}={usd!r}" for kind, usd in point.committed_now_usd)
        writer.writerow(
            (name, str(is_knee).lower(), *("" if value is None else repr(float(value)) for value in figures), bought)
        )
    return stream.getvalue().encode()
