"""Owned hardware from the price list to the bill: optimum, certificate, purchases read back, plan."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from forecasting.hours import hour_of_date, iso_of_hour
from optimizer.jobs.rivals import LOOK_BACK_TITLE

START = hour_of_date("2024-01-01")
N_HOURS = 455 * 24
HEADER = (
    "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd,"
    "lead_time_days,salvage_usd,from_year,until_year,served_units\n"
)
PRICES = HEADER + (
    "od:web,on_demand,aws,us,web,0,none,1.0,0,,,,,\n"
    "od:api,on_demand,aws,us,api,0,none,0.4,0,,,,,\n"
    "ri:web,reserved_standard,aws,us,web,12,none,0.62,0,,,,,\n"
    "ri:api,reserved_standard,aws,us,api,12,none,0.3,0,,,,,\n"
    "rack,owned_hardware,own,,web,24,all,0.05,8000,31,5000;1000,,1,\n"
    "rack,owned_hardware,own,,api,24,all,0.05,8000,31,5000;1000,2,,2\n"
)
FEE_USD = 0.05 + (8000 - 1000) / (2 * 8760)


def _demand(folder: Path) -> Path:
    rng = np.random.default_rng(5)
    day = np.sin(2 * np.pi * np.arange(N_HOURS) / 24)
    hours = [iso_of_hour(START + hour) for hour in range(N_HOURS)]
    web = pd.DataFrame(
        {"hour_utc": hours, "pool": "web", "units": (12 + 3 * day + rng.uniform(0, 2, N_HOURS)).round(2)}
    )
    api = pd.DataFrame({"hour_utc": hours, "pool": "api", "units": (9 - 2 * day + rng.uniform(0, 1, N_HOURS)).round(2)})
    pd.concat([web, api]).to_csv(folder / "demand.csv", index=False)
    (folder / "prices.csv").write_text(PRICES)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Demand of fifteen months, and hardware that serves one pool for a year and then another."""
    return _demand(tmp_path_factory.mktemp("hardware"))


def _optimize(plimsoll: Callable[..., Result], world: Path, out: Path, *more: str) -> dict:
    args = ["--demand", world / "demand.csv", "--prices", world / "prices.csv", "--dates", "2024-01-01,2024-04-01"]
    result = plimsoll("optimize", *args, "--out", out, *more)
    assert result.exit_code == 0, result.output
    return json.loads((out / "plan.json").read_text())


def test_an_optimum_with_hardware_is_certified_and_billed_to_the_cent(
    world: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    answer = _optimize(plimsoll, world, tmp_path / "optimum")
    racks = [purchase for purchase in answer["purchases"] if purchase["offer_id"] == "rack"]
    assert racks
    for rack in racks:
        ordered, served = pd.Timestamp(rack["decision_utc"]), pd.Timestamp(rack["start_utc"])
        assert served - ordered == pd.Timedelta(days=31)
        assert pd.Timestamp(rack["end_utc"]) - served == pd.Timedelta(days=730)
        assert rack["commitment_id"] == f"{ordered.date()}/rack"
        assert_allclose(rack["upfront_usd"], 8000 * rack["quantity"])
        assert_allclose(rack["salvage_usd"], [5000 * rack["quantity"], 1000 * rack["quantity"]])
        assert_allclose(rack["committed_usd"], FEE_USD * rack["quantity"] * 2 * 8760)
        assert "In service 31 days after the order. Serves web up to year 1 of service" in rack["reason"]
    assert all(not purchase["salvage_usd"] for purchase in answer["purchases"] if purchase["offer_id"] != "rack")
    proof = answer["certificate"]
    assert proof["gap_fraction"] <= 1e-6
    for part in proof["difference_usd"]:
        assert_allclose(part["usd"], 0.0, atol=1e-6 * proof["billed_usd"])
    bought = tmp_path / "bought.csv"
    pd.read_csv(tmp_path / "optimum" / "purchases.csv").drop(columns="decision_date").to_csv(bought, index=False)
    args = ["--usage", world / "demand.csv", "--prices", world / "prices.csv", "--commitments", bought]
    result = plimsoll("bill", *args, "--start", "2024-01-01", "--end", "2025-03-31", "--out", tmp_path / "bill")
    assert result.exit_code == 0, result.output
    billed = json.loads((tmp_path / "bill" / "bill.json").read_text())
    assert_allclose(billed["total_usd"], answer["total_usd"], rtol=1e-9)


def test_with_increments_hardware_is_bought_in_whole_units(
    world: Path, tmp_path: Path, plimsoll: Callable[..., Result]
):
    (tmp_path / "policy.yaml").write_text("increments: {units: 1}\n")
    answer = _optimize(plimsoll, world, tmp_path / "optimum", "--policy", str(tmp_path / "policy.yaml"))
    quantities = [purchase["quantity"] for purchase in answer["purchases"]]
    assert quantities
    assert quantities == [round(quantity) for quantity in quantities]


def test_cash_is_asked_for_on_the_date_of_the_order(world: Path, tmp_path: Path, plimsoll: Callable[..., Result]):
    (tmp_path / "policy.yaml").write_text("upfront_usd_per_quarter: 16000\n")
    answer = _optimize(plimsoll, world, tmp_path / "optimum", "--policy", str(tmp_path / "policy.yaml"))
    by_date: dict[str, float] = {}
    for purchase in answer["purchases"]:
        by_date[purchase["decision_utc"]] = by_date.get(purchase["decision_utc"], 0.0) + purchase["upfront_usd"]
    assert by_date
    assert_allclose(list(by_date.values()), 16_000, rtol=1e-6)


def test_a_plan_orders_hardware_ahead_of_its_service_and_says_how_the_rest_is_valued(planned):
    prices = HEADER + (
        "od:web,on_demand,aws,east,east/web,0,none,0.4,0,,,,,\n"
        "od:api,on_demand,aws,east,east/api,0,none,0.6,0,,,,,\n"
        "od:batch,on_demand,aws,west,west/batch,0,none,0.5,0,,,,,\n"
        "rack,owned_hardware,own,,east/web,3,all,0.02,250,20,100,,,\n"
        "csp1,compute_savings_plan,aws,east,east/web,1,none,0.3,0,,,,,\n"
        "csp1,compute_savings_plan,aws,east,east/api,1,none,0.45,0,,,,,\n"
    )
    plan = planned("{}\n", prices=prices).plan
    (rack,) = (purchase for purchase in plan.purchases if purchase.offer_id == "rack")
    assert rack.decision_hour == plan.as_of_hour
    assert rack.start_hour == plan.as_of_hour + 20 * 24
    assert rack.term_months == 3
    assert any(text.startswith("Owned hardware that outlives ") for text in plan.assumptions)
    assert plan.certificate.gap_fraction <= 1e-4
    for _, usd in plan.certificate.difference_usd:
        assert_allclose(usd, 0.0, atol=1e-6 * plan.certificate.billed_usd)
    assert any(summary.title == LOOK_BACK_TITLE for summary in plan.summaries)
