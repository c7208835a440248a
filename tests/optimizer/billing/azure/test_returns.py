import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.azure.returns import (
    Cancellation,
    RefundRules,
    Reservation,
    is_exchange_allowed,
    refund,
    trade_in_hourly_usd,
)

PUBLISHED = Reservation(monthly_usd=100.0, term_months=36)


def test_the_published_refund_leaves_47_600_usd_until_a_year_has_passed():
    """learn.microsoft.com/azure/cost-management-billing/reservations/exchange-and-refund-azure-reservations"""
    found = refund(PUBLISHED, elapsed_months=12)
    assert (found.cancelled_usd, found.limit_left_usd, found.fee_usd) == (2_400.0, 47_600.0, 0.0)
    earlier = [Cancellation(day=100, cancelled_usd=found.cancelled_usd)]
    assert RefundRules().room_usd(464, earlier) == 47_600.0
    assert RefundRules().room_usd(465, earlier) == 50_000.0
    assert RefundRules().room_usd(99, earlier) == 50_000.0


def test_the_published_exchange_asks_for_what_was_left():
    """The same page: exchanged after the 18th of 36 payments of 100 USD, the new one must commit 1,800 USD or more."""
    left = PUBLISHED.remaining_usd(18)
    assert left == 1_800.0
    assert is_exchange_allowed([left], [Reservation(monthly_usd=150.0, term_months=12)])
    assert not is_exchange_allowed([left], [Reservation(monthly_usd=149.9, term_months=12)])
    assert is_exchange_allowed([left, left], [Reservation(monthly_usd=100.0, term_months=36)])


def test_a_refund_above_the_limit_is_refused_and_says_by_how_much():
    large = Reservation(monthly_usd=10_000.0, term_months=12)
    found = refund(large, elapsed_months=6, day=10, earlier=[Cancellation(day=5, cancelled_usd=1_000.0)])
    assert not found.is_allowed
    assert found.limit_left_usd == -11_000.0
    assert refund(large, elapsed_months=7).is_allowed


def test_a_fee_is_taken_from_what_was_prepaid():
    found = refund(PUBLISHED, elapsed_months=12, is_prepaid=True, rules=RefundRules(fee_fraction=0.12))
    assert_allclose((found.fee_usd, found.refund_usd), (288.0, 2_112.0))
    assert refund(PUBLISHED, elapsed_months=12, is_prepaid=True).refund_usd == 2_400.0
    assert refund(PUBLISHED, elapsed_months=12).refund_usd == 0.0


@pytest.mark.parametrize("elapsed", [-1, 37])
def test_months_outside_the_term_are_refused(elapsed):
    with pytest.raises(ValueError, match="elapsed_months must lie between 0 and 36"):
        PUBLISHED.remaining_usd(elapsed)


@given(monthly=st.floats(0.01, 1e5), term=st.sampled_from([12, 36]), part=st.floats(0.0, 1.0))
def test_what_is_paid_and_what_is_cancelled_sum_to_the_commitment(monthly, term, part):
    item = Reservation(monthly_usd=monthly, term_months=term)
    elapsed = part * term
    assert_allclose(item.remaining_usd(elapsed) + elapsed * monthly, item.total_usd, rtol=1e-12)


@pytest.mark.parametrize(("upfront_usd", "months"), [(8_760.0, 12), (26_280.0, 36)])
def test_a_trade_in_spreads_the_upfront_charge_over_the_hours_of_the_term(upfront_usd, months):
    """learn.microsoft.com/azure/cost-management-billing/savings-plan/reservation-trade-in"""
    assert trade_in_hourly_usd(upfront_usd, months) == 1.0
    assert trade_in_hourly_usd(3 * upfront_usd, months) == 3.0
