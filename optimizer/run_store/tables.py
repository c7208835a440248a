"""Tables of the store of runs, and how rows get into and out of them: DuckDB's door.

Not here: the file and who may write it (`optimizer.run_store.store`).
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from forecasting.hours import iso_of_hour
from optimizer.errors import StoreError
from optimizer.plan import InputRecord, Purchase
from optimizer.run_store.records import Figure, RunRecord, StoredPurchase, StoredRun, refused

STORE_SCHEMA = 1
APPLICATION = "plimsoll"
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": "1",
    "memory_limit": "256MB",
    "enable_external_access": "false",  # a view in a foreign file reads nothing
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
TABLES = (
    "CREATE TABLE store (application VARCHAR NOT NULL, schema_version INTEGER NOT NULL)",
    """CREATE TABLE runs (
        run_id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, title VARCHAR NOT NULL,
        start_utc VARCHAR NOT NULL, end_utc VARCHAR NOT NULL, recorded_at_utc VARCHAR NOT NULL)""",
    """CREATE TABLE figures (
        run_id VARCHAR NOT NULL, pool VARCHAR, name VARCHAR NOT NULL, value DOUBLE NOT NULL)""",
    """CREATE TABLE purchases (
        run_id VARCHAR NOT NULL, commitment_id VARCHAR NOT NULL, offer_id VARCHAR NOT NULL, kind VARCHAR NOT NULL,
        quantity DOUBLE NOT NULL, quantity_unit VARCHAR NOT NULL, start_utc VARCHAR NOT NULL, end_utc VARCHAR NOT NULL,
        committed_usd DOUBLE NOT NULL, upfront_usd DOUBLE NOT NULL, pools VARCHAR[] NOT NULL)""",
    "CREATE TABLE inputs (run_id VARCHAR NOT NULL, role VARCHAR NOT NULL, name VARCHAR NOT NULL, sha256 VARCHAR)",
    "CREATE TABLE versions (run_id VARCHAR NOT NULL, name VARCHAR NOT NULL, version VARCHAR NOT NULL)",
)

Engine = duckdb.DuckDBPyConnection


@contextmanager
def reading(path: Path) -> Iterator[Engine]:
    """Open a store to read, once it is known to be one, of a version that is known."""
    if not path.is_file():
        raise refused(path, "must be a file, and is not. Choose another.")
    if path.with_name(f"{path.name}.wal").exists():
        raise refused(path, "has changes of another program that are not in it yet. Open and close it there first.")
    try:
        engine = duckdb.connect(str(path), read_only=True, config=CONFIG)
    except duckdb.Error as error:
        raise _unreadable(path, error) from error
    try:
        rows = engine.execute("SELECT application, schema_version FROM store").fetchall()
        if len(rows) != 1 or rows[0][0] != APPLICATION or not isinstance(rows[0][1], int):
            raise refused(path, "must be a store of runs, and is another DuckDB file. Choose another.")
        if rows[0][1] > STORE_SCHEMA:
            newer = f"has schema version {rows[0][1]}, and this program knows {STORE_SCHEMA}. Use a newer plimsoll."
            raise refused(path, newer)
        yield engine
    except duckdb.Error as error:
        raise _unreadable(path, error) from error
    finally:
        engine.close()


def has_run(engine: Engine, run_id: str) -> bool:
    """Whether a store has a run."""
    return bool(engine.execute("SELECT 1 FROM runs WHERE run_id = ?", [run_id]).fetchall())


def runs_of(engine: Engine) -> tuple[StoredRun, ...]:
    """All runs of a store that is open, in the order in which they were recorded."""
    rows = engine.execute(
        "SELECT run_id, kind, title, start_utc, end_utc, recorded_at_utc FROM runs ORDER BY recorded_at_utc, run_id"
    ).fetchall()
    return tuple(_stored(engine, row) for row in rows)


def write_run(path: Path, run: RunRecord, *, is_new: bool, named: Path) -> None:
    """Add a run to a file that nobody else has; all of it is in the file itself at the end.

    Parameters
    ----------
    path : Path
    run : RunRecord
    is_new : bool
        Whether the file is to be made.
    named : Path
        Store that it is a copy of, for messages.

    Raises
    ------
    StoreError
        If the database cannot.
    """
    try:
        engine = duckdb.connect(str(path), config=CONFIG)
        try:
            engine.execute("BEGIN")
            if is_new:
                _make_tables(engine)
            _insert(engine, run)
            engine.execute("COMMIT")
            engine.execute("CHECKPOINT")
        finally:
            engine.close()
    except duckdb.Error as error:
        message = f"could not be written; what it held is still there. The database says: {_first_line(error)}"
        raise refused(named, f"{message} Free some space, or choose another file.") from error


def _stored(engine: Engine, row: tuple[str, ...]) -> StoredRun:
    """One run with all that belongs to it."""

    def of_run(columns: str, table: str) -> list[tuple[Any, ...]]:
        """Rows of a table that belong to the run, in the order in which they were written."""
        query = f"SELECT {columns} FROM {table} WHERE run_id = ? ORDER BY rowid"  # names of ours only
        return engine.execute(query, [row[0]]).fetchall()

    bought = of_run(
        "commitment_id, offer_id, kind, quantity, quantity_unit, start_utc, end_utc, committed_usd, upfront_usd, pools",
        "purchases",
    )
    names = StoredPurchase.__slots__
    return StoredRun(
        run_id=row[0],
        kind=row[1],
        title=row[2],
        start_utc=row[3],
        end_utc=row[4],
        recorded_at_utc=row[5],
        figures=tuple(
            Figure(pool=pool, name=name, value=value) for pool, name, value in of_run("pool, name, value", "figures")
        ),
        purchases=tuple(StoredPurchase(**dict(zip(names, (*one[:-1], tuple(one[-1])), strict=True))) for one in bought),
        inputs=tuple(
            InputRecord(role=role, name=name, sha256=sha256)
            for role, name, sha256 in of_run("role, name, sha256", "inputs")
        ),
        versions=tuple((name, version) for name, version in of_run("name, version", "versions")),
    )


def _make_tables(engine: Engine) -> None:
    """Tables of a new store."""
    for statement in TABLES:
        engine.execute(statement)
    engine.execute("INSERT INTO store VALUES (?, ?)", [APPLICATION, STORE_SCHEMA])


def _insert(engine: Engine, run: RunRecord) -> None:
    """All rows of a run."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    engine.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)",
        [run.run_id, run.kind, run.title, run.start_utc, run.end_utc, now],
    )
    _insert_many(engine, "figures", [(run.run_id, one.pool, one.name, one.value) for one in run.figures])
    _insert_many(engine, "purchases", [_purchase_row(run.run_id, one) for one in run.purchases])
    _insert_many(engine, "inputs", [(run.run_id, one.role, one.name, one.sha256) for one in run.inputs])
    _insert_many(engine, "versions", [(run.run_id, name, version) for name, version in run.versions])


def _insert_many(engine: Engine, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of one table; the name is one of ours."""
    if rows:
        engine.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _purchase_row(run_id: str, bought: Purchase) -> tuple[Any, ...]:
    """Row of a purchase."""
    return (
        *(run_id, bought.commitment_id, bought.offer_id, bought.kind, bought.quantity, bought.quantity_unit),
        *(iso_of_hour(bought.start_hour), iso_of_hour(bought.end_hour)),
        *(bought.committed_usd, bought.upfront_usd, list(bought.pools)),
    )


def _first_line(error: Exception) -> str:
    """What the database says, short."""
    return str(error).strip().splitlines()[0][:300].rstrip(".") + "."


def _unreadable(path: Path, error: Exception) -> StoreError:
    """A file that the database cannot read as ours."""
    return refused(path, f"must be a store of runs, and cannot be read as one: {_first_line(error)} Choose another.")
