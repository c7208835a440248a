"""Reads AWS's price files as they are: metadata lines on top, then a header and gigabytes of rows, in a stream.

Not here: what the rows mean (`optimizer.pricelists.aws_offer`, `optimizer.pricelists.aws_savings_plan`).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc

from forecasting.errors import InputError, Problem

HEAD_BYTES = 65_536
BLOCK_BYTES = 8 << 20
MAX_METADATA_LINES = 30
MAX_WRONG_ROWS = 5
FETCH_AGAIN = "The file is damaged or cut short. Fetch it again."
GZIP_MAGIC = b"\x1f\x8b"
OFFER_COLUMNS = (
    *("SKU", "OfferTermCode", "TermType", "Unit", "PricePerUnit", "Currency", "LeaseContractLength"),
    *("PurchaseOption", "OfferingClass", "Product Family", "Instance Type", "Tenancy", "operation"),
    *("CapacityStatus", "Region Code"),
)
PLAN_COLUMNS = (
    *("Unit", "DiscountedRate", "Currency", "DiscountedServiceCode", "DiscountedUsageType", "DiscountedOperation"),
    *("PurchaseOption", "LeaseContractLength", "LeaseContractLengthUnit", "Product Family", "DiscountedRegionCode"),
    "DiscountedInstanceType",
)
NAMED_AFTER = {
    "aws-offer": ({"OfferTermCode", "TermType", "PricePerUnit"}, "an AWS offer file"),
    "aws-savings-plan": ({"DiscountedRate", "DiscountedUsageType"}, "an AWS savings plan file"),
    "csv": ({"instrument", "term_years"}, "a price table"),
}


def refused(path: Path, message: str, *, column: str = "", row: int | None = None) -> InputError:
    """Error of one problem of a price file."""
    return InputError(str(path), [Problem(message=message, column=column, row=row)])


def head_of(path: Path) -> bytes:
    """First bytes of a file, unpacked where it is gzip.

    Raises
    ------
    InputError
        If it cannot be read or is empty.
    """
    try:
        if path.is_dir():
            raise refused(path, "must be a file, got a directory.")
        with _opened(path) as stream:
            head: bytes = stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise refused(path, "there is no such file. Check the path.") from None
    except OSError as error:
        raise refused(path, f"cannot be read: {error.strerror or _first_line(error)}. {FETCH_AGAIN}") from None
    if not head.strip():
        raise refused(path, "the file is empty. Fetch it again.")
    return head


def price_batches(path: Path, columns: Sequence[str], *, kind: str, optional: Sequence[str] = ()) -> Iterator[pa.Table]:
    """Rows below the header, a block at a time, every cell as text.

    Parameters
    ----------
    path : Path
        CSV, or CSV in gzip.
    columns : sequence of str
        Columns it must have.
    kind : str
        What the file is taken for, a key of `NAMED_AFTER`.
    optional : sequence of str
        Columns that are read where the file has them, and are empty where not.

    Yields
    ------
    pyarrow.Table

    Raises
    ------
    InputError
        If the file is another one, lacks columns, is cut short or damaged.
    """
    n_metadata, header = _header(path, kind)
    missing = [name for name in columns if name not in header]
    if missing:
        raise InputError(
            str(path), [Problem(column=name, message="is missing. Fetch the file again.") for name in missing]
        )
    wanted = [name for name in (*columns, *optional) if name in header]
    n_wrong = 0
    first_wrong = ""

    def count(row: Any) -> str:
        nonlocal n_wrong, first_wrong
        n_wrong += 1
        first_wrong = first_wrong or f"got {row.actual_columns} in the row that starts with {row.text[:60]!r}"
        return "skip"

    try:
        with _opened(path) as stream:
            reader = pc.open_csv(
                stream,
                read_options=pc.ReadOptions(skip_rows=n_metadata, block_size=BLOCK_BYTES, use_threads=False),
                parse_options=pc.ParseOptions(invalid_row_handler=count),
                convert_options=pc.ConvertOptions(
                    include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
                ),
            )
            for batch in reader:
                yield _with_optional(pa.Table.from_batches([batch]), optional)
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        message = f"cannot be read to its end ({_first_line(error)}). {FETCH_AGAIN}"
        raise refused(path, message) from None
    if n_wrong:
        message = f"every row must have {len(header)} cells, {n_wrong} of them have not: {first_wrong}."
        raise refused(path, f"{message} {FETCH_AGAIN}")


def _with_optional(table: pa.Table, optional: Sequence[str]) -> pa.Table:
    """Table with an empty column for each optional one that the file lacks."""
    for name in optional:
        if name not in table.column_names:
            table = table.append_column(name, pa.array([""] * table.num_rows, type=pa.string()))
    return table


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Stream of a file, unpacked where its first bytes say gzip."""
    with pa.OSFile(str(path), "rb") as raw:
        magic = raw.read(2)
        raw.seek(0)
        if magic == GZIP_MAGIC:
            with pa.CompressedInputStream(raw, "gzip") as stream:
                yield stream
        else:
            yield raw


def _header(path: Path, kind: str) -> tuple[int, list[str]]:
    """Lines above the header, and its cells."""
    head = head_of(path)
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        raise refused(path, "must be UTF-8 text, got other bytes. Fetch the file again.") from None
    if text.lstrip().startswith(("{", "[")):
        raise refused(path, "is JSON; the CSV of the same price list is read. Fetch the .csv beside it.")
    lines = [next(csv.reader([line]), []) for line in text.splitlines()[: MAX_METADATA_LINES + 1]]
    marks, name = NAMED_AFTER[kind]
    for number, cells in enumerate(lines):
        if marks <= set(cells):
            return number, cells
    for other, (other_marks, other_name) in NAMED_AFTER.items():
        if any(other_marks <= set(cells) for cells in lines):
            raise refused(path, f"must be {name}, got {other_name}. Use: plimsoll import-prices {other}")
    raise refused(path, f"must be {name}, with {', '.join(sorted(marks))} in its header. Give the file as AWS has it.")


def _first_line(error: BaseException) -> str:
    """Reason of an error on one line."""
    lines = str(error).splitlines()
    return io.StringIO(lines[0] if lines else type(error).__name__).read(200)
