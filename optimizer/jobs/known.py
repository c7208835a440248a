"""The optimum for demand taken as known: hindsight, or a scenario of the user's own.

Costs count inside the window only, upfront parts spread over the term, unless the full term is charged. Not here:
forecasts.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.errors import InputError, Problem
from forecasting.history import History
from forecasting.hours import date_of_hour
from forecasting.roadmap import Roadmap
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.calendar_dates import Timeline, discount_factors
from optimizer.certificate import Certificate
from optimizer.costs import spot_units
from optimizer.goals import objective_rate_yearly
from optimizer.headroom import firm_requirements, market_needs
from optimizer.jobs.certify import certificate
from optimizer.jobs.describe import limit_states
from optimizer.jobs.inputs import InputPaths, RunOptions, read_history, read_market, read_policy_with
from optimizer.jobs.judge import judge, summary
from optimizer.jobs.purchases import planned_commitments, purchases
from optimizer.jobs.rivals import all_on_demand
from optimizer.jobs.solve import Charge, Method, Solved, Tell, solve
from optimizer.jobs.versions import versions
from optimizer.plan import CostSummary, InputRecord, LimitState, Purchase
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
        Purchase dates; none: every hour of the window.
    start_hour, end_hour : int or None
        Window; None: from the first date (the first hour of demand where every hour is one), to the end of demand.
    method : str
    charge : {"window", "full-term"}
        What a purchase costs: the part of its term inside the window, or all of it.
    """

    paths: InputPaths
    options: RunOptions
    date_hours: tuple[int, ...]
    start_hour: int | None
    end_hour: int | None
    method: Method
    charge: Charge = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """The optimum in hindsight.

    Attributes
    ----------
    start_hour, end_hour : int
    charge : {"window", "full-term"}
    beyond_window_usd : float
        What the purchases are charged after the window, amortized; 0 where only the window counts. [USD]
    purchases : tuple of Purchase
    summaries : tuple of CostSummary
        The optimum, all on-demand, only what is owned: as billed inside the window.
    certificate : Certificate
    limits : tuple of LimitState
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    seed : int
    """

    start_hour: int
    end_hour: int
    charge: Charge
    beyond_window_usd: float
    purchases: tuple[Purchase, ...]
    summaries: tuple[CostSummary, ...]
    certificate: Certificate
    limits: tuple[LimitState, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    seed: int

    @property
    def total_usd(self) -> float:
        """What the optimum costs by the charge asked for. [USD]"""
        return self.summaries[0].mean_usd + self.beyond_window_usd


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
                discount_rate_yearly=objective_rate_yearly(policy),
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
        charge=request.charge,
        beyond_window_usd=_beyond_usd(solved, solved.quantity, timeline, rate_yearly=0.0),
        purchases=purchases(solved, on_demand_usd=rate, use=judged.use_fraction),
        summaries=(
            summary("plan", "Optimum", judged, window.weights),
            summary("all_on_demand", "All on demand", all_on_demand(market, window), window.weights),
            summary("keep_owned", "Only what is owned", kept, window.weights),
        ),
        certificate=replace(
            certificate(solved, judged, market, window),
            tail_usd=_beyond_usd(solved, solved.exact, timeline, rate_yearly=objective_rate_yearly(policy)),
        ),
        limits=limit_states(solved),
        inputs=request.paths.records(),
        versions=versions(),
        seed=request.options.seed,
    )


def _beyond_usd(solved: Solved, quantity: FloatArray, timeline: Timeline, *, rate_yearly: float) -> float:
    """Amortized fees of the purchases after the window, discounted; 0 where only the window is charged. [USD]"""
    if not timeline.charges_full_term:
        return 0.0
    batches, instruments = solved.assembled.problem.batches, solved.assembled.problem.instruments
    last = max(int(batches.end_hour.max(initial=timeline.end_hour)), timeline.end_hour + 1)
    hours = np.arange(timeline.end_hour, last)
    factors = discount_factors(hours, as_of_hour=timeline.start_hour, rate_yearly=rate_yearly)
    until = np.concatenate([[0.0], np.cumsum(factors)])
    beyond_hours = until[np.maximum(batches.end_hour - timeline.end_hour, 0)]
    is_charged = batches.is_decision & ~instruments.reserves_units[batches.instrument]
    fees = instruments.fee_usd[batches.instrument] * beyond_hours * is_charged
    return float(fees @ quantity)


def _context(policy: Policy, market: Market, timeline: Timeline, window: Scenarios) -> PolicyContext:
    """What the limits are made of."""
    pools = [market.pools[name] for name in market.catalog.pools]
    needs = market_needs(window, market, policy)
    return PolicyContext(
        policy=policy, market=market, timeline=timeline, firm=firm_requirements(needs, pools, timeline)
    )


def _timeline(request: KnownRequest, history: History) -> Timeline:
    """Dates and window, checked against the demand."""
    dates = sorted(request.date_hours)
    first_hour = dates[0] if dates else history.start_hour
    start = first_hour if request.start_hour is None else request.start_hour
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
        decision_hours=np.array(dates) if dates else np.arange(start, end),
        tail_hours=np.array(none, dtype=np.int64),
        start_hour=start,
        end_hour=end,
        valued_end_hour=end,
        charges_full_term=request.charge == "full-term",
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
