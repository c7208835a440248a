"""How near the bounds of the cutting planes come: against the extensive program, on problems that the tests invent.

`PYTHONPATH=. .venv/bin/python scripts/bound_study.py [--seeds N] [--gap G]` prints the table "How near the bounds come"
of docs/optimizer.md. Not here: the problems (`tests/optimizer/conftest.py`), the laws that hold of every one of them
(`tests/optimizer/test_cutting_planes.py`, `tests/optimizer/test_everything_at_once.py`).
"""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.extensive import solve_extensive
from optimizer.solver import SolverOptions

INVENTOR = Path(__file__).resolve().parents[1] / "tests" / "optimizer" / "conftest.py"
TOLERANCE = 1e-6  # of the optimum: both solvers' tolerances
EVERYTHING = ("stranded", "stranded CVaR", "coverage between", "spot", "cash", "shares", "date", "some firm")
STUDIED: tuple[tuple[str, str, tuple[dict[str, Any], ...]], ...] = (  # limit, beside it, what the problems have
    (
        "stranded, CVaR of it, or both with risk",
        "-",
        (
            {"limits": ("stranded",)},
            {"limits": ("stranded CVaR",)},
            {"limits": ("stranded", "stranded CVaR"), "risk_lambda": 1.0},
        ),
    ),
    ("stranded", "spot", ({"limits": ("stranded",), "has_spot": True},)),
    ("minimum coverage", "-", ({"limits": ("coverage floor",)},)),
    (
        "minimum coverage, or spot share",
        "spot",
        ({"limits": ("coverage floor",), "has_spot": True}, {"limits": ("spot",), "has_spot": True}),
    ),
    (
        "stranded, or minimum coverage",
        "capacity reservations",
        (
            {"limits": ("stranded",), "has_capacity_reservations": True},
            {"limits": ("coverage floor",), "has_capacity_reservations": True},
        ),
    ),
    (
        "all of them, and those on purchases",
        "spot with outages, hardware, risk",
        ({"limits": EVERYTHING, "has_spot": True, "has_outages": True, "has_hardware": True, "risk_lambda": 0.5},),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """How far the bounds are from the best known cost, the extensive program's or the cuts' own, as parts of it.

    Attributes
    ----------
    below, above : list of float
        Of the lower and the upper bound, one for each problem.
    n_unmet, n_not_found : int
        Problems whose limits cannot all be met, and those in which no choice that keeps them was found.
    n_better : int
        Problems with a choice that beats the extensive program: beside capacity reservations it is not exact.
    """

    below: list[float]
    above: list[float]
    n_unmet: int
    n_not_found: int
    n_better: int


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description="Bounds of the cutting planes against the extensive program.")
    parser.add_argument("--seeds", type=int, default=20, help="problems of each kind")
    parser.add_argument("--gap", type=float, default=1e-6, help="gap asked of the cutting planes")
    given = parser.parse_args()
    inventor = _inventor()
    print(
        "| limit | beside it | problems | not meetable | none found | beats the reference "
        "| lower bound below: median, most | upper bound above: median, most |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|",
        flush=True,
    )
    for limit, beside, wishes in STUDIED:
        found = study(inventor, wishes, seeds=range(given.seeds), gap=given.gap)
        print(
            f"| {limit} | {beside} | {len(wishes) * given.seeds} | {found.n_unmet} | {found.n_not_found} "
            f"| {found.n_better} | {_spread(found.below)} | {_spread(found.above)} |",
            flush=True,
        )


def study(inventor: ModuleType, wishes: Sequence[dict[str, Any]], *, seeds: range, gap: float) -> Distances:
    """Bounds of one row's problems.

    Raises
    ------
    RuntimeError
        If a lower bound is above the best known cost by more than both solvers' tolerances.
    """
    below: list[float] = []
    above: list[float] = []
    n_unmet = n_not_found = n_better = 0
    for wish in wishes:
        for seed in seeds:
            problem = inventor._invent(seed, inventor.Wish(**wish))
            try:
                optimum = solve_extensive(problem, SolverOptions()).objective_usd
            except InfeasibleLimitsError:
                n_unmet += 1
                continue
            try:
                found = solve_cuts(problem, CutOptions(gap_fraction=gap))
            except SolverError:
                n_not_found += 1
                continue
            n_better += found.upper_bound_usd < optimum - TOLERANCE * abs(optimum)
            optimum = min(optimum, found.upper_bound_usd)
            below.append((optimum - found.lower_bound_usd) / abs(optimum))
            above.append((found.upper_bound_usd - optimum) / abs(optimum))
            if below[-1] < -TOLERANCE:
                msg = f"the lower bound is above the optimum by {-below[-1]:.1e} with seed {seed} of {wish}"
                raise RuntimeError(msg)
    return Distances(below=below, above=above, n_unmet=n_unmet, n_not_found=n_not_found, n_better=n_better)


def _spread(values: Sequence[float]) -> str:
    """Median and greatest."""
    return f"{max(np.median(values), 0.0):.0e}, {max(np.max(values), 0.0):.0e}" if values else "-"


def _inventor() -> ModuleType:
    """The tests' conftest as a module: it is no package."""
    spec = importlib.util.spec_from_file_location("inventor", INVENTOR)
    if spec is None or spec.loader is None:
        msg = f"{INVENTOR} must be a Python file."
        raise RuntimeError(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
