import numpy as np
from numpy.testing import assert_allclose

from optimizer.wide_cover import WideColumns

NAN = float("nan")


def _two_plans() -> WideColumns:
    # the first plan is cheap for the first item, the second for the second; the third item only the second covers
    return WideColumns(
        units=np.array([[4.0, 4.0], [4.0, 4.0], [1.0, 0.0]]),
        rate_usd=np.array([1.0, 1.0, 0.2]),
        held=np.array([[2.0, 9.0], [2.0, 0.0]]),
        draw=np.array([[0.5, 0.9, NAN], [0.9, 0.5, 0.4]]),
    )


def test_each_item_goes_where_it_draws_the_least():
    found = _two_plans().solved()
    assert_allclose(found.left_units, [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]], atol=1e-9)
    assert_allclose(found.used, [[2.0, 5.6], [2.0, 0.0]], atol=1e-9)
    assert_allclose(found.cover_units[:, :, 0], [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]], atol=1e-9)


def test_columns_that_prices_do_not_prove_optimal_are_found_the_worst_first():
    columns = _two_plans()
    found = columns.solved()
    proof = np.array([[0.4, 0.0], [0.5, 0.0]])
    assert columns.worst_columns(found.left_units, proof, 9).tolist() == []
    assert_allclose(columns.rate_usd @ found.left_units, [0.2, 0.0], atol=1e-8)
    worse = found.left_units.copy()
    worse[0, 0] += 0.01
    assert columns.worst_columns(worse, proof, 9).tolist() == [0]
    worse[1, 1] += 0.02
    assert columns.worst_columns(worse, proof, 9).tolist() == [0, 1]
    assert columns.worst_columns(worse, proof, 1).tolist() == [1]
