"""Everything about money of one plan, from its bills and its commitments.

Not here: the bills (`optimizer.jobs.judge`), the figures themselves (its sibling modules).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from forecasting.drivers import Drivers
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.calendar_dates import Timeline
from optimizer.jobs.assess.words import count_text, usd_text
from optimizer.jobs.money.flows import WindowHours, held_in
from optimizer.jobs.money.ledger import MoneyLedger
from optimizer.jobs.money.paid import AS_PLANNED, bought_of, payment_variants, purchase_rows, ranked_variants
from optimizer.jobs.money.quarters import Spending, comparison, quarter_rows
from optimizer.jobs.money.unit_costs import monthly_costs, unit_cost_rows
from optimizer.payment_options import financing_pairs
from optimizer.plan import AllocationRow, Purchase
from optimizer.plan_money import PaymentVariant, PlanMoney
from optimizer.policy import Policy
from optimizer.portfolio import Commitment

VARIANT_TITLES = {
    AS_PLANNED: "as planned",
    "none": "without upfront",
    "partial": "partly upfront",
    "all": "all upfront",
}
GOAL_WORDS = {
    "cost": "present value",
    "ebitda": "EBITDA",
    "free_cash_flow": "free cash flow (least cash tied up)",
    "payback": "payback",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MoneyLedgers:
    """What the bills of a plan, of what is owned alone, and of all on demand are noted in.

    Attributes
    ----------
    plan, owned, on_demand : MoneyLedger
    """

    plan: MoneyLedger = field(default_factory=MoneyLedger)
    owned: MoneyLedger = field(default_factory=MoneyLedger)
    on_demand: MoneyLedger = field(default_factory=MoneyLedger)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MoneyRequest:
    """What the money of a plan is made from.

    Attributes
    ----------
    market : Market
    policy : Policy
    timeline : Timeline
    window : Scenarios
    planned : tuple of Commitment
        Bought by the plan.
    advice : tuple of Purchase
        Of the first date.
    allocation : tuple of AllocationRow
    drivers : Drivers or None
    """

    market: Market
    policy: Policy
    timeline: Timeline
    window: Scenarios
    planned: tuple[Commitment, ...]
    advice: tuple[Purchase, ...]
    allocation: tuple[AllocationRow, ...]
    drivers: Drivers | None = None


def plan_money(request: MoneyRequest, ledgers: MoneyLedgers) -> PlanMoney:
    """Money of a plan whose bills the ledgers have seen.

    Parameters
    ----------
    request : MoneyRequest
    ledgers : MoneyLedgers
    """
    market, policy, scenarios = request.market, request.policy, request.window
    weights = scenarios.weights
    window = WindowHours(
        hours=scenarios.hours,
        hour_weights=scenarios.hour_weights,
        start_hour=request.timeline.start_hour,
        end_hour=request.timeline.end_hour,
        rate_yearly=policy.discount_rate_yearly,
    )
    held = held_in(window, (*market.commitments, *request.planned), market.catalog)
    plan = Spending(ledger=ledgers.plan, held=held)
    owned = Spending(ledger=ledgers.owned, held=held_in(window, market.commitments, market.catalog))
    on_demand = Spending(ledger=ledgers.on_demand, held=())
    advised = frozenset(purchase.commitment_id for purchase in request.advice)
    n_owned = len(market.commitments)
    bought = bought_of(held[n_owned:], advised, ledgers.plan, beside=held[:n_owned])
    goal, flag = policy.goal, policy.payback_flag_months
    offers = market.catalog.offers
    sold = [
        one for one in offers if one.available_from_hour is None or one.available_from_hour <= window.start_hour
    ]  # on the first date
    variants = ranked_variants(
        payment_variants(bought, sold, market.catalog.pools, window), goal=goal, hurdle_months=flag
    )
    costs = monthly_costs(request.allocation, scenarios, market.catalog.on_demand_usd, held, window)
    return PlanMoney(
        goal=goal,
        discount_rate_yearly=policy.discount_rate_yearly,
        payback_flag_months=flag,
        npv_cash_usd=plan.present_cash_usd(window, weights),
        quarters=quarter_rows(plan, weights @ ledgers.on_demand.variable_usd, window, weights),
        purchases=purchase_rows(bought, window, flag_months=flag),
        comparisons=(
            comparison(plan, on_demand, window, weights, against="all_on_demand"),
            comparison(plan, owned, window, weights, against="keep_owned"),
        ),
        financing=financing_pairs(
            (one for one in offers if one.term_months in (0, *market.terms_months)), rate_yearly=window.rate_yearly
        ),
        variants=variants,
        recommendation=recommendation(variants, goal=goal),
        unit_costs=unit_cost_rows(costs, request.drivers, market, window),
    )


def recommendation(variants: Sequence[PaymentVariant], *, goal: str) -> str:
    """Which way of paying is best by the goal, and what it differs from the plan.

    Parameters
    ----------
    variants : sequence of PaymentVariant
        From best to worst by the goal.
    goal : str
    """
    if not variants:
        return "Nothing is bought on the first date, so nothing is to be paid upfront or later."
    best = variants[0]
    planned = next(one for one in variants if one.name == AS_PLANNED)
    text = (
        f"By {GOAL_WORDS[goal]} the purchases of the first date are best paid {VARIANT_TITLES[best.name]}: present "
        f"value {usd_text(best.npv_usd)}, EBITDA {usd_text(best.ebitda_usd)}, free cash flow of the first year "
        f"{usd_text(best.first_year_cash_usd)} above all on demand, at most {usd_text(best.tied_up_usd)} tied up, "
        f"payback {count_text(best.payback_months, 'month')}."
    )
    if best.name == AS_PLANNED:
        return f"{text} That is what the plan does."
    return (
        f"{text} Against the plan: present value {_signed(best.npv_usd - planned.npv_usd)}, EBITDA "
        f"{_signed(best.ebitda_usd - planned.ebitda_usd)}, cash tied up "
        f"{_signed(best.tied_up_usd - planned.tied_up_usd)}. Limits of the policy are not checked for it."
    )


def _signed(value: float) -> str:
    """Difference with its sign."""
    return f"+{usd_text(value)}" if value > 0.0 else usd_text(value)
