"""Clusters of hours, refined where the aggregated program is still below the truth.

The refinement follows the adaptive partition method [1]_: hours of one cluster that have the same dual solution cost
nothing to aggregate, so clusters are split by their duals. Not here: the program over clusters (`optimizer.master`).

References
----------
.. [1] Y. Song and J. Luedtke, "An adaptive partition-based approach for solving two-stage stochastic programs with
   fixed recourse", SIAM Journal on Optimization 25(3), 2015. doi:10.1137/140967337
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.problem import PlanningProblem
from optimizer.segments import Segments

FIRST_CLUSTERS_PER_SEGMENT = 8
MAX_SPLITS_PER_ROUND = 2  # a cluster falls into at most 2 ** 2 parts at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """A partition of all columns (hours x scenarios).

    Attributes
    ----------
    label : IntArray of shape (n_scenarios, n_hours)
        Cluster of each column.
    segment : IntArray of shape (n_clusters,)
        Each cluster lies in one segment.
    scenario : IntArray of shape (n_clusters,)
        Its scenario where clusters are kept within scenarios, else -1.
    hours : FloatArray of shape (n_clusters,)
        Expected hours: sum of scenario weight x hour weight. [h]
    objective_hours : FloatArray of shape (n_clusters,)
        The same, discounted. [h]
    mean_units : FloatArray of shape (n_pools, n_clusters)
        Mean demand. [units]
    """

    label: IntArray
    segment: IntArray
    scenario: IntArray
    hours: FloatArray
    objective_hours: FloatArray
    mean_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("label", "segment", "scenario"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))
        for name in ("hours", "objective_hours", "mean_units"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.segment)


def column_weights(problem: PlanningProblem) -> FloatArray:
    """Scenario weight x hour weight. Shape (n_scenarios, n_hours). [h]"""
    out: FloatArray = problem.weights[:, None] * problem.hour_weights[None, :]
    return out


def first_clusters(problem: PlanningProblem, segments: Segments, *, by_scenario: bool) -> Clusters:
    """Cluster each segment by quantiles of its on-demand-equivalent cost.

    Parameters
    ----------
    problem : PlanningProblem
    segments : Segments
    by_scenario : bool
        Keep clusters within scenarios, as limits on a CVaR need.
    """
    value = np.einsum("p,sph->sh", problem.on_demand_usd, problem.demand)
    n_scenarios = len(problem.weights)
    group = np.broadcast_to(segments.of_hour, value.shape).copy()
    n_ranks = FIRST_CLUSTERS_PER_SEGMENT
    if by_scenario:
        group += segments.n_segments * np.arange(n_scenarios)[:, None]
        n_ranks = max(2, n_ranks // 4)
    flat_group, flat_value = group.ravel(), value.ravel()
    order = np.lexsort((flat_value, flat_group))
    counts = np.bincount(flat_group)
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - start[flat_group[order]]
    bucket = rank * n_ranks // counts[flat_group]
    return clusters_of(problem, segments, (flat_group * n_ranks + bucket).reshape(value.shape), by_scenario=by_scenario)


def clusters_of(problem: PlanningProblem, segments: Segments, label: IntArray, *, by_scenario: bool) -> Clusters:
    """Means and weights of a labelling, of shape (n_scenarios, n_hours), whose labels may leave numbers out."""
    names, flat = np.unique(label.ravel(), return_inverse=True)
    n = len(names)
    weight = column_weights(problem).ravel()
    hours = np.bincount(flat, weights=weight, minlength=n).astype(np.float64)
    any_column = np.empty(n, dtype=np.int64)
    any_column[flat] = np.arange(len(flat))
    scenario, hour = np.divmod(any_column, len(problem.hours))
    segment = segments.of_hour[hour]
    mean = np.empty((len(problem.pools), n))
    safe_hours = np.where(hours > 0, hours, 1.0)
    for pool in range(len(problem.pools)):
        mean[pool] = np.bincount(flat, weights=weight * problem.demand[:, pool].ravel(), minlength=n) / safe_hours
    return Clusters(
        label=flat.reshape(label.shape),
        segment=segment,
        scenario=scenario if by_scenario else np.full(n, -1),
        hours=hours,
        objective_hours=hours * segments.discount[segment],
        mean_units=mean,
    )


def split_labels(
    problem: PlanningProblem, clusters: Clusters, *, unit_price_usd: FloatArray, chosen: IntArray
) -> IntArray:
    """Split the chosen clusters by the pools whose price varies with their demand the most.

    The gap of a cluster is at most the covariance of demand and its price (its dual), summed over pools; the pools
    that carry most of it are cut at their mean price, where the kink lies.

    Parameters
    ----------
    problem : PlanningProblem
    clusters : Clusters
    unit_price_usd : FloatArray of shape (n_scenarios, n_pools, n_hours)
        Price of one more unit of demand in each column. [USD/unit-hour]
    chosen : IntArray of shape (n_chosen,)
        Clusters to split.

    Returns
    -------
    IntArray of shape (n_scenarios, n_hours)
        New labels; numbers may be left out.
    """
    n_pools = len(problem.pools)
    wanted = np.zeros(clusters.n_clusters, dtype=bool)
    wanted[chosen] = True
    column = np.flatnonzero(wanted[clusters.label].ravel())
    scenario, hour = np.divmod(column, len(problem.hours))
    new_number = np.cumsum(wanted) - 1
    label = new_number[clusters.label.ravel()[column]]
    weight = problem.weights[scenario] * problem.hour_weights[hour]
    total = np.maximum(np.bincount(label, weights=weight), np.finfo(float).tiny)
    covariance = np.empty((n_pools, len(chosen)))
    mean_price = np.empty((n_pools, len(chosen)))
    price = unit_price_usd[scenario, :, hour].T
    for pool in range(n_pools):
        demand = problem.demand[scenario, pool, hour]
        mean_price[pool] = np.bincount(label, weights=weight * price[pool]) / total
        gain = (price[pool] - mean_price[pool, label]) * demand
        covariance[pool] = np.bincount(label, weights=weight * gain)
    bits = _split_bits(price, mean_price, covariance, label)
    return _relabelled(clusters, column, bits)


def split_by_value(problem: PlanningProblem, clusters: Clusters, *, chosen: IntArray) -> IntArray:
    """Split the chosen clusters at the mean of their on-demand-equivalent cost, whatever the prices.

    For clusters whose columns all have the same price. Returns labels as `split_labels`.
    """
    wanted = np.zeros(clusters.n_clusters, dtype=bool)
    wanted[chosen] = True
    column = np.flatnonzero(wanted[clusters.label].ravel())
    scenario, hour = np.divmod(column, len(problem.hours))
    label = clusters.label.ravel()[column]
    value = np.einsum("p,cp->c", problem.on_demand_usd, problem.demand[scenario, :, hour])
    counts = np.maximum(np.bincount(label, minlength=clusters.n_clusters), 1)
    mean = np.bincount(label, weights=value, minlength=clusters.n_clusters) / counts
    return _relabelled(clusters, column, (value > mean[label]).astype(np.int64))


def _relabelled(clusters: Clusters, column: IntArray, bits: IntArray) -> IntArray:
    """Labels when each of some columns goes to a numbered part of its cluster. Shape (n_scenarios, n_hours)."""
    out: IntArray = clusters.label.astype(np.int64) * 2**MAX_SPLITS_PER_ROUND
    out.ravel()[column] += bits
    return out


def _split_bits(price: FloatArray, mean_price: FloatArray, covariance: FloatArray, label: IntArray) -> IntArray:
    """Number of the part of its cluster that each column goes to. Shape (n_columns,)."""
    order = np.argsort(-covariance, axis=0, kind="stable")[:MAX_SPLITS_PER_ROUND]
    best = np.take_along_axis(covariance, order, axis=0)
    is_worth = best > 0.2 * best[:1]  # a pool with a small part of the gap waits for a later round
    bits = np.zeros(len(label), dtype=np.int64)
    columns = np.arange(len(label))
    for rank in range(len(order)):
        pool = order[rank, label]
        above = price[pool, columns] > mean_price[pool, label]
        bits += (above & is_worth[rank, label]) * 2**rank
    return bits
