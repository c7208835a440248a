"""The edge: files become checked DataFrames, and every problem of a file is reported at once.

A table is CSV (UTF-8, comma) or Parquet; its row numbers are the index of the frame. Not here: what a column's
numbers mean to the models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.cells import read_cells, row_problems
from forecasting.columns import Column, ColumnKind, check_name, describe, did_you_mean
from forecasting.documents import Section, read_document, shown
from forecasting.errors import InputError, Problem
from forecasting.files import read_raw

__all__ = [
    "Column",
    "ColumnKind",
    "ScannedTable",
    "Section",
    "check_name",
    "describe",
    "did_you_mean",
    "read_document",
    "read_table",
    "repeat_problems",
    "row_problems",
    "scan_table",
    "shown",
]

DTYPES = {
    ColumnKind.HOUR: "Int64",
    ColumnKind.HOUR_OR_DATE: "Int64",
    ColumnKind.TEXT: "str",
    ColumnKind.NAME: "str",
    ColumnKind.NUMBER: "float64",
    ColumnKind.INTEGER: "Int64",
    ColumnKind.BOOLEAN: "boolean",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScannedTable:
    """A table with what is wrong with it, for readers that check more before they refuse it.

    Attributes
    ----------
    frame : DataFrame
        Columns in the order of the schema, row numbers as index; only rows whose cells are all fine.
    problems : tuple of Problem
        What is wrong with the header and the cells.
    is_complete : bool
        Whether every required column could be read, so that `frame` has rows to check.
    """

    frame: pd.DataFrame
    problems: tuple[Problem, ...]
    is_complete: bool


def read_table(path: Path, columns: Sequence[Column]) -> pd.DataFrame:
    """Checked frame of a CSV or Parquet file.

    Hours become int64 epoch hours, numbers float64, whole numbers int64, text str; where cells may be empty, hours
    and whole numbers are Int64, booleans boolean, numbers nan and text "". An optional column that the file lacks is
    there and empty. The index holds the row numbers of the file, from 1.

    Parameters
    ----------
    path : Path
        The file. Parquet is known by its first bytes.
    columns : sequence of Column
        Its schema.

    Raises
    ------
    InputError
        With all problems of the file.
    """
    scanned = scan_table(path, columns)
    if scanned.problems:
        raise InputError(str(path), scanned.problems)
    return scanned.frame


def scan_table(path: Path, columns: Sequence[Column]) -> ScannedTable:
    """Read a table like `read_table`, but hand back what is wrong instead of raising it.

    Raises
    ------
    InputError
        If the file cannot be read as a table at all.
    """
    raw = read_raw(path, columns)
    problems = list(raw.problems)
    is_bad = np.zeros(len(raw.rows), dtype=np.bool_)
    values = {}
    for column in columns:
        if column.name not in raw.columns:
            values[column.name] = _empty(column, len(raw.rows))
            continue
        cells = read_cells(column, raw.columns[column.name], raw.rows)
        problems += cells.problems
        is_bad |= cells.is_bad
        values[column.name] = _empty(column, len(raw.rows)) if cells.typed is None else cells.typed
    frame = pd.DataFrame(values, index=pd.Index(raw.rows, name="row"))
    is_complete = all(column.name in raw.columns for column in columns if column.required)
    return ScannedTable(
        frame=frame.loc[~is_bad] if is_bad.any() else frame, problems=tuple(problems), is_complete=is_complete
    )


def repeat_problems(frame: pd.DataFrame, column: str) -> list[Problem]:
    """One problem for each row whose name in a column an earlier row has."""
    first_row: dict[str, int] = {}
    problems = []
    for row, name in zip(frame.index.tolist(), frame[column], strict=True):
        first = first_row.setdefault(name, row)
        if first != row:
            message = f"must be there once, got {name!r} in row {first} too. Drop or rename one of the rows."
            problems.append(Problem(column=column, row=row, message=message))
    return problems


def _empty(column: Column, n_rows: int) -> Any:
    """Pandas array of empty cells."""
    if DTYPES[column.kind] == "str":
        return pd.Series([""] * n_rows, dtype="str").array
    return pd.Series(np.full(n_rows, np.nan), dtype=DTYPES[column.kind]).array
