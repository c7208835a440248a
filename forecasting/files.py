"""Files as they come: bytes become text or a table of raw columns, or the reason why they cannot.

Everything is checked that concerns the file and its header. Not here: what the cells hold (`forecasting.cells`).
"""

import csv
import io
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from forecasting.arrays import IntArray
from forecasting.columns import Column, did_you_mean, has_control_characters
from forecasting.errors import InputError, Problem

PARQUET_MAGIC = b"PAR1"
FOREIGN_MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
}
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = {";": "semicolon ';'", "\t": "tab", "|": "pipe '|'", ":": "colon ':'"}
HEAD_BYTES = 65_536
MAX_ROW_PROBLEMS = 5  # of one check; the rest is counted
MAX_ROWS = 200_000_000  # a thousand pools for twenty years; a small file can unpack to more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawTable:
    """Columns of a file before their cells are read.

    Attributes
    ----------
    columns : dict of str to pyarrow.ChunkedArray
        Columns that are expected and there exactly once.
    rows : IntArray of shape (n_rows,)
        1-based number of each row in the file; rows of the wrong width are left out.
    problems : tuple of Problem
        What is wrong with the header and the width of rows.
    """

    columns: dict[str, Any]
    rows: IntArray
    problems: tuple[Problem, ...]


def refuse(path: Path, message: str, *, row: int | None = None) -> InputError:
    """Error of one problem that concerns the file as a whole."""
    return InputError(str(path), [Problem(message=message, row=row)])


def read_bytes(path: Path, *, needs: str) -> bytes:
    """Content of a file that must exist and must not be empty.

    Parameters
    ----------
    path : Path
        Of a regular file: it is read twice, once for its hash, which a pipe does not allow.
    needs : str
        Sentence on what an empty file lacks.

    Raises
    ------
    InputError
        If it cannot be read or holds nothing.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise refuse(path, "must be a file, got a directory.")
        if not stat.S_ISREG(mode):
            raise refuse(path, "must be a regular file, got a pipe or a device. Save its content first.")
        data = path.read_bytes()
    except FileNotFoundError:
        raise refuse(path, "there is no such file. Check the path.") from None
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror or error}.") from error
    if not data.strip():
        raise refuse(path, f"the file is empty. {needs}")
    return data


def read_text(path: Path, *, needs: str) -> str:
    """Text of a UTF-8 file, whose rows are its lines from 1; a byte order mark is dropped.

    Raises
    ------
    InputError
        If the file is missing, empty, UTF-16, binary or not UTF-8.
    """
    return decode(path, read_bytes(path, needs=needs), first_row=1)


def decode(path: Path, data: bytes, *, first_row: int = 0) -> str:
    """Decode UTF-8, or say what the bytes are instead; the first line is row `first_row`."""
    for magic, name in FOREIGN_MAGIC.items():
        if data.startswith(magic):
            raise refuse(path, f"is {name}. Save it as plain UTF-8 text.")
    head = data[:HEAD_BYTES]
    if data.startswith(UTF16_MARKS) or b"\0" in head[:4]:
        way_out = "Save it as UTF-8, for instance with: iconv -f UTF-16 -t UTF-8 old.csv > new.csv"
        raise refuse(path, f"must be UTF-8, got UTF-16. {way_out}")
    if b"\0" in data:
        row = first_row + data.count(b"\n", 0, data.index(b"\0"))
        raise refuse(path, "must be text, got a NUL byte: a binary or damaged file.", row=row)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = first_row + data.count(b"\n", 0, error.start)
        got = f"byte 0x{data[error.start]:02x}"
        raise refuse(path, f"must be UTF-8, got {got} which is not. Save the file as UTF-8.", row=row) from None


def read_raw(path: Path, columns: Sequence[Column]) -> RawTable:
    """Raw columns of a CSV or Parquet file, with what is wrong with its header.

    Raises
    ------
    InputError
        If the file cannot be read as a table at all.
    """
    data = read_bytes(path, needs="It needs at least a header line.")
    if data.startswith(PARQUET_MAGIC):
        return _parquet(path, data, columns)
    if path.suffix.lower() in {".parquet", ".pq"}:
        raise refuse(path, "is named Parquet but does not start as a Parquet file: damaged, or another format.")
    return _csv(path, data, columns)


def _parquet(path: Path, data: bytes, columns: Sequence[Column]) -> RawTable:
    """Read Parquet; only the expected columns are decoded."""
    import pyarrow.parquet as pq  # costs 0.1 s, and only here

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        if file.metadata.num_rows > MAX_ROWS:
            raise refuse(path, f"must have at most {MAX_ROWS:,} rows, got {file.metadata.num_rows:,}. Split it.")
        names = list(file.schema_arrow.names)
        wanted, problems = _match_header(names, columns)
        table = file.read(columns=[names[index] for index in wanted.values()])
        table.validate(full=True)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise refuse(path, f"cannot be read as Parquet, it is damaged or cut short ({reason}).") from error
    return RawTable(
        columns={name: table.column(name) for name in wanted},
        rows=np.arange(1, table.num_rows + 1, dtype=np.int64),
        problems=tuple(problems),
    )


def _csv(path: Path, data: bytes, columns: Sequence[Column]) -> RawTable:
    """Read CSV with every cell as text."""
    import pyarrow.csv as pc  # costs 0.1 s, and only here

    text = decode(path, data)
    header = _header(path, text[:HEAD_BYTES], columns)
    del text
    wanted, problems = _match_header([name.strip() for name in header], columns)
    names = [str(index) for index in range(len(header))]
    wrong: list[tuple[int, str]] = []

    def skip(row: Any) -> str:
        hint = " Perhaps a quote is not closed." if "\n" in row.text else ""
        wrong.append((row.number - 1, f"got {row.actual_columns}.{hint}"))
        return "skip"

    try:
        table = pc.read_csv(
            pa.BufferReader(data if data.endswith((b"\n", b"\r")) else data + b"\n"),
            read_options=pc.ReadOptions(use_threads=False, column_names=names),
            parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise refuse(path, f"cannot be read as CSV, perhaps a quote is not closed ({reason}).") from error
    table = table.slice(1)
    rows = np.arange(1, table.num_rows + len(wrong) + 1, dtype=np.int64)
    problems += [
        Problem(row=row, message=f"must have {len(header)} cells like the header, {got}")
        for row, got in wrong[:MAX_ROW_PROBLEMS]
    ]
    if len(wrong) > MAX_ROW_PROBLEMS:
        problems.append(Problem(message=f"{len(wrong) - MAX_ROW_PROBLEMS} more rows have a wrong number of cells."))
    return RawTable(
        columns={name: table.column(index) for name, index in wanted.items()},
        rows=np.delete(rows, [row - 1 for row, _ in wrong]),
        problems=tuple(problems),
    )


def _header(path: Path, head: str, columns: Sequence[Column]) -> list[str]:
    """Cells of the first line that is not blank; another delimiter than the comma is refused."""
    line = next((line for line in io.StringIO(head.removeprefix("\ufeff"), newline=None) if line.strip("\n")), "")
    expected = {column.name for column in columns}
    hits = {mark: len(expected & {cell.strip() for cell in _cells(line, mark)}) for mark in (",", *DELIMITERS)}
    best = max(hits, key=lambda mark: hits[mark])
    if best != "," and hits[best] > hits[","]:
        got = DELIMITERS[best]
        raise refuse(path, f"cells must be separated by commas, got {got}. Save it with commas.", row=0)
    if line.count('"') % 2:
        raise refuse(path, "the header must stand on one line, got a quote that is not closed on it.", row=0)
    return _cells(line, ",")


def _cells(line: str, delimiter: str) -> list[str]:
    """Split one line."""
    return next(csv.reader([line.rstrip("\n")], delimiter=delimiter), [])


def _match_header(names: list[str], columns: Sequence[Column]) -> tuple[dict[str, int], list[Problem]]:
    """Position of each expected column, and what is missing, unknown or there twice."""
    expected = [column.name for column in columns]
    problems = []
    for column in columns:
        if column.required and column.name not in names:
            near = did_you_mean(column.name, [name for name in names if name not in expected])
            problems.append(Problem(column=column.name, row=0, message=f"is missing. Got columns {names}.{near}"))
    for name in dict.fromkeys(names):
        if not name:
            message = "a column has no name, perhaps for a comma at the end of the line. Name it, or drop it."
            problems.append(Problem(row=0, message=message))
        elif name not in expected:
            shown = repr(name) if has_control_characters(name) else name
            message = f"is not a column of this file.{did_you_mean(name, expected)} Expected {', '.join(expected)}."
            problems.append(Problem(column=shown, row=0, message=message))
        elif names.count(name) > 1:
            problems.append(Problem(column=name, row=0, message=f"must be there once, got {names.count(name)} times."))
    return {name: names.index(name) for name in expected if names.count(name) == 1}, problems
