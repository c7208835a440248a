import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.cluster_gaps import cluster_gaps
from optimizer.clusters import first_clusters
from optimizer.costs import evaluate, no_limit_prices, unit_prices
from optimizer.cover import cover_classes
from optimizer.master import Columns, MasterInput, Rows, build_master, owned_cost_usd
from optimizer.segments import segments_of
from optimizer.solver import SolverOptions, solve_arrays


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_gaps_sum_to_what_the_aggregated_program_is_below_the_truth(invent, seed: int):
    problem = invent.problem(seed, invent.wish(plans="real", has_spot=True))
    segments = segments_of(problem)
    inputs = MasterInput(
        problem=problem,
        classes=cover_classes(problem.instruments, split_by_fee=False),
        prices=unit_prices(problem),
        segments=segments,
        clusters=first_clusters(problem, segments, by_scenario=False),
    )
    columns = Columns(inputs)
    solved = solve_arrays(build_master(inputs, columns, Rows()), SolverOptions())
    decided = problem.batches.is_decision
    quantity = np.array(problem.batches.fixed_quantity)
    quantity[decided] = np.maximum(solved.values[columns.decision[decided]], 0.0)
    found = evaluate(problem, quantity, inputs.classes)
    gaps = cluster_gaps(inputs, problem.held(quantity), found, no_limit_prices(len(problem.weights)))
    assert np.all(gaps >= 0.0)
    below = found.objective_usd - (solved.objective + owned_cost_usd(problem))
    assert_allclose(gaps.sum(), below, atol=1e-6 * abs(found.objective_usd))
