import numpy as np

from forecasting.hours import hour_of_date, month_index
from forecasting.peaks import PEAK_LEVELS, monthly_peaks, span_peaks
from forecasting.quantiles import weighted_quantiles
from forecasting.scenarios import Scenarios


def smallest_reaching(values, weights, level):
    total = 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        total += weight
        if total >= level - 1e-12:
            return value
    return max(values)


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
            total = smallest_reaching(units.sum(axis=1)[:, inside].max(axis=1).tolist(), weights.tolist(), level)
            assert peaks.total_units[column, level_column] == total
            for pool in range(2):
                own = smallest_reaching(units[:, pool, inside].max(axis=1).tolist(), weights.tolist(), level)
                assert peaks.pool_units[pool, column, level_column] == own


def test_peaks_of_spans_agree_with_a_loop_over_paths():
    rng = np.random.default_rng(5)
    units, weights = rng.random((7, 30)), rng.dirichlet(np.ones(7))
    labels = np.repeat([4, 5, 9], [3, 20, 7])
    made = span_peaks(units, weights, labels)
    assert made.labels.tolist() == [4, 5, 9]
    assert made.starts.tolist() == [0, 3, 23]
    for column, label in enumerate((4, 5, 9)):
        peaks = np.array([max(path[labels == label]) for path in units])
        np.testing.assert_allclose(made.mean_units[column], weights @ peaks)
        np.testing.assert_allclose(made.quantile_units[column], weighted_quantiles(peaks, weights, PEAK_LEVELS))
