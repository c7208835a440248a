"""From offers, what is owned, scenarios and dates to the arrays of a planning problem.

Not here: limits of the policy (`optimizer.policy_limits`), reading files, solving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.scenarios import Scenarios
from optimizer.break_even import payback_months
from optimizer.calendar_dates import Timeline, discount_factor_at, discount_factors
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment
from optimizer.problem import Batches, Instruments, PlanningProblem

# Reservations before instance savings plans before compute savings plans.
_TURN = {OfferKind.INSTANCE_SAVINGS_PLAN: 1, OfferKind.COMPUTE_SAVINGS_PLAN: 2}


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
    """

    catalog: Catalog
    pools: Mapping[str, Pool]
    commitments: tuple[Commitment, ...]
    terms_months: tuple[int, ...]
    payback_months_max: float | None = None
    is_cash_limited: bool = False

    def buyable(self) -> tuple[Offer, ...]:
        """Offers whose term and payback the run allows, and that cover at least one pool."""
        return tuple(
            offer
            for offer in self.catalog.offers
            if offer.pools
            and (offer.term_months in self.terms_months or offer.term_months == 0)
            and (self.payback_months_max is None or self._payback_months(offer) <= self.payback_months_max)
        )

    def _payback_months(self, offer: Offer) -> float:
        """Months of full use after which what is saved hourly has paid back the upfront cash."""
        if offer.upfront_usd == 0.0:
            return 0.0  # dearer by the hour or not, no cash is at stake
        on_demand = np.array([self.catalog.on_demand_usd[self.catalog.pools.index(pool)] for pool in offer.pools])
        return payback_months(
            upfront_usd=offer.upfront_usd,
            hourly_usd=offer.hourly_usd,
            on_demand_usd=float(np.max(on_demand / offer.draw)),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assembled:
    """A problem without limits, and what its batches stand for.

    Attributes
    ----------
    problem : PlanningProblem
    offers : tuple of Offer
        Offer of each instrument.
    decision_hour : IntArray of shape (n_batches,)
        Date at which each batch is bought; -1 for owned ones and for replacements in the tail.
    commitment : tuple of (Commitment or None)
        What is owned, for each batch.
    """

    problem: PlanningProblem
    offers: tuple[Offer, ...]
    decision_hour: IntArray
    commitment: tuple[Commitment | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """One batch before it becomes a row."""

    offer: Offer
    start_hour: int
    end_hour: int
    decision_hour: int
    commitment: Commitment | None = None


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
    pricer = _Pricer(
        hours=hours,
        hour_weights=scenarios.hour_weights,
        discount=discount,
        as_of_hour=timeline.start_hour,
        rate_yearly=discount_rate_yearly,
        charges_full_term=timeline.charges_full_term,
    )
    wanted = _owned(market, timeline) + _decisions(market, timeline)
    if not keep_dominated:
        wanted = _without_dominated(wanted, market, pricer)
    offers = tuple({batch.offer.offer_id: batch.offer for batch in wanted}.values())
    row_of = {offer.offer_id: row for row, offer in enumerate(offers)}
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
        instruments=_instruments(offers, catalog),
        batches=batches,
        risk_lambda=risk_lambda,
    )
    return Assembled(
        problem=problem,
        offers=offers,
        decision_hour=np.array([batch.decision_hour for batch in wanted], dtype=np.int64),
        commitment=tuple(batch.commitment for batch in wanted),
    )


def effective_spot_usd(catalog: Catalog, pools: Sequence[Pool]) -> FloatArray:
    """Spot rate with rework while it is available, on-demand otherwise; nan without spot. [USD/unit-hour]

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.

    Returns
    -------
    FloatArray of shape (n_pools,)
    """
    available = np.array([pool.spot_availability for pool in pools])
    overhead = np.array([pool.interruption_overhead_fraction for pool in pools])
    rate: FloatArray = available * catalog.spot_usd * (1.0 + overhead) + (1.0 - available) * catalog.on_demand_usd
    return rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pricer:
    """Cost of a batch in the objective."""

    hours: IntArray
    hour_weights: FloatArray
    discount: FloatArray
    as_of_hour: int
    rate_yearly: float
    charges_full_term: bool

    def cost_usd(self, batch: _Batch) -> float:
        """Cash as it is paid, discounted; of a term that runs past the valued hours only the part inside. [USD]

        Where the full term is charged, a purchase costs all of it; of what is owned still only the part inside counts,
        as nothing decided here changes the rest.
        """
        offer = batch.offer
        if offer.kind is OfferKind.CAPACITY_RESERVATION:
            return 0.0
        if self.charges_full_term and batch.commitment is None:
            return self._full_term_usd(batch)
        active = (self.hours >= batch.start_hour) & (self.hours < batch.end_hour)
        if not active.any():
            return 0.0
        inside_hours = float(self.hour_weights[active].sum())
        hourly = offer.hourly_usd * float((self.hour_weights * self.discount)[active].sum())
        upfront = offer.upfront_usd * inside_hours / offer.term_hours
        at_purchase = discount_factor_at(batch.start_hour, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)
        return hourly + upfront * at_purchase

    def _full_term_usd(self, batch: _Batch) -> float:
        """Cash of the whole term, discounted. [USD]"""
        term = np.arange(batch.start_hour, batch.end_hour)
        factors = discount_factors(term, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)
        at_purchase = discount_factor_at(batch.start_hour, as_of_hour=self.as_of_hour, rate_yearly=self.rate_yearly)
        return batch.offer.hourly_usd * float(factors.sum()) + batch.offer.upfront_usd * at_purchase


def _owned(market: Market, timeline: Timeline) -> list[_Batch]:
    """Batches of what is owned and runs inside the valued hours."""
    return [
        _Batch(
            offer=market.catalog.offer(owned.offer_id),
            start_hour=owned.start_hour,
            end_hour=owned.end_hour,
            decision_hour=-1,
            commitment=owned,
        )
        for owned in market.commitments
        if owned.end_hour > timeline.start_hour and owned.start_hour < timeline.valued_end_hour
    ]


def _decisions(market: Market, timeline: Timeline) -> list[_Batch]:
    """Batches that may be bought at each date; capacity reservations without a term last to the next date."""
    offers = market.buyable()
    dates = [int(hour) for hour in timeline.decision_hours]
    wanted = []
    for place, date in enumerate(dates):
        next_date = dates[place + 1] if place + 1 < len(dates) else timeline.end_hour
        for offer in offers:
            if offer.available_from_hour is not None and offer.available_from_hour > date:
                continue
            end = next_date if offer.is_open_ended else date + offer.term_hours
            wanted.append(_Batch(offer=offer, start_hour=date, end_hour=end, decision_hour=date))
    return wanted + _replacements(offers, timeline)


def _replacements(offers: Sequence[Offer], timeline: Timeline) -> list[_Batch]:
    """Batches of the shortest term at the dates of the tail, which only value what outlives the window."""
    terms = [offer.term_months for offer in offers if offer.term_months > 0]
    if not terms:
        return []
    return [
        _Batch(offer=offer, start_hour=int(date), end_hour=int(date) + offer.term_hours, decision_hour=-1)
        for date in timeline.tail_hours
        for offer in offers
        if offer.term_months == min(terms) and (offer.available_from_hour is None or offer.available_from_hour <= date)
    ]


def _without_dominated(wanted: list[_Batch], market: Market, pricer: _Pricer) -> list[_Batch]:
    """Of batches that cover the same pools at the same draw and hours, only the cheapest; owned ones all stay.

    Where upfront cash is limited a dearer one stays too if it asks for less cash.
    """
    rivals: dict[tuple[object, ...], list[tuple[float, float, str, _Batch]]] = {}
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
        key = (repr(shape), batch.start_hour, batch.end_hour, offer.guarantees_capacity, reserves)
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


def _instruments(offers: Sequence[Offer], catalog: Catalog) -> Instruments:
    """One row for each offer."""
    place = {pool: column for column, pool in enumerate(catalog.pools)}
    draw = np.full((len(offers), len(catalog.pools)), np.nan)
    for row, offer in enumerate(offers):
        for pool, pool_draw in zip(offer.pools, offer.draw, strict=True):
            draw[row, place[pool]] = pool_draw
    return Instruments(
        names=tuple(offer.offer_id for offer in offers),
        draw=draw,
        fee_usd=np.array([offer.effective_hourly_usd for offer in offers]),
        reserves_units=np.array([offer.kind is OfferKind.CAPACITY_RESERVATION for offer in offers], dtype=bool),
        is_firm=np.array([offer.guarantees_capacity and len(offer.pools) == 1 for offer in offers], dtype=bool),
        turn=np.array([_TURN.get(offer.kind, 0) for offer in offers], dtype=np.int64),
    )
