"""The whole backtest: chains replayed, billed, and held against the clairvoyant and against what they expected.

Not here: any of the steps; each has its module.
"""

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_DAY, date_of_hour
from optimizer.assembly import Market
from optimizer.billing.replay import BillOptions, bill_portfolio
from optimizer.jobs.backtest.answer import BacktestAnswer, ForecastPrice, PeriodCheck
from optimizer.jobs.backtest.decisions import Decision, Replay
from optimizer.jobs.backtest.planner import PlannerChain, inputs_at
from optimizer.jobs.backtest.regret import Ladder, RegretPart, freedom_ladder, regret_parts
from optimizer.jobs.backtest.replay import Chain, missing, replayed
from optimizer.jobs.backtest.request import BacktestRequest, Setting, read_setting
from optimizer.jobs.backtest.rivals import RuleChain
from optimizer.jobs.backtest.rule_file import read_rules
from optimizer.jobs.backtest.rules import BUILT_IN
from optimizer.jobs.backtest.score import (
    Track,
    figures_of,
    hourly_usd,
    on_demand_figures,
    stranded_ahead,
    track_of,
)
from optimizer.jobs.backtest.store import DecisionStore, state_key
from optimizer.jobs.backtest.variants import VARIANTS, without_increments, without_limits
from optimizer.jobs.backtest.workers import fill_store, progress_line
from optimizer.jobs.purchases import purchase_of
from optimizer.jobs.solve import Tell
from optimizer.jobs.versions import versions
from optimizer.plan import Purchase
from optimizer.portfolio import order_hour

OURS = "plimsoll"
FREE, UNROUNDED = "without limits", "without steps"


def run_backtest(request: BacktestRequest, out_dir: Path, *, n_processes: int, tell: Tell) -> BacktestAnswer:
    """Replay, bill and compare; decisions are kept in `out_dir` as they are made.

    Parameters
    ----------
    request : BacktestRequest
    out_dir : Path
        Where a run that was killed left its decisions, and this one leaves its own.
    n_processes : int
        Processes that replay chains at the same time; they change no byte of the answer.
    tell : callable
        Given a line on progress.

    Raises
    ------
    InputError
        If a file, the window or an option is wrong; nothing is written then.
    InfeasibleLimitsError
        If the policy's limits cannot all be met on a date.
    OutputError
        If the state cannot be kept.
    """
    tell("reading inputs")
    setting = read_setting(request)
    rules = (*BUILT_IN, *(() if request.rules is None else read_rules(request.rules)))
    has_events = _check_dates(setting)
    planners = _planners(setting, has_events=has_events)
    followed = tuple(RuleChain(rule=rule) for rule in rules)
    chains: tuple[Chain, ...] = (*planners, *followed)
    store = DecisionStore(out_dir, state_key(setting))
    fill_store([*([one] for one in planners), followed], setting, store, n_processes=n_processes, tell=tell)
    replays = _replayed(chains, setting, store, tell=tell)
    answer = _answer(setting, replays, n_planners=len(planners), has_events=has_events, tell=tell)
    store.prune()
    return answer


def _check_dates(setting: Setting) -> bool:
    """Read what every date will read, so that a wrong input is refused before any work; say whether there are events.

    Raises
    ------
    InputError
        If an input is wrong for one of the dates.
    """
    has_events = False
    for date in setting.dates.tolist():
        has_events = bool(inputs_at(setting, date, ()).roadmap.events) or has_events
    setting.market(frozenset())
    return has_events


def _planners(setting: Setting, *, has_events: bool) -> tuple[PlannerChain, ...]:
    """Planner as asked for, its variants that apply, and what it would do without steps and limits, if it has any."""
    policy = setting.policy
    chains = [PlannerChain(name=OURS, title="Plimsoll", variant="", policy=policy)]
    for name in setting.request.variants:
        variant = VARIANTS[name]
        if has_events or not variant.needs_roadmap:
            chains.append(PlannerChain(name=name, title=variant.title, variant=name, policy=policy))
    unrounded, free = without_increments(policy), without_limits(policy)
    if unrounded != policy:
        chains.append(PlannerChain(name=UNROUNDED, title="Without steps", variant="", policy=unrounded))
    if free != unrounded:
        chains.append(PlannerChain(name=FREE, title="Without limits and steps", variant="", policy=free))
    return tuple(chains)


def _replayed(chains: Sequence[Chain], setting: Setting, store: DecisionStore, *, tell: Tell) -> tuple[Replay, ...]:
    """Replays of all chains, one after the other."""
    n_all, began, n_done = missing(chains, setting, store), time.monotonic(), 0

    def on_step(title: str, date: int, is_known: bool) -> None:
        nonlocal n_done
        if not is_known:
            line = progress_line(n_done, n_all, time.monotonic() - began)
            tell(f"{line}: {title}, {date_of_hour(date)}")
            n_done += 1

    return tuple(replayed(chain, setting, store, on_step=on_step) for chain in chains)


def _answer(
    setting: Setting, replays: Sequence[Replay], *, n_planners: int, has_events: bool, tell: Tell
) -> BacktestAnswer:
    """Bill and compare."""
    tell("billing what came")
    by_name = {replay.name: replay for replay in replays}
    held = frozenset(owned.offer_id for replay in replays for owned in replay.bought)
    market = setting.market(held)
    ours = track_of(by_name[OURS], setting, market)
    unrounded = by_name.get(UNROUNDED, by_name[OURS])
    free = by_name.get(FREE, unrounded)
    tell("optimizing in hindsight")
    ladder = freedom_ladder(free, setting, market, tell=tell)
    tell("billing what came")
    planners = [replay for replay in replays[:n_planners] if replay.name in setting.request.variants]
    variants = tuple(track_of(replay, setting, market) for replay in planners)
    return BacktestAnswer(
        start_hour=setting.start_hour,
        end_hour=setting.end_hour,
        cadence_months=setting.policy.cadence_months,
        date_hours=tuple(setting.dates.tolist()),
        terms_months=setting.policy.terms_months,
        has_events=has_events,
        ours=ours,
        variants=variants,
        rivals=tuple(track_of(replay, setting, market) for replay in replays[n_planners:]),
        on_demand=on_demand_figures(setting, market, start_hour=setting.start_hour, end_hour=setting.end_hour),
        on_demand_daily_usd=_on_demand_daily(setting, market),
        clairvoyant=track_of(_clairvoyant(ladder, setting, market), setting, market),
        certificate=ladder.clairvoyant,
        regret=_regret(ours, (unrounded, free), ladder, (setting, market)),
        checks=_checks(ours, setting, market),
        forecast_price=_forecast_price(ours, variants),
        purchases=_purchases(ours.replay, market),
        owned=setting.owned,
        owned_usd=_owned_usd(setting, market),
        inputs=setting.request.paths.records(),
        versions=versions(),
        seed=setting.request.options.seed,
    )


def _clairvoyant(ladder: Ladder, setting: Setting, market: Market) -> Replay:
    """Purchases of the optimum in hindsight by date."""
    bought = [(order_hour(one, market.catalog.offer(one.offer_id)), one) for one in ladder.clairvoyant.bought]
    decisions = tuple(
        Decision(date_hour=date, bought=tuple(one for bought_hour, one in bought if bought_hour == date))
        for date in setting.dates.tolist()
    )
    return Replay(name="clairvoyant", title="Clairvoyant, as billed", decisions=decisions)


def _regret(
    ours: Track, freer: tuple[Replay, Replay], ladder: Ladder, world: tuple[Setting, Market]
) -> tuple[RegretPart, ...]:
    """Parts of the regret, from the replays without steps and without limits to the clairvoyant."""
    billed = [
        ours.whole.total_usd if replay is ours.replay else track_of(replay, *world).whole.total_usd for replay in freer
    ]
    hindsights = (ladder.same_purchases, ladder.same_offers, ladder.clairvoyant)
    return regret_parts(ours.whole.total_usd, (*billed, ladder.applied_usd, *(found.cost_usd for found in hindsights)))


def _checks(ours: Track, setting: Setting, market: Market) -> tuple[PeriodCheck, ...]:
    """Expectations beside what came."""
    out = []
    for decision, came in zip(ours.replay.decisions, ours.periods, strict=True):
        if decision.expected is None:
            continue
        date, end = decision.date_hour, setting.next_hour(decision.date_hour)
        out.append(
            PeriodCheck(
                date_hour=date,
                next_hour=end,
                expected=decision.expected,
                came=came,
                on_demand_usd=on_demand_figures(setting, market, start_hour=date, end_hour=end).total_usd,
                year_came=stranded_ahead(
                    ours.replay, setting, market, date_hour=date, end_hour=decision.expected.year_end_hour
                ),
            )
        )
    return tuple(out)


def _forecast_price(ours: Track, variants: Sequence[Track]) -> ForecastPrice | None:
    """What a forecast half way to what came saves."""
    better = next((track for track in variants if track.replay.name == "halfway"), None)
    if better is None:
        return None
    loss, better_loss = _mean_loss(ours), _mean_loss(better)
    saved = ours.whole.total_usd - better.whole.total_usd
    points = 100.0 * (loss - better_loss)
    return ForecastPrice(
        loss=loss, better_loss=better_loss, saved_usd=saved, usd_per_point=saved / points if points > 0 else math.nan
    )


def _mean_loss(track: Track) -> float:
    """Mean loss over the dates that have one."""
    expected = [decision.expected for decision in track.replay.decisions if decision.expected is not None]
    known = [one.forecast_loss for one in expected if math.isfinite(one.forecast_loss)]
    return float(np.mean(known)) if known else math.nan


def _purchases(replay: Replay, market: Market) -> tuple[Purchase, ...]:
    """Purchases with what they commit."""
    return tuple(purchase_of(owned, market.catalog.offer(owned.offer_id)) for owned in replay.bought)


def _owned_usd(setting: Setting, market: Market) -> float:
    """Fees of what was owned from the start. [USD]"""
    hours = np.arange(setting.start_hour, setting.end_hour)
    bill = bill_portfolio(market.catalog, market.pools, market.commitments, hours, setting.came.units)
    return figures_of(bill).committed_usd


def _on_demand_daily(setting: Setting, market: Market) -> FloatArray:
    """Cost of each day with everything on demand. Shape (n_days,). [USD]"""
    hours = np.arange(setting.start_hour, setting.end_hour)
    options = BillOptions(spot_units=np.zeros(setting.came.units.shape))
    bill = bill_portfolio(market.catalog, market.pools, (), hours, setting.came.units, options)
    daily_usd: FloatArray = hourly_usd(bill).reshape(-1, HOURS_PER_DAY).sum(axis=1)
    return daily_usd
