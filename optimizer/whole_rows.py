"""Whole numbers as rows and variables of the extensive program, one function for each family.

Not here: everything that may be a fraction (`optimizer.program`, `optimizer.limit_rows`), solving
(`optimizer.whole_extensive`).
"""

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.coefficients import most_bought, most_reserved_units, most_useful, reserves_pool
from optimizer.problem import PlanningProblem
from optimizer.program import Program

INTEGER = "Integer"  # PuLP's name of the category


def add_whole_purchases(program: Program) -> None:
    """Buy in whole steps: x_b = step_b n_b, n_b whole."""
    step = program.problem.batches.decided_step
    for b in np.flatnonzero(step > 0.0).tolist():
        n_steps = program.lp.add_variable(f"n_{b}", 0.0, cat=INTEGER)
        program.lp.addConstraint(program.quantity[b] - n_steps * float(step[b]) == 0, f"step_{b}")


def add_purchase_minimum(program: Program) -> None:
    """Buy nothing or at least the minimum: minimum_b y_b <= x_b <= most_b y_b, y_b 0 or 1."""
    minimum = program.problem.batches.decided_minimum
    if not minimum.any():
        return
    most = _most_bought(program.problem)
    for b in np.flatnonzero(minimum > 0.0).tolist():
        is_bought = program.lp.add_variable(f"y_{b}", 0.0, 1.0, cat=INTEGER)
        program.lp.addConstraint(program.quantity[b] - is_bought * float(minimum[b]) >= 0, f"minimum_{b}")
        program.lp.addConstraint(program.quantity[b] - is_bought * float(most[b]) <= 0, f"most_{b}")


def _most_bought(problem: PlanningProblem) -> FloatArray:
    """Quantity of each batch that no optimum exceeds. Shape (n_batches,)."""
    batches = problem.batches
    most = np.where(batches.is_decision, most_reserved_units(problem), batches.fixed_quantity)
    held = problem.held(np.where(problem.instruments.reserves_units[batches.instrument], most, 0.0))
    reserved = (reserves_pool(problem).astype(np.float64).T @ held).max(axis=1, initial=0.0)
    return most_bought(problem, most_useful(problem, reserved))


def add_whole_use(program: Program) -> None:
    """Serve usage in whole units: what is covered, on spot and on demand in an hour are whole numbers."""
    if not program.problem.has_whole_use:
        return
    for units in (program.cover, program.idle_cover, program.on_demand, program.idle_on_demand, program.spot):
        for variable in units.values():
            variable.cat = INTEGER
