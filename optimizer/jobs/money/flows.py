"""What is paid for commitments, and what of it is an expense, hour by hour of the window.

Amortized means: upfront fees are spread evenly over the term; hardware is depreciated in a straight line over its
service, down to what it is sold for at the end. Not here: what they cover (`optimizer.jobs.money.ledger`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.calendar_dates import discount_factor_at, discount_factors
from optimizer.offers import Catalog, Offer
from optimizer.portfolio import Commitment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowHours:
    """The hours that a plan answers for.

    Attributes
    ----------
    hours : IntArray of shape (n_hours,)
        Epoch hours of the columns.
    hour_weights : FloatArray of shape (n_hours,)
        Hours each stands for. [h]
    start_hour, end_hour : int
        End exclusive.
    rate_yearly : float
        Of the policy.
    """

    hours: IntArray
    hour_weights: FloatArray
    start_hour: int
    end_hour: int
    rate_yearly: float

    @property
    def discount(self) -> FloatArray:
        """Factor of each column: that of the middle of its quarter from as-of, as the optimizer's. Shape (n_hours,)."""
        return discount_factors(self.hours, as_of_hour=self.start_hour, rate_yearly=self.rate_yearly)

    @property
    def edges(self) -> IntArray:
        """Epoch hours at which columns begin, and the end. Shape (n_hours + 1,)."""
        return np.append(self.hours, self.end_hour)

    def factor_at(self, hour: int) -> float:
        """Factor of a payment at one moment."""
        return discount_factor_at(hour, as_of_hour=self.start_hour, rate_yearly=self.rate_yearly)

    def column_of(self, hour: int) -> int:
        """Column that an epoch hour inside the window lies in."""
        return max(0, int(np.searchsorted(self.hours, hour, side="right")) - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """One commitment inside the window.

    Attributes
    ----------
    commitment : Commitment
    offer : Offer
    active_hours : FloatArray of shape (n_hours,)
        Hours of each column in which it is held. [h]
    """

    commitment: Commitment
    offer: Offer
    active_hours: FloatArray

    @property
    def is_hardware(self) -> bool:
        """Whether it is owned hardware: capital, not a prepaid fee."""
        return self.offer.kind == "owned_hardware"

    @property
    def quantity(self) -> float:
        """In the unit of the offer."""
        return self.commitment.quantity

    @property
    def paid_hourly_usd(self) -> FloatArray:
        """Paid as it runs. Shape (n_hours,). [USD]"""
        if self.offer.is_open_ended:
            return np.zeros(len(self.active_hours))
        return self.active_hours * (self.offer.hourly_usd * self.quantity)

    @property
    def spread_usd(self) -> FloatArray:
        """Part of the upfront cash that is an expense of each column. Shape (n_hours,). [USD]"""
        if self.offer.is_open_ended:
            return np.zeros(len(self.active_hours))
        whole = (self.offer.upfront_usd - self.offer.end_salvage_usd) * self.quantity
        return self.active_hours * (whole / self.offer.term_hours)

    @property
    def upfront_usd(self) -> float:
        """Paid at purchase. [USD]"""
        return self.offer.upfront_usd * self.quantity

    @property
    def paid_hour(self) -> int:
        """Epoch hour of the purchase."""
        return self.commitment.start_hour - self.offer.lead_hours

    def upfront_inside(self, window: WindowHours) -> float:
        """Upfront cash that is paid inside the window. [USD]"""
        return self.upfront_usd if window.start_hour <= self.paid_hour < window.end_hour else 0.0

    def salvage_inside(self, window: WindowHours) -> float:
        """What hardware is sold for at the end of its service inside the window. [USD]"""
        ends_inside = window.start_hour < self.commitment.end_hour <= window.end_hour
        return self.offer.end_salvage_usd * self.quantity if ends_inside else 0.0

    def prepaid_at(self, hour: int) -> float:
        """Upfront fees paid before an epoch hour and not spread yet; hardware has a book value instead. [USD]"""
        if self.is_hardware or self.offer.is_open_ended or self.paid_hour >= hour:
            return 0.0
        left = min(max(self.commitment.end_hour - hour, 0), self.offer.term_hours)
        return self.upfront_usd * left / self.offer.term_hours


def held_in(window: WindowHours, commitments: Sequence[Commitment], catalog: Catalog) -> tuple[Held, ...]:
    """Commitments with the hours in which they are held, as the billing counts them."""
    out = []
    for one in commitments:
        is_active = (window.hours >= one.start_hour) & (window.hours < one.end_hour)
        out.append(
            Held(
                commitment=one,
                offer=catalog.offer(one.offer_id),
                active_hours=np.where(is_active, window.hour_weights, 0.0),
            )
        )
    return tuple(out)


def cash_usd(held: Sequence[Held], window: WindowHours) -> FloatArray:
    """Cash paid for commitments in each column: as they run, upfront, less what is sold. Shape (n_hours,). [USD]"""
    out = np.zeros(len(window.hours))
    for one in held:
        out += one.paid_hourly_usd
        if one.upfront_inside(window):
            out[window.column_of(one.paid_hour)] += one.upfront_usd
        if one.salvage_inside(window):
            out[window.column_of(one.commitment.end_hour - 1)] -= one.salvage_inside(window)
    return out


def lumps_usd(held: Sequence[Held], window: WindowHours, *, is_discounted: bool) -> FloatArray:
    """Cash paid upfront, less what is sold, at the edges of the columns. Shape (n_hours + 1,). [USD]"""
    out = np.zeros(len(window.hours) + 1)
    for one in held:
        paid, sold = one.upfront_inside(window), one.salvage_inside(window)
        if paid:
            out[window.column_of(one.paid_hour)] += paid * (window.factor_at(one.paid_hour) if is_discounted else 1.0)
        if sold:
            end = one.commitment.end_hour
            out[window.column_of(end - 1) + 1] -= sold * (window.factor_at(end) if is_discounted else 1.0)
    return out


def present_cash_usd(held: Sequence[Held], window: WindowHours) -> float:
    """Cash paid for commitments, each payment discounted from its own moment. [USD]"""
    total = 0.0
    for one in held:
        total += float(one.paid_hourly_usd @ window.discount)
        total += one.upfront_inside(window) * window.factor_at(one.paid_hour)
        total -= one.salvage_inside(window) * window.factor_at(one.commitment.end_hour)
    return total
