# ruff: noqa: C901, PLR0913, PLR0915  # compiled loops over plain arrays: a call for each step would hide the arithmetic
"""Smoothed cost of every hour with its slopes, compiled: what a first-order search for quantities needs of a pass.

Each commitment in turn covers what the ones before it left: those of one pool by layers, dearest first, then wide
ones, each where it saves most. The kink where it just covers all is rounded off over a width: (z)+ becomes 0 below
zero, z^2 / (2 width) up to the width and z - width / 2 above. Not here: the exact cost of an hour
(`optimizer.column_kernel`), the choice of widths (`optimizer.smooth_cost`).
"""

import numpy as np
from numba import njit, prange


@njit(cache=True, error_model="numpy")
def weighed_sum(a, b, row, low, high):
    """Sum of products with a row, in four strands whose order no compiler changes."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    first, n_blocks = np.uint64(low), (high - low) // 4
    for block in range(np.uint64(n_blocks)):
        i = first + block * np.uint64(4)
        s0 += a[i] * b[row, i]
        s1 += a[i + np.uint64(1)] * b[row, i + np.uint64(1)]
        s2 += a[i + np.uint64(2)] * b[row, i + np.uint64(2)]
        s3 += a[i + np.uint64(3)] * b[row, i + np.uint64(3)]
    for i in range(low + 4 * n_blocks, high):
        s0 += a[i] * b[row, i]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True, error_model="numpy")
def weighed_rows(a, b, row):
    """Sum of products of two rows in four strands."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    n = a.shape[1]
    whole = n // 4 * 4
    for i in range(0, whole, 4):
        s0 += a[row, i] * b[row, i]
        s1 += a[row, i + 1] * b[row, i + 1]
        s2 += a[row, i + 2] * b[row, i + 2]
        s3 += a[row, i + 3] * b[row, i + 3]
    for i in range(whole, n):
        s0 += a[row, i] * b[row, i]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True, error_model="numpy")
def cover_layer(units, held, segment, layer, width, steepness, part):
    """Let the layer of each pool cover what is left; `part` is the slope of what it leaves."""
    for p in range(len(units)):
        z = units[p] - held[segment, layer, p]
        t = min(max(z * steepness[layer, p] + 0.5, 0.0), 1.0)
        part[layer, p] = t
        units[p] = t * (z + 0.5 * width[layer, p] * (1.0 - t))


@njit(cache=True, error_model="numpy")
def cover_wide(units, left, k, draw, rank, order, start, low, high):
    """Leave USD `left` of the pools, where the class saves least; return the place of the last that is cut."""
    first, last = start[k], start[k + 1]
    if left <= 0.0:
        for p in range(np.uint64(low[k]), np.uint64(high[k])):  # unsigned: no check for the end
            units[p] = 0.0 if draw[k, p] > 0.0 else units[p]
        return last - first
    rest = left
    i = last - 1
    while i > first:
        need = units[order[i]] * draw[k, order[i]]
        if need >= rest:
            break
        rest -= need
        i -= 1
    place = i - first
    pool = order[i]
    kept = min(rest / draw[k, pool], units[pool])
    for p in range(np.uint64(low[k]), np.uint64(high[k])):  # unsigned: no check for the end
        units[p] = 0.0 if rank[k, p] < place else units[p]
    units[pool] = kept
    return place


@njit(cache=True, error_model="numpy")
def price_wide(worth, k, draw, rank, place, price, below, low, high):
    """Turn the worth of what a wide class leaves into the worth of what it was given."""
    for p in range(np.uint64(low[k]), np.uint64(high[k])):  # unsigned: no check for the end
        kept = worth[p] - draw[k, p] * below
        cut = draw[k, p] * price
        worth[p] = cut if rank[k, p] <= place else kept


@njit(cache=True, error_model="numpy")
def relieve(spare, k, used, draw, nu, taken_layer, taken_pool, taken_gain, taken):
    """Let what is spare of the last wide class take over from layers whose idling costs less.

    Returns USD of idling saved, what a further USD spare saves of the price of its idling, and how many are relieved.
    """
    saved, relief, last = 0.0, 0.0, len(taken_pool)
    for i in range(len(taken_pool)):
        need = used[taken_layer[i], taken_pool[i]] * draw[k, taken_pool[i]]
        if need >= spare:
            saved += taken_gain[i] * spare
            relief = nu * taken_gain[i]
            last = i
            break
        saved += taken_gain[i] * need
        spare -= need
    for i in range(last):
        gain = max(nu * taken_gain[i] - relief, 0.0)
        taken[taken_layer[i], taken_pool[i]] = gain * draw[k, taken_pool[i]]
    return saved, relief, last


@njit(cache=True, error_model="numpy")
def price_layers(worth, weight, nu, part, fee, taken, task, slope):
    """Turn the worth of what the layers leave into the worth of demand, and add up their prices."""
    n_layers, n_pools = part.shape
    for back in range(n_layers):
        layer = n_layers - 1 - back
        if nu > 0.0:
            for p in range(n_pools):
                free = nu * fee[layer, p]
                price = part[layer, p] * (worth[p] + free + taken[layer, p]) - free
                slope[task, layer, p] += weight * price
                worth[p] = price - taken[layer, p]
        else:
            for p in range(n_pools):
                worth[p] *= part[layer, p]
            for p in range(n_pools):
                slope[task, layer, p] += weight * worth[p]


@njit(cache=True, error_model="numpy")
def bound_prices(worth, weight, nu, demand, s, c, layer_fee, wide_fee, draw, low, high, task, layer_slope, wide_slope):
    """Add up the least prices of commitments at which no unit of demand is worth more than they ask for it."""
    n_layers, n_pools = layer_fee.shape
    for layer in range(n_layers):
        for p in range(n_pools):
            layer_slope[task, layer, p] += weight * max(worth[p], -nu * layer_fee[layer, p])
    for k in range(len(wide_fee)):
        best = -nu * wide_fee[k]
        for p in range(np.uint64(low[k]), np.uint64(high[k])):  # unsigned: no check for the end
            if draw[k, p] > 0.0 and demand[s, c, p] > 0.0 and worth[p] > best * draw[k, p]:
                best = worth[p] / draw[k, p]
        wide_slope[task, k] += weight * best


@njit(cache=True, error_model="numpy")
def smooth_task(
    task, demand, task_scenario, task_first, task_last, task_segment, task_weight, hours, stride, layer_units,
    layer_width, layer_steepness, layer_fee, wide_held, wide_width, wide_fee, draw, rank, order, start, low, high,
    on_demand_usd, idle_price, idle_weight, taken_layer, taken_pool, taken_gain, worth_part, wants_bound, cost,
    stranded, bound, layer_slope, wide_slope,
):  # fmt: skip
    """Serve the hours of one task."""
    n_pools = demand.shape[2]
    n_layers, n_wide = layer_units.shape[1], wide_held.shape[1]
    has_fees = np.any(layer_fee > 0.0) or np.any(wide_fee > 0.0)
    s, g = task_scenario[task], task_segment[task]
    nu, counts_idle = idle_price[g], has_fees and idle_weight[g] > 0.0
    units, worth = np.empty(n_pools), np.empty(n_pools)
    part, used = np.empty((n_layers, n_pools)), np.empty((n_layers, n_pools))
    taken = np.zeros((n_layers, n_pools))
    price, through, place = np.zeros(n_wide), np.zeros(n_wide), np.zeros(n_wide, dtype=np.int64)
    n_taken, layers_usd = 0, 0.0
    if counts_idle:
        for layer in range(n_layers):
            layers_usd += weighed_rows(layer_units[g], layer_fee, layer)
    for c in range(task_first[task], task_last[task], stride):
        weight = hours[c] * task_weight[task] * stride
        for p in range(n_pools):
            units[p] = demand[s, c, p]
        idle, relief = layers_usd, 0.0
        for layer in range(n_layers):
            if counts_idle:
                for p in range(n_pools):
                    used[layer, p] = units[p]
            cover_layer(units, layer_units, g, layer, layer_width, layer_steepness, part)
            if counts_idle:
                for p in range(n_pools):
                    used[layer, p] -= units[p]
                idle -= weighed_rows(used, layer_fee, layer)
        for k in range(n_wide):
            total = weighed_sum(units, draw, k, low[k], high[k])
            z = total - wide_held[g, k]
            through[k] = min(max(z / wide_width[k] + 0.5, 0.0), 1.0)
            left = min(through[k] * (z + 0.5 * wide_width[k] * (1.0 - through[k])), total)
            place[k] = cover_wide(units, left, k, draw, rank, order, start, low, high)
            if counts_idle:
                spare = wide_held[g, k] - total + left
                idle += wide_fee[k] * spare
                if k == n_wide - 1:
                    for i in range(n_taken):
                        taken[taken_layer[i], taken_pool[i]] = 0.0
                    saved, relief, n_taken = relieve(
                        spare, k, used, draw, nu, taken_layer, taken_pool, taken_gain, taken
                    )
                    idle -= saved
        cost[task] += weight * (weighed_sum(units, on_demand_usd, 0, 0, n_pools) + nu * idle)
        stranded[task] += weight * idle_weight[g] * idle
        for p in range(n_pools):
            worth[p] = on_demand_usd[0, p]
        for back in range(n_wide):
            k = n_wide - 1 - back
            spare_usd = nu * wide_fee[k] - (relief if k == n_wide - 1 else 0.0)
            marginal = 0.0
            if start[k] + place[k] < start[k + 1]:
                pool = order[start[k] + place[k]]
                marginal = worth[pool] / draw[k, pool]
            price[k] = through[k] * marginal - (1.0 - through[k]) * spare_usd
            below = (1.0 - through[k]) * (marginal + spare_usd)
            price_wide(worth, k, draw, rank, place[k], price[k], below, low, high)
            if not wants_bound:
                wide_slope[task, k] += weight * price[k]
        if wants_bound:
            for p in range(n_pools):
                worth[p] = on_demand_usd[0, p]
            for k in range(n_wide):
                for p in range(np.uint64(low[k]), np.uint64(high[k])):  # unsigned: no check for the end
                    if draw[k, p] > 0.0:
                        worth[p] = min(worth[p], draw[k, p] * price[k])
            price_layers(worth, 0.0, nu, part, layer_fee, taken, task, layer_slope)
            for p in range(n_pools):
                worth[p] *= worth_part[0, p]
                bound[task] += weight * worth[p] * demand[s, c, p]
            bound_prices(
                worth, weight, nu, demand, s, c, layer_fee, wide_fee, draw, low, high, task, layer_slope,
                wide_slope,
            )  # fmt: skip
        else:
            price_layers(worth, weight, nu, part, layer_fee, taken, task, layer_slope)


@njit(cache=True, parallel=True, error_model="numpy")
def smooth_pass(
    demand, task_scenario, task_first, task_last, task_segment, task_weight, hours, stride, layer_units, layer_width,
    layer_steepness, layer_fee, wide_held, wide_width, wide_fee, draw, rank, order, start, low, high, on_demand_usd,
    idle_price, idle_weight, taken_layer, taken_pool, taken_gain, worth_part, wants_bound, cost, stranded, bound,
    layer_slope, wide_slope,
):  # fmt: skip
    """Smoothed cost and slopes of every task, a stretch of hours of one scenario; or a bound at the prices found.

    demand (n_scenarios, n_hours, n_pools); task_* (n_tasks,); hours (n_hours,) weigh; every `stride`-th hour counts.
    layer_units (n_segments, n_layers, n_pools) held; layer_width, its inverse layer_steepness, and layer_fee
    (n_layers, n_pools); wide_held (n_segments, n_wide); wide_width, wide_fee, low, high (n_wide,), draw, rank
    (n_wide, n_pools), order and start as in `optimizer.smooth_layout`; on_demand_usd (1, n_pools). idle_price
    (n_segments,) of a USD stranded, idle_weight (n_segments,) by which it counts as stranded; taken_layer, taken_pool:
    whom the last wide class relieves before it idles, in order, and taken_gain by what that strands less; worth_part
    (1, n_pools): part of the worth of demand that a bound takes. Filled by task: cost, with what idles at its price;
    stranded; layer_slope (n_layers, n_pools) and wide_slope (n_wide,); with `wants_bound` these are the prices of the
    bound, and bound the worth of demand.
    """
    for task in prange(len(task_first)):
        smooth_task(
            task, demand, task_scenario, task_first, task_last, task_segment, task_weight, hours, stride, layer_units,
            layer_width, layer_steepness, layer_fee, wide_held, wide_width, wide_fee, draw, rank, order, start, low,
            high, on_demand_usd, idle_price, idle_weight, taken_layer, taken_pool, taken_gain, worth_part,
            wants_bound, cost, stranded, bound, layer_slope, wide_slope,
        )  # fmt: skip
