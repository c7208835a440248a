"""Whether the same hour of the same machine stands in an export twice: two exports of a month, or rows given twice.

A line is known by its time, its resource and a few columns more. Large exports are searched in a part of their hours,
which holds the first hour of each file: exports that overlap share the first hour of the later one. Not here: which
export is the right one; that is for who gave them.
"""

from collections.abc import Sequence

from forecasting.errors import InputError, Problem
from forecasting.usage.engine import Connection, first_row, literal
from forecasting.usage.lines import NARROW, WIDE, Dialect
from forecasting.usage.totals import MACHINE, TOTALS_TABLE, Batch

SEARCHED_ROWS = 100_000
REPEATED_SHARE = 0.001  # of rows: a single pair may be two stops and starts of one machine
SAME_SHARE = 0.5  # of rows without a resource, which may be alike by chance
MOMENT = "CAST(make_timestamp({}) AS VARCHAR)"
FOUND = f"count(*), min(a), max(b), {MOMENT.format('min(start_at)')}, {MOMENT.format('max(start_at)')}"
NEWEST = "Give one export of each billing period: the newest, which has its corrections."


def refuse_overlaps(engine: Connection, batches: Sequence[Batch], dialect: Dialect, source: str) -> None:
    """Refuse an export in which machine hours stand twice.

    Raises
    ------
    InputError
        With the files that overlap and how much.
    """
    starts = _searched_starts(engine, batches, dialect)
    query = " UNION ALL ".join(_lines_sql(batch, dialect, starts) for batch in batches)
    engine.execute(f"CREATE OR REPLACE TABLE searched AS {query}")
    problem = _between_files(engine) or _within_files(engine)
    engine.execute("DROP TABLE searched")
    if problem:
        raise InputError(source, [Problem(message=f"{problem} {NEWEST}")])


def _searched_starts(engine: Connection, batches: Sequence[Batch], dialect: Dialect) -> tuple[str, ...] | None:
    """Times of the lines that are searched, as text; None for all."""
    query = f"SELECT sum(n_rows), count(DISTINCT start_at) FROM {TOTALS_TABLE} WHERE {MACHINE}"
    n_rows, n_starts = (int(value or 0) for value in first_row(engine, query))
    if n_rows <= SEARCHED_ROWS:
        return None
    stride = -(-n_rows // SEARCHED_ROWS)
    stride += 1 - stride % 2  # odd, so that it falls on all hours of the day
    chosen = (
        f"SELECT start_at FROM (SELECT start_at, row_number() OVER (ORDER BY start_at) AS n FROM (SELECT DISTINCT "
        f"start_at FROM {TOTALS_TABLE} WHERE {MACHINE})) WHERE n % {stride} = 1 OR n = {n_starts}"
    )
    if sum(len(batch.files) for batch in batches) > 1:
        chosen += "".join(f" UNION {_first_sql(batch, dialect)}" for batch in batches)
    found = engine.execute(f"SELECT DISTINCT {MOMENT.format('start_at')} FROM ({chosen})").fetchall()
    return tuple(sorted(str(value) for (value,) in found))


def _first_sql(batch: Batch, dialect: Dialect) -> str:
    """First time of a machine in each file."""
    rows = dialect.rows(batch.columns(NARROW))
    return f"SELECT min({rows.start.sql}) FROM {batch.rows_sql} WHERE {rows.is_candidate} GROUP BY filename"


def _lines_sql(batch: Batch, dialect: Dialect, starts: tuple[str, ...] | None) -> str:
    """Marks of the rows of machines: which row it is, and what it says. As few columns as can be, for all are read."""
    rows = dialect.rows(batch.columns(WIDE))
    quantity, billed = next(iter(rows.units.values())), next(iter(rows.money.values()))
    place = batch.found["start"]
    searched = "true"
    if starts is not None:
        is_moment = place.kind in {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}  # which a Parquet reader can skip by
        kind, column = (place.kind, place.sql) if is_moment else ("TIMESTAMP", f"make_timestamp({rows.start.sql})")
        searched = f"{column} IN ({', '.join(f'CAST({literal(start)} AS {kind})' for start in starts)})"
    return (
        f"SELECT filename, {rows.start.sql} AS start_at, "
        f"hash({rows.start.column}, {rows.end.column}, {', '.join(rows.identity)}) AS line, "
        f"hash({quantity}, {billed}) AS amounts, {rows.identity[0]} <> '' AS is_named, {quantity} <> 0 AS is_some "
        f"FROM {batch.rows_sql} WHERE {searched} AND coalesce({rows.is_machine}, false)"
    )


def _between_files(engine: Connection) -> str:
    """What two files have in common; empty if nothing that matters."""
    named = (
        "SELECT min(filename) AS a, max(filename) AS b, min(start_at) AS start_at FROM searched WHERE is_named "
        "GROUP BY line HAVING count(DISTINCT filename) > 1"
    )
    nameless = (
        "SELECT line, amounts, min(filename) AS a, max(filename) AS b, min(start_at) AS start_at FROM searched "
        "WHERE NOT is_named GROUP BY line, amounts HAVING count(DISTINCT filename) > 1"
    )
    share = (
        f"SELECT max(n_twice / n_all) FROM (SELECT filename, count(*) AS n_all, count(twice.line) AS n_twice FROM "
        f"searched LEFT JOIN ({nameless}) AS twice USING (line, amounts) WHERE NOT is_named GROUP BY filename)"
    )
    found = first_row(engine, f"SELECT {FOUND} FROM ({named})")
    if not found[0]:
        found = first_row(engine, f"SELECT {FOUND} FROM ({nameless}) WHERE ({share}) >= {SAME_SHARE}")
    n, one, other, first, last = found
    if not n:
        return ""
    return f"exports must not overlap, got {n:,} lines both in {one!r} and in {other!r}, from {first} to {last}."


def _within_files(engine: Connection) -> str:
    """What a file has twice; empty if nothing that matters."""
    n, name, _, first, last = first_row(
        engine,
        f"SELECT {FOUND} FROM (SELECT filename AS a, filename AS b, min(start_at) AS start_at FROM searched "
        "WHERE is_named AND is_some GROUP BY filename, line, amounts HAVING count(*) > 1)",
    )
    n_searched = first_row(engine, "SELECT count(*) FROM searched")[0]
    if not n or n < REPEATED_SHARE * n_searched:
        return ""
    return f"lines must be there once, got {n:,} more than once in {name!r}, from {first} to {last}."
