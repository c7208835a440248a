"""Units that each of many offers covers, held as the few rows that are not zero.

With an offer for each of 300 pools full arrays of a year would take 6 GB for one bill. Not here: who covers what
(`optimizer.billing.settlement`).
"""

from collections.abc import Iterator, Mapping

import numpy as np

from forecasting.arrays import FloatArray, IntArray


class CoveredUnits(Mapping[str, FloatArray]):
    """Mapping of a label to an array of shape (n_rows, n_columns), made when it is asked for. [units]

    Parameters
    ----------
    by_label : mapping of str to mapping of int to FloatArray of shape (n_columns,)
        Rows that may be other than zero.
    shape : tuple of int
        Of each array.

    Examples
    --------
    >>> covered = CoveredUnits({"plan": {1: np.array([2.0, 3.0])}}, (2, 2))
    >>> covered["plan"].tolist()
    [[0.0, 0.0], [2.0, 3.0]]
    """

    def __init__(self, by_label: Mapping[str, Mapping[int, FloatArray]], shape: tuple[int, int]) -> None:
        self._by_label, self.shape = by_label, shape

    def __getitem__(self, label: str) -> FloatArray:
        """Full array of a label."""
        out = np.zeros(self.shape)
        for row, units in self._by_label[label].items():
            out[row] = units
        return out

    def __iter__(self) -> Iterator[str]:
        """Labels that cover something."""
        return iter(self._by_label)

    def __len__(self) -> int:
        """Number of labels."""
        return len(self._by_label)

    def row(self, label: str, row: int) -> FloatArray | None:
        """Units of one row of a label, of shape (n_columns,); None where they are zero."""
        return self._by_label.get(label, {}).get(row)

    def rows(self, label: str) -> tuple[IntArray, FloatArray]:
        """Rows of a label that may be other than zero, rising, and their units of shape (n_found, n_columns)."""
        found = self._by_label[label]
        rows = sorted(found)
        units = np.array([found[row] for row in rows]).reshape(len(rows), self.shape[1])
        return np.array(rows, dtype=np.int64), units

    def moved(self, to_row: Mapping[int, int], n_rows: int) -> "CoveredUnits":
        """The same units with rows moved to other places; those that meet are added up.

        Parameters
        ----------
        to_row : mapping of int to int
            New place of each row that moves; the others stay.
        n_rows : int
            Rows there are then.
        """
        out: dict[str, dict[int, FloatArray]] = {}
        for label, found in self._by_label.items():
            mine = out.setdefault(label, {})
            for row in sorted(found):
                place = to_row.get(row, row)
                mine[place] = mine[place] + found[row] if place in mine else found[row]
        return CoveredUnits(out, (n_rows, self.shape[1]))
