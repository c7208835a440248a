"""What is owned: commitments with their start and end, read from a commitments file.

Not here: what a commitment covers in an hour (`optimizer.billing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.errors import InputError, Problem
from forecasting.frames import Column, ColumnKind, ScannedTable, did_you_mean, repeat_problems, scan_table
from forecasting.hours import iso_of_hour
from optimizer.cells import unescape_cell
from optimizer.offers import Catalog, Offer

COMMITMENT_COLUMNS = (
    Column(name="commitment_id", kind=ColumnKind.NAME, doc="Name of the commitment; one row for each."),
    Column(name="offer_id", kind=ColumnKind.NAME, doc="Offer of the price list it was bought from."),
    Column(
        name="quantity",
        kind=ColumnKind.NUMBER,
        unit="units, normalized units or USD/h",
        at_least=0.0,
        doc="Units of a reservation, normalized units of a size-flexible one, USD per hour of a plan.",
    ),
    Column(name="start_utc", kind=ColumnKind.HOUR_OR_DATE, doc="First hour; a date means its 00:00 UTC."),
    Column(name="end_utc", kind=ColumnKind.HOUR_OR_DATE, doc="Hour after the last; a date means its 00:00 UTC."),
    Column(name="account", kind=ColumnKind.TEXT, doc="Account that bought it.", required=False),
    Column(name="zone", kind=ColumnKind.TEXT, doc="Zone it is bound to.", required=False),
    Column(name="scope", kind=ColumnKind.TEXT, doc="Scope, such as zonal or regional.", required=False),
    Column(
        name="exchangeable",
        kind=ColumnKind.BOOLEAN,
        doc="Whether it can be exchanged; not where empty.",
        required=False,
    ),
    Column(name="resalable", kind=ColumnKind.BOOLEAN, doc="Whether it can be sold; not where empty.", required=False),
    Column(
        name="decision_date",
        kind=ColumnKind.HOUR_OR_DATE,
        doc="Date it was decided on, as in purchases.csv; for the record only.",
        required=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """An offer owned.

    Attributes
    ----------
    commitment_id : str
        Its name.
    offer_id : str
        The offer it was bought from.
    quantity : float
        Units (normalized units where size-flexible) of a reservation; USD per hour of a plan.
    start_hour, end_hour : int
        Epoch hours; the end is exclusive.
    account, zone, scope : str
        Where billing depends on it; empty where not declared.
    exchangeable, resalable : bool
        False where not declared.
    """

    commitment_id: str
    offer_id: str
    quantity: float
    start_hour: int
    end_hour: int
    account: str = ""
    zone: str = ""
    scope: str = ""
    exchangeable: bool = False
    resalable: bool = False


def order_hour(owned: Commitment, offer: Offer) -> int:
    """When a commitment was bought: before its first hour where its offer has a lead time. Epoch hour."""
    return owned.start_hour - offer.lead_hours


def owned_offer_ids(path: Path | None) -> frozenset[str]:
    """Offers that a commitments file names, for `optimizer.prices.build_catalog` to keep; none without a file.

    Raises
    ------
    InputError
        With all problems of the cells.
    """
    if path is None:
        return frozenset()
    scanned = _scanned(path)
    if scanned.problems:
        raise InputError(str(path), _table_problems(scanned.frame, scanned.problems))
    return frozenset(scanned.frame["offer_id"])


def read_commitments(path: Path, catalog: Catalog, *, prices: str) -> tuple[Commitment, ...]:
    """Owned commitments of a commitments file, in its order.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `COMMITMENT_COLUMNS`; may hold no rows.
    catalog : Catalog
        Price list. It must have been built with `keep_offers` from `owned_offer_ids`.
    prices : str
        Name of the price list, for messages.

    Raises
    ------
    InputError
        With all problems of the file.
    """
    scanned = _scanned(path)
    problems = list(scanned.problems)
    if scanned.is_complete:
        problems = _table_problems(scanned.frame, scanned.problems)
        problems += _offer_problems(scanned.frame, {offer.offer_id for offer in catalog.offers}, prices)
    if problems:
        raise InputError(str(path), problems)
    return tuple(_commitment(row) for row in scanned.frame.itertuples())


def read_optional_commitments(path: Path | None, catalog: Catalog, *, prices: str) -> tuple[Commitment, ...]:
    """Owned commitments; nothing is owned without a file."""
    return () if path is None else read_commitments(path, catalog, prices=prices)


def commitments_frame(commitments: Sequence[Commitment]) -> pd.DataFrame:
    """Table of commitments that `read_commitments` reads back, hours as ISO timestamps in UTC."""
    names = [column.name for column in COMMITMENT_COLUMNS if column.name != "decision_date"]
    records = [
        {
            "commitment_id": owned.commitment_id,
            "offer_id": owned.offer_id,
            "quantity": owned.quantity,
            "start_utc": iso_of_hour(owned.start_hour),
            "end_utc": iso_of_hour(owned.end_hour),
            "account": owned.account,
            "zone": owned.zone,
            "scope": owned.scope,
            "exchangeable": owned.exchangeable,
            "resalable": owned.resalable,
        }
        for owned in commitments
    ]
    return pd.DataFrame.from_records(records, columns=names)


def _scanned(path: Path) -> ScannedTable:
    """Typed cells, names as they were before `optimizer.cells.escape_cell`: what a plan wrote is read back."""
    scanned = scan_table(path, COMMITMENT_COLUMNS)
    if not scanned.is_complete:
        return scanned
    names = {name: scanned.frame[name].map(unescape_cell) for name in ("commitment_id", "offer_id")}
    return replace(scanned, frame=scanned.frame.assign(**names))


def _table_problems(frame: pd.DataFrame, cell_problems: Sequence[Problem]) -> list[Problem]:
    """Problems of the cells with those of whole rows: names given twice, ends before starts."""
    problems = [*cell_problems, *repeat_problems(frame, "commitment_id")]
    row: Any
    for row in frame.itertuples():
        if row.end_utc <= row.start_utc:
            message = f"must be after start_utc {iso_of_hour(row.start_utc)}, got {iso_of_hour(row.end_utc)}."
            problems.append(Problem(column="end_utc", row=row.Index, message=message))
    return problems


def _offer_problems(frame: pd.DataFrame, known: set[str], prices: str) -> list[Problem]:
    """Offers that the price list does not have."""
    problems = []
    for row, offer_id in zip(frame.index, frame["offer_id"], strict=True):
        if offer_id not in known:
            rule = f"must be an offer of {prices} that can be owned (not on_demand or spot)"
            message = f"{rule}, got {offer_id!r}.{did_you_mean(offer_id, known)} Add its prices, or correct the name."
            problems.append(Problem(column="offer_id", row=int(row), message=message))
    return problems


def _commitment(row: Any) -> Commitment:
    """Commitment of one row of a checked frame."""
    return Commitment(
        commitment_id=row.commitment_id,
        offer_id=row.offer_id,
        quantity=float(row.quantity),
        start_hour=int(row.start_utc),
        end_hour=int(row.end_utc),
        account=row.account,
        zone=row.zone,
        scope=row.scope,
        exchangeable=_is_true(row.exchangeable),
        resalable=_is_true(row.resalable),
    )


def _is_true(value: Any) -> bool:
    """Whether a cell says true; an empty one does not."""
    return not pd.isna(value) and bool(value)
