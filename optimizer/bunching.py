"""Many small linear programs that differ in their right-hand side only, solved exactly and together.

The dual simplex method on all of them at once: which variable enters depends on the basis alone, so programs that have
the same basis and lose the same variable stay together ("bunching" [1]_). Not here: what the programs mean.

References
----------
.. [1] R. J.-B. Wets, "Large scale linear programming techniques in stochastic programming", in: Numerical Techniques
   for Stochastic Optimization, Springer, 1988. doi:10.1007/978-3-642-61370-8_3
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.errors import SolverError

PIVOT_TOLERANCE = 1e-9  # of a matrix whose entries are of the order of one
PRIMAL_TOLERANCE = 1e-11  # of the largest right-hand side of a program: what a solver's zero may be below zero
MAX_PIVOTS_PER_PROGRAM = 10_000  # some dozens are usual: a cycle would end here


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bunch:
    """Optima of the programs.

    Attributes
    ----------
    values : FloatArray of shape (n_variables, n_programs)
    duals : FloatArray of shape (n_rows, n_programs)
        Change of the optimum per unit of right-hand side.
    """

    values: FloatArray
    duals: FloatArray


def solve_bunch(cost: FloatArray, matrix: FloatArray, sides: FloatArray, *, basis: IntArray) -> Bunch:
    """Minimize cost @ x over matrix @ x = side and x >= 0, for each side.

    Parameters
    ----------
    cost : FloatArray of shape (n_variables,)
    matrix : FloatArray of shape (n_rows, n_variables)
    sides : FloatArray of shape (n_rows, n_programs)
    basis : IntArray of shape (n_rows,)
        Variables of a basis at which no reduced cost is negative.

    Raises
    ------
    SolverError
        If a program has no feasible point, or the pivots do not end.
    """
    by_program = np.ascontiguousarray(sides.T)  # one program's numbers lie together: gathering is what takes time
    values = np.zeros((len(by_program), len(cost)))
    duals = np.zeros(by_program.shape)
    zero = -PRIMAL_TOLERANCE * np.maximum(np.abs(sides).max(axis=0, initial=0.0), 1.0)
    waiting = {tuple(sorted(basis.tolist())): np.arange(sides.shape[1])}
    for _ in range(MAX_PIVOTS_PER_PROGRAM):
        moved: dict[tuple[int, ...], list[IntArray]] = {}
        for known, programs in waiting.items():
            place = np.array(known)
            inverse = np.linalg.inv(matrix[:, place]).astype(np.float64)
            basic: FloatArray = by_program[programs] @ inverse.T
            row_duals = cost[place] @ inverse
            leaving = _leaving(basic, inverse, zero[programs])
            done = leaving < 0
            if done.any():
                values[np.ix_(programs[done], place)] = np.maximum(basic[done], 0.0)
                duals[programs[done]] = row_duals
            reduced = np.maximum(cost - row_duals @ matrix, 0.0)
            for row in np.flatnonzero(np.bincount(leaving[~done], minlength=0)):
                entering = _entering(inverse[row] @ matrix, reduced, place)
                after = tuple(sorted((*known[:row], *known[row + 1 :], entering)))
                moved.setdefault(after, []).append(programs[leaving == row])
        if not moved:
            return Bunch(values=values.T, duals=duals.T)
        waiting = {after: np.concatenate(parts) for after, parts in moved.items()}
    msg = f"{sides.shape[1]} small programs did not end within {MAX_PIVOTS_PER_PROGRAM} pivots each."
    raise SolverError(msg)


def _leaving(basic: FloatArray, inverse: FloatArray, zero: FloatArray) -> IntArray:
    """Row of the basis that is the furthest below zero, -1 where none is. Shape (n_programs,)."""
    lowest = basic / np.linalg.norm(inverse, axis=1)
    out: IntArray = np.where(basic.min(axis=1) < zero, np.argmin(lowest, axis=1), -1)
    return out


def _entering(row: FloatArray, reduced: FloatArray, basis: IntArray) -> int:
    """Variable that keeps every reduced cost at zero or above when `row` of the tableau leaves."""
    can_enter = row < -PIVOT_TOLERANCE
    can_enter[basis] = False
    if not can_enter.any():
        msg = "a small program has no feasible point."
        raise SolverError(msg)
    ratio = np.full(len(row), np.inf)
    ratio[can_enter] = reduced[can_enter] / -row[can_enter]
    return int(np.argmin(ratio))
