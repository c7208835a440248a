"""The only door to the solver: a readable PuLP program, or the arrays of a large one, solved by HiGHS.

Not here: what the rows and columns mean (`optimizer.program`, and the large-scale method).
"""

from dataclasses import dataclass
from typing import Any, Literal

import highspy
import numpy as np
import pulp
from scipy import sparse

from forecasting.arrays import BoolArray, FloatArray, frozen_floats
from optimizer.array_program import ArrayLp, ArraySolution
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
WHOLE_TOLERANCE = 1e-9  # of a whole number: at HiGHS's own 1e-6 a search gains by missing many of them a little
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
        self._highs = _loaded(lp, options.by_highs_name(), is_whole=np.zeros(len(lp.cost), dtype=bool))

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeOptions:
    """When the search over whole numbers ends; by nodes, never by time, so that it ends alike on every machine.

    Attributes
    ----------
    gap_fraction : float
        Distance of answer and bound, as a part of the answer, that is good enough.
    max_nodes : int or None
        Nodes of the search tree after which the best answer so far is taken; None: never.
    """

    gap_fraction: float = 0.0
    max_nodes: int | None = None

    def by_highs_name(self) -> dict[str, bool | float | int | str]:
        """Return every option under the name HiGHS knows it by."""
        options = SolverOptions(feasibility_tolerance=WHOLE_TOLERANCE).by_highs_name() | {
            "mip_rel_gap": self.gap_fraction,
            "mip_abs_gap": 0.0,
            "mip_feasibility_tolerance": WHOLE_TOLERANCE,
        }
        return options if self.max_nodes is None else options | {"mip_max_nodes": self.max_nodes}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeAnswer:
    """Best answer found in whole numbers, and what none costs less than.

    Attributes
    ----------
    values : FloatArray of shape (n_columns,)
    objective, bound : float
        [unit of the objective]
    """

    values: FloatArray
    objective: float
    bound: float

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "values", frozen_floats(self.values))


def solve_whole_arrays(lp: ArrayLp, is_whole: BoolArray, options: WholeOptions) -> WholeAnswer:
    """Optimum of a program given as arrays, where some of its variables are whole numbers.

    Parameters
    ----------
    lp : ArrayLp
    is_whole : BoolArray of shape (n_columns,)
    options : WholeOptions

    Raises
    ------
    InfeasibleLimitsError
        If no point keeps every row.
    SolverError
        If the program is unbounded, or the search ended before it had found any answer.
    """
    highs = _loaded(lp, options.by_highs_name(), is_whole=is_whole)
    highs.run()
    return _whole_answer(highs, has_whole=bool(is_whole.any()))


def solve_whole_program(program: pulp.LpProblem, options: WholeOptions) -> WholeAnswer:
    """Optimum of a PuLP program that minimizes, some of its variables integer; they then carry their values.

    Raises
    ------
    InfeasibleLimitsError, SolverError
        As `solve_whole_arrays`.
    """
    named = {name: value for name, value in options.by_highs_name().items() if name != "output_flag"}
    door = pulp.HiGHS(msg=False, **named)
    door.createAndConfigureSolver(program)
    door.buildSolverModel(program)
    door.callSolver(program)  # PuLP knows no status for a search that ends at a node: it is read here
    variables = program.variables()
    has_whole = any(variable.cat == pulp.LpInteger for variable in variables)
    found = _whole_answer(program.solverModel, has_whole=has_whole)
    for variable, value in zip(variables, found.values.tolist(), strict=True):
        variable.varValue = value
    constant = float(program.objective.constant)  # PuLP keeps it to itself
    return WholeAnswer(values=found.values, objective=found.objective + constant, bound=found.bound + constant)


def _whole_answer(highs: Any, *, has_whole: bool) -> WholeAnswer:
    """Read the best answer and the bound."""
    solution, info = highs.getSolution(), highs.getInfo()
    if highs.getModelStatus() != highspy.HighsModelStatus.kSolutionLimit or not solution.value_valid:
        _require_optimum(highs, SolverOptions())
    objective = float(highs.getObjectiveValue())
    bound = float(info.mip_dual_bound) if has_whole else objective
    return WholeAnswer(values=np.array(solution.col_value), objective=objective, bound=min(bound, objective))


def _loaded(lp: ArrayLp, options: dict[str, bool | float | int | str], *, is_whole: BoolArray) -> Any:
    """HiGHS with its options and the program."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy leaves its constructor untyped
    for name, value in options.items():
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            msg = f"HiGHS refused the option {name} = {value!r}."
            raise SolverError(msg)
    n_rows, n_columns = lp.matrix.shape
    passed = highs.passModel(
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
        is_whole.astype(np.int32),  # 0 and 1 are HiGHS's continuous and integer
    )
    if passed == highspy.HighsStatus.kError:
        msg = f"HiGHS refused a program of {n_rows} rows and {n_columns} columns."
        raise SolverError(msg)
    return highs


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
