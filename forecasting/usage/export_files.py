"""Files of an export before anything is read from them: what format, which columns, whole or cut short.

A gzip is unpacked once to its end, as only its checksum tells that it is whole. Not here: what columns mean
(`forecasting.usage.export_columns`), cells (`forecasting.usage.totals`).
"""

import csv
import gzip
import io
import json
import stat
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from forecasting.errors import InputError, Problem
from forecasting.files import FOREIGN_MAGIC, PARQUET_MAGIC, UTF16_MARKS
from forecasting.usage.engine import NULL_WORDS, Connection, EngineError, literal, path_literal

GZIP_MAGIC = b"\x1f\x8b"
HEAD_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 16 << 20


class FileKind(StrEnum):
    """How a file is laid out."""

    CSV = "csv"
    JSON_LINES = "json lines"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """One file of an export.

    Attributes
    ----------
    path : Path
    kind : FileKind
    is_gzip : bool
    columns : tuple of (str, str)
        Name as the file has it, and type of DuckDB; VARCHAR in a CSV, JSON in lines of JSON.
    ends_in_newline : bool
        Whether the last cell of the last row is surely whole.
    """

    path: Path
    kind: FileKind
    is_gzip: bool
    columns: tuple[tuple[str, str], ...]
    ends_in_newline: bool = True


def probe_files(paths: Sequence[Path], engine: Connection, *, json_keys: Sequence[str] = ()) -> tuple[ExportFile, ...]:
    """What the files are, in the order given.

    Parameters
    ----------
    paths : sequence of Path
        CSV, CSV in gzip, Parquet; lines of JSON where there are `json_keys`.
    engine : Connection
    json_keys : sequence of str
        Keys at the top of a JSON object; exports leave out those that are empty, so a file does not tell them all.

    Raises
    ------
    InputError
        For the first file that is missing, empty, cut short, given twice or of another format.
    """
    seen: dict[tuple[int, int], Path] = {}
    files = []
    for path in paths:
        place = _regular(path)
        if place in seen:
            raise refused(path, f"is the same file as {str(seen[place])!r}. Give each file once.")
        seen[place] = path
        files.append(_probe(path, engine, json_keys=json_keys))
    return tuple(files)


def refused(path: Path, message: str, *, column: str = "", row: int | None = None) -> InputError:
    """Error of one problem of one file."""
    return InputError(str(path), [Problem(message=message, column=column, row=row)])


def scan_sql(files: Sequence[ExportFile]) -> str:
    """Table function over files of the same kind and columns, which are named c0, c1, ... unless it is Parquet.

    The file a row stands in is the column `filename`.
    """
    paths = f"[{', '.join(path_literal(file.path) for file in files)}]"
    first = files[0]
    if first.kind is FileKind.PARQUET:
        return f"read_parquet({paths}, hive_partitioning = false, filename = true)"
    types = ", ".join(f"{literal(column)}: {literal(kind)}" for column, kind in _sql_columns(first))
    packing = f"compression = {literal('gzip' if first.is_gzip else 'none')}, filename = true"
    if first.kind is FileKind.JSON_LINES:
        return (
            f"read_json({paths}, format = 'newline_delimited', auto_detect = false, columns = {{{types}}}, "
            f"maximum_object_size = {MAX_LINE_BYTES}, hive_partitioning = false, {packing})"
        )
    words = ", ".join(literal(word) for word in NULL_WORDS)
    return (
        f"read_csv({paths}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        f"columns = {{{types}}}, nullstr = [{words}], strict_mode = true, null_padding = false, "
        f"max_line_size = {MAX_LINE_BYTES}, hive_partitioning = false, {packing})"
    )


def column_sql(file: ExportFile, index: int) -> str:
    """Name under which `scan_sql` gives a column."""
    return f"c{index}" if file.kind is FileKind.CSV else _quoted(file.columns[index][0])


def _sql_columns(file: ExportFile) -> Iterable[tuple[str, str]]:
    """Names and types for DuckDB's readers."""
    if file.kind is FileKind.JSON_LINES:
        return file.columns
    return [(f"c{index}", "VARCHAR") for index in range(len(file.columns))]


def _quoted(name: str) -> str:
    """Quoted name."""
    return '"' + name.replace('"', '""') + '"'


def _regular(path: Path) -> tuple[int, int]:
    """Device and inode of a regular file that is not empty."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise refused(path, "there is no such file. Check the path.") from None
    except (OSError, ValueError) as error:
        raise refused(path, f"cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if stat.S_ISDIR(status.st_mode):
        raise refused(path, "must be a file, got a directory. Give the files in it.")
    if not stat.S_ISREG(status.st_mode):
        raise refused(path, "must be a regular file, got a pipe or a device. Save its content first.")
    if status.st_size == 0:
        raise refused(path, "the file is empty. Export it again.")
    return status.st_dev, status.st_ino


def _probe(path: Path, engine: Connection, *, json_keys: Sequence[str]) -> ExportFile:
    """Format and columns of one file."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        if magic == PARQUET_MAGIC:
            return _probe_parquet(path, engine)
        if path.suffix.lower() in {".parquet", ".pq"}:
            raise refused(path, "is named Parquet but does not start as a Parquet file: damaged, or another format.")
        is_gzip = magic.startswith(GZIP_MAGIC)
        head, last = _unpacked(path) if is_gzip else _plain(path)
    except OSError as error:
        raise refused(path, f"cannot be read: {error.strerror or error}.") from None
    _refuse_foreign(path, head)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        columns = _json_columns(path, head, json_keys)
        return ExportFile(path=path, kind=FileKind.JSON_LINES, is_gzip=is_gzip, columns=columns)
    names = _header(path, head)
    return ExportFile(
        path=path,
        kind=FileKind.CSV,
        is_gzip=is_gzip,
        columns=tuple((name, "VARCHAR") for name in names),
        ends_in_newline=last in {b"\n", b"\r"},
    )


def _probe_parquet(path: Path, engine: Connection) -> ExportFile:
    """Columns of a Parquet file."""
    try:
        rows = engine.execute(
            f"DESCRIBE SELECT * FROM read_parquet([{path_literal(path)}], hive_partitioning = false)"
        ).fetchall()
    except EngineError as error:
        reason = str(error).splitlines()[0]
        raise refused(path, f"cannot be read as Parquet, it is damaged or cut short ({reason}).") from None
    columns = tuple((str(row[0]), str(row[1])) for row in rows)
    return ExportFile(path=path, kind=FileKind.PARQUET, is_gzip=False, columns=columns)


def _unpacked(path: Path) -> tuple[bytes, bytes]:
    """First bytes and last byte of what a gzip holds, read to its end."""
    head, last = b"", b""
    try:
        with gzip.open(path, "rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                head = head or chunk
                last = chunk[-1:]
    except EOFError:
        raise refused(path, "the gzip is cut short: its end is missing. Fetch the file again.") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refused(path, f"the gzip is damaged ({error}). Fetch the file again.") from None
    if not head.strip():
        raise refused(path, "the file is empty once unpacked. Export it again.")
    return head, last


def _plain(path: Path) -> tuple[bytes, bytes]:
    """First bytes and last byte of a file that is not packed."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(-1, io.SEEK_END)
        return head, stream.read(1)


def _refuse_foreign(path: Path, head: bytes) -> None:
    """Say what a file is that is no text."""
    for magic, name in FOREIGN_MAGIC.items():
        if head.startswith(magic):
            raise refused(path, f"is {name}. Unpack it, and give the CSV or Parquet files in it.")
    if head.startswith(UTF16_MARKS) or b"\0" in head:
        raise refused(path, "must be UTF-8 text or Parquet, got UTF-16 or a binary file. Save it as UTF-8.")
    if not head.strip():
        raise refused(path, "the file is empty. Export it again.")


def _header(path: Path, head: bytes) -> list[str]:
    """Names of the columns of a CSV, which must be its first line."""
    line = head.split(b"\n", 1)[0]
    try:
        text = line.decode("utf-8-sig").rstrip("\r")
    except UnicodeDecodeError:
        raise refused(path, "must be UTF-8, got other bytes in the header. Save the file as UTF-8.", row=0) from None
    if not text.strip():
        raise refused(path, "must start with its header, got an empty line. Remove what stands above it.", row=0)
    if text.count('"') % 2 or "\r" in text:
        raise refused(path, "the header must stand on one line, got a quote that is not closed on it.", row=0)
    names = [name.strip() for name in next(csv.reader([text]))]
    if len(names) < 2:
        raise refused(path, "columns must be separated by commas, got a header of one column.", row=0)
    return names


def _json_columns(path: Path, head: bytes, keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Keys that are read, if the first line is an object that has one of them."""
    if not keys:
        raise refused(path, "must be CSV or Parquet, got JSON. Export it as CSV or Parquet.")
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    try:
        record = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        record = None
    if not isinstance(record, dict) or not set(keys) & set(record):
        message = f"must have one JSON object a line, with keys such as {', '.join(keys[:3])}. Export it again."
        raise refused(path, message, row=1)
    return tuple((key, "JSON") for key in keys)
