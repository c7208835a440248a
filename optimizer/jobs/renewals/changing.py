"""What the provider's rules allow with a commitment before it ends: exchange, split, modify, sell, return, cancel.

The rules are those of the billing engines; what they refuse is said in their words. Not here: what may follow a
commitment at its end (`renewing`), what a choice costs (`pricing`).
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from forecasting.hours import HOURS_PER_DAY, add_months
from optimizer.assembly import AddedBatch, Market
from optimizer.billing.aws.exchange import ConvertibleOffering, exchange_obstacles, exchanged
from optimizer.billing.aws.marketplace import SERVICE_FEE_FRACTION, Seller, proceeds_usd, resale_obstacles
from optimizer.billing.aws.modification import Target, modification_obstacles, modified
from optimizer.billing.aws.plans import RETURN_DAYS, SavingsPlan, refund_usd, return_obstacles
from optimizer.billing.aws.reserved import HOUR_SECONDS, Payment, ReservedInstances
from optimizer.billing.azure.returns import Reservation, refund
from optimizer.calendar_dates import discount_factor_at
from optimizer.jobs.renewals.choices import Choice, ChoiceKind, Release
from optimizer.jobs.renewals.instances import MONTHS_PER_YEAR, Unfit, reserved_instances, sized
from optimizer.jobs.renewals.renewing import AWS, RESERVED_KINDS
from optimizer.offers import Offer, OfferKind
from optimizer.portfolio import Commitment

AZURE = "azure"
HOURS_PER_MONTH = 730.0
MAX_TARGETS = 3  # other families that an exchange is worked out for, those that events move demand to first
LEAST_PART, MOST_PART = 0.05, 0.95  # stranded part at which splitting a reservation is worth a line


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangeContext:
    """What a change is made of.

    Attributes
    ----------
    market : Market
    as_of_hour : int
    later_hours : tuple of int
        Dates beside as-of at which a change is worked out: when events have moved demand.
    preferred_pools : tuple of str
        Where events move demand to, then by the demand expected.
    discount_rate_yearly : float
    valued_end_hour : int
        Where costs stop counting.
    resale_prices_usd : mapping of str to float
        Upfront price asked for all of a commitment, by its id. [USD]
    stranded_fraction : float
        Part of the commitment that is expected to be stranded; nan where not known.
    """

    market: Market
    as_of_hour: int
    later_hours: tuple[int, ...]
    preferred_pools: tuple[str, ...]
    discount_rate_yearly: float
    valued_end_hour: int
    resale_prices_usd: Mapping[str, float]
    stranded_fraction: float = float("nan")

    def today(self, usd: float, hour: int) -> float:
        """Cash at an hour, discounted to the decision. [USD]"""
        return usd * discount_factor_at(hour, as_of_hour=self.as_of_hour, rate_yearly=self.discount_rate_yearly)

    def inside(self, hour: int, end_hour: int) -> float:
        """Part of the hours from one to another, the end of a term, that lies inside the valued hours."""
        return min(1.0, max(self.valued_end_hour - hour, 1) / max(end_hour - hour, 1))


def changing_choices(commitment: Commitment, offer: Offer, context: ChangeContext) -> tuple[Choice, ...]:
    """Everything that the provider lets one do with a commitment before its end, and why not where it does not."""
    if commitment.start_hour > context.as_of_hour:
        return (_shut(ChoiceKind.RETURN, "it has not begun: take it out of the queue instead."),)
    provider = offer.provider.lower()
    if offer.is_plan:
        return (_returned(commitment, offer, context, provider),)
    if offer.kind not in RESERVED_KINDS:
        return ()
    if provider == AZURE:
        return (_refunded(commitment, offer, context),)
    if provider != AWS:
        reason = f"the rules of '{offer.provider}' let nobody exchange, sell or return it."
        return (_shut(ChoiceKind.EXCHANGE, reason), _shut(ChoiceKind.SELL, reason))
    known = reserved_instances(commitment, offer, context.market)
    if isinstance(known, Unfit):
        return tuple(_shut(kind, known.reason) for kind in (ChoiceKind.EXCHANGE, ChoiceKind.MODIFY, ChoiceKind.SELL))
    reserved, factor = known
    case = _Case(commitment=commitment, offer=offer, reserved=reserved, factor=factor, context=context)
    return (*_exchanges(case), *_modifications(case), *_sales(case))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """One reservation of AWS."""

    commitment: Commitment
    offer: Offer
    reserved: ReservedInstances
    factor: float
    context: ChangeContext

    def release(self, at_hour: int, count: float) -> Release:
        """End of some instances at an hour."""
        return released(self.commitment, self.offer, at_hour, count * self.factor, as_of_hour=self.context.as_of_hour)

    def hours(self, last_hour: int) -> tuple[int, ...]:
        """As-of and the later dates up to an hour."""
        return (self.context.as_of_hour, *(hour for hour in self.context.later_hours if hour <= last_hour))


def released(commitment: Commitment, offer: Offer, at_hour: int, quantity: float, *, as_of_hour: int) -> Release:
    """End of a part of a commitment before its time."""
    rest = AddedBatch(offer=offer, start_hour=at_hour, end_hour=commitment.end_hour, quantity=0.0, pays_upfront=False)
    until = None
    if at_hour > as_of_hour:
        until = AddedBatch(offer=offer, start_hour=commitment.start_hour, end_hour=at_hour, quantity=0.0)
    return Release(at_hour=at_hour, quantity=quantity, until=until, rest=rest)


def _shut(kind: ChoiceKind, reason: str) -> Choice:
    """Choice that cannot be made."""
    return Choice(kind=kind, obstacles=(reason,))


def _exchanges(case: _Case) -> Iterator[Choice]:
    """Exchange of all, and of the part that strands, for other families of the region."""
    if case.offer.kind is not OfferKind.RESERVED_CONVERTIBLE:
        yield _shut(ChoiceKind.EXCHANGE, "it cannot be exchanged: it is standard, not convertible.")
        return
    if not case.commitment.exchangeable:
        yield _shut(ChoiceKind.EXCHANGE, "it cannot be exchanged: not declared exchangeable.")
        return
    targets = _exchange_targets(case)
    if not targets:
        yield _shut(
            ChoiceKind.EXCHANGE, "no convertible offer of its term for other pools of its region is on the list."
        )
    last_hour = case.commitment.end_hour - HOURS_PER_DAY
    counts = [(ChoiceKind.EXCHANGE, case.reserved.count)]
    if _is_partly_stranded(case):
        part = math.ceil(case.context.stranded_fraction * case.reserved.count)
        counts += [(ChoiceKind.EXCHANGE_PART, part)] if part < case.reserved.count else []
    for offers in targets:
        for hour in case.hours(last_hour):
            for kind, count in counts:
                tried = [_exchange(kind, case, target, hour, last_hour, count=count) for target in offers]
                yield next((choice for choice in tried if choice.is_open), tried[0])


def _is_partly_stranded(case: _Case) -> bool:
    """Whether a part is expected to be stranded, and a part not."""
    return LEAST_PART < case.context.stranded_fraction < MOST_PART


def _exchange_targets(case: _Case) -> list[list[Offer]]:
    """Convertible offers for each set of other pools, those of the same payment option first."""
    offers: dict[frozenset[str], list[Offer]] = {}
    for other in case.context.market.catalog.offers:
        same_place = (other.provider, other.region) == (case.offer.provider, case.offer.region)
        is_like = other.kind is OfferKind.RESERVED_CONVERTIBLE and other.term_hours == case.offer.term_hours
        if same_place and is_like and other.pools and set(other.pools).isdisjoint(case.offer.pools):
            offers.setdefault(frozenset(other.pools), []).append(other)
    rank = {pool: place for place, pool in enumerate(case.context.preferred_pools)}
    own = case.offer.payment_option
    ranked = sorted(
        offers.values(), key=lambda same: (min(rank.get(pool, len(rank)) for pool in same[0].pools), same[0].offer_id)
    )
    return [
        sorted(same, key=lambda item: (item.payment_option != own, item.upfront_usd)) for same in ranked[:MAX_TARGETS]
    ]


def _exchange(kind: ChoiceKind, case: _Case, target: Offer, hour: int, last_hour: int, *, count: int) -> Choice:
    """Exchange of some instances at an hour; what is not all of them is split off first."""
    one, second = sized(target, case.context.market), hour * HOUR_SECONDS
    if isinstance(one, Unfit):
        return replace(_shut(kind, one.reason), offer=target)
    given, notes = case.reserved, []
    if count < case.reserved.count:
        pieces = [
            Target(instance_type=given.instances.instance_type, count=n, zone=given.instances.zone)
            for n in (given.count - count, count)
        ]
        obstacles = modification_obstacles([given], pieces, second)
        if obstacles:
            return replace(_shut(kind, obstacles[0]), offer=target)
        given = modified([given], pieces, second)[1]
        notes.append(f"Split it by a modification first: {count} of {case.reserved.count} instances, free of charge.")
    offering = ConvertibleOffering(
        instances=one.instances,
        payment=Payment(target.payment_option),
        term_years=target.term_months // MONTHS_PER_YEAR,
        hourly_usd=target.hourly_usd * one.factor,
        upfront_usd=target.upfront_usd * one.factor,
    )
    obstacles = exchange_obstacles([given], offering, second)
    if obstacles:
        return Choice(kind=kind, offer=target, obstacles=obstacles, at_hour=hour)
    made = exchanged([given], offering, second, reservation_id=given.reservation_id)
    notes.append(
        f"{count} instances worth {made.given_usd:,.0f} USD become {made.reserved.count} of "
        f"{one.instances.instance_type} worth {made.received_usd:,.0f} USD; true-up {made.true_up_usd:,.0f} USD."
    )
    becomes = AddedBatch(
        offer=target,
        start_hour=hour,
        end_hour=made.reserved.end_second // HOUR_SECONDS,
        quantity=0.0,
        pays_upfront=False,
    )
    return Choice(
        kind=kind,
        offer=target,
        at_hour=hour,
        decide_by_hour=last_hour,
        release=case.release(hour, count),
        becomes=((becomes, made.reserved.count * one.factor),),
        one_off_usd=case.context.today(made.true_up_usd, hour),
        inside_fraction=case.context.inside(hour, made.reserved.end_second // HOUR_SECONDS),
        notes=tuple(notes),
    )


def _modifications(case: _Case) -> Iterator[Choice]:
    """The same footprint in another size of the family, for pools that the reservation does not cover."""
    if case.offer.is_size_flexible:
        yield _shut(ChoiceKind.MODIFY, "it is size-flexible: it covers the sizes of its family as it is.")
        return
    shut: list[Choice] = []
    made: list[Choice] = []
    for name in case.context.market.catalog.pools:
        pool = case.context.market.pools[name]
        if name in case.offer.pools or pool.family != _family(case) or not pool.family or not pool.size:
            continue
        choice = _modification(case, name, f"{pool.family}.{pool.size}")
        (made if choice.is_open else shut).append(choice)
    yield from made or shut[:1]
    if not made and not shut:
        yield _shut(ChoiceKind.MODIFY, "no pool of another size of its family, declared as such, is on the price list.")


def _family(case: _Case) -> str:
    """Family of the reservation."""
    return case.reserved.instances.family


def _modification(case: _Case, pool: str, wanted: str) -> Choice:
    """All of it in another size at once."""
    second = case.context.as_of_hour * HOUR_SECONDS
    region = dict(zip(case.context.market.catalog.pools, case.context.market.catalog.regions, strict=False)).get(
        pool, ""
    )
    if region != case.offer.region:
        return _shut(ChoiceKind.MODIFY, f"'{pool}' is in another region.")
    factor = case.context.market.pools[pool].normalization_factor
    own = case.context.market.pools[case.offer.pools[0]].normalization_factor
    if factor is None or own is None:
        return _shut(ChoiceKind.MODIFY, f"'{pool}' and its own pool must both have a normalization_factor declared.")
    overrides = {wanted: factor, case.reserved.instances.instance_type: own}
    count = case.reserved.count * own / factor
    targets = [Target(instance_type=wanted, count=int(count), zone=case.reserved.instances.zone)]
    if not count.is_integer():
        return _shut(ChoiceKind.MODIFY, f"its footprint is no whole number of {wanted}.")
    obstacles = modification_obstacles([case.reserved], targets, second, overrides)
    if obstacles:
        return Choice(kind=ChoiceKind.MODIFY, obstacles=obstacles)
    hour = case.context.as_of_hour
    made = modified([case.reserved], targets, second, overrides)[0]
    became = replace(
        case.offer,
        offer_id=f"{case.offer.offer_id} as {wanted}",
        pools=(pool,),
        draw=case.offer.draw[:1],
        hourly_usd=made.hourly_usd,
        upfront_usd=made.upfront_usd,
        guarantees_capacity=False,
    )
    batch = AddedBatch(
        offer=became, start_hour=hour, end_hour=case.commitment.end_hour, quantity=0.0, pays_upfront=False
    )
    return Choice(
        kind=ChoiceKind.MODIFY,
        offer=became,
        at_hour=hour,
        decide_by_hour=case.commitment.end_hour,
        release=case.release(hour, case.reserved.count),
        becomes=((batch, float(made.count)),),
        notes=(f"{case.reserved.count} instances become {made.count} of {wanted}, free of charge.",),
    )


def _sales(case: _Case) -> Iterator[Choice]:
    """Sale in the Marketplace, at the price given; without one only its break-even price can be said."""
    if not case.commitment.resalable:
        yield _shut(ChoiceKind.SELL, "it cannot be sold: not declared resalable.")
        return
    price = case.context.resale_prices_usd.get(case.commitment.commitment_id)
    last_hour = add_months(case.commitment.end_hour, -1)
    zonal, notes = case.reserved, []
    if not zonal.instances.zone:
        if not zonal.instances.region:
            yield _shut(
                ChoiceKind.SELL, "it must be bound to a zone to be sold, and its region is not on the price list."
            )
            return
        zonal = replace(zonal, instances=replace(zonal.instances, zone=f"{zonal.instances.region}a"))
        notes.append("Modify it from its region to a zone first, free of charge.")
    notes.append("The recurring fee passes to the buyer; AWS keeps 12 % of the upfront price.")
    seller = Seller(has_us_bank_account=True)  # what resalable declares: docs/renewals.md
    for hour in case.hours(last_hour):
        obstacles = resale_obstacles(zonal, hour * HOUR_SECONDS, seller, upfront_price_usd=price or 0.0)
        if obstacles:
            yield Choice(kind=ChoiceKind.SELL, obstacles=obstacles, at_hour=hour)
            continue
        yield Choice(
            kind=ChoiceKind.SELL,
            at_hour=hour,
            decide_by_hour=last_hour,
            release=case.release(hour, case.reserved.count),
            one_off_usd=0.0 if price is None else -case.context.today(proceeds_usd(price), hour),
            inside_fraction=case.context.inside(hour, case.commitment.end_hour),
            price_usd=price,
            price_part=case.context.today(1.0 - SERVICE_FEE_FRACTION, hour),
            notes=tuple(notes),
        )


def _returned(commitment: Commitment, offer: Offer, context: ChangeContext, provider: str) -> Choice:
    """Return of a savings plan to AWS."""
    if provider != AWS:
        return _shut(ChoiceKind.RETURN, f"savings plans of '{offer.provider}' cannot be returned.")
    years = offer.term_months // MONTHS_PER_YEAR
    plan = SavingsPlan(
        plan_id=commitment.commitment_id,
        committed_hourly_usd=commitment.quantity,
        payment=Payment(offer.payment_option),
        term_years=max(years, 1),
        start_second=commitment.start_hour * HOUR_SECONDS,
    )
    second = context.as_of_hour * HOUR_SECONDS
    obstacles = return_obstacles(plan, second, n_returned_this_year=0)
    if obstacles:
        return Choice(kind=ChoiceKind.RETURN, obstacles=obstacles)
    hour = context.as_of_hour
    return Choice(
        kind=ChoiceKind.RETURN,
        at_hour=hour,
        decide_by_hour=_last_return_hour(commitment),
        release=released(commitment, offer, hour, commitment.quantity, as_of_hour=hour),
        one_off_usd=-refund_usd(plan, second) * (commitment.end_hour - hour) / offer.term_hours,
        inside_fraction=context.inside(hour, commitment.end_hour),
        notes=(
            "All of the upfront payment comes back, and the hours since the purchase are billed again without it. They "
            "are not counted here, neither what is paid back for them nor what they then cost.",
            "Taken for granted: fewer than 10 plans were returned in this calendar year.",
        ),
    )


def _last_return_hour(commitment: Commitment) -> int:
    """Seven days from the purchase, or the end of its month if that is earlier."""
    start = dt.datetime.fromtimestamp(commitment.start_hour * HOUR_SECONDS, tz=dt.UTC)
    month = start.replace(day=1, hour=0)
    next_month = (month + dt.timedelta(days=32)).replace(day=1)
    return min(commitment.start_hour + RETURN_DAYS * HOURS_PER_DAY, int(next_month.timestamp()) // HOUR_SECONDS)


def _refunded(commitment: Commitment, offer: Offer, context: ChangeContext) -> Choice:
    """Cancellation of an Azure reservation, under its yearly limit."""
    monthly_usd = commitment.quantity * offer.effective_hourly_usd * offer.term_hours / max(offer.term_months, 1)
    reservation = Reservation(monthly_usd=monthly_usd, term_months=max(offer.term_months, 1))
    elapsed = offer.term_months * (context.as_of_hour - commitment.start_hour) / max(offer.term_hours, 1)
    found = refund(
        reservation, elapsed_months=min(elapsed, offer.term_months), is_prepaid=offer.payment_option == "all"
    )
    if not found.is_allowed:
        cancelled = f"{found.cancelled_usd:,.0f} USD of commitment would be cancelled"
        reason = f"{cancelled}, and Microsoft allows 50,000 USD in 12 months."
        return _shut(ChoiceKind.REFUND, reason)
    hour = context.as_of_hour
    return Choice(
        kind=ChoiceKind.REFUND,
        at_hour=hour,
        decide_by_hour=commitment.end_hour,
        release=released(commitment, offer, hour, commitment.quantity, as_of_hour=hour),
        one_off_usd=-found.refund_usd,
        inside_fraction=context.inside(hour, commitment.end_hour),
        notes=("Taken for granted: nothing was cancelled in the last 12 months, and the price paid is today's.",),
    )


def demand_order(pools: Sequence[str], moved_to: Sequence[str], mean_usd: Mapping[str, float]) -> tuple[str, ...]:
    """Pools that events move demand to, then the others by what their demand costs on demand."""
    first = [pool for pool in dict.fromkeys(moved_to) if pool in pools]
    rest = sorted((pool for pool in pools if pool not in first), key=lambda pool: (-mean_usd.get(pool, 0.0), pool))
    return (*first, *rest)
