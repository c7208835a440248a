"""The purchases of the first date: what each brings against on demand, and the same paid in other ways.

What a purchase covers is valued at on-demand rates; several commitments on one offer share it by quantity. Not here:
the plan as a whole (`optimizer.jobs.money.quarters`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_MONTH, HOURS_PER_YEAR
from optimizer.finance import payback_time, round_off
from optimizer.finance_options import payback_rank
from optimizer.jobs.money.flows import Held, WindowHours
from optimizer.jobs.money.ledger import MoneyLedger
from optimizer.offers import Offer
from optimizer.payment_options import sibling
from optimizer.plan_money import PaymentVariant, PurchaseMoney

OPTIONS = ("none", "partial", "all")
AS_PLANNED = "as_planned"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bought:
    """One purchase and what it covers.

    Attributes
    ----------
    held : Held
    covered_usd : FloatArray of shape (n_hours,)
        Expected on-demand value of what it covers. [USD]
    unit_hours : FloatArray of shape (n_pools,)
        Expected units that its offer covers, times hours.
    """

    held: Held
    covered_usd: FloatArray
    unit_hours: FloatArray


def bought_of(
    held: Sequence[Held], names: frozenset[str], ledger: MoneyLedger, *, beside: Sequence[Held] = ()
) -> tuple[Bought, ...]:
    """Some of the commitments planned, by name, with their part of what their offers cover.

    Parameters
    ----------
    held : sequence of Held
        All that the plan buys, now and later.
    names : frozenset of str
        Those asked for.
    ledger : MoneyLedger
    beside : sequence of Held
        What is owned already: it has its part of what an offer covers, too.
    """
    quantity: dict[str, FloatArray] = {}
    for one in (*beside, *held):
        offer_id = one.offer.offer_id
        quantity[offer_id] = quantity.get(offer_id, 0.0) + one.active_hours * one.quantity
    out = []
    for one in held:
        if one.commitment.commitment_id not in names:
            continue
        offer_id, whole = one.offer.offer_id, quantity[one.offer.offer_id]
        share = np.divide(one.active_hours * one.quantity, whole, out=np.zeros(len(whole)), where=whole > 0.0)
        covered = ledger.covered_usd.get(offer_id, np.zeros(len(whole)))
        out.append(
            Bought(
                held=one, covered_usd=share * covered, unit_hours=ledger.covered_unit_hours.get(offer_id, np.zeros(0))
            )
        )
    return tuple(out)


def purchase_rows(bought: Sequence[Bought], window: WindowHours, *, flag_months: float) -> tuple[PurchaseMoney, ...]:
    """Purchases with an upfront part, the largest first, then all of the date together; nothing without any."""
    upfront = [one for one in bought if one.held.upfront_usd > 0.0]
    ranked = sorted(upfront, key=lambda one: (-one.held.upfront_usd, one.held.commitment.commitment_id))
    rows = [_row(_gain((one,), window), one, flag_months) for one in ranked]
    if bought:
        rows.append(_row(_gain(bought, window), None, flag_months))
    return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gain:
    """What some purchases bring against on demand.

    Attributes
    ----------
    cash_usd, ebitda_usd : FloatArray of shape (n_hours,)
        Value covered less what is paid as it runs, and less what is an expense above depreciation. [USD]
    upfront_usd : FloatArray of shape (n_hours,)
        Upfront cash in the column in which it is paid. [USD]
    saved_usd, npv_usd : float
        Amortized, and at the policy's rate with upfront cash by the part of the term inside the window. [USD]
    payback_months, discounted_payback_months, tied_up_usd : float
    is_within : bool
        Whether all their terms end inside the window.
    """

    cash_usd: FloatArray
    ebitda_usd: FloatArray
    upfront_usd: FloatArray
    saved_usd: float
    npv_usd: float
    payback_months: float
    discounted_payback_months: float
    tied_up_usd: float
    is_within: bool


def _gain(bought: Sequence[Bought], window: WindowHours) -> _Gain:
    """What purchases bring together."""
    size = len(window.hours)
    cash, ebitda, upfront, discounted = (np.zeros(size) for _ in range(4))
    saved = npv = 0.0
    for one in bought:
        held, running = one.held, one.covered_usd - one.held.paid_hourly_usd
        spread = held.spread_usd
        inside = float(held.active_hours.sum()) / held.offer.term_hours if held.offer.term_hours else 0.0
        factor = window.factor_at(held.paid_hour)
        cash += running
        ebitda += running - (0.0 if held.is_hardware else spread)
        saved += float((running - spread).sum())
        npv += float(running @ window.discount) - held.upfront_usd * inside * factor
        npv += held.salvage_inside(window) * window.factor_at(held.commitment.end_hour)
        paid = held.upfront_inside(window)
        upfront[window.column_of(held.paid_hour)] += paid
        discounted[window.column_of(held.paid_hour)] += paid * factor
    months = (window.edges - window.start_hour) / HOURS_PER_MONTH
    lead = _lead(cash, upfront)
    scale = float(np.abs(cash).sum() + upfront.sum())
    return _Gain(
        cash_usd=cash,
        ebitda_usd=ebitda,
        upfront_usd=upfront,
        saved_usd=round_off(saved, scale),
        npv_usd=round_off(npv, scale),
        payback_months=payback_time(lead, months),
        discounted_payback_months=payback_time(_lead(cash * window.discount, discounted), months),
        tied_up_usd=max(0.0, -float(lead.min())),
        is_within=all(one.held.commitment.end_hour <= window.end_hour for one in bought),
    )


def _lead(cash_usd: FloatArray, upfront_usd: FloatArray) -> FloatArray:
    """Cash gained up to each edge of the columns, upfront parts paid at the edge itself. Shape (n_hours + 1,). [USD]"""
    out: FloatArray = np.concatenate([[0.0], np.cumsum(cash_usd)]) - np.cumsum(np.append(upfront_usd, 0.0))
    return out


def _row(gain: _Gain, one: Bought | None, flag_months: float) -> PurchaseMoney:
    """Row of one purchase, or of all together."""
    return PurchaseMoney(
        commitment_id=one.held.commitment.commitment_id if one else None,
        offer_id=one.held.offer.offer_id if one else "",
        payment_option=one.held.offer.payment_option if one else "",
        upfront_usd=float(gain.upfront_usd.sum()),
        saved_usd=gain.saved_usd,
        npv_usd=gain.npv_usd,
        payback_months=gain.payback_months,
        discounted_payback_months=gain.discounted_payback_months,
        is_within_window=gain.is_within,
        is_flagged=gain.payback_months > flag_months,
    )


def payment_variants(
    bought: Sequence[Bought], offers: Sequence[Offer], pools: Sequence[str], window: WindowHours
) -> tuple[PaymentVariant, ...]:
    """The purchases as planned, then all paid in each other way that the price list sells at least one of them.

    Parameters
    ----------
    bought : sequence of Bought
    offers : sequence of Offer
        That may be bought.
    pools : sequence of str
        Pools of the catalog, in the order of `Bought.unit_hours`.
    window : WindowHours
    """
    if not bought:
        return ()
    out = [_variant(AS_PLANNED, 0, bought, window)]
    for option in OPTIONS:
        paid = [_paid_by(one, offers, pools, option) for one in bought]
        n_changed = sum(new is not old for new, old in zip(paid, bought, strict=True))
        if n_changed:
            out.append(_variant(option, n_changed, paid, window))
    return tuple(out)


def _paid_by(one: Bought, offers: Sequence[Offer], pools: Sequence[str], option: str) -> Bought:
    """The purchase paid in another way, for what covers the same usage; itself where it is not sold that way.

    The rates of a plan differ by payment option: the commitment is scaled to cover as many units in expectation.
    """
    offer = one.held.offer
    other = sibling(offer, offers, payment_option=option) if offer.term_hours and offer.hardware is None else None
    if other is None or other.offer_id == offer.offer_id or option == offer.payment_option:
        return one
    weights = dict(zip(pools, one.unit_hours.tolist(), strict=True)) if len(one.unit_hours) else {}
    ratio = _drawn(other, weights) / _drawn(offer, weights)
    commitment = replace(one.held.commitment, quantity=one.held.quantity * ratio, offer_id=other.offer_id)
    return replace(one, held=replace(one.held, commitment=commitment, offer=other))


def _drawn(offer: Offer, weights: Mapping[str, float]) -> float:
    """Quantity drawn by units of each pool; by one of each where nothing is covered."""
    parts = [weights.get(pool, 0.0) for pool in offer.pools]
    if not any(parts):
        parts = [1.0] * len(offer.pools)
    return float(offer.draw @ np.array(parts))


def _variant(name: str, n_changed: int, bought: Sequence[Bought], window: WindowHours) -> PaymentVariant:
    """Figures of one way of paying."""
    gain = _gain(bought, window)
    first_year = window.hours < window.start_hour + HOURS_PER_YEAR
    return PaymentVariant(
        name=name,
        n_changed=n_changed,
        npv_usd=gain.npv_usd,
        ebitda_usd=float(gain.ebitda_usd.sum()),
        first_year_cash_usd=float((gain.cash_usd - gain.upfront_usd)[first_year].sum()),
        upfront_usd=float(gain.upfront_usd.sum()),
        tied_up_usd=gain.tied_up_usd,
        payback_months=gain.payback_months,
    )


def ranked_variants(
    variants: Sequence[PaymentVariant], *, goal: str, hurdle_months: float
) -> tuple[PaymentVariant, ...]:
    """From best to worst by the goal; ties by present value, then as planned first."""
    if goal == "ebitda":
        return tuple(sorted(variants, key=lambda one: (-one.ebitda_usd, -one.npv_usd)))
    if goal == "free_cash_flow":
        return tuple(sorted(variants, key=lambda one: (one.tied_up_usd, -one.npv_usd)))
    if goal == "payback":
        return tuple(
            sorted(
                variants, key=lambda one: (payback_rank(one.payback_months, hurdle_months=hurdle_months), -one.npv_usd)
            )
        )
    return tuple(sorted(variants, key=lambda one: -one.npv_usd))
