"""The quarterly plan: history and roadmap in, certified purchases with their reasons out.

Not here: reading files (`optimizer.jobs.inputs`), pages (`optimizer.report`).
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.cliffs import capacity_cliffs
from forecasting.forecast import (
    Forecast,
)
from forecasting.hours import date_of_hour
from forecasting.numerals import percent
from forecasting.prepared import Prepared
from forecasting.scenarios import Scenarios
from optimizer.billing.bill import Bill
from optimizer.billing.sustained import billing_sentences
from optimizer.calendar_dates import Timeline
from optimizer.costs import spot_units
from optimizer.goals import goal_sentences
from optimizer.headroom import HeadroomNeed
from optimizer.jobs import describe
from optimizer.jobs.certify import certificate
from optimizer.jobs.expected import DailyLedger, expected_days
from optimizer.jobs.explain import explain
from optimizer.jobs.forecast_causes import Causes, causes_of, series_anomalies
from optimizer.jobs.forecast_series import group_series, pool_series, total_series
from optimizer.jobs.frontier import plan_frontier
from optimizer.jobs.judge import Judged, judge, summary
from optimizer.jobs.money.ledger import MoneyLedger
from optimizer.jobs.money.run import MoneyLedgers, MoneyRequest, plan_money
from optimizer.jobs.planning_inputs import (
    NEEDED_PLANNING_DAYS as NEEDED_PLANNING_DAYS,  # who plans finds all of it here
)
from optimizer.jobs.planning_inputs import PlanningInputs as PlanningInputs
from optimizer.jobs.planning_inputs import read_planning_inputs as read_planning_inputs
from optimizer.jobs.posed import Revise as Revise
from optimizer.jobs.posed import posed_run
from optimizer.jobs.purchases import next_units, planned_commitments, purchases
from optimizer.jobs.reduction import reduction_error
from optimizer.jobs.rivals import LOOK_BACK_TITLE, all_on_demand, look_back
from optimizer.jobs.shortages import headroom_sentences, plan_headroom
from optimizer.jobs.solve import Method, Solved, Tell, solve
from optimizer.jobs.spot import SpotLedger, availability_of, spot_sentences, window_availability
from optimizer.jobs.unnamed import UNNAMED, unnamed_pools
from optimizer.jobs.versions import versions
from optimizer.plan import CostSummary, Plan, Purchase
from optimizer.policy_limits import with_limits

GAP_FRACTION = 1e-4


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
    drawn : Prepared or None
        All paths as they were drawn, before anything was revised; None where demand follows another model.
    """

    given: PlanningInputs
    timeline: Timeline
    forecast: Forecast
    window: Scenarios
    needs: tuple[HeadroomNeed, ...]
    solved: Solved
    drawn: Prepared | None = None


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


def make_plan(
    given: PlanningInputs, *, method: Method, tell: Tell, explains: bool = True, with_frontier: bool = False
) -> PlanAnswer:
    """Forecast, optimize, bill and explain.

    Parameters
    ----------
    given : PlanningInputs
    method : str
        "auto", "extensive" or "cuts".
    tell : callable
        Given a line whenever a step begins.
    explains : bool
        Whether to find the reasons of every purchase.
    with_frontier : bool
        Whether to find the frontier of cost against stranded risk.

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
    plan = _with_headroom(_billed_plan(run, tell=tell), run)
    if explains:
        plan = replace(plan, explanation=explain(run.solved, run.given.market, run.forecast, tell=tell))
    if with_frontier:
        plan = replace(plan, frontier=plan_frontier(run.solved, tell=tell))
    tell("looking for what moved demand")
    return PlanAnswer(plan=plan, causes=_causes(run))


def _billed_plan(run: SolvedRun, *, tell: Tell) -> Plan:
    """Bill the plan and what it is compared with, and explain it."""
    given = run.given
    tell("billing the plan hour by hour")
    market, solved = given.market, run.solved
    planned = planned_commitments(solved)
    weights = run.window.weights
    held = (*market.commitments, *planned)
    ledger, available = DailyLedger(market.catalog), window_availability(solved.assembled.problem)
    on_spot = SpotLedger(run.window, available)
    money = MoneyLedgers()

    def seen(bill: Bill, weight: float) -> None:
        """Show a bill to all ledgers."""
        ledger.add(bill, weight)
        on_spot.add(bill, weight)
        money.plan.add(bill, weight)

    judged = judge(
        market,
        held,
        run.window,
        spot_units=_spot(solved, solved.quantity, run.window),
        with_allocation=True,
        on_bill=seen,
        spot_available=available,
    )
    owned = _judged_owned(run, money.owned)
    tell("costing the plan on every path")
    spot_of = availability_of(market, solved.assembled.problem.hours, seed=given.seed)
    reduction = reduction_error(solved, run.forecast, spot_of=spot_of)
    tell("billing what it is compared with")
    rate = dict(zip(market.catalog.pools, market.catalog.on_demand_usd.tolist(), strict=True))
    bought = purchases(solved, on_demand_usd=rate, use=judged.use_fraction)
    first = int(run.timeline.decision_hours[0])
    committed_new = float(weights @ (judged.committed_usd - owned.committed_usd))
    added = judged.stranded_usd - owned.stranded_usd
    new = summary("new", "", _only_new(judged, added, committed_new), weights)
    advice = tuple(purchase for purchase in bought if purchase.decision_hour == first)
    summaries = _summaries(run, judged, owned, money.on_demand)
    return Plan(
        title=f"Purchase plan from {date_of_hour(given.as_of_hour)}",
        as_of_hour=given.as_of_hour,
        horizon_end_hour=run.timeline.end_hour,
        purchases=advice,
        schedule=tuple(purchase for purchase in bought if purchase.decision_hour != first),
        summaries=summaries,
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
        expected=expected_days(run.window, ledger, held, _drawn_scenarios(run)),
        spot=on_spot.rows(market, peak_level=given.policy.headroom.quantile),
        money=plan_money(_money_request(run, advice, judged), money),
    )


def _with_headroom(plan: Plan, run: SolvedRun) -> Plan:
    """Plan that also tells of shortages, lost sites and the work against them."""
    headroom = plan_headroom(run.needs, plan.peaks, run.window, (run.given.market, run.given.policy, run.timeline))
    return replace(plan, headroom=headroom, assumptions=(*plan.assumptions, *headroom_sentences(headroom)))


def _money_request(run: SolvedRun, advice: tuple[Purchase, ...], judged: Judged) -> MoneyRequest:
    """What the money of the plan is made from."""
    return MoneyRequest(
        market=run.given.market,
        policy=run.given.policy,
        timeline=run.timeline,
        window=run.window,
        planned=planned_commitments(run.solved),
        advice=advice,
        allocation=judged.allocation,
        drivers=run.given.drivers,
    )


def _drawn_scenarios(run: SolvedRun) -> Prepared | None:
    """Paths of the scenarios, as they were drawn."""
    return None if run.drawn is None else run.drawn.of(run.forecast.kept, run.window.weights)


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
    posed = posed_run(given, tell=tell, revise=revise)
    solved = solve(
        with_limits(posed.assembled, posed.context),
        given.policy.increments,
        method=method,
        gap_fraction=GAP_FRACTION,
        tell=tell,
    )
    return SolvedRun(
        given=posed.given,
        timeline=posed.timeline,
        forecast=posed.forecast,
        window=posed.window,
        needs=posed.needs,
        solved=solved,
        drawn=posed.drawn,
    )


def _spot(solved: Solved, quantity: FloatArray, window: Scenarios) -> FloatArray:
    """What the optimizer leaves on spot inside the window. Shape (n_scenarios, n_pools, n_hours). [units]"""
    problem = solved.assembled.problem
    return spot_units(problem, quantity, solved.classes)[:, :, problem.in_window].reshape(window.units.shape)


def _judged_owned(run: SolvedRun, money: MoneyLedger) -> Judged:
    """Bill what is owned alone, and note its money."""
    problem = run.solved.assembled.problem
    owned = np.nan_to_num(problem.batches.fixed_quantity)
    spot = _spot(run.solved, owned, run.window)
    available = window_availability(problem)
    return judge(
        run.given.market,
        run.given.market.commitments,
        run.window,
        spot_units=spot,
        spot_available=available,
        on_bill=money.add,
    )


def _only_new(judged: Judged, added_usd: FloatArray, committed_usd: float) -> Judged:
    """Figures of new purchases alone, for their stranded fractions."""
    return replace(judged, stranded_usd=added_usd, committed_usd=np.full(len(added_usd), committed_usd))


def _summaries(run: SolvedRun, judged: Judged, owned: Judged, money: MoneyLedger) -> tuple[CostSummary, ...]:
    """The plan, then what it is compared with; the money of all on demand is noted."""
    market, window = run.given.market, run.window
    weights = window.weights
    out = [
        summary("plan", "This plan", judged, weights),
        summary("all_on_demand", "All on demand", all_on_demand(market, window, on_bill=money.add), weights),
        summary("keep_owned", "Only what is owned", owned, weights),
    ]
    available = window_availability(run.solved.assembled.problem)
    rival = look_back(market, run.given.history, window, run.timeline, spot_available=available)
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
    has_hardware = any(offer.hardware is not None for offer in market.buyable())
    hardware = (
        f"Owned hardware that outlives {date_of_hour(timeline.valued_end_hour)} is worth there what it could be sold "
        "for; where no resale value is declared, its upfront cost is spread over its life by what it can serve. "
        "Nothing is sold before the end of its life."
    )
    unnamed = (
        f"Demand that moves to hardware nobody has named yet stands in the plan as pools '{UNNAMED}': at the mean "
        "on-demand rate of its group, and covered by compute savings plans alone."
    )
    forecast = run.forecast
    has_unnamed = not set(unnamed_pools(forecast.groups, forecast.scenarios.pools)).isdisjoint(market.catalog.pools)
    return (
        *((unnamed,) if has_unnamed else ()),
        *billing_sentences(market.catalog, market.pools, window_hours),
        *spot_sentences(market),
        f"Purchases can be made on {len(timeline.decision_hours)} dates, every {policy.cadence_months} months; only "
        "those of the first date are advice.",
        *((tail,) if timeline.valued_end_hour > timeline.end_hour else ()),
        *((hardware,) if has_hardware else ()),
        f"Discount rate {percent(policy.discount_rate_yearly, 2)} a year; costs in the tables are amortized and "
        "undiscounted.",
        *goal_sentences(policy),
        "Later purchases are decided today for all scenarios alike, although more will be known by then; the look-back "
        "rule it is compared with decides anew on each date in each scenario, an advantage that this plan forgoes.",
    )
