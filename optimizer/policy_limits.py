"""From a policy and an assembled problem to its limits.

Not here: the rows of the limits; how much headroom expected loss asks for (`optimizer.headroom`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import add_months, date_of_hour
from optimizer.assembly import Assembled, Market
from optimizer.calendar_dates import Timeline
from optimizer.costs import evaluate
from optimizer.cover import cover_classes
from optimizer.limits import CashLimit, FirmRequirement, Limits, ShareLimit
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
    )
    return replace(assembled, problem=replace(assembled.problem, limits=limits))


def needs_dominated(policy: Policy) -> bool:
    """Whether a dearer offer is worth keeping: it may take what a limit on shares makes the cheaper one leave.

    In whole steps, too: a step of it may fit better.
    """
    shares, steps = policy.concentration, policy.increments
    given = (shares.offer_fraction, shares.family_fraction, steps.units, steps.usd_per_hour)
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


def _shares(assembled: Assembled, context: PolicyContext) -> tuple[ShareLimit, ...]:
    """Ceilings on each offer's and each family's part of what is committed."""
    concentration, out = context.policy.concentration, []
    is_bought = assembled.decision_hour >= 0
    row = assembled.problem.batches.instrument
    reserves = assembled.problem.instruments.reserves_units
    if concentration.offer_fraction is not None:
        for number, offer in enumerate(assembled.offers):
            batches = np.flatnonzero(is_bought & (row == number))
            if len(batches) and not reserves[number]:
                label = f"share of offer {offer.offer_id}"
                out.append(ShareLimit(batch_indices=batches, fraction=concentration.offer_fraction, label=label))
    if concentration.family_fraction is not None:
        family = [_family(offer.pools, context.market) for offer in assembled.offers]
        for name in sorted({known for known in family if known}):
            members = np.array([number for number, known in enumerate(family) if known == name])
            batches = np.flatnonzero(is_bought & np.isin(row, members))
            label = f"share of family {name}"
            out.append(ShareLimit(batch_indices=batches, fraction=concentration.family_fraction, label=label))
    return tuple(out)


def _family(pools: tuple[str, ...], market: Market) -> str:
    """Family that all pools share; empty where they are of several or it is not declared."""
    families = {market.pools[pool].family for pool in pools}
    return families.pop() if len(families) == 1 else ""
