"""What may take the place of a commitment that ends: the same again, less, shorter, a flexible plan, later, nothing.

Every purchase is one that the policy's terms and the price list allow on its date. Not here: what may be done before it
ends (`changing`), what a choice costs (`pricing`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.hours import HOURS_PER_DAY
from optimizer.assembly import AddedBatch, Market
from optimizer.billing.aws.purchases import QueuedPurchase, queue_obstacles, renewal
from optimizer.billing.aws.reserved import HOUR_SECONDS
from optimizer.calendar_dates import Timeline
from optimizer.jobs.renewals.choices import Buy, Choice, ChoiceKind
from optimizer.offers import Offer, OfferKind
from optimizer.portfolio import Commitment

AWS = "aws"
RESERVED_KINDS = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RenewalContext:
    """What may be bought, and when.

    Attributes
    ----------
    market : Market
    timeline : Timeline
    until_hour : int
        End of the time that was asked for.
    """

    market: Market
    timeline: Timeline
    until_hour: int

    def decision_hour(self, start_hour: int) -> int:
        """Date of the plan at which a purchase that starts at an hour counts as made: the last one before it."""
        dates = self.timeline.decision_hours
        return int(dates[dates <= max(start_hour, int(dates[0]))][-1])

    def next_date(self, hour: int) -> int | None:
        """First date of the plan after an hour."""
        later = self.timeline.decision_hours[self.timeline.decision_hours > hour]
        return int(later[0]) if len(later) else None

    def first_hour(self, offer: Offer, hour: int) -> int:
        """First hour from a given one on that a purchase can serve: what takes a lead time is ordered from as-of on."""
        return max(hour, self.timeline.start_hour + offer.lead_hours)

    def purchase(self, offer: Offer, start_hour: int) -> AddedBatch:
        """Purchase of an offer for its whole term, ordered as long before as it takes."""
        return AddedBatch(
            offer=offer,
            start_hour=start_hour,
            end_hour=start_hour + offer.term_hours,
            decision_hour=self.decision_hour(start_hour - offer.lead_hours),
        )

    def obstacle(self, offer: Offer, start_hour: int) -> str:
        """Why an offer cannot be bought at an hour; empty where it can."""
        if offer.is_open_ended:
            return f"'{offer.offer_id}' has no term: it can be dropped or taken again at any date."
        if not offer.pools:
            return f"none of the pools of '{offer.offer_id}' is known at this date."
        order_hour = self.first_hour(offer, start_hour) - offer.lead_hours
        if offer.available_from_hour is not None and offer.available_from_hour > order_hour:
            return f"'{offer.offer_id}' is not on sale by then."
        if all(known.offer_id != offer.offer_id for known in self.market.buyable()):
            terms = ", ".join(map(str, self.market.terms_months))
            return (
                f"the policy does not allow it: '{offer.offer_id}' has {offer.term_months} months, allowed are {terms}."
            )
        return ""


def renewing_choices(commitment: Commitment, offer: Offer, context: RenewalContext) -> tuple[Choice, ...]:
    """Everything that may take the place of a commitment at its end."""
    return (
        *_same_again(commitment, offer, context),
        *_shorter(commitment, offer, context),
        *_flexible(commitment, offer, context),
        _later(commitment, offer, context),
        Choice(
            kind=ChoiceKind.LAPSE,
            at_hour=commitment.end_hour,
            decide_by_hour=commitment.end_hour,
            bars_until_hour=max(context.until_hour, (context.next_date(commitment.end_hour) or 0) + 1),
        ),
    )


def _same_again(commitment: Commitment, offer: Offer, context: RenewalContext) -> Iterator[Choice]:
    """The same quantity, and as much of it as pays."""
    obstacle = context.obstacle(offer, commitment.end_hour)
    if obstacle:
        yield Choice(kind=ChoiceKind.RENEW, offer=offer, obstacles=(obstacle,), at_hour=commitment.end_hour)
        return
    for kind, least in ((ChoiceKind.RENEW, commitment.quantity), (ChoiceKind.RENEW_PART, 0.0)):
        yield _bought(kind, commitment, offer, context, at_least=least, at_most=commitment.quantity)


def _shorter(commitment: Commitment, offer: Offer, context: RenewalContext) -> Iterator[Choice]:
    """The same kind for the same pools at each shorter term, at its lowest fee."""
    rivals = [
        other
        for other in context.market.buyable()
        if other.kind is offer.kind and set(other.pools) == set(offer.pools) and 0 < other.term_hours < offer.term_hours
    ]
    kept = _cheapest_by_term(rivals, context, commitment.end_hour)
    for other in kept:
        most = commitment.quantity * _exchange_rate(other, offer)
        yield _bought(ChoiceKind.RENEW_SHORTER, commitment, other, context, at_least=0.0, at_most=most)
    if not kept:
        reason = "no shorter term of the same kind for its pools is on the price list and allowed by the policy."
        yield Choice(kind=ChoiceKind.RENEW_SHORTER, obstacles=(reason,), at_hour=commitment.end_hour)


def _flexible(commitment: Commitment, offer: Offer, context: RenewalContext) -> Iterator[Choice]:
    """Compute savings plans, and convertible reservations of the same pools in place of standard ones."""
    if offer.kind is OfferKind.COMPUTE_SAVINGS_PLAN:
        reason = "it is a flexible plan already."
        yield Choice(kind=ChoiceKind.FLEXIBLE_PLAN, obstacles=(reason,), at_hour=commitment.end_hour)
        return
    buyable = context.market.buyable()
    plans = [
        other
        for other in buyable
        if other.kind is OfferKind.COMPUTE_SAVINGS_PLAN and not set(other.pools).isdisjoint(offer.pools)
    ]
    convertible = [
        other
        for other in buyable
        if offer.kind is OfferKind.RESERVED_STANDARD
        and other.kind is OfferKind.RESERVED_CONVERTIBLE
        and set(other.pools) == set(offer.pools)
    ]
    kept = [
        *_cheapest_by_term(plans, context, commitment.end_hour),
        *_cheapest_by_term(convertible, context, commitment.end_hour),
    ]
    for other in kept:
        most = commitment.quantity * _exchange_rate(other, offer)
        yield _bought(ChoiceKind.FLEXIBLE_PLAN, commitment, other, context, at_least=0.0, at_most=most)
    if not kept:
        reason = "no compute savings plan that covers its pools is on the price list and allowed by the policy."
        yield Choice(kind=ChoiceKind.FLEXIBLE_PLAN, obstacles=(reason,), at_hour=commitment.end_hour)


def _later(commitment: Commitment, offer: Offer, context: RenewalContext) -> Choice:
    """The same kind at its lowest fee, as long as it is on sale, at the first date of the plan after the end."""
    start = context.next_date(commitment.end_hour)
    if start is None:
        reason = "the plan has no date to buy after its end."
        return Choice(kind=ChoiceKind.BUY_LATER, obstacles=(reason,), at_hour=commitment.end_hour)
    same_reach = [
        other
        for other in context.market.buyable()
        if other.kind is offer.kind
        and set(other.pools) == set(offer.pools)
        and 0 < other.term_hours <= offer.term_hours
    ]
    ranked = sorted(_cheapest_by_term(same_reach, context, start), key=lambda other: -other.term_hours)
    if not ranked:
        reason = "no offer of the same kind for its pools is on the price list and allowed by the policy."
        return Choice(kind=ChoiceKind.BUY_LATER, obstacles=(reason,), at_hour=start)
    other = ranked[0]
    most = commitment.quantity * _exchange_rate(other, offer)
    served = start + other.lead_hours
    return Choice(
        kind=ChoiceKind.BUY_LATER,
        offer=other,
        at_hour=served,
        decide_by_hour=start,
        buys=Buy(batch=context.purchase(other, served), at_least=0.0, at_most=most),
    )


def _bought(
    kind: ChoiceKind, commitment: Commitment, offer: Offer, context: RenewalContext, *, at_least: float, at_most: float
) -> Choice:
    """Purchase at the end of a commitment, with how it can be ordered ahead."""
    start = context.first_hour(offer, commitment.end_hour)
    return Choice(
        kind=kind,
        offer=offer,
        at_hour=start,
        decide_by_hour=start - offer.lead_hours,
        buys=Buy(batch=context.purchase(offer, start), at_least=at_least, at_most=at_most),
        notes=(
            *_queue_notes(commitment, offer, context.timeline.start_hour),
            *_lead_notes(offer, start - commitment.end_hour),
        ),
    )


def _lead_notes(offer: Offer, late_hours: int) -> tuple[str, ...]:
    """That an order takes time, and that it comes too late where it does."""
    if offer.lead_hours == 0:
        return ()
    lead = f"It serves {offer.lead_hours / HOURS_PER_DAY:g} days after it is ordered"
    return (f"{lead}: {late_hours / HOURS_PER_DAY:g} days after the end.",) if late_hours > 0 else (f"{lead}.",)


def _queue_notes(commitment: Commitment, offer: Offer, as_of_hour: int) -> tuple[str, ...]:
    """Whether AWS takes the purchase ahead of its date."""
    if offer.provider.lower() != AWS or commitment.end_hour <= as_of_hour:
        return ()
    is_zonal = bool(commitment.zone) and not offer.is_plan
    order = renewal(commitment.end_hour * HOUR_SECONDS, is_plan=offer.is_plan)
    obstacles = queue_obstacles(_placed(order, is_zonal=is_zonal), as_of_hour * HOUR_SECONDS)
    return obstacles or ("It can be queued today for that date, and taken out of the queue until then.",)


def _placed(order: QueuedPurchase, *, is_zonal: bool) -> QueuedPurchase:
    """Order bound to a zone, where what it renews is."""
    return replace(order, is_zonal=is_zonal)


def _cheapest_by_term(offers: Sequence[Offer], context: RenewalContext, start_hour: int) -> list[Offer]:
    """Of offers on sale at an hour the one with the lowest fee per covered unit, for each term; shortest first."""
    best: dict[int, tuple[float, str, Offer]] = {}
    for offer in offers:
        if context.obstacle(offer, start_hour):
            continue
        rank = (float(np.min(offer.draw)) * offer.effective_hourly_usd, offer.offer_id, offer)
        if offer.term_hours not in best or rank[:2] < best[offer.term_hours][:2]:
            best[offer.term_hours] = rank
    return [best[term][2] for term in sorted(best)]


def _exchange_rate(new: Offer, old: Offer) -> float:
    """Quantity of a new offer that covers what one of the old covers, at most, over the pools of both."""
    draw = dict(zip(old.pools, old.draw.tolist(), strict=True))
    return max(
        (float(d) / draw[pool] for pool, d in zip(new.pools, new.draw, strict=True) if pool in draw), default=0.0
    )
