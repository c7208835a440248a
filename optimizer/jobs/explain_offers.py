"""Why offers that could be bought on the first date are not: one reason each, with its numbers.

What the next unit of an offer would save on top of the plan is taken at no price of limits (`optimizer.explain_next`).
Not here: what purchases save (`optimizer.explain_savings`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from forecasting.numerals import percent
from optimizer.assembly import Assembled, Market
from optimizer.coefficients import covered_pools
from optimizer.explain_next import HOURS_OF_A_YEAR, NextWorth, next_worth
from optimizer.explain_terms import Planned, hours_held
from optimizer.explanation import WhyNot
from optimizer.hardware_cost import served_part
from optimizer.limits import EXPECTED_STRANDED, MAXIMUM_COVERAGE, cvar_label
from optimizer.offers import Offer, OfferKind
from optimizer.problem import PlanningProblem

NOISE_FRACTION = 1e-3  # of its cost: below that a unit more or less makes no difference


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """A plan, for the question why not something else.

    Attributes
    ----------
    market : Market
    assembled : Assembled
    planned : Planned
        On all hours.
    limit_prices_usd : mapping of str to float
        By name of the limit. [USD/USD or USD/unit]
    """

    market: Market
    assembled: Assembled
    planned: Planned
    limit_prices_usd: Mapping[str, float]

    @property
    def first_hour(self) -> int:
        """First date on which anything could be bought."""
        dates = self.assembled.decision_hour
        return int(dates[dates >= 0].min(initial=np.iinfo(np.int64).max))

    def first_batches(self) -> dict[str, int]:
        """Batch of each offer that was weighed for the first date."""
        places = np.flatnonzero(self.assembled.decision_hour == self.first_hour).tolist()
        rows = self.assembled.problem.batches.instrument
        return {self.assembled.offers[rows[batch]].offer_id: batch for batch in places}


def reasons_against(chosen: Chosen) -> tuple[WhyNot, ...]:
    """One row for each offer that is sold on the first date and not bought then, in the order of the price list."""
    batches = chosen.first_batches()
    worth = next_worth(chosen.planned)
    buyable = {offer.offer_id for offer in chosen.market.buyable()}
    out = []
    for offer in chosen.market.catalog.offers:
        is_sold = offer.available_from_hour is None or offer.available_from_hour <= chosen.first_hour
        if not is_sold or not offer.pools:
            continue
        batch = batches.get(offer.offer_id)
        if batch is None:
            found = _not_allowed(offer, chosen.market) if offer.offer_id not in buyable else _dominated(offer, chosen)
            out.append(found)
        elif chosen.planned.quantity[batch] <= 0.0:
            out.append(_weighed(offer, batch, chosen, worth))
    return tuple(row for row in out if row is not None)


def _reason(offer: Offer, reason: str, text: str, *, other: str = "") -> WhyNot:
    """Reason without numbers of a next unit."""
    return WhyNot(
        offer_id=offer.offer_id,
        reason=reason,
        other=other,
        saving_usd=None,
        cost_usd=None,
        use_fraction=None,
        break_even_fraction=None,
        text=text,
    )


def _not_allowed(offer: Offer, market: Market) -> WhyNot:
    """Offer whose term or payback the policy rules out."""
    if offer.offer_id in market.not_offered:
        return _reason(offer, "goal", "The goal that the policy states rules it out.")
    if offer.term_months not in market.terms_months and offer.term_months != 0 and offer.hardware is None:
        allowed = ", ".join(str(months) for months in market.terms_months)
        text = f"Its term of {offer.term_months} months is none of those that may be bought ({allowed})."
        return _reason(offer, "term_not_allowed", text)
    months = market.payback_months(offer)
    takes = f"takes {months:,.1f} months" if np.isfinite(months) else "never comes"
    text = f"At full use the payback of its upfront cash {takes}; the policy allows {market.payback_months_max:g}."
    return _reason(offer, "payback", text)


def _dominated(offer: Offer, chosen: Chosen) -> WhyNot | None:
    """Offer that was left out because another one covers the same for less; None where there is no other."""
    problem, assembled = chosen.assembled.problem, chosen.assembled
    start = chosen.first_hour + offer.lead_hours
    end = start + offer.term_hours
    own_usd = discounted_cost_usd(problem, offer, start, end)
    best: tuple[float, Offer] | None = None
    for batch in chosen.first_batches().values():
        other = assembled.offers[int(problem.batches.instrument[batch])]
        scale = _same_cover(offer, other)
        if scale is None or int(problem.batches.end_hour[batch]) != end:
            continue
        usd = scale * discounted_cost_usd(problem, other, start, end)
        if best is None or usd < best[0]:
            best = usd, other
    if best is None:
        return None
    usd, other = best
    dearer = "as dear" if own_usd <= usd else f"{percent(own_usd / usd - 1.0, 2)} dearer"
    text = f"{other.offer_id} covers the same pools over the same term; this one is {dearer} in discounted cash."
    return _reason(offer, "dominated", text, other=other.offer_id)


def _same_cover(offer: Offer, other: Offer) -> float | None:
    """Quantity of `other` that covers what one unit of `offer` does; None where their cover differs."""
    if any(len(one.age_bands) > 1 for one in (offer, other)) and offer.age_bands != other.age_bands:
        return None
    own, its = (dict(zip(one.pools, one.draw.tolist(), strict=True)) for one in (offer, other))
    reserves = [one.kind is OfferKind.CAPACITY_RESERVATION for one in (offer, other)]
    if own.keys() != its.keys() or reserves[0] != reserves[1]:
        return None
    ratio = np.array([its[pool] / own[pool] for pool in own])
    return float(ratio[0]) if np.ptp(ratio) <= 1e-9 * ratio[0] else None


def discounted_cost_usd(problem: PlanningProblem, offer: Offer, start_hour: int, end_hour: int) -> float:
    """Discounted cash of one unit bought on the first date, for the hours that are valued. [USD per quantity]"""
    inside = (problem.hours >= start_hour) & (problem.hours < end_hour)
    weights = problem.hour_weights[inside]
    hourly = offer.hourly_usd * float(weights @ problem.discount[inside])
    if offer.hardware is not None:
        return hourly + _capital_usd(problem, offer, start_hour, end_hour)
    return hourly + (offer.upfront_usd * float(weights.sum()) / offer.term_hours if offer.term_hours else 0.0)


def _capital_usd(problem: PlanningProblem, offer: Offer, start_hour: int, end_hour: int) -> float:
    """Price of owned hardware ordered on the first date, less what is left of it beyond the valued hours. [USD/unit]"""
    valued_end_hour = int(problem.hours[-1]) + round(float(problem.hour_weights[-1]))
    last_hour = min(end_hour, valued_end_hour)
    if offer.hardware is not None and offer.hardware.is_sold:
        factor = float(problem.discount[np.searchsorted(problem.hours, last_hour) - 1])
        return offer.upfront_usd - offer.hardware.salvage_at(last_hour - start_hour) * factor
    on_demand_usd = dict(zip(problem.pools, problem.on_demand_usd.tolist(), strict=True))
    return offer.upfront_usd * served_part(offer, last_hour - start_hour, on_demand_usd)


def _weighed(offer: Offer, batch: int, chosen: Chosen, worth: NextWorth) -> WhyNot:
    """Offer that was weighed, and found not to pay, or to pay and not to be allowed."""
    problem = chosen.assembled.problem
    cost, gross = float(problem.batches.cost_usd[batch]), float(worth.discounted_usd[batch])
    most = float(worth.most_discounted_usd[batch])
    use = even = None
    if most > 0.0:
        use, even = float(worth.use_fraction[batch]), float(worth.break_even_fraction[batch])
        if offer.hardware is not None:
            even = cost / most  # of its price the part that the valued hours are charged, which no fee by the hour is
    pays_early = bool(worth.early_use_fraction[batch] >= worth.early_break_even_fraction[batch])
    reason, other, text = _verdict(
        offer,
        batch,
        chosen,
        _Weight(
            gross_usd=gross,
            cost_usd=cost,
            use=use,
            even=even,
            early=float(worth.early_use_fraction[batch]),
            pays_early=pays_early,
        ),
    )
    return WhyNot(
        offer_id=offer.offer_id,
        reason=reason,
        other=other,
        saving_usd=gross - cost,
        cost_usd=cost,
        use_fraction=use,
        break_even_fraction=even,
        text=text,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weight:
    """What the next unit of an offer brings and costs."""

    gross_usd: float
    cost_usd: float
    use: float | None
    even: float | None
    early: float
    pays_early: bool

    @property
    def net_usd(self) -> float:
        """What it saves."""
        return self.gross_usd - self.cost_usd


def _verdict(offer: Offer, batch: int, chosen: Chosen, weight: _Weight) -> tuple[str, str, str]:
    """Reason, what it names, and the sentence."""
    if weight.use is None or weight.even is None:
        return "use", "", "It adds firm capacity alone, and no more of that is asked for than the plan has."
    used = f"would be used {percent(weight.use)} on top of the plan, and breaks even at {percent(weight.even)}"
    if weight.net_usd > NOISE_FRACTION * weight.cost_usd:
        return _forbidden(batch, chosen, weight)
    if weight.net_usd >= -NOISE_FRACTION * weight.cost_usd:
        return "indifferent", "", f"The next unit {used}: it makes no difference."
    if weight.pays_early and offer.term_hours > HOURS_OF_A_YEAR:
        text = f"Its term is too long: used {percent(weight.early)} in the first year, the next unit {used}."
        return "term", "", text
    other = _largest_rival(offer, batch, chosen)
    after = f" What would be left for it {other} serves." if other else ""
    return "use", other, f"The next unit {used}.{after}"


def _forbidden(batch: int, chosen: Chosen, weight: _Weight) -> tuple[str, str, str]:
    """Offer whose next unit would pay: a limit or the size of a step keeps it out."""
    pays = f"The next unit would save {weight.net_usd:,.2f} USD"
    charges = [(usd, name) for name, usd in _charges(batch, chosen) if usd > 0.0]
    if charges:
        name = max(charges)[1]
        return "limit", name, f"{pays}, but the limit '{name}' binds."
    problem = chosen.assembled.problem
    step = max(float(problem.batches.decided_step[batch]), float(problem.batches.decided_minimum[batch]))
    if step > 0.0:
        return "step", "", f"{pays} by itself, but not less than {step:g} can be bought, which do not pay."
    return "indifferent", "", f"{pays}: too little to be worth a purchase, or less than the gap of the plan."


def _charges(batch: int, chosen: Chosen) -> Iterator[tuple[str, float]]:
    """What each limit that has a price charges for a unit of a batch; limits on use, where nothing else does."""
    problem, price = chosen.assembled.problem, chosen.limit_prices_usd
    limits, batches = problem.limits, problem.batches
    fee = float(problem.instruments.fee_usd[batches.instrument[batch]])
    term = float(batches.end_hour[batch] - batches.start_hour[batch])
    groups: list[tuple[str, bool, float]] = []
    groups += [(cash.label, batch in cash.batch_indices, float(batches.upfront_usd[batch])) for cash in limits.cash]
    groups += [(bought.label, batch in bought.batch_indices, fee * term) for bought in limits.purchases]
    held = fee * hours_held(problem, batch)
    groups += [(share.label, batch in share.batch_indices, held * (1.0 - share.fraction)) for share in limits.shares]
    charged = [(name, price.get(name, 0.0) * usd) for name, is_member, usd in groups if is_member]
    yield from charged
    if not any(usd > 0.0 for _, usd in charged):
        for name in (EXPECTED_STRANDED, cvar_label(limits.cvar_level), MAXIMUM_COVERAGE):
            yield name, price.get(name, 0.0)


def _largest_rival(offer: Offer, batch: int, chosen: Chosen) -> str:
    """Offer that commits most of what is held when an offer begins, for the same pools; empty where nothing is."""
    problem, quantity = chosen.assembled.problem, chosen.planned.quantity
    covers = covered_pools(problem)
    active = problem.batches.active(problem.batches.start_hour[[batch]])[:, 0]
    rivals: list[tuple[float, str]] = []
    for other in np.flatnonzero(active & (quantity > 0.0)).tolist():
        row = int(problem.batches.instrument[other])
        if np.any(covers[batch] & covers[other]):
            fee = float(problem.instruments.fee_usd[row] * quantity[other])
            rivals.append((fee, problem.instruments.names[row]))
    names = [name for _, name in sorted(rivals, reverse=True) if name != offer.offer_id]
    return names[0] if names else ""
