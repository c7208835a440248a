"""One pass over an export: money and machine hours, summed exactly by the few columns that tell lines apart.

Sums are decimal, so that they do not depend on the order in which rows come. Not here: what the sums mean
(`forecasting.usage.judged`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecasting.errors import InputError, Problem
from forecasting.usage.bad_cells import cell_problems
from forecasting.usage.engine import Connection, EngineError, identifier
from forecasting.usage.export_columns import FoundColumn, find_columns, last_column_problems, squashed
from forecasting.usage.export_files import ExportFile, column_sql, scan_sql
from forecasting.usage.lines import NARROW, WIDE, Columns, Dialect, RowSql, Types

TOTALS_TABLE = "totals"
MACHINE = "is_machine"
MONEY_SUM, UNITS_SUM = "DECIMAL(38, 15)", "DECIMAL(38, 10)"
WHOLE_KEYS = ("currency", "tagged")
SPLITS = ("account", "zone")  # what `--by` may name: columns of every dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files with the same columns, scanned together.

    Attributes
    ----------
    files : tuple of ExportFile
    found : Mapping of str to FoundColumn
    tags : str
        Whether a line has a tag, as SQL; "" where the files have none.
    """

    files: tuple[ExportFile, ...]
    found: Mapping[str, FoundColumn]
    tags: str

    @property
    def rows_sql(self) -> str:
        """Function of a table that gives the rows."""
        return scan_sql(self.files)

    def columns(self, types: Types) -> Columns:
        """Columns as SQL."""
        return Columns(found=self.found, types=types)


def batches_of(files: Sequence[ExportFile], dialect: Dialect) -> tuple[Batch, ...]:
    """Files grouped by kind and columns.

    Raises
    ------
    InputError
        With all columns that the first bad file lacks.
    """
    groups: dict[tuple[object, ...], list[ExportFile]] = {}
    for file in files:
        groups.setdefault((file.kind, file.is_gzip, file.columns), []).append(file)
    batches = []
    for same in groups.values():
        found, problems = find_columns(same[0], dialect.columns)
        if dialect.type_columns and not any(name in found for name in dialect.type_columns):
            spellings = [column.spellings[0] for column in dialect.columns if column.name in dialect.type_columns]
            message = f"must have one of the columns {', '.join(spellings)}: no type of machine can be told without."
            problems = (*problems, Problem(row=0, message=message))
        for file in same:
            problems = (*problems, *last_column_problems(file, found))
        if problems:
            msg = f"{same[0].path}, read as {dialect.title},"
            raise InputError(msg, problems)
        batches.append(Batch(files=tuple(same), found=found, tags=_tags(same[0], dialect)))
    return tuple(batches)


def _tags(file: ExportFile, dialect: Dialect) -> str:
    """Whether any column of tags holds something."""
    checks = []
    for index, (name, kind) in enumerate(file.columns):
        is_tag = any(
            name == start
            or (start.endswith(("/", "_")) and name.startswith(start))
            or squashed(name) == squashed(start)
            for start in dialect.tag_columns
        )
        if not is_tag:
            continue
        column = column_sql(file, index)
        if kind.startswith("MAP"):
            checks.append(f"coalesce(cardinality({column}), 0) > 0")
        elif kind.endswith("[]"):
            checks.append(f"coalesce(len({column}), 0) > 0")
        else:
            checks.append(f"coalesce(CAST({column} AS VARCHAR), '') NOT IN ('', '{{}}', '[]')")
    return " OR ".join(checks)


def key_names(dialect: Dialect) -> tuple[str, ...]:
    """Columns of the totals that lines are judged by; empty where they say nothing of a line."""
    return (*WHOLE_KEYS, *dialect.lines.keys, *dialect.lines.machine_keys, *(f"by_{name}" for name in SPLITS))


def covered_names(dialect: Dialect) -> tuple[str, ...]:
    """Columns of the totals with what commitments paid for, in the order of `LineSql.covered`."""
    return tuple(f"covered_{place}" for place in range(len(dialect.lines.covered)))


def sum_lines(engine: Connection, batches: Sequence[Batch], dialect: Dialect, *, by: frozenset[str]) -> None:
    """Make the table of totals.

    Its columns are those of `key_names`, `is_machine`, `start_at` and `end_at` (microseconds since 1970, machines
    only), `quantity`, `billed`, `amortized`, `extra`, `extra_amortized`, `n_rows` and, of these rows, how many have a
    quantity and a cost: `n_quantity`, `n_billed`.

    Raises
    ------
    InputError
        With the cells that cannot be read.
    """
    for types in (NARROW, WIDE):
        try:
            query = " UNION ALL ".join(f"({_batch_sql(batch, dialect, types, by)})" for batch in batches)
            engine.execute(f"CREATE OR REPLACE TABLE {TOTALS_TABLE} AS {query}")
            return
        except EngineError as error:
            reason = error
    raise cell_problems([(batch.files, batch.found) for batch in batches], dialect, reason)


def row_keys(batch: Batch, rows: RowSql, columns: Columns, by: frozenset[str]) -> dict[str, str]:
    """What single rows are grouped by."""
    splits = {f"by_{name}": columns.raw(name) if name in by else "''" for name in SPLITS}
    times = {
        "start": f"CASE WHEN {rows.is_candidate} THEN {rows.start.column} END",
        "end": f"CASE WHEN {rows.is_candidate} THEN {rows.end.column} END",
    }
    return {**times, **rows.keys, "has_tag": batch.tags or "CAST(NULL AS BOOLEAN)", **splits}


def row_sums(rows: RowSql) -> dict[str, str]:
    """What is summed over single rows."""
    units = {name: f"CASE WHEN {rows.is_candidate} THEN {sql} END" for name, sql in rows.units.items()}
    return {**rows.money, **units}


def _batch_sql(batch: Batch, dialect: Dialect, types: Types, by: frozenset[str]) -> str:
    """Query of the totals over files with the same columns: rows are grouped as they are, then told what they are."""
    columns, lines = batch.columns(types), dialect.lines
    rows = dialect.rows(columns)
    quantity, billed = next(iter(rows.units)), next(iter(rows.money))
    start, end = rows.start.reading.format('"start"'), rows.end.reading.format('"end"')
    named = [f"{sql} AS {identifier(name)}" for name, sql in row_keys(batch, rows, columns, by).items()]
    each = row_sums(rows)
    sums = [f"sum({sql}) AS {name}" for name, sql in each.items()]
    counts = f"count(*) AS n_rows, count({each[quantity]}) AS n_quantity, count({each[billed]}) AS n_billed"
    grouped = f"SELECT {', '.join([*named, *sums])}, {counts} FROM {batch.rows_sql} GROUP BY ALL"
    whole = {
        "currency": "coalesce(currency, '')",
        "tagged": "CASE WHEN has_tag THEN 'y' WHEN NOT has_tag THEN 'n' ELSE '' END",
    }
    of_machines = dict(lines.machine_keys) | {f"by_{name}": f"coalesce(by_{name}, '')" for name in SPLITS}
    keys = [f"{sql} AS {name}" for name, sql in (whole | dict(lines.keys)).items()]
    keys += [f"CASE WHEN {MACHINE} THEN {sql} ELSE '' END AS {name}" for name, sql in of_machines.items()]
    sums_covered = zip(covered_names(dialect), lines.covered.values(), strict=True)
    covered = "".join(f"CAST(sum({sql}) AS {MONEY_SUM}) AS {name}, " for name, sql in sums_covered)
    return (
        f"SELECT {MACHINE}, CASE WHEN {MACHINE} THEN {start} END AS start_at, "
        f"CASE WHEN {MACHINE} THEN {end} END AS end_at, {', '.join(keys)}, "
        f"CAST(sum(CASE WHEN {MACHINE} THEN {lines.quantity} END) AS {UNITS_SUM}) AS quantity, "
        f"CAST(sum({lines.billed}) AS {MONEY_SUM}) AS billed, "
        f"CAST(sum({lines.amortized}) AS {MONEY_SUM}) AS amortized, "
        f"CAST(sum({lines.extra}) AS {MONEY_SUM}) AS extra, "
        f"CAST(sum({lines.extra_amortized or lines.extra}) AS {MONEY_SUM}) AS extra_amortized, {covered}"
        f"CAST(sum(n_rows) AS BIGINT) AS n_rows, "
        f"CAST(sum(n_quantity) AS BIGINT) AS n_quantity, CAST(sum(n_billed) AS BIGINT) AS n_billed "
        f"FROM (SELECT *, coalesce({lines.is_machine}, false) AS {MACHINE} FROM ({grouped})) GROUP BY ALL"
    )
