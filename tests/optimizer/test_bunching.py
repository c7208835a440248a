import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import linprog

from optimizer.bunching import solve_bunch
from optimizer.errors import SolverError


@given(seed=st.integers(0, 10**6))
def test_agrees_with_solving_each_program_alone(seed: int):
    rng = np.random.default_rng(seed)
    n_rows, n_free = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    # slack first: with costs >= 0 its basis has no negative reduced cost; the last columns make every side reachable
    matrix = np.hstack([np.eye(n_rows), rng.uniform(-1.0, 1.0, (n_rows, n_free)), -np.eye(n_rows)])
    cost = np.concatenate([np.zeros(n_rows), rng.uniform(0.1, 1.0, n_free + n_rows)])
    sides = rng.uniform(-3.0, 3.0, (n_rows, 9))
    found = solve_bunch(cost, matrix, sides, basis=np.arange(n_rows))
    for place, side in enumerate(sides.T):
        alone = linprog(cost, A_eq=matrix, b_eq=side)
        assert_allclose(cost @ found.values[:, place], alone.fun, atol=1e-8)
        assert_allclose(found.duals[:, place] @ side, alone.fun, atol=1e-8)
    assert_allclose(matrix @ found.values, sides, atol=1e-8)
    assert np.all(found.values >= 0.0)
    assert np.all(cost[:, None] - matrix.T @ found.duals >= -1e-9)


def test_a_program_without_a_feasible_point_is_an_error():
    with pytest.raises(SolverError, match="no feasible point"):
        solve_bunch(np.zeros(1), np.eye(1), np.array([[1.0, -1.0]]), basis=np.array([0]))
