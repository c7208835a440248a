"""DuckDB with bounds: how much memory it may take, where it spills, what it may not reach.

Not here: what is asked of it (`forecasting.usage.totals` and its neighbours).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

MEMORY_LIMIT = "1GB"  # Python, Arrow and the tables handed over need the rest of 2 GB
NULL_WORDS = ("", "NULL", "null")
GLOB_MARKS = "*?["

Connection = duckdb.DuckDBPyConnection
EngineError = duckdb.Error


@contextmanager
def open_engine(*, memory_limit: str = MEMORY_LIMIT, threads: int | None = None) -> Iterator[Connection]:
    """Database in memory that spills into a folder of its own, in UTC, without a network.

    Parameters
    ----------
    memory_limit : str
        Such as "1GB".
    threads : int or None
        None: as many as the machine has cores. The results do not depend on it.
    """
    with TemporaryDirectory(prefix="plimsoll-import-") as folder:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(Path(folder) / "spill"),
                "preserve_insertion_order": "false",  # nothing asks for the order of a file; it would hold whole files
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        try:
            connection.execute("SET TimeZone = 'UTC'")
            if threads is not None:
                connection.execute(f"SET threads = {int(threads)}")
            yield connection
        finally:
            connection.close()


def literal(text: str) -> str:
    """Text as a literal of SQL.

    Examples
    --------
    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Name of a column, quoted.

    Examples
    --------
    >>> print(identifier("lineItem/UsageType"))
    "lineItem/UsageType"
    """
    return '"' + name.replace('"', '""') + '"'


def path_literal(path: Path) -> str:
    """Path as a literal of SQL that names this file alone, whatever signs are in it.

    Examples
    --------
    >>> path_literal(Path("a[1].csv"))
    "'a[[]1].csv'"
    """
    return literal("".join(f"[{char}]" if char in GLOB_MARKS else char for char in str(path)))


def first_row(engine: Connection, query: str) -> tuple[Any, ...]:
    """Only row of a query that sums; the whole result is taken, as a connection serves one result at a time."""
    return engine.execute(query).fetchall()[0]
