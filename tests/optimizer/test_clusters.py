from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.clusters import Clusters, clusters_of, first_clusters, split_by_value, split_labels
from optimizer.costs import unit_prices
from optimizer.cover import cover_classes
from optimizer.extensive import solve_extensive
from optimizer.master import Columns, MasterInput, Rows, build_master, owned_cost_usd
from optimizer.master_limits import add_limits
from optimizer.problem import PlanningProblem
from optimizer.segments import Segments, segments_of
from optimizer.solver import SolverOptions, solve_arrays

seeds = st.integers(0, 10**6)


def _given(problem: PlanningProblem, clusters: Clusters) -> MasterInput:
    limits = problem.limits
    has_stranded = limits.stranded_expected_fraction is not None or limits.stranded_cvar_fraction is not None
    return MasterInput(
        problem=problem,
        classes=cover_classes(problem.instruments, split_by_fee=has_stranded),
        prices=unit_prices(problem),
        segments=segments_of(problem),
        clusters=clusters,
    )


def _bound_usd(problem: PlanningProblem, clusters: Clusters) -> float:
    given = _given(problem, clusters)
    columns, rows = Columns(given), Rows()
    add_limits(given, columns, rows)
    return solve_arrays(build_master(given, columns, rows), SolverOptions()).objective + owned_cost_usd(problem)


def _any_labels(problem: PlanningProblem, segments: Segments, rng: np.random.Generator, n_parts: int) -> np.ndarray:
    """Random parts of each segment, within scenarios."""
    n_scenarios, n_hours = len(problem.weights), len(problem.hours)
    part = rng.integers(0, n_parts, (n_scenarios, n_hours))
    return (segments.of_hour[None, :] * n_scenarios + np.arange(n_scenarios)[:, None]) * n_parts + part


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(), ("stranded", "stranded CVaR", "coverage floor")], ids=["free", "limited"])
@settings(max_examples=12)
@given(seed=seeds)
def test_any_clustering_bounds_the_optimum_from_below_and_refining_never_lowers_the_bound(
    invent, limits: tuple[str, ...], seed: int
):
    wish = invent.wish(plans="unlike", has_spot=True, has_capacity_reservations=not limits, limits=limits)
    problem = replace(invent.problem(seed, wish), risk_lambda=1.0)
    segments, rng = segments_of(problem), np.random.default_rng(seed)
    coarse = clusters_of(problem, segments, _any_labels(problem, segments, rng, 2), by_scenario=True)
    fine = clusters_of(problem, segments, coarse.label * 3 + rng.integers(0, 3, coarse.label.shape), by_scenario=True)
    every = np.arange(coarse.label.size).reshape(coarse.label.shape)
    finest = clusters_of(problem, segments, every, by_scenario=True)
    bounds = [_bound_usd(problem, clusters) for clusters in (coarse, fine, finest)]
    tolerance = 1e-6 * abs(bounds[-1])
    assert bounds[0] <= bounds[1] + tolerance
    assert bounds[1] <= bounds[2] + tolerance
    # one cluster for each hour of each scenario is the extensive program
    assert_allclose(bounds[2], solve_extensive(problem, SolverOptions()).objective_usd, rtol=1e-6)


@pytest.mark.parametrize("by_scenario", [False, True])
def test_clusters_keep_the_hours_and_the_demand_of_every_column(invent, by_scenario: bool):
    problem = invent.problem(8, invent.wish())
    segments = segments_of(problem)
    clusters = first_clusters(problem, segments, by_scenario=by_scenario)
    weight = problem.weights[:, None] * problem.hour_weights[None, :]
    assert_allclose(clusters.hours.sum(), problem.hour_weights.sum())
    expected = np.einsum("sh,sph->p", weight, problem.demand)
    assert_allclose(clusters.mean_units @ clusters.hours, expected)
    for number in range(clusters.n_clusters):
        scenario, hour = np.nonzero(clusters.label == number)
        assert set(segments.of_hour[hour]) == {clusters.segment[number]}
        mean = np.average(problem.demand[scenario, :, hour], axis=0, weights=weight[scenario, hour])
        assert_allclose(clusters.mean_units[:, number], mean)
        assert set(scenario) == {clusters.scenario[number]} or not by_scenario


def test_only_chosen_clusters_split_and_where_the_price_changes(build):
    demand = np.array([[[1.0, 5.0, 2.0, 6.0, 3.0, 7.0]]])
    problem = build.problem(demand, on_demand_usd=[1.0])
    segments = segments_of(problem)
    two = clusters_of(problem, segments, np.array([[0, 0, 0, 0, 1, 1]]), by_scenario=False)
    price = (demand > 4.0).astype(float)
    labels = split_labels(problem, two, unit_price_usd=price, chosen=np.array([0]))
    assert_allclose(clusters_of(problem, segments, labels, by_scenario=False).mean_units, [[1.5, 5.5, 5.0]])


def test_where_prices_do_not_differ_clusters_split_by_what_they_would_cost_on_demand(build):
    problem = build.problem([[[1.0, 5.0, 2.0, 6.0]]], on_demand_usd=[1.0])
    segments = segments_of(problem)
    one = clusters_of(problem, segments, np.zeros((1, 4), dtype=int), by_scenario=False)
    labels = split_by_value(problem, one, chosen=np.array([0]))
    assert_allclose(clusters_of(problem, segments, labels, by_scenario=False).mean_units, [[1.5, 5.5]])
