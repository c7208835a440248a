"""expected.parquet: what a plan expects day by day, written and read back to the last bit.

Not here: what the columns mean for a plan (`optimizer.expected`).
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.errors import InputError, Problem
from optimizer.expected import Expected, ExpectedEvent

EXPECTED_NAME = "expected.parquet"
UNIT_COLUMNS = (
    *("mean_units", "p10_units", "p50_units", "p90_units"),
    *("to_date_p10_units", "to_date_p50_units", "to_date_p90_units"),
)
POOL_COLUMNS = ("on_demand_usd", "served_usd")
TOTAL_COLUMNS = (
    *("fee_usd", "unused_usd", "eligible_usd", "covered_usd", "locked_in_usd"),
    *("cost_to_date_p10_usd", "cost_to_date_p50_usd", "cost_to_date_p90_usd"),
)
NUMBER_COLUMNS = (*UNIT_COLUMNS, *POOL_COLUMNS, *TOTAL_COLUMNS)
COLUMNS = ("day", "pool", "event", *NUMBER_COLUMNS)

Block = tuple[str | None, str | None, dict[str, FloatArray]]


def expected_parquet(expected: Expected) -> bytes:
    """Expectations as Parquet: rows of all pools together (no pool), of each pool, then of each event and pool.

    Returns
    -------
    bytes
        No index, no time of writing: the same expectations give the same bytes.
    """
    import pyarrow as pa  # here, so that reading a plan for the terminal does not wait for it
    import pyarrow.parquet as parquet

    blocks = list(_blocks(expected))
    n_days = len(expected.days)
    unknown = np.full(n_days, np.nan)
    columns: dict[str, Any] = {
        "day": pa.array(np.tile(expected.days, len(blocks)).astype("datetime64[D]"), type=pa.date32()),
        "pool": pa.array([pool for pool, _, _ in blocks for _ in range(n_days)], type=pa.string()),
        "event": pa.array([event for _, event, _ in blocks for _ in range(n_days)], type=pa.string()),
    }
    for name in NUMBER_COLUMNS:
        values = np.concatenate([numbers.get(name, unknown) for _, _, numbers in blocks])
        columns[name] = pa.array(values, type=pa.float64(), mask=np.isnan(values))
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def _blocks(expected: Expected) -> Iterator[Block]:
    """One block of rows for the total, each pool, and each event in each of its pools."""
    n_pools = len(expected.pools)
    for row in (n_pools, *range(n_pools)):
        quantiles = (*expected.day_units[:, row], *expected.to_date_units[:, row])
        numbers = dict(zip(UNIT_COLUMNS, (expected.mean_units[row], *quantiles), strict=True))
        if row < n_pools:
            yield expected.pools[row], None, numbers | _money_of_pool(expected, row)
        else:
            yield None, None, numbers | _money_of_all(expected)
    for event in expected.events:
        for pool, units in zip(event.pools, event.units, strict=True):
            yield pool, event.name, {"mean_units": units}


def _money_of_pool(expected: Expected, row: int) -> dict[str, FloatArray]:
    """USD of one pool."""
    return {name: getattr(expected, name)[row] for name in POOL_COLUMNS}


def _money_of_all(expected: Expected) -> dict[str, FloatArray]:
    """USD of all pools together."""
    sums = {name: getattr(expected, name).sum(axis=0) for name in POOL_COLUMNS}
    own = {name: getattr(expected, name) for name in TOTAL_COLUMNS[:5]}
    return sums | own | dict(zip(TOTAL_COLUMNS[5:], expected.cost_to_date_usd, strict=True))


def read_expected(content: bytes, *, source: str, knows_events: bool) -> Expected:
    """Expectations of a file that `expected_parquet` made.

    Parameters
    ----------
    content : bytes
        Of the file, whose hash is known to be that of the plan.
    source : str
        Its name, for messages.
    knows_events : bool
        As plan.json says.

    Raises
    ------
    InputError
        If it is no such table.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        table = parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise _refused(source, f"must be a Parquet file that a plan wrote; it cannot be read: {error}") from None
    if tuple(table.column_names) != COLUMNS:
        raise _refused(source, f"must have the columns {', '.join(COLUMNS)}, got {', '.join(table.column_names)}.")
    days = table["day"].cast(pa.int32()).to_numpy().astype(np.int64)
    n_days = len(np.unique(days))
    n_blocks = len(days) // n_days if n_days else 0
    if n_blocks < 2 or not np.array_equal(days, np.tile(np.arange(days[0], days[0] + n_days), n_blocks)):
        raise _refused(source, "must have every day of the window, once for each pool and event.")
    numbers = {name: table[name].to_numpy().reshape(n_blocks, n_days) for name in NUMBER_COLUMNS}
    names = [table[name].to_pylist()[::n_days] for name in ("pool", "event")]
    return _expected(days[:n_days], names[0], names[1], numbers, knows_events=knows_events)


def _expected(
    days: IntArray,
    pools: list[str | None],
    events: list[str | None],
    numbers: dict[str, FloatArray],
    *,
    knows_events: bool,
) -> Expected:
    """Expectations of the blocks of a table: the total first, then pools, then events."""
    rows = [row for row in range(1, len(pools)) if events[row] is None]
    ordered = [*rows, 0]  # the total last
    found: dict[str, list[int]] = {}
    for row, name in enumerate(events):
        if name is not None:
            found.setdefault(name, []).append(row)
    units = [numbers[name][ordered] for name in UNIT_COLUMNS]
    return Expected(
        pools=tuple(str(pools[row]) for row in rows),
        days=days,
        mean_units=units[0],
        day_units=np.stack(units[1:4]),
        to_date_units=np.stack(units[4:]),
        on_demand_usd=numbers["on_demand_usd"][rows],
        served_usd=numbers["served_usd"][rows],
        fee_usd=numbers["fee_usd"][0],
        unused_usd=numbers["unused_usd"][0],
        eligible_usd=numbers["eligible_usd"][0],
        covered_usd=numbers["covered_usd"][0],
        locked_in_usd=numbers["locked_in_usd"][0],
        cost_to_date_usd=np.stack([numbers[name][0] for name in TOTAL_COLUMNS[5:]]),
        events=tuple(
            ExpectedEvent(
                name=name, pools=tuple(str(pools[row]) for row in members), units=numbers["mean_units"][members]
            )
            for name, members in found.items()
        ),
        knows_events=knows_events,
    )


def _refused(source: str, message: str) -> InputError:
    """One problem of the file as a whole."""
    return InputError(source, [Problem(message=f"{message} Plan again, and track that plan.")])
