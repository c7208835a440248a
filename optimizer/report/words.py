"""Words that the page and the terminal share: names of kinds and sentences made from a plan.

Not here: how numbers are written (`optimizer.report.numbers`) or escaped for a medium.
"""

from collections.abc import Sequence

from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.numerals import percent
from optimizer.offers import OfferKind
from optimizer.plan import LimitState, Plan, Purchase
from optimizer.report.numbers import usd

KIND_TITLES = {
    "on_demand": "On demand",
    "spot": "Spot",
    "capacity_reservation": "Capacity reservation",
    "reserved_standard": "Standard reservation",
    "reserved_convertible": "Convertible reservation",
    "instance_savings_plan": "Instance savings plan",
    "compute_savings_plan": "Compute savings plan",
    "owned_hardware": "Owned hardware",
    "unused": "Committed, not used",
}
ALL_POOLS = "All pools"
RECENT_DAYS = 90  # anomalies within them are listed in a plan, the others only counted
PAYMENT_TITLES = {"none": "no upfront", "partial": "partial upfront", "all": "all upfront"}


def recent_hour(plan: Plan) -> int:
    """First epoch hour of the days before a decision whose anomalies are listed."""
    return plan.as_of_hour - RECENT_DAYS * HOURS_PER_DAY


def kind_title(kind: str) -> str:
    """Name of an offer kind for people; the kind itself where it has none."""
    return KIND_TITLES.get(kind, kind)


def day(hour: int) -> str:
    """Date of an epoch hour, YYYY-MM-DD."""
    return date_of_hour(hour).isoformat()


def period(plan: Plan) -> str:
    """The window in words, both days inclusive."""
    return f"{day(plan.as_of_hour)} to {day(plan.horizon_end_hour - 1)}"


def terms(purchase: Purchase) -> str:
    """Term and payment of a purchase in words."""
    payment = PAYMENT_TITLES.get(purchase.payment_option, purchase.payment_option)
    hours = purchase.end_hour - purchase.start_hour
    is_open = purchase.kind == OfferKind.CAPACITY_RESERVATION.value or not purchase.payment_option
    in_hours = "until dropped" if is_open else f"{hours:,} hours"
    length = f"{purchase.term_months} months" if purchase.term_months else in_hours
    return f"{length}, {payment}" if payment else length


def committed_usd(purchases: Sequence[Purchase]) -> float:
    """Fees of all purchases over their whole terms. [USD]"""
    return sum(purchase.committed_usd for purchase in purchases)


def upfront_usd(purchases: Sequence[Purchase]) -> float:
    """Cash at purchase of all purchases. [USD]"""
    return sum(purchase.upfront_usd for purchase in purchases)


def change_fraction(before: float, after: float) -> float:
    """Change as a part of what was before; nan where that is nothing.

    Examples
    --------
    >>> change_fraction(4.0, 5.0), change_fraction(0.0, 1.0)
    (0.25, nan)
    """
    return (after - before) / before if before != 0.0 else float("nan")


def binding_limits(plan: Plan) -> tuple[LimitState, ...]:
    """Limits that bind, the dearest first."""
    return tuple(sorted((limit for limit in plan.limits if limit.binds), key=lambda limit: -limit_saving_usd(limit)))


def limit_sentence(limit: LimitState) -> str:
    """What a limit says of itself, its name first but only once."""
    return limit.text if limit.text.startswith(limit.name) else f"{limit.name}: {limit.text}"


def limit_saving_usd(limit: LimitState) -> float:
    """Expected cost that loosening a limit by one of its units saves at the margin. [USD]"""
    return limit.price_usd if limit.binds else 0.0


def counted(n_things: int, noun: str) -> str:
    """Count with its noun.

    Examples
    --------
    >>> counted(1, "commitment"), counted(3, "commitment")
    ('1 commitment', '3 commitments')
    """
    return f"{n_things} {noun}" if n_things == 1 else f"{n_things} {noun}s"


def why_nothing_now(plan: Plan) -> str:
    """Why the plan buys nothing on the first date."""
    if not plan.next_units:
        return "Nothing to buy now: no offer that the policy allows can be bought on this date."
    best = max(plan.next_units, key=lambda unit: unit.saving_usd)
    if best.saving_usd == 0.0:
        return "Nothing to buy now: no offer saves enough today to be worth a purchase."
    if best.saving_usd <= 0.0:
        return (
            "Nothing to buy now: what is owned, and what can be bought later, is cheaper. The best offer, "
            f"{best.offer_id}, would add {usd(-best.saving_usd)} per {best.quantity_unit} bought today."
        )
    limits = ", ".join(limit.name for limit in binding_limits(plan))
    held = f"the limits that bind forbid it ({limits})" if limits else "it is less than the smallest amount to buy"
    return (
        f"Nothing to buy now, although {best.offer_id} would save {usd(best.saving_usd)} per "
        f"{best.quantity_unit}: {held}."
    )


def saving_sentence(plan: Plan) -> str:
    """Expected cost of the plan beside that of all on demand."""
    cost = plan.summary
    all_on_demand = next((summary for summary in plan.summaries if summary.name == "all_on_demand"), None)
    if all_on_demand is None:
        return f"Expected cost {usd(cost.mean_usd)}."
    saved = all_on_demand.mean_usd - cost.mean_usd
    side = "less" if saved >= 0 else "more"
    return (
        f"Expected cost {usd(cost.mean_usd)}, {usd(abs(saved))} {side} than all on demand "
        f"({usd(all_on_demand.mean_usd)}): an effective savings rate of {percent(cost.esr)}."
    )
