"""What a commitment costs an hour, how it is paid, and from when on it is worth it: plain figures of one offer.

Not here: offers (`optimizer.offers`), what a portfolio saves (`optimizer.metrics`), which offer is best (the program).
"""

import math
from dataclasses import dataclass

UPFRONT_SHARE_BY_OPTION = {"none": 0.0, "partial": 0.5, "all": 1.0}  # of a plan's commitment over its term


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSplit:
    """How a commitment in USD per hour is paid.

    Attributes
    ----------
    upfront_usd : float
        At purchase. [USD]
    hourly_usd : float
        In every hour of the term, used or not. [USD/h]
    total_usd : float
        Over the term; the same whatever the option. [USD]
    """

    upfront_usd: float
    hourly_usd: float
    total_usd: float


def payment_split(committed_hourly_usd: float, *, term_hours: float, payment_option: str) -> PaymentSplit:
    """Upfront and hourly part of a commitment: 0, half or all of rate x term hours is paid at purchase.

    Parameters
    ----------
    committed_hourly_usd : float
        The whole commitment, its upfront part included. [USD/h]
    term_hours : float
        [h]
    payment_option : str
        none, partial or all.

    Raises
    ------
    KeyError
        If the option is another one.

    Examples
    --------
    >>> payment_split(0.27, term_hours=26_280, payment_option="partial")
    PaymentSplit(upfront_usd=3547.8, hourly_usd=0.135, total_usd=7095.6)
    """
    share = UPFRONT_SHARE_BY_OPTION[payment_option]
    total_usd = committed_hourly_usd * term_hours
    return PaymentSplit(
        upfront_usd=share * total_usd, hourly_usd=(1.0 - share) * committed_hourly_usd, total_usd=total_usd
    )


def effective_hourly_usd(*, hourly_usd: float, upfront_usd: float, term_hours: float) -> float:
    """Amortized fee: the hourly part and the upfront part spread over the term. [USD/h]

    Examples
    --------
    >>> effective_hourly_usd(hourly_usd=0.25, upfront_usd=2190.0, term_hours=8_760)
    0.5
    """
    return hourly_usd if upfront_usd == 0.0 else hourly_usd + upfront_usd / term_hours


def break_even_fraction(*, effective_hourly_usd: float, on_demand_usd: float) -> float:
    """Part of the hours in which a commitment must be used to cost no more than on demand; above 1 it never pays.

    Parameters
    ----------
    effective_hourly_usd : float
        Amortized fee of what covers one unit. [USD/h]
    on_demand_usd : float
        Rate that a unit costs otherwise, above 0. [USD/unit-hour]

    Examples
    --------
    >>> break_even_fraction(effective_hourly_usd=0.375, on_demand_usd=0.5)
    0.75
    """
    return effective_hourly_usd / on_demand_usd


def saving_fraction(*, effective_hourly_usd: float, on_demand_usd: float) -> float:
    """Part of the on-demand rate that is saved at full use; below 0 where the commitment is dearer.

    Examples
    --------
    >>> saving_fraction(effective_hourly_usd=0.375, on_demand_usd=0.5)
    0.25
    """
    return 1.0 - break_even_fraction(effective_hourly_usd=effective_hourly_usd, on_demand_usd=on_demand_usd)


def payback_hours(*, upfront_usd: float, hourly_usd: float, on_demand_usd: float) -> float:
    """Hours after which the cash paid is no more than on-demand would have cost: the break-even date. [h]

    Until then upfront + hourly x hours is above on-demand x hours, so it is upfront / (on-demand - hourly).

    Parameters
    ----------
    upfront_usd, hourly_usd : float
        Paid at purchase [USD] and in every hour [USD/h] for what covers one unit.
    on_demand_usd : float
        What the hours of use cost on demand, by hour of the calendar: rate x use. [USD/h]

    Returns
    -------
    float
        0 where nothing is paid upfront and an hour saves; infinite where no hour saves.

    Examples
    --------
    >>> payback_hours(upfront_usd=730.0, hourly_usd=0.0, on_demand_usd=0.25)
    2920.0
    """
    saved_usd = on_demand_usd - hourly_usd
    if upfront_usd == 0.0:
        return 0.0 if saved_usd >= 0.0 else math.inf
    return upfront_usd / saved_usd if saved_usd > 0.0 else math.inf
