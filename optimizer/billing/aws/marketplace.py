"""Selling standard Reserved Instances in the Reserved Instance Marketplace: who may, from when on, what is left.

The seller names an upfront price for what is left of the term, in whole months; the recurring fee passes to the buyer.
AWS keeps 12 % of that price. From the sale on the usage is on demand. Not here: what a buyer would pay.

References
----------
.. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-market-general.html
.. [2] https://aws.amazon.com/service-terms/ (5.5, 5.6.1: no resale of discounted Reserved Instances)
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.reserved import DAY_SECONDS, OfferingClass, ReservedInstances, state_obstacles

SERVICE_FEE_FRACTION = 0.12
MIN_ACTIVE_DAYS = 30
MAX_LISTED_USD = 50_000.0
MAX_LISTED_COUNT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who sells; what is not declared is the cautious value.

    Attributes
    ----------
    has_us_bank_account : bool
    is_aispl : bool
        A customer of Amazon Internet Services Private Limited (India).
    has_private_pricing : bool
        An EDP or other private pricing: what was bought under it is discounted.
    is_opt_in_region : bool
        The reservation's region is disabled by default, or GovCloud.
    listed_usd : float
        Upfront prices of what is listed already. [USD]
    listed_count : int
        Instances listed already.
    """

    has_us_bank_account: bool = False
    is_aispl: bool = False
    has_private_pricing: bool = False
    is_opt_in_region: bool = False
    listed_usd: float = 0.0
    listed_count: int = 0


def whole_months_left(end_second: int, at_second: int) -> int:
    """Calendar months that fit into what is left of a term: a listing rounds it down.

    Parameters
    ----------
    end_second, at_second : int
        Epoch seconds.

    Examples
    --------
    >>> day = 24 * 3600
    >>> whole_months_left(90 * day, 0), whole_months_left(89 * day, 0), whole_months_left(0, 5)
    (3, 2, 0)
    """
    now, end = (dt.datetime.fromtimestamp(second, tz=dt.UTC) for second in (at_second, end_second))
    months = 12 * (end.year - now.year) + end.month - now.month
    # the same moment of the month not reached yet: the last month is no whole one
    is_short = (end.day, end.time()) < (now.day, now.time())
    return max(0, months - is_short)


def resale_obstacles(
    reserved: ReservedInstances, at_second: int, seller: Seller, *, upfront_price_usd: float = 0.0
) -> tuple[str, ...]:
    """Say which rules a listing breaks; nothing where AWS accepts it [1]_ [2]_.

    Parameters
    ----------
    reserved : ReservedInstances
        All of its instances are listed; split it first to list a part.
    at_second : int
        Epoch second of the listing.
    seller : Seller
    upfront_price_usd : float
        Price asked for all of them. [USD]

    Returns
    -------
    tuple of str
        One sentence for each rule.
    """
    name = f"'{reserved.reservation_id}'"
    obstacles = [*state_obstacles(reserved, at_second), *_unfit(reserved, at_second)]
    if reserved.is_discounted or seller.has_private_pricing:
        obstacles.append(f"{name} was bought at a discount (volume or private pricing) and may not be resold.")
    obstacles += _seller_obstacles(seller)
    if upfront_price_usd < 0.0:
        obstacles.append(f"the upfront price must be >= 0 USD, got {upfront_price_usd:g}.")
    if seller.listed_usd + upfront_price_usd > MAX_LISTED_USD:
        obstacles.append("at most 50,000 USD may be listed. Ask AWS to raise the limit.")
    if seller.listed_count + reserved.count > MAX_LISTED_COUNT:
        obstacles.append("at most 5,000 Reserved Instances may be listed. Ask AWS to raise the limit.")
    return tuple(obstacles)


def price_schedule_usd(upfront_price_usd: float, n_months: int) -> FloatArray:
    """Upfront price by month that a listing waits for its buyer, falling in equal steps: AWS's default.

    Parameters
    ----------
    upfront_price_usd : float
        Price with all whole months left. [USD]
    n_months : int
        Whole months left, at least 1.

    Returns
    -------
    FloatArray of shape (n_months,)
        With n, n - 1, ... 1 months left. [USD]

    Examples
    --------
    >>> price_schedule_usd(900.0, 3)
    array([900., 600., 300.])
    """
    if n_months < 1:
        msg = f"a listing needs at least one whole month left, got {n_months}."
        raise ValueError(msg)
    schedule: FloatArray = upfront_price_usd * np.arange(n_months, 0, -1) / n_months
    return schedule


def proceeds_usd(upfront_price_usd: float) -> float:
    """What the seller gets of the upfront price: all but AWS's fee of 12 %. [USD]

    Examples
    --------
    >>> proceeds_usd(1000.0)
    880.0
    """
    return upfront_price_usd * (1.0 - SERVICE_FEE_FRACTION)


def resale_usd(reserved: ReservedInstances, at_second: int, seller: Seller, *, upfront_price_usd: float) -> float:
    """Proceeds of selling all instances of a reservation at once at a price. [USD]

    Raises
    ------
    RefusedError
        If a rule is broken.
    """
    obstacles = resale_obstacles(reserved, at_second, seller, upfront_price_usd=upfront_price_usd)
    if obstacles:
        action = "resale"
        raise RefusedError(action, obstacles)
    return proceeds_usd(upfront_price_usd)


def _unfit(reserved: ReservedInstances, at_second: int) -> Iterator[str]:
    """Say what of the reservation itself stands against a listing."""
    name = f"'{reserved.reservation_id}'"
    bought = reserved.start_second if reserved.bought_second is None else reserved.bought_second
    if reserved.offering_class != OfferingClass.STANDARD:
        yield f"{name} must be standard. A convertible one can be exchanged instead."
    if at_second - bought < MIN_ACTIVE_DAYS * DAY_SECONDS:
        yield f"{name} must have been active for at least 30 days."
    if whole_months_left(reserved.end_second, at_second) < 1:
        yield f"{name} must have at least one month left."
    if not reserved.instances.zone:
        yield f"{name} must be zonal. Modify it from its region to a zone first."


def _seller_obstacles(seller: Seller) -> Iterator[str]:
    """Say what of the seller stands against a listing."""
    if not seller.has_us_bank_account:
        yield "the seller must have a bank account with a US address."
    if seller.is_aispl:
        yield "customers of AISPL may not sell."
    if seller.is_opt_in_region:
        yield "nothing may be sold in regions that are disabled by default, nor in GovCloud."
