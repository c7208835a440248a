"""What a policy asks for is seen in the plan, as bought and as billed; and no plan is dearer than its rivals."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.hours import add_months, hour_of_date
from forecasting.scenarios import Scenarios
from optimizer.assembly import assemble
from optimizer.calendar_dates import planning_timeline
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.quarterly import make_plan, read_planning_inputs
from optimizer.jobs.solve import solve
from optimizer.jobs.unnamed import UNNAMED
from optimizer.plan import Plan, Purchase
from optimizer.policy import Increments
from optimizer.policy_limits import PolicyContext, with_limits
from optimizer.report.tables import purchases_csv
from optimizer.risk import conditional_value_at_risk

AS_OF_HOUR = hour_of_date("2024-03-11")
GAP = 1e-4  # of the certified optimum
EVERYTHING = ("commitments", "pools", "roadmap")


def _summary(plan: Plan, name: str):
    return next(row for row in plan.summaries if row.name == name)


def _everything_bought(plan: Plan) -> tuple[Purchase, ...]:
    return (*plan.purchases, *plan.schedule)


def _committed_by(plan: Plan, key: Callable[[Purchase], str]) -> dict[str, float]:
    out: defaultdict[str, float] = defaultdict(float)
    for purchase in _everything_bought(plan):
        out[key(purchase)] += purchase.committed_usd
    return dict(out)


@pytest.mark.parametrize("roles", [(), EVERYTHING], ids=["bare", "everything"])
def test_no_plan_is_dearer_than_what_it_is_compared_with(planned, roles: tuple[str, ...]):
    plan = planned("{}\n", *roles).plan
    names = [row.name for row in plan.summaries]
    assert names == ["plan", "all_on_demand", "keep_owned", "look_back_30_days"]
    ours = plan.summary.mean_usd
    assert plan.certificate.tail_usd == 0  # all of the objective is inside the window, so that the costs compare
    for rival in plan.summaries[1:]:
        assert ours <= rival.mean_usd * (1 + GAP)
    assert ours < 0.9 * _summary(plan, "all_on_demand").mean_usd


def test_the_summary_of_the_plan_is_its_scenarios_summed_up(planned):
    plan = planned("{}\n", *EVERYTHING).plan
    for row in plan.summaries:
        assert_allclose(row.mean_usd, plan.scenario_weights @ row.scenario_usd, rtol=1e-12)
        assert row.scenario_usd.min() <= row.p10_usd <= row.p50_usd <= row.p90_usd <= row.scenario_usd.max()
    everything = _summary(plan, "all_on_demand")
    assert everything.coverage == everything.stranded_usd == 0
    assert_allclose(everything.esr, 0.0, atol=1e-12)
    assert_allclose(plan.summary.esr, 1 - plan.summary.mean_usd / everything.mean_usd, rtol=1e-9)


def test_what_is_owned_is_kept_paid_for_and_listed_when_it_expires(planned):
    plan = planned("{}\n", "commitments").plan
    assert [expiry.commitment_id for expiry in plan.expiries] == ["plan-that-ends"]
    expiry = plan.expiries[0]
    assert (expiry.quantity, expiry.quantity_unit, expiry.hourly_fee_usd) == (4.5, "USD/h", 4.5)
    kept = _summary(plan, "keep_owned")
    fees = 4.5 * (expiry.end_hour - AS_OF_HOUR) + 6 * 0.62 * 0.8 * 730
    saved = _summary(plan, "all_on_demand").mean_usd - kept.mean_usd
    at_full_use = 4.5 * (expiry.end_hour - AS_OF_HOUR) * (1 / 0.76 - 1) + 6 * 0.38 * 0.8 * 730
    # on a path on which the reserved pool is replaced within the month a reservation idles, at 62 % of on-demand
    assert kept.stranded_usd <= 2e-3 * fees
    assert_allclose(saved, at_full_use - kept.stranded_usd / 0.62, rtol=1e-9)
    assert kept.mean_usd < _summary(plan, "all_on_demand").mean_usd
    bare = planned("{}\n").plan
    assert plan.summary.mean_usd != bare.summary.mean_usd
    assert not bare.expiries


def test_what_was_bought_is_owned_in_the_next_run_and_nothing_more_is_bought(planned, small_fleet, tmp_path):
    first = planned("{}\n").plan
    (tmp_path / "purchases.csv").write_bytes(purchases_csv(first.purchases))
    paths = InputPaths(
        usage=small_fleet / "usage.csv",
        prices=small_fleet / "prices.csv",
        commitments=tmp_path / "purchases.csv",
    )
    given = read_planning_inputs(paths, RunOptions(terms_months=(1,)), as_of_hour=AS_OF_HOUR)
    assert [owned.quantity for owned in given.market.commitments] == [bought.quantity for bought in first.purchases]
    second = make_plan(given, method="auto", tell=lambda _: None).plan
    assert_allclose(second.summary.mean_usd, first.summary.mean_usd, rtol=GAP)
    assert_allclose(_summary(second, "keep_owned").mean_usd, first.summary.mean_usd, rtol=1e-12)
    assert sum(bought.committed_usd for bought in second.purchases) < 0.02 * sum(
        bought.committed_usd for bought in first.purchases
    )


def test_only_the_terms_of_the_policy_are_bought_at_its_cadence(planned):
    plan = planned("cadence_months: 6\n", terms=(1, 12)).plan
    bought = _everything_bought(plan)
    assert {purchase.term_months for purchase in bought} == {1, 12}
    assert {purchase.decision_hour for purchase in bought} <= {AS_OF_HOUR, add_months(AS_OF_HOUR, 6)}
    assert {purchase.term_months for purchase in _everything_bought(planned("{}\n").plan)} == {1}
    assert {purchase.decision_hour for purchase in plan.purchases} == {AS_OF_HOUR}
    assert all(purchase.decision_hour > AS_OF_HOUR for purchase in plan.schedule)


@pytest.mark.parametrize("usd", [0.0, 10_000.0])
def test_upfront_cash_stays_within_each_quarter(planned, usd: float):
    free = planned("{}\n").plan
    assert sum(purchase.upfront_usd for purchase in free.purchases) > 2 * usd
    plan = planned(f"upfront_usd_per_quarter: {usd}\n").plan
    spent = sum(purchase.upfront_usd for purchase in plan.purchases)
    assert spent <= usd * (1 + 1e-6)
    assert_allclose(spent, usd, rtol=1e-3)
    assert plan.summary.mean_usd > free.summary.mean_usd
    assert plan.purchases
    assert plan.limits[0].name.startswith("upfront cash")
    assert plan.limits[0].binds
    assert_allclose(plan.limits[0].value, spent, rtol=1e-9)


def test_no_offer_has_more_than_its_share(planned):
    free = _committed_by(planned("{}\n").plan, lambda purchase: purchase.offer_id)
    assert max(free.values()) > 0.4 * sum(free.values())
    plan = planned("concentration: {offer_fraction: 0.3}\n").plan
    found = _committed_by(plan, lambda purchase: purchase.offer_id)
    assert max(found.values()) <= 0.3 * sum(found.values()) * (1 + 1e-6)
    assert plan.summary.mean_usd > planned("{}\n").plan.summary.mean_usd
    assert any(limit.binds for limit in plan.limits)


def test_no_term_has_more_than_its_share(planned):
    policy, months = "cadence_months: 6\n", (1, 12)
    free = _committed_by(planned(policy, terms=months).plan, lambda purchase: purchase.term_months)
    assert free[12] > 0.5 * sum(free.values())
    plan = planned(f"{policy}concentration: {{term_fraction: 0.5}}\n", terms=months).plan
    limits = {limit.name: limit for limit in plan.limits}
    assert set(limits) == {"share of term 1 month", "share of term 12 months"}
    assert limits["share of term 12 months"].binds
    assert limits["share of term 12 months"].price_usd > 0
    assert all(limit.value <= 0.5 * (1 + 1e-6) for limit in limits.values())
    assert_allclose(sum(limit.value for limit in limits.values()), 1.0, rtol=1e-6)


def test_no_date_commits_more_than_it_may(planned):
    free = planned("{}\n").plan
    usd = 0.5 * sum(purchase.committed_usd for purchase in free.purchases)
    plan = planned(f"purchase_usd_per_date: {usd}\n").plan
    by_date = _committed_by(plan, lambda purchase: purchase.decision_hour)
    assert max(by_date.values()) <= usd * (1 + 1e-6)
    limit = next(limit for limit in plan.limits if limit.name == "purchases on 2024-03-11")
    assert_allclose(limit.value, sum(purchase.committed_usd for purchase in plan.purchases), rtol=1e-9)
    assert (limit.unit, limit.binds) == ("USD", True)
    assert limit.price_usd > 0
    assert plan.summary.mean_usd > free.summary.mean_usd


def test_lots_and_minima_of_the_price_list_are_kept_and_what_they_cost_is_certified(planned, small_fleet):
    free = planned("{}\n").plan
    bought = {purchase.offer_id: purchase.quantity for purchase in free.purchases if purchase.quantity_unit == "units"}
    lot, least = max(bought, key=lambda offer: bought[offer]), min(bought, key=lambda offer: bought[offer])
    header, *rows = (small_fleet / "prices.csv").read_text().splitlines()
    rules = {lot: "7,", least: f",{2.5 * bought[least]}"}
    lines = [f"{header},lot_quantity,minimum_quantity", *(f"{row},{rules.get(row.split(',')[0], ',')}" for row in rows)]
    plan = planned("{}\n", prices="\n".join(lines) + "\n").plan
    found = {purchase.offer_id: purchase.quantity for purchase in _everything_bought(plan)}
    assert_allclose(found[lot] / 7, round(found[lot] / 7), atol=1e-9)
    assert found.get(least, 1e9) >= 2.5 * bought[least] * (1 - 1e-9)
    whole = plan.certificate.whole_steps
    assert whole.cost_usd > 0
    assert whole.gap_fraction <= 1e-2


def test_no_family_has_more_than_its_share(planned):
    def family(purchase: Purchase) -> str:
        families = {{"east/web": "m5", "east/api": "c5", "west/batch": "c5"}.get(pool, "") for pool in purchase.pools}
        return families.pop() if len(families) == 1 else ""

    free = _committed_by(planned("{}\n", "pools").plan, family)
    assert free["m5"] > 0.45 * sum(free.values())
    found = _committed_by(planned("concentration: {family_fraction: 0.4}\n", "pools").plan, family)
    assert max(found["m5"], found["c5"]) <= 0.4 * sum(found.values()) * (1 + 1e-6)


@pytest.mark.slow
def test_spot_is_used_where_it_is_declared_and_never_beyond_its_share(planned):
    def spot_usd(plan: Plan) -> float:
        return sum(row.usd for row in plan.allocation if row.kind == "spot")

    free = planned("{}\n", "pools").plan
    assert spot_usd(free) > 0
    assert spot_usd(planned("{}\n").plan) == 0  # nothing is declared to run on spot
    assert spot_usd(planned("spot_share_max: 0\n", "pools").plan) == 0
    plan = planned("spot_share_max: 0.02\n", "pools").plan
    limit = next(limit for limit in plan.limits if limit.name == "spot share")
    assert limit.binds
    assert limit.value <= 0.02 * (1 + 1e-6)
    assert 0 < spot_usd(plan) < spot_usd(free)
    assert plan.summary.mean_usd > free.summary.mean_usd


def test_quantities_are_whole_steps_at_a_small_cost(planned):
    free, plan = planned("{}\n").plan, planned("increments: {units: 1, usd_per_hour: 0.25}\n").plan
    assert plan.purchases
    for purchase in plan.purchases:
        step = 0.25 if purchase.quantity_unit == "USD/h" else 1.0
        assert_allclose(purchase.quantity / step, round(purchase.quantity / step), atol=1e-9)
    assert any(abs(purchase.quantity - round(purchase.quantity)) > 1e-3 for purchase in free.purchases)
    assert_allclose(plan.summary.mean_usd, free.summary.mean_usd, rtol=5e-3)
    parts = dict(plan.certificate.difference_usd)
    assert parts["rounding"] != 0
    assert plan.certificate.gap_fraction <= GAP


@pytest.mark.parametrize("roles", [(), EVERYTHING], ids=["bare", "everything"])
def test_no_purchase_is_too_small_to_be_worth_a_line(planned, roles: tuple[str, ...]):
    plan = planned("{}\n", *roles).plan
    committed = [purchase.committed_usd for purchase in _everything_bought(plan)]
    assert min(committed) >= 1e-5 * plan.summary.mean_usd


def test_offers_that_take_too_long_to_pay_back_are_not_bought(planned):
    free = planned("{}\n").plan
    assert any(purchase.upfront_usd > 0 for purchase in free.purchases)
    payback_months = 0.66 * 730 / 730  # 66 % of the on-demand cost of the term, earned back at the on-demand rate
    kept = planned(f"payback_months_max: {payback_months + 0.01}\n").plan
    assert_allclose(kept.summary.mean_usd, free.summary.mean_usd, rtol=1e-12)
    plan = planned(f"payback_months_max: {payback_months - 0.01}\n").plan
    assert plan.purchases
    assert all(purchase.upfront_usd == 0 for purchase in plan.purchases)
    assert plan.summary.mean_usd > free.summary.mean_usd


def test_headroom_is_held_by_capacity_reservations_where_the_quota_is_short(planned):
    free, plan = planned("{}\n", "pools").plan, planned("headroom: {fraction: 1.0}\n", "pools").plan
    assert not [purchase for purchase in free.purchases if purchase.kind == "capacity_reservation"]
    reserved = {p.offer_id: p.quantity for p in plan.purchases if p.kind == "capacity_reservation"}
    rows = [row for row in plan.peaks if row.pool == "east/web"]
    assert all(row.firm_units is not None and row.required_units is not None for row in rows)
    worst = max(row.required_units for row in rows)
    assert_allclose(reserved["odcr:east/web"], worst - 60 * 0.9, rtol=1e-6)
    for row in rows:
        assert_allclose(row.required_units, 2 * row.p99_units, rtol=1e-9)
        assert row.firm_units >= row.required_units * (1 - 1e-9)
    assert plan.summary.mean_usd > free.summary.mean_usd
    others = [row for row in plan.peaks if row.pool == "east/api"]
    assert others
    assert all(row.firm_units is None for row in others)  # no quota is declared: reported, not demanded


def test_headroom_by_expected_loss_holds_what_is_worth_its_cost(planned):
    pools = (
        "pool,on_demand_quota_units,on_demand_availability_fraction,impact_usd_per_hour,blast_radius_fraction,"
        "detect_hours,repair_hours\neast/web,60,0.9,{impact},0.5,0.5,1.5\n"
    )
    policy = "headroom: {by: expected_loss}\n"
    cheap, dear = (planned(policy, pools=pools.format(impact=impact)).plan for impact in (1.0, 1e6))
    for row in (row for row in cheap.peaks if row.pool == "east/web"):
        assert row.required_units <= max(60 * 0.9, 0) * (1 + 1e-9)  # a loss of one USD is worth no reservation
    assert not [purchase for purchase in cheap.purchases if purchase.kind == "capacity_reservation"]
    held = sum(purchase.quantity for purchase in dear.purchases if purchase.kind == "capacity_reservation")
    worst = max(row.required_units for row in dear.peaks if row.pool == "east/web")
    assert_allclose(held, worst - 54, rtol=1e-6)
    for row in (row for row in dear.peaks if row.pool == "east/web"):
        assert row.required_units >= row.p99_units  # a loss of a million USD is worth every scenario's peak


@pytest.mark.parametrize("floor", [0.9, 0.97])
def test_coverage_reaches_its_floor(planned, floor: float):
    free = planned("{}\n").plan
    assert free.summary.coverage < floor
    plan = planned(f"coverage: {{min_fraction: {floor}}}\n").plan
    assert plan.summary.coverage >= floor - 1e-6
    assert_allclose(plan.summary.coverage, floor, rtol=1e-3)
    assert plan.summary.mean_usd > free.summary.mean_usd


def test_coverage_stays_below_its_ceiling(planned):
    free, plan = planned("{}\n").plan, planned("coverage: {max_fraction: 0.5}\n").plan
    assert free.summary.coverage > 0.6
    assert plan.summary.coverage <= 0.5 + 1e-6
    assert_allclose(plan.summary.coverage, 0.5, rtol=1e-3)


STRANDED = {
    "expected stranded value": ("stranded: {expected_fraction: 0.02}\n", 0.02),
    "CVaR 95 of stranded value": ("stranded: {cvar_fraction: 0.04}\n", 0.04),
}


def _billed_stranded(plan: Plan, name: str) -> float:
    return plan.new_stranded_fraction if name.startswith("expected") else plan.new_stranded_cvar_fraction


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("expected stranded value", ()),
        ("expected stranded value", ("commitments",)),
        ("CVaR 95 of stranded value", ()),
    ],
    ids=["expected", "expected-on-top-of-what-is-owned", "cvar"],
)
def test_a_limit_on_stranded_value_is_used_up_and_costs_money(planned, roles: tuple[str, ...], name: str):
    policy, bound = STRANDED[name]
    free, plan = planned("{}\n", *roles).plan, planned(policy, *roles).plan
    assert _billed_stranded(plan, name) < 0.9 * _billed_stranded(free, name)
    assert plan.summary.mean_usd > free.summary.mean_usd
    limit = plan.limits[0]
    assert (limit.name, limit.binds) == (name, True)
    assert bound * (1 - 2e-3) <= limit.value <= bound * (1 + 1e-6)
    more = planned(policy.replace(str(bound), str(bound + 0.001)), *roles).plan
    saved = plan.certificate.lp_usd - more.certificate.lp_usd
    # the optimum is convex in the bound: the price falls from this bound to the next, both certified to a gap
    assert saved <= 0.001 * limit.price_usd + 2 * GAP * plan.summary.mean_usd
    assert saved >= 0.001 * more.limits[0].price_usd - 2 * GAP * plan.summary.mean_usd


@pytest.mark.parametrize("roles", [(), ("commitments",)], ids=["nothing-owned", "something-owned"])
def test_stranded_value_as_billed_stays_within_its_limit(planned, roles: tuple[str, ...]):
    policy, bound = STRANDED["expected stranded value"]
    # the bill tells what each purchase strands, the limit what all of them add to what is owned: 0.2 % apart here
    assert planned(policy, *roles).plan.new_stranded_fraction <= bound * (1 + 5e-3)


def test_aversion_to_risk_lowers_the_worst_costs_and_raises_the_mean(planned):
    free, plan = planned("{}\n").plan, planned("risk: {lambda: 5.0, level: 0.9}\n").plan
    weights = free.scenario_weights

    def tail(found: Plan) -> float:
        return conditional_value_at_risk(found.summary.scenario_usd, weights, level=0.9)

    assert tail(plan) < tail(free)
    assert plan.summary.mean_usd > free.summary.mean_usd
    assert plan.summary.mean_usd + 5 * tail(plan) <= (free.summary.mean_usd + 5 * tail(free)) * (1 + GAP)


def test_dear_money_prefers_to_pay_hourly(planned):
    assert any(purchase.upfront_usd > 0 for purchase in planned("{}\n").plan.purchases)
    plan = planned("discount_rate_yearly: 0.9\n").plan
    assert plan.purchases
    assert all(purchase.upfront_usd == 0 for purchase in plan.purchases)


def test_a_declared_migration_moves_demand_and_what_is_bought_for_it(planned):
    free, plan = planned("{}\n").plan, planned("{}\n", "roadmap").plan

    def demand(found: Plan, pool: str) -> float:
        rows = [row for row in found.allocation if row.pool.startswith(pool) and row.month == "2024-04"]
        return sum(row.units for row in rows)

    assert demand(free, "east/new") == 0
    moved = demand(plan, "east/new")
    assert_allclose(moved, demand(plan, "east/api"), rtol=1e-6)  # half of it
    assert_allclose(demand(plan, "east/"), demand(free, "east/"), rtol=5e-3)  # one more pool takes other random numbers
    # whoever keeps a roadmap would have written into it what is replaced within the quarter
    assert demand(plan, f"east/{UNNAMED}") < 0.2 * demand(free, f"east/{UNNAMED}")
    assert [event.name for event in plan.events] == ["api-to-new"]


def test_both_methods_find_the_same_plan(planned):
    """The extensive program is the reference; one pool and few scenarios keep it small."""
    given = planned("stranded: {expected_fraction: 0.02}\n", "commitments").given
    timeline = planning_timeline(AS_OF_HOUR, cadence_months=3, terms_months=(1,))
    timeline = replace(timeline, end_hour=AS_OF_HOUR + 96, valued_end_hour=AS_OF_HOUR + 96)
    rng = np.random.default_rng(5)
    n_pools = len(given.market.catalog.pools)
    scenarios = Scenarios(
        pools=given.market.catalog.pools,
        hours=np.arange(AS_OF_HOUR, AS_OF_HOUR + 96),
        hour_weights=np.ones(96),
        weights=np.array([0.7, 0.3]),
        units=30 * rng.random((2, n_pools, 96)) + 10,
    )
    problem = assemble(
        scenarios, given.market, timeline, discount_rate_yearly=0.0, risk_lambda=0.0, keep_dominated=False
    )
    context = PolicyContext(policy=given.policy, market=given.market, timeline=timeline, firm=())
    found = [
        solve(with_limits(problem, context), Increments(), method=method, gap_fraction=1e-6, tell=lambda _: None)
        for method in ("extensive", "cuts")
    ]
    assert [solved.method for solved in found] == ["extensive", "cuts"]
    assert_allclose(found[1].lower_bound_usd, found[0].lower_bound_usd, rtol=2e-6)
    # what idles is free to the program; in the hours commitments are used in their order, and still keep the limit
    assert found[0].lower_bound_usd <= found[1].upper_bound_usd <= found[0].upper_bound_usd * 1.005


@pytest.mark.slow
@pytest.mark.parametrize("as_of", ["2022-05-01", "2023-02-01", "2023-11-01"])
@pytest.mark.parametrize("region", ["r1", "r4"])
def test_a_plan_of_the_trace_is_certified_and_billed_as_reckoned(shared_data: Path, region: str, as_of: str):
    trace = shared_data / "trace"
    paths = InputPaths(
        usage=trace / f"usage_{region}.parquet",
        prices=trace / f"prices_{region}.csv",
        roadmap=trace / f"roadmap_{region}.yaml",
    )
    given = read_planning_inputs(paths, RunOptions(terms_months=(12,)), as_of_hour=hour_of_date(as_of))
    plan = make_plan(given, method="auto", tell=lambda _: None).plan
    proof = plan.certificate
    assert proof.gap_fraction <= GAP
    assert_allclose(proof.billed_usd, proof.lp_usd, rtol=1e-3)
    assert_allclose(sum(usd for _, usd in proof.difference_usd), proof.billed_usd - proof.lp_usd, atol=1e-3)
    assert plan.purchases
    assert plan.summary.mean_usd < _summary(plan, "keep_owned").mean_usd
    assert all(purchase.start_hour == given.as_of_hour for purchase in plan.purchases)
