"""What a plan says of peaks, limits, bands and reasons, against the scenarios it was made from."""

import hashlib

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.forecast import ForecastRequest, forecast_demand
from forecasting.history import History
from forecasting.hours import hour_of_date, month_index, month_name
from forecasting.scenarios import Scenarios
from optimizer.calendar_dates import planning_timeline
from optimizer.jobs.describe import demand_bands
from optimizer.jobs.unnamed import market_with_unnamed, scenarios_with_unnamed

AS_OF_HOUR = hour_of_date("2024-03-11")
EVERYTHING = ("commitments", "pools", "roadmap")


@pytest.fixture(scope="module")
def scenarios(planned):
    given = planned("{}\n", *EVERYTHING).given
    timeline = planning_timeline(AS_OF_HOUR, cadence_months=3, terms_months=(1,))
    hours, hour_weights = timeline.columns()
    request = ForecastRequest(as_of_hour=AS_OF_HOUR, hours=hours, hour_weights=hour_weights)
    made = forecast_demand(given.history, given.roadmap, request, np.random.default_rng(given.seed))
    return scenarios_with_unnamed(made).on_pools(market_with_unnamed(given.market, made).catalog.pools)


def test_peaks_are_quantiles_of_the_highest_hour_of_the_month(planned, scenarios):
    plan = planned("{}\n", *EVERYTHING).plan
    month_of = month_index(scenarios.hours)
    pools = (*scenarios.pools, None)
    months = [month_name(int(month)) for month in np.unique(month_of)]
    assert {(row.pool, row.month) for row in plan.peaks} == {(pool, month) for pool in pools for month in months}
    for row in plan.peaks:
        units = scenarios.units.sum(axis=1)
        if row.pool is not None:
            units = scenarios.units[:, scenarios.pools.index(row.pool)]
        inside = np.array([month_name(int(month)) == row.month for month in month_of])
        highest = units[:, inside].max(axis=1)
        quantiles = [_smallest_at(highest, scenarios.weights, level) for level in (0.5, 0.9, 0.99)]
        assert_allclose([row.p50_units, row.p90_units, row.p99_units], quantiles, rtol=1e-9)


def _smallest_at(sample: np.ndarray, weights: np.ndarray, level: float) -> float:
    """Smallest value that at least `level` of the probability does not exceed."""
    values = sorted(zip(sample.tolist(), weights.tolist(), strict=True))
    total = 0.0
    for value, weight in values:
        total += weight
        if total >= level - 1e-12:
            return value
    return values[-1][0]


def test_bands_hold_the_history_and_the_scenarios(planned, scenarios):
    plan = planned("{}\n", *EVERYTHING).plan
    groups = {bands.group: bands for bands in plan.bands}
    assert set(groups) == {None, "east", "west"}
    total = groups[None]
    assert_allclose(total.history_mean, groups["east"].history_mean + groups["west"].history_mean, rtol=1e-12)
    assert total.history_days[0] == hour_of_date("2024-01-01") // 24
    assert total.history_days[-1] == AS_OF_HOUR // 24 - 1
    day_of = scenarios.hours // 24
    assert_allclose(total.days, np.unique(day_of))
    units = scenarios.units.sum(axis=1)
    for place, day in enumerate(total.days):
        inside = units[:, day_of == day]
        peaks = [_smallest_at(inside.max(axis=1), scenarios.weights, level) for level in (0.05, 0.5, 0.95)]
        means = [_smallest_at(inside.mean(axis=1), scenarios.weights, level) for level in (0.05, 0.5, 0.95)]
        assert_allclose(total.peak_quantiles[:, place], peaks, rtol=1e-12)
        assert_allclose(total.mean_quantiles[:, place], means, rtol=1e-12)


def test_imported_pools_have_bands_by_region_with_what_nobody_has_named_yet():
    pools = ("aws/east/m5", "aws/west/m5", "web", "aws/west/(not named yet)")
    history = History(pools=pools[:3], start_hour=0, units=np.ones((3, 48)))
    future = Scenarios(
        pools=pools,
        hours=np.arange(48, 72),
        hour_weights=np.ones(24),
        weights=np.ones(1),
        units=np.array([1.0, 2.0, 4.0, 8.0]).reshape(1, 4, 1) * np.ones(24),
    )
    bands = {band.group: band for band in demand_bands(history, future)}
    assert {name: float(band.mean_quantiles[1, 0]) for name, band in bands.items()} == {
        None: 15.0,
        "aws/east": 1.0,
        "aws/west": 10.0,
    }
    assert_allclose(bands["aws/west"].history_mean, 1.0)


def test_every_limit_of_the_policy_is_listed_with_its_state(planned):
    policy = (
        "stranded: {expected_fraction: 0.5}\n"
        "coverage: {min_fraction: 0.05, max_fraction: 0.99}\n"
        "upfront_usd_per_quarter: 1000000\n"
        "spot_share_max: 0.9\n"
    )
    plan = planned(policy, "pools").plan
    names = [limit.name for limit in plan.limits]
    assert names[:4] == [
        "expected stranded value",
        "minimum coverage",
        "maximum coverage",
        "spot share",
    ]
    assert [limit.limit for limit in plan.limits[:4]] == [0.5, 0.05, 0.99, 0.9]
    assert names[4].startswith("upfront cash in the quarter from 2024-03-11")
    assert not any(limit.binds for limit in plan.limits)
    free = planned("{}\n", "pools").plan
    assert_allclose(plan.summary.mean_usd, free.summary.mean_usd, rtol=2e-4)
    assert not free.limits


def test_the_next_unit_of_what_is_bought_brings_nothing_and_of_nothing_a_gain(planned):
    plan = planned("{}\n").plan
    bought = {purchase.offer_id for purchase in plan.purchases}
    assert {unit.offer_id for unit in plan.next_units} >= bought
    for unit in plan.next_units:
        assert unit.saving_usd <= 1e-6
        if unit.quantity > 0:
            assert_allclose(unit.saving_usd, 0.0, atol=1e-6)
    savings = [unit.saving_usd for unit in plan.next_units]
    assert savings == sorted(savings, reverse=True)


def test_every_purchase_says_where_it_breaks_even(planned):
    plan = planned("{}\n").plan
    for purchase in plan.purchases:
        even = {"ri1a": "66 %", "csp1": "76 %"}[purchase.offer_id.partition(":")[0]]
        assert f"breaks even with on-demand at {even}" in purchase.reason
        used = float(purchase.reason.removeprefix("Expected use ").partition(" %")[0]) / 100
        assert 0.5 < used <= 1.0


def test_growth_names_its_sources_and_they_sum_to_the_totals(planned):
    growth = planned("{}\n", *EVERYTHING).causes.growth
    kinds = {part.kind for part in growth}
    assert "organic" in kinds
    assert {part.name for part in growth} >= {"api-to-new"}
    for window in {part.window for part in growth}:
        for name in {part.name for part in growth if part.window == window and part.pool is not None}:
            rows = [part for part in growth if part.window == window and part.name == name]
            pools = sum(part.units for part in rows if part.pool is not None)
            assert_allclose(pools, sum(part.units for part in rows if part.pool is None), atol=1e-9)


def test_the_record_of_a_plan_has_its_inputs_versions_and_seed(planned):
    run = planned("{}\n", *EVERYTHING)
    plan = run.plan
    assert [record.role for record in plan.inputs] == ["usage", "prices", "commitments", "pools", "roadmap", "policy"]
    assert {name for name, _ in plan.versions} >= {"plimsoll", "numpy", "highspy", "python"}
    policy = next(record for record in plan.inputs if record.role == "policy")
    assert policy.sha256 == hashlib.sha256(b"{}\n").hexdigest()
    assert "/" not in policy.name
    assert plan.seed == 0
    assert plan.assumptions
