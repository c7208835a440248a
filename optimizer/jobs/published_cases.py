"""Runs a file of published examples of every kind: those of the billing engine, and planning problems.

Command: `python -m optimizer.jobs.published_cases FILE`. Billing knows nothing of the optimizer, so the two meet here.
Not here: reading, comparing and reporting (`optimizer.billing.cases`), what a kind means.
"""

import sys
from collections.abc import Callable, Mapping

import optimizer.blas_threads  # noqa: F401 its import is its effect, and must come before numpy
from optimizer.billing.case_values import Case
from optimizer.billing.cases import KINDS, Settled, main
from optimizer.jobs.planning_case import PlanningCase

ALL_KINDS: Mapping[tuple[str, str], Callable[[Case], Settled]] = {
    **KINDS,
    ("generic", "planning_optimum"): PlanningCase,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ALL_KINDS))
