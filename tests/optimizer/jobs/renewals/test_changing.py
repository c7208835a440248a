"""What may be done with a commitment before it ends, and why not: in the words of the rules."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.jobs.renewals.changing import ChangeContext, changing_choices, demand_order
from optimizer.jobs.renewals.choices import ChoiceKind
from optimizer.offers import Offer, OfferKind
from optimizer.portfolio import Commitment

DAY, YEAR = 24, 8760
WEB, API = "us-east-1/m5.xlarge", "us-east-1/c6g.xlarge"
FAR = 10**9  # past every term
AS_OF = int(dt.datetime(2024, 6, 20, tzinfo=dt.UTC).timestamp()) // 3600


def offer(  # noqa: PLR0913  # each is one thing a test may want to set, all but three have defaults
    offer_id, kind, hourly_usd, *, pools=(WEB,), upfront_usd=0.0, payment="none", provider="aws", draw=None
):
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider=provider,
        region="us-east-1",
        pools=pools,
        draw=np.ones(len(pools)) if draw is None else np.array(draw),
        hourly_usd=hourly_usd,
        upfront_usd=upfront_usd,
        term_months=12,
        payment_option=payment,
    )


CONVERTIBLE = offer("conv:m5", OfferKind.RESERVED_CONVERTIBLE, 0.5)
STANDARD = offer("std:m5", OfferKind.RESERVED_STANDARD, 0.4)
CHEAPER = offer("conv:c6g", OfferKind.RESERVED_CONVERTIBLE, 0.3, pools=(API,))
CHEAPER_PARTIAL = offer(
    "conv-partial:c6g", OfferKind.RESERVED_CONVERTIBLE, 0.15, pools=(API,), upfront_usd=0.15 * YEAR, payment="partial"
)
PLAN = offer("plan", OfferKind.COMPUTE_SAVINGS_PLAN, 0.5, upfront_usd=0.5 * YEAR, payment="partial", draw=[0.6])


@pytest.fixture(scope="module")
def choices(small):
    """Choices of what was bought some days ago, by kind."""

    def of(  # noqa: PLR0913  # each is one thing a test may want to set, all but one have defaults
        bought: Offer,
        *,
        days_ago=100.0,
        quantity=10.0,
        prices=None,
        others=(),
        later=(),
        stranded=np.nan,
        rate=0.0,
        valued_end=FAR,
        **fields,
    ):
        run = small({WEB: [[1.0] * 12], API: [[1.0] * 12]}, [], offers=(bought, *others))
        start = AS_OF - round(days_ago * DAY)
        owned = Commitment(
            commitment_id="old",
            offer_id=bought.offer_id,
            quantity=quantity,
            start_hour=start,
            end_hour=start + bought.term_hours,
            **fields,
        )
        context = ChangeContext(
            market=run.market,
            as_of_hour=AS_OF,
            later_hours=later,
            preferred_pools=(API, WEB),
            discount_rate_yearly=rate,
            valued_end_hour=valued_end,
            resale_prices_usd=prices or {},
            stranded_fraction=stranded,
        )
        return changing_choices(owned, run.market.catalog.offer(bought.offer_id), context)

    return of


def only(found, kind):
    return next(choice for choice in found if choice.kind is kind)


@pytest.mark.parametrize(
    ("bought", "fields", "kind", "reason"),
    [
        (STANDARD, {"exchangeable": True}, ChoiceKind.EXCHANGE, "it is standard, not convertible"),
        (CONVERTIBLE, {}, ChoiceKind.EXCHANGE, "cannot be exchanged: not declared exchangeable"),
        (STANDARD, {}, ChoiceKind.SELL, "cannot be sold: not declared resalable"),
        (CONVERTIBLE, {"resalable": True}, ChoiceKind.SELL, "must be standard"),
        (STANDARD, {"resalable": True, "days_ago": 10.0}, ChoiceKind.SELL, "active for at least 30 days"),
        (STANDARD, {"resalable": True, "days_ago": 350.0}, ChoiceKind.SELL, "at least one month left"),
        (
            STANDARD,
            {"resalable": True, "quantity": 9.5},
            ChoiceKind.SELL,
            "must be a whole number of m5.xlarge, got 9.5",
        ),
        (PLAN, {}, ChoiceKind.RETURN, "within the last 7 days"),
        (PLAN, {"days_ago": 3.0, "quantity": 120.0}, ChoiceKind.RETURN, "at most 100 USD/h, got 120"),
        (STANDARD, {"days_ago": -3.0}, ChoiceKind.RETURN, "take it out of the queue"),
    ],
)
def test_what_the_rules_refuse_is_said(choices, bought, fields, kind, reason):
    found = only(choices(bought, **fields), kind)
    assert not found.is_open
    assert reason in " ".join(found.obstacles)


def test_an_exchange_gives_the_smallest_count_of_equal_value_and_its_true_up(choices):
    dearer = replace(CHEAPER, hourly_usd=0.7)
    found = only(choices(CONVERTIBLE, others=(dearer,), exchangeable=True), ChoiceKind.EXCHANGE)
    (batch, count) = found.becomes[0]
    assert (found.offer.offer_id, count, found.one_off_usd) == ("conv:c6g", 8.0, 0.0)  # 10 x 0.5 / 0.7 = 7.14
    assert (batch.start_hour, batch.end_hour) == (AS_OF, AS_OF - 100 * DAY + YEAR)
    assert found.decide_by_hour == batch.end_hour - 24


def test_where_no_upfront_may_not_become_cheaper_the_exchange_takes_an_upfront_part(choices):
    found = choices(CONVERTIBLE, others=(CHEAPER, CHEAPER_PARTIAL), exchangeable=True)
    exchange = only(found, ChoiceKind.EXCHANGE)
    hours_left = YEAR - 100 * DAY
    count = np.ceil(10 * 0.5 / 0.3)  # 17 of 0.3 a whole hour each
    assert (exchange.offer.offer_id, exchange.becomes[0][1]) == ("conv-partial:c6g", count)
    assert_allclose(exchange.one_off_usd, count * 0.15 * hours_left, rtol=1e-12)
    refused = only(choices(CONVERTIBLE, others=(CHEAPER,), exchangeable=True), ChoiceKind.EXCHANGE)
    assert "must not be lower" in refused.obstacles[0]


def test_the_part_that_strands_is_split_off_and_exchanged(choices):
    found = choices(CONVERTIBLE, others=(CHEAPER_PARTIAL,), exchangeable=True, stranded=0.35)
    part = only(found, ChoiceKind.EXCHANGE_PART)
    assert part.release.quantity == 4.0  # of ten
    assert part.becomes[0][1] == np.ceil(4 * 0.5 / 0.3)
    assert "4 of 10 instances" in part.notes[0]


def test_a_sale_brings_its_price_less_the_fee_until_a_month_before_the_end(choices):
    found = only(choices(STANDARD, resalable=True, prices={"old": 1_000.0}), ChoiceKind.SELL)
    assert_allclose(found.one_off_usd, -880.0)
    end = dt.datetime.fromtimestamp(3600 * (AS_OF - 100 * DAY + YEAR), tz=dt.UTC)
    last = dt.datetime.fromtimestamp(3600 * found.decide_by_hour, tz=dt.UTC)
    assert (last.year * 12 + last.month + 1, last.day) == (end.year * 12 + end.month, end.day)
    assert "Modify it from its region to a zone first" in found.notes[0]


def test_a_sale_is_worked_out_for_later_dates_that_the_rules_still_allow(choices):
    month = 30 * DAY
    found = choices(STANDARD, resalable=True, later=(AS_OF + month, AS_OF + 9 * month))
    assert [choice.at_hour for choice in found if choice.kind is ChoiceKind.SELL] == [AS_OF, AS_OF + month]


def test_a_plan_comes_back_within_seven_days_of_the_same_month(choices):
    found = only(choices(PLAN, days_ago=3.0, quantity=80.0), ChoiceKind.RETURN)
    assert_allclose(found.one_off_usd, -80.0 * YEAR / 2 * (YEAR - 3 * DAY) / YEAR)
    assert found.decide_by_hour == AS_OF + 4 * DAY
    assert found.release.quantity == 80.0


def test_azure_cancels_up_to_its_limit_and_pays_back_what_was_prepaid(choices):
    prepaid = offer("azure", OfferKind.RESERVED_STANDARD, 0.0, upfront_usd=1_200.0, payment="all", provider="azure")
    small_one = only(choices(prepaid, days_ago=73.0), ChoiceKind.REFUND)
    assert_allclose(small_one.one_off_usd, -10 * 1_200.0 * 0.8)
    large = only(choices(prepaid, days_ago=73.0, quantity=100.0), ChoiceKind.REFUND)
    assert "96,000 USD of commitment would be cancelled" in large.obstacles[0]


def test_google_lets_nobody_out(choices):
    found = choices(offer("cud", OfferKind.RESERVED_STANDARD, 0.4, provider="gcp"))
    assert [choice.is_open for choice in found] == [False, False]


def test_another_size_of_the_family_takes_the_same_footprint(small):
    large, small_size = "us-east-1/m5.2xlarge", "us-east-1/m5.xlarge"
    run = small({WEB: [[1.0] * 12], API: [[1.0] * 12]}, [], offers=(STANDARD,))
    pools = {
        small_size: replace(run.market.pools[WEB], name=small_size),
        large: replace(run.market.pools[WEB], name=large, size="2xlarge", normalization_factor=16.0),
    }
    catalog = replace(run.market.catalog, pools=(small_size, large))
    market = replace(run.market, pools=pools, catalog=catalog)
    context = ChangeContext(
        market=market,
        as_of_hour=AS_OF,
        later_hours=(),
        preferred_pools=(),
        discount_rate_yearly=0.0,
        valued_end_hour=FAR,
        resale_prices_usd={},
    )
    owned = Commitment(
        commitment_id="old", offer_id="std:m5", quantity=10.0, start_hour=AS_OF - DAY, end_hour=AS_OF - DAY + YEAR
    )
    found = only(changing_choices(owned, STANDARD, context), ChoiceKind.MODIFY)
    assert (found.offer.pools, found.becomes[0][1]) == ((large,), 5.0)
    assert_allclose(found.offer.hourly_usd, 0.8)
    odd = only(changing_choices(replace(owned, quantity=9.0), STANDARD, context), ChoiceKind.MODIFY)
    assert "no whole number of m5.2xlarge" in odd.obstacles[0]


def test_pools_that_events_move_demand_to_come_first():
    assert demand_order(["a", "b", "c"], ["c", "x"], {"a": 1.0, "b": 2.0}) == ("c", "b", "a")


def test_cash_for_the_rest_of_a_term_counts_as_far_as_its_hours_do(choices):
    half = {"valued_end": AS_OF + (YEAR - 100 * DAY) // 2, "days_ago": 100.0, "rate": 0.1}
    sale = only(choices(STANDARD, resalable=True, prices={"old": 1_000.0}, **half), ChoiceKind.SELL)
    assert_allclose([sale.one_off_usd, sale.counted_usd], [-880.0, -440.0], rtol=1e-9)
    given_back = only(choices(PLAN, days_ago=0.0, valued_end=AS_OF + YEAR // 4), ChoiceKind.RETURN)
    assert_allclose(given_back.counted_usd, given_back.one_off_usd / 4, rtol=1e-9)
    dearer = replace(CHEAPER, hourly_usd=0.7)
    exchange = only(choices(CONVERTIBLE, others=(dearer,), exchangeable=True, **half), ChoiceKind.EXCHANGE)
    assert_allclose(exchange.inside_fraction, 0.5, rtol=1e-3)
    assert only(choices(STANDARD, resalable=True), ChoiceKind.SELL).inside_fraction == 1.0


def test_a_price_of_a_later_sale_is_discounted_and_less_the_fee(choices):
    later = AS_OF + 100 * DAY
    found = [
        choice
        for choice in choices(STANDARD, resalable=True, later=(later,), rate=0.1)
        if choice.kind is ChoiceKind.SELL
    ]
    assert_allclose([sale.price_part for sale in found], [0.88, 0.88 / 1.1 ** (100 / 365)], rtol=1e-3)
