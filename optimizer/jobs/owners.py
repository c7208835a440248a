"""Hourly owners of an export, by tag, as the file that `plimsoll attribute --owners` takes.

Not here: reading the export (`forecasting.usage.owner_units`).
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as compute

from forecasting.usage.owner_units import owner_units
from optimizer.cells import escape_cell


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersRequest:
    """What `plimsoll owners` is asked.

    Attributes
    ----------
    name : str
        Format of the export.
    exports : tuple of Path
    tag : str
    spreads_days : bool
    """

    name: str
    exports: tuple[Path, ...]
    tag: str
    spreads_days: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Owners:
    """Units by hour, pool and owner.

    Attributes
    ----------
    table : pyarrow.Table
        Names of owners escaped as in every output.
    unit_hours : tuple of (str, float)
        By owner, the largest first.
    """

    table: Any
    unit_hours: tuple[tuple[str, float], ...]


def find_owners(request: OwnersRequest) -> Owners:
    """Read the export by tag.

    Raises
    ------
    InputError
        If a file is wrong, or no line has the tag.
    """
    table = owner_units(request.name, request.exports, tag=request.tag, spreads_days=request.spreads_days)
    sums = table.group_by("owner", use_threads=False).aggregate([("units", "sum")]).to_pylist()
    names = [escape_cell(name) for name in table.column("owner").to_pylist()]
    position = table.column_names.index("owner")
    return Owners(
        table=table.set_column(position, "owner", pa.array(names, type=pa.string())),
        unit_hours=tuple(sorted(((row["owner"], row["units_sum"]) for row in sums), key=lambda one: (-one[1], one[0]))),
    )


def owners_bytes(found: Owners, *, suffix: str) -> bytes:
    """The file, CSV or Parquet.

    Parameters
    ----------
    found : Owners
    suffix : str
        .csv or .parquet.
    """
    sink = io.BytesIO()
    if suffix == ".csv":
        import pyarrow.csv as pc  # here, so that other commands do not wait for it

        hours = compute.strftime(found.table.column("hour_utc"), format="%Y-%m-%dT%H:00:00Z")
        pc.write_csv(found.table.set_column(0, "hour_utc", hours), sink)
    else:
        import pyarrow.parquet as parquet

        parquet.write_table(found.table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()
