import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.aws.reserved import OfferingClass
from optimizer.billing.aws.volume_discount import TIERS, is_discountable, list_value_usd, tier_of, tiered_purchase


def test_list_value_is_upfront_and_undiscounted_hours():
    """A t2.small for a year, partial upfront: 60 + 0.007 x 8,760 = 121.32 USD.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/concepts-reserved-instances-application.html
    """
    assert_allclose(list_value_usd(upfront_usd=60.0, hourly_usd=0.007, term_hours=8760, count=3), 3 * 121.32)


def bought_one_by_one(active_usd, unit_usd, count):
    """Tier of each instance, bought after the other."""
    fractions = []
    for _ in range(count):
        fractions.append(tier_of(active_usd).discount_fraction)
        active_usd += unit_usd
    return fractions


@given(
    active_usd=st.sampled_from([0.0, 400_000.0, 499_999.0, 500_000.0, 3_999_000.0, 20_000_000.0]),
    unit_usd=st.sampled_from([500.0, 1_000.0, 70_000.0, 5_000_000.0]),
    count=st.integers(1, 200),
)
def test_a_purchase_at_once_costs_what_instances_bought_one_after_the_other_would(active_usd, unit_usd, count):
    parts = tiered_purchase(active_list_value_usd=active_usd, unit_list_value_usd=unit_usd, count=count)
    at_once = [tier.discount_fraction for n_bought, tier in parts for _ in range(n_bought)]
    assert at_once == bought_one_by_one(active_usd, unit_usd, count)


def test_tiers_start_at_half_a_million():
    assert [tier.from_usd for tier in TIERS[:2]] == [0.0, 500_000.0]
    assert tier_of(10_000_000.0).discount_fraction is None  # ask AWS


@pytest.mark.parametrize(
    ("offering_class", "platform", "is_third_party", "expected"),
    [
        (OfferingClass.STANDARD, "Windows", False, True),
        (OfferingClass.CONVERTIBLE, "Linux/UNIX", False, False),
        (OfferingClass.STANDARD, "Linux with SQL Server Standard", False, False),
        (OfferingClass.STANDARD, "Linux/UNIX", True, False),
    ],
)
def test_tiers_are_for_standard_ones_from_aws_without_sql_server(offering_class, platform, is_third_party, expected):
    assert is_discountable(offering_class, platform, is_third_party=is_third_party) is expected


def test_a_free_instance_has_no_tier():
    with pytest.raises(ValueError, match="unit_list_value_usd must be > 0"):
        tiered_purchase(active_list_value_usd=0.0, unit_list_value_usd=0.0, count=1)
