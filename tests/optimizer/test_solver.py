from itertools import product

import numpy as np
import pulp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from optimizer.array_program import ArrayLp
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.solver import (
    SolverOptions,
    WholeOptions,
    solve_arrays,
    solve_program,
    solve_whole_arrays,
    solve_whole_program,
)

OPTIONS = SolverOptions()


def _covering_lp(n_rows: int, n_columns: int, seed: int) -> ArrayLp:
    """Feasible and bounded: costs and right-hand sides above zero, every row has an entry."""
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(0.1, 1.0, (n_rows, n_columns)) * (rng.random((n_rows, n_columns)) < 0.6)
    matrix[:, 0] += 0.1
    return ArrayLp(
        cost=rng.uniform(0.5, 2.0, n_columns),
        lower=np.zeros(n_columns),
        upper=np.full(n_columns, np.inf),
        matrix=sparse.csr_array(matrix),
        row_lower=rng.uniform(0.5, 2.0, n_rows),
        row_upper=np.full(n_rows, np.inf),
    )


def _changed(lp: ArrayLp, **fields: object) -> ArrayLp:
    names = ("cost", "lower", "upper", "matrix", "row_lower", "row_upper")
    return ArrayLp(**({name: getattr(lp, name) for name in names} | fields))


def _program(sense: int = pulp.LpMinimize, *, x_usd: float = 1.0, most: float | None = None) -> pulp.LpProblem:
    program = pulp.LpProblem("test", sense)
    x, y = (program.add_variable(name, 0.0, most) for name in ("x", "y"))
    program.setObjective(x_usd * x + 2.0 * y + 7.0)
    program.addConstraint(x + y >= 3.0, "demand")
    return program


@given(n_rows=st.integers(1, 8), n_columns=st.integers(1, 8), seed=st.integers(0, 10**6))
def test_duals_prove_the_optimum_of_arrays(n_rows: int, n_columns: int, seed: int):
    lp = _covering_lp(n_rows, n_columns, seed)
    solution = solve_arrays(lp, OPTIONS)
    assert np.all(lp.matrix @ solution.values >= lp.row_lower - 1e-6)
    assert np.all(solution.row_duals >= -1e-9)
    assert np.all(lp.matrix.T @ solution.row_duals <= lp.cost + 1e-6)
    assert_allclose(solution.objective, lp.cost @ solution.values, rtol=1e-9)
    assert_allclose(solution.objective, solution.row_duals @ lp.row_lower, rtol=1e-6)


@given(n_rows=st.integers(1, 6), n_columns=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_both_doors_and_all_algorithms_find_one_optimum(n_rows: int, n_columns: int, seed: int):
    lp = _covering_lp(n_rows, n_columns, seed)
    program = pulp.LpProblem("same", pulp.LpMinimize)
    x = [program.add_variable(f"x{j}", 0.0) for j in range(n_columns)]
    program.setObjective(pulp.lpSum(usd * v for usd, v in zip(lp.cost, x, strict=True)))
    for i, row in enumerate(lp.matrix.toarray()):
        program.addConstraint(pulp.lpSum(a * v for a, v in zip(row, x, strict=True)) >= lp.row_lower[i], f"r{i}")
    expected = solve_program(program, OPTIONS).objective
    for method in ("choose", "simplex", "ipm"):
        for use_presolve in (True, False):
            options = SolverOptions(method=method, use_presolve=use_presolve)
            assert_allclose(solve_arrays(lp, options).objective, expected, rtol=1e-7)


def test_row_dual_of_arrays_is_the_price_of_one_more_on_the_right():
    lp = _covering_lp(5, 7, seed=3)
    solution = solve_arrays(lp, OPTIONS)
    for row in range(5):
        more = np.array(lp.row_lower)
        more[row] += 1e-4
        raised = solve_arrays(_changed(lp, row_lower=more), OPTIONS).objective
        assert_allclose((raised - solution.objective) / 1e-4, solution.row_duals[row], atol=1e-6)


def test_reduced_cost_of_arrays_is_the_price_of_a_bound():
    lp = ArrayLp(
        cost=[1.0, 2.0], lower=[0.0, 0.0], upper=[1.0, 9.0], matrix=[[1.0, 1.0]], row_lower=[3.0], row_upper=[np.inf]
    )
    solution = solve_arrays(lp, OPTIONS)
    assert_allclose(solution.values, [1.0, 2.0])
    assert_allclose(solution.reduced_costs, [-1.0, 0.0])


def test_an_entry_given_twice_counts_twice():
    twice = sparse.coo_array(([1.0, 1.0], ([0, 0], [0, 0])), shape=(1, 1))
    lp = ArrayLp(cost=[1.0], lower=[0.0], upper=[np.inf], matrix=twice, row_lower=[4.0], row_upper=[np.inf])
    assert_allclose(solve_arrays(lp, OPTIONS).values, [2.0])


def test_arrays_without_rows_end_at_their_cheaper_bounds():
    lp = ArrayLp(
        cost=[1.0, -1.0], lower=[2.0, 0.0], upper=[5.0, 3.0], matrix=np.zeros((0, 2)), row_lower=[], row_upper=[]
    )
    solution = solve_arrays(lp, OPTIONS)
    assert_allclose(solution.values, [2.0, 3.0])
    assert solution.objective == -1.0


def test_the_same_arrays_give_the_same_point_to_the_last_bit():
    lp = _covering_lp(40, 60, seed=8)
    first, second = solve_arrays(lp, OPTIONS), solve_arrays(lp, OPTIONS)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.row_duals, second.row_duals)


def test_program_keeps_its_constant_and_names_its_duals():
    solved = solve_program(_program(), OPTIONS)
    assert_allclose(solved.objective, 10.0)
    assert solved.duals == {"demand": 1.0}


def test_dual_of_a_maximum_has_the_sign_of_the_maximum():
    # x + 1 is forced by one more unit of demand, as y is at its bound
    solved = solve_program(_program(pulp.LpMaximize, x_usd=-1.0, most=1.6), OPTIONS)
    assert_allclose(solved.objective, 8.8)
    assert_allclose(solved.duals["demand"], -1.0)


def test_infeasible_is_not_unbounded_is_not_stopped():
    lp = _covering_lp(3, 3, seed=1)
    with pytest.raises(InfeasibleLimitsError, match="cannot all be met"):
        solve_arrays(_changed(lp, upper=np.zeros(3)), OPTIONS)
    with pytest.raises(SolverError, match="unbounded: something can be bought without end"):
        solve_arrays(_changed(lp, cost=-lp.cost), OPTIONS)
    large = _covering_lp(300, 300, seed=1)
    with pytest.raises(SolverError, match=r"stopped at its time limit of 1e-06 s"):
        solve_arrays(large, SolverOptions(time_limit_seconds=1e-6))


def test_a_program_tells_infeasible_unbounded_and_stopped_apart_too():
    with pytest.raises(InfeasibleLimitsError, match="cannot all be met"):
        solve_program(_program(most=1.0), OPTIONS)
    with pytest.raises(SolverError, match="unbounded: something can be bought without end"):
        solve_program(_program(x_usd=-1.0), OPTIONS)
    program = pulp.LpProblem("large", pulp.LpMinimize)
    lp = _covering_lp(60, 60, seed=2)
    x = [program.add_variable(f"x{j}", 0.0) for j in range(60)]
    program.setObjective(pulp.lpSum(x))
    for i, row in enumerate(lp.matrix.toarray()):
        program.addConstraint(pulp.lpSum(a * v for a, v in zip(row, x, strict=True)) >= lp.row_lower[i], f"r{i}")
    with pytest.raises(SolverError, match=r"stopped at its time limit of 1e-06 s"):
        solve_program(program, SolverOptions(time_limit_seconds=1e-6))


def test_unbounded_is_told_from_infeasible_where_presolve_cannot():
    # the ray costs below zero and a pair of rows may or may not contradict
    cost, bounds = [-1.0, 0.0], {"lower": [0.0, 0.0], "upper": [np.inf, np.inf]}
    rows = {"matrix": [[0.0, 1.0], [0.0, 1.0]], "row_upper": [np.inf, 2.0]}
    with pytest.raises(SolverError, match="unbounded"):
        solve_arrays(ArrayLp(cost=cost, **bounds, **rows, row_lower=[1.0, -np.inf]), OPTIONS)
    with pytest.raises(InfeasibleLimitsError):
        solve_arrays(ArrayLp(cost=cost, **bounds, **rows, row_lower=[3.0, -np.inf]), OPTIONS)


def test_arrays_that_highs_refuses_are_an_error():
    lp = ArrayLp(cost=[1.0], lower=[0.0], upper=[1.0], matrix=[[1e16]], row_lower=[0.0], row_upper=[1.0])
    with pytest.raises(SolverError, match="HiGHS refused a program of 1 rows and 1 columns"):
        solve_arrays(lp, OPTIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_limit_seconds": 0.0}, r"time_limit_seconds must be > 0, got 0.0"),
        ({"feasibility_tolerance": 1e-12}, r"feasibility_tolerance must be in \[1e-10, 1\), got 1e-12"),
        ({"optimality_tolerance": float("nan")}, r"optimality_tolerance must be in .*, got nan"),
        ({"method": "guess"}, r"method must be one of .*, got 'guess'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_highs_would_ignore_are_refused(options: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        SolverOptions(**options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cost": [1.0]}, r"cost must have shape \(3,\) by the matrix, got \(1,\)"),
        ({"row_upper": [1.0]}, r"row_upper must have shape \(2,\) by the matrix"),
        ({"lower": [0.0, np.nan, 0.0]}, r"lower must not be nan, got nan at index 1"),
        ({"matrix": np.full((2, 3), np.inf)}, "matrix must be finite"),
    ],
    ids=["cost", "row_upper", "lower", "matrix"],
)
def test_arrays_that_disagree_are_refused(fields: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        _changed(_covering_lp(2, 3, seed=0), **fields)


def _knapsack(seed: int, n_items: int = 5) -> tuple[ArrayLp, list[tuple[float, float]]]:
    """Cover a need by whole lots: cost and content of each, at most three of each."""
    rng = np.random.default_rng(seed)
    lots = [(float(rng.uniform(1, 5)), float(rng.uniform(1, 4))) for _ in range(n_items)]
    lp = ArrayLp(
        cost=np.array([usd for usd, _ in lots]),
        lower=np.zeros(n_items),
        upper=np.full(n_items, 3.0),
        matrix=np.array([[units for _, units in lots]]),
        row_lower=np.array([7.3]),
        row_upper=np.array([np.inf]),
    )
    return lp, lots


@given(seed=st.integers(0, 10**6))
def test_whole_numbers_agree_with_brute_force_by_both_doors(seed: int):
    lp, lots = _knapsack(seed)
    best = min(
        sum(n * usd for n, (usd, _) in zip(counts, lots, strict=True))
        for counts in product(range(4), repeat=len(lots))
        if sum(n * units for n, (_, units) in zip(counts, lots, strict=True)) >= 7.3
    )
    found = solve_whole_arrays(lp, np.ones(len(lots), dtype=bool), WholeOptions())
    assert_allclose([found.objective, found.bound], best, rtol=1e-6)
    program = pulp.LpProblem("lots", pulp.LpMinimize)
    counts = [program.add_variable(f"n{place}", 0.0, 3.0, cat="Integer") for place in range(len(lots))]
    program.setObjective(pulp.lpSum(usd * n for n, (usd, _) in zip(counts, lots, strict=True)) + 11.0)
    program.addConstraint(pulp.lpSum(units * n for n, (_, units) in zip(counts, lots, strict=True)) >= 7.3, "need")
    again = solve_whole_program(program, WholeOptions())
    assert_allclose([again.objective, again.bound], best + 11.0, rtol=1e-6)
    assert_allclose(pulp.value(program.objective), best + 11.0, rtol=1e-6)


def test_without_whole_numbers_the_bound_is_the_optimum():
    lp, _ = _knapsack(4)
    found = solve_whole_arrays(lp, np.zeros(5, dtype=bool), WholeOptions())
    assert_allclose(found.objective, solve_arrays(lp, OPTIONS).objective)
    assert found.bound == found.objective


def test_a_search_that_ends_at_its_nodes_still_has_a_bound_below_its_answer():
    rng = np.random.default_rng(8)
    n_rows, n_columns = 12, 40
    lp = ArrayLp(
        cost=rng.uniform(1.0, 2.0, n_columns),
        lower=np.zeros(n_columns),
        upper=np.full(n_columns, 9.0),
        matrix=rng.uniform(0.1, 1.0, (n_rows, n_columns)),
        row_lower=rng.uniform(5.0, 9.0, n_rows),
        row_upper=np.full(n_rows, np.inf),
    )
    is_whole = np.ones(n_columns, dtype=bool)
    short = solve_whole_arrays(lp, is_whole, WholeOptions(max_nodes=1))
    full = solve_whole_arrays(lp, is_whole, WholeOptions(gap_fraction=1e-4))
    assert short.bound <= full.objective <= short.objective + 1e-9
    assert short.bound < short.objective
    again = solve_whole_arrays(lp, is_whole, WholeOptions(max_nodes=1))
    assert again.values.tolist() == short.values.tolist()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"upper": np.full(5, 0.1)}, InfeasibleLimitsError, "cannot all be met"),
        ({"cost": np.full(5, -1.0), "upper": np.full(5, np.inf)}, SolverError, "unbounded"),
    ],
    ids=["infeasible", "unbounded"],
)
def test_whole_numbers_that_have_no_optimum_are_errors(change: dict, error: type[Exception], match: str):
    lp, _ = _knapsack(4)
    with pytest.raises(error, match=match):
        solve_whole_arrays(_changed(lp, **change), np.ones(5, dtype=bool), WholeOptions())
