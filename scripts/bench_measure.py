"""Processor seconds that each method takes for one planning problem, split into what they are spent on.

Processor time, as other work on the machine disturbs it least: both methods are held to one thread.
Not here: the problems (`bench_problem.py`), what is printed (`bench_run.py`).
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numba
from bench_problem import Size, synthetic_problem

from optimizer.cut_program import CutProgram
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.extensive import build_program
from optimizer.problem import PlanningProblem
from optimizer.solver import SolverOptions, solve_program
from optimizer.sweep import Sweeper

SOLVER_TOLERANCE = 1e-6  # of the cost: the solver's own feasibility tolerance, summed over many rows
N_BARE_PASSES = 9
WARM_UP = Size(n_scenarios=1, n_hours=48, n_pools=2, n_dates=1)

Times = TypeVar("Times", "ExtensiveTimes", "CutTimes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensiveTimes:
    """One solution by the extensive program.

    Attributes
    ----------
    build_seconds : float
        Stating the program in PuLP.
    solve_seconds : float
        Handing it to HiGHS, and HiGHS.
    cost_usd : float
        Optimum. [USD]
    """

    build_seconds: float
    solve_seconds: float
    cost_usd: float

    @property
    def total_seconds(self) -> float:
        """Build and solve."""
        return self.build_seconds + self.solve_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTimes:
    """One solution by the cutting planes.

    Attributes
    ----------
    build_seconds : float
        Until the first program is solved, without the pass made before it: classes, tables, variables, limits.
    lp_seconds : float
        Handing the programs to HiGHS, and HiGHS.
    pass_seconds : float
        Passes over every hour of every scenario, which price an answer and bound all others.
    rest_seconds : float
        What is left of the rounds: stating the bounds, comparing choices with the limits.
    n_rounds : int
    upper_usd, lower_usd : float
        Bounds. [USD]
    """

    build_seconds: float
    lp_seconds: float
    pass_seconds: float
    rest_seconds: float
    n_rounds: int
    upper_usd: float
    lower_usd: float

    @property
    def solve_seconds(self) -> float:
        """Programs, passes and the rest of the rounds."""
        return self.lp_seconds + self.pass_seconds + self.rest_seconds

    @property
    def total_seconds(self) -> float:
        """Build and solve."""
        return self.build_seconds + self.solve_seconds

    @property
    def gap_fraction(self) -> float:
        """(upper - lower) / upper."""
        return (self.upper_usd - self.lower_usd) / self.upper_usd


def measure_extensive(problem: PlanningProblem, *, n_runs: int) -> ExtensiveTimes:
    """Run of median length of the extensive program."""
    return _median_run(lambda: _run_extensive(problem), n_runs)


def measure_cuts(problem: PlanningProblem, *, gap_fraction: float, n_runs: int) -> CutTimes:
    """Run of median length of the cutting planes."""
    options = CutOptions(gap_fraction=gap_fraction)
    solve_cuts(synthetic_problem(WARM_UP), options)  # the first pass of a process compiles: that is not timed
    return _median_run(lambda: _run_cuts(problem, options), n_runs)


def bare_pass_seconds(problem: PlanningProblem) -> float:
    """Seconds that numpy takes to read all demand once, which no method can do without."""
    seconds = []
    for _ in range(N_BARE_PASSES):
        start = time.process_time()
        problem.demand.sum()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def disagreement(extensive: ExtensiveTimes, cuts: CutTimes) -> str:
    """What is wrong between the two answers; empty where the optimum lies between the bounds, as it must."""
    slack = SOLVER_TOLERANCE * abs(extensive.cost_usd)
    if cuts.lower_usd - slack <= extensive.cost_usd <= cuts.upper_usd + slack:
        return ""
    return (
        f"the optimum {extensive.cost_usd!r} USD of the extensive program does not lie between the bounds "
        f"{cuts.lower_usd!r} and {cuts.upper_usd!r} USD of the cutting planes."
    )


def _run_extensive(problem: PlanningProblem) -> ExtensiveTimes:
    """Build and solve once."""
    start = time.process_time()
    built = build_program(problem)
    middle = time.process_time()
    solved = solve_program(built.lp, SolverOptions())
    end = time.process_time()
    return ExtensiveTimes(build_seconds=middle - start, solve_seconds=end - middle, cost_usd=solved.objective)


def _run_cuts(problem: PlanningProblem, options: CutOptions) -> CutTimes:
    """Solve once, with a stopwatch on the programs and on the passes."""
    with ExitStack() as stack:
        stack.enter_context(_one_thread())
        programs = stack.enter_context(_stopwatch(CutProgram, "solve"))
        passes = stack.enter_context(_stopwatch(Sweeper, "__call__"))
        start = time.process_time()
        found = solve_cuts(problem, options)
        end = time.process_time()
    if not programs or not passes:
        msg = "the cutting planes no longer call CutProgram.solve and Sweeper: bench_measure.py must follow them."
        raise RuntimeError(msg)
    first = programs[0][0]
    build_seconds = first - start - sum(after - before for before, after in passes if after <= first)
    lp_seconds, pass_seconds = (sum(after - before for before, after in calls) for calls in (programs, passes))
    return CutTimes(
        build_seconds=build_seconds,
        lp_seconds=lp_seconds,
        pass_seconds=pass_seconds,
        rest_seconds=end - start - build_seconds - lp_seconds - pass_seconds,
        n_rounds=found.n_rounds,
        upper_usd=found.upper_bound_usd,
        lower_usd=found.lower_bound_usd,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold the compiled passes to one thread."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


@contextmanager
def _stopwatch(holder: type, name: str) -> Iterator[list[tuple[float, float]]]:
    """Collect the processor time before and after every call of a method."""
    method: Callable[..., object] = getattr(holder, name)
    calls: list[tuple[float, float]] = []

    def timed(*args: object, **kwargs: object) -> object:
        start = time.process_time()
        try:
            return method(*args, **kwargs)
        finally:
            calls.append((start, time.process_time()))

    setattr(holder, name, timed)
    try:
        yield calls
    finally:
        setattr(holder, name, method)


def _median_run(run: Callable[[], Times], n_runs: int) -> Times:
    """Repeat a run; the one of median length (of two in the middle the shorter)."""
    runs = []
    for _ in range(n_runs):
        gc.collect()
        runs.append(run())
    return sorted(runs, key=lambda times: times.total_seconds)[(n_runs - 1) // 2]
