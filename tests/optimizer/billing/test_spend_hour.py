"""One commitment in an hour against examples of FOCUS 1.2 and a loop over units of money.

https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec/tree/v1.2/specification/data
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.spend_hour import Sku, spend_commitment, usage_commitment

SIZES = {
    "VM_SMALL": Sku(on_demand_usd=1.0, committed_usd=0.5, normalization_factor=1),
    "VM_MEDIUM": Sku(on_demand_usd=2.0, committed_usd=1.0, normalization_factor=2),
    "VM_LARGE": Sku(on_demand_usd=3.0, committed_usd=1.5, normalization_factor=3),
    "VM_XLARGE": Sku(on_demand_usd=4.0, committed_usd=2.0, normalization_factor=4),
}


def money(hours):
    return [float(values[0]) for values in (hours.used_usd, hours.unused_usd, hours.on_demand_usd, hours.total_usd)]


@pytest.mark.parametrize(
    ("eligible_usd", "expected"),
    [(1.0, [1.0, 0.0, 0.0, 1.0]), (0.0, [0.0, 1.0, 0.0, 1.0]), (0.75, [0.75, 0.25, 0.0, 1.0])],
)
def test_spend_of_one_usd_an_hour(eligible_usd, expected):
    hours = spend_commitment(1.0, [Sku(on_demand_usd=2.0, committed_usd=1.0)], np.array([[eligible_usd]]))
    assert_allclose(money(hours), expected)


@pytest.mark.parametrize(
    ("committed", "running", "is_flexible", "expected"),
    [
        ("VM_LARGE", [("VM_LARGE", 1)], False, [1.5, 0.0, 0.0, 1.5]),
        ("VM_LARGE", [("VM_MEDIUM", 1)], False, [0.0, 1.5, 2.0, 3.5]),
        ("VM_XLARGE", [("VM_MEDIUM", 1), ("VM_MEDIUM", 1)], True, [2.0, 0.0, 0.0, 2.0]),
    ],
    ids=["its size", "another size", "flexible"],
)
def test_usage_of_one_size(committed, running, is_flexible, expected):
    """In the second the specification's data keep ResourceId and ConsumedQuantity of the unused row filled, against its
    own rule that ConsumedQuantity is null on unused rows; the money is right.
    """
    lines = [(name, np.array([float(count)])) for name, count in running]
    assert_allclose(money(usage_commitment(SIZES, (committed, 1.0), lines, is_flexible=is_flexible)), expected)


def test_a_small_one_covers_a_third_of_a_large_one():
    """By the factors 1 and 3, the specification's own rule, two thirds of 3 USD are left on demand. Its data say 2.25
    USD, three quarters, which contradicts the third that they book as covered.
    """
    hours = usage_commitment(SIZES, ("VM_SMALL", 1.0), [("VM_LARGE", np.ones(1))], is_flexible=True)
    assert_allclose(money(hours), [0.5, 0.0, 2.0, 2.5])


@given(
    committed=st.floats(0.0, 5.0),
    units=st.lists(st.floats(0.0, 3.0), min_size=3, max_size=3),
    rates=st.lists(st.tuples(st.floats(0.1, 3.0), st.floats(0.3, 0.95)), min_size=3, max_size=3),
)
def test_spend_goes_to_the_highest_savings_first_and_parts_sum(committed, units, rates):
    skus = [Sku(on_demand_usd=rate, committed_usd=rate * share) for rate, share in rates]
    hours = spend_commitment(committed, skus, np.array(units)[:, None])
    left, on_demand_usd = committed, 0.0
    for row in sorted(
        range(3),
        key=lambda row: (round(skus[row].committed_usd / skus[row].on_demand_usd, 12), skus[row].committed_usd),
    ):
        covered = min(units[row], left / skus[row].committed_usd)
        left -= covered * skus[row].committed_usd
        on_demand_usd += (units[row] - covered) * skus[row].on_demand_usd
    assert_allclose(hours.on_demand_usd[0], on_demand_usd, atol=1e-9)
    assert_allclose(hours.used_usd[0] + hours.unused_usd[0], committed, atol=1e-9)
    assert_allclose(hours.total_usd[0], committed + on_demand_usd, atol=1e-9)


@given(count=st.integers(0, 4), n_small=st.integers(0, 5), n_large=st.integers(0, 5))
def test_a_flexible_commitment_serves_the_smallest_size_first(count, n_small, n_large):
    lines = [("VM_LARGE", np.array([float(n_large)])), ("VM_SMALL", np.array([float(n_small)]))]
    hours = usage_commitment(SIZES, ("VM_MEDIUM", float(count)), lines, is_flexible=True)
    units = 2 * count
    small = min(units, n_small)
    large = min((units - small) / 3, n_large)
    assert_allclose(hours.on_demand_units[:, 0], [n_large - large, n_small - small], atol=1e-9)


def test_hours_are_apart():
    hours = spend_commitment(1.0, [Sku(on_demand_usd=1.0, committed_usd=0.5)], np.array([[0.0, 4.0]]))
    assert_allclose(hours.total_usd, [1.0, 3.0])


def test_no_line_says_nothing_of_the_hours():
    with pytest.raises(ValueError, match="at least one line"):
        usage_commitment(SIZES, ("VM_SMALL", 1.0), [], is_flexible=True)
