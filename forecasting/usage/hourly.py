"""Machine hours laid on the clock: lines of an hour as they are, longer ones refused or spread as declared.

An hour in which an export has lines but none of a machine is a zero; an hour in which it has none is a gap. Not here:
which lines are machines (`forecasting.usage.judged`).
"""

from collections.abc import Sequence
from typing import Any

from forecasting.errors import InputError, Problem
from forecasting.usage.engine import Connection, first_row
from forecasting.usage.judged import JUDGED_TABLE
from forecasting.usage.lines import NARROW, Dialect, Part
from forecasting.usage.totals import Batch

USAGE_TABLE = "usage_hours"
HOURS_TYPE = "DECIMAL(38, 15)"  # thirds of an hour, summed over a day, still round to the day
HOUR_MICROSECONDS = 3_600_000_000
DAY_HOURS = 24
SPREAD_ASSUMPTION = (
    "Lines longer than an hour are spread evenly over their hours (--daily spread): peaks and nights inside a day are "
    "not seen, and a commitment floor comes out too high for demand that varies within the day."
)


def lay_on_hours(engine: Connection, dialect: Dialect, *, spreads: bool, source: str) -> int:
    """Make the table of usage: `hour` since 1970, `pool`, `units`, `spot_units`; returns how many lines were long.

    Raises
    ------
    InputError
        If lines are longer than an hour and are not to be spread.
    """
    n_long, longest = first_row(
        engine,
        f"SELECT coalesce(sum(n_rows), 0), max(end_at - start_at) FROM {JUDGED_TABLE} WHERE pool IS NOT NULL "
        f"AND end_at - start_at > {HOUR_MICROSECONDS}",
    )
    if n_long and not spreads:
        hours = longest / HOUR_MICROSECONDS
        message = (
            f"lines of machines must be hourly, got {int(n_long):,} that last up to {hours:g} hours. "
            f"{dialect.switch_on} Or give --daily spread: it spreads each line evenly over its hours, which hides "
            "peaks, and says so in the report."
        )
        raise InputError(source, [Problem(message=message)])
    engine.execute(f"CREATE OR REPLACE TABLE {USAGE_TABLE} AS {_hours_sql()}")
    return int(n_long)


def _hours_sql() -> str:
    """Units of each pool and hour: a line counts in each hour by its overlap."""
    hour = HOUR_MICROSECONDS
    quantity = (
        f"CASE WHEN divide_by = 1 THEN CAST(quantity AS {HOURS_TYPE}) "
        f"ELSE CAST(CAST(quantity AS DOUBLE) / CAST(divide_by AS DOUBLE) AS {HOURS_TYPE}) END"
    )
    lines = (
        f"SELECT start_at AS s, end_at AS e, pool, part = '{Part.SPOT.value}' AS is_spot, "
        f"{quantity} AS q FROM {JUDGED_TABLE} WHERE pool IS NOT NULL"
    )
    inside = f"SELECT s // {hour} AS hour, pool, is_spot, q AS units FROM lines WHERE s // {hour} = (e - 1) // {hour}"
    overlap = f"(least(e, (h + 1) * {hour}) - greatest(s, h * {hour}))"
    across = (
        f"SELECT h AS hour, pool, is_spot, CAST(CAST(q AS DOUBLE) * {overlap} / (e - s) AS {HOURS_TYPE}) AS units "
        f"FROM (SELECT *, unnest(range(s // {hour}, (e - 1) // {hour} + 1)) AS h FROM lines "
        f"WHERE s // {hour} <> (e - 1) // {hour})"
    )
    return (
        f"WITH lines AS ({lines}), hours AS ({inside} UNION ALL {across}) SELECT hour, pool, sum(units) AS units, "
        f"sum(CASE WHEN is_spot THEN units ELSE 0 END) AS spot_units FROM hours GROUP BY hour, pool"
    )


def add_idle_hours(engine: Connection, batches: Sequence[Batch], dialect: Dialect) -> tuple[int, int]:
    """Add a zero for hours without any machine in which the export has other lines; returns those, and the gaps left.

    Gaps are hours between the first and the last machine in which the export has no line at all.
    """
    missing = (
        f"SELECT h AS hour FROM (SELECT unnest(range(min(hour), max(hour) + 1)) AS h FROM {USAGE_TABLE}) "
        f"WHERE h NOT IN (SELECT hour FROM {USAGE_TABLE})"
    )
    engine.execute(f"CREATE OR REPLACE TABLE missing_hours AS {missing}")
    n_missing = _number(engine, "SELECT count(*) FROM missing_hours")
    if n_missing == 0:
        return 0, 0
    seen = " UNION ALL ".join(_covered_sql(batch, dialect) for batch in batches)
    engine.execute(
        f"INSERT INTO {USAGE_TABLE} SELECT hour, (SELECT min(pool) FROM {USAGE_TABLE}), 0, 0 FROM missing_hours "
        f"WHERE hour IN (SELECT unnest(range(s, e)) FROM (SELECT DISTINCT s, e FROM ({seen})))"
    )
    n_left = _number(engine, f"SELECT count(*) FROM missing_hours WHERE hour NOT IN (SELECT hour FROM {USAGE_TABLE})")
    return n_missing - n_left, n_left


def _covered_sql(batch: Batch, dialect: Dialect) -> str:
    """First hour and hour after the last of every line of a day or less."""
    rows, hour = dialect.rows(batch.columns(NARROW)), HOUR_MICROSECONDS
    return (
        f"SELECT s // {hour} AS s, (e - 1) // {hour} + 1 AS e FROM (SELECT DISTINCT TRY({rows.start.sql}) AS s, "
        f"TRY({rows.end.sql}) AS e FROM {batch.rows_sql}) WHERE e > s AND e - s <= {DAY_HOURS * hour}"
    )


def usage_table(engine: Connection) -> Any:
    """Usage frame as an Arrow table: `hour_utc`, `pool`, `units`, in the order of hours, then pools."""
    return engine.sql(
        f"SELECT make_timestamptz(hour * {HOUR_MICROSECONDS}) AS hour_utc, pool, CAST(units AS DOUBLE) AS units "
        f"FROM {USAGE_TABLE} ORDER BY hour, pool"
    ).to_arrow_table()


def _number(engine: Connection, query: str) -> int:
    """Whole number that a query gives."""
    return int(first_row(engine, query)[0])
