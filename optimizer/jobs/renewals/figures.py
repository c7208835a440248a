"""Figures of every option of one commitment: cost, spread, stranded value, lock-in, double bubble, break-even price.

Not here: what an option costs (`pricing`), the sentences about it (`wording`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.quantiles import weighted_quantile
from forecasting.roadmap import Event
from optimizer.jobs.judge import CVAR_LEVEL_OF_REPORTS
from optimizer.jobs.purchases import quantity_unit
from optimizer.jobs.renewals.answer import Costs, Option
from optimizer.jobs.renewals.choices import Choice, ChoiceKind, Reviewed
from optimizer.jobs.renewals.futures import Futures, sampled
from optimizer.jobs.renewals.own_use import Overlap, overlap, own_use
from optimizer.jobs.renewals.pricing import Desk, Priced
from optimizer.offers import Offer
from optimizer.risk import conditional_value_at_risk


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FigureContext:
    """What figures are taken from.

    Attributes
    ----------
    desk : Desk
    futures : Futures
    joint : Priced
        The optimum over all options.
    events : tuple of Event
        Declared.
    until_hour : int
        End of the time asked for.
    """

    desk: Desk
    futures: Futures
    joint: Priced
    events: tuple[Event, ...]
    until_hour: int


def costs_of(priced: Priced, weights: FloatArray) -> Costs:
    """Expected cost and its spread."""
    return Costs(
        expected_usd=float(weights @ priced.scenario_usd),
        p10_usd=weighted_quantile(priced.scenario_usd, weights, level=0.1),
        p90_usd=weighted_quantile(priced.scenario_usd, weights, level=0.9),
        objective_usd=priced.objective_usd,
        lower_bound_usd=priced.lower_bound_usd,
    )


def option_figures(item: Reviewed, choice: Choice, priced: Priced, context: FigureContext) -> Option:
    """One option that can be made."""
    desk, weights = context.desk, context.desk.problem.weights
    rows = desk.own_rows(item, choice)
    used = own_use(sampled(desk.problem), priced.quantity, rows, in_window=True)
    stranded = float(weights @ used.idle_usd)
    above = priced.scenario_usd - context.joint.scenario_usd
    bubble = _double_bubble(item, priced, rows, context)
    is_unpriced = is_sale_without_price(choice)
    costs = costs_of(priced, weights)
    return Option(
        choice=replace(choice, notes=(*choice.notes, *(f"Hour by hour {missed}." for missed in priced.overstepped))),
        is_within_limits=priced.is_within_limits,
        quantity_unit="" if choice.offer is None else quantity_unit(choice.offer),
        quantity=_quantity(item, choice, priced, desk),
        costs=None if is_unpriced else costs,
        over_best_usd=None if is_unpriced else float(weights @ above),
        over_best_p10_usd=None if is_unpriced else weighted_quantile(above, weights, level=0.1),
        over_best_p90_usd=None if is_unpriced else weighted_quantile(above, weights, level=0.9),
        stranded_usd=stranded,
        stranded_cvar_usd=conditional_value_at_risk(used.idle_usd, weights, level=CVAR_LEVEL_OF_REPORTS),
        stranded_fraction=stranded / used.held_usd if used.held_usd > 0.0 else 0.0,
        lock_in_usd=_lock_in_usd(rows, priced, context),
        overlap_stranded_usd=None if bubble is None else bubble.stranded_usd,
        overlap_capacity_usd=None if bubble is None else bubble.new_capacity_usd,
    )


def is_sale_without_price(choice: Choice) -> bool:
    """Whether the cost of a choice is not known, as nobody gave a price."""
    return choice.kind is ChoiceKind.SELL and choice.price_usd is None


def with_break_even(options: Sequence[tuple[Option, Priced | None]], *, risk_lambda: float) -> list[Option]:
    """Sales with the price at which they cost as much as the best other option of the commitment.

    Cash counts 1 + `risk_lambda` times, as it is the same in every scenario.
    """
    others = [
        priced.objective_usd
        for option, priced in options
        if priced is not None and option.choice.kind is not ChoiceKind.SELL and priced.is_within_limits
    ]
    out = []
    for option, priced in options:
        if option.choice.kind is ChoiceKind.SELL and priced is not None and others:
            choice, times = option.choice, 1.0 + risk_lambda
            short = priced.objective_usd - times * choice.counted_usd - min(others)
            each = times * choice.price_part * choice.inside_fraction
            out.append(replace(option, break_even_price_usd=max(0.0, short) / each))
        else:
            out.append(option)
    return out


def _quantity(item: Reviewed, choice: Choice, priced: Priced, desk: Desk) -> float | None:
    """What is bought, or what the commitment becomes."""
    if choice.buys is not None:
        offer, instruments = choice.buys.batch.offer, desk.problem.batches.instrument
        rows = desk.purchase_rows(item, choice.buys.batch, choice.kind)
        return sum(
            float(priced.quantity[row]) * _as_offer(desk.assembled.offers[instruments[row]], offer) for row in rows
        )
    return choice.becomes[0][1] if choice.becomes else None


def _as_offer(bought: Offer, offer: Offer) -> float:
    """Quantity of an offer that covers at least what one of another with the same pools does."""
    draw = dict(zip(bought.pools, bought.draw.tolist(), strict=True))
    return float(min(own / draw[pool] for pool, own in zip(offer.pools, offer.draw.tolist(), strict=True)))


def _lock_in_usd(rows: Sequence[int], priced: Priced, context: FigureContext) -> float:
    """Fees of batches after the time asked for, over their whole terms. [USD]"""
    problem = context.desk.problem
    batches = problem.batches
    total = 0.0
    for row in rows:
        hours = max(0, int(batches.end_hour[row]) - max(int(batches.start_hour[row]), context.until_hour))
        total += float(priced.quantity[row] * problem.instruments.fee_usd[batches.instrument[row]]) * hours
    return total


def _double_bubble(item: Reviewed, priced: Priced, rows: Sequence[int], context: FigureContext) -> Overlap | None:
    """Cost of running old and new together; None where events cannot be taken out."""
    if not item.events:
        return Overlap(stranded_usd=0.0, new_capacity_usd=0.0)
    if not context.futures.is_known:
        return None
    problem, reach = context.desk.problem, np.isfinite(context.desk.problem.instruments.draw)
    own = reach[problem.batches.instrument[context.desk.owned_row(item)]]
    # what covers other pools in its place is no old capacity
    same = [row for row in rows if bool(np.all(~reach[problem.batches.instrument[row]] | own))]
    events = [event for event in context.events if event.name in item.events]
    problems = (sampled(problem), context.futures.without(problem, item.events))
    return overlap(problems, priced.quantity, same, events)
