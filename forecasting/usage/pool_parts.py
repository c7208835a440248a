"""What an export charged for the machines of each pool, by what paid for them, and when they ran on spot.

Not here: totals of the whole export (`forecasting.usage.judged`).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from forecasting.usage.engine import Connection
from forecasting.usage.hourly import USAGE_TABLE
from forecasting.usage.judged import JUDGED_TABLE
from forecasting.usage.lines import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPart:
    """Machines of one pool that were paid for in one way.

    Attributes
    ----------
    pool : str
    part : Part
        One of the parts that are demand.
    unit_hours : float
    billed, amortized : Decimal
        In the currency of the export.
    """

    pool: str
    part: Part
    unit_hours: float
    billed: Decimal
    amortized: Decimal


def pool_parts(engine: Connection) -> tuple[PoolPart, ...]:
    """Demand by pool and part, in their order; call it once lines are judged."""
    hours = "sum(CAST(quantity AS DOUBLE) / CAST(divide_by AS DOUBLE) ORDER BY quantity, divide_by)"
    rows = engine.execute(
        f"SELECT pool, part, {hours}, sum(billed), sum(amortized) FROM {JUDGED_TABLE} WHERE pool IS NOT NULL "
        "GROUP BY pool, part ORDER BY pool, part"
    ).fetchall()
    return tuple(
        PoolPart(pool=pool, part=Part(part), unit_hours=hours, billed=billed, amortized=amortized)
        for pool, part, hours, billed, amortized in rows
    )


def spot_table(engine: Connection) -> Any:
    """Hours on spot as an Arrow table: `hour` since 1970, `pool`, `units`; call it once lines are laid on hours."""
    return engine.sql(
        f"SELECT CAST(hour AS BIGINT) AS hour, pool, CAST(spot_units AS DOUBLE) AS units FROM {USAGE_TABLE} "
        "WHERE spot_units > 0 ORDER BY hour, pool"
    ).to_arrow_table()
