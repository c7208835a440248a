"""Processor seconds that each method takes for one planning problem, split into what they are spent on.

Processor time, as other work on the machine disturbs it least: both methods run on one thread.
Not here: the problems (`bench_problem.py`), what is printed (`bench_run.py`).
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from optimizer.costs import evaluate
from optimizer.extensive import build_program
from optimizer.partition import PartitionOptions, solve_partition
from optimizer.problem import PlanningProblem
from optimizer.solver import SolverOptions, solve_arrays, solve_program

SOLVER_TOLERANCE = 1e-6  # of the cost: the solver's own feasibility tolerance, summed over many rows
N_BARE_PASSES = 9

Times = TypeVar("Times", "ExtensiveTimes", "PartitionTimes")


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
class PartitionTimes:
    """One solution by the partition method.

    Attributes
    ----------
    build_seconds : float
        All that is neither of the next two: clustering, refining, stating the aggregated programs.
    lp_seconds : float
        Handing the aggregated programs to HiGHS, and HiGHS.
    pass_seconds : float
        Passes over every hour of every scenario, which price an answer.
    n_rounds, n_clusters : int
    upper_usd, lower_usd : float
        Bounds. [USD]
    """

    build_seconds: float
    lp_seconds: float
    pass_seconds: float
    n_rounds: int
    n_clusters: int
    upper_usd: float
    lower_usd: float

    @property
    def solve_seconds(self) -> float:
        """Programs and passes."""
        return self.lp_seconds + self.pass_seconds

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


def measure_partition(problem: PlanningProblem, *, gap_fraction: float, n_runs: int) -> PartitionTimes:
    """Run of median length of the partition method."""
    options = PartitionOptions(gap_fraction=gap_fraction)
    return _median_run(lambda: _run_partition(problem, options), n_runs)


def bare_pass_seconds(problem: PlanningProblem) -> float:
    """Seconds that numpy takes to read all demand once, which no method can do without."""
    seconds = []
    for _ in range(N_BARE_PASSES):
        start = time.process_time()
        problem.demand.sum()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def disagreement(extensive: ExtensiveTimes, partition: PartitionTimes) -> str:
    """What is wrong between the two answers; empty where the optimum lies between the bounds, as it must."""
    slack = SOLVER_TOLERANCE * abs(extensive.cost_usd)
    if partition.lower_usd - slack <= extensive.cost_usd <= partition.upper_usd + slack:
        return ""
    return (
        f"the optimum {extensive.cost_usd!r} USD of the extensive program does not lie between the bounds "
        f"{partition.lower_usd!r} and {partition.upper_usd!r} USD of the partition method."
    )


def _run_extensive(problem: PlanningProblem) -> ExtensiveTimes:
    """Build and solve once."""
    start = time.process_time()
    built = build_program(problem)
    middle = time.process_time()
    solved = solve_program(built.lp, SolverOptions())
    end = time.process_time()
    return ExtensiveTimes(build_seconds=middle - start, solve_seconds=end - middle, cost_usd=solved.objective)


def _run_partition(problem: PlanningProblem, options: PartitionOptions) -> PartitionTimes:
    """Solve once, with a stopwatch on the programs and on the passes."""
    with ExitStack() as stack:
        lp_seconds = stack.enter_context(_stopwatch(solve_arrays))
        pass_seconds = stack.enter_context(_stopwatch(evaluate))
        start = time.process_time()
        found = solve_partition(problem, options)
        total = time.process_time() - start
    if not lp_seconds or not pass_seconds:
        msg = "the partition method no longer calls solve_arrays and evaluate: bench_measure.py must follow it."
        raise RuntimeError(msg)
    return PartitionTimes(
        build_seconds=total - sum(lp_seconds) - sum(pass_seconds),
        lp_seconds=sum(lp_seconds),
        pass_seconds=sum(pass_seconds),
        n_rounds=found.n_rounds,
        n_clusters=found.n_clusters,
        upper_usd=found.upper_bound_usd,
        lower_usd=found.lower_bound_usd,
    )


@contextmanager
def _stopwatch(function: Callable[..., object]) -> Iterator[list[float]]:
    """Collect the seconds of every call of a function of the optimizer, wherever in it the call is made."""
    name, seconds = function.__name__, []

    def timed(*args: object, **kwargs: object) -> object:
        start = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            seconds.append(time.process_time() - start)

    holders = [
        module
        for key, module in list(sys.modules.items())
        if key.startswith("optimizer.") and getattr(module, name, None) is function
    ]
    for module in holders:
        setattr(module, name, timed)
    try:
        yield seconds
    finally:
        for module in holders:
            setattr(module, name, function)


def _median_run(run: Callable[[], Times], n_runs: int) -> Times:
    """Repeat a run; the one of median length (of two in the middle the shorter)."""
    runs = []
    for _ in range(n_runs):
        gc.collect()
        runs.append(run())
    return sorted(runs, key=lambda times: times.total_seconds)[(n_runs - 1) // 2]
