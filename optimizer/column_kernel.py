# ruff: noqa: C901, PLR0913, PLR0915  # compiled loops over plain arrays: a call for each step would hide the arithmetic
"""The inner loop of the recourse, compiled: serve one column of demand after the other, and price what serves it.

Compiled because the cutting planes make a hundred passes: for 40 scenarios x 17,079 hours x 11 pools one takes 0.56 s
on one thread, where the numpy version before it took 9 s and split only the worst columns exactly. What the loop
computes is said in `optimizer.recourse` and `optimizer.sweep`, its only doors. Commitments of one pool go first, then
several wide ones by their exact split (`optimizer.split_kernel`).
"""

import numpy as np
from numba import njit, prange

from optimizer.split_kernel import factorize, first_basis, solve_split, split_tables

MAX_SPLIT_ROWS = 96  # of one column's program; above, wide classes serve in order and the loss stays in the gap
IDLE_FRACTION = 1e-12  # of what is held: below is rounding
TIE_BREAK = 1e-11  # of the dearest rate: the cost is above the optimum by some of that part at most
BLOCK = 256  # columns served before their sums are taken: they stay in the cache


@njit(cache=True, error_model="numpy")
def cover_in_turn(k, held, items, draws, starts, rates, idle_usd, units, short):
    """Let one class cover what saves most; return what stays idle."""
    left = held
    for i in range(starts[k], starts[k + 1]):
        item = items[i]
        need = units[item] * draws[i]
        if rates[item] <= -idle_usd * draws[i]:
            short[i] = False
        elif need <= left:
            units[item] = 0.0
            left -= need
            short[i] = False
        else:
            units[item] -= left / draws[i]
            left = 0.0
            short[i] = True
    return left


@njit(cache=True, error_model="numpy")
def price_of(k, is_idle, items, draws, starts, idle_usd, short, worth):
    """What one more quantity of a class saves, given what later classes leave of the worth of what it left."""
    best = -idle_usd
    if not is_idle:
        for i in range(starts[k], starts[k + 1]):
            if short[i] and worth[items[i]] / draws[i] > best:
                best = worth[items[i]] / draws[i]
    return best


@njit(cache=True, error_model="numpy")
def serve_columns(
    demand, held, floor, eligible, rates, idle_usd, items, draws, starts, turns, narrow, wide, units, left, price, worth
):
    """Serve the columns of a stretch in which limits have one price.

    demand (n_columns, n_pools), held (n_columns, n_classes), floor and eligible (n_columns, n_pools), rates
    (2 n_pools,), idle_usd (n_classes,); the last four are filled: units (n_columns, 2 n_pools) that nothing covers,
    left (n_columns, n_classes) idle, price (n_columns, n_classes), worth (n_columns, 2 n_pools) of one more unit.
    Where held, floor or eligible has one row it is that of every column.
    """
    n_columns, n_pools = demand.shape
    n_classes = held.shape[1]
    n_items = 2 * n_pools
    one_held, one_floor, one_part = held.shape[0] == 1, floor.shape[0] == 1, eligible.shape[0] == 1
    held_once = np.zeros(n_classes, dtype=np.bool_)
    for row in range(held.shape[0]):
        for k in range(n_classes):
            if held[row, k] > 0.0:
                held_once[k] = True
    if (
        n_classes > 0 and idle_usd.max() > 0.0
    ):  # where idling has a price, whom units are left to matters: nobody goes first
        everyone = np.concatenate((narrow, wide))
        n_held = 0
        for k in everyone:
            n_held += held_once[k]
        if n_items + n_held <= MAX_SPLIT_ROWS:
            narrow, wide = everyone[:0], everyone
    n_wide = 0
    for k in wide:
        n_wide += held_once[k]
    item_of_row, class_of_row, pair_row, pair_wide, pair_draw = split_tables(
        items, draws, starts, wide, held_once, n_items
    )
    n_rows = len(item_of_row) + len(class_of_row)
    is_split = n_wide > 1 and n_rows <= MAX_SPLIT_ROWS
    n_pairs = len(pair_row)
    cost = np.zeros(n_pairs + n_rows)
    basis = np.zeros(n_rows, dtype=np.int64)
    is_basic = np.zeros(n_pairs + n_rows, dtype=np.bool_)
    inverse = np.zeros((n_rows, n_rows))
    duals, values, sides = np.zeros(n_rows), np.zeros(n_rows), np.zeros(n_rows)
    age = np.zeros(1, dtype=np.int64)
    dearest = max(rates.max(), 0.0)
    dearest_use = np.zeros(n_wide)
    if is_split:
        for j in range(n_pairs):
            use_usd = rates[item_of_row[pair_row[j]]] / pair_draw[j]
            dearest_use[pair_wide[j]] = max(dearest_use[pair_wide[j]], use_usd)
        for j in range(n_pairs):
            # by turn, then what saves most, as providers do; without ties bases do not cycle
            paid = min(pair_draw[j] / max(rates[item_of_row[pair_row[j]]], 1e-300), 10.0) / 10.0
            number = 1e-3 * np.sqrt((j + 2.0) / (n_pairs + 2.0))
            cost[j] = TIE_BREAK * dearest * (turns[class_of_row[pair_wide[j]]] + paid + number)
        for r in range(len(item_of_row)):
            cost[n_pairs + r] = rates[item_of_row[r]]
        for q in range(n_wide):
            cost[n_pairs + len(item_of_row) + q] = idle_usd[class_of_row[q]]
        first_basis(cost, len(item_of_row), n_wide, pair_row, pair_wide, pair_draw, basis)
        for place in range(n_rows):
            is_basic[basis[place]] = True
        factorize(cost, len(item_of_row), pair_row, pair_wide, pair_draw, basis, inverse, duals)
    short = np.zeros(len(items), dtype=np.bool_)
    whole = np.empty(n_items)
    for c in range(n_columns):
        h = 0 if one_held else c
        f = 0 if one_floor else c
        e = 0 if one_part else c
        for p in range(n_pools):
            on_spot = min(eligible[e, p] * demand[c, p], max(demand[c, p] - floor[f, p], 0.0))
            units[c, n_pools + p] = on_spot
            units[c, p] = max(demand[c, p] - on_spot, floor[f, p])
        for item in range(n_items):
            whole[item] = units[c, item]
            worth[c, item] = rates[item]
        for k in narrow:
            left[c, k] = cover_in_turn(k, held[h, k], items, draws, starts, rates, idle_usd[k], units[c], short)
        is_done = False
        if is_split:
            for r in range(len(item_of_row)):
                sides[r] = units[c, item_of_row[r]]
            for q in range(n_wide):
                sides[len(item_of_row) + q] = held[h, class_of_row[q]]
            is_done = solve_split(
                sides, cost, len(item_of_row), pair_row, pair_wide, pair_draw, basis, is_basic, inverse, duals, values,
                age,
            )  # fmt: skip
            if is_done:
                for r in range(len(item_of_row)):
                    units[c, item_of_row[r]] = 0.0
                for q in range(n_wide):
                    left[c, class_of_row[q]] = 0.0
                    # what is held next to nothing of may have any price; above the dearest unit's it says no more
                    paid = min(-duals[len(item_of_row) + q], dearest_use[q])
                    price[c, class_of_row[q]] = max(paid, -idle_usd[class_of_row[q]])
                for place in range(n_rows):
                    slack = basis[place] - n_pairs
                    if slack >= len(item_of_row):
                        left[c, class_of_row[slack - len(item_of_row)]] = max(values[place], 0.0)
                    elif slack >= 0:
                        units[c, item_of_row[slack]] = max(values[place], 0.0)
            else:  # begin again from a sound basis at the next column
                first_basis(cost, len(item_of_row), n_wide, pair_row, pair_wide, pair_draw, basis)
                is_basic[:] = False
                for place in range(n_rows):
                    is_basic[basis[place]] = True
                factorize(cost, len(item_of_row), pair_row, pair_wide, pair_draw, basis, inverse, duals)
                age[0] = 0
        if not is_done:
            for k in wide:
                if held_once[k]:
                    left[c, k] = cover_in_turn(k, held[h, k], items, draws, starts, rates, idle_usd[k], units[c], short)
            for place in range(len(wide) - 1, -1, -1):
                k = wide[place]
                if held_once[k]:
                    is_idle = left[c, k] > IDLE_FRACTION * held[h, k]
                    price[c, k] = price_of(k, is_idle, items, draws, starts, idle_usd[k], short, worth[c])
                    for i in range(starts[k], starts[k + 1]):
                        worth[c, items[i]] = min(worth[c, items[i]], draws[i] * price[c, k])
        else:
            for q in range(n_wide):
                k = class_of_row[q]
                for i in range(starts[k], starts[k + 1]):
                    worth[c, items[i]] = min(worth[c, items[i]], draws[i] * price[c, k])
        for place in range(len(narrow) - 1, -1, -1):
            k = narrow[place]
            if held[h, k] > 0.0:
                is_idle = left[c, k] > IDLE_FRACTION * held[h, k]
                price[c, k] = price_of(k, is_idle, items, draws, starts, idle_usd[k], short, worth[c])
                for i in range(starts[k], starts[k + 1]):
                    worth[c, items[i]] = min(worth[c, items[i]], draws[i] * price[c, k])
        # what is not held is worth what keeps every price as it is
        for k in range(n_classes):
            if held[h, k] > 0.0 or (is_done and held_once[k] and price[c, k] > -idle_usd[k]):
                continue
            best = -idle_usd[k]
            for i in range(starts[k], starts[k + 1]):
                if whole[items[i]] > 0.0 and worth[c, items[i]] / draws[i] > best:
                    best = worth[c, items[i]] / draws[i]
            left[c, k] = 0.0
            price[c, k] = best
            for i in range(starts[k], starts[k + 1]):
                worth[c, items[i]] = min(worth[c, items[i]], draws[i] * best)


@njit(cache=True, parallel=True, error_model="numpy")
def sweep_columns(
    demand, available, first, last, hours, held, floor, least_floor, most_floor, eligible, has_spot, rates, shift,
    idle_usd, items, draws, starts, turns, narrow, wide, bound, slope, floor_slope, on_demand_units, spot_units,
    covered_units, idle_quantity,
):  # fmt: skip
    """Serve every column of every scenario and segment, and add up what bounds and measures are made of.

    demand (n_scenarios, n_hours, n_pools); available, of that shape, whether spot is there, or of none: in every hour;
    first, last (n_segments,); hours (n_hours,) weigh the sums; held
    (n_segments, n_classes); floor, least_floor, most_floor, eligible (n_segments, n_pools); has_spot (n_pools,); rates
    (n_scenarios, n_segments, 2 n_pools); shift, part of the rates that every unit gets back, covered or not
    (n_scenarios, n_segments, n_pools); idle_usd (n_scenarios, n_segments, n_classes). Filled, each with leading axes
    (n_scenarios, n_segments): bound, slope (n_classes), floor_slope (n_pools), on_demand_units, spot_units and
    covered_units (n_pools), idle_quantity (n_classes).
    """
    n_scenarios, _, n_pools = demand.shape
    n_segments, n_classes = held.shape
    has_outages = available.shape[0] > 0
    for task in prange(n_scenarios * n_segments):
        s, g = task // n_segments, task % n_segments
        units, worth = np.empty((BLOCK, 2 * n_pools)), np.empty((BLOCK, 2 * n_pools))
        left, price = np.empty((BLOCK, n_classes)), np.zeros((BLOCK, n_classes))
        held_here, floor_here = held[g : g + 1], floor[g : g + 1]
        parts = np.empty((BLOCK if has_outages else 1, n_pools))
        parts[0] = eligible[g]
        for start in range(first[g], last[g], BLOCK):
            stop = min(start + BLOCK, last[g])
            n = stop - start
            if has_outages:
                for c in range(n):
                    for p in range(n_pools):
                        parts[c, p] = eligible[g, p] if available[s, start + c, p] else 0.0
            serve_columns(
                demand[s, start:stop], held_here, floor_here, parts[:n], rates[s, g], idle_usd[s, g], items, draws,
                starts, turns, narrow, wide, units[:n], left[:n], price[:n], worth[:n],
            )  # fmt: skip
            for c in range(n):
                weight = hours[start + c]
                e = c if has_outages else 0
                total = 0.0
                for p in range(n_pools):
                    d, reserved, part = demand[s, start + c, p], floor[g, p], parts[e, p]
                    firm_usd = worth[c, p] - shift[s, g, p]
                    spot_usd = min(worth[c, n_pools + p] - shift[s, g, p], firm_usd) if has_spot[p] else firm_usd
                    free = (1.0 - part) * d * firm_usd + part * d * spot_usd
                    if firm_usd < 0.0:
                        # idle units that are covered count as use: concave, so the chord from least to most reserved
                        total += free
                        least, most = least_floor[g, p], most_floor[g, p]
                        if most > d:
                            rise = (most - max(d, least)) / (most - least) if most > least else 1.0
                            total += firm_usd * (max(least - d, 0.0) - rise * least)
                            floor_slope[s, g, p] += weight * firm_usd * rise
                    elif spot_usd < 0.0 or reserved <= (1.0 - part) * d:
                        total += free
                    elif reserved < d:
                        total += d * spot_usd
                        floor_slope[s, g, p] += weight * (firm_usd - spot_usd)
                    else:
                        floor_slope[s, g, p] += weight * firm_usd
                    firm, spot = units[c, p], units[c, n_pools + p]
                    on_demand_units[s, g, p] += weight * firm
                    spot_units[s, g, p] += weight * spot
                    covered_units[s, g, p] += weight * min(max(d, reserved) - firm - spot, d)
                for k in range(n_classes):
                    slope[s, g, k] += weight * price[c, k]
                    idle_quantity[s, g, k] += weight * left[c, k]
                bound[s, g] += weight * total
