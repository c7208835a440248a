"""Exchanging convertible Reserved Instances: how many of another offering one gets, what is paid, when they end.

Value = upfront that is left + hourly fee x hours left. It may not fall, so the count is rounded up; the true-up is the
prorated upfront of the new ones less what is left of the old, and never below zero. There is no fee.

Not here: other sizes of the same family (`optimizer.billing.aws.modification`), which can also split a reservation so
that a part of it is exchanged.

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-convertible-exchange.html
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forecasting.hours import term_hours
from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.instances import Instances, region_of_zone
from optimizer.billing.aws.reserved import (
    DAY_SECONDS,
    HOUR_SECONDS,
    OfferingClass,
    Payment,
    ReservedInstances,
    state_obstacles,
)

ROUNDING = 1e-9  # relative: a quotient of equal prices must not be rounded up for the last bit


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertibleOffering:
    """What AWS sells today, for one instance and a whole term.

    Attributes
    ----------
    instances : Instances
    payment : Payment
    term_years : int
    hourly_usd : float
        [USD/h]
    upfront_usd : float
        [USD]
    """

    instances: Instances
    payment: Payment
    term_years: int
    hourly_usd: float
    upfront_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What comes out of an exchange.

    Attributes
    ----------
    reserved : ReservedInstances
        The new reservation.
    true_up_usd : float
        Paid at once. [USD]
    given_usd, received_usd : float
        Value of what is given up and of what replaces it. [USD]
    """

    reserved: ReservedInstances
    true_up_usd: float
    given_usd: float
    received_usd: float


def exchange_count(*, given_usd: float, unit_usd: float) -> int:
    """Smallest whole number of instances worth at least what is given up, at least one.

    Parameters
    ----------
    given_usd : float
        Value of all originals. [USD]
    unit_usd : float
        Value of one new instance, above 0. [USD]

    Examples
    --------
    >>> exchange_count(given_usd=35.0, unit_usd=10.0), exchange_count(given_usd=0.3, unit_usd=0.1)
    (4, 3)
    """
    if not unit_usd > 0.0 or not given_usd >= 0.0:
        msg = f"an exchange needs a unit value > 0 and a value >= 0 given, got {unit_usd} and {given_usd} USD."
        raise ValueError(msg)
    return max(1, math.ceil(given_usd / unit_usd * (1.0 - ROUNDING)))


def true_up_usd(*, remaining_upfront_usd: float, prorated_upfront_usd: float) -> float:
    """Charge of an exchange: prorated upfront of the new reservations less what is left of the old, never below zero.

    Examples
    --------
    >>> true_up_usd(remaining_upfront_usd=500.0, prorated_upfront_usd=600.0)
    100.0
    """
    return max(0.0, prorated_upfront_usd - remaining_upfront_usd)


def merged_term(originals: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Term and end of what several reservations are merged into: the longest term, the furthest end.

    Parameters
    ----------
    originals : sequence of (int, int)
        Term in years and end of each, in any unit of time.

    Examples
    --------
    >>> merged_term([(1, 20180731), (3, 20180630)])
    (3, 20180731)
    """
    if not originals:
        msg = "an exchange must name at least one reservation."
        raise ValueError(msg)
    return max(years for years, _ in originals), max(end for _, end in originals)


def is_payment_allowed(given: Payment, wanted: Payment) -> bool:
    """Whether one payment option may become another: all but a paid upfront that would turn into none.

    Examples
    --------
    >>> is_payment_allowed(Payment.NONE, Payment.ALL), is_payment_allowed(Payment.ALL, Payment.NONE)
    (True, False)
    """
    return wanted != Payment.NONE or given == Payment.NONE


def exchange_obstacles(
    originals: Sequence[ReservedInstances], offering: ConvertibleOffering, at_second: int
) -> tuple[str, ...]:
    """Say which rules an exchange breaks; nothing where AWS accepts it.

    Parameters
    ----------
    originals : sequence of ReservedInstances
        One, or several that are merged.
    offering : ConvertibleOffering
    at_second : int
        Epoch second of the exchange.

    Returns
    -------
    tuple of str
        One sentence for each rule.
    """
    if not originals:
        return ("an exchange must name at least one reservation.",)
    obstacles = [reason for item in originals for reason in _obstacles(item, offering, at_second)]
    years, _ = merged_term([(item.term_years, item.end_second) for item in originals])
    if offering.term_years != years:
        obstacles.append(f"the new term must be {years} years, that of the originals, got {offering.term_years}.")
    return tuple(obstacles)


def exchanged(
    originals: Sequence[ReservedInstances], offering: ConvertibleOffering, at_second: int, *, reservation_id: str
) -> Exchange:
    """Reservation that an exchange gives, and what it costs.

    Parameters
    ----------
    originals, offering, at_second
        As for `exchange_obstacles`.
    reservation_id : str
        Name of the new one.

    Returns
    -------
    Exchange
        With the smallest count at which neither the value nor the upfront falls.

    Raises
    ------
    RefusedError
        If a rule is broken.
    """
    obstacles = exchange_obstacles(originals, offering, at_second)
    if obstacles:
        action = "exchange"
        raise RefusedError(action, obstacles)
    _, end = merged_term([(item.term_years, item.end_second) for item in originals])
    hours_left = (end - at_second) / HOUR_SECONDS
    unit_upfront_usd = offering.upfront_usd * hours_left / term_hours(12 * offering.term_years)
    unit_usd = unit_upfront_usd + offering.hourly_usd * hours_left
    given_usd = sum(item.value_usd(at_second) for item in originals)
    left_usd = sum(item.remaining_upfront_usd(at_second) for item in originals)
    count = exchange_count(given_usd=given_usd, unit_usd=unit_usd)
    if unit_upfront_usd > 0.0:
        count = max(count, exchange_count(given_usd=left_usd, unit_usd=unit_upfront_usd))
    return Exchange(
        reserved=ReservedInstances(
            reservation_id=reservation_id,
            instances=offering.instances,
            count=count,
            offering_class=OfferingClass.CONVERTIBLE,
            payment=offering.payment,
            term_years=offering.term_years,
            start_second=at_second,
            end_second=end,
            hourly_usd=offering.hourly_usd,
            upfront_usd=offering.upfront_usd,
        ),
        true_up_usd=true_up_usd(remaining_upfront_usd=left_usd, prorated_upfront_usd=count * unit_upfront_usd),
        given_usd=given_usd,
        received_usd=count * unit_usd,
    )


def _obstacles(original: ReservedInstances, offering: ConvertibleOffering, at_second: int) -> Iterator[str]:
    """Say what stands against exchanging one reservation."""
    name = f"'{original.reservation_id}'"
    yield from state_obstacles(original, at_second)
    if original.offering_class != OfferingClass.CONVERTIBLE:
        yield f"{name} must be convertible. A standard one can only be modified or sold."
    if original.end_second - at_second < DAY_SECONDS:
        yield f"{name} must have at least 24 hours left."
    here, there = _region(original.instances), _region(offering.instances)
    if here and there and here != there:
        yield f"{name} must stay in its region {here}, got {there}."
    if not is_payment_allowed(original.payment, offering.payment):
        yield f"{name} has an upfront part and cannot become one without. Choose partial or all upfront."
    both_none = original.payment == offering.payment == Payment.NONE
    if both_none and offering.hourly_usd < original.hourly_usd:
        yield (
            f"{name} pays {original.hourly_usd:g} USD/h and no upfront, the new hourly price must not be lower, "
            f"got {offering.hourly_usd:g}."
        )


def _region(instances: Instances) -> str:
    """Region, declared or that of the zone."""
    return instances.region or region_of_zone(instances.zone)
