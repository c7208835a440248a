"""The reasons of a plan: what each purchase saves, where the advice flips, what late events cost, why nothing else.

Not here: the passes (`optimizer.explain_terms`), events that differ (`optimizer.jobs.explain_late`), the frontier
(`optimizer.jobs.frontier`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.forecast import Forecast
from optimizer.assembly import Market
from optimizer.coefficients import term_fees
from optimizer.costs import spot_part
from optimizer.explain_flips import demand_flip, price_flips
from optimizer.explain_savings import Savings, break_even_hour, saving_of
from optimizer.explain_terms import STRIDES, Planned, stride_within, thinned
from optimizer.explanation import EventRegret, Explanation, Flip, PurchaseCase, ScheduledCase
from optimizer.jobs.explain_events import EventWorlds
from optimizer.jobs.explain_late import LATE_DAYS, EventSavings, event_regret, plan_excess_usd
from optimizer.jobs.explain_offers import Chosen, reasons_against
from optimizer.jobs.purchases import planned_commitments
from optimizer.jobs.solve import Solved, Tell
from optimizer.problem import PlanningProblem

SWEEPS_OF_FLIP = 12  # passes that the search for one demand takes, about
SWEEPS_OF_EVENT = 4
# numbers of demand in all passes together: about 75 ns of processor time each
SAVING_CELLS, SCHEDULE_CELLS, FLIP_CELLS, REGRET_CELLS = 1.2e8, 4e7, 8e7, 2.5e5
FEWEST = 8  # purchases of each kind that are explained, however long a pass takes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """A solved plan and its purchases.

    Attributes
    ----------
    planned : Planned
        On all hours.
    now, later : tuple of (int, str)
        Batch and commitment id of the purchases of the first date, and of the others.
    end_salvage_usd : tuple of float
        What a unit of each batch can be sold for at the end of its term. [USD per quantity]
    flipped : frozenset of int
        Batches whose flips and late events are sought: all that cover something, or the largest of them.
    stride : int
        Every how many hours one is taken for flips and events.
    n_unexplained : int
        Purchases, now or later, too many for the time: the smallest ones.
    """

    planned: Planned
    now: tuple[tuple[int, str], ...]
    later: tuple[tuple[int, str], ...]
    end_salvage_usd: tuple[float, ...]
    flipped: frozenset[int]
    stride: int
    n_unexplained: int

    @property
    def weighed(self) -> tuple[tuple[int, str], ...]:
        """Purchases of the first date that cover something; a capacity reservation is held for its capacity."""
        return _covering(self.planned.problem, self.now)


def explain(solved: Solved, market: Market, forecast: Forecast, *, tell: Tell) -> Explanation:
    """Every reason of a plan.

    Parameters
    ----------
    solved : Solved
    market : Market
        What it was solved on.
    forecast : Forecast
        Whose scenarios it was solved on; where it has no paths, events are not changed.
    tell : callable
        Given a line whenever a step begins.
    """
    origin_hour = forecast.past.daily.origin_hour
    work = _work(solved, n_events=sum(event.end_hour > origin_hour for event in forecast.past.events))
    tell(f"explaining {len(work.now)} purchases of today and {len(work.later)} later ones")
    events = _events(work, forecast)
    cases = _cases(work, events)
    chosen = Chosen(
        market=market,
        assembled=solved.assembled,
        planned=work.planned,
        limit_prices_usd=dict(solved.limit_prices_usd),
    )
    return Explanation(
        purchases=cases,
        schedule=_schedule(work),
        events=() if events is None else _regrets(work, events, forecast, tell),
        why_not=reasons_against(chosen),
        notes=_notes(work, events),
    )


def _work(solved: Solved, *, n_events: int) -> _Work:
    """Purchases of a solved plan."""
    assembled, problem = solved.assembled, solved.assembled.problem
    names = [commitment.commitment_id for commitment in planned_commitments(solved)]
    dates = assembled.decision_hour
    first = int(dates[dates >= 0].min(initial=np.iinfo(np.int64).max))
    bought = list(zip(solved.bought.tolist(), names, strict=True))
    paid_usd = term_fees(problem) * solved.quantity
    cells = float(problem.demand.size)
    now = _largest([one for one in bought if dates[one[0]] == first], paid_usd, cells, SAVING_CELLS)
    later = _largest([one for one in bought if dates[one[0]] != first], paid_usd, cells, SCHEDULE_CELLS)
    part = spot_part(problem, solved.quantity, solved.classes)
    n_sweeps = SWEEPS_OF_FLIP + SWEEPS_OF_EVENT * n_events
    flipped = _largest(_covering(problem, now), paid_usd, n_sweeps * cells, FLIP_CELLS)
    return _Work(
        planned=Planned(problem=problem, quantity=solved.quantity, classes=solved.classes, spot_part=part),
        now=now,
        later=later,
        end_salvage_usd=tuple(assembled.offers[row].end_salvage_usd for row in problem.batches.instrument.tolist()),
        flipped=frozenset(batch for batch, _ in flipped),
        stride=stride_within(len(flipped) * n_sweeps * cells, FLIP_CELLS),
        n_unexplained=len(bought) - len(now) - len(later),
    )


def _covering(problem: PlanningProblem, bought: Sequence[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    """Purchases that cover something."""
    reserves = problem.instruments.reserves_units[problem.batches.instrument]
    return tuple((batch, name) for batch, name in bought if not reserves[batch])


def _largest(
    bought: Sequence[tuple[int, str]], paid_usd: FloatArray, cells: float, budget: float
) -> tuple[tuple[int, str], ...]:
    """Purchases that can be explained within a budget, in their order: the largest where these are not all.

    Parameters
    ----------
    bought : sequence of (int, str)
    paid_usd : FloatArray of shape (n_batches,)
        By which they are ranked. [USD]
    cells : float
        Numbers of demand in the passes of one of them, on all hours.
    budget : float
        Numbers of demand in all passes together, on as few hours as may be taken.
    """
    n_explained = max(FEWEST, int(budget * STRIDES[-1] / max(cells, 1.0)))
    by_size = sorted(bought, key=lambda one: (-paid_usd[one[0]], one[1]))
    kept = {batch for batch, _ in by_size[:n_explained]}
    return tuple(one for one in bought if one[0] in kept)


def _thinned(work: _Work, stride: int) -> Planned:
    """The plan on every so many hours."""
    return replace(work.planned, problem=thinned(work.planned.problem, stride))


def _events(work: _Work, forecast: Forecast) -> EventSavings | None:
    """Worlds in which events differ; None where the forecast has no paths, or nothing is bought now."""
    if forecast.every is None or not work.weighed:
        return None
    planned = _thinned(work, work.stride)
    return EventSavings(planned, EventWorlds(forecast, planned.problem), work.planned.problem)


def _cases(work: _Work, events: EventSavings | None) -> tuple[PurchaseCase, ...]:
    """Reasons of the purchases of the first date."""
    planned = _thinned(work, stride_within(len(work.now) * work.planned.problem.demand.size, SAVING_CELLS))
    savings = Savings(planned, work.planned.problem, by_week=True)
    coarse = Savings(_thinned(work, work.stride), work.planned.problem) if events is None else events.as_planned
    is_weighed = {batch for batch, _ in work.weighed}
    no_flips: tuple[Flip, ...] = ()
    out = []
    for batch, name in work.now:
        saved = savings.of(batch)
        saving = saving_of(saved, planned.problem, planned.quantity)
        has_flips = batch in is_weighed
        sold_usd = work.end_salvage_usd[batch]
        is_sought = batch in work.flipped
        flips = (demand_flip(coarse, batch),) if is_sought else no_flips
        flips += price_flips(savings, saved) if has_flips else no_flips
        out.append(
            PurchaseCase(
                commitment_id=name,
                saving=saving,
                break_even_hour=break_even_hour(savings, saved, end_salvage_usd=sold_usd) if has_flips else None,
                flips=(*flips, *events.flips(batch)) if events is not None and is_sought else flips,
                late=events.late(batch, saving.expected_usd) if events is not None and is_sought else (),
            )
        )
    return tuple(out)


def _schedule(work: _Work) -> tuple[ScheduledCase, ...]:
    """What the purchases of later dates save."""
    planned = _thinned(work, stride_within(len(work.later) * work.planned.problem.demand.size, SCHEDULE_CELLS))
    savings = Savings(planned, work.planned.problem)
    return tuple(
        ScheduledCase(commitment_id=name, saving=saving_of(savings.of(batch), planned.problem, planned.quantity))
        for batch, name in work.later
    )


def _regrets(work: _Work, events: EventSavings, forecast: Forecast, tell: Tell) -> tuple[EventRegret, ...]:
    """Regret of the whole plan for each event that can come late."""
    if not events.events:
        return ()
    stride = stride_within(work.planned.problem.demand.size, REGRET_CELLS)
    worlds = events.worlds
    if stride != work.stride:
        worlds = EventWorlds(forecast, thinned(work.planned.problem, stride))
    planned = replace(work.planned, problem=worlds.problem)
    tell("optimizing anew on some of the hours, to tell what late events cost")
    excess_usd = plan_excess_usd(planned)
    out = []
    for event in events.events:
        tell(f"optimizing anew with {event.name!r} {LATE_DAYS:g} days late")
        out.append(event_regret(planned, worlds, event.name, excess_usd))
    return tuple(out)


def _notes(work: _Work, events: EventSavings | None) -> tuple[str, ...]:
    """How the numbers were taken."""
    hours = "all hours" if work.stride == 1 else f"one hour in {work.stride}"
    notes = [
        "What a purchase saves is the cost without it less the cost with it, all others as planned; each is counted as "
        "the last one bought, so that savings do not add up. Costs are those of the optimizer's own order of use.",
        f"Flips and late events are taken on {hours}; a flip is where the expected saving, discounted, is zero.",
    ]
    n_unsought = len(work.weighed) - len(work.flipped)
    if n_unsought > 0:
        notes.append(
            f"Flips in demand and late events are found for the {len(work.flipped)} largest purchases of today alone, "
            f"by what they commit; for the other {n_unsought} it would take too long."
        )
    if work.n_unexplained > 0:
        notes.append(
            f"The smallest purchases, {work.n_unexplained} of "
            f"{work.n_unexplained + len(work.now) + len(work.later)}, are not explained: it would take too long."
        )
    if events is None and work.weighed:
        notes.append("Events are not changed: demand follows another model, whose paths are not known.")
    return tuple(notes)
