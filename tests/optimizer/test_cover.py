import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from optimizer.cover import CoverClasses, cover_classes
from optimizer.problem import Instruments

NAN = float("nan")


def _classes(*, split_by_fee: bool) -> CoverClasses:
    draw = np.array([[1.0, NAN], [1.0, NAN], [0.5, 0.8], [0.25, 0.4], [0.5, 0.9], [NAN, 1.0]])
    instruments = Instruments(
        names=tuple("abcdef"),
        draw=draw,
        fee_usd=np.array([0.5, 0.7, 1.0, 1.0, 1.0, 0.0]),
        reserves_units=np.array([False] * 5 + [True]),
        is_firm=np.zeros(6, dtype=bool),
    )
    return cover_classes(instruments, split_by_fee=split_by_fee)


def test_instruments_with_proportional_draws_are_one_class():
    classes = _classes(split_by_fee=False)
    assert_array_equal(classes.class_of, [0, 0, 1, 1, 2, -1])
    assert_allclose(classes.scale, [1.0, 1.0, 1.0, 2.0, 1.0, 1.0])
    assert_array_equal(classes.floor_pool, [-1, -1, -1, -1, -1, 1])
    assert not classes.is_split_by_fee


def test_different_fees_keep_instruments_apart_where_asked():
    classes = _classes(split_by_fee=True)
    assert_array_equal(classes.class_of, [0, 1, 2, 3, 4, -1])
    assert classes.is_split_by_fee
    assert_allclose(classes.fee_usd, [0.5, 0.7, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("split_by_fee", [False, True])
def test_class_quantities_cover_as_many_units_as_the_instruments(split_by_fee: bool):
    classes = _classes(split_by_fee=split_by_fee)
    held = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]])
    quantities = classes.held_by_class(held)
    first_pool_units = (quantities[:, 0] / classes.draw[:, 0]).sum()
    assert_allclose(first_pool_units, 1.0 + 2.0 + 3.0 / 0.5 + 4.0 / 0.25 + 5.0 / 0.5)
    assert_allclose(classes.floor_units(held, 2), [[0.0], [6.0]])
