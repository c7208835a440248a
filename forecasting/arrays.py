"""Array types shared by both packages, and read-only arrays for frozen dataclasses.

Not here: anything that knows what an array means.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def frozen_floats(values: ArrayLike) -> FloatArray:
    """Read-only float64 array of `values`; copies only what is not read-only float64 already.

    Examples
    --------
    >>> frozen_floats([1, 2]).flags.writeable
    False
    """
    return _frozen(values, np.dtype(np.float64))


def frozen_ints(values: ArrayLike) -> IntArray:
    """Read-only int64 array of `values`; copies only what is not read-only int64 already."""
    return _frozen(values, np.dtype(np.int64))


def frozen_bools(values: ArrayLike) -> BoolArray:
    """Read-only bool array of `values`; copies only what is not read-only bool already."""
    return _frozen(values, np.dtype(np.bool_))


def _frozen(values: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Share a read-only array as it is, copy anything else."""
    given = np.asarray(values)
    if given.dtype == dtype and not given.flags.writeable:
        return given
    array = np.array(given, dtype=dtype)
    array.flags.writeable = False
    return array
