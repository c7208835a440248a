"""Bills and plans say by whose rules they were billed, and count what those rules take off."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.hours import hour_of_date, iso_of_hour

PRICES = (
    "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
    "od:web,on_demand,{provider},east,east/web,0,none,1.0,0\n"
    "od:api,on_demand,{provider},east,east/api,0,none,1.5,0\n"
    "od:batch,on_demand,{provider},west,west/batch,0,none,0.5,0\n"
    "ri:web,reservation,{provider},east,east/web,1,none,0.63,0\n"
    "csp1,savings_plan,{provider},east,east/web,1,none,0.8,0\n"
    "csp1,savings_plan,{provider},east,east/api,1,none,1.1,0\n"
)
POOLS = "pool,family\neast/web,n1\neast/api,n2\nwest/batch,e2\n"


def bill_document(plimsoll, folder, provider, *args, pools=POOLS):
    """bill.json and what was printed, of one January of two steady pools."""
    start = hour_of_date("2024-01-01")
    lines = ["hour_utc,pool,units"]
    for hour in range(start, start + 744):
        lines += [f"{iso_of_hour(hour)},east/web,2", f"{iso_of_hour(hour)},west/batch,1"]
    (folder / "usage.csv").write_text("\n".join(lines) + "\n")
    (folder / "prices.csv").write_text(PRICES.format(provider=provider))
    (folder / "pools.csv").write_text(pools)
    given = ["--usage", folder / "usage.csv", "--prices", folder / "prices.csv", "--pools", folder / "pools.csv"]
    result = plimsoll("bill", *map(str, given), *args, "--out", str(folder / "out"))
    assert result.exit_code == 0, result.output
    return json.loads((folder / "out" / "bill.json").read_text()), result.output


def test_a_bill_of_google_cloud_counts_sustained_use_and_says_so(plimsoll, tmp_path):
    document, printed = bill_document(plimsoll, tmp_path, "gcp")
    assert_allclose(document["total_usd"], 744 * (2 * 0.7 + 0.5))
    assert_allclose(document["sustained_use_usd"], 744 * 2 * 0.3)
    assert_allclose([pool["sustained_use_usd"] for pool in document["pools"]], [744 * 2 * 0.3, 0.0])
    assert document["rules"] == [{"provider": "gcp", "rules": "gcp", "is_known": True, "n_pools": 2}]
    assert document["assumptions"] == [
        "Billed by the rules of Google Cloud.",
        "Sustained-use discounts are counted for 1 of 2 pools of Google Cloud.",
    ]
    assert "after sustained-use discounts of" in printed
    assert "Billed by the rules of Google Cloud." in printed


@pytest.mark.parametrize(
    ("provider", "sentence"),
    [
        ("aws", "Billed by the rules of AWS."),
        ("Azure", "Billed by the rules of Azure."),
        ("trace", "Billed in AWS's order of application, as no rules are known of the provider 'trace'."),
    ],
)
def test_a_bill_says_by_whose_rules_it_was_made(plimsoll, tmp_path, provider, sentence):
    document, printed = bill_document(plimsoll, tmp_path, provider)
    assert document["assumptions"] == [sentence]
    assert_allclose(document["total_usd"], 744 * 2.5)
    assert sentence in printed
    assert "sustained" not in printed


def test_offers_and_pools_of_different_providers_are_refused_at_once(planned):
    prices = PRICES.format(provider="aws").replace("od:web,on_demand,aws", "od:web,on_demand,azure")
    with pytest.raises(InputError) as refused:
        planned(prices=prices, pools=POOLS)
    message = str(refused.value)
    assert "offer 'ri:web' of provider 'aws' must cover pools of one provider, its own, got pools billed" in message
    assert "offer 'csp1' of provider 'aws'" in message
    assert "by the rules of AWS and Azure. Give its rows and the on_demand rows of its pools one provider." in message


def test_a_window_that_cuts_the_month_is_named(plimsoll, tmp_path):
    document, _ = bill_document(plimsoll, tmp_path, "gcp", "--end", "2024-01-17")
    assert "the window cuts a month" in document["assumptions"][1]
    assert_allclose(document["sustained_use_usd"], 2 * (186 * 0.2 + 12 * 0.4))


@pytest.mark.slow
def test_a_plan_of_google_cloud_is_judged_with_sustained_use(planned):
    plan = planned(prices=PRICES.format(provider="gcp"), pools=POOLS).plan
    assert "Billed by the rules of Google Cloud." in plan.assumptions
    proof = plan.certificate
    parts = dict(proof.difference_usd)
    assert parts["sustained-use discounts"] < 0
    assert_allclose(sum(parts.values()), proof.billed_usd - proof.lp_usd, atol=1e-6)
    assert_allclose(parts["order of application"], 0.0, atol=1e-6)
    assert_allclose(sum(row.usd for row in plan.allocation), plan.summary.mean_usd, rtol=1e-9)
    unused = sum(row.usd for row in plan.allocation if row.kind == "unused")
    assert_allclose(unused, plan.summary.stranded_usd, rtol=1e-6, atol=1e-9)


def test_a_plan_of_azure_is_judged_by_azures_order(planned):
    plan = planned(prices=PRICES.format(provider="azure"), pools=POOLS).plan
    assert "Billed by the rules of Azure." in plan.assumptions
    assert [rule for rule, _ in plan.certificate.difference_usd] == [
        "rounding",
        "size flexibility",
        "order of application",
    ]
    assert_allclose(plan.certificate.billed_usd, plan.certificate.lp_usd, rtol=1e-9)
    assert np.isfinite(plan.summary.mean_usd)
