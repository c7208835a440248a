"""Whole numbers as rows and variables of the extensive program, one function for each family.

Not here: everything that may be a fraction (`optimizer.program`, `optimizer.limit_rows`), solving
(`optimizer.whole_extensive`).
"""

import numpy as np

from optimizer.program import Program

INTEGER = "Integer"  # PuLP's name of the category


def add_whole_purchases(program: Program) -> None:
    """Buy in whole steps: x_b = step_b n_b, n_b whole."""
    step = program.problem.batches.decided_step
    for b in np.flatnonzero(step > 0.0).tolist():
        n_steps = program.lp.add_variable(f"n_{b}", 0.0, cat=INTEGER)
        program.lp.addConstraint(program.quantity[b] - n_steps * float(step[b]) == 0, f"step_{b}")


def add_whole_use(program: Program) -> None:
    """Serve usage in whole units: what is covered, on spot and on demand in an hour are whole numbers."""
    if not program.problem.has_whole_use:
        return
    for units in (program.cover, program.idle_cover, program.on_demand, program.idle_on_demand, program.spot):
        for variable in units.values():
            variable.cat = INTEGER
