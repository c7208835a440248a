import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.exchange import (
    ConvertibleOffering,
    exchange_count,
    exchange_obstacles,
    exchanged,
    is_payment_allowed,
    merged_term,
    true_up_usd,
)
from optimizer.billing.aws.instances import Instances
from optimizer.billing.aws.reserved import OfferingClass, Payment

DAY = 24 * 3600
CONVERTIBLE = {"offering_class": OfferingClass.CONVERTIBLE}
prices = st.floats(0.01, 5.0)
upfronts = st.floats(0.0, 9000.0)


def offering(instance_type="c7g.xlarge", region="us-east-1", **changes):
    defaults = {"payment": Payment.PARTIAL, "term_years": 1, "hourly_usd": 0.1, "upfront_usd": 876.0}
    return ConvertibleOffering(
        instances=Instances(instance_type=instance_type, region=region), **{**defaults, **changes}
    )


def test_the_count_is_rounded_up_so_that_value_never_falls():
    """35 USD for instances of 10 USD gives four.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-convertible-exchange.html
    """
    assert exchange_count(given_usd=35.0, unit_usd=10.0) == 4


@pytest.mark.parametrize(("given_usd", "unit_usd", "count"), [(0.3, 0.1, 3), (3 * 1.1, 1.1, 3), (0.0, 1.0, 1)])
def test_a_whole_quotient_is_not_rounded_up_for_its_last_bit(given_usd, unit_usd, count):
    assert exchange_count(given_usd=given_usd, unit_usd=unit_usd) == count


def test_the_true_up_is_what_the_new_upfront_exceeds_the_old_by():
    """600 USD prorated less 500 USD left; same page."""
    assert true_up_usd(remaining_upfront_usd=500.0, prorated_upfront_usd=600.0) == 100.0
    assert true_up_usd(remaining_upfront_usd=600.0, prorated_upfront_usd=500.0) == 0.0


@pytest.mark.parametrize(
    ("originals", "expected"),
    [
        ([(1, "2018-12-31"), (1, "2018-07-31")], (1, "2018-12-31")),
        ([(1, "2018-07-31"), (3, "2018-06-30")], (3, "2018-07-31")),
        ([(3, "2018-06-30"), (3, "2019-12-31")], (3, "2019-12-31")),
    ],
)
def test_merged_ones_have_the_longest_term_and_the_furthest_end(originals, expected):
    """aaaa1111 to dddd4444 of the same page."""
    days = [(years, int(end.replace("-", ""))) for years, end in originals]
    assert merged_term(days) == (expected[0], int(expected[1].replace("-", "")))


def test_half_a_year_of_two_instances_by_hand(owned, half_year):
    """Given: 2 x (438 + 438) = 1,752 USD. One new one is worth 0.5 x 1,000 + 0.05 x 4,380 = 719 USD, so three are
    received, worth 2,157 USD; their upfront of 1,500 USD less the 876 USD that are left is paid.
    """
    done = exchanged(
        [owned(count=2, **CONVERTIBLE)],
        offering(hourly_usd=0.05, upfront_usd=1000.0),
        half_year,
        reservation_id="new",
    )
    assert_allclose([done.given_usd, done.received_usd, done.true_up_usd], [1752, 2157, 624])
    assert (done.reserved.count, done.reserved.end_second) == (3, owned().end_second)
    assert done.reserved.instances.instance_type == "c7g.xlarge"
    assert done.reserved.remaining_upfront_usd(half_year) == 1500


def test_an_exchange_with_less_upfront_gives_more_instances_until_the_true_up_is_not_negative(owned, half_year):
    done = exchanged(
        [owned(**CONVERTIBLE, upfront_usd=876.0, hourly_usd=0.0, payment=Payment.ALL)],
        offering(hourly_usd=1.0, upfront_usd=100.0),
        half_year,
        reservation_id="new",
    )
    assert done.reserved.count == 9  # 438 USD are left, 50 USD come with each
    assert_allclose(done.true_up_usd, 12.0)


@given(
    items=st.lists(st.tuples(prices, upfronts, st.integers(1, 9), st.integers(0, 300)), min_size=1, max_size=3),
    new_hourly=prices,
    new_upfront=upfronts,
    day=st.integers(0, 299),
)
def test_value_and_upfront_never_fall_and_one_instance_less_would_not_do(owned, items, new_hourly, new_upfront, day):
    originals = [
        owned(count=count, reservation_id=str(row), hourly_usd=hourly, upfront_usd=upfront, **CONVERTIBLE)
        for row, (hourly, upfront, count, _) in enumerate(items)
    ]
    done = exchanged(
        originals, offering(hourly_usd=new_hourly, upfront_usd=new_upfront), day * DAY, reservation_id="new"
    )
    left_usd = sum(item.remaining_upfront_usd(day * DAY) for item in originals)
    paid_usd = done.reserved.remaining_upfront_usd(day * DAY)
    assert done.received_usd >= done.given_usd * (1 - 1e-8)
    assert_allclose(done.received_usd, done.reserved.value_usd(day * DAY))
    assert done.true_up_usd >= 0.0
    assert paid_usd == 0.0 or paid_usd >= left_usd * (1 - 1e-8)
    one_less = (done.reserved.count - 1) / done.reserved.count
    is_needed = one_less * done.received_usd < done.given_usd or one_less * paid_usd < left_usd
    assert done.reserved.count == 1 or is_needed


@pytest.mark.parametrize("given", list(Payment))
@pytest.mark.parametrize("wanted", list(Payment))
def test_a_paid_upfront_cannot_become_none(given, wanted):
    assert is_payment_allowed(given, wanted) is not (wanted == Payment.NONE and given != Payment.NONE)


@pytest.mark.parametrize(
    ("changes", "wanted", "at_day", "reason"),
    [
        ({"offering_class": OfferingClass.STANDARD}, {}, 0, "must be convertible"),
        ({}, {}, 364.5, "at least 24 hours left"),
        ({}, {}, 366, "must be active"),
        ({}, {"region": "eu-west-1"}, 0, "must stay in its region us-east-1, got eu-west-1"),
        ({}, {"payment": Payment.NONE}, 0, "has an upfront part and cannot become one without"),
        ({}, {"term_years": 3}, 0, "new term must be 1 years"),
        (
            {"payment": Payment.NONE, "hourly_usd": 0.2},
            {"payment": Payment.NONE, "hourly_usd": 0.1},
            0,
            "must not be lower, got 0.1",
        ),
    ],
    ids=["standard", "last day", "over", "region", "payment", "term", "lower price"],
)
def test_a_refusal_says_which_rule_is_broken(owned, changes, wanted, at_day, reason):
    original = owned(**{**CONVERTIBLE, **changes})
    with pytest.raises(RefusedError, match="exchange breaks") as raised:
        exchanged([original], offering(**wanted), int(at_day * DAY), reservation_id="new")
    assert any(reason in item for item in raised.value.reasons)


def test_merging_one_and_three_years_asks_for_three(owned):
    originals = [owned(**CONVERTIBLE), owned(term_years=3, **CONVERTIBLE)]
    assert exchange_obstacles(originals, offering(term_years=3), 0) == ()
    assert exchange_obstacles(originals, offering(), 0) != ()


def test_nothing_cannot_be_exchanged():
    assert "at least one reservation" in exchange_obstacles([], offering(), 0)[0]
    with pytest.raises(ValueError, match="at least one reservation"):
        merged_term([])
    with pytest.raises(ValueError, match="a unit value > 0"):
        exchange_count(given_usd=1.0, unit_usd=0.0)
