"""The only door to the solver: a readable PuLP program, or the arrays of a large one, solved by HiGHS.

Not here: what the rows and columns mean (`optimizer.program`, and the large-scale method).
"""

from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
import pulp
from scipy import sparse

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.errors import InfeasibleLimitsError, SolverError

SMALLEST_TOLERANCE = 1e-10  # HiGHS refuses anything below
RANDOM_SEED = 0
N_THREADS = 1  # one thread takes the same pivots on every machine

_ANSWERS = (
    highspy.HighsModelStatus.kOptimal,
    highspy.HighsModelStatus.kModelEmpty,
    highspy.HighsModelStatus.kInfeasible,
    highspy.HighsModelStatus.kUnbounded,
    highspy.HighsModelStatus.kTimeLimit,
)
DEVEX = 1  # a step is cheaper than with steepest edge


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverOptions:
    """How HiGHS runs; always on one thread and from one seed, so that the same program gives the same point.

    Attributes
    ----------
    time_limit_seconds : float or None
        Stop after that long, which is an error; None: never.
    feasibility_tolerance : float
        By how much a row or bound may be missed. [its unit]
    optimality_tolerance : float
        By how much a reduced cost may have the wrong sign. [USD per unit]
    method : {"choose", "simplex", "ipm"}
        Algorithm; after the interior point a crossover always ends at a vertex.
    use_presolve : bool
        Whether HiGHS reduces the program first.
    """

    time_limit_seconds: float | None = None
    feasibility_tolerance: float = 1e-7
    optimality_tolerance: float = 1e-7
    method: Literal["choose", "simplex", "ipm"] = "choose"
    use_presolve: bool = True

    def __post_init__(self) -> None:
        """Refuse what HiGHS would ignore in silence."""
        if self.time_limit_seconds is not None and not self.time_limit_seconds > 0:
            msg = f"time_limit_seconds must be > 0, got {self.time_limit_seconds!r}. Use None for no limit."
            raise ValueError(msg)
        for name in ("feasibility_tolerance", "optimality_tolerance"):
            if not SMALLEST_TOLERANCE <= getattr(self, name) < 1.0:
                msg = f"{name} must be in [{SMALLEST_TOLERANCE}, 1), got {getattr(self, name)!r}."
                raise ValueError(msg)
        if self.method not in ("choose", "simplex", "ipm"):
            msg = f"method must be one of ('choose', 'simplex', 'ipm'), got {self.method!r}."
            raise ValueError(msg)

    def by_highs_name(self) -> dict[str, bool | float | int | str]:
        """Return every option under the name HiGHS knows it by."""
        options: dict[str, bool | float | int | str] = {
            "output_flag": False,
            "threads": N_THREADS,
            "random_seed": RANDOM_SEED,
            "solver": self.method,
            "presolve": "on" if self.use_presolve else "off",
            "simplex_dual_edge_weight_strategy": DEVEX,
            "primal_feasibility_tolerance": self.feasibility_tolerance,
            "dual_feasibility_tolerance": self.optimality_tolerance,
        }
        if self.time_limit_seconds is not None:
            options["time_limit"] = float(self.time_limit_seconds)
        return options


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedProgram:
    """Optimum of a PuLP program; the values are on its variables.

    Attributes
    ----------
    objective : float
        Value of the objective, its constant included. [unit of the objective]
    duals : dict of str to float
        Change of the optimum per unit added to the right-hand side, by constraint name.
    """

    objective: float
    duals: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayLp:
    """Minimize cost @ x, with row_lower <= matrix @ x <= row_upper and lower <= x <= upper.

    Attributes
    ----------
    cost, lower, upper : FloatArray of shape (n_columns,)
        Bounds may be infinite.
    matrix : scipy.sparse array of shape (n_rows, n_columns)
    row_lower, row_upper : FloatArray of shape (n_rows,)
        May be infinite.

    Raises
    ------
    ValueError
        If shapes disagree, or a number is nan.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    matrix: Any  # scipy has no types: a csr_array once constructed
    row_lower: FloatArray
    row_upper: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays and check the shapes."""
        matrix = sparse.csr_array(self.matrix, copy=True)
        matrix.sum_duplicates()  # HiGHS refuses an entry that is given twice
        object.__setattr__(self, "matrix", matrix)
        for name in ("cost", "lower", "upper", "row_lower", "row_upper"):
            array = frozen_floats(getattr(self, name))
            object.__setattr__(self, name, array)
            n_expected = self.matrix.shape[0] if name.startswith("row_") else self.matrix.shape[1]
            if array.shape != (n_expected,):
                msg = f"{name} must have shape {(n_expected,)} by the matrix, got {array.shape}."
                raise ValueError(msg)
            if np.any(np.isnan(array)):
                msg = f"{name} must not be nan, got nan at index {int(np.argmax(np.isnan(array)))}."
                raise ValueError(msg)
        if not np.all(np.isfinite(self.matrix.data)):
            msg = "matrix must be finite."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArraySolution:
    """Optimum of an `ArrayLp`.

    Attributes
    ----------
    values : FloatArray of shape (n_columns,)
    objective : float
    row_duals : FloatArray of shape (n_rows,)
        Change of the optimum per unit added to the binding side of the row.
    reduced_costs : FloatArray of shape (n_columns,)
        Change of the optimum per unit added to the binding bound of the column.
    """

    values: FloatArray
    objective: float
    row_duals: FloatArray
    reduced_costs: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("values", "row_duals", "reduced_costs"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def solve_arrays(lp: ArrayLp, options: SolverOptions) -> ArraySolution:
    """Optimum of a program given as arrays.

    Raises
    ------
    InfeasibleLimitsError
        If no point keeps every row.
    SolverError
        If the program is unbounded, or HiGHS stopped before the optimum.
    """
    return GrowingProgram(lp, options).solve()


class GrowingProgram:
    """A program that rows are added to, solved again from where it stood.

    Parameters
    ----------
    lp : ArrayLp
    options : SolverOptions

    Raises
    ------
    SolverError
        If HiGHS refuses it.
    """

    def __init__(self, lp: ArrayLp, options: SolverOptions) -> None:
        self._options = options
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy leaves its constructor untyped
        for name, value in options.by_highs_name().items():
            if self._highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                msg = f"HiGHS refused the option {name} = {value!r}."
                raise SolverError(msg)
        n_rows, n_columns = lp.matrix.shape
        passed = self._highs.passModel(
            n_columns,
            n_rows,
            lp.matrix.nnz,
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            lp.cost,
            lp.lower,
            lp.upper,
            lp.row_lower,
            lp.row_upper,
            lp.matrix.indptr.astype(np.int32),
            lp.matrix.indices.astype(np.int32),
            lp.matrix.data.astype(np.float64),
            np.zeros(n_columns, dtype=np.int32),
        )
        if passed == highspy.HighsStatus.kError:
            msg = f"HiGHS refused a program of {n_rows} rows and {n_columns} columns."
            raise SolverError(msg)

    def add_rows(self, matrix: Any, lower: FloatArray) -> None:
        """Add rows lower <= matrix @ x.

        Parameters
        ----------
        matrix : scipy.sparse array of shape (n_new_rows, n_columns)
        lower : FloatArray of shape (n_new_rows,)
        """
        matrix = sparse.csr_array(matrix)
        added = self._highs.addRows(
            matrix.shape[0],
            lower,
            np.full(matrix.shape[0], np.inf),
            matrix.nnz,
            matrix.indptr.astype(np.int32),
            matrix.indices.astype(np.int32),
            matrix.data.astype(np.float64),
        )
        if added == highspy.HighsStatus.kError:
            msg = f"HiGHS refused {matrix.shape[0]} more rows."
            raise SolverError(msg)

    def set_upper(self, row: int, upper: float) -> None:
        """Change the upper side of a row that has no lower one."""
        if self._highs.changeRowBounds(row, -np.inf, upper) == highspy.HighsStatus.kError:
            msg = f"HiGHS refused {upper!r} as the upper side of row {row}."
            raise SolverError(msg)

    def solve(self) -> ArraySolution:
        """Optimum of the program as it stands.

        Raises
        ------
        InfeasibleLimitsError
            If no point keeps every row.
        SolverError
            If the program is unbounded, or HiGHS stopped before the optimum.
        """
        highs = self._highs
        highs.run()
        if highs.getModelStatus() not in _ANSWERS and not self._options.use_presolve:
            highs.setOptionValue("presolve", "on")  # a program too degenerate as it stands is solved once reduced
            highs.clearSolver()
            highs.run()
            highs.setOptionValue("presolve", "off")
        _require_optimum(highs, self._options)
        solution = highs.getSolution()
        return ArraySolution(
            values=np.array(solution.col_value),
            objective=float(highs.getObjectiveValue()),
            row_duals=np.array(solution.row_dual),
            reduced_costs=np.array(solution.col_dual),
        )


def solve_program(program: pulp.LpProblem, options: SolverOptions) -> SolvedProgram:
    """Optimum of a PuLP program, whose variables then carry their values.

    Raises
    ------
    InfeasibleLimitsError
        If no point keeps every constraint.
    SolverError
        If the program is unbounded, or HiGHS stopped before the optimum.
    """
    highs_options = {name: value for name, value in options.by_highs_name().items() if name != "output_flag"}
    program.solve(pulp.HiGHS(msg=False, **highs_options))
    _require_optimum(program.solverModel, options)
    if program.status != pulp.LpStatusOptimal or program.sol_status != pulp.LpSolutionOptimal:
        msg = f"PuLP reports {pulp.LpStatus[program.status]} / {pulp.LpSolution[program.sol_status]}, not an optimum."
        raise SolverError(msg)
    sign = -1.0 if program.sense == pulp.LpMaximize else 1.0  # PuLP hands HiGHS the negated objective to minimize
    return SolvedProgram(
        objective=float(pulp.value(program.objective)),
        duals={constraint.name: sign * float(constraint.pi) for constraint in program.constraints()},
    )


def _require_optimum(highs: Any, options: SolverOptions) -> None:
    """Raise unless HiGHS ended at an optimum, and say which of the three ways it failed."""
    status = highs.getModelStatus()
    if status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty):
        return
    if status == highspy.HighsModelStatus.kInfeasible:
        msg = "the limits cannot all be met: no purchase keeps every one of them."
        raise InfeasibleLimitsError(msg)
    if status == highspy.HighsModelStatus.kUnbounded:
        msg = "the program is unbounded: something can be bought without end at a cost below zero. Check the prices."
        raise SolverError(msg)
    if status == highspy.HighsModelStatus.kTimeLimit:
        msg = f"the solver stopped at its time limit of {options.time_limit_seconds} s, before the optimum. Raise it."
        raise SolverError(msg)
    msg = f"the solver stopped before the optimum: {highs.modelStatusToString(status)}."
    raise SolverError(msg)
