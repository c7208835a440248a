import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.scores import coverage_fraction, pinball_loss, scaled_error, weighted_quantile_loss


@given(level=st.floats(0.01, 0.99), seed=st.integers(0, 100))
def test_no_constant_has_less_pinball_loss_than_the_quantile(level, seed):
    actual = np.random.default_rng(seed).normal(size=30)
    best = np.quantile(actual, level, method="inverted_cdf")

    def mean_loss(value):
        return pinball_loss(actual, np.full(30, value), level=level).mean()

    assert all(mean_loss(best) <= mean_loss(other) + 1e-12 for other in actual)


def test_quantile_loss_agrees_with_a_loop():
    rng = np.random.default_rng(0)
    actual, quantiles, levels = rng.random(20), rng.random((20, 3)), [0.1, 0.5, 0.9]
    loop = [
        2
        * sum(max(level * (y - q[k]), (level - 1) * (y - q[k])) for y, q in zip(actual, quantiles, strict=True))
        / actual.sum()
        for k, level in enumerate(levels)
    ]
    np.testing.assert_allclose(weighted_quantile_loss(actual, quantiles, levels), np.mean(loop))


def test_the_naive_forecast_of_a_straight_line_scores_one():
    past = np.arange(50.0)
    assert scaled_error(np.arange(50.0, 57.0), past[-7:], past=past, lag=7) == 1.0


def test_coverage_counts_the_ends():
    actual = np.array([0.0, 1.0, 2.0, 3.0])
    assert coverage_fraction(actual, np.full(4, 1.0), np.full(4, 2.0)) == 0.5


def test_scores_without_a_scale_are_refused():
    with pytest.raises(ValueError, match="actual must sum to more than 0"):
        weighted_quantile_loss(np.zeros(3), np.zeros((3, 1)), [0.5])
    with pytest.raises(ValueError, match="past must change at lag 7"):
        scaled_error(np.ones(3), np.ones(3), past=np.ones(30), lag=7)
    with pytest.raises(ValueError, match="past must change at lag 7"):
        scaled_error(np.ones(3), np.ones(3), past=np.ones(5), lag=7)
