"""A billing export read whole: the usage frame, its pools, its parts, and what it took to get there.

Not here: the rules of a provider (`forecasting.usage.cur`, ...), files that are written (`optimizer.jobs.importing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from forecasting.errors import ForecastingError
from forecasting.usage.bad_cells import cell_problems
from forecasting.usage.commitment_lines import Recovered
from forecasting.usage.dialects import DIALECTS, RECOVERERS
from forecasting.usage.engine import MEMORY_LIMIT, Connection, EngineError, first_row, open_engine
from forecasting.usage.export_files import probe_files
from forecasting.usage.gcp_subscriptions import read_subscriptions, with_subscriptions
from forecasting.usage.hourly import SPREAD_ASSUMPTION, USAGE_TABLE, add_idle_hours, lay_on_hours, usage_table
from forecasting.usage.judged import (
    JudgedPool,
    PartTotal,
    judge_totals,
    part_totals,
    refuse_empty_cells,
    untagged_fraction,
    whole_total,
)
from forecasting.usage.overlaps import refuse_overlaps
from forecasting.usage.pool_names import PoolKey
from forecasting.usage.pool_parts import PoolPart, pool_parts, spot_table
from forecasting.usage.totals import TOTALS_TABLE, Batch, batches_of, sum_lines


class LostMoneyError(ForecastingError, RuntimeError):
    """The parts of an export do not add up to its total: a defect of the importer, never of the export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What is asked of an export.

    Attributes
    ----------
    name : str
        Format: focus, cur, azure or gcp.
    paths : tuple of Path
    by : frozenset of str
        What pools are split by: account, zone.
    spreads_days : bool
        Whether lines longer than an hour are spread.
    recovers : bool
        Whether commitments are looked for.
    memory_limit : str
        Of DuckDB.
    threads : int or None
        None: as many as there are cores.
    subscriptions : tuple of Path
        Google's table of subscriptions, which tells flexible commitments.
    """

    name: str
    paths: tuple[Path, ...]
    by: frozenset[str] = frozenset()
    spreads_days: bool = False
    recovers: bool = True
    memory_limit: str = MEMORY_LIMIT
    threads: int | None = None
    subscriptions: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """What an export says.

    Attributes
    ----------
    usage : pyarrow.Table
        `hour_utc`, `pool`, `units`.
    pools : tuple of JudgedPool
        By name.
    parts : tuple of PartTotal
        Demand first.
    pool_parts : tuple of PoolPart
        Demand by pool and by what paid for it.
    spot : pyarrow.Table
        `hour` since 1970, `pool`, `units` that ran on spot.
    billed, amortized : Decimal
        Of the whole export, in `currency`.
    currency : str
    n_rows : int
    untagged_fraction : float or None
        Share of the cost of demand on lines without a tag; None where there are no tags.
    n_idle_hours, n_gap_hours : int
        Hours without a machine in which the export has other lines (zeros), or none (gaps).
    recovered : Recovered or None
    assumptions : tuple of str
        What was taken for granted.
    """

    usage: Any
    pools: tuple[JudgedPool, ...]
    parts: tuple[PartTotal, ...]
    pool_parts: tuple[PoolPart, ...]
    spot: Any
    billed: Decimal
    amortized: Decimal
    currency: str
    n_rows: int
    untagged_fraction: float | None
    n_idle_hours: int
    n_gap_hours: int
    recovered: Recovered | None
    assumptions: tuple[str, ...]


def import_export(request: ImportRequest) -> Imported:
    """Read an export.

    Raises
    ------
    InputError
        If a file is wrong, or would give a wrong sum: see docs/importing.md.
    """
    dialect = DIALECTS[request.name]
    source = ", ".join(str(path) for path in request.paths[:3]) + (" and more" if len(request.paths) > 3 else "")
    with open_engine(memory_limit=request.memory_limit, threads=request.threads) as engine:
        batches = batches_of(probe_files(request.paths, engine, json_keys=dialect.json_keys), dialect)
        try:
            return _imported(engine, batches, request, source)
        except EngineError as error:  # in a column that only a later pass reads
            raise cell_problems([(batch.files, batch.found) for batch in batches], dialect, error) from None


def _imported(engine: Connection, batches: Sequence[Batch], request: ImportRequest, source: str) -> Imported:
    """Read files whose columns have been found."""
    dialect = DIALECTS[request.name]
    sum_lines(engine, batches, dialect, by=request.by)
    refuse_empty_cells(engine, source)
    keys = judge_totals(engine, dialect, source)
    refuse_overlaps(engine, batches, dialect, source)
    n_long = lay_on_hours(engine, dialect, spreads=request.spreads_days, source=source)
    n_idle, n_gaps = add_idle_hours(engine, batches, dialect)
    recovered = RECOVERERS[dialect.name](engine, batches, source) if request.recovers else None
    if request.subscriptions:
        recovered = with_subscriptions(recovered, read_subscriptions(engine, request.subscriptions))
    parts = part_totals(engine)
    billed, amortized = whole_total(engine)
    _check_sum(parts, billed, amortized)
    return Imported(
        usage=usage_table(engine),
        pools=_pools(engine, keys),
        parts=parts,
        pool_parts=pool_parts(engine),
        spot=spot_table(engine),
        billed=billed,
        amortized=amortized,
        currency=_currency(engine),
        n_rows=sum(part.n_rows for part in parts),
        untagged_fraction=untagged_fraction(engine),
        n_idle_hours=n_idle,
        n_gap_hours=n_gaps,
        recovered=recovered,
        assumptions=(SPREAD_ASSUMPTION,) if n_long else (),
    )


def _pools(engine: Connection, keys: dict[str, PoolKey]) -> tuple[JudgedPool, ...]:
    """Pools with their hours."""
    rows: Sequence[tuple[Any, ...]] = engine.execute(
        f"SELECT pool, sum(units), sum(spot_units) FROM {USAGE_TABLE} GROUP BY pool ORDER BY pool"
    ).fetchall()
    return tuple(
        JudgedPool(name=name, key=keys[name], unit_hours=units, spot_unit_hours=spot) for name, units, spot in rows
    )


def _currency(engine: Connection) -> str:
    """The one currency of the export; empty where it names none."""
    return str(first_row(engine, f"SELECT max(currency) FROM {TOTALS_TABLE}")[0] or "")


def _check_sum(parts: Sequence[PartTotal], billed: Decimal, amortized: Decimal) -> None:
    """Compare the parts with the total that was summed before lines were judged."""
    for name, total, found in (
        ("billed", billed, sum((part.billed for part in parts), start=Decimal(0))),
        ("amortized", amortized, sum((part.amortized for part in parts), start=Decimal(0))),
    ):
        if found != total:
            msg = f"the parts of the export add up to {found} {name}, its lines to {total}: please report this defect."
            raise LostMoneyError(msg)
