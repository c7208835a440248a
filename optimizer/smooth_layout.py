"""Commitments and hours laid out for the smoothed pass: layers of single-pool classes, wide classes, tasks.

Not here: the loop over hours (`optimizer.smooth_kernel`), what it adds up to (`optimizer.smooth_cost`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.cover import CoverClasses
from optimizer.problem import PlanningProblem
from optimizer.recourse import class_tables, frozen_prices
from optimizer.segments import Segments

TASK_HOURS = 512  # a stretch that one core sums in order: few enough for the cache, enough of them for all cores
NOT_COVERED = 1 << 40  # a rank beyond any place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layers:
    """Classes of one pool; the first layer serves first, the dearest of a pool.

    Attributes
    ----------
    classes, layer, pool : IntArray of shape (n_narrow,)
        Class, its layer and its pool.
    draw : FloatArray of shape (n_narrow,)
        Class quantity that one unit uses up.
    fee_usd : FloatArray of shape (n_layers, n_pools)
        0 where a pool has no class in the layer. [USD/unit-hour]
    is_there : BoolArray of shape (n_layers, n_pools)
    """

    classes: IntArray
    layer: IntArray
    pool: IntArray
    draw: FloatArray
    fee_usd: FloatArray
    is_there: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WideClasses:
    """Classes of several pools, in the turn in which they serve.

    Attributes
    ----------
    classes : IntArray of shape (n_wide,)
    draw : FloatArray of shape (n_wide, n_pools)
        0 where not covered.
    fee_usd : FloatArray of shape (n_wide,)
    rank : IntArray of shape (n_wide, n_pools)
        Place of a pool in the order of saving, best first.
    order : IntArray of shape (n_pairs,)
        Pools in that order, class after class.
    start : IntArray of shape (n_wide + 1,)
        First place of each class in `order`.
    low, high : IntArray of shape (n_wide,)
        Its pools lie between them, end exclusive.
    """

    classes: IntArray
    draw: FloatArray
    fee_usd: FloatArray
    rank: IntArray
    order: IntArray
    start: IntArray
    low: IntArray
    high: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tasks:
    """Stretches of hours, by segment, then scenario, then time.

    Attributes
    ----------
    scenario, first, last, segment : IntArray of shape (n_tasks,)
        Columns from first to last, end exclusive.
    weight : FloatArray of shape (n_tasks,)
        Probability x discount factor.
    of_segment : IntArray of shape (n_segments,)
        First task of each segment.
    """

    scenario: IntArray
    first: IntArray
    last: IntArray
    segment: IntArray
    weight: FloatArray
    of_segment: IntArray


def layers_of(classes: CoverClasses) -> Layers:
    """Stack the classes of each pool."""
    is_covered = np.isfinite(classes.draw)
    fee = np.nan_to_num(classes.fee_usd)
    narrow = np.flatnonzero(is_covered.sum(axis=1) == 1)
    pool = is_covered[narrow].argmax(axis=1)
    draw = classes.draw[narrow, pool]
    order = np.argsort(-fee[narrow] * draw, kind="stable")
    narrow, pool, draw = narrow[order], pool[order], draw[order]
    layer = np.array([int(np.sum(pool[:place] == pool[place])) for place in range(len(pool))], dtype=np.int64)
    shape = (int(layer.max(initial=-1)) + 1, classes.draw.shape[1])
    fee_usd, is_there = np.zeros(shape), np.zeros(shape, dtype=bool)
    fee_usd[layer, pool] = fee[narrow] * draw
    is_there[layer, pool] = True
    return Layers(classes=narrow, layer=layer, pool=pool, draw=draw, fee_usd=fee_usd, is_there=is_there)


def wide_classes_of(problem: PlanningProblem, classes: CoverClasses) -> WideClasses:
    """Order what each wide class covers by what it saves."""
    prices = frozen_prices(problem.on_demand_usd, problem.spot_usd, problem.spot_eligible)
    wide = class_tables(classes, prices).wide
    draw = np.nan_to_num(classes.draw[wide])
    rank = np.full(draw.shape, NOT_COVERED)
    orders: list[IntArray] = []
    for row, of_pool in enumerate(draw):
        pools = np.flatnonzero(of_pool)
        order = pools[np.argsort(-problem.on_demand_usd[pools] / of_pool[pools], kind="stable")]
        rank[row, order] = np.arange(len(order))
        orders.append(order)
    return WideClasses(
        classes=wide,
        draw=draw,
        fee_usd=np.nan_to_num(classes.fee_usd)[wide],
        rank=rank,
        order=np.concatenate([np.zeros(0, dtype=np.int64), *orders]),
        start=np.cumsum([0, *(len(order) for order in orders)]),
        low=np.array([order.min() for order in orders], dtype=np.int64),
        high=np.array([order.max() + 1 for order in orders], dtype=np.int64),
    )


def tasks_of(problem: PlanningProblem, segments: Segments) -> Tasks:
    """Cut the hours of every scenario."""
    starts = np.append(np.searchsorted(problem.hours, segments.first_hour), len(problem.hours))
    rows = np.array(
        [
            (scenario, first, min(first + TASK_HOURS, int(starts[segment + 1])), segment)
            for segment in range(segments.n_segments)
            for scenario in range(len(problem.weights))
            for first in range(int(starts[segment]), int(starts[segment + 1]), TASK_HOURS)
        ],
        dtype=np.int64,
    )
    scenario, first, last, segment = np.ascontiguousarray(rows.T)
    return Tasks(
        scenario=scenario,
        first=first,
        last=last,
        segment=segment,
        weight=problem.weights[scenario] * segments.discount[segment],
        of_segment=np.searchsorted(segment, np.arange(segments.n_segments)),
    )


def relieved_pairs(layers: Layers, wide: WideClasses) -> tuple[IntArray, IntArray, FloatArray]:
    """Layers and pools that the last wide class relieves before it idles: what idles there instead costs less.

    In the order of what that costs, the least first, and what it saves for each USD of the class. Shapes
    (n_relieved,).
    """
    if not len(wide.classes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    draw, fee = wide.draw[-1][layers.pool], layers.fee_usd[layers.layer, layers.pool]
    gain = wide.fee_usd[-1] - fee / np.where(draw > 0.0, draw, 1.0)
    places = np.flatnonzero((draw > 0.0) & (gain > 0.0))
    places = places[np.lexsort((layers.layer[places], layers.pool[places], -gain[places]))]
    return layers.layer[places], layers.pool[places], gain[places]
