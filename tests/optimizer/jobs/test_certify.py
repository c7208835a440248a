"""The certificate adds up: bounds around the optimum, and each part of the difference between billing and optimizer."""

import json

import pytest
from numpy.testing import assert_allclose

from optimizer.jobs.forecast_causes import Causes
from optimizer.report.plan_json import plan_json

GAP = 1e-4
EVERYTHING = ("commitments", "pools", "roadmap")
ROUNDED = "increments: {units: 1, usd_per_hour: 0.5}\n"

FLEXIBLE_POOLS = (
    "pool,family,size,normalization_factor\neast/web,m5,large,4\neast/api,m5,xlarge,8\nwest/batch,c5,large,4\n"
)
FLEXIBLE_PRICES = (
    "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
    "od:web,on_demand,aws,east,east/web,0,none,0.4,0\n"
    "od:api,on_demand,aws,east,east/api,0,none,1.2,0\n"  # dearer per normalized unit than the smaller size
    "od:batch,on_demand,aws,west,west/batch,0,none,0.5,0\n"
    "flex,reserved_standard,aws,east,east/web,1,none,0.26,0\n"
    "flex,reserved_standard,aws,east,east/api,1,none,0.52,0\n"
    "csp1,compute_savings_plan,aws,east,east/web,1,none,0.3,0\n"
    "csp1,compute_savings_plan,aws,east,east/api,1,none,0.8,0\n"
)


@pytest.mark.parametrize(
    ("policy", "roles"),
    [("{}\n", ()), ("{}\n", EVERYTHING), (ROUNDED, EVERYTHING), ("risk: {lambda: 1.0}\n", ())],
    ids=["bare", "everything", "rounded", "averse"],
)
def test_the_parts_sum_to_what_billing_adds(planned, policy: str, roles: tuple[str, ...]):
    plan = planned(policy, *roles).plan
    proof = plan.certificate
    assert [rule for rule, _ in proof.difference_usd] == ["rounding", "size flexibility", "order of application"]
    assert_allclose(sum(usd for _, usd in proof.difference_usd), proof.billed_usd - proof.lp_usd, atol=1e-6)
    assert_allclose(proof.billed_usd, plan.summary.mean_usd, rtol=1e-12)
    assert proof.lower_bound_usd <= proof.upper_bound_usd * (1 + 1e-9)
    assert 0 <= proof.gap_fraction <= GAP


@pytest.mark.parametrize("roles", [(), EVERYTHING], ids=["bare", "everything"])
def test_without_size_flexibility_billing_adds_only_what_rounding_costs(planned, roles: tuple[str, ...]):
    parts = dict(planned(ROUNDED, *roles).plan.certificate.difference_usd)
    assert parts["rounding"] != 0
    assert parts["size flexibility"] == 0
    assert_allclose(parts["order of application"], 0.0, atol=1e-6)
    exact = planned("{}\n", *roles).plan.certificate
    assert_allclose(exact.billed_usd, exact.lp_usd, rtol=1e-9)


def test_what_smallest_first_costs_is_named_as_size_flexibility(planned):
    plan = planned("{}\n", pools=FLEXIBLE_POOLS, prices=FLEXIBLE_PRICES).plan
    assert any(purchase.offer_id == "flex" and purchase.quantity > 0 for purchase in plan.purchases)
    parts = dict(plan.certificate.difference_usd)
    assert parts["size flexibility"] > 0
    assert_allclose(parts["order of application"], 0.0, atol=1e-6)
    assert_allclose(sum(parts.values()), plan.certificate.billed_usd - plan.certificate.lp_usd, atol=1e-6)


@pytest.mark.parametrize(
    "policy", [ROUNDED, ROUNDED + "stranded: {expected_fraction: 0.02}\n"], ids=["free", "limited"]
)
def test_whole_steps_have_a_gap_of_their_own_and_the_bound_of_any_quantities_below_it(planned, policy: str):
    proof = planned(policy, "pools").plan.certificate
    whole = proof.whole_steps
    assert whole is not None
    assert whole.method in ("extensive", "cuts")
    assert proof.lower_bound_usd <= whole.lower_bound_usd <= whole.upper_bound_usd
    assert_allclose(whole.gap_fraction, 1 - whole.lower_bound_usd / whole.upper_bound_usd, atol=1e-12)
    assert_allclose(whole.cost_usd, whole.upper_bound_usd - proof.upper_bound_usd)
    assert whole.statement in proof.statement
    assert f"Buying in whole steps costs {whole.cost_usd:,.0f} USD" in whole.statement
    assert whole.gap_fraction < 5e-3


def test_without_increments_there_is_no_gap_of_whole_steps(planned):
    assert planned("{}\n").plan.certificate.whole_steps is None


@pytest.mark.parametrize("terms", [(1,), (1, 12)], ids=["one-date", "with-a-tail"])
def test_window_and_tail_make_the_objective(planned, terms: tuple[int, ...]):
    proof = planned("cadence_months: 6\n", terms=terms).plan.certificate
    assert (proof.tail_usd > 0) == (len(terms) > 1)
    assert_allclose(proof.lp_usd + proof.tail_usd, proof.upper_bound_usd, rtol=1e-9)


def test_the_statement_says_how_much_better_a_plan_could_be(planned):
    proof = planned("{}\n").plan.certificate
    most = proof.upper_bound_usd - proof.lower_bound_usd
    assert proof.statement == (
        f"No other plan under these scenarios and limits costs less by more than {max(most, 0.0):,.0f} USD."
    )


def test_the_certificate_in_the_document_is_that_of_the_plan(planned):
    plan = planned("{}\n").plan
    document = json.loads(plan_json(plan, Causes()))
    assert document["total_usd"] == plan.summary.mean_usd
    assert document["certificate"]["billed_usd"] == plan.certificate.billed_usd
    assert [part["rule"] for part in document["certificate"]["difference_usd"]] == [
        rule for rule, _ in plan.certificate.difference_usd
    ]
