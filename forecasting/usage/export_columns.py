"""Columns of an export under one name, whatever the spelling: flat, in a group, in a map or in JSON.

`lineItem/UsageAmount`, `line_item_usage_amount` and `LineItem UsageAmount` are the same column; `product.region_code`
is also looked for as key `region_code` of a column `product`. Not here: which columns a format needs
(`forecasting.usage.cur` and its neighbours).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecasting.columns import did_you_mean
from forecasting.errors import Problem
from forecasting.usage.engine import literal
from forecasting.usage.export_files import ExportFile, FileKind, column_sql

SHOWN_COLUMNS = 12
FIELD = "FIELD"  # kind of what stands in a struct, whose own type is not looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportColumn:
    """A column that an importer looks for.

    Attributes
    ----------
    name : str
        How the importer calls it.
    spellings : tuple of str
        Names in exports, first come first served; "group.key" is also key `key` of a column `group`.
    is_required : bool
    """

    name: str
    spellings: tuple[str, ...]
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundColumn:
    """Where a file has a column.

    Attributes
    ----------
    sql : str
        Expression over the scanned file.
    kind : str
        Type of DuckDB, or `FIELD`.
    index : int
        Position in the file.
    """

    sql: str
    kind: str
    index: int


def squashed(name: str) -> str:
    """Name without case and signs.

    Examples
    --------
    >>> squashed("savingsPlan/SavingsPlanARN") == squashed("savings_plan_savings_plan_a_r_n")
    True
    """
    return "".join(char for char in name.lower() if char.isalnum())


def find_columns(
    file: ExportFile, wanted: Sequence[ExportColumn]
) -> tuple[dict[str, FoundColumn], tuple[Problem, ...]]:
    """Columns by the importer's names, and what is missing or there twice.

    Parameters
    ----------
    file : ExportFile
    wanted : sequence of ExportColumn
    """
    places: dict[str, list[int]] = {}
    for index, (name, _) in enumerate(file.columns):
        places.setdefault(squashed(name), []).append(index)
    found: dict[str, FoundColumn] = {}
    problems = []
    for column in wanted:
        for spelling in column.spellings:
            same = places.get(squashed(spelling), [])
            if len(same) > 1:
                names = ", ".join(file.columns[index][0] for index in same)
                problems.append(Problem(column=spelling, row=0, message=f"must be there once, got {names}."))
            place = _flat(file, same[0]) if same else _grouped(file, spelling, places)
            if place is not None:
                found[column.name] = place
                break
        else:
            if column.is_required:
                problems.append(_missing(column, file))
    return found, tuple(problems)


def _flat(file: ExportFile, index: int) -> FoundColumn:
    """Column of its own."""
    kind = file.columns[index][1]
    if kind == "JSON":
        return FoundColumn(sql=f"json_extract_string({column_sql(file, index)}, '$')", kind="VARCHAR", index=index)
    return FoundColumn(sql=column_sql(file, index), kind=kind, index=index)


def _grouped(file: ExportFile, spelling: str, places: Mapping[str, Sequence[int]]) -> FoundColumn | None:
    """Key of a map, struct or JSON column; None if there is no such column."""
    group, _, key = spelling.partition(".")
    same = places.get(squashed(group), ())
    if not key or len(same) != 1:
        return None
    index = same[0]
    column, kind = column_sql(file, index), file.columns[index][1]
    if kind.startswith("MAP"):
        return FoundColumn(sql=f"{column}[{literal(key)}]", kind="VARCHAR", index=index)
    if kind.startswith("STRUCT"):
        has_key = any(squashed(name) == squashed(key) for name in _struct_fields(kind))
        return FoundColumn(sql=f"{column}.{key}", kind=FIELD, index=index) if has_key else None
    if kind in {"JSON", "VARCHAR"}:
        path = "$." + ".".join(f'"{part}"' for part in key.split("."))
        return FoundColumn(sql=f"json_extract_string({column}, {literal(path)})", kind="VARCHAR", index=index)
    return None


def _struct_fields(kind: str) -> list[str]:
    """Names of the fields at the top of STRUCT(...)."""
    depth, start, fields = 0, 0, []
    inside = kind[kind.index("(") + 1 : -1]
    for position, char in enumerate(inside + ","):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            fields.append(inside[start:position].split()[0].strip('"'))
            start = position + 1
    return fields


def _missing(column: ExportColumn, file: ExportFile) -> Problem:
    """Problem of a column that is not there."""
    names = [name for name, _ in file.columns]
    shown = ", ".join(names[:SHOWN_COLUMNS]) + (f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > 12 else "")
    hint = did_you_mean(column.spellings[0], names)
    return Problem(column=column.spellings[0], row=0, message=f"is missing. Got columns {shown}.{hint}")


def last_column_problems(file: ExportFile, found: Mapping[str, FoundColumn]) -> list[Problem]:
    """Whether the cell at the very end of a CSV may be cut short and is one that is read."""
    last = len(file.columns) - 1
    if file.kind is not FileKind.CSV or file.ends_in_newline or all(place.index != last for place in found.values()):
        return []
    message = (
        "the last line must end with a newline, got none: the file may be cut in its last cell. Fetch it again, or "
        "add the newline if it is whole."
    )
    return [Problem(column=file.columns[last][0], message=message)]
