"""What leaving an Azure reservation costs: refund, exchange, and trade-in for a savings plan.

Savings plans themselves cannot be cancelled, exchanged or refunded. Exchanges of reservations bought from 2027-02-01 on
end where savings plans exist for the service; Microsoft has moved that date several times, so look before you act [1]_.
Not here: the order of application (`optimizer.billing.azure.order`).

References
----------
.. [1] https://learn.microsoft.com/azure/cost-management-billing/reservations/exchange-and-refund-azure-reservations
.. [2] https://learn.microsoft.com/azure/cost-management-billing/savings-plan/reservation-trade-in
"""

from collections.abc import Sequence
from dataclasses import dataclass

from forecasting.hours import term_hours

REFUND_LIMIT_USD = 50_000.0  # of cancelled commitment, for each billing profile or enrolment
REFUND_WINDOW_DAYS = 365
FEE_FRACTION = 0.0  # 12 % is announced as possible, and not charged


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A reservation as paid for.

    Attributes
    ----------
    monthly_usd : float
        Cost of a month, all instances together; of one paid upfront its price / months. [USD]
    term_months : int
    """

    monthly_usd: float
    term_months: int

    @property
    def total_usd(self) -> float:
        """Commitment of the whole term. [USD]"""
        return self.monthly_usd * self.term_months

    def remaining_usd(self, elapsed_months: float) -> float:
        """Commitment left after some months: what a cancellation cancels. [USD]

        Examples
        --------
        >>> Reservation(monthly_usd=100.0, term_months=36).remaining_usd(12)
        2400.0
        """
        if not 0.0 <= elapsed_months <= self.term_months:
            msg = f"elapsed_months must lie between 0 and {self.term_months}, got {elapsed_months:g}."
            raise ValueError(msg)
        return self.monthly_usd * (self.term_months - elapsed_months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """A refund already taken.

    Attributes
    ----------
    day : int
        Count of days from any fixed day.
    cancelled_usd : float
        [USD]
    """

    day: int
    cancelled_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """What a refund would bring.

    Attributes
    ----------
    cancelled_usd : float
        Commitment cancelled; it counts against the limit. [USD]
    refund_usd : float
        Paid back of what was paid upfront, less the fee. [USD]
    fee_usd : float
        Early-termination fee. [USD]
    limit_left_usd : float
        Room under the limit afterwards, below zero where it is refused. [USD]
    is_allowed : bool
    """

    cancelled_usd: float
    refund_usd: float
    fee_usd: float
    limit_left_usd: float
    is_allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRules:
    """Limits of refunds.

    Attributes
    ----------
    limit_usd : float
        Most commitment cancelled in any window. [USD]
    window_days : int
        Length of the rolling window; a cancellation gives its room back after so many days.
    fee_fraction : float
        Part of the cancelled commitment that is charged.
    """

    limit_usd: float = REFUND_LIMIT_USD
    window_days: int = REFUND_WINDOW_DAYS
    fee_fraction: float = FEE_FRACTION

    def room_usd(self, day: int, earlier: Sequence[Cancellation]) -> float:
        """Commitment that may still be cancelled on a day. [USD]"""
        used = sum(item.cancelled_usd for item in earlier if day - self.window_days < item.day <= day)
        return self.limit_usd - used


def refund(
    reservation: Reservation,
    *,
    elapsed_months: float,
    day: int = 0,
    earlier: Sequence[Cancellation] = (),
    is_prepaid: bool = False,
    rules: RefundRules | None = None,
) -> Refund:
    """What cancelling a reservation brings.

    Parameters
    ----------
    reservation : Reservation
        At the lower of the price paid and today's, which is what Microsoft refunds by.
    elapsed_months : float
        Months of the term that are over.
    day : int
        Day of the cancellation.
    earlier : sequence of Cancellation
        Of the same billing profile or enrolment. Returns that are part of an exchange do not count.
    is_prepaid : bool
        Whether it was paid upfront: the rest is paid back. Otherwise future payments end, and nothing is.
    rules : RefundRules, optional

    Raises
    ------
    ValueError
        If the term is over.
    """
    rules = rules or RefundRules()
    cancelled = reservation.remaining_usd(elapsed_months)
    fee = cancelled * rules.fee_fraction
    left = rules.room_usd(day, earlier) - cancelled
    return Refund(
        cancelled_usd=cancelled,
        refund_usd=(cancelled if is_prepaid else 0.0) - fee,
        fee_usd=fee,
        limit_left_usd=left,
        is_allowed=left >= 0.0,
    )


def is_exchange_allowed(returned_usd: Sequence[float], new: Sequence[Reservation]) -> bool:
    """Whether new reservations may take the place of returned ones.

    The whole commitment of the new ones, whose term starts anew, must reach what was left of the returned ones. There
    is no fee and no yearly limit.

    Parameters
    ----------
    returned_usd : sequence of float
        `Reservation.remaining_usd` of each returned one. [USD]
    new : sequence of Reservation
    """
    return sum(item.total_usd for item in new) >= sum(returned_usd)


def trade_in_hourly_usd(upfront_usd: float, term_months: int) -> float:
    """Savings plan commitment that replaces what an upfront charge of that size buys. [USD/h]

    Parameters
    ----------
    upfront_usd : float
        Upfront charge of a savings plan of that term for the same product. [USD]
    term_months : int
        12 or 36: 8,760 or 26,280 hours.

    Examples
    --------
    >>> trade_in_hourly_usd(26_280.0, 36)
    1.0
    """
    return upfront_usd / term_hours(term_months)
