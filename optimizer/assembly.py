"""From offers, what is owned, scenarios and dates to the arrays of a planning problem.

Not here: limits of the policy (`optimizer.policy_limits`), reading files, solving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import IntArray
from forecasting.scenarios import Scenarios
from optimizer.batch_costs import BatchPricer, WantedBatch
from optimizer.calendar_dates import Timeline, discount_factors
from optimizer.hardware_cost import full_use_payback_months
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment
from optimizer.problem import Batches, PlanningProblem
from optimizer.served import served_by
from optimizer.spot.rates import effective_spot_usd

LONGEST_LIFE_MONTHS = 36  # of owned hardware that a plan looks ahead for
DEFAULT_HORIZON_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """What can be bought, what is owned, and for which pools.

    Attributes
    ----------
    catalog : Catalog
    pools : mapping of str to Pool
        One for each pool of the catalog.
    commitments : tuple of Commitment
        Owned.
    terms_months : tuple of int
        Terms that may be bought.
    payback_months_max : float or None
        Longest payback of upfront cash at full use that is acceptable.
    is_cash_limited : bool
        Whether upfront cash is limited, so that a dearer offer that asks for less of it is worth keeping.
    not_offered : frozenset of str
        Offers that the policy's goal rules out; what is owned of them stays.
    """

    catalog: Catalog
    pools: Mapping[str, Pool]
    commitments: tuple[Commitment, ...]
    terms_months: tuple[int, ...]
    payback_months_max: float | None = None
    is_cash_limited: bool = False
    not_offered: frozenset[str] = frozenset()

    def buyable(self) -> tuple[Offer, ...]:
        """Offers whose term and payback the run allows, and that cover at least one pool.

        The life of owned hardware is no term that anybody is bound to, and is never left out by it.
        """
        return tuple(
            offer
            for offer in self.catalog.offers
            if offer.pools
            and offer.offer_id not in self.not_offered
            and (offer.term_months in self.terms_months or offer.term_months == 0 or offer.hardware is not None)
            and (self.payback_months_max is None or self.payback_months(offer) <= self.payback_months_max)
        )

    def payback_months(self, offer: Offer) -> float:
        """Months from the purchase, at full use, until what is saved hourly has paid back the upfront cash."""
        rates = dict(zip(self.catalog.pools, self.catalog.on_demand_usd.tolist(), strict=True))
        return full_use_payback_months(offer, rates)


def horizon_terms(offers: Sequence[Offer]) -> tuple[int, ...]:
    """Terms that a plan has to look ahead for; a year where nothing has one. Of a life no more than three years count.

    With later purchases three years are looked at for nearly six, in which most of a life that begins now is over; what
    outlives them is valued by `optimizer.hardware_cost`.

    Parameters
    ----------
    offers : sequence of Offer
    """
    terms = tuple(
        offer.term_months if offer.hardware is None else min(offer.term_months, LONGEST_LIFE_MONTHS)
        for offer in offers
        if offer.term_months > 0
    )
    return terms or (DEFAULT_HORIZON_MONTHS,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assembled:
    """A problem without limits, and what its batches stand for.

    Attributes
    ----------
    problem : PlanningProblem
    offers : tuple of Offer
        Offer of each instrument; of several instruments where owned hardware goes on to serve other pools.
    decision_hour : IntArray of shape (n_batches,)
        Date at which each batch is bought; -1 for owned ones and for replacements in the tail.
    commitment : tuple of (Commitment or None)
        What is owned, for each batch.
    """

    problem: PlanningProblem
    offers: tuple[Offer, ...]
    decision_hour: IntArray
    commitment: tuple[Commitment | None, ...]


def assemble(
    scenarios: Scenarios,
    market: Market,
    timeline: Timeline,
    *,
    discount_rate_yearly: float,
    risk_lambda: float,
    keep_dominated: bool,
) -> Assembled:
    """Problem without limits.

    Parameters
    ----------
    scenarios : Scenarios
        Demand on the timeline's columns.
    market : Market
        Its catalog has the pools of the scenarios, in the same order.
    timeline : Timeline
    discount_rate_yearly : float
    risk_lambda : float
        Weight of CVaR of cost.
    keep_dominated : bool
        Keep offers that another one beats in cost at the same coverage and term, as limits on an offer's share need.
    """
    hours = scenarios.hours
    discount = discount_factors(hours, as_of_hour=timeline.start_hour, rate_yearly=discount_rate_yearly)
    pricer = BatchPricer(
        hours=hours,
        hour_weights=scenarios.hour_weights,
        discount=discount,
        as_of_hour=timeline.start_hour,
        rate_yearly=discount_rate_yearly,
        charges_full_term=timeline.charges_full_term,
        sells_at_end=timeline.sells_at_end,
        on_demand_usd=dict(zip(market.catalog.pools, market.catalog.on_demand_usd.tolist(), strict=True)),
    )
    wanted = _owned(market, timeline) + _decisions(market, timeline)
    if not keep_dominated:
        wanted = _without_dominated(wanted, market, pricer)
    served = served_by([batch.offer for batch in wanted], market.catalog)
    row_of = served.first_row
    batches = Batches(
        instrument=np.array([row_of[batch.offer.offer_id] for batch in wanted], dtype=np.int64),
        start_hour=np.array([batch.start_hour for batch in wanted], dtype=np.int64),
        end_hour=np.array([batch.end_hour for batch in wanted], dtype=np.int64),
        cost_usd=np.array([pricer.cost_usd(batch) for batch in wanted]),
        upfront_usd=np.array([batch.offer.upfront_usd for batch in wanted]),
        fixed_quantity=np.array([np.nan if b.commitment is None else b.commitment.quantity for b in wanted]),
    )
    catalog = market.catalog
    pools = [market.pools[name] for name in catalog.pools]
    problem = PlanningProblem(
        pools=catalog.pools,
        hours=hours,
        hour_weights=scenarios.hour_weights,
        discount=discount,
        in_window=timeline.in_window(hours),
        weights=scenarios.weights,
        demand=scenarios.units,
        on_demand_usd=catalog.on_demand_usd,
        spot_usd=effective_spot_usd(catalog, pools),
        spot_eligible=np.array([pool.spot_eligible_fraction for pool in pools]),
        instruments=served.instruments,
        batches=batches,
        risk_lambda=risk_lambda,
    )
    return Assembled(
        problem=problem,
        offers=served.offers,
        decision_hour=np.array([batch.decision_hour for batch in wanted], dtype=np.int64),
        commitment=tuple(batch.commitment for batch in wanted),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedBatch:
    """An offer from one hour to another, beside what is owned and what the dates of the plan can buy.

    Attributes
    ----------
    offer : Offer
    start_hour, end_hour : int
        Epoch hours, end exclusive.
    decision_hour : int
        Date of the plan at which it is bought; -1 where it is no purchase.
    quantity : float
        What is held; nan where it is to be decided.
    pays_upfront : bool
        False: the upfront part was paid before, and costs nothing here.
    """

    offer: Offer
    start_hour: int
    end_hour: int
    decision_hour: int = -1
    quantity: float = float("nan")
    pays_upfront: bool = True


def with_added(
    assembled: Assembled,
    added: Sequence[AddedBatch],
    market: Market,
    timeline: Timeline,
    *,
    discount_rate_yearly: float,
) -> Assembled:
    """The same problem with more batches behind its own; limits are to be set anew.

    Parameters
    ----------
    assembled : Assembled
    added : sequence of AddedBatch
    market : Market
    timeline : Timeline
        That of the problem. Where it charges full terms, batches that are added still cost what of them lies inside.
    discount_rate_yearly : float
        That of the problem.
    """
    problem = assembled.problem
    pricer = BatchPricer(
        hours=problem.hours,
        hour_weights=problem.hour_weights,
        discount=problem.discount,
        as_of_hour=timeline.start_hour,
        rate_yearly=discount_rate_yearly,
        charges_full_term=False,
        sells_at_end=timeline.sells_at_end,
        on_demand_usd=dict(zip(market.catalog.pools, market.catalog.on_demand_usd.tolist(), strict=True)),
    )
    served = served_by((*assembled.offers, *(new.offer for new in added)), market.catalog)
    row_of = served.first_row
    paid = [new.offer if new.pays_upfront else replace(new.offer, upfront_usd=0.0) for new in added]
    new_batches = [
        WantedBatch(offer=offer, start_hour=new.start_hour, end_hour=new.end_hour, decision_hour=new.decision_hour)
        for offer, new in zip(paid, added, strict=True)
    ]
    old = problem.batches
    batches = replace(
        old,
        instrument=np.append(old.instrument, [row_of[new.offer.offer_id] for new in added]).astype(np.int64),
        start_hour=np.append(old.start_hour, [new.start_hour for new in added]).astype(np.int64),
        end_hour=np.append(old.end_hour, [new.end_hour for new in added]).astype(np.int64),
        cost_usd=np.append(old.cost_usd, [pricer.cost_usd(batch) for batch in new_batches]),
        upfront_usd=np.append(old.upfront_usd, [offer.upfront_usd for offer in paid]),
        fixed_quantity=np.append(old.fixed_quantity, [new.quantity for new in added]),
    )
    return Assembled(
        problem=replace(problem, instruments=served.instruments, batches=batches),
        offers=served.offers,
        decision_hour=np.append(assembled.decision_hour, [new.decision_hour for new in added]).astype(np.int64),
        commitment=(*assembled.commitment, *(None for _ in added)),
    )


def _owned(market: Market, timeline: Timeline) -> list[WantedBatch]:
    """Batches of what is owned and runs inside the valued hours."""
    return [
        WantedBatch(
            offer=market.catalog.offer(owned.offer_id),
            start_hour=owned.start_hour,
            end_hour=owned.end_hour,
            decision_hour=-1,
            commitment=owned,
        )
        for owned in market.commitments
        if owned.end_hour > timeline.start_hour and owned.start_hour < timeline.valued_end_hour
    ]


def _decisions(market: Market, timeline: Timeline) -> list[WantedBatch]:
    """Batches that may be bought at each date; capacity reservations without a term last to the next date."""
    offers = market.buyable()
    dates = [int(hour) for hour in timeline.decision_hours]
    wanted = []
    for place, date in enumerate(dates):
        next_date = dates[place + 1] if place + 1 < len(dates) else timeline.end_hour
        for offer in offers:
            if offer.available_from_hour is not None and offer.available_from_hour > date:
                continue
            start = date + offer.lead_hours
            if start >= timeline.valued_end_hour:
                continue
            end = next_date if offer.is_open_ended else start + offer.term_hours
            wanted.append(WantedBatch(offer=offer, start_hour=start, end_hour=end, decision_hour=date))
    return wanted + _replacements(offers, timeline)


def _replacements(offers: Sequence[Offer], timeline: Timeline) -> list[WantedBatch]:
    """Batches of the shortest term at the dates of the tail, which only value what outlives the window.

    Owned hardware is none of them, as it takes years to pay, unless nothing else can be bought.
    """
    offers = [offer for offer in offers if offer.term_months > 0]
    offers = [offer for offer in offers if offer.hardware is None] or offers
    shortest = min((offer.term_months for offer in offers), default=0)
    out = []
    for date in timeline.tail_hours.tolist():
        for offer in offers:
            start = date + offer.lead_hours
            is_sold = offer.available_from_hour is None or offer.available_from_hour <= date
            if offer.term_months == shortest and is_sold and start < timeline.valued_end_hour:
                end = start + offer.term_hours
                out.append(WantedBatch(offer=offer, start_hour=start, end_hour=end, decision_hour=-1))
    return out


def _without_dominated(wanted: list[WantedBatch], market: Market, pricer: BatchPricer) -> list[WantedBatch]:
    """Of batches that cover the same pools at the same draw and hours, only the cheapest; owned ones all stay.

    Where upfront cash is limited a dearer one stays too if it asks for less cash; so does one of other lots or minima.
    """
    rivals: dict[tuple[object, ...], list[tuple[float, float, str, WantedBatch]]] = {}
    for batch in wanted:
        if batch.commitment is not None:
            continue
        offer = batch.offer
        known = dict(zip(offer.pools, offer.draw.tolist(), strict=True))
        draws = np.array([known.get(pool, np.nan) for pool in market.catalog.pools])
        # A plan's quantity is its own price: cards that differ by a factor are compared per unit covered.
        scale = float(np.nanmin(draws))
        shape = tuple(np.round(draws / scale, 12).tolist())
        reserves = offer.kind is OfferKind.CAPACITY_RESERVATION
        rules = (offer.lot_quantity, offer.minimum_quantity)  # one of smaller lots may fit where a cheaper one does not
        own = (*rules, scale) if any(rules) else ()
        moves = offer.age_bands if len(offer.age_bands) > 1 else ()
        key = (repr(shape), moves, batch.start_hour, batch.end_hour, offer.guarantees_capacity, reserves, own)
        rank = (round(pricer.cost_usd(batch) * scale, 9), round(offer.upfront_usd * scale, 9), offer.offer_id, batch)
        rivals.setdefault(key, []).append(rank)
    kept: set[int] = set()
    for same in rivals.values():
        least_upfront = np.inf
        for _, upfront_usd, _, batch in sorted(same, key=lambda rival: rival[:3]):
            if upfront_usd < least_upfront:
                kept.add(id(batch))
                least_upfront = upfront_usd if market.is_cash_limited else -np.inf
    return [batch for batch in wanted if batch.commitment is not None or id(batch) in kept]
