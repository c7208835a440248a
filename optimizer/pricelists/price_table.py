"""A price table: one row for each instance type, platform, instrument, term and payment option.

Its columns are provider, region, instance_type, os, instrument, term_years, payment_option, hourly_usd, upfront_usd and
effective_hourly_usd, with `basis` where prices are computed from others; further columns are left alone.

Not here: providers' own files (`optimizer.pricelists.aws_offer`, `optimizer.pricelists.aws_savings_plan`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as compute

from forecasting.errors import InputError, Problem
from forecasting.frames import did_you_mean
from forecasting.hours import term_hours
from forecasting.usage.pool_names import PoolKey
from optimizer.offers import PLAN_KINDS, OfferKind
from optimizer.pricelists.aws_files import price_batches
from optimizer.pricelists.listed import (
    TERM_MONTHS_OF_YEARS,
    Leavings,
    ListedPrice,
    PriceList,
    Wanted,
    family_of,
    one_price_each,
)

TABLE_COLUMNS = (
    *("provider", "region", "instance_type", "os", "instrument", "term_years", "payment_option"),
    *("hourly_usd", "upfront_usd", "effective_hourly_usd"),
)
KIND_OF_INSTRUMENT: Mapping[str, OfferKind] = {
    "on_demand": OfferKind.ON_DEMAND,
    "spot": OfferKind.SPOT,
    "ri_standard": OfferKind.RESERVED_STANDARD,
    "ri_convertible": OfferKind.RESERVED_CONVERTIBLE,
    "reservation": OfferKind.RESERVED_STANDARD,
    "cud_resource": OfferKind.RESERVED_STANDARD,
    "sp_ec2_instance": OfferKind.INSTANCE_SAVINGS_PLAN,
    "sp_compute": OfferKind.COMPUTE_SAVINGS_PLAN,
    "savings_plan": OfferKind.COMPUTE_SAVINGS_PLAN,
    "cud_flexible": OfferKind.COMPUTE_SAVINGS_PLAN,
}
WITHOUT_CONTRACT = {
    "sustained_use_full_month": "sustained-use discounts: they depend on the month's usage, not on an offer"
}
PAYMENTS = {"": "none", "no_upfront": "none", "partial_upfront": "partial", "all_upfront": "all"}
PLAIN_NAME = re.compile(r"[A-Za-z][\w-]*")
EFFECTIVE_TOLERANCE = 1e-3  # relative: the effective price of the table is rounded to the fifth decimal
LEAST_EFFECTIVE_USD = 1e-5
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Money:
    """Numbers of one row. [USD/unit-hour, USD/unit, USD/unit-hour]"""

    hourly_usd: float
    upfront_usd: float
    effective_usd: float


def read_price_table(path: Path, wanted: Wanted) -> PriceList:
    """Prices of a table for the regions and families wanted.

    Parameters
    ----------
    path : Path
        CSV, may be gzip.
    wanted : Wanted

    Raises
    ------
    InputError
        With all problems of the rows that are wanted.
    """
    leavings = Leavings()
    problems: list[Problem] = []
    prices: list[ListedPrice] = []
    near: set[PoolKey] = set()
    row_number = 0
    for batch in price_batches(path, TABLE_COLUMNS, kind="csv", optional=("basis",)):
        numbered = batch.append_column("row", pa.array(range(row_number + 1, row_number + batch.num_rows + 1)))
        row_number += batch.num_rows
        near |= set(_near(numbered, wanted))
        for row in _rows(numbered, wanted):
            price = _price(row, path, leavings, problems)
            prices += [price] if price is not None else []
    if problems:
        raise InputError(str(path), problems[:MAX_PROBLEMS])
    return PriceList(prices=one_price_each(prices, leavings), near=frozenset(near), left_out=leavings.listed())


def _rows(batch: pa.Table, wanted: Wanted) -> Iterator[dict[str, str]]:
    """Rows of wanted places and families, every value as text."""
    regions = pa.array(sorted({region for _, region in wanted.places}), type=pa.string())
    for row in batch.filter(compute.is_in(batch["region"], value_set=regions)).to_pylist():
        is_place = (row["provider"], row["region"]) in wanted.places
        if is_place and family_of(row["instance_type"]) in wanted.families:
            yield {name: str(value).strip() for name, value in row.items()}


def _near(batch: pa.Table, wanted: Wanted) -> Iterator[PoolKey]:
    """Things with an on-demand price that a missing pool could be near to."""
    regions = pa.array(sorted({region for _, region in wanted.places}), type=pa.string())
    items = pa.array(sorted(wanted.items), type=pa.string())
    is_place = compute.or_(
        compute.is_in(batch["region"], value_set=regions), compute.is_in(batch["instance_type"], value_set=items)
    )
    mask = compute.and_(is_place, compute.equal(batch["instrument"], "on_demand"))
    for row in batch.filter(mask).select(["provider", "region", "instance_type", "os"]).to_pylist():
        yield PoolKey(provider=row["provider"], region=row["region"], item=row["instance_type"], platform=row["os"])


def _price(row: dict[str, str], path: Path, leavings: Leavings, problems: list[Problem]) -> ListedPrice | None:
    """Price of a row; None where it is left out or wrong."""
    reason = WITHOUT_CONTRACT.get(row["instrument"])
    if reason is not None:
        leavings.add(reason, f"{row['instance_type']} in {row['region']}")
        return None
    found = _text_problems(row)
    money = _money(row, found)
    months = _term_months(row)
    if months is None:
        got = f"{row['term_years']!r} for {row['instrument']}"
        found.append(_problem(row, "term_years", f"must be 1 or 3, or 0 for on_demand and spot, got {got}."))
    problems += found
    if found or money is None or months is None:
        return None
    kind = KIND_OF_INSTRUMENT[row["instrument"]]
    if not _is_consistent(money, months):
        got = f"{money.effective_usd:g} with {money.hourly_usd:g} hourly and {money.upfront_usd:g} upfront"
        rule = "must be hourly_usd + upfront_usd / term hours"
        problems.append(_problem(row, "effective_hourly_usd", f"{rule}, got {got}. Correct the row."))
        return None
    is_plan = kind in PLAN_KINDS
    return ListedPrice(
        kind=kind,
        item=PoolKey(
            provider=row["provider"], region=row["region"], item=row["instance_type"], platform=row["os"] or "linux"
        ),
        term_months=months,
        payment=PAYMENTS[row["payment_option"]],
        hourly_usd=money.effective_usd if is_plan else money.hourly_usd,
        upfront_usd=0.0 if is_plan else money.upfront_usd,
        source=path.name,
        is_derived=row["basis"] not in ("", "exact"),
    )


def _problem(row: dict[str, str], column: str, message: str) -> Problem:
    """Problem of one cell."""
    return Problem(column=column, row=int(row["row"]), message=message)


def _text_problems(row: dict[str, str]) -> list[Problem]:
    """Words that are not known, and names that no pool can have."""
    problems = []
    if row["instrument"] not in KIND_OF_INSTRUMENT:
        known = [*KIND_OF_INSTRUMENT, *WITHOUT_CONTRACT]
        hint = did_you_mean(row["instrument"], known)
        message = f"must be one of {', '.join(known)}, got {row['instrument']!r}.{hint}"
        problems.append(_problem(row, "instrument", message))
    if row["payment_option"] not in PAYMENTS:
        message = f"must be empty, {', '.join(list(PAYMENTS)[1:])}, got {row['payment_option']!r}."
        problems.append(_problem(row, "payment_option", message))
    for column in ("provider", "region"):
        if not PLAIN_NAME.fullmatch(row[column]):
            message = f"must be letters, digits, hyphens and underscores, got {row[column]!r}."
            problems.append(_problem(row, column, message))
    return problems


def _money(row: dict[str, str], problems: list[Problem]) -> _Money | None:
    """Numbers of a row; None where one is wrong."""
    values = {}
    for column in ("hourly_usd", "upfront_usd", "effective_hourly_usd"):
        try:
            values[column] = float(row[column])
        except ValueError:
            values[column] = float("nan")
        if not 0.0 <= values[column] < float("inf"):
            problems.append(_problem(row, column, f"must be a number >= 0, got {row[column]!r}."))
            return None
    if values["effective_hourly_usd"] == 0.0:
        problems.append(_problem(row, "effective_hourly_usd", "must be > 0, got 0. Leave the row out if it is free."))
        return None
    return _Money(
        hourly_usd=values["hourly_usd"],
        upfront_usd=values["upfront_usd"],
        effective_usd=values["effective_hourly_usd"],
    )


def _term_months(row: dict[str, str]) -> int | None:
    """Length in months; None where it does not fit the instrument."""
    is_market = row["instrument"] in ("on_demand", "spot")
    if row["term_years"] in ("0", "") and is_market:
        return 0
    return (
        None
        if is_market
        else {str(years): months for years, months in TERM_MONTHS_OF_YEARS.items()}.get(row["term_years"])
    )


def _is_consistent(money: _Money, term_months: int) -> bool:
    """Whether the effective price follows from hourly and upfront."""
    spread = money.upfront_usd / term_hours(term_months) if term_months else money.upfront_usd
    expected = money.hourly_usd + spread
    return abs(expected - money.effective_usd) <= EFFECTIVE_TOLERANCE * expected + LEAST_EFFECTIVE_USD
