"""Cells: a raw column becomes typed values, with a problem for each cell that breaks its rule.

Not here: files and headers (`forecasting.files`), nor rules that concern more than one cell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.columns import Column, ColumnKind, check_name, has_control_characters
from forecasting.errors import Problem
from forecasting.files import MAX_ROW_PROBLEMS
from forecasting.hour_cells import read_hours
from forecasting.raw_cells import Typed, bools, empty_cells, is_text, plain_array, shown_cell

NUMBER_PATTERN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
MAX_WHOLE = 2.0**53  # float64 holds every whole number up to here
MAX_NUMBER = 1e12  # units, USD, hours: sums of products of larger ones are beyond any solver, and mistyped


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Typed cells of one column.

    Attributes
    ----------
    typed : pandas array, ndarray of shape (n_rows,), or None
        Any value where `is_bad`; None where the type of the column is wrong.
    is_bad : BoolArray of shape (n_rows,)
        Cells that break a rule.
    problems : tuple of Problem
        One for each of the first bad cells, then one with the count of the rest.
    """

    typed: Any
    is_bad: BoolArray
    problems: tuple[Problem, ...]


def read_cells(column: Column, raw: Any, rows: IntArray) -> Cells:
    """Typed cells of a raw column.

    Parameters
    ----------
    column : Column
        The rule.
    raw : pyarrow.ChunkedArray of length n_rows
        What the file holds.
    rows : IntArray of shape (n_rows,)
        Row numbers for messages.
    """
    array = plain_array(raw)
    reader = _READERS[column.kind]
    result = reader(column, array)
    if isinstance(result, str):
        problem = Problem(column=column.name, row=1 if len(rows) else None, message=result)
        return Cells(typed=None, is_bad=np.ones(len(rows), dtype=np.bool_), problems=(problem,))
    values, messages, is_bad = result
    return Cells(typed=values, is_bad=is_bad, problems=tuple(row_problems(column.name, rows, is_bad, messages)))


def row_problems(column: str, rows: IntArray, is_bad: BoolArray, message: Callable[[int], str]) -> list[Problem]:
    """Problems of the first bad rows and the count of the rest.

    Parameters
    ----------
    column : str
        Its name.
    rows : IntArray of shape (n_rows,)
        Row numbers.
    is_bad : BoolArray of shape (n_rows,)
        Rows that break the rule.
    message : callable
        Message of a position.
    """
    bad = np.flatnonzero(is_bad)
    problems = [
        Problem(column=column, row=int(rows[position]), message=message(int(position)))
        for position in bad[:MAX_ROW_PROBLEMS]
    ]
    if len(bad) > MAX_ROW_PROBLEMS:
        rest = f"{len(bad) - MAX_ROW_PROBLEMS} more rows break a rule of this column, the last is row {rows[bad[-1]]}."
        problems.append(Problem(column=column, message=rest))
    return problems


def _floats(array: Any) -> FloatArray | None:
    """Cells as float64, nan where a text is no number; None where the type holds no numbers."""
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if is_text(array):
        trimmed = compute.utf8_trim_whitespace(compute.fill_null(array, ""))
        is_number = compute.match_substring_regex(trimmed, NUMBER_PATTERN)
        unsigned = compute.utf8_ltrim(trimmed, "+")
        array = compute.if_else(is_number, unsigned, pa.scalar(None, pa.large_string()))
    elif not _is_numeric(array.type):
        return None
    return np.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _is_numeric(kind: Any) -> bool:
    """Whether the type holds numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _number(column: Column, array: Any) -> Typed:
    """Finite numbers inside the range of the column."""
    values = _floats(array)
    if values is None:
        return f"must hold numbers, got type {array.type}."
    empty = empty_cells(array)
    if column.allows_empty and not is_text(array):
        empty |= np.isnan(values)  # how a frame written as Parquet says that a number is not there
    is_bad = ~np.isfinite(values)
    is_bad[empty] = not column.allows_empty
    low = -np.inf if column.at_least is None else column.at_least
    high = np.inf if column.at_most is None else column.at_most
    is_outside = (values < low) | (values > high) | (np.abs(values) > MAX_NUMBER)

    def message(position: int) -> str:
        if empty[position]:
            return "must be a number, got an empty cell."
        shown = shown_cell(array, position)
        if low <= values[position] <= high and np.isfinite(values[position]):
            return f"must be at most {MAX_NUMBER:,.0f} in size, got {shown}. Check the unit."
        if np.isfinite(values[position]):
            return f"must be {column.range_text}, got {shown}."
        hint = " Write a decimal point, and no thousands separator." if "," in shown else ""
        return f"must be a finite number, got {shown}.{hint}"

    return values, message, is_bad | is_outside


def _integer(column: Column, array: Any) -> Typed:
    """Whole numbers; nullable where cells may be empty."""
    result = _number(column, array)
    if isinstance(result, str):
        return result
    values, number_message, is_bad = result
    known = np.where(np.isfinite(values), values, 0.0)
    is_broken = (known != np.floor(known)) | (np.abs(known) > MAX_WHOLE)

    def message(position: int) -> str:
        if is_bad[position]:
            return number_message(position)
        return f"must be a whole number, got {shown_cell(array, position)}."

    whole = np.where(is_broken, 0.0, known).astype(np.int64)
    typed = pd.arrays.IntegerArray(whole, np.isnan(values)) if column.allows_empty else whole
    return typed, message, is_bad | is_broken


def _boolean(column: Column, array: Any) -> Typed:
    """True or false; nullable where cells may be empty."""
    empty = empty_cells(array)
    if pa.types.is_boolean(array.type) or pa.types.is_null(array.type):
        values = bools(compute.fill_null(array.cast(pa.bool_()), False))
        is_bad = np.zeros(len(array), dtype=np.bool_)
    elif is_text(array):
        lower = compute.utf8_lower(compute.utf8_trim_whitespace(compute.fill_null(array, "")))
        values = bools(compute.equal(lower, "true"))
        is_bad = ~values & ~bools(compute.equal(lower, "false"))
    else:
        return f"must hold true or false, got type {array.type}."
    is_bad[empty] = not column.allows_empty

    def message(position: int) -> str:
        got = "an empty cell" if empty[position] else shown_cell(array, position)
        return f"must be true or false, got {got}."

    typed = pd.arrays.BooleanArray(values, empty) if column.allows_empty else values
    return typed, message, is_bad


def _text(column: Column, array: Any) -> Typed:
    """Text without control characters, names by `check_name`; every distinct text is checked once."""
    if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.large_string())
    if not is_text(array):
        return f"must hold text, got type {array.type}."
    encoded = compute.fill_null(array, "").dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    codes = np.asarray(encoded.indices.to_numpy(zero_copy_only=False))
    wrong = [_text_problem(column, text) for text in texts]
    values = np.array(texts, dtype=object)[codes] if texts else np.array([], dtype=object)
    is_wrong = np.array([problem is not None for problem in wrong], dtype=np.bool_)

    def message(position: int) -> str:
        return f"{wrong[codes[position]]}, got {shown_cell(array, position)}."

    return pd.array(values, dtype="str"), message, is_wrong[codes]


def _text_problem(column: Column, text: str) -> str | None:
    """Rule that a text breaks."""
    if not text.strip():
        return None if column.allows_empty else "must not be empty"
    if column.kind is ColumnKind.NAME:
        return check_name(text)
    return "must not hold control characters" if has_control_characters(text) else None


_READERS: dict[ColumnKind, Callable[[Column, Any], Typed]] = {
    ColumnKind.HOUR: read_hours,
    ColumnKind.HOUR_OR_DATE: read_hours,
    ColumnKind.TEXT: _text,
    ColumnKind.NAME: _text,
    ColumnKind.NUMBER: _number,
    ColumnKind.INTEGER: _integer,
    ColumnKind.BOOLEAN: _boolean,
}
