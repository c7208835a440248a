"""The benchmark: both methods at three sizes, the cutting planes at full scale, and how its time grows.

`python scripts/bench_run.py [--growth | --billing | --scale | --scale-growth | --reference] [--trace DIR]
[--gap FRACTION] [--json FILE]` prints tables. Times depend on the machine; what counts is the ratios within one run.
Exit code 1 where the methods disagree, 2 where an option or a file is wrong; never for being slow.
Not here: the problems (`bench_problem.py`), timing (`bench_measure.py`), the billing replay (`bench_billing.py`), many
pools (`bench_scale.py`).
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from bench_billing import measure_billing, print_billing
from bench_measure import (
    CutTimes,
    ExtensiveTimes,
    bare_pass_seconds,
    disagreement,
    measure_cuts,
    measure_extensive,
)
from bench_problem import SEED, Size, synthetic_problem, trace_problem
from bench_scale import ScaleRow, measure_scale, measure_scale_growth, print_reference, print_scale, print_scale_growth

from forecasting.errors import ForecastingError
from optimizer.problem import PlanningProblem

GAP_FRACTION = 1e-4
FULL_GAP_FRACTION = 1e-3
SIZES = (  # with the number of runs, of which the median counts
    (Size(n_scenarios=1, n_hours=720, n_pools=4, n_dates=1), 5),
    (Size(n_scenarios=1, n_hours=8_760, n_pools=6, n_dates=2), 1),
    (Size(n_scenarios=4, n_hours=4_380, n_pools=4, n_dates=2), 1),
)
FULL = Size(n_scenarios=40, n_hours=8_760, n_pools=12, n_dates=4)
GROWTH_BASE = Size(n_scenarios=4, n_hours=4_380, n_pools=4, n_dates=2)
GROWTH = (
    ("n_hours", (1_095, 2_190, 4_380, 8_760, 17_520)),
    ("n_scenarios", (2, 4, 8, 16, 32)),
    ("n_pools", (2, 4, 6, 8, 10)),
)
GROWTH_RUNS = 3
PACKAGES = ("numpy", "scipy", "pulp", "highspy", "numba")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured on one problem.

    Attributes
    ----------
    label : str
    n_cells : int
        Numbers of demand.
    n_runs : int
    gap_fraction : float
        Gap that the cutting planes were asked for.
    bare_pass_seconds : float
        Reading the demand once.
    extensive : ExtensiveTimes or None
        None where it is too large for it.
    cuts : CutTimes
    """

    label: str
    n_cells: int
    n_runs: int
    gap_fraction: float
    bare_pass_seconds: float
    extensive: ExtensiveTimes | None
    cuts: CutTimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the time of the cutting planes grows along one side of the problem.

    Attributes
    ----------
    side : str
        Field of `Size`.
    values : tuple of int
    rows : tuple of Row
        One for each value.
    """

    side: str
    values: tuple[int, ...]
    rows: tuple[Row, ...]

    def exponent(self, part: str) -> float:
        """Slope of log seconds over log size, by least squares; `part` is a field of `CutTimes`."""
        seconds = [getattr(row.cuts, part) for row in self.rows]
        return float(np.polyfit(np.log(self.values), np.log(seconds), 1)[0])


def main(arguments: Sequence[str]) -> int:
    """Run the command; 0 when the methods agree."""
    options = _parser().parse_args(arguments)
    if options.json is not None and not options.json.parent.is_dir():
        _say(f"--json: {options.json.parent} is no directory.")
        return 2
    if options.billing:
        print_billing(measure_billing())
        return 0
    if options.scale or options.scale_growth or options.reference:
        return _at_scale(options)
    if options.growth:
        growth = [_growth(side, values, options.gap) for side, values in GROWTH]
        _print_growth(growth)
        rows = [row for each in growth for row in each.rows]
    else:
        try:
            rows = _measure_rows(options.trace, options.gap)
        except (ForecastingError, OSError) as error:
            _say(f"--trace: {error}")
            return 2
        _print_seconds(rows)
        _print_ratios(rows)
    if options.json is not None:
        options.json.write_text(json.dumps(_record(rows), indent=1) + "\n", encoding="utf-8")
    wrong = [f"{row.label}: {text}" for row in rows if (text := _disagreement(row))]
    for text in wrong:
        _say(text)
    return 1 if wrong else 0


def _at_scale(options: argparse.Namespace) -> int:
    """Many pools, their growth, or the reference; 1 where a gap asked for is not reached."""
    if options.reference:
        print_reference()
        return 0
    if options.scale_growth:
        growth = measure_scale_growth(options.gap)
        print_scale_growth(growth)
        rows = [row for each in growth.values() for row in each]
    else:
        try:
            rows = measure_scale(options.trace, options.gap)
        except (ForecastingError, OSError) as error:
            _say(f"--trace: {error}")
            return 2
        print_scale(rows)
    if options.json is not None:
        options.json.write_text(json.dumps(_record(rows), indent=1) + "\n", encoding="utf-8")
    return 1 if any(row.gap_fraction > row.gap_wanted for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog="./scripts/bench", description="Times both methods of solution.")
    parser.add_argument("--growth", action="store_true", help="how time grows, in place of the three sizes")
    parser.add_argument("--billing", action="store_true", help="the billing replay, in place of the methods")
    parser.add_argument("--scale", action="store_true", help="300 pools and more, in place of the three sizes")
    parser.add_argument("--scale-growth", action="store_true", help="how time grows from 25 pools on")
    parser.add_argument("--reference", action="store_true", help="the extensive program at scale; ends after an hour")
    parser.add_argument("--trace", type=Path, metavar="DIR", help="folder of usage_r1.parquet and prices_r1.csv")
    parser.add_argument("--gap", type=_gap, metavar="FRACTION", help="gap of the cutting planes, at every size")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser


def _gap(text: str) -> float:
    """Fraction above 0 and below 1."""
    value = float(text)
    if not 0.0 < value < 1.0:
        msg = f"must be in (0, 1), got {text!r}."
        raise argparse.ArgumentTypeError(msg)
    return value


def _measure_rows(trace: Path | None, gap: float | None) -> list[Row]:
    """All rows of the two main tables."""
    given = trace_problem(trace) if trace is not None else None  # a wrong path must not wait for minutes
    small = gap or GAP_FRACTION
    rows = [_row(size.label, synthetic_problem(size), gap=small, n_runs=n_runs) for size, n_runs in SIZES]
    if given is not None:
        rows.append(_row("trace r1, a year, one date", given, gap=small, n_runs=1))
    full = _row(FULL.label, synthetic_problem(FULL), gap=gap or FULL_GAP_FRACTION, n_runs=1, is_extensive=False)
    return [*rows, full]


def _row(label: str, problem: PlanningProblem, *, gap: float, n_runs: int, is_extensive: bool = True) -> Row:
    """Measure one problem."""
    _say(f"timing {label}")
    return Row(
        label=label,
        n_cells=problem.demand.size,
        n_runs=n_runs,
        gap_fraction=gap,
        bare_pass_seconds=bare_pass_seconds(problem),
        cuts=measure_cuts(problem, gap_fraction=gap, n_runs=n_runs),
        extensive=measure_extensive(problem, n_runs=n_runs) if is_extensive else None,
    )


def _growth(side: str, values: tuple[int, ...], gap: float | None) -> Growth:
    """Measure the base size with one side varied."""
    sizes = [replace(GROWTH_BASE, **{side: value}) for value in values]
    rows = [
        _row(size.label, synthetic_problem(size), gap=gap or GAP_FRACTION, n_runs=GROWTH_RUNS, is_extensive=False)
        for size in sizes
    ]
    return Growth(side=side, values=values, rows=tuple(rows))


def _disagreement(row: Row) -> str:
    """What is wrong with a row; empty where nothing is."""
    if row.extensive is not None and (text := disagreement(row.extensive, row.cuts)):
        return text
    if row.cuts.gap_fraction > row.gap_fraction:
        return f"the cutting planes stopped at a gap of {row.cuts.gap_fraction:.1e}."
    return ""


def _print_seconds(rows: Sequence[Row]) -> None:
    """Seconds of both methods."""
    head = (
        "scenarios x hours x pools x dates",
        "extensive: build",
        "solve",
        "cuts: build",
        "programs",
        "passes",
        "rest",
    )
    lines = []
    for row in rows:
        extensive = (row.extensive.build_seconds, row.extensive.solve_seconds) if row.extensive else (None, None)
        parts = (row.cuts.build_seconds, row.cuts.lp_seconds, row.cuts.pass_seconds, row.cuts.rest_seconds)
        lines.append((row.label, *(_seconds(value) for value in (*extensive, *parts)), str(row.cuts.n_rounds)))
    print("Processor seconds\n")
    _print_table((*head, "rounds"), lines)


def _print_ratios(rows: Sequence[Row]) -> None:
    """Ratios of the two methods, and of the cutting planes to reading the demand."""
    head = (
        "scenarios x hours x pools x dates",
        "extensive / cuts: build",
        "solve",
        "total",
        "cost of cuts / extensive - 1",
        "gap (asked)",
        "cuts / one pass",
        "cuts / (one pass x rounds)",
    )
    lines = []
    for row in rows:
        found, passes = row.cuts, row.cuts.total_seconds / row.bare_pass_seconds
        gap = f"{found.gap_fraction:.1e} ({row.gap_fraction:.0e})"
        lines.append((row.label, *_ratios(row), gap, f"{passes:,.0f}", f"{passes / found.n_rounds:,.0f}"))
    print("\nRatios\n")
    _print_table(head, lines)


def _ratios(row: Row) -> tuple[str, ...]:
    """Build, solve, total and cost against the extensive program."""
    if row.extensive is None:
        return ("-",) * 4
    extensive, found = row.extensive, row.cuts
    ratios = (
        extensive.build_seconds / found.build_seconds,
        extensive.solve_seconds / found.solve_seconds,
        extensive.total_seconds / found.total_seconds,
    )
    return (*(f"{ratio:,.1f}" for ratio in ratios), f"{found.upper_usd / extensive.cost_usd - 1:.1e}")


def _print_growth(growth: Sequence[Growth]) -> None:
    """Times by size, and their exponents."""
    head = ("scenarios x hours x pools x dates", "build", "programs", "passes", "total", "rounds")
    lines = []
    for each in growth:
        for row in each.rows:
            found = row.cuts
            parts = (found.build_seconds, found.lp_seconds, found.pass_seconds, found.total_seconds)
            lines.append((row.label, *(_seconds(part) for part in parts), str(found.n_rounds)))
    print("Processor seconds of the cutting planes\n")
    _print_table(head, lines)
    print("\nExponents: seconds grow as size to the power of\n")
    names = ("build_seconds", "lp_seconds", "pass_seconds", "total_seconds")
    exponents = [(each.side.removeprefix("n_"), *(f"{each.exponent(name):.2f}" for name in names)) for each in growth]
    _print_table(("side", "build", "programs", "passes", "total"), exponents)


def _print_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Markdown table, numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for line in (head, rule, *lines):
        rest = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("| " + " | ".join([line[0].ljust(widths[0]), *rest]) + " |")


def _seconds(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def _record(rows: Sequence[Row | ScaleRow]) -> dict[str, object]:
    """All figures, with what they were measured on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "n_cpus": os.cpu_count(),
        "packages": {name: version(name) for name in PACKAGES},
        "seed": SEED,
        "rows": [asdict(row) for row in rows],
    }


def _say(message: str) -> None:
    """Tell the user what is going on; standard output holds the tables."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
