"""A plan small enough to be worked out by hand: 10 or 6 units all year, 4 of them reserved, paid upfront.

On demand a unit-hour costs 1 USD, reserved 0.5 USD, all of it upfront (4,380 USD a unit); without upfront 0.55 USD.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.drivers import Drivers
from forecasting.hours import HOURS_PER_YEAR, hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.calendar_dates import planning_timeline
from optimizer.hardware import Hardware
from optimizer.jobs.judge import judge
from optimizer.jobs.money.run import MoneyLedgers, MoneyRequest, plan_money
from optimizer.jobs.purchases import purchase_of
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.plan_money import PlanMoney
from optimizer.policy import Policy
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

AS_OF = hour_of_date("2025-01-01")
END = AS_OF + HOURS_PER_YEAR
QUARTER_HOURS = np.array([90, 91, 92, 92]) * 24
UPFRONT_USD = 4_380.0


def reservation(offer_id: str, *, option: str, hourly_usd: float, upfront_usd: float) -> Offer:
    return Offer(
        offer_id=offer_id,
        kind=OfferKind.RESERVED_STANDARD,
        provider="aws",
        region="east",
        pools=("a/x",),
        draw=np.ones(1),
        hourly_usd=hourly_usd,
        upfront_usd=upfront_usd,
        term_months=12,
        payment_option=option,
    )


ALL = reservation("all", option="all", hourly_usd=0.0, upfront_usd=UPFRONT_USD)
NONE = reservation("none", option="none", hourly_usd=0.55, upfront_usd=0.0)
RACK = Offer(
    offer_id="rack",
    kind=OfferKind.OWNED_HARDWARE,
    provider="own",
    region="east",
    pools=("a/x",),
    draw=np.ones(1),
    hourly_usd=0.1,
    upfront_usd=8_760.0,
    term_months=24,
    payment_option="all",
    hardware=Hardware(from_hours=(0,), until_hours=(2 * HOURS_PER_YEAR,)),
)


def held(name: str, offer: Offer, quantity: float, *, start: int = AS_OF) -> Commitment:
    return Commitment(
        commitment_id=name,
        offer_id=offer.offer_id,
        quantity=quantity,
        start_hour=start,
        end_hour=start + offer.term_hours,
    )


def money_of(
    planned: tuple[Commitment, ...],
    *,
    owned: tuple[Commitment, ...] = (),
    policy: Policy | None = None,
    units: tuple[float, float] = (10.0, 6.0),
    drivers: Drivers | None = None,
    offers: tuple[Offer, ...] = (ALL, NONE, RACK),
) -> tuple[PlanMoney, float]:
    """Money of a plan, and its expected bill."""
    catalog = Catalog(pools=("a/x",), on_demand_usd=np.ones(1), spot_usd=np.full(1, np.nan), offers=offers)
    market = Market(catalog=catalog, pools={"a/x": Pool(name="a/x")}, commitments=owned, terms_months=(12,))
    timeline = planning_timeline(AS_OF, cadence_months=3, terms_months=(12,))
    demand = np.broadcast_to(np.array(units)[:, None, None], (2, 1, HOURS_PER_YEAR)).copy()
    scenarios = Scenarios(
        pools=("a/x",),
        hours=np.arange(AS_OF, END),
        hour_weights=np.ones(HOURS_PER_YEAR),
        weights=np.array([0.5, 0.5]),
        units=demand,
    )
    ledgers = MoneyLedgers()
    judged = judge(market, (*owned, *planned), scenarios, with_allocation=True, on_bill=ledgers.plan.add)
    judge(market, owned, scenarios, on_bill=ledgers.owned.add)
    judge(market, (), scenarios, on_bill=ledgers.on_demand.add)
    request = MoneyRequest(
        market=market,
        policy=Policy() if policy is None else policy,
        timeline=timeline,
        window=scenarios,
        planned=planned,
        advice=tuple(purchase_of(one, catalog.offer(one.offer_id)) for one in planned if one.start_hour == AS_OF),
        allocation=judged.allocation,
        drivers=drivers,
    )
    return plan_money(request, ledgers), float(scenarios.weights @ judged.total_usd)


def column(money: PlanMoney, name: str) -> np.ndarray:
    return np.array([getattr(one, name) for one in money.quarters])


def test_the_quarters_are_those_worked_out_by_hand():
    money, billed = money_of((held("now", ALL, 4.0),))
    assert [one.quarter for one in money.quarters] == ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]
    assert_allclose(column(money, "on_demand_usd"), 4.0 * QUARTER_HOURS)  # the mean of 6 and 2 units
    assert_allclose(column(money, "prepaid_expense_usd"), 2.0 * QUARTER_HOURS)
    assert_allclose(column(money, "cost_usd"), 6.0 * QUARTER_HOURS)
    assert_allclose(column(money, "ebitda_usd"), -6.0 * QUARTER_HOURS)
    assert_allclose(column(money, "all_on_demand_usd"), 8.0 * QUARTER_HOURS)
    paid = np.array([4 * UPFRONT_USD, 0.0, 0.0, 0.0])
    assert_allclose(column(money, "upfront_usd"), paid)
    assert_allclose(column(money, "cash_usd"), 4.0 * QUARTER_HOURS + paid)
    assert_allclose(column(money, "cash_p10_usd"), 2.0 * QUARTER_HOURS + paid)
    assert_allclose(column(money, "cash_p90_usd"), 6.0 * QUARTER_HOURS + paid)
    assert_allclose(column(money, "prepaid_end_usd"), 4 * UPFRONT_USD - np.cumsum(2.0 * QUARTER_HOURS), atol=1e-6)
    assert_allclose(column(money, "cost_usd").sum(), billed)


def test_upfront_comes_back_after_half_a_year_and_earns_what_the_fees_save():
    money, _ = money_of((held("now", ALL, 4.0),))
    own, together = money.purchases
    assert own.commitment_id == "now"
    assert together.commitment_id is None
    for row in (own, together):  # 17,520 USD at 4 USD an hour: 4,380 hours
        assert_allclose([row.upfront_usd, row.saved_usd, row.payback_months], [17_520.0, 17_520.0, 6.0])
        assert not row.is_flagged
    (against, kept) = money.comparisons
    assert_allclose([against.saved_cash_usd, against.payback_months, against.tied_up_usd], [17_520.0, 6.0, 17_520.0])
    assert_allclose(kept.saved_cash_usd, against.saved_cash_usd)
    (pair,) = money.financing
    assert (pair.more_offer_id, pair.less_offer_id) == ("all", "none")
    hours = np.arange(HOURS_PER_YEAR)
    worth = float(np.sum(0.55 * (1 + pair.low_rate_yearly) ** -((hours + 0.5) / HOURS_PER_YEAR)))
    assert_allclose(worth, UPFRONT_USD, rtol=1e-9)


def test_what_is_owned_has_its_part_of_what_its_offer_covers():
    """3 owned and 1 bought on one offer: a quarter of 4 units, and the cash of a purchase is nobody else's."""
    money, _ = money_of((held("now", ALL, 1.0),), owned=(held("old", ALL, 3.0, start=AS_OF - 24),))
    (row, _) = money.purchases
    assert_allclose(row.saved_usd, HOURS_PER_YEAR - UPFRONT_USD)
    alone, _ = money_of((held("now", ALL, 1.0),))
    assert_allclose(alone.purchases[0].saved_usd, row.saved_usd)
    planned = next(one for one in money.variants if one.name == "as_planned")
    assert_allclose(planned.npv_usd, row.saved_usd)


def test_a_way_of_paying_that_is_sold_later_only_is_no_way_of_paying_now():
    later = replace(NONE, available_from_hour=AS_OF + 24)
    money, _ = money_of((held("now", ALL, 4.0),), offers=(ALL, later, RACK))
    assert [one.name for one in money.variants] == ["as_planned"]


def test_discounted_payback_counts_the_upfront_part_at_its_own_hour():
    """17,520 USD at once, then 4 USD an hour, each at the middle of its quarter at 10 % a year."""
    money, _ = money_of((held("now", ALL, 4.0),), policy=Policy(discount_rate_yearly=0.1))
    own, against = money.purchases[0], money.comparisons[0]
    assert_allclose(against.discounted_payback_months, own.discounted_payback_months)
    assert_allclose(against.tied_up_usd, 4 * UPFRONT_USD)


def test_at_rate_zero_the_present_value_is_the_cash_and_above_it_less():
    planned = (held("now", ALL, 4.0), held("later", NONE, 1.0, start=AS_OF + 181 * 24))
    free, _ = money_of(planned)
    dear, _ = money_of(planned, policy=Policy(discount_rate_yearly=0.1))
    assert_allclose(free.npv_cash_usd, column(free, "cash_usd").sum())
    assert_allclose(free.comparisons[0].npv_usd, free.comparisons[0].saved_cash_usd)
    assert dear.npv_cash_usd < free.npv_cash_usd
    assert dear.purchases[0].discounted_payback_months > free.purchases[0].payback_months == 6.0


def test_cash_less_cost_is_what_is_prepaid_more_than_before():
    owned = (held("old", ALL, 1.0, start=AS_OF - 100 * 24),)
    planned = (held("now", ALL, 3.0), held("later", ALL, 1.0, start=AS_OF + 200 * 24))
    money, billed = money_of(planned, owned=owned)
    before = UPFRONT_USD * (1 - 100 / 365)
    change = np.diff(np.append(before, column(money, "prepaid_end_usd")))
    assert_allclose(column(money, "cash_usd") - column(money, "cost_usd"), change, atol=1e-6)
    assert_allclose(column(money, "cost_usd").sum(), billed)


def test_hardware_is_capital_and_only_its_running_cost_is_in_ebitda():
    money, billed = money_of((held("rack", RACK, 2.0),))
    assert_allclose(column(money, "running_usd"), 0.2 * QUARTER_HOURS)
    assert_allclose(column(money, "depreciation_usd"), QUARTER_HOURS)  # 2 x 8,760 USD over 17,520 hours
    assert_allclose(column(money, "ebitda_usd"), -6.2 * QUARTER_HOURS)
    assert_allclose(column(money, "ebit_usd"), -7.2 * QUARTER_HOURS)
    assert_allclose(column(money, "capex_usd"), [17_520.0, 0.0, 0.0, 0.0])
    assert_allclose(column(money, "upfront_usd"), 0.0)
    assert_allclose(column(money, "prepaid_end_usd"), 0.0)
    assert_allclose(column(money, "cost_usd").sum(), billed)
    row = money.purchases[0]  # 17,520 USD at 1.8 USD an hour take 9,733 hours: past the year that is seen
    assert np.isinf(row.payback_months)
    assert row.is_flagged
    assert not row.is_within_window


@pytest.mark.parametrize(
    ("goal", "best"),
    [("cost", "as_planned"), ("ebitda", "as_planned"), ("free_cash_flow", "none"), ("payback", "none")],
)
def test_each_goal_ranks_the_ways_of_paying_its_own_way(goal, best):
    money, _ = money_of((held("now", ALL, 4.0),), policy=Policy(goal=goal))
    assert money.variants[0].name == best
    by_name = {one.name: one for one in money.variants}
    assert set(by_name) == {"as_planned", "none"}
    assert_allclose(by_name["as_planned"].ebitda_usd, 4 * 0.5 * HOURS_PER_YEAR)
    assert_allclose(by_name["none"].ebitda_usd, 4 * 0.45 * HOURS_PER_YEAR)
    assert [by_name["none"].tied_up_usd, by_name["none"].payback_months] == [0.0, 0.0]
    assert ("That is what the plan does" in money.recommendation) == (best == "as_planned")
    if best == "none":
        assert "present value -1,752 USD" in money.recommendation


def test_money_that_costs_more_than_the_implied_interest_is_not_paid_upfront():
    money, _ = money_of((held("now", ALL, 4.0),), policy=Policy(discount_rate_yearly=0.3))
    (pair,) = money.financing
    assert 0.2 < pair.low_rate_yearly < 0.3
    assert not pair.is_worth
    assert money.variants[0].name == "none"


def test_a_long_payback_is_flagged_by_the_policys_months():
    late, _ = money_of((held("now", ALL, 4.0),), policy=Policy(payback_flag_months=5.9))
    assert [one.is_flagged for one in late.purchases] == [True, True]


def test_the_parts_of_a_unit_cost_sum_to_the_whole_at_every_level():
    days = np.arange(AS_OF // 24 - 60, AS_OF // 24 + 370, 5)
    values = 1_000.0 * 1.001 ** (days - days[0])
    drivers = Drivers(
        source="drivers.csv",
        names=("orders",),
        codes=np.zeros(len(days), dtype=np.int64),
        days=days,
        known_days=np.full(len(days), -(2**40)),
        values=values,
        lows=values,
        highs=values,
    )
    planned = (held("now", ALL, 7.0), held("later", NONE, 2.0, start=AS_OF + 100 * 24))
    money, billed = money_of(planned, drivers=drivers)
    volume = float(np.sum(1_000.0 * 1.001 ** (np.arange(AS_OF // 24, END // 24) - days[0])))
    whole = [one for one in money.unit_costs if one.month is None]
    for level in ("business", "product", "infrastructure"):
        rows = [one for one in whole if one.level == level]
        assert_allclose(sum(one.amortized_usd for one in rows) * volume, billed, rtol=1e-9)
        assert_allclose(sum(one.cash_usd for one in rows) * volume, column(money, "cash_usd").sum(), rtol=1e-9)
        assert_allclose(
            sum(one.on_demand_equivalent_usd for one in rows) * volume,
            column(money, "all_on_demand_usd").sum(),
            rtol=1e-9,
        )
    assert {(one.level, one.name, one.is_unused) for one in whole} == {
        ("business", None, False),
        ("product", "a", False),
        ("product", None, True),
        ("infrastructure", "a/x", False),
        ("infrastructure", None, True),
    }
    months = [one for one in money.unit_costs if one.month is not None]
    assert len(months) == 12
    assert_allclose(sum(one.amortized_usd * one.volume for one in months), billed, rtol=1e-9)


def test_without_purchases_nothing_is_paid_upfront_or_said_to_be():
    money, _ = money_of(())
    assert money.purchases == money.variants == ()
    assert money.recommendation.startswith("Nothing is bought")
    assert replace(money.comparisons[0], against="") == replace(money.comparisons[1], against="")
