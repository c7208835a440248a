"""Many sample paths become few weighted scenarios, chosen so that the rest lie near a chosen one.

Not here: what a path is made of (`forecasting.paths`).
"""

import numpy as np
from scipy.optimize import nnls
from scipy.spatial.distance import cdist

from forecasting.arrays import FloatArray, IntArray

MAX_SWAP_ROUNDS = 10
LEAST_FACTOR = 0.01  # no scenario is left without any weight
MEAN_EMPHASIS = 300.0  # of a mean missed by the size of the largest, against a weight that moves by its own size


def reduced_paths(features: FloatArray, *, n_kept: int) -> tuple[IntArray, FloatArray]:
    """Paths to keep and their weights: fast forward selection, then k-medoids swaps (Heitsch and Roemisch [1]_).

    Every path gives its weight to the nearest kept one.

    Parameters
    ----------
    features : FloatArray of shape (n_paths, n_features)
        What makes paths alike; compared by their Euclidean distance. City blocks choose medians, which are below the
        mean of skewed demand.
    n_kept : int
        At most this many paths are kept; all where there are fewer.

    Returns
    -------
    kept : IntArray of shape (n_kept,)
        Rows of the kept paths, increasing.
    weights : FloatArray of shape (n_kept,)
        Their probabilities; sum to 1.

    References
    ----------
    .. [1] H. Heitsch, W. Roemisch, "Scenario reduction algorithms in stochastic programming", 2003.
       :doi:`10.1023/A:1021805924152`

    Examples
    --------
    >>> reduced_paths(np.array([[0.0], [0.1], [5.0]]), n_kept=2)[1].round(3).tolist()
    [0.667, 0.333]
    """
    n_paths = len(features)
    if n_kept >= n_paths:
        return np.arange(n_paths, dtype=np.int64), np.full(n_paths, 1.0 / n_paths)
    distances = cdist(features, features, metric="euclidean")
    kept = _improved(_selected(distances, n_kept), distances)
    nearest = np.argmin(distances[:, kept], axis=1)
    nearest[kept] = np.arange(len(kept))
    weights = np.bincount(nearest, minlength=len(kept)) / n_paths
    return kept, weights


def weights_of_means(weights: FloatArray, means: FloatArray, wanted: FloatArray) -> FloatArray:
    """Weights near the given ones whose weighted means are the wanted ones, as nearly as weights >= 0 allow.

    Parameters
    ----------
    weights : FloatArray of shape (n_kept,)
        All above 0.
    means : FloatArray of shape (n_kept, n_moments)
        What is averaged, such as a pool's mean demand, >= 0.
    wanted : FloatArray of shape (n_moments,)
        Its mean over all paths.

    Returns
    -------
    FloatArray of shape (n_kept,)
        Sum to 1. Least squares of the misses of the means, over the largest mean, and of the relative moves of the
        weights: a pool that is next to nothing does not rule.
    """
    if wanted.max(initial=0.0) <= 0.0:
        return weights
    scale = MEAN_EMPHASIS / wanted.max()
    rows = [np.eye(len(weights)), weights[None] * MEAN_EMPHASIS, (weights[:, None] * means * scale).T]
    goal = np.concatenate([np.ones(len(weights)), [MEAN_EMPHASIS], wanted * scale])
    factors, _ = nnls(np.concatenate(rows), goal)
    adjusted = weights * np.maximum(factors, LEAST_FACTOR)
    normalized: FloatArray = adjusted / adjusted.sum()
    return normalized


def _selected(distances: FloatArray, n_kept: int) -> IntArray:
    """Forward selection: each time the path that brings all others nearest to a kept one."""
    nearest = np.full(len(distances), np.inf)
    kept: list[int] = []
    for _ in range(n_kept):
        totals = np.minimum(nearest[:, None], distances).sum(axis=0)
        totals[kept] = np.inf
        kept.append(int(np.argmin(totals)))
        nearest = np.minimum(nearest, distances[:, kept[-1]])
    return np.sort(np.array(kept, dtype=np.int64))


def _improved(kept: IntArray, distances: FloatArray) -> IntArray:
    """K-medoids rounds: each cluster's best representative takes its place, until nothing changes."""
    for _ in range(MAX_SWAP_ROUNDS):
        nearest = np.argmin(distances[:, kept], axis=1)
        nearest[kept] = np.arange(len(kept))
        better = np.empty_like(kept)
        for cluster in range(len(kept)):
            members = np.flatnonzero(nearest == cluster)
            within = distances[np.ix_(members, members)].sum(axis=0)
            better[cluster] = members[int(np.argmin(within))]
        better = np.sort(better)
        if np.array_equal(better, kept):
            break
        kept = better
    return kept
