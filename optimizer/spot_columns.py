"""What the spot columns of a pools file must be to each other.

Not here: what a single cell may be (`optimizer.pools`), what the numbers mean (`optimizer.spot`).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from forecasting.errors import Problem

MOST_WINDOW_HOURS = 168  # a week: beyond, the program over hours and work left would take long
WINDOW, WORK, OUTAGE = "deadline_window_hours", "deadline_work_hours", "spot_outage_hours"
NEEDS_OUTAGE = "Declare how long a stretch without spot lasts, or leave this cell empty."


def spot_problems(frame: pd.DataFrame) -> list[Problem]:
    """Find what the spot columns of each row contradict in each other.

    Parameters
    ----------
    frame : DataFrame
        Rows of a pools file whose cells are fine, by row number.
    """
    columns = ["spot_availability", OUTAGE, "spot_correlation", WINDOW, WORK]
    problems = []
    for row, cells in zip(frame.index.tolist(), frame[columns].to_dict("records"), strict=True):
        given = {str(name): float(value) for name, value in cells.items() if not pd.isna(value)}
        found = {**_outage_problems(given), **_deadline_problems(given)}
        problems += [Problem(column=column, row=int(row), message=message) for column, message in found.items()]
    return problems


def _outage_problems(given: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with outages, by column."""
    if OUTAGE not in given:
        message = f"needs {OUTAGE}, which is empty. {NEEDS_OUTAGE}"
        says_more = given.get("spot_correlation", 1.0) != 1.0  # 1 is what an empty cell means
        return {"spot_correlation": message} if says_more else {}
    available, hours = given.get("spot_availability", 1.0), given[OUTAGE]
    if not 0.0 < available < 1.0:
        got = f"got {available:g}" if "spot_availability" in given else "it is empty"
        rule = f"must be > 0 and < 1 where {OUTAGE} is declared, {got}"
        return {"spot_availability": f"{rule}. Declare both, or neither."}
    if hours < 1.0 / available:
        least = f"1 / spot_availability = {1.0 / available:g}"
        why = "So long are outages whose hours know nothing of each other"
        return {OUTAGE: f"must be >= {least}, got {hours:g}. {why}; leave it empty where it is not known."}
    return {}


def _deadline_problems(given: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the deadline, by column."""
    if WINDOW not in given and WORK not in given:
        return {}
    if WINDOW not in given or WORK not in given:
        there, lacking = (WINDOW, WORK) if WINDOW in given else (WORK, WINDOW)
        return {there: f"needs {lacking}, which is empty. Declare both, or neither."}
    window, work = given[WINDOW], given[WORK]
    if not window.is_integer() or not 1.0 <= window <= MOST_WINDOW_HOURS:
        return {WINDOW: f"must be a whole number from 1 to {MOST_WINDOW_HOURS}, got {window:g}. Round it down."}
    if not 0.0 < work <= window:
        return {WORK: f"must be > 0 and <= {WINDOW} {window:g}, got {work:g}. Other work can never end in time."}
    return {} if OUTAGE in given else {WINDOW: f"needs {OUTAGE}, which is empty. {NEEDS_OUTAGE}"}
