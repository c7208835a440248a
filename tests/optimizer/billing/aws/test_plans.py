import datetime as dt

import pytest
from numpy.testing import assert_allclose

from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.plans import SavingsPlan, refund_usd, return_obstacles
from optimizer.billing.aws.reserved import Payment


def second(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


BOUGHT = second("2024-05-20T10:00:00")


def plan(**changes):
    defaults = {"plan_id": "sp", "committed_hourly_usd": 100.0, "payment": Payment.PARTIAL, "start_second": BOUGHT}
    return SavingsPlan(**{**defaults, **changes})


def test_a_plan_ends_after_whole_years_of_8760_hours():
    assert plan().end_second - BOUGHT == 31_536_000
    assert plan(term_years=3).end_second - BOUGHT == 94_608_000


@pytest.mark.parametrize(("payment", "usd"), [(Payment.NONE, 0), (Payment.PARTIAL, 438_000), (Payment.ALL, 876_000)])
def test_a_return_brings_all_of_the_upfront_payment_back(payment, usd):
    assert_allclose(refund_usd(plan(payment=payment), BOUGHT), usd)


@pytest.mark.parametrize(
    ("changes", "at", "n_returned", "reason"),
    [
        ({}, "2024-05-27T10:00:00", 9, None),
        ({}, "2024-05-27T10:00:01", 0, "within the last 7 days"),
        ({"start_second": second("2024-05-31T23:59:00")}, "2024-05-31T23:59:59", 0, None),
        ({"start_second": second("2024-05-31T23:59:00")}, "2024-06-01T00:00:00", 0, "same calendar month"),
        ({"start_second": second("2023-05-20T10:00:00")}, "2024-05-20T10:00:00", 0, "same calendar month"),
        ({"committed_hourly_usd": 100.001}, "2024-05-20T11:00:00", 0, "at most 100 USD/h, got 100.001"),
        ({}, "2024-05-20T11:00:00", 10, "at most 10 plans"),
        ({}, "2024-05-20T09:00:00", 0, "Delete it from the queue"),
    ],
)
def test_a_return_is_for_small_plans_of_the_last_week_and_this_month(changes, at, n_returned, reason):
    """https://docs.aws.amazon.com/savingsplans/latest/userguide/return-sp.html"""
    obstacles = return_obstacles(plan(**changes), second(at), n_returned_this_year=n_returned)
    assert any(reason in item for item in obstacles) if reason else obstacles == ()


def test_a_refused_return_is_an_error():
    with pytest.raises(RefusedError, match="return breaks 1 rule of AWS:\n  - 'sp' must commit"):
        refund_usd(plan(committed_hourly_usd=101.0), BOUGHT)
