import pytest

from optimizer.metrics import (
    capture_fraction,
    coverage_fraction,
    effective_savings_fraction,
    stranded_fraction,
    utilization_fraction,
)


def test_used_and_stranded_parts_of_commitments_sum_to_one():
    used = utilization_fraction(used_usd=7.0, committed_usd=10.0)
    assert used + stranded_fraction(stranded_usd=3.0, committed_usd=10.0) == pytest.approx(1.0)


def test_commitments_that_lose_money_have_a_negative_savings_rate():
    assert effective_savings_fraction(actual_usd=120.0, on_demand_equivalent_usd=100.0) == pytest.approx(-0.2)


def test_the_clairvoyant_captures_everything():
    assert capture_fraction(on_demand_usd=10.0, actual_usd=6.0, clairvoyant_usd=6.0) == 1.0


@pytest.mark.parametrize(
    "undefined",
    [
        utilization_fraction(used_usd=0.0, committed_usd=0.0),
        stranded_fraction(stranded_usd=0.0, committed_usd=0.0),
        coverage_fraction(covered_on_demand_usd=0.0, eligible_on_demand_usd=0.0),
        effective_savings_fraction(actual_usd=5.0, on_demand_equivalent_usd=0.0),
        capture_fraction(on_demand_usd=5.0, actual_usd=5.0, clairvoyant_usd=5.0),
    ],
    ids=["utilization", "stranded", "coverage", "savings", "capture"],
)
def test_a_ratio_without_a_whole_is_none(undefined):
    assert undefined is None


def test_the_published_utilization_comes_out():
    """9.80 USD used of a commitment of 10.00 USD: https://docs.aws.amazon.com/savingsplans/latest/userguide/ce-sp-usingPR.html"""
    assert utilization_fraction(used_usd=9.8, committed_usd=10.0) == pytest.approx(0.98)
