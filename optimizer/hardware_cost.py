"""What a purchase of owned hardware costs inside the valued hours, where its life runs past them.

Not here: what it costs by the hour in reports (`Offer.effective_hourly_usd`), the accounting of it
(`optimizer.finance_assets`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from forecasting.hours import HOURS_PER_MONTH
from optimizer.calendar_dates import discount_factor_at
from optimizer.hardware import AgeBand
from optimizer.offers import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """When one unit of hardware serves, and until when a plan looks.

    Attributes
    ----------
    start_hour, end_hour : int
        Epoch hours of service, end exclusive.
    valued_end_hour : int
        Where the plan stops looking.
    as_of_hour : int
        What money is discounted to.
    rate_yearly : float
    """

    start_hour: int
    end_hour: int
    valued_end_hour: int
    as_of_hour: int
    rate_yearly: float

    def factor_at(self, hour: int) -> float:
        """Discount factor of a payment at one moment."""
        return discount_factor_at(hour, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)


def capital_usd(offer: Offer, service: Service, on_demand_usd: Mapping[str, float]) -> float:
    """Upfront cash at the order, less what is left at the end of the valued hours, both discounted. [USD/unit]

    Where a resale value is declared, what is left is what the unit could be sold for at that moment, or at the end of
    its life where that comes first. Where none is, nothing is taken to be recovered; the hardware goes on serving
    instead, and only a part of the upfront cash is charged: what it can save at most inside the valued hours, as a part
    of what it can save at most in its life.

    Parameters
    ----------
    offer : Offer
        Owned hardware.
    service : Service
    on_demand_usd : mapping of str to float
        By pool. [USD/unit-hour]
    """
    paid_usd = offer.upfront_usd * service.factor_at(service.start_hour - offer.lead_hours)
    last_hour = min(service.end_hour, service.valued_end_hour)
    age_hours = last_hour - service.start_hour
    if offer.hardware is not None and offer.hardware.is_sold:
        return paid_usd - offer.hardware.salvage_at(age_hours) * service.factor_at(last_hour)
    return paid_usd * served_part(offer, age_hours, on_demand_usd)


def full_term_usd(offer: Offer, service: Service) -> float:
    """Upfront cash at the order less the resale value at the end of the life, both discounted. [USD/unit]"""
    paid_usd = offer.upfront_usd * service.factor_at(service.start_hour - offer.lead_hours)
    return paid_usd - offer.end_salvage_usd * service.factor_at(service.end_hour)


def spread_usd(offer: Offer, service: Service, inside_hours: float) -> float:
    """Straight-line part of the upfront cash less the last resale value, for some hours of the life. [USD/unit]"""
    spread = full_term_usd(offer, service)
    return spread * inside_hours / offer.term_hours


def full_use_payback_months(offer: Offer, on_demand_usd: Mapping[str, float]) -> float:
    """Months of full use, from the purchase, until the saving has paid back the upfront cash; infinite if never.

    At each age an hour saves what the best of the pools served then would cost on demand, less the hourly part. What
    hardware is sold for pays nothing back.

    Parameters
    ----------
    offer : Offer
        Of any kind.
    on_demand_usd : mapping of str to float
        By pool. [USD/unit-hour]
    """
    if offer.upfront_usd == 0.0:
        return 0.0  # dearer by the hour or not, no cash is at stake
    left_usd = offer.upfront_usd
    for band in offer.age_bands:
        saved_usd = best_worth_usd(offer, band, on_demand_usd) - offer.hourly_usd
        hours = band.end_age_hours - band.start_age_hours
        if saved_usd * hours >= left_usd:
            return (offer.lead_hours + band.start_age_hours + left_usd / saved_usd) / HOURS_PER_MONTH
        left_usd -= saved_usd * hours
    return math.inf


def best_worth_usd(offer: Offer, band: AgeBand, on_demand_usd: Mapping[str, float]) -> float:
    """What the best of the pools of an age would cost on demand in an hour of one unit; 0 without pools. [USD/h]"""
    return max((on_demand_usd[offer.pools[place]] / float(offer.draw[place]) for place in band.places), default=0.0)


def served_part(offer: Offer, age_hours: int, on_demand_usd: Mapping[str, float]) -> float:
    """Part of what one unit can save at most in its life that falls before an age.

    In an hour it saves at most what the best of the pools that it can serve would cost on demand.

    Parameters
    ----------
    offer : Offer
        Owned hardware.
    age_hours : int
        Hours in service.
    on_demand_usd : mapping of str to float
        By pool. [USD/unit-hour]
    """
    before = whole = 0.0
    for band in offer.age_bands:
        worth_usd = best_worth_usd(offer, band, on_demand_usd)
        whole += worth_usd * (band.end_age_hours - band.start_age_hours)
        before += worth_usd * max(0, min(band.end_age_hours, age_hours) - band.start_age_hours)
    return before / whole if whole > 0.0 else min(age_hours / offer.term_hours, 1.0)
