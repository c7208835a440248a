"""The optimum for demand taken as known: hindsight, or a scenario of the user's own.

Costs count inside the window only, upfront parts spread over the term. Not here: forecasts.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.errors import InputError, Problem
from forecasting.history import History
from forecasting.hours import date_of_hour
from forecasting.roadmap import Roadmap
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.calendar_dates import Timeline
from optimizer.costs import spot_units
from optimizer.headroom import firm_requirements, headroom_needs
from optimizer.jobs.certify import certificate
from optimizer.jobs.describe import limit_states
from optimizer.jobs.inputs import InputPaths, RunOptions, read_history, read_market, read_policy_with
from optimizer.jobs.judge import judge, summary
from optimizer.jobs.purchases import planned_commitments, purchases
from optimizer.jobs.rivals import all_on_demand
from optimizer.jobs.solve import Method, Tell, solve
from optimizer.jobs.versions import versions
from optimizer.plan import Certificate, CostSummary, InputRecord, LimitState, Purchase
from optimizer.policy import Policy
from optimizer.policy_limits import PolicyContext, needs_dominated, with_limits

GAP_FRACTION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequest:
    """What `plimsoll optimize` is asked.

    Attributes
    ----------
    paths : InputPaths
        `usage` is the demand.
    options : RunOptions
    date_hours : tuple of int
        Purchase dates.
    start_hour, end_hour : int or None
        Window; None: from the first date, to the end of demand.
    method : str
    """

    paths: InputPaths
    options: RunOptions
    date_hours: tuple[int, ...]
    start_hour: int | None
    end_hour: int | None
    method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """The optimum in hindsight.

    Attributes
    ----------
    start_hour, end_hour : int
    purchases : tuple of Purchase
    summaries : tuple of CostSummary
        The optimum, all on-demand, only what is owned: as billed.
    certificate : Certificate
    limits : tuple of LimitState
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    seed : int
    """

    start_hour: int
    end_hour: int
    purchases: tuple[Purchase, ...]
    summaries: tuple[CostSummary, ...]
    certificate: Certificate
    limits: tuple[LimitState, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    seed: int


def optimize_known(request: KnownRequest, *, tell: Tell) -> KnownAnswer:
    """Read, solve and bill.

    Raises
    ------
    InputError
        If a file, a date or the window is wrong.
    InfeasibleLimitsError
        If the policy's limits cannot all be met.
    """
    tell("reading inputs")
    policy = read_policy_with(request.paths, request.options)
    history = read_history(request.paths, request.options, Roadmap())
    timeline = _timeline(request, history)
    window = _window(history, timeline)
    market = read_market(request.paths, policy, known=window.pools)
    tell("optimizing")
    solved = solve(
        with_limits(
            assemble(
                window,
                market,
                timeline,
                discount_rate_yearly=policy.discount_rate_yearly,
                risk_lambda=policy.risk.lambda_,
                keep_dominated=needs_dominated(policy),
            ),
            _context(policy, market, timeline, window),
        ),
        policy.increments,
        method=request.method,
        gap_fraction=GAP_FRACTION,
        tell=tell,
    )
    tell("billing")
    problem = solved.assembled.problem
    spot = spot_units(problem, solved.quantity, solved.classes)
    judged = judge(market, (*market.commitments, *planned_commitments(solved)), window, spot_units=spot)
    owned = np.nan_to_num(problem.batches.fixed_quantity)
    kept = judge(market, market.commitments, window, spot_units=spot_units(problem, owned, solved.classes))
    rate = dict(zip(market.catalog.pools, market.catalog.on_demand_usd.tolist(), strict=True))
    return KnownAnswer(
        start_hour=timeline.start_hour,
        end_hour=timeline.end_hour,
        purchases=purchases(solved, on_demand_usd=rate, use=judged.use_fraction),
        summaries=(
            summary("plan", "Optimum", judged, window.weights),
            summary("all_on_demand", "All on demand", all_on_demand(market, window), window.weights),
            summary("keep_owned", "Only what is owned", kept, window.weights),
        ),
        certificate=certificate(solved, judged, market, window),
        limits=limit_states(solved),
        inputs=request.paths.records(),
        versions=versions(),
        seed=request.options.seed,
    )


def _context(policy: Policy, market: Market, timeline: Timeline, window: Scenarios) -> PolicyContext:
    """What the limits are made of."""
    pools = [market.pools[name] for name in market.catalog.pools]
    needs = headroom_needs(window, pools, market.catalog.on_demand_usd, policy)
    return PolicyContext(
        policy=policy, market=market, timeline=timeline, firm=firm_requirements(needs, pools, timeline)
    )


def _timeline(request: KnownRequest, history: History) -> Timeline:
    """Dates and window, checked against the demand."""
    dates = sorted(request.date_hours)
    start = dates[0] if request.start_hour is None else request.start_hour
    end = history.end_hour if request.end_hour is None else request.end_hour
    problems = []
    if len(set(dates)) < len(dates):
        problems.append(Problem(column="--dates", message="must differ from each other."))
    if start < history.start_hour or end > history.end_hour:
        first, last = date_of_hour(history.start_hour), date_of_hour(history.end_hour - 1)
        message = (
            f"must lie inside the demand, {first} to {last}, got {date_of_hour(start)} to {date_of_hour(end - 1)}. "
            "Give --start and --end."
        )
        problems.append(Problem(column="window", message=message))
    if end <= start:
        message = f"must end after it starts, got {date_of_hour(start)} to {date_of_hour(end)} (exclusive)."
        problems.append(Problem(column="window", message=message))
    elif any(not start <= date < end for date in dates):
        message = f"must lie inside the window, {date_of_hour(start)} to {date_of_hour(end - 1)}."
        problems.append(Problem(column="--dates", message=message))
    if problems:
        msg = "the request"
        raise InputError(msg, problems)
    none: list[int] = []
    return Timeline(
        decision_hours=np.array(dates),
        tail_hours=np.array(none, dtype=np.int64),
        start_hour=start,
        end_hour=end,
        valued_end_hour=end,
    )


def _window(history: History, timeline: Timeline) -> Scenarios:
    """Demand of the window as one certain scenario, of the pools that are used in it."""
    inside = history.between(timeline.start_hour, timeline.end_hour)
    used = inside.units.sum(axis=1) > 0
    hours = np.arange(timeline.start_hour, timeline.end_hour)
    return Scenarios(
        pools=tuple(pool for pool, is_used in zip(inside.pools, used, strict=True) if is_used),
        hours=hours,
        hour_weights=np.ones(len(hours)),
        weights=np.ones(1),
        units=inside.units[used][None],
    )
