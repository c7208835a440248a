from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.reduce import reduced_paths, weights_of_means


def total_distance(features, kept):
    return sum(min(float(np.linalg.norm(row - features[k])) for k in kept) for row in features)


@given(seed=st.integers(0, 10_000), n_paths=st.integers(1, 12), n_kept=st.integers(1, 12))
def test_weights_are_the_fractions_of_paths_nearest_to_each_kept_one(seed, n_paths, n_kept):
    features = np.random.default_rng(seed).normal(size=(n_paths, 3))
    kept, weights = reduced_paths(features, n_kept=n_kept)
    assert len(kept) == len(set(kept.tolist())) == min(n_paths, n_kept)
    np.testing.assert_allclose(weights.sum(), 1.0)
    assert np.all(weights > 0)
    nearest = [int(np.argmin([np.linalg.norm(row - features[k]) for k in kept])) for row in features]
    np.testing.assert_allclose(weights, np.bincount(nearest, minlength=len(kept)) / n_paths)


@given(seed=st.integers(0, 10_000))
def test_the_choice_is_near_the_best_of_all_choices(seed):
    features = np.random.default_rng(seed).normal(size=(9, 2))
    kept, _ = reduced_paths(features, n_kept=3)
    best = min(total_distance(features, choice) for choice in combinations(range(9), 3))
    assert total_distance(features, kept) <= 1.5 * best + 1e-12


def test_clear_clusters_are_found_with_their_weights():
    rng = np.random.default_rng(0)
    centres = np.repeat([0.0, 50.0, 100.0], [10, 30, 60])
    kept, weights = reduced_paths(centres[:, None] + rng.normal(size=(100, 1)), n_kept=3)
    assert sorted(zip(centres[kept], weights.round(9), strict=True)) == [(0.0, 0.1), (50.0, 0.3), (100.0, 0.6)]


def test_equal_paths_keep_their_weights_positive():
    kept, weights = reduced_paths(np.zeros((6, 2)), n_kept=3)
    assert len(set(kept.tolist())) == 3
    assert np.all(weights > 0)
    np.testing.assert_allclose(weights.sum(), 1.0)


def test_means_are_matched_by_weights_that_hardly_move():
    rng = np.random.default_rng(1)
    paths = np.exp(rng.normal(0, 0.8, (200, 4)))
    kept, weights = reduced_paths(paths, n_kept=30)
    matched = weights_of_means(weights, paths[kept], paths.mean(axis=0))
    np.testing.assert_allclose(matched.sum(), 1.0)
    assert np.all(matched > 0)
    before, after = (np.abs(w @ paths[kept] / paths.mean(axis=0) - 1).max() for w in (weights, matched))
    assert after < 0.01 < before
    assert np.abs(matched / weights - 1).max() < 1.0


def test_means_that_are_right_already_move_no_weight():
    weights, means = np.array([0.25, 0.75]), np.array([[1.0, 3.0], [2.0, 0.0]])
    np.testing.assert_allclose(weights_of_means(weights, means, weights @ means), weights)
    np.testing.assert_array_equal(weights_of_means(weights, np.zeros((2, 1)), np.zeros(1)), weights)
