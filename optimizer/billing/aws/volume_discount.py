"""Volume discounts on Reserved Instances: list value, and what of a purchase falls into which tier.

List value = upfront + undiscounted hourly fee x hours of the term, of what is active in a region, over all accounts of
the organisation. Not here: private pricing.

References
----------
.. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/concepts-reserved-instances-application.html
.. [2] https://aws.amazon.com/ec2/pricing/reserved-instances/pricing/ (rates of the tiers)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.billing.aws.reserved import OfferingClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of the discount.

    Attributes
    ----------
    from_usd : float
        List value from which it holds. [USD]
    discount_fraction : float or None
        Off upfront and hourly fee; None where AWS asks to be contacted.
    """

    from_usd: float
    discount_fraction: float | None


TIERS = (
    Tier(from_usd=0.0, discount_fraction=0.0),
    Tier(from_usd=500_000.0, discount_fraction=0.05),
    Tier(from_usd=4_000_000.0, discount_fraction=0.10),
    Tier(from_usd=10_000_000.0, discount_fraction=None),
)


def list_value_usd(*, upfront_usd: float, hourly_usd: float, term_hours: float, count: float = 1) -> float:
    """List value of some reservations [1]_. [USD]

    Parameters
    ----------
    upfront_usd : float
        Undiscounted, of one instance. [USD]
    hourly_usd : float
        Undiscounted recurring fee of one instance. [USD/h]
    term_hours : float
        [h]
    count : float
        Instances.

    Examples
    --------
    >>> round(list_value_usd(upfront_usd=60.0, hourly_usd=0.007, term_hours=8760), 2)
    121.32
    """
    return count * (upfront_usd + hourly_usd * term_hours)


def is_discountable(offering_class: OfferingClass, platform: str, *, is_third_party: bool = False) -> bool:
    """Whether tiers apply to a purchase: standard, from AWS itself, no SQL Server.

    Examples
    --------
    >>> is_discountable(OfferingClass.STANDARD, "Linux/UNIX")
    True
    >>> is_discountable(OfferingClass.STANDARD, "Windows with SQL Server Web")
    False
    """
    return offering_class == OfferingClass.STANDARD and "sql" not in platform.lower() and not is_third_party


def tier_of(active_list_value_usd: float, tiers: Sequence[Tier] = TIERS) -> Tier:
    """Tier of the next purchase, by the list value of what is active in the region.

    Examples
    --------
    >>> tier_of(499_999.0).discount_fraction, tier_of(500_000.0).discount_fraction
    (0.0, 0.05)
    """
    return max((tier for tier in tiers if tier.from_usd <= active_list_value_usd), key=lambda tier: tier.from_usd)


def tiered_purchase(
    *, active_list_value_usd: float, unit_list_value_usd: float, count: int, tiers: Sequence[Tier] = TIERS
) -> tuple[tuple[int, Tier], ...]:
    """Instances of one purchase by tier: those bought once a threshold is reached get its discount.

    Parameters
    ----------
    active_list_value_usd : float
        Before the purchase. [USD]
    unit_list_value_usd : float
        Of one instance, above 0. [USD]
    count : int
    tiers : sequence of Tier

    Returns
    -------
    tuple of (int, Tier)
        Counts that sum to `count`, from the lowest tier up.

    Examples
    --------
    >>> parts = tiered_purchase(active_list_value_usd=499_000.0, unit_list_value_usd=600.0, count=5)
    >>> [(n, tier.discount_fraction) for n, tier in parts]
    [(2, 0.0), (3, 0.05)]
    """
    if not unit_list_value_usd > 0.0:
        msg = f"unit_list_value_usd must be > 0, got {unit_list_value_usd}."
        raise ValueError(msg)
    thresholds = sorted(tier.from_usd for tier in tiers)
    parts: list[tuple[int, Tier]] = []
    value_usd, left = active_list_value_usd, count
    while left > 0:
        tier = tier_of(value_usd, tiers)
        above = next((threshold for threshold in thresholds if threshold > value_usd), math.inf)
        n_until = left if math.isinf(above) else math.ceil((above - value_usd) / unit_list_value_usd)
        n_bought = min(left, max(1, n_until))
        parts.append((n_bought, tier))
        value_usd += n_bought * unit_list_value_usd
        left -= n_bought
    return tuple(parts)
