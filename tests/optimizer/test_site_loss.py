import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import linprog

from optimizer.site_loss import SiteMember, least_extra, site_need


@given(
    firm=st.lists(st.integers(0, 40), min_size=2, max_size=5),
    seed=st.integers(0, 10**6),
    needed=st.integers(0, 120),
)
def test_what_sites_add_costs_least(firm: list[int], seed: int, needed: int):
    rng = np.random.default_rng(seed)
    n = len(firm)
    usd, can = rng.choice([1.0, 1.5, 2.0, 4.0], n), rng.uniform(size=n) < 0.8
    capacity = np.array(firm, dtype=float)
    extra = least_extra(capacity, usd, needed=float(needed), can_add=can)
    others = 1.0 - np.eye(n)  # row k: every site but k
    reference = linprog(
        usd, A_ub=-others, b_ub=others @ capacity - needed, bounds=[(0.0, None if free else 0.0) for free in can]
    )
    assert (extra is not None) == reference.success
    if extra is not None:
        left = (capacity + extra).sum() - (capacity + extra).max()
        assert left >= needed - 1e-6
        assert extra.min() >= 0.0
        assert_allclose(usd @ extra, reference.fun, rtol=1e-7, atol=1e-7)


def _member(pool: str, site: str, firm: float, **other: float) -> SiteMember:
    parts = {"unit_size": 1.0, "unit_usd": 1.0, "can_reserve": True} | other
    return SiteMember(pool=pool, site=site, firm_units=firm, **parts)


def test_a_site_adds_where_a_unit_of_work_costs_least_in_units_of_the_pool():
    members = [
        _member("small", "east", 10.0, unit_size=1.0, unit_usd=1.0),
        _member("large", "east", 5.0, unit_size=4.0, unit_usd=3.0),
        _member("other", "west", 60.0),
    ]
    need = site_need(members, peak_units=50.0)
    assert need.largest_site == "west"
    assert need.left_units == 30.0
    assert_allclose(need.extra_units, (0.0, 5.0, 0.0))  # 20 units of work by units that carry 4


def test_a_pool_that_nothing_on_sale_reserves_adds_nothing_where_another_can():
    members = [
        _member("a", "east", 0.0, unit_usd=1.0, can_reserve=False),
        _member("b", "east", 0.0, unit_usd=9.0),
        _member("c", "west", 10.0),
    ]
    assert site_need(members, peak_units=10.0).extra_units == (0.0, 10.0, 0.0)


def test_where_nothing_can_be_reserved_the_capacity_is_asked_for_all_the_same():
    members = [_member("a", "east", 0.0, can_reserve=False), _member("c", "west", 10.0)]
    need = site_need(members, peak_units=10.0)
    assert need.is_possible
    assert need.extra_units == (10.0, 0.0)


@pytest.mark.parametrize("peak", [5.0, 50.0])
def test_one_site_alone_cannot_be_lost(peak: float):
    need = site_need([_member("a", "east", 10.0), _member("b", "east", 20.0)], peak_units=peak)
    assert not need.is_possible
    assert need.extra_units == (0.0, 0.0)
