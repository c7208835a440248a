"""The quarterly plan: history and roadmap in, certified purchases with their reasons out.

Not here: reading files (`optimizer.jobs.inputs`), pages (`optimizer.report`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.cliffs import capacity_cliffs
from forecasting.drivers import Drivers
from forecasting.errors import InputError, Problem
from forecasting.external import ExternalForecast, read_external
from forecasting.forecast import (
    Forecast,
    ForecastRequest,
    ForecastSettings,
    forecast_demand,
)
from forecasting.history import History, check_as_of
from forecasting.hours import date_of_hour
from forecasting.numerals import percent
from forecasting.roadmap import Roadmap
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, Market, assemble
from optimizer.billing.sustained import billing_sentences
from optimizer.calendar_dates import Timeline, planning_timeline
from optimizer.costs import spot_units
from optimizer.headroom import HeadroomNeed, firm_requirements, headroom_needs
from optimizer.jobs import describe
from optimizer.jobs.certify import certificate
from optimizer.jobs.forecast_causes import Causes, causes_of, series_anomalies
from optimizer.jobs.forecast_external import following
from optimizer.jobs.forecast_series import group_series, pool_series, total_series
from optimizer.jobs.inputs import (
    InputPaths,
    RunOptions,
    check_events,
    read_drivers_with,
    read_history,
    read_market,
    read_policy_with,
    read_roadmap_with,
)
from optimizer.jobs.judge import Judged, judge, summary
from optimizer.jobs.purchases import next_units, planned_commitments, purchases
from optimizer.jobs.reduction import reduction_error
from optimizer.jobs.rivals import LOOK_BACK_TITLE, all_on_demand, look_back
from optimizer.jobs.solve import Method, Solved, Tell, solve
from optimizer.jobs.unnamed import UNNAMED, market_with_unnamed, scenarios_with_unnamed, unnamed_pools
from optimizer.jobs.versions import versions
from optimizer.plan import CostSummary, InputRecord, Plan
from optimizer.policy import Policy
from optimizer.policy_limits import PolicyContext, needs_dominated, with_limits

GAP_FRACTION = 1e-4
Revise = Callable[[Forecast], Forecast]
NEEDED_PLANNING_DAYS = 42  # of history: with less, a year would rest on a single rolling origin


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanningInputs:
    """Everything a plan is made from, read and checked.

    Attributes
    ----------
    history : History
        Before as-of only.
    roadmap : Roadmap
        Visible at as-of.
    market : Market
    policy : Policy
    as_of_hour : int
    seed : int
    records : tuple of InputRecord
    drivers : Drivers or None
    external : ExternalForecast or None
        Of another model, to follow.
    holiday_country : str
        ISO 3166 alpha-2; empty for none.
    roadmap_source : str
        Name of the roadmap file, for messages.
    """

    history: History
    roadmap: Roadmap
    market: Market
    policy: Policy
    as_of_hour: int
    seed: int
    records: tuple[InputRecord, ...]
    drivers: Drivers | None = None
    external: ExternalForecast | None = None
    holiday_country: str = "US"
    roadmap_source: str = "the roadmap"


def read_planning_inputs(paths: InputPaths, options: RunOptions, *, as_of_hour: int) -> PlanningInputs:
    """Read every file of a plan; nothing after as-of reaches the plan.

    Raises
    ------
    InputError
        With all problems of the first file that has any.
    """
    policy = read_policy_with(paths, options)
    roadmap = read_roadmap_with(paths.roadmap, options, as_of_hour=as_of_hour)
    drivers = read_drivers_with(paths.drivers, roadmap, source=str(paths.roadmap))
    seen = read_history(paths, options, roadmap, before_hour=as_of_hour)
    check_as_of(seen, as_of_hour, needed_days=NEEDED_PLANNING_DAYS)
    history = seen.before(as_of_hour)
    if not history.pools:
        message = f"must be > 0 in some hour before {date_of_hour(as_of_hour)}, got 0 in all of them."
        raise InputError(str(paths.usage), [Problem(column="units", message=message)])
    seen_hours = range(history.start_hour, as_of_hour)
    invented = check_events(paths, roadmap, known=history.pools, seen_hours=seen_hours)
    return PlanningInputs(
        history=history,
        roadmap=roadmap,
        market=read_market(paths, policy, known=history.pools, invented=invented),
        policy=policy,
        as_of_hour=as_of_hour,
        seed=options.seed,
        records=paths.records(),
        drivers=drivers,
        external=None if paths.external is None else read_external(paths.external),
        holiday_country=options.holiday_country,
        roadmap_source=str(paths.roadmap),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedRun:
    """A plan that is optimized, not yet billed or explained.

    Attributes
    ----------
    given : PlanningInputs
        Its market also knows the demand without a named pool.
    timeline : Timeline
    forecast : Forecast
    window : Scenarios
        Hours of the window, on the pools of the catalog.
    needs : tuple of HeadroomNeed
    solved : Solved
    """

    given: PlanningInputs
    timeline: Timeline
    forecast: Forecast
    window: Scenarios
    needs: tuple[HeadroomNeed, ...]
    solved: Solved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanAnswer:
    """A plan, and what the forecast behind it says of the causes of demand.

    Attributes
    ----------
    plan : Plan
    causes : Causes
        Growth, events, cliffs within the window, chances of replacement, anomalies.
    """

    plan: Plan
    causes: Causes


def make_plan(given: PlanningInputs, *, method: Method, tell: Tell) -> PlanAnswer:
    """Forecast, optimize, bill and explain.

    Parameters
    ----------
    given : PlanningInputs
    method : str
        "auto", "extensive" or "cuts".
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
    run = solved_run(given, method=method, tell=tell)
    plan = _billed_plan(run, tell=tell)
    tell("looking for what moved demand")
    return PlanAnswer(plan=plan, causes=_causes(run))


def _billed_plan(run: SolvedRun, *, tell: Tell) -> Plan:
    """Bill the plan and what it is compared with, and explain it."""
    given = run.given
    tell("billing the plan hour by hour")
    market, solved = given.market, run.solved
    planned = planned_commitments(solved)
    weights = run.window.weights
    judged = judge(
        market,
        (*market.commitments, *planned),
        run.window,
        spot_units=_spot(solved, solved.quantity, run.window),
        with_allocation=True,
    )
    owned = _judged_owned(run)
    tell("costing the plan on every path")
    reduction = reduction_error(solved, run.forecast)
    tell("billing what it is compared with")
    rate = dict(zip(market.catalog.pools, market.catalog.on_demand_usd.tolist(), strict=True))
    bought = purchases(solved, on_demand_usd=rate, use=judged.use_fraction)
    first = int(run.timeline.decision_hours[0])
    committed_new = float(weights @ (judged.committed_usd - owned.committed_usd))
    added = judged.stranded_usd - owned.stranded_usd
    new = summary("new", "", _only_new(judged, added, committed_new), weights)
    return Plan(
        title=f"Purchase plan from {date_of_hour(given.as_of_hour)}",
        as_of_hour=given.as_of_hour,
        horizon_end_hour=run.timeline.end_hour,
        purchases=tuple(purchase for purchase in bought if purchase.decision_hour == first),
        schedule=tuple(purchase for purchase in bought if purchase.decision_hour != first),
        summaries=_summaries(run, judged, owned),
        scenario_weights=weights,
        new_stranded_fraction=new.stranded_fraction,
        new_stranded_cvar_fraction=new.stranded_cvar_fraction,
        peaks=describe.peak_rows(run.window, run.needs, market, solved),
        expiries=describe.expiries(market, run.timeline),
        certificate=certificate(solved, judged, market, run.window),
        reduction=reduction,
        limits=describe.limit_states(solved),
        next_units=next_units(solved),
        allocation=judged.allocation,
        bands=describe.demand_bands(given.history, run.window),
        events=describe.event_marks(given.roadmap),
        assumptions=(*run.forecast.assumptions, *_assumptions(run)),
        inputs=given.records,
        versions=versions(),
        seed=given.seed,
    )


def _causes(run: SolvedRun) -> Causes:
    """What moved demand and what will."""
    forecast, history = run.forecast, run.given.history
    named = [group for group in forecast.groups if group]
    groups = group_series(named) if len(forecast.groups) > 1 else ()
    return causes_of(
        forecast.past,
        forecast.mix,
        forecast.decomposition,
        cliffs=capacity_cliffs(forecast.past.events, history, run.window),
        anomalies=series_anomalies(history, (total_series(), *groups, *pool_series(history.pools))),
    )


def solved_run(given: PlanningInputs, *, method: Method, tell: Tell, revise: Revise | None = None) -> SolvedRun:
    """Forecast and optimize.

    Parameters
    ----------
    given, method, tell
        As for `make_plan`.
    revise : callable or None
        Given the forecast, returns the one to plan on: how a backtest asks what a better forecast is worth.

    Raises
    ------
    InfeasibleLimitsError, HistoryError, InputError
        As for `make_plan`.
    """
    policy, market = given.policy, given.market
    terms = tuple(offer.term_months for offer in market.buyable() if offer.term_months > 0)
    timeline = planning_timeline(given.as_of_hour, cadence_months=policy.cadence_months, terms_months=terms or (12,))
    hours, hour_weights = timeline.columns()
    tell(f"forecasting {len(market.catalog.pools)} pools to {date_of_hour(timeline.end_hour)}")
    request = ForecastRequest(
        as_of_hour=given.as_of_hour,
        hours=hours,
        hour_weights=hour_weights,
        settings=ForecastSettings(holiday_country=given.holiday_country),
        drivers=given.drivers,
        roadmap_source=given.roadmap_source,
    )
    forecast = forecast_demand(given.history, given.roadmap, request, np.random.default_rng(given.seed))
    if given.external is not None:
        forecast = following(forecast, given.external)
    if revise is not None:
        forecast = revise(forecast)
    given = replace(given, market=market_with_unnamed(market, forecast))
    market = given.market
    scenarios = scenarios_with_unnamed(forecast).on_pools(market.catalog.pools)
    window = scenarios.where(timeline.in_window(scenarios.hours))
    pools = [market.pools[name] for name in market.catalog.pools]
    needs = headroom_needs(window, pools, market.catalog.on_demand_usd, policy)
    tell("setting up the optimization")
    assembled = _assembled(scenarios, given, timeline)
    context = PolicyContext(
        policy=policy, market=market, timeline=timeline, firm=firm_requirements(needs, pools, timeline)
    )
    solved = solve(
        with_limits(assembled, context), policy.increments, method=method, gap_fraction=GAP_FRACTION, tell=tell
    )
    return SolvedRun(given=given, timeline=timeline, forecast=forecast, window=window, needs=needs, solved=solved)


def _assembled(scenarios: Scenarios, given: PlanningInputs, timeline: Timeline) -> Assembled:
    """Problem of the run, before its limits."""
    policy = given.policy
    return assemble(
        scenarios,
        given.market,
        timeline,
        discount_rate_yearly=policy.discount_rate_yearly,
        risk_lambda=policy.risk.lambda_,
        keep_dominated=needs_dominated(policy),
    )


def _spot(solved: Solved, quantity: FloatArray, window: Scenarios) -> FloatArray:
    """What the optimizer leaves on spot inside the window. Shape (n_scenarios, n_pools, n_hours). [units]"""
    problem = solved.assembled.problem
    return spot_units(problem, quantity, solved.classes)[:, :, problem.in_window].reshape(window.units.shape)


def _judged_owned(run: SolvedRun) -> Judged:
    """Bill what is owned alone."""
    problem = run.solved.assembled.problem
    owned = np.nan_to_num(problem.batches.fixed_quantity)
    spot = _spot(run.solved, owned, run.window)
    return judge(run.given.market, run.given.market.commitments, run.window, spot_units=spot)


def _only_new(judged: Judged, added_usd: FloatArray, committed_usd: float) -> Judged:
    """Figures of new purchases alone, for their stranded fractions."""
    return replace(judged, stranded_usd=added_usd, committed_usd=np.full(len(added_usd), committed_usd))


def _summaries(run: SolvedRun, judged: Judged, owned: Judged) -> tuple[CostSummary, ...]:
    """The plan, then what it is compared with."""
    market, window = run.given.market, run.window
    weights = window.weights
    out = [
        summary("plan", "This plan", judged, weights),
        summary("all_on_demand", "All on demand", all_on_demand(market, window), weights),
        summary("keep_owned", "Only what is owned", owned, weights),
    ]
    rival = look_back(market, run.given.history, window, run.timeline)
    if rival is not None:
        out.append(summary("look_back_30_days", LOOK_BACK_TITLE, rival, weights))
    return tuple(out)


def _assumptions(run: SolvedRun) -> tuple[str, ...]:
    """What the optimizer took for granted."""
    timeline, policy = run.timeline, run.given.policy
    tail = (
        f"Terms that outlive {date_of_hour(timeline.end_hour)} are valued by the scenarios up to "
        f"{date_of_hour(timeline.valued_end_hour)} (every fifth hour), where replacements of the shortest term may be "
        f"bought every {policy.cadence_months} months, too."
    )
    market, window_hours = run.given.market, np.array([timeline.start_hour, timeline.end_hour - 1])
    unnamed = (
        f"Demand that moves to hardware nobody has named yet stands in the plan as pools '{UNNAMED}': at the mean "
        "on-demand rate of its group, and covered by compute savings plans alone."
    )
    forecast = run.forecast
    has_unnamed = not set(unnamed_pools(forecast.groups, forecast.scenarios.pools)).isdisjoint(market.catalog.pools)
    return (
        *((unnamed,) if has_unnamed else ()),
        *billing_sentences(market.catalog, market.pools, window_hours),
        f"Purchases can be made on {len(timeline.decision_hours)} dates, every {policy.cadence_months} months; only "
        "those of the first date are advice.",
        *((tail,) if timeline.valued_end_hour > timeline.end_hour else ()),
        f"Discount rate {percent(policy.discount_rate_yearly, 2)} a year; costs in the tables are amortized and "
        "undiscounted.",
        "Later purchases are decided today for all scenarios alike, although more will be known by then; the look-back "
        "rule it is compared with decides anew on each date in each scenario, an advantage that this plan forgoes.",
    )
