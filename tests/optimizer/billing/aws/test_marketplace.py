import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.marketplace import (
    Seller,
    price_schedule_usd,
    resale_obstacles,
    resale_usd,
    whole_months_left,
)
from optimizer.billing.aws.reserved import OfferingClass

DAY = 24 * 3600
SELLER = Seller(has_us_bank_account=True)
ZONAL = {"zone": "us-east-1a"}


def second(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


def test_the_seller_gets_all_but_12_percent(owned):
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-market-general.html"""
    assert_allclose(resale_usd(owned(**ZONAL), 30 * DAY, SELLER, upfront_price_usd=1000.0), 880.0)


@pytest.mark.parametrize(
    ("end", "at", "months"),
    [
        ("2024-12-31T10:00:00", "2024-11-30T10:00:00", 1),
        ("2024-12-31T10:00:00", "2024-11-30T10:00:01", 1),
        ("2024-12-15T10:00:00", "2024-11-15T10:00:00", 1),
        ("2024-12-15T10:00:00", "2024-11-15T10:00:01", 0),
        ("2026-01-15T00:00:00", "2024-11-20T00:00:00", 13),
    ],
)
def test_what_is_left_of_a_term_is_rounded_down_to_whole_months(end, at, months):
    assert whole_months_left(second(end), second(at)) == months


@given(price=st.floats(0.0, 1e6), n_months=st.integers(1, 36))
def test_prices_fall_in_equal_steps_to_nothing(price, n_months):
    schedule = price_schedule_usd(price, n_months)
    assert_allclose([schedule[0], schedule.sum()], [price, price * (n_months + 1) / 2], atol=1e-6)
    assert (schedule[:-1] >= schedule[1:]).all()


@pytest.mark.parametrize(
    ("changes", "seller", "day", "reason"),
    [
        ({"offering_class": OfferingClass.CONVERTIBLE}, {}, 40, "must be standard"),
        ({}, {}, 29.9, "active for at least 30 days"),
        ({}, {}, 364, "at least one month left"),
        ({"zone": ""}, {}, 40, "Modify it from its region to a zone"),
        ({"is_listed": True}, {}, 40, "Cancel the listing first"),
        ({"is_discounted": True}, {}, 40, "may not be resold"),
        ({}, {"has_private_pricing": True}, 40, "may not be resold"),
        ({}, {"has_us_bank_account": False}, 40, "bank account with a US address"),
        ({}, {"is_aispl": True}, 40, "AISPL"),
        ({}, {"is_opt_in_region": True}, 40, "disabled by default"),
        ({}, {"listed_usd": 49_500.5}, 40, "at most 50,000 USD"),
        ({}, {"listed_count": 5000}, 40, "at most 5,000 Reserved Instances"),
    ],
)
def test_who_may_not_sell_is_told_why(owned, changes, seller, day, reason):
    reserved = owned(**{**ZONAL, **changes})
    who = Seller(**{"has_us_bank_account": True, **seller})
    obstacles = resale_obstacles(reserved, int(day * DAY), who, upfront_price_usd=500.0)
    assert len(obstacles) == 1
    assert reason in obstacles[0]


def test_a_modification_does_not_start_the_30_days_anew(owned):
    moved = owned(**ZONAL, start_second=35 * DAY, bought_second=0)
    assert resale_obstacles(moved, 36 * DAY, SELLER) == ()


def test_what_is_not_declared_of_a_seller_forbids_the_sale(owned):
    with pytest.raises(RefusedError, match="resale breaks 1 rule"):
        resale_usd(owned(**ZONAL), 40 * DAY, Seller(), upfront_price_usd=1.0)


def test_a_negative_price_and_a_term_that_is_over_are_refused(owned):
    assert "must be >= 0 USD" in resale_obstacles(owned(**ZONAL), 40 * DAY, SELLER, upfront_price_usd=-1.0)[0]
    with pytest.raises(ValueError, match="at least one whole month left, got 0"):
        price_schedule_usd(1.0, 0)
