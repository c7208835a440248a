"""Raw cells: what every reader of cells asks of an arrow array before it knows the rule.

Not here: the rules (`forecasting.cells`, `forecasting.hour_cells`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as compute

from forecasting.arrays import BoolArray

MAX_SHOWN_TEXT = 80

Typed = tuple[Any, Callable[[int], str], BoolArray] | str
"""Values, message of a position, and whether each cell is bad (n_rows,); or what is wrong with the type."""


def plain_array(raw: Any) -> Any:
    """One array without dictionary, all text as large_string."""
    kind = raw.type
    if pa.types.is_dictionary(kind):
        raw = raw.cast(kind.value_type)
        kind = raw.type
    if pa.types.is_string(kind) or pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        raw = raw.cast(pa.large_string())
    array = raw.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array


def is_text(array: Any) -> bool:
    """Whether the cells are text."""
    return bool(pa.types.is_large_string(array.type))


def bools(array: Any) -> BoolArray:
    """Boolean arrow array without nulls as ndarray."""
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


def empty_cells(array: Any) -> BoolArray:
    """Whether each cell is empty: null, or text of blanks only."""
    if not is_text(array):
        return bools(array.is_null())
    blank = compute.equal(compute.utf8_trim_whitespace(compute.fill_null(array, "")), "")
    return bools(blank)


def shown_cell(array: Any, position: int) -> str:
    """Cell as it stands in the file, cut where it is long."""
    value = array[position].as_py()
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN_TEXT else text[:MAX_SHOWN_TEXT] + "..."
