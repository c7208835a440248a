"""Hardware that nobody has named yet, as pools of the plan: what compute savings plans will cover all the same.

A successor that is not on the price list cannot be reserved, but a plan bought today covers it from its first hour.
Leaving its demand out would make pool-locked offers look as safe as plans. Not here: how much demand goes there
(`forecasting.mix`).
"""

from dataclasses import replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.daily import group_name
from forecasting.forecast import Forecast
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool

UNNAMED = "(not named yet)"


def unnamed_pools(groups: tuple[str, ...], pools: tuple[str, ...]) -> tuple[str, ...]:
    """Name of each group's demand without a named pool; different from every pool.

    Examples
    --------
    >>> unnamed_pools(("r1", ""), ("r1/a", "b"))
    ('r1/(not named yet)', '(not named yet)')
    """
    taken = set(pools)
    names = []
    for group in groups:
        name = f"{group}/{UNNAMED}" if group else UNNAMED
        while name in taken:
            name += "'"
        taken.add(name)
        names.append(name)
    return tuple(names)


def scenarios_with_unnamed(forecast: Forecast) -> Scenarios:
    """Scenarios of a forecast whose last pools are the groups' demand without a named pool."""
    named = forecast.scenarios
    return replace(
        named,
        pools=(*named.pools, *unnamed_pools(forecast.groups, named.pools)),
        units=np.concatenate([named.units, forecast.unnamed_units], axis=1),
    )


def market_with_unnamed(market: Market, forecast: Forecast) -> Market:
    """Market that also knows the demand without a named pool, of the groups that have any in a scenario.

    A unit costs on demand, and draws from a compute savings plan, what the units of the group's priced pools do in the
    mean of the scenarios. No other offer covers it.

    Parameters
    ----------
    market : Market
        Without them.
    forecast : Forecast
    """
    names = unnamed_pools(forecast.groups, forecast.scenarios.pools)
    weights = _mean_units(market.catalog, forecast)
    for row, (group, name) in enumerate(zip(forecast.groups, names, strict=True)):
        is_member = np.array([group_name(pool) == group for pool in market.catalog.pools])
        shares = np.where(is_member, weights, 0.0)
        if not np.any(forecast.unnamed_units[:, row] > 0.0) or not shares.any():
            continue
        market = replace(
            market,
            catalog=_with_pool(market.catalog, name, shares / shares.sum()),
            pools={**market.pools, name: Pool(name=name)},
        )
        weights = np.append(weights, 0.0)
    return market


def _mean_units(catalog: Catalog, forecast: Forecast) -> FloatArray:
    """Mean demand of each pool of the catalog; equal where a group has none. Shape (n_pools,). [units]"""
    scenarios = forecast.scenarios.on_pools(catalog.pools)
    hours = scenarios.hour_weights / scenarios.hour_weights.sum()
    means: FloatArray = np.einsum("s,sph,h->p", scenarios.weights, scenarios.units, hours, optimize=True)
    return means


def _with_pool(catalog: Catalog, name: str, shares: FloatArray) -> Catalog:
    """Catalog with one more pool, priced as the mean of others by their shares, of shape (n_pools,)."""
    likest = int(np.argmax(shares))
    return replace(
        catalog,
        pools=(*catalog.pools, name),
        on_demand_usd=np.append(catalog.on_demand_usd, float(shares @ catalog.on_demand_usd)),
        spot_usd=np.append(catalog.spot_usd, np.nan),
        offers=tuple(_covering(offer, catalog, name, shares) for offer in catalog.offers),
        providers=(*catalog.providers, catalog.providers[likest]) if catalog.providers else (),
        regions=(*catalog.regions, catalog.regions[likest]) if catalog.regions else (),
    )


def _covering(offer: Offer, catalog: Catalog, name: str, shares: FloatArray) -> Offer:
    """Offer that covers the new pool too, where it is a compute savings plan of the pools that it is like."""
    if offer.kind is not OfferKind.COMPUTE_SAVINGS_PLAN:
        return offer
    rows = [catalog.pools.index(pool) for pool in offer.pools]
    of_pools = shares[rows]
    if catalog.providers:
        likest = catalog.providers[int(np.argmax(shares))]
        of_pools = np.where([catalog.providers[row] == likest for row in rows], of_pools, 0.0)
    if not of_pools.any():
        return offer
    rate_usd = float(shares @ catalog.on_demand_usd)
    part = float(of_pools @ offer.draw) / float(of_pools @ catalog.on_demand_usd[rows])
    return replace(offer, pools=(*offer.pools, name), draw=np.append(offer.draw, part * rate_usd))
