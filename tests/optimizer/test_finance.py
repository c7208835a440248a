import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.finance import (
    hourly_value_factor,
    internal_rate,
    payback_time,
    present_value_usd,
    round_off,
    upfront_rate,
)

FLOWS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@given(FLOWS)
def test_the_present_value_at_rate_zero_is_the_cash_sum(flows: list[float]):
    flow = np.array(flows)
    found = present_value_usd(flow, np.arange(len(flow)) / 4.0, rate_yearly=0.0)
    assert_allclose(found, flow.sum(), rtol=1e-9, atol=1e-9 * np.abs(flow).sum())


@given(FLOWS, st.floats(0.0, 0.9), st.floats(0.1, 10.0))
def test_the_present_value_is_a_loop_over_payments_and_scales_with_them(flows, rate, factor):
    flow, times = np.array(flows), np.linspace(0.0, 3.0, len(flows))
    found = present_value_usd(flow, times, rate_yearly=rate)
    looped = sum(usd / (1.0 + rate) ** time for usd, time in zip(flows, times, strict=True))
    scale = np.abs(flow).sum()
    assert_allclose(found, looped, atol=1e-9 * scale + 1e-300)
    assert_allclose(
        present_value_usd(factor * flow, times, rate_yearly=rate), factor * found, atol=1e-9 * factor * scale
    )


@given(st.floats(1.0, 1e6), st.lists(st.floats(1.0, 1e6), min_size=1, max_size=12))
def test_the_internal_rate_zeroes_the_present_value(outlay, incomes):
    flow = np.array([-outlay, *incomes])
    times = np.arange(len(flow)) / 2.0
    rate = internal_rate(flow, times)
    if rate is None:  # beyond the searched rates: even the highest leaves it worth something, or the lowest nothing
        assert present_value_usd(flow, times, rate_yearly=9_999.0) > 0 or sum(incomes) < outlay
        return
    assert abs(present_value_usd(flow, times, rate_yearly=rate)) <= 1e-7 * np.abs(flow) @ (1.0 + rate) ** -times


def test_no_rate_is_named_where_several_would_do():
    twice = np.array([-100.0, 230.0, -132.0])  # worth nothing at 10 % and at 20 %
    times = np.arange(3.0)
    for rate in (0.1, 0.2):
        assert_allclose(present_value_usd(twice, times, rate_yearly=rate), 0.0, atol=1e-9)
    assert internal_rate(twice, times) is None
    assert internal_rate(np.array([1.0, 1.0]), np.arange(2.0)) is None


@given(st.floats(1e-3, 0.9), st.integers(1, 40_000))
def test_the_hourly_factor_is_the_sum_over_the_hours(rate, n_hours):
    hours = np.arange(n_hours)
    looped = float(np.sum((1.0 + rate) ** -((hours + 0.5) / 8_760)))
    assert_allclose(hourly_value_factor(term_hours=n_hours, rate_yearly=rate), looped, rtol=1e-9)


@given(st.floats(0.1, 100.0), st.floats(-0.5, 3.0), st.sampled_from([8_760, 26_280]))
def test_the_implied_interest_makes_both_ways_of_paying_worth_the_same(saved, rate, term_hours):
    extra = saved * hourly_value_factor(term_hours=term_hours, rate_yearly=rate)
    found = upfront_rate(extra_upfront_usd=extra, saved_hourly_usd=saved, term_hours=term_hours)
    assert found is not None
    assert_allclose(found, rate, atol=1e-8)


def test_no_interest_where_nothing_is_paid_or_given_back():
    assert upfront_rate(extra_upfront_usd=0.0, saved_hourly_usd=1.0, term_hours=8_760) is None
    assert upfront_rate(extra_upfront_usd=1.0, saved_hourly_usd=0.0, term_hours=8_760) is None


@given(st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=15))
def test_from_the_payback_on_the_sum_is_never_below_zero(cumulated):
    total = np.array(cumulated)
    edges = np.arange(len(total), dtype=np.float64)
    found = payback_time(total, edges)
    if math.isinf(found):
        assert total[-1] < 0.0
        return
    assert np.all(total[edges >= found + 1e-9] >= -1e-12 * np.abs(total).max())  # below that it is rounding
    if found > 0.0:
        assert total[int(np.ceil(found)) - 1] < 0.0


def test_a_sum_that_falls_below_zero_again_counts_from_its_last_return():
    assert payback_time(np.array([-1.0, 1.0, -1.0, 1.0]), np.arange(4.0)) == 2.5


@pytest.mark.parametrize(("value", "expected"), [(1e-9, 0.0), (1e-3, 1e-3)])
def test_rounding_of_large_sums_reads_as_nothing(value, expected):
    assert round_off(value, 1e6) == expected


@pytest.mark.parametrize("life_years", [1.5, 3.0, 4.5, 6.0, 7.0])
def test_a_sum_that_ends_at_zero_has_paid_back_whatever_rounding_says(life_years: float):
    """1 M USD, and the same back in equal quarters: by hand at the end of the last one."""
    n_quarters = round(4 * life_years)
    total = np.cumsum([-1e6, *np.diff(np.linspace(0.0, 1.0, n_quarters + 1)) * 1e6])
    assert_allclose(payback_time(total, np.arange(n_quarters + 1) / 4), life_years)
    assert np.isinf(payback_time(total - 0.01, np.arange(n_quarters + 1) / 4))
