import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.expected_loss import (
    CalendarFactor,
    CapacityOption,
    Credits,
    best_by_chance,
    event_loss,
    expected_cost_usd,
    flip_probability,
    hour_factors,
    hours_of_year,
)

MONEY = st.floats(0.0, 1e8)
OPTIONS = st.lists(st.tuples(MONEY, st.sampled_from([None, 1.1, 1.25]), st.floats(1.0, 1e9)), min_size=2, max_size=5)


@given(OPTIONS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_best_option_by_chance_is_the_cheapest_at_each_chance(given_options, chance, other):
    options = [
        CapacityOption(name=str(row), cost_usd=cost, fails_above_fraction=above, loss_usd=loss if above else 0.0)
        for row, (cost, above, loss) in enumerate(given_options)
    ]
    stretches = best_by_chance(options, threshold_fraction=1.25, others={1.1: other})
    assert stretches[0].from_probability == 0.0
    assert stretches[-1].to_probability == 1.0
    assert all(a.to_probability == b.from_probability for a, b in itertools.pairwise(stretches))
    inside = next(one for one in stretches if one.from_probability <= chance <= one.to_probability)
    cost = {one.name: expected_cost_usd(one, {1.1: other, 1.25: chance}) for one in options}
    assert cost[inside.name] <= min(cost.values()) * (1 + 1e-9) + 1e-6


@given(st.floats(0.0, 1e6), st.floats(1.0, 1e7), st.floats(0.05, 1.0))
def test_at_the_flip_the_mitigation_costs_what_it_removes(cost, loss, removed):
    flip = flip_probability(cost_usd=cost, loss_usd=loss, removed_fraction=removed)
    if flip is None:
        assert cost > loss * removed
    else:
        assert_allclose(flip * loss * removed, cost, rtol=1e-9, atol=1e-9)


def test_credits_are_the_affected_share_of_the_bills():
    owed = Credits(affected_fraction=0.4, monthly_bill_usd=9e6, credit_fraction=0.1).usd
    loss = event_loss(impact_usd_per_hour=4e5, blast_radius_fraction=0.4, duration_hours=4.0, credits_usd=owed)
    assert_allclose([loss.direct_usd, loss.liability_usd, loss.usd], [640_000.0, 360_000.0, 1_000_000.0])


def test_factors_follow_the_calendar_hour_by_hour():
    peak = CalendarFactor(name="peak", factor=100.0, months=(11,), days=(28,), hours=(18, 19))
    weekend = CalendarFactor(name="weekend", factor=0.5, weekdays=(6, 7))
    hours = hours_of_year(2025)
    start = dt.datetime(2025, 1, 1)
    expected = []
    for number in range(len(hours)):
        moment = start + dt.timedelta(hours=number)
        held = [100.0] if (moment.month, moment.day) == (11, 28) and moment.hour in (18, 19) else []
        held += [0.5] if moment.isoweekday() >= 6 else []
        expected.append(max(held, default=1.0))
    assert hour_factors(hours, (peak, weekend)).tolist() == expected
    assert len(hours_of_year(2024)) == 8_784


@pytest.mark.parametrize(("hour", "expected"), [(9, False), (10, True), (19, True), (20, False)])
def test_a_factor_may_have_bounds_in_time(hour, expected):
    factor = CalendarFactor(name="launch", factor=2.0, start_hour=10, end_hour=20)
    assert bool(factor.holds(np.array([hour]))[0]) is expected
