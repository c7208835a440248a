"""Break-even, payments and fees of one offer: published figures, and the closed forms they rest on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.break_even import (
    break_even_fraction,
    effective_hourly_usd,
    payback_hours,
    payment_split,
    saving_fraction,
)

money = st.floats(1e-3, 1e4)


def test_a_published_savings_plan_splits_as_the_calculator_prints_it():
    """c5.xlarge Windows in ap-northeast-1, compute plan, 1 year, partial upfront; output of AWS's pricing calculator
    kept at https://github.com/jtdelia/ec2-priceit (examples/aws-calculator-output.md).
    """
    split = payment_split(0.352, term_hours=8760, payment_option="partial")
    assert_allclose([split.total_usd, split.upfront_usd, split.hourly_usd], [3083.52, 1541.76, 0.176])
    use = break_even_fraction(effective_hourly_usd=0.352, on_demand_usd=0.398)
    assert_allclose([use, use * 730], [0.8844221105527639, 645.628141])


@given(rate=money, hours=st.integers(1, 26_280), option=st.sampled_from(["none", "partial", "all"]))
def test_payments_sum_to_the_commitment_whatever_the_option(rate: float, hours: int, option: str):
    split = payment_split(rate, term_hours=hours, payment_option=option)
    assert_allclose(split.upfront_usd + split.hourly_usd * hours, rate * hours, rtol=1e-12)
    again = effective_hourly_usd(hourly_usd=split.hourly_usd, upfront_usd=split.upfront_usd, term_hours=hours)
    assert_allclose(again, rate, rtol=1e-12)


@given(fee=money, rate=money)
def test_at_the_break_even_use_a_term_costs_as_much_as_on_demand(fee: float, rate: float):
    use = break_even_fraction(effective_hourly_usd=fee, on_demand_usd=rate)
    assert_allclose(use * rate * 8760, fee * 8760, rtol=1e-12)
    assert_allclose(saving_fraction(effective_hourly_usd=fee, on_demand_usd=rate), 1 - use, rtol=1e-12)


@given(upfront=money, hourly=st.floats(0.0, 5.0), saved=money)
def test_at_the_break_even_date_the_cash_paid_is_what_on_demand_would_have_cost(
    upfront: float, hourly: float, saved: float
):
    hours = payback_hours(upfront_usd=upfront, hourly_usd=hourly, on_demand_usd=hourly + saved)
    assert_allclose(upfront + hourly * hours, (hourly + saved) * hours, rtol=1e-6)


def test_what_never_saves_is_never_paid_back_and_what_asks_for_no_cash_at_once():
    assert payback_hours(upfront_usd=1.0, hourly_usd=0.5, on_demand_usd=0.5) == math.inf
    assert payback_hours(upfront_usd=0.0, hourly_usd=0.6, on_demand_usd=0.5) == math.inf
    assert payback_hours(upfront_usd=0.0, hourly_usd=0.4, on_demand_usd=0.5) == 0.0


def test_the_break_even_date_is_the_first_hour_at_which_cumulated_cash_is_no_more():
    upfront, hourly, rate = 1001.0, 0.125, 0.375
    hours = np.arange(0, 10_000)
    first = int(np.argmax(upfront + hourly * hours <= rate * hours))
    exact = payback_hours(upfront_usd=upfront, hourly_usd=hourly, on_demand_usd=rate)
    assert first - 1 < exact <= first


def test_another_payment_option_is_an_error():
    with pytest.raises(KeyError, match="monthly"):
        payment_split(1.0, term_hours=8760, payment_option="monthly")
