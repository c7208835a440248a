"""Pools as usage lines: what runs in each, and apart from it the idle units of its capacity reservations.

Not here: which commitment covers which line (`optimizer.billing.dispatch`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.billing.eligibility import Group
from optimizer.billing.providers import Rules
from optimizer.billing.settlement import Holding, Stage, UsageLines
from optimizer.offers import Catalog
from optimizer.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolLines:
    """Usage lines of a catalog's pools.

    Attributes
    ----------
    catalog : Catalog
    pools : tuple of Pool
        In the order of the catalog.
    idle_rows : tuple of int
        Pools in which capacity reservations hold units; their idle lines stand after the lines of all pools.
    """

    catalog: Catalog
    pools: tuple[Pool, ...]
    idle_rows: tuple[int, ...]

    def usage(self, running: FloatArray, idle: FloatArray) -> UsageLines:
        """Lines of running and idle units, each of shape (n_pools, n_hours). [units]"""
        rows = [*range(len(self.pools)), *self.idle_rows]
        return UsageLines(
            names=tuple(self.catalog.pools[row] for row in rows),
            accounts=tuple(self.pools[row].account for row in rows),
            on_demand_usd=self.catalog.on_demand_usd[rows],
            units=np.vstack([running, idle[list(self.idle_rows)]]) if self.idle_rows else running,
            idle_lines=frozenset(range(len(self.pools), len(rows))),
        )

    def holding(self, group: Group, stage: Stage, quantity: FloatArray) -> Holding:
        """A group as a holding, eligible for what runs in its pools and for their idle units.

        AWS's zonal reservations are not: they reserve capacity themselves, and leave that of others alone.
        """
        found = dict(zip(group.lines.tolist(), group.draw.tolist(), strict=True))
        leaves_idle = group.rules == Rules.AWS and stage == Stage.ZONAL_RESERVATION
        idle_rows = () if leaves_idle else self.idle_rows
        idle = [(len(self.pools) + at, found[row]) for at, row in enumerate(idle_rows) if row in found]
        return Holding(
            label=group.offer.offer_id,
            stage=stage,
            account=group.account,
            lines=np.array([*found, *(line for line, _ in idle)], dtype=np.int64),
            draw=np.array([*found.values(), *(draw for _, draw in idle)], dtype=np.float64),
            quantity=quantity,
            term_hours=group.offer.term_hours,
            reach=group.reach,
        )

    @property
    def pool_of_idle(self) -> dict[int, int]:
        """Pool of each line of idle units, by its place among the lines."""
        return {len(self.pools) + at: row for at, row in enumerate(self.idle_rows)}

    def by_pool(self, units: FloatArray) -> FloatArray:
        """Units of lines summed by pool. Shape (n_pools, n_hours)."""
        if not self.idle_rows:
            return units
        out = units[: len(self.pools)].copy()
        out[list(self.idle_rows)] += units[len(self.pools) :]
        return out
