"""What a stated goal changes in what a plan may buy and in how it counts.

- cost: nothing; least cost at the policy's rate.
- ebitda: money of later years counts as much as of now, as it does in EBITDA: the rate of the objective is 0.
- free_cash_flow: of offers that differ in payment alone, only the one with the least upfront is bought.
- payback: offers whose upfront cash takes longer than the policy's months to come back at full use are not bought.

Not here: the figures by which ways of paying are ranked (`optimizer.jobs.money`).
"""

from dataclasses import replace

from optimizer.assembly import Market
from optimizer.offers import Offer
from optimizer.payment_options import families
from optimizer.policy import Policy


def market_for_goal(market: Market, policy: Policy) -> Market:
    """The same market without what the goal rules out."""
    if policy.goal == "free_cash_flow":
        dearer = {
            offer.offer_id
            for members in families(market.buyable()).values()
            for place, offer in enumerate(members)
            if any(_is_sold_by_then(less, offer) for less in members[:place])
        }
        return replace(market, not_offered=market.not_offered | dearer)
    if policy.goal == "payback":
        given = market.payback_months_max
        most = policy.payback_flag_months if given is None else min(given, policy.payback_flag_months)
        return replace(market, payback_months_max=most)
    return market


def _is_sold_by_then(less: Offer, offer: Offer) -> bool:
    """Whether an offer can be bought wherever the other can."""
    if less.available_from_hour is None:
        return True
    return offer.available_from_hour is not None and less.available_from_hour <= offer.available_from_hour


def goal_sentences(policy: Policy) -> tuple[str, ...]:
    """What the goal has changed, for people; nothing where it is least cost."""
    what = {
        "ebitda": "money of later years counts as much as now, so the plan is optimized at a rate of 0",
        "free_cash_flow": "of offers that differ in payment alone, only the one with the least upfront is bought",
        "payback": (
            f"offers whose upfront cash takes longer than {policy.payback_flag_months:g} months of full use to come "
            "back are not bought"
        ),
    }
    return (f"Goal {policy.goal}: {what[policy.goal]}.",) if policy.goal in what else ()


def objective_rate_yearly(policy: Policy) -> float:
    """Discount rate that the plan is optimized at."""
    return 0.0 if policy.goal == "ebitda" else policy.discount_rate_yearly
