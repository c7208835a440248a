"""Reserved Instances as a thing that is owned: what it is, how long it lasts, what of it is not paid or used yet.

Times are epoch seconds, as AWS ends terms to the second. Not here: which usage it covers
(`optimizer.billing.aws.instances`), what may be done with it (`modification`, `exchange`, `marketplace`).

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/reserved-instances-types.html
"""

from dataclasses import dataclass
from enum import StrEnum

from forecasting.hours import term_hours
from optimizer.billing.aws.instances import Instances

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS
TERMS_YEARS = (1, 3)


class OfferingClass(StrEnum):
    """Standard ones can be sold, convertible ones exchanged."""

    STANDARD = "standard"
    CONVERTIBLE = "convertible"


class Payment(StrEnum):
    """Payment option; the words of a price list."""

    NONE = "none"
    PARTIAL = "partial"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedInstances:
    """One reservation of some instances.

    Attributes
    ----------
    reservation_id : str
    instances : Instances
        Type, place, platform, tenancy and owner; a zone makes it zonal.
    count : int
        Instances reserved.
    offering_class : OfferingClass
    payment : Payment
    term_years : int
        1 or 3: the term that the price is for, whatever is left of it.
    start_second, end_second : int
        Epoch seconds, the end exclusive.
    bought_second : int or None
        When it was bought, which a modification does not change; None: at its start.
    hourly_usd : float
        Recurring fee of one instance. [USD/h]
    upfront_usd : float
        Paid at purchase for one instance for the whole term. [USD]
    is_pending : bool
        A payment, modification or exchange is under way.
    is_listed : bool
        Listed in the Reserved Instance Marketplace.
    is_discounted : bool
        Bought at a volume discount or under private pricing.
    """

    reservation_id: str
    instances: Instances
    count: int
    offering_class: OfferingClass
    payment: Payment = Payment.NONE
    term_years: int = 1
    start_second: int
    end_second: int
    bought_second: int | None = None
    hourly_usd: float = 0.0
    upfront_usd: float = 0.0
    is_pending: bool = False
    is_listed: bool = False
    is_discounted: bool = False

    def __post_init__(self) -> None:
        """Check what the engines rely on."""
        if self.term_years not in TERMS_YEARS:
            msg = f"'{self.reservation_id}': term_years must be 1 or 3, got {self.term_years}."
            raise ValueError(msg)
        if self.count < 1:
            msg = f"'{self.reservation_id}': count must be >= 1, got {self.count}."
            raise ValueError(msg)
        if self.end_second <= self.start_second:
            msg = f"'{self.reservation_id}': end_second must be after start_second {self.start_second}."
            raise ValueError(msg)

    @property
    def end_hour(self) -> int:
        """Epoch hour in which it ends."""
        return self.end_second // HOUR_SECONDS

    def is_active(self, at_second: int) -> bool:
        """Whether its term runs and nothing is under way with it."""
        return self.start_second <= at_second < self.end_second and not self.is_pending

    def remaining_hours(self, at_second: int) -> float:
        """Hours of the term that are left. [h]"""
        return max(0, self.end_second - max(at_second, self.start_second)) / HOUR_SECONDS

    def remaining_upfront_usd(self, at_second: int) -> float:
        """Part of the upfront payment of all instances that the hours left stand for. [USD]"""
        return self.count * self.upfront_usd * self.remaining_hours(at_second) / term_hours(12 * self.term_years)

    def value_usd(self, at_second: int) -> float:
        """Value of all instances in an exchange: upfront that is left + hourly x hours left [1]_. [USD]

        References
        ----------
        .. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-convertible-exchange.html
        """
        recurring_usd = self.count * self.hourly_usd * self.remaining_hours(at_second)
        return self.remaining_upfront_usd(at_second) + recurring_usd


def state_obstacles(reserved: ReservedInstances, at_second: int) -> list[str]:
    """Say why nothing may be done with a reservation now; empty where it is free."""
    name = f"'{reserved.reservation_id}'"
    obstacles = []
    if reserved.is_pending:
        obstacles.append(f"{name} has a payment or change under way. Wait until it is done.")
    elif not reserved.is_active(at_second):
        obstacles.append(f"{name} must be active, its term does not run at that time.")
    if reserved.is_listed:
        obstacles.append(f"{name} is listed in the Marketplace. Cancel the listing first.")
    return obstacles
