"""Quantiles of weighted samples, against a loop over their values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.quantiles import weighted_quantile, weighted_quantiles


def brute_quantile(values, weights, level):
    for value in sorted(values):
        if sum(w for v, w in zip(values, weights, strict=True) if v <= value) >= level - 1e-12 and any(
            w > 0 for v, w in zip(values, weights, strict=True) if v == value
        ):
            return value
    return max(v for v, w in zip(values, weights, strict=True) if w > 0)


@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(lambda c: sum(c) > 0),
    seed=st.integers(0, 1_000),
    level=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 0.99, 1.0]),
)
def test_weighted_quantiles_agree_with_brute_force(counts, seed, level):
    weights = np.array(counts) / sum(counts)
    values = np.random.default_rng(seed).integers(0, 6, (len(counts), 3)).astype(float)
    found = weighted_quantiles(values, weights, [level])
    for column in range(3):
        assert found[column, 0] == brute_quantile(values[:, column].tolist(), weights.tolist(), level)


@given(seed=st.integers(0, 1_000), level=st.floats(0.01, 0.99))
def test_equal_weights_give_the_plain_inverse_distribution(seed, level):
    values = np.random.default_rng(seed).normal(size=40)
    found = weighted_quantiles(values, np.full(40, 1 / 40), [level])
    np.testing.assert_allclose(found[0], np.quantile(values, level, method="inverted_cdf"))


def test_the_quantile_of_one_sample_is_the_column_of_several():
    rng = np.random.default_rng(3)
    values, weights = rng.normal(size=(9, 4)), rng.dirichlet(np.ones(9))
    for level in (0.0, 0.3, 0.95, 1.0):
        columns = weighted_quantiles(values, weights, [level])[:, 0]
        assert [weighted_quantile(column, weights, level=level) for column in values.T] == columns.tolist()


def test_a_value_without_weight_is_never_picked_though_weights_miss_one_by_rounding():
    values, weights = np.array([7.0, 1.0, 5.0, 9.0]), np.array([0.0, 0.3, 0.7 - 1e-10, 0.0])
    assert weighted_quantiles(values, weights, [0.0, 0.3, 1.0]).tolist() == [1.0, 1.0, 5.0]
