"""Lines of random portfolios against a loop over hours, and a year of one plan and one reservation by hand."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from optimizer.billing.aws.amortization import Payments, plan_payments
from optimizer.billing.aws.line_items import LineItems, LineType, Owned, line_items, spot_line
from optimizer.billing.aws.order import settle
from optimizer.billing.aws.reserved import Payment
from optimizer.billing.aws.views import (
    blended_rates,
    blended_usd,
    total,
    totals_by_type,
    with_enterprise_discount,
)
from optimizer.billing.settlement import Holding, Stage, UsageLines

START = hour_of_date("2024-01-31") + 12  # half a day of January, then February
HOURS = START + np.arange(24)
RATES = np.array([1.0, 0.5, 2.0])


def usage_of(units):
    return UsageLines(names=["web", "api", "batch"], accounts=["a", "b", "a"], on_demand_usd=RATES, units=units)


def plan(quantity, *, payment=Payment.PARTIAL, label="plan", bought_hour=None):
    holding = Holding(
        label=label,
        stage=Stage.COMPUTE_PLAN,
        account="a",
        lines=[0, 1, 2],
        draw=0.7 * RATES,
        quantity=np.broadcast_to(np.asarray(quantity, dtype=float), HOURS.shape),
    )
    return Owned(
        holding=holding,
        payments=plan_payments(1.0, payment, 8760.0),
        bought_hour=bought_hour,
        bought_quantity=float(np.max(quantity)),
    )


def reserved(quantity, *, label="ri", upfront_usd=876.0, bought_hour=None):
    holding = Holding(
        label=label,
        stage=Stage.REGIONAL_RESERVATION,
        account="b",
        lines=[0, 1],
        draw=[2.0, 1.0],
        quantity=np.broadcast_to(np.asarray(quantity, dtype=float), HOURS.shape),
    )
    return Owned(
        holding=holding,
        payments=Payments(upfront_usd=upfront_usd, recurring_hourly_usd=0.1, term_hours=8760.0),
        bought_hour=bought_hour,
        bought_quantity=float(np.max(quantity)),
    )


def lines_of(units, owned):
    usage = usage_of(units)
    return line_items(HOURS, usage, owned, settle(usage, [item.holding for item in owned]))


def naive(units, owned):
    """Unblended and amortized cost, hour by hour."""
    unblended = amortized = 0.0
    reservation, savings_plan = owned
    for column, hour in enumerate(HOURS):
        rest = [float(units[row][column]) for row in range(3)]
        left = float(reservation.holding.quantity[column])
        for row, draw in ((1, 1.0), (0, 2.0)):  # its owner runs the api, and it is the smaller size
            part = min(rest[row], left / draw)
            rest[row] -= part
            left -= part * draw
        money = float(savings_plan.holding.quantity[column])
        for row in (0, 2, 1):  # of its owner first, equal savings from the lowest rate up
            part = min(rest[row], money / (0.7 * RATES[row]))
            rest[row] -= part
            money -= part * 0.7 * RATES[row]
        on_demand = sum(rest[row] * RATES[row] for row in range(3))
        for item in owned:
            held = float(item.holding.quantity[column])
            unblended += held * item.payments.recurring_hourly_usd
            amortized += held * item.payments.effective_hourly_usd
            if item.bought_hour == hour:
                unblended += item.payments.upfront_usd * item.bought_quantity
        unblended += on_demand
        amortized += on_demand
    return unblended, amortized


@given(
    seed=st.integers(0, 10_000),
    committed=st.floats(0.0, 6.0),
    count=st.floats(0.0, 8.0),
    payment=st.sampled_from(list(Payment)),
    is_bought=st.booleans(),
)
def test_sums_of_the_lines_are_those_of_a_loop_over_hours(seed, committed, count, payment, is_bought):
    units = np.random.default_rng(seed).uniform(0.0, 4.0, (3, len(HOURS)))
    bought_hour = int(HOURS[3]) if is_bought else None
    held = (np.arange(len(HOURS)) >= 3).astype(float) if is_bought else np.ones(len(HOURS))
    owned = [
        reserved(count * held, bought_hour=bought_hour),
        plan(committed * held, payment=payment, bought_hour=bought_hour),
    ]
    found = total(lines_of(units, owned))
    assert_allclose([found.unblended_usd, found.amortized_usd], naive(units, owned), atol=1e-9)


@given(seed=st.integers(0, 10_000), committed=st.floats(0.01, 6.0), count=st.floats(0.01, 8.0))
def test_usage_is_all_there_negation_takes_back_what_plans_cover_and_unused_fees_stay(seed, committed, count):
    units = np.random.default_rng(seed).uniform(0.0, 4.0, (3, len(HOURS)))
    lines = lines_of(units, [reserved(count), plan(committed)])
    running = {LineType.USAGE, LineType.DISCOUNTED_USAGE, LineType.COVERED_USAGE}
    for row, name in enumerate(("web", "api", "batch")):
        by_hour = sum(line.quantity for line in lines if line.usage == name and line.line_type in running)
        assert_allclose(by_hour, units[row], atol=1e-9)
    sums = totals_by_type(lines)
    zero = total([])
    covered, negated = sums.get(LineType.COVERED_USAGE, zero), sums.get(LineType.NEGATION, zero)
    assert_allclose(covered.unblended_usd, -negated.unblended_usd, atol=1e-9)
    assert negated.amortized_usd == 0.0
    unused = sums[LineType.RECURRING_FEE].amortized_usd
    assert_allclose(covered.amortized_usd + unused, committed * len(HOURS), atol=1e-9)
    used = sums.get(LineType.DISCOUNTED_USAGE, zero).amortized_usd
    assert_allclose(used + sums[LineType.RI_FEE].amortized_usd, count * 0.2 * len(HOURS), atol=1e-9)


@pytest.mark.parametrize("payment", list(Payment))
def test_over_a_whole_term_both_views_have_the_same_sum(payment):
    """One year of a plan of 2 USD/h and of a reservation, bought in its first hour; demand on for half of each day."""
    hours = hour_of_date("2023-01-01") + np.arange(8760)
    runs = np.where(hours % 24 < 12, 5.0, 0.0)
    usage = UsageLines(names=["web"], accounts=["a"], on_demand_usd=[1.0], units=[runs])
    share = Payments(upfront_usd=876.0, recurring_hourly_usd=0.2, term_hours=8760.0)
    owned = [
        Owned(
            holding=Holding(label=label, stage=stage, lines=[0], draw=[draw], quantity=np.full(8760, 2.0)),
            payments=payments,
            bought_hour=int(hours[0]),
            bought_quantity=2.0,
        )
        for label, stage, draw, payments in (
            ("ri", Stage.REGIONAL_RESERVATION, 1.0, share),
            ("sp", Stage.COMPUTE_PLAN, 0.8, plan_payments(1.0, payment, 8760.0)),
        )
    ]
    lines = line_items(hours, usage, owned, settle(usage, [item.holding for item in owned]))
    sums = total(lines)
    by_hand = 4380 * (5.0 - 2.0 - 2.5) + 2 * 8760 * 1.0 + 2 * (876.0 + 0.2 * 8760)
    assert_allclose([sums.unblended_usd, sums.amortized_usd], [by_hand, by_hand])
    monthly = next(line for line in lines if line.line_type == LineType.RI_FEE)
    assert np.count_nonzero(monthly.unblended_usd) == 12
    assert_allclose(monthly.quantity[0], 2 * 744)


def test_the_monthly_fee_stands_in_the_first_hour_held_of_each_month():
    held = np.r_[np.zeros(3), np.ones(21)]
    lines = lines_of(np.zeros((3, 24)), [reserved(held)])
    (fee,) = [line for line in lines if line.line_type == LineType.RI_FEE]
    assert np.flatnonzero(fee.quantity).tolist() == [3, 12]
    assert dt.datetime.fromtimestamp(int(HOURS[12]) * 3600, tz=dt.UTC) == dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
    assert_allclose(fee.unblended_usd[[3, 12]], [0.9, 1.2])
    assert_allclose(fee.amortized_usd[[3, 12]], [1.8, 2.4])


def test_an_upfront_fee_paid_before_the_window_is_not_cash_in_it():
    assert LineType.FEE not in totals_by_type(lines_of(np.zeros((3, 24)), [reserved(1.0)]))


def test_two_commitments_of_one_id_are_refused():
    with pytest.raises(ValueError, match=r"an id of its own, got \['plan', 'plan'\]"):
        lines_of(np.zeros((3, 24)), [plan(1.0), plan(2.0)])


def test_an_enterprise_discount_multiplies_with_the_plans():
    """9 % off what is left after the plan, in both views; covered usage and its negation stay each other's opposite."""
    lines = lines_of(np.full((3, 24), 1.5), [reserved(1.0), plan(1.0, bought_hour=int(HOURS[0]))])
    before, after = total(lines), total(with_enterprise_discount(lines, 0.09))
    assert_allclose(after.unblended_usd, 0.91 * before.unblended_usd)
    assert_allclose(after.amortized_usd, 0.91 * before.amortized_usd)
    assert with_enterprise_discount(lines, 0.0) == lines


def test_types_that_a_contract_does_not_discount_keep_their_price():
    lines = lines_of(np.full((3, 24), 1.5), [reserved(1.0)])
    fee_usd = totals_by_type(lines)[LineType.RI_FEE].unblended_usd
    after = total(with_enterprise_discount(lines, 0.5, excluded=frozenset({LineType.RI_FEE})))
    assert_allclose(after.unblended_usd, 0.5 * (total(lines).unblended_usd + fee_usd))


def test_a_discount_is_a_fraction_and_taken_once():
    lines = lines_of(np.ones((3, 24)), [])
    with pytest.raises(ValueError, match=r"discount_fraction must lie in \[0, 1\), got 9"):
        with_enterprise_discount(lines, 9)
    with pytest.raises(ValueError, match="already"):
        with_enterprise_discount(with_enterprise_discount(lines, 0.1), 0.1)


def test_blended_rates_leave_fees_of_reservations_out():
    """Three reserved and one on-demand t2.small for 720 hours at 0.023 USD: 0.00575 USD an hour.

    https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/con-bill-blended-rates.html
    """
    hours = hour_of_date("2023-11-01") + np.arange(720)
    usage = UsageLines(
        names=["one", "other"], accounts=["a", "b"], on_demand_usd=[0.023, 0.023], units=np.full((2, 720), 2.0)
    )
    holding = Holding(
        label="ri", stage=Stage.REGIONAL_RESERVATION, lines=[0, 1], draw=[1.0, 1.0], quantity=np.full(720, 3.0)
    )
    owned = [Owned(holding=holding, payments=Payments(upfront_usd=0.0, recurring_hourly_usd=0.01, term_hours=8760.0))]
    lines = line_items(hours, usage, owned, settle(usage, [holding]))
    kinds = {"one": "BoxUsage:t2.small", "other": "BoxUsage:t2.small"}
    rate = blended_rates(lines, kinds)["BoxUsage:t2.small"]
    assert_allclose([rate.cost_usd, rate.rate_usd], [16.56, 0.00575])
    blended = blended_usd(lines, kinds)
    assert_allclose(sum(costs.sum() for costs in blended), total(lines).unblended_usd)
    of_other = sum(costs.sum() for line, costs in zip(lines, blended, strict=True) if line.usage == "other")
    assert_allclose(of_other, 2 * 720 * 0.00575)


def test_spot_costs_the_same_in_both_views_and_nothing_covers_it():
    line = spot_line("batch", "a", np.array([2.0, 3.0]), np.array([0.1, 0.2]))
    assert isinstance(line, LineItems)
    assert_allclose([line.unblended_usd, line.amortized_usd], [[0.2, 0.6]] * 2)
    assert line.commitment_id == ""
