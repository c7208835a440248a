"""Commitments that an export names: those that can be told whole, and those that cannot, with what is lacking.

Not here: how each provider names them (`forecasting.usage.cur_commitments` and its neighbours).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from forecasting.errors import InputError, Problem
from forecasting.usage.bad_cells import engine_reason
from forecasting.usage.engine import Connection, EngineError
from forecasting.usage.export_columns import ExportColumn, find_columns
from forecasting.usage.export_files import scan_sql
from forecasting.usage.lines import NARROW, Columns
from forecasting.usage.offer_names import OfferKey
from forecasting.usage.totals import Batch

Row = Mapping[str, str]
SECONDS_PER_HOUR = 3_600
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveredCommitment:
    """A commitment that an export tells whole.

    Attributes
    ----------
    commitment_id : str
        As the provider names it.
    offer : OfferKey
    quantity : float
        Units, normalized units where the offer is bound to a family, USD per hour of a plan.
    start_hour, end_hour : int
        Epoch hours; the end is exclusive.
    account, zone, scope : str
    """

    commitment_id: str
    offer: OfferKey
    quantity: float
    start_hour: int
    end_hour: int
    account: str = ""
    zone: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnrecoveredCommitment:
    """A commitment that an export names and does not tell whole.

    Attributes
    ----------
    commitment_id : str
    lacks : str
        What the export does not say of it.
    known : str
        What it does say.
    """

    commitment_id: str
    lacks: str
    known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Commitments of an export.

    Attributes
    ----------
    commitments : tuple of RecoveredCommitment
        In the order of start and name.
    unrecovered : tuple of UnrecoveredCommitment
    n_foreign : int
        Commitments that cover no machines, such as those of databases.
    """

    commitments: tuple[RecoveredCommitment, ...] = ()
    unrecovered: tuple[UnrecoveredCommitment, ...] = ()
    n_foreign: int = 0


def recovered(found: Iterable[RecoveredCommitment | UnrecoveredCommitment | None]) -> Recovered:
    """Sort what was found; None counts as a commitment that covers no machines."""
    listed = list(found)
    whole = [one for one in listed if isinstance(one, RecoveredCommitment)]
    rest = [one for one in listed if isinstance(one, UnrecoveredCommitment)]
    return Recovered(
        commitments=tuple(sorted(whole, key=lambda one: (one.start_hour, one.commitment_id))),
        unrecovered=tuple(sorted(rest, key=lambda one: one.commitment_id)),
        n_foreign=sum(one is None for one in listed),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentQuery:
    """Which lines tell of commitments.

    Attributes
    ----------
    columns : tuple of ExportColumn
        With `start` and `end`.
    where : str
        Condition of SQL with `{name}` for the text of a column.
    fee_columns : frozenset of str
        Columns that are read on fees alone: on usage they would make every line distinct.
    is_fee : str
        Condition of SQL, likewise.
    """

    columns: tuple[ExportColumn, ...]
    where: str
    fee_columns: frozenset[str] = frozenset()
    is_fee: str = "true"


def commitment_rows(
    engine: Connection, batches: Sequence[Batch], query: CommitmentQuery, *, source: str
) -> list[dict[str, str]]:
    """Distinct lines that tell of commitments, every cell as text, with `n_lines` and `hours` (their length).

    Parameters
    ----------
    engine : Connection
    batches : sequence of Batch
    query : CommitmentQuery
    source : str
        For messages.

    Raises
    ------
    InputError
        If the lines cannot be read.
    """
    rows: list[dict[str, str]] = []
    for batch in batches:
        try:
            cursor = engine.execute(_rows_sql(batch, query))
            names = [item[0] for item in cursor.description or ()]
            fetched = cursor.fetchall()
        except EngineError as error:
            raise InputError(source, [Problem(message=f"cannot be read: {engine_reason(error)}")]) from None
        rows += [dict(zip(names, ("" if cell is None else str(cell) for cell in row), strict=True)) for row in fetched]
    return sorted(rows, key=lambda row: tuple(row.items()))


def _rows_sql(batch: Batch, query: CommitmentQuery) -> str:
    """Distinct lines of files with the same columns."""
    found, _ = find_columns(batch.files[0], query.columns)
    columns = Columns(found=found, types=NARROW)
    texts = {column.name: columns.text(column.name) for column in query.columns if column.name not in {"start", "end"}}
    is_fee = query.is_fee.format_map(texts)
    cells = {
        name: f"CASE WHEN {is_fee} THEN {sql} ELSE '' END" for name, sql in texts.items() if name in query.fee_columns
    }
    listed = ", ".join(f"{sql} AS {name}" for name, sql in (texts | cells).items())
    start, end = (f"make_timestamp(TRY({columns.moment(name).sql}))" for name in ("start", "end"))
    return (
        f"SELECT {listed}, CAST(date_diff('second', {start}, {end}) / {SECONDS_PER_HOUR}.0 AS VARCHAR) AS hours, "
        f"CAST(min({start}) AS VARCHAR) AS first_start, CAST(max({start}) AS VARCHAR) AS last_start, "
        f"CAST(count(*) AS VARCHAR) AS n_lines FROM {scan_sql(batch.files)} WHERE {query.where.format_map(texts)} "
        "GROUP BY ALL"
    )


def by_commitment(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    """Lines of each commitment."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[name], []).append(row)
    return grouped


def newest(rows: Sequence[Row], name: str) -> str:
    """What the newest line says in a column, skipping empty cells; empty if all are."""
    said = [row for row in rows if row.get(name)]
    return max(said, key=lambda row: (row["last_start"], row[name]))[name] if said else ""


def number(text: str) -> Decimal | None:
    """Finite number of a cell; None if it holds none."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def usual(values: Mapping[Decimal, int] | Counter[Decimal]) -> Decimal | None:
    """Most frequent value, the largest of equals; None if there is none."""
    return max(values, key=lambda value: (values[value], value)) if values else None


def hour_of(text: str) -> int | None:
    """Epoch hour in which a time lies; None if the text is no time. Without a zone it is UTC.

    Examples
    --------
    >>> hour_of("1970-01-01T02:59:59Z"), hour_of("1970-01-02"), hour_of("soon")
    (2, 24, None)
    """
    moment = moment_of(text)
    return None if moment is None else int((moment - EPOCH).total_seconds() // SECONDS_PER_HOUR)


def end_hour_of(text: str) -> int | None:
    """Epoch hour at which a term ends: providers write its last second, which counts as its end.

    Examples
    --------
    >>> end_hour_of("1970-01-01T23:59:59.000Z"), end_hour_of("1970-01-01T17:11:56Z")
    (24, 17)
    """
    moment = moment_of(text)
    if moment is None:
        return None
    return int((moment + dt.timedelta(seconds=1) - EPOCH).total_seconds() // SECONDS_PER_HOUR)


def moment_of(text: str) -> dt.datetime | None:
    """Point in time of an ISO 8601 text; None if it is none."""
    cleaned = text.strip().removesuffix(" UTC").replace("Z", "+00:00")
    try:
        moment = dt.datetime.fromisoformat(cleaned)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
