import dataclasses

from optimizer.plan import LimitState, NextUnit, Plan
from optimizer.report.words import (
    binding_limits,
    limit_saving_usd,
    limit_sentence,
    period,
    saving_sentence,
    terms,
    why_nothing_now,
)


def offer(saving_usd: float, name: str = "csp1y") -> NextUnit:
    """What the next unit of an offer would bring."""
    return NextUnit(offer_id=name, quantity=0.0, quantity_unit="USD/h", saving_usd=saving_usd)


def test_nothing_is_bought_because_no_offer_saves(plan: Plan) -> None:
    bare = dataclasses.replace(plan, purchases=(), next_units=(offer(-200.0, "dear"), offer(-12.5)), limits=())
    assert "The best offer, csp1y, would add 12.50 USD per USD/h" in why_nothing_now(bare)


def test_nothing_is_bought_because_it_is_not_worth_a_purchase(plan: Plan) -> None:
    bare = dataclasses.replace(plan, purchases=(), next_units=(offer(0.0), offer(-3.0, "dear")), limits=())
    assert "no offer saves enough today" in why_nothing_now(bare)


def test_nothing_is_bought_because_limits_forbid_it(plan: Plan) -> None:
    bare = dataclasses.replace(plan, purchases=(), next_units=(offer(40.0),))
    assert "csp1y would save 40.00 USD" in why_nothing_now(bare)
    assert "the limits that bind forbid it (stranded, expected, headroom of" in why_nothing_now(bare)


def test_nothing_is_bought_because_it_is_too_little(plan: Plan) -> None:
    bare = dataclasses.replace(plan, purchases=(), next_units=(offer(40.0),), limits=())
    assert "less than the smallest amount to buy" in why_nothing_now(bare)


def test_nothing_is_bought_because_nothing_is_offered(plan: Plan) -> None:
    assert "no offer" in why_nothing_now(dataclasses.replace(plan, purchases=(), next_units=()))


def test_what_is_saved_is_said_against_all_on_demand(plan: Plan) -> None:
    on_demand = plan.summaries[1].mean_usd
    assert f"{on_demand - plan.summary.mean_usd:,.0f} USD less than all on demand" in saving_sentence(plan)
    dear = dataclasses.replace(plan.summary, mean_usd=on_demand + 1_000)
    assert "1,000 USD more than all on demand" in saving_sentence(
        dataclasses.replace(plan, summaries=(dear, plan.summaries[1]))
    )
    assert "all on demand" not in saving_sentence(dataclasses.replace(plan, summaries=(dear,)))


def test_loosening_saves_the_price_of_a_limit_that_binds_and_nothing_of_one_that_does_not(plan: Plan) -> None:
    limit = dataclasses.replace(plan.limits[0], price_usd=500.0)
    assert limit_saving_usd(limit) == 500.0
    assert limit_saving_usd(dataclasses.replace(limit, binds=False)) == 0.0


def test_binding_limits_come_dearest_first(plan: Plan) -> None:
    assert [limit.name for limit in binding_limits(plan)] == ["stranded, expected", plan.limits[2].name]


def test_a_limit_says_its_name_once(plan: Plan) -> None:
    limit: LimitState = plan.limits[0]
    named = dataclasses.replace(limit, text=f"{limit.name}: tight.")
    assert limit_sentence(named) == f"{limit.name}: tight."
    assert limit_sentence(dataclasses.replace(limit, text="tight.")) == f"{limit.name}: tight."


def test_the_window_is_said_with_both_days_inside(plan: Plan) -> None:
    assert period(plan) == "2025-01-01 to 2025-12-31"


def test_terms_are_said_in_months_and_payment(plan: Plan) -> None:
    assert terms(plan.purchases[1]) == "12 months, partial upfront"
    assert terms(dataclasses.replace(plan.purchases[1], term_months=0, payment_option="")) == "until dropped"
