from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecasting.robust import lagged_medians, row_medians, runs


@given(st.integers(0, 10_000))
def test_row_medians_agree_with_a_median_of_the_known(seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(6, 9))
    table[rng.random(table.shape) < 0.3] = np.nan
    table[:, 0] = 1.0
    medians, n_known = row_medians(table)
    np.testing.assert_allclose(medians, np.nanmedian(table, axis=1))
    assert n_known.tolist() == np.isfinite(table).sum(axis=1).tolist()


def test_lagged_medians_agree_with_a_plain_loop():
    values = np.random.default_rng(0).normal(size=12)
    lags = np.array([-20, -3, -1, 2, 5, 30])
    medians, _ = lagged_medians(values, lags)
    for index in range(len(values)):
        known = [values[index - lag] for lag in lags if 0 <= index - lag < len(values)]
        np.testing.assert_allclose(medians[index], np.median(known))


@given(st.lists(st.booleans(), max_size=30))
def test_runs_put_together_are_the_mask_and_never_touch(mask):
    inside = np.array(mask, dtype=bool)
    again = np.zeros(len(mask), dtype=bool)
    found = runs(inside)
    for first, last in found:
        again[first:last] = True
    assert again.tolist() == mask
    assert all(before[1] < after[0] for before, after in pairwise(found))
