"""Units covered by many offers, as the rows that are not zero."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from optimizer.billing.covered import CoveredUnits


@pytest.fixture
def covered() -> CoveredUnits:
    """Two labels on three lines: two pools and the idle units of the second."""
    by_label = {"wide": {2: np.array([1.0, 2.0]), 1: np.array([5.0, 0.0])}, "narrow": {0: np.array([0.0, 7.0])}}
    return CoveredUnits(by_label, (3, 2))


def test_it_reads_as_full_arrays_by_label(covered: CoveredUnits):
    assert list(covered) == ["wide", "narrow"]
    assert len(covered) == 2
    assert_array_equal(covered["wide"], [[0.0, 0.0], [5.0, 0.0], [1.0, 2.0]])
    assert "none" not in covered
    assert covered.get("none") is None
    with pytest.raises(KeyError):
        covered["none"]


def test_rows_come_rising_and_say_the_same(covered: CoveredUnits):
    for label, full in covered.items():
        rows, units = covered.rows(label)
        assert rows.tolist() == sorted(rows.tolist())
        again = np.zeros_like(full)
        again[rows] = units
        assert_array_equal(again, full)
    assert_array_equal(covered.row("narrow", 0), [0.0, 7.0])
    assert covered.row("narrow", 1) is None
    assert covered.row("none", 0) is None


def test_idle_units_count_in_their_pool(covered: CoveredUnits):
    moved = covered.moved({2: 1}, 2)
    assert_array_equal(moved["wide"], [[0.0, 0.0], [6.0, 2.0]])
    assert_array_equal(moved["narrow"], [[0.0, 7.0], [0.0, 0.0]])
    assert_array_equal(covered["wide"][1], [5.0, 0.0])  # the old ones stay as they are


def test_an_offer_for_each_of_many_pools_takes_no_more_than_what_is_covered():
    n_pools, n_hours = 400, 50
    by_label = {f"ri{row}": {row: np.ones(n_hours)} for row in range(n_pools)}
    covered = CoveredUnits(by_label, (n_pools, n_hours)).moved({}, n_pools)
    assert sum(covered.rows(label)[1].size for label in covered) == n_pools * n_hours
