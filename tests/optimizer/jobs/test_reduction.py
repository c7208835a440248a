"""The plan costed on all paths: as a plain loop over them would, and with no error where nothing was reduced."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.forecast import Forecast, ForecastRequest, ForecastSettings, forecast_demand
from forecasting.hours import hour_of_date
from optimizer.assembly import assemble
from optimizer.calendar_dates import planning_timeline
from optimizer.coefficients import window_fees
from optimizer.costs import evaluate
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.quarterly import PlanningInputs, read_planning_inputs
from optimizer.jobs.reduction import path_recourse_usd, reduction_error
from optimizer.jobs.solve import Solved, solve
from optimizer.jobs.unnamed import UNNAMED, market_with_unnamed, scenarios_with_unnamed, unnamed_pools
from optimizer.policy import Increments
from optimizer.policy_limits import PolicyContext, with_limits

AS_OF_HOUR = hour_of_date("2024-03-11")
N_HOURS = 24 * 70 + 5  # more than one block, the last one cut within a day
N_PATHS = 11  # two batches of 4, the last one short


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What a reduction is measured on."""

    given: PlanningInputs
    forecast: Forecast
    solved: Solved


def _made(folder: Path, policy: str, *, prices: str = "", n_scenarios: int = 4, **roles: Path) -> Run:
    """Plan over some weeks on few paths."""
    (folder / "policy.yaml").write_text(policy)
    (folder / "prices.csv").write_text(prices)
    given = read_planning_inputs(
        InputPaths(prices=folder / "prices.csv", policy=folder / "policy.yaml", **roles),
        RunOptions(terms_months=(1,)),
        as_of_hour=AS_OF_HOUR,
    )
    end = AS_OF_HOUR + N_HOURS
    timeline = planning_timeline(AS_OF_HOUR, cadence_months=1, terms_months=(1,))
    inside = timeline.decision_hours < end
    timeline = replace(
        timeline, end_hour=end, valued_end_hour=end, decision_hours=timeline.decision_hours[inside], tail_hours=[]
    )
    hours, hour_weights = timeline.columns()
    request = ForecastRequest(
        as_of_hour=AS_OF_HOUR,
        hours=hours,
        hour_weights=hour_weights,
        settings=ForecastSettings(n_paths=N_PATHS, n_scenarios=n_scenarios),
    )
    forecast = forecast_demand(given.history, given.roadmap, request, np.random.default_rng(3))
    given = replace(given, market=market_with_unnamed(given.market, forecast))
    assembled = assemble(
        scenarios_with_unnamed(forecast).on_pools(given.market.catalog.pools),
        given.market,
        timeline,
        discount_rate_yearly=0.1,
        risk_lambda=0.0,
        keep_dominated=False,
    )
    context = PolicyContext(policy=given.policy, market=given.market, timeline=timeline, firm=())
    solved = solve(with_limits(assembled, context), Increments(), method="cuts", gap_fraction=1e-3, tell=lambda _: None)
    return Run(given=given, forecast=forecast, solved=solved)


@pytest.fixture(scope="module")
def plain(small_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """On-demand and reservations of single pools only."""
    lines = (small_fleet / "prices.csv").read_text().splitlines()
    kept = [line for line in lines if line.startswith(("offer_id", "od:", "ri1n:"))]
    return _made(
        tmp_path_factory.mktemp("plain"), "{}\n", prices="\n".join(kept) + "\n", usage=small_fleet / "usage.csv"
    )


@pytest.fixture(scope="module")
def everything(small_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every kind of offer, an event, and less spot than pays."""
    return _made(
        tmp_path_factory.mktemp("everything"),
        "spot_share_max: 0.03\n",
        prices=(small_fleet / "prices.csv").read_text(),
        usage=small_fleet / "usage.csv",
        pools=small_fleet / "pools.csv",
        roadmap=small_fleet / "roadmap.yaml",
        commitments=small_fleet / "commitments.csv",
    )


def _whole(run: Run) -> np.ndarray:
    """Demand of every path on the problem's pools and hours. Shape (n_paths, n_pools, n_hours)."""
    problem, every = run.solved.assembled.problem, run.forecast.every
    units = every.hourly(problem.hours)
    pools = (*every.daily.pools, *unnamed_pools(every.daily.groups, every.daily.pools))
    rows = {pool: row for row, pool in enumerate(pools)}
    return np.stack([units[:, rows[pool]] if pool in rows else 0.0 * units[:, 0] for pool in problem.pools], axis=1)


def test_reservations_cost_what_a_plain_loop_over_paths_and_hours_says(plain: Run):
    problem, solved = plain.solved.assembled.problem, plain.solved
    held = problem.held(solved.quantity)
    assert held.sum() > 0
    expected = []
    for units in _whole(plain):
        usd = 0.0
        for pool, rate in enumerate(problem.on_demand_usd):
            reserved = sum(held[row] for row in np.flatnonzero(np.isfinite(problem.instruments.draw[:, pool])))
            usd += rate * np.maximum(units[pool] - reserved, 0.0).sum()
        expected.append(usd)
    found = path_recourse_usd(solved, plain.forecast.every, plain.forecast.kept)
    assert_allclose(found, expected, rtol=1e-9)
    made = reduction_error(solved, plain.forecast)
    total = np.array(expected) + window_fees(problem) @ solved.quantity
    names, on_scenarios, on_paths = zip(*made.measures, strict=True)
    assert names == ("expected", "p10", "p90", "cvar")
    ranked = np.sort(total)
    # the worst 5 % of 11 paths are a part of the worst one; P10 and P90 are the first to reach their levels
    assert_allclose(on_paths, [total.mean(), ranked[1], ranked[9], ranked[10]], rtol=1e-9)
    assert_allclose(on_scenarios[0], problem.weights @ total[plain.forecast.kept], rtol=1e-9)
    assert_allclose(made.standard_error_usd, total.std(ddof=1) / np.sqrt(N_PATHS), rtol=1e-9)
    assert (made.n_paths, made.n_scenarios, made.cvar_level) == (N_PATHS, 4, 0.95)


@pytest.mark.slow
def test_every_kind_of_offer_costs_what_each_path_alone_does(everything: Run):
    problem, solved = everything.solved.assembled.problem, everything.solved
    assert f"east/{UNNAMED}" in problem.pools
    unlimited = replace(problem, limits=replace(problem.limits, spot_share_max=None))
    free = replace(
        solved,
        assembled=replace(solved.assembled, problem=unlimited),
        rounding=replace(solved.rounding, found=evaluate(unlimited, solved.quantity, solved.classes)),
    )
    expected = [
        evaluate(replace(unlimited, weights=np.ones(1), demand=units[None]), solved.quantity, solved.classes)
        for units in _whole(everything)
    ]
    found = path_recourse_usd(free, everything.forecast.every, everything.forecast.kept)
    assert_allclose(found, [float(one.window_recourse_usd[0]) for one in expected], rtol=1e-9)
    limited = path_recourse_usd(solved, everything.forecast.every, everything.forecast.kept)
    assert np.all(limited > found)  # less spot is allowed than pays


@pytest.mark.slow
def test_a_kept_path_laid_out_anew_costs_what_its_scenario_does(everything: Run):
    solved, kept = everything.solved, everything.forecast.kept
    known = solved.found.window_recourse_usd
    one = replace(solved.found, window_recourse_usd=known[:1])
    first = replace(solved, rounding=replace(solved.rounding, found=one))
    again = path_recourse_usd(first, everything.forecast.every, kept[:1])
    assert_allclose(again[kept], known, rtol=1e-9)


@pytest.mark.slow
def test_nothing_reduced_is_no_error_at_all(small_fleet: Path, tmp_path: Path):
    run = _made(
        tmp_path,
        "{}\n",
        prices=(small_fleet / "prices.csv").read_text(),
        n_scenarios=N_PATHS,
        usage=small_fleet / "usage.csv",
    )
    made = reduction_error(run.solved, run.forecast)
    assert made.n_paths == made.n_scenarios == N_PATHS
    for _, on_scenarios, on_paths in made.measures:
        assert on_scenarios == on_paths
    assert ", as much as on the scenarios" in made.statement


def test_the_statement_says_how_much_more_or_less_all_paths_cost(plain: Run):
    made = reduction_error(plain.solved, plain.forecast)
    _, on_scenarios, on_paths = made.measures[0]
    side = "more" if on_paths > on_scenarios else "less"
    assert made.statement.startswith(
        f"{N_PATHS} paths were reduced to 4 scenarios: on all paths the plan costs {on_paths:,.0f} USD in expectation, "
    )
    assert f" % {side} than on the scenarios (standard error over paths " in made.statement


def test_with_an_external_forecast_the_reason_takes_the_place_of_figures(plain: Run):
    made = reduction_error(plain.solved, replace(plain.forecast, every=None))
    assert made.measures == ()
    assert made.n_paths is None
    assert np.isnan(made.standard_error_usd)
    assert "an external forecast is put on the scenarios alone" in made.statement
