import numpy as np
from numpy.testing import assert_allclose

from optimizer.finance import upfront_rate
from optimizer.offers import Offer, OfferKind
from optimizer.payment_options import families, financing_pairs, pair_rates, sibling


def plan_offer(option: str, rates: tuple[float, ...], *, term_months: int = 12) -> Offer:
    share = {"none": 0.0, "partial": 0.5, "all": 1.0}[option]
    hours = 8_760 * term_months // 12
    return Offer(
        offer_id=f"{option}-{term_months}",
        kind=OfferKind.COMPUTE_SAVINGS_PLAN,
        provider="aws",
        region="",
        pools=("a", "b"),
        draw=np.array(rates),
        hourly_usd=1.0 - share,
        upfront_usd=share * hours,
        term_months=term_months,
        payment_option=option,
    )


NONE, PARTIAL, ALL = (
    plan_offer("none", (1.0, 2.0)),
    plan_offer("partial", (0.95, 1.92)),
    plan_offer("all", (0.93, 1.80)),
)
OTHER = plan_offer("all", (0.5, 1.0), term_months=36)


def test_a_family_has_the_least_upfront_first_and_terms_apart():
    found = families((ALL, OTHER, NONE, PARTIAL))
    assert sorted(tuple(one.offer_id for one in members) for members in found.values()) == [
        ("all-36",),
        ("none-12", "partial-12", "all-12"),
    ]
    assert sibling(ALL, (NONE, PARTIAL, OTHER), payment_option="none") is NONE
    assert sibling(NONE, (NONE, OTHER), payment_option="all") is None


def test_the_interest_of_a_plan_covers_the_same_usage_of_each_pool():
    wanted = [
        upfront_rate(extra_upfront_usd=0.93 * 8_760, saved_hourly_usd=1.0, term_hours=8_760),
        upfront_rate(extra_upfront_usd=1.80 * 8_760, saved_hourly_usd=2.0, term_hours=8_760),
    ]
    assert_allclose(pair_rates(NONE, ALL), wanted)
    pairs = {(one.more_option, one.less_option): one for one in financing_pairs((NONE, PARTIAL, ALL), rate_yearly=0.2)}
    assert set(pairs) == {("partial", "none"), ("all", "none"), ("all", "partial")}
    found = pairs["all", "none"]
    assert_allclose([found.low_rate_yearly, found.high_rate_yearly], sorted(wanted))
    assert not found.is_worth  # 16 % for one of the pools is below 20 %
    assert pairs["all", "none"].high_rate_yearly > 0.2
