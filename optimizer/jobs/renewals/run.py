"""Renewals: what to do with each commitment that ends, or that a declared event strands, and what each way costs.

Forecast, program and prices are those of a plan (`optimizer.jobs.posed`). Not here: reading files, pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forecasting.hours import HOURS_PER_DAY, date_of_hour
from forecasting.numerals import percent
from optimizer.goals import objective_rate_yearly
from optimizer.jobs.describe import event_marks
from optimizer.jobs.planning_inputs import PlanningInputs
from optimizer.jobs.posed import PosedRun, posed_run
from optimizer.jobs.purchases import quantity_unit
from optimizer.jobs.renewals.answer import Decision, Option, RenewalAnswer, SlipFlip
from optimizer.jobs.renewals.billed import billed
from optimizer.jobs.renewals.changing import ChangeContext, changing_choices, demand_order
from optimizer.jobs.renewals.choices import Choice, ChoiceKind, Reviewed
from optimizer.jobs.renewals.figures import (
    FigureContext,
    costs_of,
    option_figures,
    with_break_even,
)
from optimizer.jobs.renewals.futures import Futures
from optimizer.jobs.renewals.joint import Joint, joint_optimum
from optimizer.jobs.renewals.moving import moving_option
from optimizer.jobs.renewals.pool_charts import pool_charts
from optimizer.jobs.renewals.pricing import ROOM_FRACTION, Desk, Priced
from optimizer.jobs.renewals.renewing import RenewalContext, renewing_choices
from optimizer.jobs.renewals.request import RenewalRequest
from optimizer.jobs.renewals.reviewing import reviewed_commitments
from optimizer.jobs.renewals.slips import SLIP_DAYS, SlipCosts, slips_of
from optimizer.jobs.renewals.wording import is_candidate, must_be_true_text, reason_text, recommended_place
from optimizer.jobs.solve import Tell
from optimizer.jobs.versions import versions

OUTSIDE_LIMITS = "it cannot be had within the policy's limits on purchases."


def make_renewals(given: PlanningInputs, request: RenewalRequest, *, tell: Tell) -> RenewalAnswer:
    """Review commitments, price every option, and say which to take.

    Parameters
    ----------
    given : PlanningInputs
    request : RenewalRequest
    tell : callable
        Given a line whenever a step begins.

    Raises
    ------
    InfeasibleLimitsError
        If the policy's limits cannot all be met.
    HistoryError
        If the history is too short.
    InputError
        If a relation, an event given in drivers or an external forecast does not fit the other inputs.
    """
    posed = posed_run(given, tell=tell)
    futures = Futures(posed.forecast)
    tell("looking for commitments to decide on")
    reviewed = tuple(
        replace(item, choices=_choices(item, posed, request)) for item in reviewed_commitments(posed, request, futures)
    )
    until = given.as_of_hour + request.within_days * HOURS_PER_DAY
    answer = RenewalAnswer(
        as_of_hour=given.as_of_hour,
        until_hour=until,
        horizon_end_hour=posed.timeline.end_hour,
        valued_end_hour=posed.timeline.valued_end_hour,
        decisions=(),
        joint=None,
        joint_changes=(),
        n_combinations=0,
        charts=pool_charts(reviewed, posed.given.market, posed.window),
        events=event_marks(given.roadmap),
        assumptions=_assumptions(posed),
        inputs=given.records,
        versions=versions(),
        seed=given.seed,
        within_days=request.within_days,
    )
    return answer if not reviewed else _decided(answer, posed, futures, reviewed, tell)


def _choices(item: Reviewed, posed: PosedRun, request: RenewalRequest) -> tuple[Choice, ...]:
    """Everything that could be done with one commitment."""
    market, timeline = posed.given.market, posed.timeline
    as_of = posed.given.as_of_hour
    until = as_of + request.within_days * HOURS_PER_DAY
    events = [event for event in posed.given.roadmap.events if event.name in item.events]
    middles = [(max(event.start_hour, as_of) + event.end_hour) // 2 for event in events]
    later = [int(date) for date in timeline.decision_hours if middles and date > as_of]
    mean = (posed.window.weights @ posed.window.units.mean(axis=2)) * market.catalog.on_demand_usd
    context = ChangeContext(
        market=market,
        as_of_hour=as_of,
        later_hours=tuple(sorted(later, key=lambda date: abs(date - min(middles)))[:1]),
        preferred_pools=demand_order(
            market.catalog.pools,
            [pool for event in events for pool, _ in event.to_shares],
            dict(zip(market.catalog.pools, mean.tolist(), strict=True)),
        ),
        discount_rate_yearly=objective_rate_yearly(posed.given.policy),
        valued_end_hour=timeline.valued_end_hour,
        resale_prices_usd=request.resale_prices_usd,
        stranded_fraction=item.stranded_fraction,
    )
    changing = changing_choices(item.commitment, item.offer, context) if item.offer.pools else ()
    if item.is_ending:
        renewal = RenewalContext(market=market, timeline=timeline, until_hour=until)
        return (*renewing_choices(item.commitment, item.offer, renewal), *changing)
    keep = Choice(kind=ChoiceKind.KEEP, at_hour=as_of, decide_by_hour=item.commitment.end_hour)
    return (keep, *changing)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Workshop:
    """What all decisions are made with."""

    context: FigureContext
    slip_costs: SlipCosts
    priced: Mapping[tuple[str, int], Priced]


def _decided(
    answer: RenewalAnswer, posed: PosedRun, futures: Futures, reviewed: Sequence[Reviewed], tell: Tell
) -> RenewalAnswer:
    """Price every choice of every commitment, and choose."""
    desk = Desk(posed, reviewed, tell)
    joint = joint_optimum(desk, reviewed, tell)
    context = FigureContext(
        desk=desk, futures=futures, joint=joint.best, events=posed.given.roadmap.events, until_hour=answer.until_hour
    )
    shop = _Workshop(context=context, slip_costs=SlipCosts(desk.problem, futures), priced=joint.priced)
    decisions = []
    for item in reviewed:
        tell(f"comparing the options of '{item.commitment.commitment_id}'")
        decisions.append(_decision(item, shop))
    return replace(
        answer,
        decisions=tuple(decisions),
        joint=costs_of(joint.best, desk.problem.weights),
        joint_changes=_changes(joint, reviewed, decisions),
        n_combinations=joint.n_combinations,
        joint_billed=billed(desk, joint.best),
    )


def _changes(joint: Joint, reviewed: Sequence[Reviewed], decisions: Sequence[Decision]) -> tuple[tuple[str, int], ...]:
    """Commitments that the joint optimum changes, with the place of the option in their list."""
    out = []
    for item, choice in joint.changes:
        decision = decisions[list(reviewed).index(item)]
        places = [number for number, option in enumerate(decision.options) if _is_same(option.choice, choice)]
        out.append((decision.commitment_id, places[0]))
    return tuple(out)


def _is_same(one: Choice, other: Choice) -> bool:
    """Whether two are the same choice of a commitment, whatever is noted on them."""
    return (one.kind, one.offer, one.at_hour, one.is_open) == (other.kind, other.offer, other.at_hour, other.is_open)


def _decision(item: Reviewed, shop: _Workshop) -> Decision:
    """Options of one commitment, the cheapest first."""
    name = item.commitment.commitment_id
    found: list[tuple[Option, Priced | None]] = []
    for place, choice in enumerate(item.choices):
        own = shop.priced.get((name, place))
        if own is not None:
            found.append((option_figures(item, choice, own, shop.context), own))
        else:
            reasons = choice.obstacles or (OUTSIDE_LIMITS,)
            found.append((Option(choice=replace(choice, obstacles=reasons)), None))
    options = with_break_even(found, risk_lambda=shop.context.desk.problem.risk_lambda)
    ranked = sorted(range(len(options)), key=lambda place: _rank(options[place]))
    listed = [options[place] for place in ranked]
    listed.append(moving_option(item, shop.context.desk, shop.context.joint))
    priced = [found[place][1] for place in ranked]
    chosen = recommended_place(listed)
    best_by_slip, flips = _slips(item, listed, priced, shop, chosen)
    if chosen is not None:
        best = priced[chosen]
        bill = None if best is None else billed(shop.context.desk, best)
        listed[chosen] = replace(listed[chosen], is_recommended=True, billed=bill)
    return Decision(
        commitment_id=name,
        offer_id=item.offer.offer_id,
        kind=item.offer.kind.value,
        quantity_unit=quantity_unit(item.offer),
        quantity=item.commitment.quantity,
        start_hour=item.commitment.start_hour,
        end_hour=item.commitment.end_hour,
        pools=item.offer.pools,
        is_ending=item.is_ending,
        hourly_fee_usd=item.commitment.quantity * item.offer.effective_hourly_usd,
        events=item.events,
        stranded_fraction=item.stranded_fraction,
        without_events_fraction=item.without_events_fraction,
        options=tuple(listed),
        best_by_slip=best_by_slip,
        flips=flips,
        reason=reason_text(listed, chosen),
        must_be_true=must_be_true_text(item, listed, chosen, flips, is_known=shop.context.futures.is_known),
    )


def _rank(option: Option) -> tuple[int, float]:
    """Options with a cost first, then sales without a price, then what cannot be done."""
    if option.costs is None:
        return (1 if option.choice.is_open else 2, 0.0)
    return (0, option.costs.objective_usd)


def _slips(
    item: Reviewed, options: Sequence[Option], priced: Sequence[Priced | None], shop: _Workshop, chosen: int | None
) -> tuple[tuple[tuple[str, float, int], ...], tuple[SlipFlip, ...]]:
    """Best option at every slip of every event, and where it changes."""
    places = [place for place, own in enumerate(priced) if own is not None and is_candidate(options[place])]
    if not shop.context.futures.is_known or not places:
        return (), ()
    held = [own for place in places if (own := priced[place]) is not None]
    best: list[tuple[str, float, int]] = []
    flips: list[SlipFlip] = []
    first = places.index(chosen) if chosen in places else 0
    for event in item.events:
        found = slips_of(event, held, shop.slip_costs, first=first)
        best += [(event, days, places[place]) for days, place in zip(SLIP_DAYS, found.best, strict=True)]
        flips += [
            SlipFlip(event=event, slip_days=flip.slip_days, before=places[flip.before], after=places[flip.after])
            for flip in found.flips
        ]
    return tuple(best), tuple(flips)


def _assumptions(posed: PosedRun) -> tuple[str, ...]:
    """What was taken for granted."""
    timeline = posed.timeline
    return (
        "Each option sets what becomes of its commitment; every other purchase, later dates and other commitments' "
        "renewals included, is optimized anew within the policy's limits, in any quantities. Other commitments are "
        "changed as in the joint optimum.",
        f"Costs are those of the whole fleet, discounted, from {date_of_hour(timeline.start_hour)} to "
        f"{date_of_hour(timeline.valued_end_hour)}; what a term costs beyond that does not count, and neither does "
        "what it covers. Of cash paid or received for the rest of a term the same part counts.",
        "Stranded value, double bubble and slips are taken on every fifth hour.",
        "A slip is days on top of the slip that the roadmap declares; the purchases that go with an option stay.",
        "Limits on stranded value, coverage and spot are kept in the program over bounds: hour by hour an option may "
        f"overstep them by up to {percent(ROOM_FRACTION, 0)} of the limit, and its notes say by what.",
        "What is declared resalable is taken to be bought without a discount, by an account that may sell.",
    )
