from dataclasses import replace

import numpy as np
import pytest

from optimizer.assembly import Market
from optimizer.goals import goal_sentences, market_for_goal, objective_rate_yearly
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.policy import Policy
from optimizer.pools import Pool


def reservation(option: str, *, hourly_usd: float, upfront_usd: float, term_months: int) -> Offer:
    return Offer(
        offer_id=f"{option}-{term_months}",
        kind=OfferKind.RESERVED_STANDARD,
        provider="aws",
        region="east",
        pools=("a",),
        draw=np.ones(1),
        hourly_usd=hourly_usd,
        upfront_usd=upfront_usd,
        term_months=term_months,
        payment_option=option,
    )


@pytest.fixture
def market() -> Market:
    """One pool at 1 USD; a term of three years whose upfront part takes 26 months of full use to come back."""
    offers = (
        reservation("none", hourly_usd=0.7, upfront_usd=0.0, term_months=12),
        reservation("all", hourly_usd=0.0, upfront_usd=0.65 * 8_760, term_months=12),
        reservation("none", hourly_usd=0.75, upfront_usd=0.0, term_months=36),
        reservation("all", hourly_usd=0.0, upfront_usd=26 * 730.0, term_months=36),
    )
    catalog = Catalog(pools=("a",), on_demand_usd=np.ones(1), spot_usd=np.full(1, np.nan), offers=offers)
    return Market(catalog=catalog, pools={"a": Pool(name="a")}, commitments=(), terms_months=(12, 36))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(), {"none-12", "all-12", "none-36", "all-36"}),
        (Policy(goal="ebitda"), {"none-12", "all-12", "none-36", "all-36"}),
        (Policy(goal="free_cash_flow"), {"none-12", "none-36"}),
        (Policy(goal="payback"), {"none-12", "all-12", "none-36"}),
        (Policy(goal="payback", payback_flag_months=27.0), {"none-12", "all-12", "none-36", "all-36"}),
        (Policy(goal="payback", payback_flag_months=7.0), {"none-12", "none-36"}),
    ],
    ids=["cost", "ebitda", "free cash flow", "payback", "long payback", "short payback"],
)
def test_a_goal_rules_out_ways_of_paying(market: Market, policy: Policy, expected: set[str]):
    found = market_for_goal(market, policy)
    assert {offer.offer_id for offer in found.buyable()} == expected
    assert found.catalog is market.catalog  # what is owned stays billable


def test_a_payback_that_the_policy_limits_more_stays_limited(market: Market):
    limited = replace(market, payback_months_max=3.0)
    assert market_for_goal(limited, Policy(goal="payback")).payback_months_max == 3.0


def test_only_ebitda_counts_later_money_as_much_as_now():
    for goal, rate in (("cost", 0.08), ("ebitda", 0.0), ("free_cash_flow", 0.08), ("payback", 0.08)):
        assert objective_rate_yearly(Policy(goal=goal, discount_rate_yearly=0.08)) == rate


def test_what_is_not_sold_yet_rules_out_nothing_that_is(market: Market):
    later = tuple(
        replace(one, available_from_hour=99) if one.offer_id == "none-12" else one for one in market.catalog.offers
    )
    found = market_for_goal(
        replace(market, catalog=replace(market.catalog, offers=later)), Policy(goal="free_cash_flow")
    )
    assert {offer.offer_id for offer in found.buyable()} == {"none-12", "all-12", "none-36"}


def test_a_goal_says_what_it_has_changed():
    assert goal_sentences(Policy()) == ()
    for goal in ("ebitda", "free_cash_flow", "payback"):
        (sentence,) = goal_sentences(Policy(goal=goal, payback_flag_months=18.0))
        assert sentence.startswith(f"Goal {goal}: ")
    assert "18 months" in sentence
