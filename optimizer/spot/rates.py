"""What an eligible unit costs on spot: while spot is there, in the mean of all hours, and under a deadline.

Not here: drawing the hours without spot (`optimizer.spot.outages`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from optimizer.offers import Catalog
from optimizer.pools import Pool
from optimizer.spot.chain import chain_of
from optimizer.spot.deadline import DeadlinePromise, DeadlineWork, keep_deadline


def while_there_usd(catalog: Catalog, pools: Sequence[Pool]) -> FloatArray:
    """Spot rate with rework in an hour in which spot is there; nan without a price. [USD/unit-hour]

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.

    Returns
    -------
    FloatArray of shape (n_pools,)
    """
    overhead = np.array([pool.interruption_overhead_fraction for pool in pools])
    rate: FloatArray = catalog.spot_usd * (1.0 + overhead)
    return rate


def pays_while_there(catalog: Catalog, pools: Sequence[Pool]) -> BoolArray:
    """Whether spot with its rework costs less than on demand while it is there. Shape (n_pools,)."""
    pays: BoolArray = while_there_usd(catalog, pools) < catalog.on_demand_usd  # false where there is no price
    return pays


def effective_spot_usd(catalog: Catalog, pools: Sequence[Pool]) -> FloatArray:
    """Expected rate of an eligible unit where hours without spot are not known; nan without spot. [USD/unit-hour]

    Spot with rework while it is available, on-demand otherwise; with a deadline what keeping it costs.

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.

    Returns
    -------
    FloatArray of shape (n_pools,)
    """
    available = np.array([pool.spot_availability for pool in pools])
    rate: FloatArray = available * while_there_usd(catalog, pools) + (1.0 - available) * catalog.on_demand_usd
    for row, promise in enumerate(promises(catalog, pools)):
        if promise is not None:
            rate[row] = promise.rate_usd
    return rate


def known_spot_usd(catalog: Catalog, pools: Sequence[Pool], *, is_drawn: BoolArray) -> FloatArray:
    """Rate where the hours without spot of some pools are known: of these that of the hours in which it is there.

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.
    is_drawn : BoolArray of shape (n_pools,)
        Pools whose hours are known.

    Returns
    -------
    FloatArray of shape (n_pools,)
        nan without spot. [USD/unit-hour]
    """
    return np.where(is_drawn, while_there_usd(catalog, pools), effective_spot_usd(catalog, pools))


def promises(catalog: Catalog, pools: Sequence[Pool]) -> tuple[DeadlinePromise | None, ...]:
    """What the deadline of each pool comes to; None without one, and where spot does not pay.

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.
    """
    pays = pays_while_there(catalog, pools)
    return tuple(_promise(catalog, row, pool) if pays[row] else None for row, pool in enumerate(pools))


def _promise(catalog: Catalog, row: int, pool: Pool) -> DeadlinePromise | None:
    """Promise of one pool, by its own prices."""
    chain = chain_of(pool)
    if chain is None or pool.deadline_window_hours is None or pool.deadline_work_hours is None:
        return None
    work = DeadlineWork(
        window_hours=int(pool.deadline_window_hours),
        work_hours=pool.deadline_work_hours,
        rework_fraction=pool.interruption_overhead_fraction,
        spot_usd=float(catalog.spot_usd[row]),
        on_demand_usd=float(catalog.on_demand_usd[row]),
    )
    return keep_deadline(chain, work)
