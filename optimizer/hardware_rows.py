"""What the rows of owned hardware say beyond those of other offers, with every rule on it.

Not here: what rows of any offer must agree on (`optimizer.price_rows`), what the hardware does (`optimizer.hardware`).
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import Problem
from forecasting.frames import Column, ColumnKind
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_YEAR
from optimizer.hardware import Hardware

MAX_LEAD_DAYS = 3_650  # a longer lead time is mistyped
HARDWARE_COLUMNS = (
    Column(
        name="lead_time_days",
        kind=ColumnKind.INTEGER,
        unit="days",
        at_least=0.0,
        at_most=float(MAX_LEAD_DAYS),
        doc="From the order of owned hardware, which pays for it, to its first hour of service; 0 where empty.",
        required=False,
    ),
    Column(
        name="salvage_usd",
        kind=ColumnKind.TEXT,
        unit="USD/unit",
        doc="What a unit of owned hardware can be sold for after 1, 2, 3... years of service, such as 6000;4000;2500.",
        required=False,
    ),
    Column(
        name="from_year",
        kind=ColumnKind.INTEGER,
        at_least=1.0,
        doc="First year of service in which owned hardware serves the pool; the first where empty.",
        required=False,
    ),
    Column(
        name="until_year",
        kind=ColumnKind.INTEGER,
        at_least=1.0,
        doc="Last year of service in which owned hardware serves the pool; the last of its life where empty.",
        required=False,
    ),
    Column(
        name="served_units",
        kind=ColumnKind.NUMBER,
        unit="units",
        at_least=0.0,
        doc="Units of the pool that one unit of owned hardware serves; 1 where empty.",
        required=False,
    ),
)
HARDWARE_AGREE_COLUMNS = ("hourly_usd", "upfront_usd", "lead_time_days", "salvage_usd")


def misplaced_problems(rows: pd.DataFrame) -> list[Problem]:
    """Cells that only owned hardware may have, in rows of other kinds: the first of each column."""
    problems = []
    for column in HARDWARE_COLUMNS:
        given = np.flatnonzero((~(rows[column.name].isna() | (rows[column.name] == ""))).to_numpy(dtype=np.bool_))
        if len(given):
            row, kind = rows.index[given[0]], rows["kind"].iloc[given[0]]
            value = rows[column.name].iloc[given[0]]
            message = f"must be empty for {kind}, got {value}: only owned_hardware has it."
            problems.append(Problem(column=column.name, row=int(row), message=message))
    return problems


def hardware_of_rows(rows: pd.DataFrame, *, life_hours: int) -> tuple[Hardware, tuple[float, ...], list[Problem]]:
    """Hardware of the rows of one offer, and the hardware that one unit of each pool uses up.

    Parameters
    ----------
    rows : DataFrame
        Rows that agree on what an offer has once.
    life_hours : int
        Useful life. [h]

    Returns
    -------
    tuple of (Hardware, tuple of float, list of Problem)
        Not to be used where there are problems.
    """
    first = rows.iloc[0]
    salvage, problems = _salvage(rows, life_hours)
    n_years = math.ceil(life_hours / HOURS_PER_YEAR)
    problems += _year_problems(rows, n_years) + _unit_problems(rows)
    from_year, until_year = rows["from_year"].fillna(1), rows["until_year"].fillna(n_years)
    served = rows["served_units"].fillna(1.0)
    hardware = Hardware(
        lead_hours=0 if pd.isna(first["lead_time_days"]) else int(first["lead_time_days"]) * HOURS_PER_DAY,
        salvage_usd=salvage,
        from_hours=tuple((int(year) - 1) * HOURS_PER_YEAR for year in from_year),
        until_hours=tuple(min(int(year) * HOURS_PER_YEAR, life_hours) for year in until_year),
    )
    problems += [] if problems else _guarantee_problems(rows, hardware, life_hours)
    return hardware, tuple(1.0 / units if units > 0.0 else math.inf for units in served), problems


def _salvage(rows: pd.DataFrame, life_hours: int) -> tuple[tuple[float, ...] | None, list[Problem]]:
    """Values by year of service; None where the cell is empty."""
    text, upfront_usd = str(rows["salvage_usd"].iloc[0]).strip(), float(rows["upfront_usd"].iloc[0])
    if not text:
        return None, []
    n_years = math.ceil(life_hours / HOURS_PER_YEAR)
    try:
        values = tuple(float(part) for part in text.split(";"))
    except ValueError:
        values = (math.nan,)
    rule = ""
    if not all(math.isfinite(value) and value >= 0.0 for value in values):
        rule = "must be numbers >= 0 with ';' between them, such as 6000;4000;2500"
    elif len(values) > n_years:
        rule = f"must have at most {n_years} values, one for each year of the life"
    elif any(later > earlier for earlier, later in zip((upfront_usd, *values), values, strict=False)):
        rule = f"must start at no more than upfront_usd, {upfront_usd:g}, and never rise"
    if rule:
        message = f"{rule}, got {text!r}. State what a unit can be sold for after 1, 2, 3... years of service."
        return None, [Problem(column="salvage_usd", row=int(rows.index[0]), message=message)]
    return values, []


def _year_problems(rows: pd.DataFrame, n_years: int) -> list[Problem]:
    """Years of service that end before they start, or lie beyond the life."""
    problems = []
    row: Any
    for row in rows.itertuples():
        first = 1 if pd.isna(row.from_year) else int(row.from_year)
        last = n_years if pd.isna(row.until_year) else int(row.until_year)
        for column, year in (("from_year", first), ("until_year", last)):
            if year > n_years:
                message = f"must be at most {n_years}, the last year of the life, got {year}."
                problems.append(Problem(column=column, row=row.Index, message=message))
        if last < first <= n_years:
            message = f"must be at least from_year, {first}, got {last}."
            problems.append(Problem(column="until_year", row=row.Index, message=message))
    return problems


def _unit_problems(rows: pd.DataFrame) -> list[Problem]:
    """Hardware that serves nothing of its pool."""
    none = rows.index[(rows["served_units"] == 0.0).to_numpy(dtype=np.bool_)]
    return [
        Problem(column="served_units", row=int(row), message="must be > 0, got 0. Leave the row out.") for row in none
    ]


def _guarantee_problems(rows: pd.DataFrame, hardware: Hardware, life_hours: int) -> list[Problem]:
    """Firm capacity of one pool and another at once, or of other units than those of the pool."""
    is_shared = any(len(band.places) > 1 for band in hardware.age_bands(life_hours))
    is_scaled = bool(np.any(rows["served_units"].fillna(1.0) != 1.0))
    promises = np.flatnonzero(rows["guarantees_capacity"].fillna(False).to_numpy(dtype=np.bool_))
    if not len(promises) or not (is_shared or is_scaled):
        return []
    why = "serves several pools in one year" if is_shared else "has served_units other than 1"
    message = (
        f"hardware that {why} guarantees no capacity, got true for offer {rows['offer_id'].iloc[0]!r}. Write false."
    )
    return [Problem(column="guarantees_capacity", row=int(rows.index[promises[0]]), message=message)]
