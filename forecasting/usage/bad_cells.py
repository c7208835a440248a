"""Which cells of an export cannot be read, once reading it has failed: file, column, row and what stands there.

Not here: reading what is whole (`forecasting.usage.totals`).
"""

from collections.abc import Mapping, Sequence

from forecasting.errors import InputError, Problem
from forecasting.usage.engine import Connection, EngineError, open_engine
from forecasting.usage.export_columns import FoundColumn
from forecasting.usage.export_files import ExportFile, scan_sql
from forecasting.usage.lines import WIDE, Dialect

MAX_CELLS = 3
MAX_REASON = 300
MAX_SHOWN = 40
RULES = {
    "number": (WIDE.money, "a number"),
    "time": ("TIMESTAMPTZ", "a time such as 2024-01-31T00:00:00Z"),
}


def cell_problems(
    groups: Sequence[tuple[Sequence[ExportFile], Mapping[str, FoundColumn]]],
    dialect: Dialect,
    reason: EngineError,
) -> InputError:
    """Error with the first bad cells of each column, else with what DuckDB says.

    Parameters
    ----------
    groups : sequence of (files, columns)
    dialect : Dialect
    reason : duckdb.Error
        What stopped the reading.
    """
    files = [file for same, _ in groups for file in same]
    with open_engine(threads=1) as search:
        search.execute("SET preserve_insertion_order = true")
        for same, found in groups:
            for file in same:
                problems = _of_file(search, file, found, dialect)
                if problems:
                    return InputError(str(file.path), problems)
    named = [file for file in files if str(file.path) in str(reason)]
    source = str(named[0].path) if len(named) == 1 else ", ".join(str(file.path) for file in files[:3])
    return InputError(source, [Problem(message=f"cannot be read: {engine_reason(reason)}")])


def engine_reason(error: EngineError) -> str:
    """What DuckDB says, without its advice on its own options."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = []
    for line in lines:
        if line.startswith(("Possible", "LINE ", "*")):
            break
        if line:
            kept.append(line)
    return " ".join(kept)[:MAX_REASON].rstrip(".") + "."


def _of_file(search: Connection, file: ExportFile, found: Mapping[str, FoundColumn], dialect: Dialect) -> list[Problem]:
    """Bad cells of one file; none where it cannot be scanned at all."""
    kinds = [(name, "number") for name in dialect.number_columns] + [(name, "time") for name in dialect.time_columns]
    problems = []
    for name, rule in kinds:
        if name not in found:
            continue
        sql, (kind, words) = found[name].sql, RULES[rule]
        query = (
            f"SELECT row, value FROM (SELECT row_number() OVER () AS row, CAST({sql} AS VARCHAR) AS value, "
            f"TRY_CAST({sql} AS {kind}) IS NULL AS is_bad FROM {scan_sql([file])}) "
            f"WHERE is_bad AND value IS NOT NULL LIMIT {MAX_CELLS}"
        )
        try:
            bad = search.execute(query).fetchall()
        except EngineError:
            continue
        title = file.columns[found[name].index][0]
        problems += [
            Problem(column=title, row=row, message=f"must be {words}, got {str(value)[:MAX_SHOWN]!r}. Export it again.")
            for row, value in bad
        ]
    return problems
