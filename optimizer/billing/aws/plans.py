"""Savings plans as a thing that is owned: commitment, term and payments; queueing and returning one.

Times are epoch seconds. Not here: what a plan covers (`optimizer.billing.aws.order`).

References
----------
.. [1] https://docs.aws.amazon.com/savingsplans/latest/userguide/return-sp.html
.. [2] https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-quotas.html
"""

import datetime as dt
from dataclasses import dataclass

from forecasting.hours import term_hours
from optimizer.billing.aws.amortization import Payments, plan_payments
from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.reserved import DAY_SECONDS, HOUR_SECONDS, Payment

RETURN_DAYS = 7
MAX_RETURN_HOURLY_USD = 100.0
MAX_RETURNS_PER_YEAR = 10
MIN_HOURLY_USD = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsPlan:
    """One plan.

    Attributes
    ----------
    plan_id : str
    committed_hourly_usd : float
        Commitment with its upfront part. [USD/h]
    payment : Payment
    term_years : int
    start_second : int
        Epoch second at which it was bought.
    """

    plan_id: str
    committed_hourly_usd: float
    payment: Payment = Payment.NONE
    term_years: int = 1
    start_second: int

    @property
    def end_second(self) -> int:
        """End of the term, exclusive."""
        return self.start_second + term_hours(12 * self.term_years) * HOUR_SECONDS

    @property
    def payments(self) -> Payments:
        """Upfront and recurring part."""
        return plan_payments(self.committed_hourly_usd, self.payment, term_hours(12 * self.term_years))


def return_obstacles(plan: SavingsPlan, at_second: int, *, n_returned_this_year: int) -> tuple[str, ...]:
    """Say which rules the return of a plan breaks; nothing where AWS takes it back [1]_ [2]_.

    Parameters
    ----------
    plan : SavingsPlan
    at_second : int
        Epoch second of the return.
    n_returned_this_year : int
        Plans that the management account has returned in the calendar year.

    Returns
    -------
    tuple of str
        One sentence for each rule.
    """
    name, obstacles = f"'{plan.plan_id}'", []
    if plan.committed_hourly_usd > MAX_RETURN_HOURLY_USD:
        obstacles.append(f"{name} must commit at most 100 USD/h, got {plan.committed_hourly_usd:g}.")
    if at_second < plan.start_second:
        obstacles.append(f"{name} is not active yet. Delete it from the queue instead.")
    elif at_second - plan.start_second > RETURN_DAYS * DAY_SECONDS:
        obstacles.append(f"{name} must have been bought within the last 7 days.")
    if _month(at_second) != _month(plan.start_second):
        obstacles.append(f"{name} must have been bought in the same calendar month (UTC).")
    if n_returned_this_year >= MAX_RETURNS_PER_YEAR:
        obstacles.append(f"at most 10 plans may be returned in a calendar year, {n_returned_this_year} are.")
    return tuple(obstacles)


def refund_usd(plan: SavingsPlan, at_second: int, *, n_returned_this_year: int = 0) -> float:
    """Upfront payment that the return of a plan brings back, all of it. [USD]

    What the plan covered is charged on demand, or to another plan: bill the hours again without it.

    Raises
    ------
    RefusedError
        If a rule is broken.
    """
    obstacles = return_obstacles(plan, at_second, n_returned_this_year=n_returned_this_year)
    if obstacles:
        action = "return"
        raise RefusedError(action, obstacles)
    return plan.payments.upfront_usd


def _month(second: int) -> tuple[int, int]:
    """Year and month, UTC."""
    moment = dt.datetime.fromtimestamp(second, tz=dt.UTC)
    return moment.year, moment.month
