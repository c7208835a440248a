"""From a policy and an assembled problem to its limits.

Not here: the rows of the limits; how much headroom expected loss asks for (`optimizer.headroom`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import HOURS_PER_DAY, add_months, date_of_hour
from optimizer.assembly import Assembled, Market
from optimizer.calendar_dates import Timeline
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.limits import CashLimit, FirmRequirement, Limits, PurchaseLimit, ShareLimit
from optimizer.offers import Offer
from optimizer.policy import Policy
from optimizer.problem import PlanningProblem

MONTHS_PER_QUARTER = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyContext:
    """What limits are made of.

    Attributes
    ----------
    policy : Policy
    market : Market
    timeline : Timeline
    firm : tuple of FirmRequirement
        From `optimizer.headroom`.
    """

    policy: Policy
    market: Market
    timeline: Timeline
    firm: tuple[FirmRequirement, ...]


def with_limits(assembled: Assembled, context: PolicyContext) -> Assembled:
    """The same problem under the limits of the policy."""
    policy = context.policy
    limits = Limits(
        stranded_expected_fraction=policy.stranded.expected_fraction,
        stranded_cvar_fraction=policy.stranded.cvar_fraction,
        cvar_level=policy.risk.level,
        owned_stranded_usd=owned_stranded(assembled.problem),
        coverage_min_fraction=policy.coverage.min_fraction,
        coverage_max_fraction=policy.coverage.max_fraction,
        spot_share_max=policy.spot_share_max,
        cash=_cash(assembled, context),
        shares=_shares(assembled, context),
        firm=context.firm,
        purchases=_purchases(assembled, context),
    )
    return replace(assembled, problem=replace(assembled.problem, limits=limits))


def needs_dominated(policy: Policy) -> bool:
    """Whether a dearer offer is worth keeping: it may take what a limit on shares makes the cheaper one leave.

    In whole steps, too: a step of it may fit better. Where purchases of a date are limited, one that is dearer as cash
    is paid may commit less.
    """
    shares, steps = policy.concentration, policy.increments
    fractions = (shares.offer_fraction, shares.family_fraction, shares.term_fraction)
    given = (*fractions, steps.units, steps.usd_per_hour, policy.purchase_usd_per_date)
    return any(number is not None for number in given)


def owned_stranded(problem: PlanningProblem) -> FloatArray:
    """Stranded USD of the owned portfolio alone, by scenario. Shape (n_scenarios,). [USD]"""
    classes = cover_classes(problem.instruments, split_by_fee=True)
    quantity = np.nan_to_num(problem.batches.fixed_quantity)
    if not quantity.any():
        return np.zeros(len(problem.weights))
    return evaluate(problem, quantity, classes).stranded_usd


def quarters(timeline: Timeline) -> IntArray:
    """Quarter from as-of of each decision date. Shape (n_dates,)."""
    edges = []
    n_quarters = 0
    while (edge := add_months(timeline.start_hour, n_quarters * MONTHS_PER_QUARTER)) < timeline.end_hour:
        edges.append(edge)
        n_quarters += 1
    return np.searchsorted(np.array(edges), timeline.decision_hours, side="right") - 1


def _cash(assembled: Assembled, context: PolicyContext) -> tuple[CashLimit, ...]:
    """Upfront cash of each quarter from as-of."""
    usd = context.policy.upfront_usd_per_quarter
    if usd is None:
        return ()
    timeline, out = context.timeline, []
    quarter = quarters(timeline)
    for number in np.unique(quarter):
        dates = timeline.decision_hours[quarter == number]
        batches = np.flatnonzero(np.isin(assembled.decision_hour, dates))
        label = f"upfront cash in the quarter from {date_of_hour(int(dates[0]))}"
        out.append(CashLimit(batch_indices=batches, usd=usd, label=label))
    return tuple(out)


def _purchases(assembled: Assembled, context: PolicyContext) -> tuple[PurchaseLimit, ...]:
    """Committed USD over whole terms of each date; replacements in the tail are nobody's purchase."""
    usd = context.policy.purchase_usd_per_date
    if usd is None:
        return ()
    return tuple(
        PurchaseLimit(
            batch_indices=np.flatnonzero(assembled.decision_hour == date),
            usd=usd,
            label=f"purchases on {_date_text(int(date))}",
        )
        for date in np.unique(assembled.decision_hour[assembled.decision_hour >= 0])
    )


def _date_text(hour: int) -> str:
    """Date of a decision, with its hour where it is not midnight."""
    of_day = hour % HOURS_PER_DAY
    return str(date_of_hour(hour)) if of_day == 0 else f"{date_of_hour(hour)} {of_day:02d}:00"


def _shares(assembled: Assembled, context: PolicyContext) -> tuple[ShareLimit, ...]:
    """Ceilings on the part of each offer, family and term in what is committed."""
    concentration, offers = context.policy.concentration, assembled.offers
    commits = ~assembled.problem.instruments.reserves_units
    by_offer = [offer.offer_id if commits[row] else "" for row, offer in enumerate(offers)]
    by_family = [_family(offer.pools, context.market) for offer in offers]
    by_term = [_term(offer) if commits[row] else "" for row, offer in enumerate(offers)]
    shortest_first = [_term(offer) for offer in sorted(offers, key=lambda offer: offer.term_hours)]
    return (
        *_shares_of(assembled, by_offer, (concentration.offer_fraction, "offer", by_offer)),
        *_shares_of(assembled, by_family, (concentration.family_fraction, "family", sorted(by_family))),
        *_shares_of(assembled, by_term, (concentration.term_fraction, "term", shortest_first)),
    )


def _shares_of(
    assembled: Assembled, group: Sequence[str], ceiling: tuple[float | None, str, Sequence[str]]
) -> list[ShareLimit]:
    """Ceiling on each group of offers that can be bought, in the order of its names; the empty name is no group."""
    fraction, what, names = ceiling
    is_bought, out = assembled.decision_hour >= 0, []
    for name in dict.fromkeys(names) if fraction is not None else ():
        members = [row for row, known in enumerate(group) if known == name]
        batches = np.flatnonzero(is_bought & np.isin(assembled.problem.batches.instrument, members))
        if name and fraction is not None and len(batches):
            out.append(ShareLimit(batch_indices=batches, fraction=fraction, label=f"share of {what} {name}"))
    return out


def _term(offer: Offer) -> str:
    """Length of an offer's term for people; empty for a capacity reservation that can be dropped at any date."""
    if offer.is_open_ended:
        return ""
    if not offer.term_months:
        return f"{offer.term_hours} h"
    return "1 month" if offer.term_months == 1 else f"{offer.term_months} months"


def _family(pools: tuple[str, ...], market: Market) -> str:
    """Family that all pools share; empty where they are of several or it is not declared."""
    families = {market.pools[pool].family for pool in pools}
    return families.pop() if len(families) == 1 else ""
