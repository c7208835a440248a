import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.hours import hour_of_date, month_index
from forecasting.peaks import monthly_peaks, peak_quantiles, weighted_quantiles
from forecasting.scenarios import Scenarios


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


def test_peaks_agree_with_a_loop_over_months():
    rng = np.random.default_rng(0)
    hours = np.arange(hour_of_date("2024-01-20"), hour_of_date("2024-03-05"))
    weights = np.array([0.2, 0.5, 0.3])
    units = rng.random((3, 2, len(hours)))
    made = Scenarios(pools=("a", "b"), hours=hours, hour_weights=np.ones(len(hours)), weights=weights, units=units)
    peaks = monthly_peaks(made, [0.5, 0.9])
    assert peaks.months.tolist() == sorted(set(month_index(hours).tolist()))
    for column, month in enumerate(peaks.months):
        inside = month_index(hours) == month
        for level_column, level in enumerate((0.5, 0.9)):
            total = brute_quantile(units.sum(axis=1)[:, inside].max(axis=1).tolist(), weights.tolist(), level)
            assert peaks.total_units[column, level_column] == total
            for pool in range(2):
                own = brute_quantile(units[:, pool, inside].max(axis=1).tolist(), weights.tolist(), level)
                assert peaks.pool_units[pool, column, level_column] == own
    np.testing.assert_array_equal(peak_quantiles(made, [0.5, 0.9]), peaks.pool_units)
