"""Who used what: hours of machines by pool and by the value of one tag, from the same export as the usage.

Lines without the tag are left out; whoever reads the answer knows the pools' totals. Not here: what owners pay
(`optimizer.attribution`).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as compute

from forecasting.errors import InputError, Problem
from forecasting.usage.dialects import DIALECTS
from forecasting.usage.engine import Connection, open_engine
from forecasting.usage.export_columns import ExportColumn
from forecasting.usage.export_files import probe_files
from forecasting.usage.hourly import lay_on_hours, usage_table
from forecasting.usage.judged import judge_totals, refuse_empty_cells
from forecasting.usage.lines import Dialect
from forecasting.usage.overlaps import refuse_overlaps
from forecasting.usage.pool_names import PoolKey, name_part, pool_name
from forecasting.usage.totals import TOTALS_TABLE, batches_of, sum_lines

TAGGED_FORMATS = ("cur", "focus")
OWNER = "account"  # the split by account, taken of the tag's column instead


def owner_units(name: str, paths: Sequence[Path], *, tag: str, spreads_days: bool = False) -> Any:
    """Units by hour, pool and owner, for the lines that have the tag.

    Parameters
    ----------
    name : str
        Format: cur or focus.
    paths : sequence of Path
    tag : str
        Key of the tag, such as team.
    spreads_days : bool
        Whether lines longer than an hour are spread.

    Returns
    -------
    pyarrow.Table
        `hour_utc`, `pool`, `owner`, `units`, in the order of hours, then pools and owners.

    Raises
    ------
    InputError
        If a file is wrong, the format has no tags that can be read, or no line has the tag.
    """
    source = ", ".join(str(path) for path in paths[:3]) + (" and more" if len(paths) > 3 else "")
    dialect = _by_tag(name, tag, source)
    with open_engine() as engine:
        batches = batches_of(probe_files(paths, engine, json_keys=dialect.json_keys), dialect)
        sum_lines(engine, batches, dialect, by=frozenset({OWNER}))
        refuse_empty_cells(engine, source)
        named = _named(engine)
        pools = judge_totals(engine, dialect, source)
        refuse_overlaps(engine, batches, dialect, source)
        lay_on_hours(engine, dialect, spreads=spreads_days, source=source)
        found = _owned(usage_table(engine), pools, named)
    if found.num_rows == 0:
        message = f"no machine has the tag {tag!r}. Name a tag that is activated as a cost allocation tag."
        raise InputError(source, [Problem(message=message)])
    return found


def _by_tag(name: str, tag: str, source: str) -> Dialect:
    """Dialect whose accounts are the values of a tag."""
    if name not in TAGGED_FORMATS:
        message = (
            f"tags can be read of {' and '.join(TAGGED_FORMATS)}, got {name}. Use the accounts (plimsoll import --by "
            "account), or make the owners file yourself."
        )
        raise InputError(source, [Problem(message=message)])
    spellings = {
        "cur": (f"resource_tags.user_{tag}", f"resourceTags/user:{tag}", f"resource_tags.{tag}", f"resourceTags/{tag}"),
        "focus": (f"Tags.{tag}",),
    }[name]
    dialect = DIALECTS[name]
    owner = ExportColumn(name=OWNER, spellings=spellings, is_required=True)
    columns = tuple(owner if column.name == OWNER else column for column in dialect.columns)
    return replace(dialect, columns=columns)


def _named(engine: Connection) -> dict[str, str]:
    """Values of the tag as they are, by how the name of a pool has them; those that fall together keep that name."""
    rows = engine.execute(f"SELECT DISTINCT by_{OWNER} FROM {TOTALS_TABLE} ORDER BY ALL").fetchall()
    named: dict[str, str] = {}
    for (value,) in rows:
        part = name_part(value)
        named[part] = part if part in named else value
    return named


def _owned(usage: Any, pools: dict[str, PoolKey], named: dict[str, str]) -> Any:
    """Usage of pools split by owner as usage of pools with an owner."""
    encoded = usage.column("pool").combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    bare = pa.array([pool_name(replace(pools[name], account="")) for name in names], type=pa.string())
    owners = pa.array([named.get(name_part(pools[name].account), "") if pools[name].account else "" for name in names])
    table = pa.table(
        {
            "hour_utc": usage.column("hour_utc"),
            "pool": pa.DictionaryArray.from_arrays(encoded.indices, bare).cast(pa.string()),
            "owner": pa.DictionaryArray.from_arrays(encoded.indices, owners).cast(pa.string()),
            "units": usage.column("units"),
        }
    )
    owned = table.filter(compute.not_equal(table.column("owner"), ""))
    summed = owned.group_by(["hour_utc", "pool", "owner"], use_threads=False).aggregate([("units", "sum")])
    named_columns = summed.rename_columns({"units_sum": "units"}).select(["hour_utc", "pool", "owner", "units"])
    return named_columns.sort_by([("hour_utc", "ascending"), ("pool", "ascending"), ("owner", "ascending")])
