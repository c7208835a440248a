"""Demand of what commitments reach, and what of them is owned from day to day.

Not here: how it is drawn (`optimizer.report.renewals_charts`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.hours import HOURS_PER_DAY
from forecasting.quantiles import weighted_quantiles
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.jobs.purchases import quantity_unit
from optimizer.jobs.renewals.answer import PoolChart
from optimizer.jobs.renewals.choices import Reviewed
from optimizer.offers import Offer

LEVELS = (0.1, 0.5, 0.9)


def pool_charts(reviewed: Sequence[Reviewed], market: Market, window: Scenarios) -> tuple[PoolChart, ...]:
    """One chart for each reach of the commitments to decide on, in their order."""
    offers: dict[frozenset[str], Offer] = {}
    for item in reviewed:
        if item.offer.pools:
            offers.setdefault(frozenset(item.offer.pools), item.offer)
    return tuple(_chart(offer, market, window) for offer in offers.values())


def _chart(offer: Offer, market: Market, window: Scenarios) -> PoolChart:
    """Demand in the unit of an offer, and everything owned with the same reach."""
    draw = dict(zip(offer.pools, offer.draw.tolist(), strict=True))
    rows = [window.pools.index(pool) for pool in offer.pools]
    demand = np.einsum("p,sph->sh", np.array(list(draw.values())), window.units[:, rows])
    days, starts = np.unique(window.hours // HOURS_PER_DAY, return_index=True)
    counts = np.diff(np.append(starts, len(window.hours)))
    mean = np.add.reduceat(demand, starts, axis=1) / counts
    owned = []
    for commitment in market.commitments:
        own = market.catalog.offer(commitment.offer_id)
        if set(own.pools) != set(offer.pools) or own.is_open_ended:
            continue
        rate = min(draw[pool] / float(own_draw) for pool, own_draw in zip(own.pools, own.draw, strict=True))
        is_held = (days * HOURS_PER_DAY >= commitment.start_hour) & (days * HOURS_PER_DAY < commitment.end_hour)
        if is_held.any():
            owned.append((commitment.commitment_id, commitment.quantity * rate * is_held))
    name = offer.pools[0] if len(offer.pools) == 1 else f"{len(offer.pools)} pools of {offer.offer_id}"
    return PoolChart(
        title=name,
        unit=quantity_unit(offer),
        days=days,
        demand=weighted_quantiles(mean, window.weights, LEVELS).T,
        owned=tuple(owned),
    )
