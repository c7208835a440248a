# ruff: noqa: C901, PLR0913, PLR0915  # compiled loops over plain arrays: a call for each step would hide the arithmetic
"""How wide classes share one column at the least cost, compiled: a linear program of a few rows for each column.

The dual simplex method from the basis that the last column left: programs differ in their right-hand side only, and
neighbouring hours end in the same basis or close to it [1]_. Not here: whose turn it is (`optimizer.column_kernel`).

References
----------
.. [1] R. J.-B. Wets, "Large scale linear programming techniques in stochastic programming", in: Numerical Techniques
   for Stochastic Optimization, Springer, 1988. doi:10.1007/978-3-642-61370-8_3
"""

import numpy as np
from numba import njit

PIVOT_TOLERANCE = 1e-9  # of a matrix whose entries are of the order of one
PRIMAL_TOLERANCE = 1e-11  # of the largest right-hand side: what a solver's zero may be below zero
PIVOTS_BEFORE_REFRESH = 60
SOUND_TOLERANCE = 1e-8  # of the largest right-hand side, or cost: what an inverse may have drifted from its basis
MAX_PIVOTS_PER_ROW = 50  # a few are usual: a cycle would end here


@njit(cache=True, error_model="numpy")
def split_tables(items, draws, starts, wide, held_once, n_items):
    """Rows and pairs of the program that splits the wide classes; as many rows as items they reach plus classes."""
    row_of_item = np.full(n_items, -1)
    n_rows = 0
    n_pairs = 0
    for k in wide:
        if not held_once[k]:
            continue
        for i in range(starts[k], starts[k + 1]):
            n_pairs += 1
            if row_of_item[items[i]] < 0:
                row_of_item[items[i]] = n_rows
                n_rows += 1
    n_wide = 0
    for k in wide:
        n_wide += held_once[k]
    item_of_row = np.empty(n_rows, dtype=np.int64)
    for item in range(n_items):
        if row_of_item[item] >= 0:
            item_of_row[row_of_item[item]] = item
    class_of_row = np.empty(n_wide, dtype=np.int64)
    pair_row = np.empty(n_pairs, dtype=np.int64)
    pair_wide = np.empty(n_pairs, dtype=np.int64)
    pair_draw = np.empty(n_pairs)
    place = 0
    pair = 0
    for k in wide:
        if not held_once[k]:
            continue
        class_of_row[place] = k
        for i in range(starts[k], starts[k + 1]):
            pair_row[pair] = row_of_item[items[i]]
            pair_wide[pair] = place
            pair_draw[pair] = draws[i]
            pair += 1
        place += 1
    return item_of_row, class_of_row, pair_row, pair_wide, pair_draw


@njit(cache=True, error_model="numpy")
def _matrix_entry_product(vector, variable, n_items, n_pairs, pair_row, pair_wide, pair_draw):
    """Product of a row vector with the column of a variable: pairs first, then what nothing covers, then what idles."""
    if variable < n_pairs:
        return vector[pair_row[variable]] + pair_draw[variable] * vector[n_items + pair_wide[variable]]
    return vector[variable - n_pairs]


@njit(cache=True, error_model="numpy")
def first_basis(cost, n_items, n_wide, pair_row, pair_wide, pair_draw, basis):
    """Basis at which no reduced cost is negative: each item by the pair that is cheapest with everything idle."""
    n_pairs = len(pair_row)
    for q in range(n_wide):
        basis[n_items + q] = n_pairs + n_items + q
    best = np.full(n_items, np.inf)
    for j in range(n_pairs):
        price = cost[j] - pair_draw[j] * cost[n_pairs + n_items + pair_wide[j]]
        if price < best[pair_row[j]]:
            best[pair_row[j]] = price
            basis[pair_row[j]] = j
    for i in range(n_items):
        if cost[n_pairs + i] < best[i]:
            basis[i] = n_pairs + i


@njit(cache=True, error_model="numpy")
def factorize(cost, n_items, pair_row, pair_wide, pair_draw, basis, inverse, duals):
    """Inverse (by Gauss and Jordan) and duals of a basis; False where it is singular to rounding."""
    n_rows, n_pairs = len(basis), len(pair_row)
    matrix = np.zeros((n_rows, n_rows))
    for place in range(n_rows):
        variable = basis[place]
        if variable < n_pairs:
            matrix[pair_row[variable], place] = 1.0
            matrix[n_items + pair_wide[variable], place] = pair_draw[variable]
        else:
            matrix[variable - n_pairs, place] = 1.0
    inverse[:, :] = 0.0
    for row in range(n_rows):
        inverse[row, row] = 1.0
    for place in range(n_rows):
        pivot = place
        for row in range(place + 1, n_rows):
            if abs(matrix[row, place]) > abs(matrix[pivot, place]):
                pivot = row
        if abs(matrix[pivot, place]) < PIVOT_TOLERANCE:
            return False
        for other in range(n_rows):
            matrix[pivot, other], matrix[place, other] = matrix[place, other], matrix[pivot, other]
            inverse[pivot, other], inverse[place, other] = inverse[place, other], inverse[pivot, other]
        height = matrix[place, place]
        for other in range(n_rows):
            matrix[place, other] /= height
            inverse[place, other] /= height
        for row in range(n_rows):
            factor = matrix[row, place]
            if row != place and factor != 0.0:
                for other in range(n_rows):
                    matrix[row, other] -= factor * matrix[place, other]
                    inverse[row, other] -= factor * inverse[place, other]
    for row in range(n_rows):
        total = 0.0
        for place in range(n_rows):
            total += cost[basis[place]] * inverse[place, row]
        duals[row] = total
    return True


@njit(cache=True, error_model="numpy")
def is_sound(sides, cost, n_items, pair_row, pair_wide, pair_draw, basis, duals, values):
    """Whether the basic variables meet every row and the duals every basic cost: pivots on small numbers lose both."""
    n_rows, n_pairs = len(basis), len(pair_row)
    missing, scale, dearest = sides.copy(), 1.0, 1e-300
    for place in range(n_rows):
        variable = basis[place]
        scale, dearest = max(scale, abs(sides[place])), max(dearest, abs(cost[variable]))
        if variable < n_pairs:
            missing[pair_row[variable]] -= values[place]
            missing[n_items + pair_wide[variable]] -= pair_draw[variable] * values[place]
        else:
            missing[variable - n_pairs] -= values[place]
    for place in range(n_rows):
        paid = _matrix_entry_product(duals, basis[place], n_items, n_pairs, pair_row, pair_wide, pair_draw)
        is_met = abs(missing[place]) <= SOUND_TOLERANCE * scale
        if not (is_met and abs(paid - cost[basis[place]]) <= SOUND_TOLERANCE * dearest):
            return False
    return True


@njit(cache=True, error_model="numpy")
def solve_split(sides, cost, n_items, pair_row, pair_wide, pair_draw, basis, is_basic, inverse, duals, values, age):
    """Dual simplex from the basis left by the last column; False where it does not end.

    `values` holds the basic variables after; `age[0]` counts the pivots since the inverse was made.
    """
    n_rows, n_pairs = len(basis), len(pair_row)
    n_variables = n_pairs + n_rows
    column = np.empty(n_rows)
    for pivot in range(MAX_PIVOTS_PER_ROW * n_rows):
        if pivot == 0 or age[0] == 0:  # an inverse that is new, or new sides
            for place in range(n_rows):
                total = 0.0
                for row in range(n_rows):
                    total += inverse[place, row] * sides[row]
                values[place] = total
        scale = 1.0
        for row in range(n_rows):
            if sides[row] > scale:
                scale = sides[row]
        leaving, lowest = -1, -PRIMAL_TOLERANCE * scale
        for place in range(n_rows):
            if values[place] < lowest:
                leaving, lowest = place, values[place]
        if leaving < 0:
            if is_sound(sides, cost, n_items, pair_row, pair_wide, pair_draw, basis, duals, values):
                return True
            if age[0] == 0 or not factorize(cost, n_items, pair_row, pair_wide, pair_draw, basis, inverse, duals):
                return False
            age[0] = 0
            continue
        entering, best_ratio, best_size = -1, np.inf, 0.0
        for variable in range(n_variables):
            if is_basic[variable]:
                continue
            product = _matrix_entry_product(
                inverse[leaving], variable, n_items, n_pairs, pair_row, pair_wide, pair_draw
            )
            if product >= -PIVOT_TOLERANCE:
                continue
            reduced = cost[variable] - _matrix_entry_product(
                duals, variable, n_items, n_pairs, pair_row, pair_wide, pair_draw
            )
            ratio = max(reduced, 0.0) / -product
            if ratio < best_ratio or (ratio == best_ratio and -product > best_size):
                entering, best_ratio, best_size = variable, ratio, -product
        if entering < 0:
            return False
        for place in range(n_rows):
            if entering < n_pairs:
                column[place] = (
                    inverse[place, pair_row[entering]]
                    + pair_draw[entering] * inverse[place, n_items + pair_wide[entering]]
                )
            else:
                column[place] = inverse[place, entering - n_pairs]
        step = -best_ratio
        for row in range(n_rows):
            duals[row] += step * inverse[leaving, row]
        height = column[leaving]
        amount = values[leaving] / height
        for row in range(n_rows):
            inverse[leaving, row] /= height
        for place in range(n_rows):
            if place != leaving and column[place] != 0.0:
                values[place] -= amount * column[place]
                for row in range(n_rows):
                    inverse[place, row] -= column[place] * inverse[leaving, row]
        values[leaving] = amount
        is_basic[basis[leaving]] = False
        is_basic[entering] = True
        basis[leaving] = entering
        age[0] += 1
        if age[0] >= PIVOTS_BEFORE_REFRESH:
            if not factorize(cost, n_items, pair_row, pair_wide, pair_draw, basis, inverse, duals):
                return False
            age[0] = 0
    return False
