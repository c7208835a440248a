"""Reservations that float over the sizes of a family, as one offer in normalized units.

AWS rounds the published price of every size by itself, so that sizes of one family differ a little per normalized
unit (up to 0.9 % on m5, nothing on recent families). A reservation costs what the size it is bought as costs. The
offer is priced as the size with the lowest effective price per normalized unit, the smallest of equals, published
prices before those that a source computed; which size that is, and how far the dearest is from it, is reported.

Not here: offers on one size (`optimizer.pricelists.contract`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from forecasting.hours import term_hours
from forecasting.usage.offer_names import OfferKey
from forecasting.usage.pool_names import LINUX, SHARED, PoolKey, pool_name
from optimizer.billing.aws.instances import Instances, is_size_flexible, normalization_factor
from optimizer.offers import OfferKind
from optimizer.pricelists.listed import AWS, ListedPrice, Wanted, family_of

FLEXIBLE_KINDS = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})
SIBLING_SIZES = ("large", "xlarge")
SAME_PRICE_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilyPrice:
    """Price of a size-flexible reservation.

    Attributes
    ----------
    family : str
    price : ListedPrice
        Of the size it is priced as.
    factor : float
        Normalized units of that size.
    factor_of_pool : Mapping of str to float
        Pools it covers, at least two, as rows of several pools are what says that an offer is size-flexible.
    spread_fraction : float
        How much dearer the dearest size is per normalized unit.
    """

    family: str
    price: ListedPrice
    factor: float
    factor_of_pool: Mapping[str, float]
    spread_fraction: float

    @property
    def hourly_usd_per_factor(self) -> float:
        """[USD per normalized unit-hour]"""
        return self.price.hourly_usd / self.factor

    @property
    def upfront_usd_per_factor(self) -> float:
        """[USD per normalized unit]"""
        return self.price.upfront_usd / self.factor


def is_flexible(item: PoolKey) -> bool:
    """Whether a regional reservation of it floats over the sizes of its family.

    Examples
    --------
    >>> is_flexible(PoolKey(provider="aws", region="us-east-1", item="m5.large"))
    True
    >>> is_flexible(PoolKey(provider="aws", region="us-east-1", item="m5.large", platform="windows"))
    False
    """
    is_plain = item.provider == AWS and item.platform == LINUX and item.tenancy == SHARED
    reserved = Instances(instance_type=item.item, region=item.region)
    return is_plain and is_size_flexible(reserved) and normalization_factor(item.item) is not None


def family_prices(prices: Iterable[ListedPrice], wanted: Wanted) -> Iterator[FamilyPrice]:
    """Every size-flexible offer of the families wanted.

    Parameters
    ----------
    prices : iterable of ListedPrice
    wanted : Wanted

    Yields
    ------
    FamilyPrice
        In the order of region, family and terms.
    """
    groups: dict[tuple[str, str, str, int, str], list[ListedPrice]] = {}
    for price in prices:
        if price.kind in FLEXIBLE_KINDS and is_flexible(price.item):
            key = (price.item.region, family_of(price.item.item), price.kind.value, price.term_months, price.payment)
            groups.setdefault(key, []).append(price)
    for (region, family, *_), sizes in sorted(groups.items()):
        pools = _pools_of_family(region, family, wanted)
        if pools:
            yield _family_price(family, sizes, pools)


def _family_price(family: str, sizes: list[ListedPrice], pools: Mapping[str, float]) -> FamilyPrice:
    """Offer priced as the size that is cheapest per normalized unit."""
    published = [price for price in sizes if not price.is_derived] or sizes
    ranked = sorted(published, key=lambda price: (round(_effective_usd(price), SAME_PRICE_DIGITS), _factor(price)))
    cheapest, dearest = ranked[0], ranked[-1]
    least = _effective_usd(cheapest)
    return FamilyPrice(
        family=family,
        price=cheapest,
        factor=_factor(cheapest),
        factor_of_pool=pools,
        spread_fraction=_effective_usd(dearest) / least - 1.0 if least > 0.0 else 0.0,
    )


def _pools_of_family(region: str, family: str, wanted: Wanted) -> dict[str, float]:
    """Pools that reservations of a family cover, with their factors; one more size where there is only one."""
    factors: dict[str, float] = {}
    for pool, key in sorted(wanted.pools.items()):
        if key.region == region and family_of(key.item) == family and is_flexible(key):
            factors[pool] = normalization_factor(key.item) or 0.0
    if not factors and not any(_is_of_family(offer, region, family) for offer in wanted.owned.values()):
        return {}
    for size in SIBLING_SIZES:
        if len(factors) < len(SIBLING_SIZES):
            sibling = PoolKey(provider=AWS, region=region, item=f"{family}.{size}")
            factors[pool_name(sibling)] = normalization_factor(sibling.item) or 0.0
    return factors


def _is_of_family(offer: OfferKey, region: str, family: str) -> bool:
    """Whether an owned offer is a size-flexible reservation of a family."""
    return offer.region == region and offer.item == family and offer.kind in FLEXIBLE_KINDS


def _factor(price: ListedPrice) -> float:
    """Normalized units of a size, which has been found to have some."""
    return normalization_factor(price.item.item) or float("nan")


def _effective_usd(price: ListedPrice) -> float:
    """Price with the upfront part spread over the term. [USD per normalized unit-hour]"""
    return (price.hourly_usd + price.upfront_usd / term_hours(price.term_months)) / _factor(price)
