import pytest
from numpy.testing import assert_allclose

from optimizer.billing.aws.reserved import state_obstacles


def test_value_is_the_upfront_part_that_is_left_and_the_hours_that_are_left(owned, half_year):
    """Half of 2 x 876 USD, and 2 x 0.10 USD for 4,380 hours."""
    reserved = owned(count=2)
    assert_allclose(reserved.remaining_hours(half_year), 4380)
    assert_allclose(reserved.remaining_upfront_usd(half_year), 876)
    assert_allclose(reserved.value_usd(half_year), 876 + 876)


def test_nothing_is_left_after_the_end_and_all_before_the_start(owned):
    reserved = owned()
    assert reserved.value_usd(reserved.end_second) == 0.0
    assert_allclose(reserved.remaining_upfront_usd(-5), 876)


@pytest.mark.parametrize(
    ("changes", "at", "reason"),
    [
        ({}, 365 * 24 * 3600, "must be active"),
        ({}, -1, "must be active"),
        ({"is_pending": True}, 5, "a payment or change under way"),
        ({"is_listed": True}, 5, "listed in the Marketplace"),
    ],
)
def test_a_reservation_that_is_not_free_says_why(owned, changes, at, reason):
    assert reason in state_obstacles(owned(**changes), at)[0]
    assert state_obstacles(owned(), 5) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"term_years": 2}, "term_years must be 1 or 3, got 2"),
        ({"count": 0}, "count must be >= 1, got 0"),
        ({"end_second": 0}, "end_second must be after start_second 0"),
    ],
)
def test_a_reservation_that_makes_no_sense_is_refused(owned, changes, message):
    with pytest.raises(ValueError, match=message):
        owned(**changes)
