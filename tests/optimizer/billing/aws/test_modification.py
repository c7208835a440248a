import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.modification import Target, effective_second, footprint, modification_obstacles, modified
from optimizer.billing.aws.reserved import OfferingClass, Payment

AT = 100 * 24 * 3600 + 75 * 60
SIZES = {"large": 4, "xlarge": 8, "2xlarge": 16, "4xlarge": 32}


def accepted(originals, targets, **changes):
    return modification_obstacles(originals, [Target(**target) for target in targets], AT, **changes) == ()


def targets_of(*pairs, zone=""):
    return [Target(instance_type=name, count=count, zone=zone) for name, count in pairs]


@pytest.mark.parametrize(
    ("before", "after", "is_accepted"),
    [
        ([("t2.large", 1)], [("t2.small", 4)], True),
        ([("t2.small", 4)], [("t2.large", 1)], True),
        ([("t2.small", 2)], [("t2.large", 1)], False),
        ([("t2.micro", 2), ("t2.small", 1)], [("t2.medium", 1)], True),
        ([("t2.medium", 1)], [("t2.nano", 2), ("t2.micro", 3)], True),
        ([("i3.metal", 1)], [("i3.8xlarge", 2)], True),
        ([("c4.large", 1)], [("c3.large", 1)], False),
        ([("g4dn.2xlarge", 1)], [("g4dn.xlarge", 2)], False),
        ([("m5.large", 2)], [("m5.large", 1)], False),
        ([("m5.large", 3)], [("m5.large", 1), ("m5.large", 2)], True),
    ],
    ids=["divide", "merge", "smaller", "merge two", "divide unevenly", "metal", "family", "no resize", "part", "split"],
)
def test_the_footprint_must_stay_within_a_family(owned, before, after, is_accepted):
    """Most are examples of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-modifying.html"""
    originals = [owned(name, count) for name, count in before]
    assert (modification_obstacles(originals, targets_of(*after), AT) == ()) is is_accepted


def test_it_counts_from_the_start_of_the_hour_and_ends_when_the_original_does(owned):
    (moved,) = modified([owned("m5.large", 2)], targets_of(("m5.large", 2), zone="us-east-1a"), AT)
    assert moved.start_second == effective_second(AT) == AT - 15 * 60
    assert moved.end_second == owned().end_second
    assert (moved.instances.zone, moved.instances.region) == ("us-east-1a", "us-east-1")
    assert moved.bought_second == 0
    assert_allclose([moved.hourly_usd, moved.upfront_usd], [0.1, 876.0])


@given(
    counts=st.lists(st.tuples(st.sampled_from(list(SIZES)), st.integers(1, 6)), min_size=1, max_size=3),
    split=st.sampled_from(list(SIZES)),
)
def test_footprint_fees_and_value_stay(owned, counts, split):
    originals = [
        owned(f"m5.{size}", count, reservation_id=str(row), hourly_usd=0.01 * SIZES[size], upfront_usd=5.0 * row)
        for row, (size, count) in enumerate(counts)
    ]
    units = sum(SIZES[size] * count for size, count in counts)
    whole, rest = divmod(units, SIZES[split])
    targets = targets_of(*[(f"m5.{split}", whole)] * (whole > 0), *[("m5.large", rest // 4)] * (rest > 0))
    after = modified(originals, targets, AT)
    assert_allclose(footprint((item.instances.instance_type, item.count) for item in after), units)
    assert_allclose(
        sum(item.count * item.hourly_usd for item in after), sum(item.count * item.hourly_usd for item in originals)
    )
    start = effective_second(AT)
    assert_allclose(sum(item.value_usd(start) for item in after), sum(item.value_usd(start) for item in originals))


def test_a_merge_of_terms_keeps_what_is_left_of_both_upfront_payments(owned):
    """One year and three years that end in the same hour; the three-year price stands for 8,760 of 26,280 hours."""
    three = owned("m5.large", 2, term_years=3, start_second=-2 * 365 * 24 * 3600, upfront_usd=300.0)
    (merged,) = modified([owned("m5.large", 2), three], targets_of(("m5.xlarge", 2)), 0)
    assert merged.term_years == 3
    assert_allclose(merged.remaining_upfront_usd(0), 2 * 876.0 + 2 * 100.0)


def test_a_reservation_without_a_factor_can_still_change_its_zone(owned):
    targets = targets_of(("m9.tiny", 1), zone="us-east-1b")
    assert modification_obstacles([owned("m9.tiny")], targets, AT) == ()
    assert modified([owned("m9.tiny")], targets, AT)[0].hourly_usd == 0.1


def test_windows_may_change_its_zone_but_not_its_size(owned):
    windows = owned("m5.xlarge", 1, platform="windows")
    assert modification_obstacles([windows], targets_of(("m5.xlarge", 1), zone="us-east-1b"), AT) == ()
    assert "only Linux/UNIX" in modification_obstacles([windows], targets_of(("m5.large", 2)), AT)[0]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"offering_class": OfferingClass.CONVERTIBLE}, "offering class"),
        ({"payment": Payment.ALL}, "payment option"),
        ({"end_second": 365 * 24 * 3600 - 1}, "hour of their end"),
        ({"account": "other"}, "owner"),
        ({"region": "eu-west-1"}, "region"),
        ({"platform": "windows"}, "platform"),
        ({"tenancy": "dedicated"}, "tenancy"),
    ],
)
def test_what_is_modified_together_must_be_alike(owned, changes, name):
    obstacles = modification_obstacles([owned(), owned(**changes)], targets_of(("m5.xlarge", 2)), AT)
    assert f"must have the same {name}" in " ".join(obstacles)


def test_ends_in_the_same_hour_are_alike_though_seconds_differ(owned):
    other = owned(start_second=90, end_second=365 * 24 * 3600 + 90)
    first = owned(end_second=365 * 24 * 3600 + 5)
    (merged,) = modified([first, other], targets_of(("m5.2xlarge", 1)), AT)
    assert merged.end_second == 365 * 24 * 3600 + 90


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        (targets_of(("m5.xlarge", 1), zone="eu-west-1a"), "must be in the region of the reservations, us-east-1"),
        (targets_of(("m5.xlarge", 0)), "a whole count >= 1"),
        ([], "at least one reservation and one target"),
        (targets_of(("m5.tiny", 1)), "'m5.tiny' has no normalization factor"),
        (targets_of(("m5.large", 3)), "must stay 8 normalized units, the targets have 12"),
    ],
    ids=["region", "count", "nothing", "factor", "footprint"],
)
def test_a_refusal_says_which_rule_is_broken(owned, targets, reason):
    with pytest.raises(RefusedError, match="modification breaks 1 rule of AWS") as raised:
        modified([owned()], targets, AT)
    assert reason in raised.value.reasons[0]


def test_all_broken_rules_are_named_at_once(owned):
    with pytest.raises(RefusedError, match="breaks 2 rules") as raised:
        modified([owned(is_listed=True)], targets_of(("m5.large", 1)), AT)
    assert len(raised.value.reasons) == 2
