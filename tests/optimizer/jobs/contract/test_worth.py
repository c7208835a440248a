"""The case of the conftest worked out by hand: two scenarios, two years, every number checked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.contract_offers import OtherSpend, Support
from optimizer.jobs.contract.joint import bound_of_contract_usd, solve_joint
from optimizer.jobs.contract.rows import curve_rows, saving_spread, year_rows
from optimizer.jobs.contract.run import allows_no_purchase
from optimizer.jobs.contract.spend import SpendModel
from optimizer.jobs.contract.valuation import Valuation, variants
from optimizer.jobs.contract.view import view_of
from optimizer.jobs.contract.worth import support_usd, without_contract, worth_of
from optimizer.limits import Limits

LOW, HIGH = 70_080.0, 157_680.0  # spend of a year in the two scenarios: on demand and plan
RTOL = 1e-9


def _worth(fleet, offer, *others):
    view = view_of(offer, fleet.model, fleet.catalog, others)
    return view, worth_of(view, fleet.model, fleet.planned)


def test_spend_is_what_demand_and_the_plan_cost_at_list_prices(fleet):
    by_year = fleet.planned.variable_usd[:, :, 0].reshape(2, 2, 12).sum(axis=2)
    assert_allclose(by_year, [[43_800.0] * 2, [131_400.0] * 2], rtol=RTOL)
    assert_allclose(fleet.model.fees.hourly_usd[0].sum() * 3.0, 2 * 26_280.0, rtol=RTOL)


def test_every_number_of_the_contract(fleet, offer):
    view, worth = _worth(fleet, offer())
    counted = worth.counted_usd.reshape(2, 2, 12).sum(axis=2)
    assert_allclose(counted, [[0.9 * LOW] * 2, [0.9 * HIGH] * 2], rtol=RTOL)
    assert_allclose(worth.settlement.shortfall_usd, [[80_000.0 - 63_072.0] * 2, [0.0, 0.0]], rtol=RTOL)
    assert_allclose(worth.spend_usd, [2 * 63_072.0, 2 * 141_912.0], rtol=RTOL)
    assert_allclose(worth.shortfall_usd, [2 * 16_928.0, 0.0], rtol=RTOL)
    assert_allclose(worth.cost_usd, [160_000.0, 283_824.0], rtol=RTOL)
    first, _ = year_rows(view, worth, np.array([0.5, 0.5]))
    assert first.shortfall_probability == 0.5
    assert_allclose([first.shortfall_mean_usd, first.shortfall_p90_usd], [8_464.0, 16_928.0], rtol=RTOL)
    assert_allclose([first.counted_p10_usd, first.counted_p90_usd], [63_072.0, 141_912.0], rtol=RTOL)
    curve = curve_rows(view, worth, fleet.model)
    assert (curve[0].month, curve[-1].month, len(curve)) == ("1970-01", "1971-12", 24)
    assert_allclose([curve[-1].p10_usd, curve[-1].p90_usd], [2 * 63_072.0, 2 * 141_912.0], rtol=RTOL)
    assert_allclose([curve[11].commitment_usd, curve[-1].commitment_usd], [80_000.0, 160_000.0], rtol=RTOL)


def test_no_contract_costs_the_list_price(fleet, offer):
    value = fleet.valuation()
    assert_allclose(value.cost_usd(without_contract(offer())), LOW + HIGH, rtol=RTOL)
    assert_allclose(value.cost_usd(offer()), (160_000.0 + 283_824.0) / 2, rtol=RTOL)


def test_break_even_walk_away_and_free_commitment(fleet, offer):
    value = fleet.valuation()
    # 0.5 (160,000 + (1 - d) 315,360) = 227,760
    assert_allclose(value.break_even_discount(offer()), 1.0 - (2 * 227_760.0 - 160_000.0) / (2 * HIGH), rtol=1e-6)
    # 0.5 (2 C + 283,824) = 227,760
    assert_allclose(value.walk_away_usd(offer()), 85_848.0, rtol=1e-6)
    # up to the low scenario's counted spend, and what 1e-5 of the cost buys beyond it
    assert_allclose(value.free_usd(offer()), 63_072.0 + 1e-5 * 204_984.0, rtol=1e-6)


def test_break_even_is_found_below_an_own_discount_that_pays_where_more_would_not(fleet, offer):
    # what falls short is used after the end, as far as on-demand spend goes: the more discount, the less of it
    terms = {
        "commitments_usd": [130_000.0],
        "shortfall": {"rule": "prepayment", "months": 12, "used_after_end": True},
    }
    value = fleet.valuation()
    none_usd = value.cost_usd(without_contract(offer(**terms)))
    assert value.cost_usd(offer(discount_fraction=0.95, **terms)) > none_usd
    found = value.break_even_discount(offer(discount_fraction=0.15, **terms))
    # 0.5 (130,000 - (1 - d) 43,800 + (1 - d) 157,680) = 113,880
    assert_allclose(found, 1.0 - (113_880.0 - 65_000.0) / 56_940.0, rtol=1e-6)


def test_no_discount_makes_a_commitment_beyond_all_spend_worth_it(fleet, offer):
    value = fleet.valuation()
    assert value.break_even_discount(offer(commitments_usd=[400_000.0, 400_000.0])) is None
    assert value.break_even_discount(offer(commitments_usd=[1.0, 1.0])) == 0.0
    assert value.walk_away_usd(offer(commitments_usd=[0.0, 0.0])) is None
    required = {"counts": False, "already_paid": False}
    assert value.walk_away_usd(offer(support=required, discount_fraction=0.01)) == 0.0


def test_what_each_clause_is_worth(fleet, offer):
    found = {clause.name: clause.value_usd for clause in fleet.valuation().clauses(offer())}
    expected = {
        "discount": 0.01 * 2 * HIGH / 2,  # the low scenario pays its commitment all the same
        "lower_floor": 2 * 8_000.0 / 2,
        "roll_over": 0.0,  # what moves from year 1 is missing in year 2
        "prepayment": 0.0,  # what it pays for does not count, and is missing in year 2
        "gross": 2 * (LOW - 63_072.0) / 2,
        "ramp": 0.0,
    }
    assert found.keys() == expected.keys()
    for name, usd in expected.items():
        assert_allclose(found[name], usd, rtol=1e-9, atol=1e-6)


def test_a_prepayment_is_worth_something_where_spend_goes_on(fleet, offer):
    prepaid = offer(shortfall={"rule": "prepayment", "months": 12, "used_after_end": True})
    assert_allclose(fleet.valuation().cost_usd(prepaid), (2 * 63_072.0 + 2 * 141_912.0) / 2, rtol=RTOL)


def test_plans_that_do_not_count_raise_the_shortfall_but_not_the_spend(fleet, offer):
    counting = {"savings_plans": False, "reservations": True, "upfront": "when_paid"}
    _, worth = _worth(fleet, offer(counting=counting))
    assert_allclose(worth.settlement.shortfall_usd[0], [80_000.0 - 0.9 * 43_800.0] * 2, rtol=RTOL)
    assert_allclose(worth.spend_usd, [2 * 63_072.0, 2 * 141_912.0], rtol=RTOL)


def test_an_excluded_pool_gets_no_discount_and_does_not_count(fleet, offer):
    for excluded in ({"pools": ["east/web"]}, {"regions": ["east"]}):
        _, worth = _worth(fleet, offer(excluded=excluded))
        assert_allclose(worth.spend_usd, [2 * LOW, 2 * HIGH], rtol=RTOL)
        assert not worth.counted_usd.any()


def test_an_override_sets_the_discount_of_its_region(fleet, offer):
    _, worth = _worth(fleet, offer(overrides=[{"regions": ["east"], "discount_fraction": 0.5}]))
    assert_allclose(worth.spend_usd, [LOW, HIGH], rtol=RTOL)


def test_half_of_the_marketplace_counts_up_to_its_cap_as_in_vtexs_contract(fleet, offer):
    market = {"usd_per_year": 30_000.0, "counted_fraction": 0.5, "cap_fraction": None}
    view, worth = _worth(fleet, offer(marketplace=market))
    assert view.marketplace_usd.tolist() == [15_000.0, 15_000.0]
    assert_allclose(worth.settlement.shortfall_usd[0], [1_928.0] * 2, rtol=1e-6)
    capped, _ = _worth(fleet, offer(marketplace=market | {"cap_fraction": 0.1}))
    assert capped.marketplace_usd.tolist() == [8_000.0, 8_000.0]


def test_other_spend_is_discounted_counts_and_grows_with_demand(fleet, offer):
    other = OtherSpend(name="storage", provider="aws", usd_per_year=12_000.0, growth_fraction=(0.0, 0.2, 0.4))
    _, worth = _worth(fleet, offer(), other)
    # ranks 0.25 and 0.75: growth 0.075 and 0.325
    grown = 12_000.0 * np.array([1.075, 1.325])
    assert_allclose(worth.spend_usd - [2 * 63_072.0, 2 * 141_912.0], 0.9 * (12_000.0 + grown), rtol=RTOL)
    elsewhere = other.model_copy(update={"provider": "gcp"})
    assert_allclose(_worth(fleet, offer(), elsewhere)[1].spend_usd, [2 * 63_072.0, 2 * 141_912.0], rtol=RTOL)


def test_support_comes_out_as_printed():
    support = Support(counts=False, already_paid=False)
    assert support_usd(support, np.array([2_000_000.0])).tolist() == [94_500.0]  # 15,000 + 24,500 + 25,000 + 30,000
    assert support_usd(support, np.array([0.0, 100_000.0])).tolist() == [15_000.0, 15_000.0]


def test_support_is_paid_counts_and_is_no_cost_of_the_contract_where_it_is_paid_already(fleet, offer):
    _, worth = _worth(fleet, offer(support={"counts": True, "already_paid": False}))
    assert_allclose(worth.support_usd, [24 * 15_000.0] * 2, rtol=RTOL)
    assert not worth.settlement.shortfall_usd.any()
    value = fleet.valuation()
    paid = offer(support={"counts": False, "already_paid": True})
    assert_allclose(value.cost_usd(without_contract(paid)), LOW + HIGH + 360_000.0, rtol=RTOL)


def test_the_spread_of_a_saving():
    spread = saving_spread(np.array([-1.0, 2.0]), np.array([0.3, 0.7]))
    assert (spread.p10_usd, spread.p90_usd, spread.probability) == (-1.0, 2.0, 0.7)


@pytest.mark.parametrize("changes", [{}, {"basis": "gross"}, {"support": {"counts": True, "already_paid": True}}])
def test_the_joint_answer_is_no_dearer_than_the_sequential_one_and_not_below_its_bound(fleet, offer, changes):
    contract = offer(commitments_usd=[120_000.0, 120_000.0], **changes)
    view = view_of(contract, fleet.model, fleet.catalog, ())
    joint = solve_joint(view, fleet.model, planned=fleet.planned.quantity, tell=lambda _: None)
    together = fleet.model.spend("together", joint.quantity)
    value = Valuation(fleet.model, fleet.catalog, (), (fleet.planned, fleet.nothing, together))
    _, usd = value.best(contract)
    assert usd <= fleet.valuation().cost_usd(contract)
    bound = bound_of_contract_usd(joint, view, fleet.model)
    levels = [fleet.model.spend("level", np.array([level])) for level in np.linspace(0.0, 12.0, 49)]
    brute = Valuation(fleet.model, fleet.catalog, (), tuple(levels)).cost_usd(contract)
    assert bound <= min(usd, brute) * (1.0 + 1e-9)
    if not changes:
        assert_allclose(usd, brute, rtol=1e-3)
        assert_allclose(bound, brute, rtol=2e-3)


def test_a_weight_of_risk_does_not_lift_the_bound_above_what_other_purchases_cost(fleet, offer):
    contract = offer(commitments_usd=[120_000.0, 120_000.0])
    problem = replace(fleet.model.assembled.problem, risk_lambda=1.0)
    model = SpendModel(replace(fleet.model.assembled, problem=problem), as_of_hour=0, n_years=2, rate_yearly=0.0)
    view = view_of(contract, model, fleet.catalog, ())
    joint = solve_joint(view, model, planned=fleet.planned.quantity, tell=lambda _: None)
    levels = [model.spend("level", np.array([level])) for level in np.linspace(0.0, 12.0, 25)]
    _, brute = Valuation(model, fleet.catalog, (), tuple(levels)).best(contract)
    bound = bound_of_contract_usd(joint, view, model)
    assert bound <= brute * (1.0 + 1e-9)
    assert_allclose(bound, brute, rtol=2e-3)


def test_spend_keeps_the_limit_on_spot(fleet):
    problem = fleet.model.assembled.problem
    spot = {"spot_usd": np.array([0.4]), "spot_eligible": np.ones(1)}

    def cost(limits):
        assembled = replace(fleet.model.assembled, problem=replace(problem, limits=limits, **spot))
        model = SpendModel(assembled, as_of_hour=0, n_years=2, rate_yearly=0.0)
        return problem.weights @ model.spend("nothing", np.zeros(1)).variable_usd.sum(axis=(1, 2))

    listed = 15.0 * 17_520.0  # expected units x hours x 1 USD
    assert_allclose(cost(Limits()), 0.4 * listed, rtol=1e-9)
    assert_allclose(cost(Limits(spot_share_max=0.25)), (1.0 - 0.25 * 0.6) * listed, rtol=1e-6)


def test_buying_nothing_is_a_choice_only_where_no_limit_asks_for_purchases():
    assert allows_no_purchase(Limits(stranded_expected_fraction=0.01))
    assert not allows_no_purchase(Limits(coverage_min_fraction=0.6))


@given(
    first=st.floats(0.0, 300_000.0),
    second=st.floats(0.0, 300_000.0),
    discount=st.floats(0.0, 0.5),
    basis=st.sampled_from(["net", "gross"]),
    plans_count=st.booleans(),
    rule=st.sampled_from([{"rule": "paid"}, {"rule": "forfeited"}, {"rule": "prepayment", "months": 6}]),
    support=st.sampled_from([None, {"counts": False, "already_paid": False}]),
)
def test_a_better_clause_never_costs_more_and_parts_sum(  # noqa: PLR0913  # each is a clause that may differ
    fleet, offer, first, second, discount, basis, plans_count, rule, support
):
    contract = offer(
        commitments_usd=[first, second],
        discount_fraction=discount,
        basis=basis,
        counting={"savings_plans": plans_count, "reservations": True, "upfront": "never"},
        shortfall=rule,
        support=support,
        marketplace={"usd_per_year": 20_000.0, "counted_fraction": 0.5, "cap_fraction": 0.25},
    )
    value = Valuation(fleet.model, fleet.catalog, (), (fleet.planned, fleet.nothing))
    base = value.cost_usd(contract)
    for name, _, better in variants(contract):
        if name != "ramp":
            assert value.cost_usd(better) <= base * (1.0 + 1e-12) + 1e-6, name
    worth = worth_of(view_of(contract, fleet.model, fleet.catalog, ()), fleet.model, fleet.planned)
    parts = worth.spend_usd + worth.shortfall_usd + worth.support_usd + worth.after_usd
    assert_allclose(parts, worth.cost_usd, rtol=1e-12)


def test_what_a_choice_costs_after_the_contract_counts_beyond_the_reference(fleet, offer):
    model = SpendModel(fleet.model.assembled, as_of_hour=0, n_years=2, rate_yearly=0.0)
    planned, nothing = model.spend("planned", fleet.planned.quantity), model.spend("nothing", fleet.nothing.quantity)
    model.refer_to(nothing)
    view = view_of(offer(commitments_usd=[80_000.0]), model, fleet.catalog, ())
    # the second year at list prices: with the plan as much as in any year, without it 10 or 20 units on demand
    assert_allclose(worth_of(view, model, planned).after_usd, [LOW - 87_600.0, HIGH - 175_200.0], rtol=RTOL)
    assert_allclose(worth_of(view, model, nothing).after_usd, 0.0, atol=1e-6)
