import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.amortization import Payments, commitment_of_upfront_usd, hour_ledger, plan_payments
from optimizer.billing.aws.licence import committed_hourly_usd, licence_hourly_usd
from optimizer.billing.aws.reserved import Payment

HOURS = 8760.0


def test_365_usd_upfront_are_one_usd_a_day():
    """https://docs.aws.amazon.com/cur/latest/userguide/amortized-reservation.html"""
    payments = Payments(upfront_usd=365.0, recurring_hourly_usd=0.0, term_hours=HOURS)
    assert_allclose(24 * payments.amortized_hourly_usd, 1.0)


@pytest.mark.parametrize(
    ("payment", "unused"),
    [(Payment.NONE, (0.0, 0.06)), (Payment.PARTIAL, (0.03, 0.03)), (Payment.ALL, (0.06, 0.0))],
)
def test_half_of_a_plan_of_12_cents_unused(payment, unused):
    """Amortized and recurring part, as in the ledger of https://github.com/jimroth/ice"""
    ledger = hour_ledger(plan_payments(0.12, payment, HOURS), 0.5)
    assert_allclose([ledger.unused_amortized_usd, ledger.unused_recurring_usd], unused, atol=1e-12)


@given(committed=st.floats(0.001, 500.0), payment=st.sampled_from(list(Payment)), used=st.floats(0.0, 1.0))
def test_the_parts_of_an_hour_are_the_commitment_and_those_of_a_term_are_what_is_paid(committed, payment, used):
    payments = plan_payments(committed, payment, HOURS)
    ledger = hour_ledger(payments, used)
    assert_allclose(ledger.used_usd + ledger.unused_usd, committed)
    assert_allclose(ledger.used_usd, used * committed, atol=1e-12)
    assert_allclose(payments.total_usd, committed * HOURS)


@pytest.mark.parametrize("payment", [Payment.PARTIAL, Payment.ALL])
def test_an_upfront_fee_tells_its_commitment(payment):
    upfront_usd = plan_payments(0.005, payment, HOURS).upfront_usd
    assert_allclose(commitment_of_upfront_usd(upfront_usd, payment, HOURS), 0.005)


def test_what_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match="without an upfront part has no upfront fee"):
        commitment_of_upfront_usd(1.0, Payment.NONE, HOURS)
    with pytest.raises(ValueError, match=r"used_fraction must lie in \[0, 1\], got 1.5"):
        hour_ledger(plan_payments(1.0, Payment.NONE, HOURS), 1.5)
    with pytest.raises(ValueError, match="term_hours must be > 0, got 0"):
        Payments(upfront_usd=1.0, recurring_hourly_usd=0.0, term_hours=0.0)


@pytest.mark.parametrize(
    ("linux_usd", "licence_usd", "published_usd"),
    [(0.22025, 0.06, 0.28025), (0.4405, 0.13, 0.5705), (0.35074, 0.13, 0.48074)],
)
@pytest.mark.parametrize("linux_on_demand_usd", [0.3, 0.6])
def test_a_licence_is_not_discounted(linux_usd, licence_usd, published_usd, linux_on_demand_usd):
    """Compute plan rates of m6i and r6i RHEL in Frankfurt (1 year, no upfront), https://calculator.aws"""
    platform_usd = linux_on_demand_usd + licence_usd
    assert_allclose(
        licence_hourly_usd(platform_on_demand_usd=platform_usd, linux_on_demand_usd=linux_on_demand_usd), licence_usd
    )
    rate_usd = committed_hourly_usd(
        linux_committed_usd=linux_usd,
        platform_on_demand_usd=platform_usd,
        linux_on_demand_usd=linux_on_demand_usd,
    )
    assert_allclose(rate_usd, published_usd)


def test_a_platform_cheaper_than_linux_is_refused():
    with pytest.raises(ValueError, match=r"platform_on_demand_usd must be >= linux_on_demand_usd 0.3, got 0.2"):
        licence_hourly_usd(platform_on_demand_usd=0.2, linux_on_demand_usd=0.3)
