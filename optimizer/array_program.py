"""A linear program given as arrays, and its optimum.

Not here: solving it (`optimizer.solver`), what its rows and columns mean (`optimizer.cut_program`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from forecasting.arrays import FloatArray, frozen_floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayLp:
    """Minimize cost @ x, with row_lower <= matrix @ x <= row_upper and lower <= x <= upper.

    Attributes
    ----------
    cost, lower, upper : FloatArray of shape (n_columns,)
        Bounds may be infinite.
    matrix : scipy.sparse array of shape (n_rows, n_columns)
    row_lower, row_upper : FloatArray of shape (n_rows,)
        May be infinite.

    Raises
    ------
    ValueError
        If shapes disagree, or a number is nan.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    matrix: Any  # scipy has no types: a csr_array once constructed
    row_lower: FloatArray
    row_upper: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays and check the shapes."""
        matrix = sparse.csr_array(self.matrix, copy=True)
        matrix.sum_duplicates()  # HiGHS refuses an entry that is given twice
        object.__setattr__(self, "matrix", matrix)
        for name in ("cost", "lower", "upper", "row_lower", "row_upper"):
            array = frozen_floats(getattr(self, name))
            object.__setattr__(self, name, array)
            n_expected = self.matrix.shape[0] if name.startswith("row_") else self.matrix.shape[1]
            if array.shape != (n_expected,):
                msg = f"{name} must have shape {(n_expected,)} by the matrix, got {array.shape}."
                raise ValueError(msg)
            if np.any(np.isnan(array)):
                msg = f"{name} must not be nan, got nan at index {int(np.argmax(np.isnan(array)))}."
                raise ValueError(msg)
        if not np.all(np.isfinite(self.matrix.data)):
            msg = "matrix must be finite."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArraySolution:
    """Optimum of an `ArrayLp`.

    Attributes
    ----------
    values : FloatArray of shape (n_columns,)
    objective : float
    row_duals : FloatArray of shape (n_rows,)
        Change of the optimum per unit added to the binding side of the row.
    reduced_costs : FloatArray of shape (n_columns,)
        Change of the optimum per unit added to the binding bound of the column.
    """

    values: FloatArray
    objective: float
    row_duals: FloatArray
    reduced_costs: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("values", "row_duals", "reduced_costs"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
