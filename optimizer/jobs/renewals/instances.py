"""A commitment of the price contract as the provider's own thing: instances with type, place and count.

What the provider's rules need and nobody declared is said, never guessed. Not here: the rules
(`optimizer.billing.aws`).
"""

import re
from dataclasses import dataclass

from optimizer.assembly import Market
from optimizer.billing.aws.instances import Instances, standard_platform, standard_tenancy
from optimizer.billing.aws.reserved import HOUR_SECONDS, TERMS_YEARS, OfferingClass, Payment, ReservedInstances
from optimizer.offers import Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

COUNT_TOLERANCE = 1e-6  # what a count may miss a whole number by
MONTHS_PER_YEAR = 12
_TYPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why a commitment cannot be put in the provider's terms."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """One instance of an offer.

    Attributes
    ----------
    instances : Instances
        Type and place.
    factor : float
        Quantity of the offer that one instance is: 1, or its normalization factor where the offer is size-flexible.
    """

    instances: Instances
    factor: float


def instance_type(pool: Pool) -> str:
    """Type of a pool's units: family and size as declared, else the part of its name that is one; empty for neither."""
    if pool.family and pool.size:
        return f"{pool.family}.{pool.size}"
    parts = [part for part in pool.name.split("/") if _TYPE.fullmatch(part)]
    return parts[-1] if parts else ""


def sized(offer: Offer, market: Market) -> Sized | Unfit:
    """One instance of a reservation, of the smallest size that it covers."""
    pools = [market.pools[name] for name in offer.pools]
    if not pools:
        return Unfit(reason=f"none of the pools of '{offer.offer_id}' is known at this date.")
    factors = dict(zip(offer.pools, offer.draw.tolist(), strict=True)) if offer.is_size_flexible else {}
    pool = min(pools, key=lambda item: (factors.get(item.name, 1.0), item.name))
    name = instance_type(pool)
    if not name:
        return Unfit(
            reason=f"the instance type of '{pool.name}' is not known. Give its family and size in the pools file."
        )
    return Sized(
        instances=Instances(
            account=pool.account,
            instance_type=name,
            region=offer.region,
            platform=standard_platform(pool.platform),
            tenancy=standard_tenancy(pool.tenancy),
        ),
        factor=factors.get(pool.name, 1.0),
    )


def reserved_instances(commitment: Commitment, offer: Offer, market: Market) -> tuple[ReservedInstances, float] | Unfit:
    """A reservation as AWS knows it, and the quantity of the offer that one instance is."""
    one = sized(offer, market)
    if isinstance(one, Unfit):
        return one
    years = offer.term_months // MONTHS_PER_YEAR
    if offer.term_months % MONTHS_PER_YEAR or years not in TERMS_YEARS:
        return Unfit(reason=f"AWS sells terms of 1 and 3 years, '{offer.offer_id}' has {offer.term_months} months.")
    count = commitment.quantity / one.factor
    if round(count) < 1 or abs(count - round(count)) > COUNT_TOLERANCE:
        return Unfit(reason=f"its quantity must be a whole number of {one.instances.instance_type}, got {count:g}.")
    is_convertible = offer.kind is OfferKind.RESERVED_CONVERTIBLE
    placed = Instances(
        account=commitment.account or one.instances.account,
        instance_type=one.instances.instance_type,
        zone=commitment.zone,
        region=one.instances.region,
        platform=one.instances.platform,
        tenancy=one.instances.tenancy,
    )
    return (
        ReservedInstances(
            reservation_id=commitment.commitment_id,
            instances=placed,
            count=round(count),
            offering_class=OfferingClass.CONVERTIBLE if is_convertible else OfferingClass.STANDARD,
            payment=Payment(offer.payment_option),
            term_years=years,
            start_second=commitment.start_hour * HOUR_SECONDS,
            end_second=commitment.end_hour * HOUR_SECONDS,
            hourly_usd=offer.hourly_usd * one.factor,
            upfront_usd=offer.upfront_usd * one.factor,
        ),
        one.factor,
    )
