"""The benchmark at scale: many pools, scenarios and dates, by the method that a plan would take.

Wall-clock seconds on all cores, as goals at scale are stated in them, with processor seconds beside them, which other
work on the machine disturbs less. `print_reference` times the extensive program on one of the problems, in a process
of its own that is ended after an hour. Not here: the comparison of methods at small sizes (`bench_run.py`).
"""

import gc
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bench_measure import bare_pass_seconds
from bench_problem import (
    PLAN_FRACTION,
    RESERVED_FRACTION,
    SEED,
    START_HOUR,
    Size,
    demand_units,
    synthetic_problem,
    trace_problem,
)

from forecasting.scenarios import Scenarios
from optimizer.assembly import Market, assemble
from optimizer.calendar_dates import Timeline
from optimizer.cutting_planes import CutOptions, CutSolution, solve_cuts
from optimizer.extensive import solve_extensive
from optimizer.first_order import solve_first_order, suits_first_order
from optimizer.limits import Limits
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import pool_table
from optimizer.problem import PlanningProblem
from optimizer.smooth_cost import SmoothCost
from optimizer.solver import SolverOptions
from optimizer.sweep import Sweeper

ONE_DATE = Size(n_scenarios=1, n_hours=8_760, n_pools=300, n_dates=1)
MANY_DATES = Size(n_scenarios=10, n_hours=17_520, n_pools=10, n_dates=8)
LARGEST = Size(n_scenarios=50, n_hours=8_760, n_pools=300, n_dates=4)
WARM_UP = Size(n_scenarios=2, n_hours=480, n_pools=20, n_dates=2)
STRANDED_FRACTION = 0.01
SHORT_MONTHS, SHORT_EXTRA = 6, 0.05  # a second term of every offer, and what it costs more of the on-demand price
GROWTH_BASE = Size(n_scenarios=2, n_hours=8_760, n_pools=100, n_dates=2)
GROWTH = (
    ("n_hours", (2_190, 4_380, 8_760, 17_520)),
    ("n_scenarios", (1, 2, 4, 8)),
    ("n_pools", (25, 50, 100, 200)),
)
REFERENCE_SECONDS = 3_600.0
Method = Callable[[PlanningProblem, CutOptions], CutSolution]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleRow:
    """One problem, solved once.

    Attributes
    ----------
    label, method : str
    n_cells : int
        Numbers of demand.
    wall_seconds, processor_seconds : float
    bare_pass_seconds : float
        Reading the demand once.
    n_passes : int
        Over the hours, smoothed and exact; early stages take every few hours only.
    gap_wanted, gap_fraction : float
    upper_usd, lower_usd : float
    peak_gigabytes : float
        Of the process so far.
    """

    label: str
    method: str
    n_cells: int
    wall_seconds: float
    processor_seconds: float
    bare_pass_seconds: float
    n_passes: int
    gap_wanted: float
    gap_fraction: float
    upper_usd: float
    lower_usd: float
    peak_gigabytes: float


def measure_scale(trace: Path | None, gap: float | None) -> list[ScaleRow]:
    """All problems, the smallest first; `gap` in place of the gap of each."""
    given = trace_problem(trace) if trace is not None else None  # a wrong path must not wait
    _warm_up()
    rows = []
    if given is not None:
        rows.append(_row("trace r1, a year, 10 pools, one date", given, gap=gap or 1e-6))
    rows.append(_row(f"{ONE_DATE.label}, 2 offers", synthetic_problem(ONE_DATE), gap=gap or 1e-4))
    many = synthetic_problem(MANY_DATES)
    rows.append(_row(f"{MANY_DATES.label}, 2 offers", many, gap=gap or 1e-4))
    rows.append(_row(f"{MANY_DATES.label}, 2 offers", many, gap=gap or 1e-4, method=solve_first_order))
    rows.append(_row(f"{LARGEST.label}, 4 offers, stranded limit", limited_problem(LARGEST), gap=gap or 1e-3))
    return rows


def measure_scale_growth(gap: float | None) -> dict[str, list[ScaleRow]]:
    """Rows of each side, the others as in the base size."""
    _warm_up()
    found = {}
    for side, values in GROWTH:
        sizes = [replace(GROWTH_BASE, **{side: value}) for value in values]
        found[side] = [
            _row(size.label, synthetic_problem(size), gap=gap or 1e-4, method=solve_first_order) for size in sizes
        ]
    return found


def print_scale(rows: Sequence[ScaleRow]) -> None:
    """Seconds, gap and memory."""
    print(
        "| scenarios x hours x pools x dates | method | wall s | processor s | passes | / (one pass x passes) |", end=""
    )
    print(" gap (asked) | GB |\n|---|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        ratio = row.processor_seconds / (row.bare_pass_seconds * row.n_passes)
        print(
            f"| {row.label} | {row.method} | {row.wall_seconds:.2f} | {row.processor_seconds:.2f} | {row.n_passes} | "
            f"{ratio:.0f} | {row.gap_fraction:.1e} ({row.gap_wanted:.0e}) | {row.peak_gigabytes:.1f} |"
        )


def print_scale_growth(found: dict[str, list[ScaleRow]]) -> None:
    """Rows of each side and the slope of log processor seconds over log size."""
    for side, rows in found.items():
        print_scale(rows)
        sizes = [row.n_cells for row in rows]
        slope = np.polyfit(np.log(sizes), np.log([row.processor_seconds for row in rows]), 1)[0]
        print(f"\nprocessor seconds grow as {side.removeprefix('n_')} to the power of {slope:.2f}\n")


def print_reference() -> None:
    """Time the extensive program on the problem of many dates."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run_reference)
    start = time.perf_counter()
    process.start()
    process.join(REFERENCE_SECONDS)
    is_late = process.is_alive()
    if is_late:
        process.terminate()
        process.join()
    seconds = time.perf_counter() - start
    end = "stopped at the time limit" if is_late else f"ended with code {process.exitcode}"
    print(f"extensive program, {MANY_DATES.label}: {seconds:.0f} s, {end}")


def limited_problem(size: Size) -> PlanningProblem:
    """Problem with a reservation and a plan for two terms each, and a limit on expected stranded value."""
    names = tuple(f"pool{pool:04d}" for pool in range(size.n_pools))
    end_hour = START_HOUR + size.n_hours
    scenarios = Scenarios(
        pools=names,
        hours=START_HOUR + np.arange(size.n_hours),
        hour_weights=np.ones(size.n_hours),
        weights=np.full(size.n_scenarios, 1.0 / size.n_scenarios),
        units=demand_units(size),
    )
    on_demand_usd = 0.05 * np.random.default_rng(SEED).integers(1, 21, size.n_pools)
    offers = []
    for months, extra in ((12, 0.0), (SHORT_MONTHS, SHORT_EXTRA)):
        rate = (RESERVED_FRACTION + extra) * on_demand_usd
        offers += [
            _offer(f"reserved{months}:{name}", OfferKind.RESERVED_STANDARD, (name,), months, np.ones(1), rate[pool])
            for pool, name in enumerate(names)
        ]
        card = (PLAN_FRACTION + extra) * on_demand_usd
        offers.append(_offer(f"plan{months}", OfferKind.COMPUTE_SAVINGS_PLAN, names, months, card, 1.0))
    catalog = Catalog(
        pools=names, on_demand_usd=on_demand_usd, spot_usd=np.full(size.n_pools, np.nan), offers=tuple(offers)
    )
    market = Market(catalog=catalog, pools=pool_table(names), commitments=(), terms_months=(12, SHORT_MONTHS))
    timeline = Timeline(
        decision_hours=START_HOUR + np.arange(size.n_dates) * size.n_hours // size.n_dates,
        tail_hours=np.zeros(0, dtype=np.int64),
        start_hour=START_HOUR,
        end_hour=end_hour,
        valued_end_hour=end_hour,
    )
    found = assemble(scenarios, market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False)
    limits = Limits(stranded_expected_fraction=STRANDED_FRACTION, owned_stranded_usd=np.zeros(size.n_scenarios))
    return replace(found.problem, limits=limits)


def _offer(
    offer_id: str, kind: OfferKind, pools: tuple[str, ...], term_months: int, draw: np.ndarray, hourly_usd: float
) -> Offer:
    """Offer with nothing upfront."""
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider="synthetic",
        region="here",
        pools=pools,
        draw=draw,
        hourly_usd=float(hourly_usd),
        upfront_usd=0.0,
        term_months=term_months,
        payment_option="none",
    )


def _warm_up() -> None:
    """Compile before the clock starts."""
    for problem in (limited_problem(WARM_UP), synthetic_problem(WARM_UP)):
        solve_first_order(problem, CutOptions(gap_fraction=1e-2))
        solve_cuts(problem, CutOptions(gap_fraction=1e-2))


def _row(label: str, problem: PlanningProblem, *, gap: float, method: Method | None = None) -> ScaleRow:
    """Solve once by the method that a plan takes, or the one given."""
    print(f"timing {label}", file=sys.stderr, flush=True)
    chosen = method or (solve_first_order if suits_first_order(problem) else solve_cuts)
    bare = bare_pass_seconds(problem)
    gc.collect()
    with _counted(SmoothCost, "_pass") as smoothed, _counted(Sweeper, "__call__") as exact:
        wall, processor = time.perf_counter(), time.process_time()
        found = chosen(problem, CutOptions(gap_fraction=gap))
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return ScaleRow(
        label=label,
        method="first-order" if chosen is solve_first_order else "cuts",
        n_cells=problem.demand.size,
        wall_seconds=wall,
        processor_seconds=processor,
        bare_pass_seconds=bare,
        n_passes=len(smoothed) + len(exact),
        gap_wanted=gap,
        gap_fraction=found.gap_fraction,
        upper_usd=found.upper_bound_usd,
        lower_usd=found.lower_bound_usd,
        peak_gigabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    )


@contextmanager
def _counted(holder: type, name: str) -> Iterator[list[None]]:
    """Collect one entry for each call of a method."""
    method: Callable[..., object] = getattr(holder, name)
    calls: list[None] = []

    def counted(*args: object, **kwargs: object) -> object:
        calls.append(None)
        return method(*args, **kwargs)

    setattr(holder, name, counted)
    try:
        yield calls
    finally:
        setattr(holder, name, method)


def _run_reference() -> None:
    """Solve the reference, and tell its optimum."""
    problem = synthetic_problem(MANY_DATES)
    start = time.perf_counter()
    found = solve_extensive(problem, SolverOptions())
    print(f"optimum {found.objective_usd!r} USD in {time.perf_counter() - start:.0f} s", flush=True)
