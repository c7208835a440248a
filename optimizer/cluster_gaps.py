"""How far the aggregated program is below the truth, cluster by cluster.

Not here: what is done about it (`optimizer.clusters`, `optimizer.partition`).
"""

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.clusters import column_weights
from optimizer.costs import Evaluation, LimitPrices
from optimizer.master import MasterInput
from optimizer.recourse import ColumnTerms, recourse


def cluster_gaps(given: MasterInput, held: FloatArray, found: Evaluation, prices: LimitPrices) -> FloatArray:
    """Cost of the hours of each cluster less the cost of its mean, limits priced in.

    Parameters
    ----------
    given : MasterInput
    held : FloatArray of shape (n_instruments, n_hours)
        Quantity of each instrument.
    found : Evaluation
        Of what is held, on every hour.
    prices : LimitPrices

    Returns
    -------
    FloatArray of shape (n_clusters,)
        [USD]
    """
    problem, classes, clusters, segments = given.problem, given.classes, given.clusters, given.segments
    first = np.searchsorted(problem.hours, segments.first_hour)[clusters.segment]
    class_held = classes.held_by_class(held)[:, first]
    inside = segments.in_window[clusters.segment]
    nothing = np.zeros(clusters.n_clusters)
    mean = recourse(
        clusters.mean_units,
        held=class_held,
        floor=classes.floor_units(held, len(problem.pools))[:, first],
        classes=classes,
        prices=given.prices,
        terms=ColumnTerms(
            spot_part=np.where(inside[None, :], found.spot_part[:, None], 1.0),
            cost_factor=nothing,
            stranded_usd=nothing,
            covered_usd=nothing,
            spot_usd=nothing,
        ),
    )
    mean_use_usd = (
        prices.stranded_usd[clusters.scenario] * (np.nan_to_num(classes.fee_usd) @ (class_held - mean.used))
        - prices.covered_usd * mean.covered_usd
        + prices.spot_usd * (problem.on_demand_usd @ mean.spot_units)
    )
    mean_cost_usd = mean.cost_usd * prices.cost_factor[clusters.scenario]
    mean_value = mean_cost_usd * segments.discount[clusters.segment] + inside * mean_use_usd
    hour_use_usd = (
        prices.stranded_usd[:, None] * np.nan_to_num(found.hour_stranded_usd)
        - prices.covered_usd * found.hour_covered_usd
        + prices.spot_usd * found.hour_spot_usd
    )
    hour_cost_usd = found.hour_cost_usd * prices.cost_factor[:, None]
    value = column_weights(problem) * (hour_cost_usd * problem.discount + hour_use_usd * problem.in_window)
    total = np.bincount(clusters.label.ravel(), weights=value.ravel(), minlength=clusters.n_clusters)
    return np.maximum(total - clusters.hours * mean_value, 0.0)
