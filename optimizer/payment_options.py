"""Offers that differ in how they are paid alone, and the interest that paying more upfront earns.

Not here: which way of paying a plan takes (the program, `optimizer.goals`).
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

from optimizer.finance import upfront_rate
from optimizer.offers import Offer
from optimizer.plan_money import FinancingPair

Family = tuple[str, str, str, tuple[str, ...], int, bool, bool]


def family_of(offer: Offer) -> Family:
    """What offers share that differ in payment alone."""
    return (
        offer.kind.value,
        offer.provider,
        offer.region,
        tuple(sorted(offer.pools)),
        offer.term_hours,
        offer.is_size_flexible,
        offer.guarantees_capacity,
    )


def families(offers: Iterable[Offer]) -> dict[Family, tuple[Offer, ...]]:
    """Offers by family, the least upfront per covered unit first; what has no term or no pools is left out."""
    found: dict[Family, list[Offer]] = {}
    for offer in offers:
        if offer.term_hours > 0 and offer.pools and offer.hardware is None:
            found.setdefault(family_of(offer), []).append(offer)
    return {family: tuple(sorted(members, key=_upfront_first)) for family, members in found.items()}


def _upfront_first(offer: Offer) -> tuple[float, float]:
    """Upfront cash that covers a unit of each pool, then what an hour costs. [USD, USD/h]"""
    units = float(offer.draw.sum())
    return offer.upfront_usd * units, offer.hourly_usd * units


def sibling(offer: Offer, offers: Sequence[Offer], *, payment_option: str) -> Offer | None:
    """The same offer paid another way, the cheapest by the hour of several; None where none is sold."""
    family = family_of(offer)
    found = [one for one in offers if one.payment_option == payment_option and family_of(one) == family]
    return min(found, key=lambda one: (one.effective_hourly_usd * float(one.draw.sum()), one.offer_id), default=None)


def financing_pairs(offers: Iterable[Offer], *, rate_yearly: float) -> tuple[FinancingPair, ...]:
    """Every two payment options of one family, with the interest that the larger upfront part earns.

    A unit of each pool is covered either way, so that plans whose rates differ by pool compare.

    Parameters
    ----------
    offers : iterable of Offer
    rate_yearly : float
        The policy's, above which paying upfront is worth it.
    """
    out = []
    for members in families(offers).values():
        for less, more in combinations(members, 2):
            if less.payment_option != more.payment_option:
                out.append(_pair(less, more, rate_yearly))
    return tuple(out)


def _pair(less: Offer, more: Offer, rate_yearly: float) -> FinancingPair:
    """One pair."""
    rates = pair_rates(less, more)
    known = [rate for rate in rates if rate is not None]
    is_known = len(known) == len(rates)
    return FinancingPair(
        more_offer_id=more.offer_id,
        less_offer_id=less.offer_id,
        kind=more.kind.value,
        more_option=more.payment_option,
        less_option=less.payment_option,
        term_months=more.term_months,
        low_rate_yearly=min(known) if is_known else None,
        high_rate_yearly=max(known) if is_known else None,
        is_worth=is_known and min(known) > rate_yearly,
    )


def pair_rates(less: Offer, more: Offer) -> tuple[float | None, ...]:
    """Interest for each pool, of covering one unit of it for the term either way."""
    draw_of_less = dict(zip(less.pools, less.draw.tolist(), strict=True))
    out = []
    for pool, draw in zip(more.pools, more.draw.tolist(), strict=True):
        other = draw_of_less[pool]
        out.append(
            upfront_rate(
                extra_upfront_usd=draw * more.upfront_usd - other * less.upfront_usd,
                saved_hourly_usd=other * less.hourly_usd - draw * more.hourly_usd,
                term_hours=more.term_hours,
            )
        )
    return tuple(out)
