import datetime as dt

import pytest

from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.purchases import (
    QueuedPurchase,
    purchasable_count,
    queue_obstacles,
    queued_start_second,
    renewal,
)


def second(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


NOW = second("2024-02-29T12:00:00")


def test_reservations_are_bought_at_midnight_of_the_date_and_plans_to_the_second():
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-market-concepts-buying.html and
    https://docs.aws.amazon.com/savingsplans/latest/userguide/queued-sp-cart.html
    """
    due = second("2025-03-10T15:20:30")
    assert queued_start_second(QueuedPurchase(is_plan=False, due_second=due), NOW) == second("2025-03-10T00:00:00")
    assert queued_start_second(QueuedPurchase(is_plan=True, due_second=due), NOW) == due


@pytest.mark.parametrize("is_plan", [True, False])
def test_a_renewal_leaves_no_hour_uncovered(is_plan):
    end = second("2025-03-10T15:20:30")
    start = queued_start_second(renewal(end, is_plan=is_plan), NOW)
    assert end - 24 * 3600 < start <= end


@pytest.mark.parametrize(
    ("changes", "due", "reason"),
    [
        ({}, "2027-03-01T12:00:00", None),
        ({}, "2027-03-01T12:00:01", "at most 3 years ahead"),
        ({}, "2024-02-29T12:00:00", "due after it is ordered"),
        ({"is_zonal": True}, "2025-01-01T00:00:00", "zonal Reserved Instances cannot be queued"),
        ({"is_third_party": True}, "2025-01-01T00:00:00", "of other sellers cannot be queued"),
    ],
)
def test_what_can_be_queued(changes, due, reason):
    purchase = QueuedPurchase(is_plan=False, due_second=second(due), **changes)
    if reason is None:
        assert queue_obstacles(purchase, NOW) == ()
        return
    with pytest.raises(RefusedError, match=reason):
        queued_start_second(purchase, NOW)


def test_twenty_regional_and_twenty_zonal_ones_may_be_bought_in_a_month():
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-limits.html"""
    bought = [("us-east-1", 15), ("us-east-1a", 20), ("us-east-1", 5)]
    assert [purchasable_count(bought, place) for place in ("us-east-1", "us-east-1a", "us-east-1b")] == [0, 0, 20]
