"""What several commitments that cover many pools each serve in a column, where their rate cards are not proportional.

Their split is a small linear program; all columns share its costs, so columns are solved in bunches. Not here:
commitments of one pool, which go first (`optimizer.recourse`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.bunching import solve_bunch

OPTIMALITY_TOLERANCE = 1e-10  # of the cost: cost and duals of an optimal column differ by float64 rounding
TIE_BREAK = 1e-9  # of the dearest rate: without ties bases do not cycle, and the cost is above by that part at most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WideCover:
    """How columns are covered at the least cost.

    Attributes
    ----------
    left_units : FloatArray of shape (n_items, n_columns)
        What nothing covers. [units]
    cover_units : FloatArray of shape (n_wide, n_items, n_columns)
        [units]
    used : FloatArray of shape (n_wide, n_columns)
        Class quantity used.
    price_usd : FloatArray of shape (n_wide, n_columns)
        What one more quantity would save. [USD per quantity-hour]
    """

    left_units: FloatArray
    cover_units: FloatArray
    used: FloatArray
    price_usd: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WideColumns:
    """Columns of items to cover, and the wide classes that may cover them.

    An item is the on-demand or the spot part of a pool: the on-demand parts first, then the spot parts.

    Attributes
    ----------
    units : FloatArray of shape (n_items, n_columns)
        [units]
    rate_usd : FloatArray of shape (n_items,)
        What a unit costs that nothing covers. [USD/unit-hour]
    held : FloatArray of shape (n_wide, n_columns)
        Class quantities held.
    draw : FloatArray of shape (n_wide, n_items)
        Quantity that one covered unit uses up; nan where not covered.
    """

    units: FloatArray
    rate_usd: FloatArray
    held: FloatArray
    draw: FloatArray

    def worst_columns(self, left_units: FloatArray, price_usd: FloatArray, n_most: int) -> IntArray:
        """Columns that prices of the classes do not prove optimal, at most so many, those that may lose most.

        Parameters
        ----------
        left_units : FloatArray of shape (n_items, n_columns)
            Units that nothing covers.
        price_usd : FloatArray of shape (n_wide, n_columns)
            [USD per quantity-hour]
        n_most : int

        Returns
        -------
        IntArray of shape (n_worst,)
            Increasing.
        """
        item_price = np.repeat(self.rate_usd[:, None], self.units.shape[1], axis=1)
        for row, item in np.argwhere(np.isfinite(self.draw)):
            np.minimum(item_price[item], self.draw[row, item] * price_usd[row], out=item_price[item])
        bound = np.sum(self.units * item_price, axis=0) - np.sum(self.held * price_usd, axis=0)
        excess = self.rate_usd @ left_units - bound
        unproven = np.flatnonzero(excess > OPTIMALITY_TOLERANCE * (self.rate_usd @ self.units))
        worst = unproven[np.argsort(-excess[unproven], kind="stable")[:n_most]]
        return np.sort(worst)

    def solved(self) -> WideCover:
        """Cover every column at the least cost."""
        pairs = np.argwhere(np.isfinite(self.draw).T)
        items = np.unique(pairs[:, 0])
        n_items, n_wide, n_pairs = len(items), len(self.held), len(pairs)
        row_of = np.searchsorted(items, pairs[:, 0])
        pair_draw = self.draw[pairs[:, 1], pairs[:, 0]]
        # variables: cover of each pair, what nothing covers, what is idle
        matrix = np.zeros((n_items + n_wide, n_pairs + n_items + n_wide))
        matrix[row_of, np.arange(n_pairs)] = 1.0
        matrix[n_items + pairs[:, 1], np.arange(n_pairs)] = pair_draw
        matrix[:, n_pairs:] = np.eye(n_items + n_wide)
        tie_break = TIE_BREAK * float(self.rate_usd.max()) * np.sqrt(np.arange(2, n_pairs + 2)) / np.sqrt(n_pairs + 2)
        cost = np.concatenate([tie_break, self.rate_usd[items], np.zeros(n_wide)])
        first_pair = np.unique(row_of, return_index=True)[1]  # the cheapest of its item, as ties are broken upwards
        basis = np.concatenate([first_pair, n_pairs + n_items + np.arange(n_wide)])
        found = solve_bunch(cost, matrix, np.concatenate([self.units[items], self.held]), basis=basis)
        left = self.units.copy()
        left[items] = found.values[n_pairs : n_pairs + n_items]
        cover = np.zeros((*self.draw.shape, self.units.shape[1]))
        cover[pairs[:, 1], pairs[:, 0]] = found.values[:n_pairs]
        return WideCover(
            left_units=left,
            cover_units=cover,
            used=self.held - found.values[n_pairs + n_items :],
            price_usd=np.maximum(-found.duals[n_items:], 0.0),
        )
