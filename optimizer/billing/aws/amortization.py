"""Payments of a commitment in two views: as they are paid, and spread evenly over the hours of the term.

All figures are those of one commitment; a used fraction says how much of an hour usage consumed. Not here: which line
of an export carries which figure (`optimizer.billing.aws.line_items`).

References
----------
https://docs.aws.amazon.com/cur/latest/userguide/amortized-reservation.html
https://docs.aws.amazon.com/cur/latest/userguide/cur-sp.html
"""

from dataclasses import dataclass

from optimizer.billing.aws.reserved import Payment
from optimizer.break_even import UPFRONT_SHARE_BY_OPTION, payment_split


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """What is paid, and when.

    Attributes
    ----------
    upfront_usd : float
        At purchase. [USD]
    recurring_hourly_usd : float
        Every hour of the term, used or not. [USD/h]
    term_hours : float
        [h]
    """

    upfront_usd: float
    recurring_hourly_usd: float
    term_hours: float

    def __post_init__(self) -> None:
        """Check the term, which is a divisor."""
        if not self.term_hours > 0.0:
            msg = f"term_hours must be > 0, got {self.term_hours}."
            raise ValueError(msg)

    @property
    def amortized_hourly_usd(self) -> float:
        """Upfront part of one hour. [USD/h]"""
        return self.upfront_usd / self.term_hours

    @property
    def effective_hourly_usd(self) -> float:
        """Upfront and recurring part of one hour. [USD/h]"""
        return self.amortized_hourly_usd + self.recurring_hourly_usd

    @property
    def total_usd(self) -> float:
        """Everything paid in a term. [USD]"""
        return self.upfront_usd + self.recurring_hourly_usd * self.term_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class HourLedger:
    """One hour of a commitment, by what it was used for and by how it is paid; the four sum to its effective fee.

    Attributes
    ----------
    used_amortized_usd, used_recurring_usd, unused_amortized_usd, unused_recurring_usd : float
        [USD]
    """

    used_amortized_usd: float
    used_recurring_usd: float
    unused_amortized_usd: float
    unused_recurring_usd: float

    @property
    def used_usd(self) -> float:
        """Both parts of what usage consumed. [USD]"""
        return self.used_amortized_usd + self.used_recurring_usd

    @property
    def unused_usd(self) -> float:
        """Both parts of what no usage consumed. [USD]"""
        return self.unused_amortized_usd + self.unused_recurring_usd


def plan_payments(committed_hourly_usd: float, payment: Payment, term_hours: float) -> Payments:
    """Payments of a savings plan: 0, half or all of commitment x term hours at purchase, the rest by the hour.

    Parameters
    ----------
    committed_hourly_usd : float
        The whole commitment. [USD/h]
    payment : Payment
    term_hours : float
        [h]

    Examples
    --------
    >>> plan_payments(2.0, Payment.PARTIAL, 8760.0)
    Payments(upfront_usd=8760.0, recurring_hourly_usd=1.0, term_hours=8760.0)
    """
    split = payment_split(committed_hourly_usd, term_hours=term_hours, payment_option=payment)
    return Payments(upfront_usd=split.upfront_usd, recurring_hourly_usd=split.hourly_usd, term_hours=term_hours)


def commitment_of_upfront_usd(upfront_usd: float, payment: Payment, term_hours: float) -> float:
    """Commitment of the plan whose upfront fee this is. [USD/h]

    Raises
    ------
    ValueError
        If the payment option has no upfront part, which says nothing of the commitment.

    Examples
    --------
    >>> round(commitment_of_upfront_usd(43.8, Payment.ALL, 8760.0), 9)
    0.005
    """
    share = UPFRONT_SHARE_BY_OPTION[payment]
    if share == 0.0:
        msg = "a plan without an upfront part has no upfront fee to tell its commitment from."
        raise ValueError(msg)
    return upfront_usd / (share * term_hours)


def hour_ledger(payments: Payments, used_fraction: float) -> HourLedger:
    """Split one hour of a commitment into what usage consumed and what it did not.

    Parameters
    ----------
    payments : Payments
    used_fraction : float
        In [0, 1].

    Examples
    --------
    >>> hour_ledger(plan_payments(0.12, Payment.NONE, 8760.0), 0.5).unused_usd
    0.06
    """
    if not 0.0 <= used_fraction <= 1.0:
        msg = f"used_fraction must lie in [0, 1], got {used_fraction}."
        raise ValueError(msg)
    amortized_usd, recurring_usd = payments.amortized_hourly_usd, payments.recurring_hourly_usd
    used_amortized_usd, used_recurring_usd = used_fraction * amortized_usd, used_fraction * recurring_usd
    return HourLedger(
        used_amortized_usd=used_amortized_usd,
        used_recurring_usd=used_recurring_usd,
        unused_amortized_usd=amortized_usd - used_amortized_usd,
        unused_recurring_usd=recurring_usd - used_recurring_usd,
    )
