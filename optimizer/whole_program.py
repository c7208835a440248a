"""The program over bounds in quantities that can be bought: whole steps, and nothing or at least a minimum.

Not here: the search (`optimizer.whole_cuts`), the same rules as readable rows (`optimizer.whole_rows`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from optimizer.array_program import ArrayLp
from optimizer.coefficients import most_bought, most_useful
from optimizer.cut_program import CutProgram
from optimizer.elastic import relaxations_for, slackened
from optimizer.errors import InfeasibleLimitsError, SolverError
from optimizer.relaxation import Relaxation
from optimizer.rounding import to_buyable
from optimizer.solver import WholeOptions, solve_whole_arrays

CHANGE_OPTIONS = WholeOptions(gap_fraction=1e-4, max_nodes=2_000)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WholeProgram:
    """The program and which of its variables are whole.

    Attributes
    ----------
    program : CutProgram
        What it is made of.
    lp : ArrayLp
        Columns of purchases in steps count steps; behind the program's own columns stands for each purchase with a
        minimum whether it is made.
    is_whole : BoolArray of shape (n_columns,)
    scale : FloatArray of shape (n_columns_of_program,)
        What one of a column is in the program's own.
    """

    program: CutProgram
    lp: ArrayLp
    is_whole: BoolArray
    scale: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "scale", frozen_floats(self.scale))

    def quantity_of(self, values: FloatArray) -> FloatArray:
        """Quantity of every batch, from the values of the columns, to the last digit what can be bought."""
        own = values[: len(self.scale)] * self.scale
        return to_buyable(self.program.problem, self.program.quantity_of(own))


def whole_program(
    program: CutProgram, *, shift_usd: Mapping[str, float], near: FloatArray | None = None
) -> WholeProgram:
    """Program over the bounds collected so far, in quantities that can be bought.

    Parameters
    ----------
    program : CutProgram
    shift_usd : mapping of str to float
        USD by which the rows of some limits are made tighter.
    near : FloatArray of shape (n_batches,) or None
        Quantities that every purchase in steps stays within a step of; what is at least its minimum there is made,
        what is 0 is not.
    """
    lp, step = program.arrays(), program.problem.batches.decided_step
    stepped = np.flatnonzero(step > 0.0)
    places = program.columns.decision[stepped]
    scale = np.ones(len(lp.cost))
    scale[places] = step[stepped]
    lower, upper = lp.lower / scale, lp.upper / scale
    switch = _switches(program, lp, near)
    if near is not None:
        ratio = near[stepped] / step[stepped]
        minimum = program.problem.batches.decided_minimum[stepped]
        is_open = (near[stepped] > 0.0) & (near[stepped] < minimum)
        lower[places] = np.where(is_open, 0.0, np.floor(ratio))
        upper[places] = np.minimum(np.where(is_open, minimum / step[stepped], np.ceil(ratio)), upper[places])
    row_upper = lp.row_upper.copy()
    for name, usd in shift_usd.items():
        row_upper[program.limit_places[name]] -= usd
    n_switches, n_rows = len(switch.batch), lp.matrix.shape[0]
    is_whole = np.zeros(len(lp.cost) + n_switches, dtype=bool)
    is_whole[places] = True
    is_whole[len(lp.cost) :] = True
    block = csr_array((n_rows, n_switches))
    whole = ArrayLp(
        cost=np.concatenate([lp.cost * scale, np.zeros(n_switches)]),
        lower=np.concatenate([lower, switch.lower]),
        upper=np.concatenate([upper, switch.upper]),
        matrix=vstack([hstack([lp.matrix * scale[None, :], block]), switch.rows(program, scale)]).tocsr(),
        row_lower=np.concatenate([lp.row_lower, np.zeros(n_switches), np.full(n_switches, -np.inf)]),
        row_upper=np.concatenate([row_upper, np.full(n_switches, np.inf), np.zeros(n_switches)]),
    )
    return WholeProgram(program=program, lp=whole, is_whole=is_whole, scale=scale)


def whole_relaxations(program: CutProgram) -> tuple[Relaxation, ...]:
    """Limits that must give so that quantities that can be bought meet them all: the smallest change found.

    Empty where none was found.

    Parameters
    ----------
    program : CutProgram
        With the bounds collected so far; what limits on use take on the hours is known as well as these say.
    """
    whole = whole_program(program, shift_usd={})
    lp = slackened(program, whole.lp)
    is_whole = np.concatenate([whole.is_whole, np.zeros(len(lp.cost) - len(whole.is_whole), dtype=bool)])
    try:
        found = solve_whole_arrays(lp, is_whole, CHANGE_OPTIONS)
    except (InfeasibleLimitsError, SolverError):
        return ()
    return relaxations_for(program.sweeper, whole.quantity_of(found.values))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Switches:
    """Whether each purchase with a minimum is made.

    Attributes
    ----------
    batch : IntArray of shape (n_switches,)
    minimum, most : FloatArray of shape (n_switches,)
        What is bought where anything is.
    lower, upper : FloatArray of shape (n_switches,)
        0 and 1; equal where it is settled.
    """

    batch: IntArray
    minimum: FloatArray
    most: FloatArray
    lower: FloatArray
    upper: FloatArray

    def rows(self, program: CutProgram, scale: FloatArray) -> csr_array:
        """Rows quantity - minimum x made >= 0 for each, then quantity - most x made <= 0."""
        n, n_columns = len(self.batch), len(scale)
        places, number = program.columns.decision[self.batch], np.arange(n)
        value = np.concatenate([scale[places], -self.minimum, scale[places], -self.most])
        row = np.concatenate([number, number, n + number, n + number])
        column = np.concatenate([places, n_columns + number, places, n_columns + number])
        return csr_array((value, (row, column)), shape=(2 * n, n_columns + n))


def _switches(program: CutProgram, lp: ArrayLp, near: FloatArray | None) -> _Switches:
    """Switch of each purchase with a minimum, settled where `near` says so."""
    problem = program.problem
    minimum = problem.batches.decided_minimum
    batch = np.flatnonzero(minimum > 0.0)
    useful = most_useful(problem, program.sweeper.most_floor.max(axis=0, initial=0.0))
    most = np.minimum(lp.upper[program.columns.decision[batch]], most_bought(problem, useful)[batch])
    lower, upper = np.zeros(len(batch)), np.ones(len(batch))
    if near is not None:
        lower[near[batch] >= minimum[batch]] = 1.0
        upper[near[batch] <= 0.0] = 0.0
    return _Switches(batch=batch, minimum=minimum[batch], most=most, lower=lower, upper=upper)
