"""The problem of a plan set up: history and roadmap become scenarios, these with prices and policy the problem.

Not here: solving it, billing and explaining the answer (`optimizer.jobs.quarterly`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from forecasting.forecast import Forecast, ForecastRequest, ForecastSettings, forecast_demand
from forecasting.hours import date_of_hour
from forecasting.prepared import Prepared
from forecasting.scenarios import Scenarios
from optimizer.assembly import Assembled, assemble, horizon_terms
from optimizer.calendar_dates import Timeline, planning_timeline
from optimizer.goals import objective_rate_yearly
from optimizer.headroom import HeadroomNeed, firm_requirements, market_needs
from optimizer.jobs.forecast_external import following
from optimizer.jobs.planning_inputs import PlanningInputs
from optimizer.jobs.solve import Tell
from optimizer.jobs.spot import with_outages
from optimizer.jobs.tracking.revision import widened
from optimizer.jobs.unnamed import market_with_unnamed, scenarios_with_unnamed
from optimizer.policy_limits import PolicyContext, needs_dominated

Revise = Callable[[Forecast], Forecast]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PosedRun:
    """A plan whose problem is set up, not yet solved; attributes as of `SolvedRun`.

    Attributes
    ----------
    assembled : Assembled
        Without the limits of the policy.
    context : PolicyContext
        What the limits are made of.
    """

    given: PlanningInputs
    timeline: Timeline
    forecast: Forecast
    window: Scenarios
    needs: tuple[HeadroomNeed, ...]
    drawn: Prepared | None
    assembled: Assembled
    context: PolicyContext


def posed_run(
    given: PlanningInputs, *, tell: Tell, revise: Revise | None = None, timeline: Timeline | None = None
) -> PosedRun:
    """Forecast and set up the problem, on another timeline where one is given; the rest as of `solved_run`."""
    policy, market = given.policy, given.market
    timeline = timeline or planning_timeline(
        given.as_of_hour, cadence_months=policy.cadence_months, terms_months=horizon_terms(market.buyable())
    )
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
    drawn = forecast.every
    if given.lessons is not None:
        forecast = widened(forecast, given.lessons)
    if revise is not None:
        forecast = revise(forecast)
    given = replace(given, market=market_with_unnamed(market, forecast))
    market = given.market
    scenarios = scenarios_with_unnamed(forecast).on_pools(market.catalog.pools)
    window = scenarios.where(timeline.in_window(scenarios.hours))
    pools = [market.pools[name] for name in market.catalog.pools]
    needs = market_needs(window, market, policy)
    tell("setting up the optimization")
    assembled = with_outages(_assembled(scenarios, given, timeline), market, paths=forecast.kept, seed=given.seed)
    context = PolicyContext(
        policy=policy, market=market, timeline=timeline, firm=firm_requirements(needs, pools, timeline)
    )
    return PosedRun(
        given=given,
        timeline=timeline,
        forecast=forecast,
        window=window,
        needs=needs,
        drawn=drawn,
        assembled=assembled,
        context=context,
    )


def _assembled(scenarios: Scenarios, given: PlanningInputs, timeline: Timeline) -> Assembled:
    """Problem of the run, before its limits."""
    policy = given.policy
    return assemble(
        scenarios,
        given.market,
        timeline,
        discount_rate_yearly=objective_rate_yearly(policy),
        risk_lambda=policy.risk.lambda_,
        keep_dominated=needs_dominated(policy),
    )
