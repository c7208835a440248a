"""The shipped fleet is what its script makes, and holds what it claims to hold."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.testing import assert_allclose

from forecasting.forecast import ForecastRequest, forecast_demand
from forecasting.history import read_usage
from forecasting.hours import hour_of_date, term_hours
from forecasting.roadmap import read_roadmap
from optimizer.headroom import headroom_needs
from optimizer.policy import read_policy
from optimizer.pools import pool_table, read_pools

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"
FILES = ("usage.parquet", "prices.csv", "commitments.csv", "pools.csv", "roadmap.yaml", "policy.yaml")
EVERYTHING = FIXTURES / "everything"
EVERYTHING_FILES = ("prices.csv", "commitments.csv", "pools.csv", "policy.yaml")
ALL_FILES = (*FILES, *(f"everything/{name}" for name in EVERYTHING_FILES))
AS_OF = pd.Timestamp("2025-01-01", tz="UTC")


@pytest.fixture(scope="module")
def usage() -> pd.DataFrame:
    """Hours by pools, zero where there is no row."""
    rows = pd.read_parquet(FIXTURES / "usage.parquet")
    return rows.pivot_table(index="hour_utc", columns="pool", values="units", fill_value=0.0)


@pytest.fixture(scope="module")
def prices() -> pd.DataFrame:
    return pd.read_csv(FIXTURES / "prices.csv")


@pytest.fixture(scope="module")
def events() -> list[dict[str, object]]:
    return yaml.safe_load((FIXTURES / "roadmap.yaml").read_text(encoding="utf-8"))["events"]


def test_the_readme_states_the_digest_of_every_file():
    stated = dict(re.findall(r"^ {4}([0-9a-f]{64})  (\S+)$", (FIXTURES / "README.md").read_text("utf-8"), re.M))
    actual = {hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest(): name for name in ALL_FILES}
    assert stated == actual


@pytest.mark.slow
def test_the_script_makes_the_same_bytes_again(tmp_path: Path):
    script = ROOT / "scripts" / "make_fixtures.py"
    subprocess.run([sys.executable, str(script), "--out", str(tmp_path)], check=True)
    made = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {name: (FIXTURES / name).read_bytes() for name in (*ALL_FILES, "README.md")}
    assert {name for name in shipped if made.get(name) != shipped[name]} == set()
    assert set(made) == set(shipped)


def test_the_fleet_is_small_enough_to_ship():
    assert sum(path.stat().st_size for path in FIXTURES.iterdir()) < 3_000_000


def test_usage_has_every_hour_of_two_years(usage: pd.DataFrame):
    expected = pd.date_range("2023-01-01", "2025-01-01", freq="h", tz="UTC", inclusive="left")
    assert list(usage.index) == list(expected)
    assert len(usage.columns) == 10
    assert (usage.to_numpy() % 1 == 0).all()


def test_the_migration_has_moved_in_december_what_its_declared_ramp_says(usage: pd.DataFrame, events):
    event = next(event for event in events if event["name"] == "storefront to m6i")
    old, new = usage["us-east-1/m5.xlarge"], usage["us-east-1/m6i.xlarge"]
    share = (old / (old + new)).resample("MS").mean()
    before, after = share["2024-09-01"], share["2024-12-01"]
    # old (1 - m) : new + conversion x old m, with the ratio of the month before the ramp
    moved = (1 - after / before) / (1 - after * (1 - event["conversion"]))
    days = np.arange(61, 92) + 0.5  # of December, since the first of October
    n_days = (event["end"] - event["start"]).days + 1
    progress = 1 / (1 + np.exp(-np.log(99) * (2 * days / n_days - 1)))
    assert_allclose(moved, event["size"] * progress.mean(), rtol=0.1)


def test_the_dying_pool_has_lost_most_of_its_demand_without_any_event(usage: pd.DataFrame, events):
    pool = usage["us-east-1/c5.2xlarge"]
    assert pool.iloc[-24 * 28 :].mean() < 0.4 * pool.iloc[: 24 * 28].mean()
    assert "us-east-1/c5.2xlarge" not in yaml.safe_dump(events)


@pytest.mark.parametrize("year", [2023, 2024])
def test_the_promotion_shows_each_year_where_it_is_declared(usage: pd.DataFrame, events, year: int):
    event = next(event for event in events if event["name"] == f"black week {year}")
    pool = usage["eu-west-1/c6i.2xlarge"].resample("D").median()
    week = pool[str(event["start"]) : str(event["end"])].mean()
    around = pool[pd.Timestamp(event["start"], tz="UTC") - pd.Timedelta(days=8) :][:8].mean()
    assert 1.25 < week / around < 1.65


def test_pools_of_a_region_share_noise_that_other_regions_lack(usage: pd.DataFrame):
    weekly = usage.resample("W").mean().iloc[1:-1].pct_change().corr()["us-east-1/r5.xlarge"]
    assert min(weekly["us-east-1/r5.2xlarge"], weekly["us-east-1/c6i.2xlarge"]) > 0.25
    assert weekly["eu-west-1/c6i.2xlarge":"eu-west-1/m6i.xlarge"].abs().max() < 0.25


def test_every_used_or_declared_pool_has_one_on_demand_price(usage: pd.DataFrame, prices: pd.DataFrame):
    on_demand = prices[prices["kind"] == "on_demand"]
    assert not on_demand["pool"].duplicated().any()
    assert set(on_demand["pool"]) >= {*usage.columns, "eu-west-1/c7g.2xlarge"}


def test_one_listed_pool_is_unknown_at_the_as_of_date(usage: pd.DataFrame, prices: pd.DataFrame, events):
    visible = [event for event in events if pd.Timestamp(event.get("known_from", "2000-01-01"), tz="UTC") <= AS_OF]
    named = {pool for event in visible for pool in [*event.get("from", []), *event.get("to", {})]}
    assert set(prices["pool"]) - set(usage.columns) - named == {"us-east-1/m7g.xlarge"}


def test_committed_rates_have_all_terms_and_payment_options(prices: pd.DataFrame):
    committed = prices[prices["term_months"] > 0]
    kinds = {"reserved_standard", "reserved_convertible", "instance_savings_plan", "compute_savings_plan"}
    assert set(committed["kind"]) == kinds
    for _, rows in committed.groupby(["kind", "pool"]):
        options = set(zip(rows["term_months"], rows["payment_option"], strict=True))
        assert options == {(term, option) for term in (12, 36) for option in ("none", "partial", "all")}


def test_a_longer_term_and_more_cash_never_cost_more_and_all_beat_on_demand(prices: pd.DataFrame):
    committed = prices[prices["term_months"] > 0]
    hours = committed["term_months"].map(term_hours)
    effective = committed.assign(usd=committed["hourly_usd"] + committed["upfront_usd"] / hours)
    table = effective.pivot_table(index=["kind", "pool"], columns=["term_months", "payment_option"], values="usd")
    for term in (12, 36):
        assert (table[term]["none"] > table[term]["partial"]).all()
        assert (table[term]["partial"] > table[term]["all"]).all()
    assert (table[12]["all"] > table[36]["none"]).all()
    on_demand = prices[prices["kind"] == "on_demand"].set_index("pool")["hourly_usd"]
    assert (table.max(axis=1).droplevel("kind") < on_demand.reindex(table.index.get_level_values("pool"))).all()


def test_plans_have_no_upfront_column_and_the_rates_of_their_reservation(prices: pd.DataFrame):
    plans = prices[prices["kind"].str.endswith("savings_plan")]
    assert (plans["upfront_usd"] == 0).all()
    key = ["pool", "term_months", "payment_option"]
    reserved = prices[prices["kind"] == "reserved_standard"].set_index(key)
    instance = prices[prices["kind"] == "instance_savings_plan"].set_index(key)
    hours = reserved.index.get_level_values("term_months").map(term_hours)
    effective = reserved["hourly_usd"] + reserved["upfront_usd"] / hours
    assert_allclose(instance["hourly_usd"], effective.reindex(instance.index), rtol=2e-3)  # upfront in whole dollars


def test_size_flexible_rows_agree_per_normalized_unit(prices: pd.DataFrame):
    factors = pd.read_csv(FIXTURES / "pools.csv").set_index("pool")["normalization_factor"]
    reserved = prices[prices["kind"].str.startswith("reserved") & prices["pool"].str.contains("/r5.", regex=False)]
    factor = reserved["pool"].map(factors)
    per_unit = reserved.assign(hourly=reserved["hourly_usd"] / factor, upfront=reserved["upfront_usd"] / factor)
    spread = per_unit.groupby("offer_id")[["hourly", "upfront"]].agg(lambda values: values.max() - values.min())
    assert (per_unit.groupby("offer_id").size() == 2).all()
    assert_allclose(spread.to_numpy(), 0.0, atol=1e-12)


def test_capacity_reservations_cost_the_on_demand_rate(prices: pd.DataFrame):
    on_demand = prices[prices["kind"] == "on_demand"].set_index("pool")["hourly_usd"]
    held = prices[prices["kind"] == "capacity_reservation"].set_index("pool")["hourly_usd"]
    assert len(held) == 3
    assert_allclose(held, on_demand.reindex(held.index))


def test_spot_is_priced_for_exactly_the_eligible_pools_below_on_demand(prices: pd.DataFrame):
    pools = pd.read_csv(FIXTURES / "pools.csv").set_index("pool")
    spot = prices[prices["kind"] == "spot"].set_index("pool")["hourly_usd"]
    on_demand = prices[prices["kind"] == "on_demand"].set_index("pool")["hourly_usd"]
    assert set(spot.index) == set(pools.index[pools["spot_eligible_fraction"] > 0])
    assert len(spot) == 2
    assert (spot < on_demand.reindex(spot.index)).all()


def test_commitments_run_their_offers_term_and_most_end_within_the_year(prices: pd.DataFrame):
    owned = pd.read_csv(FIXTURES / "commitments.csv", parse_dates=["start_utc", "end_utc"])
    terms = prices.drop_duplicates("offer_id").set_index("offer_id")["term_months"]
    hours = (owned["end_utc"] - owned["start_utc"]).dt.total_seconds() / 3600
    assert list(hours) == [term_hours(int(term)) for term in terms.loc[owned["offer_id"]]]
    assert ((owned["start_utc"] < AS_OF) & (owned["end_utc"] > AS_OF)).all()
    assert (owned["end_utc"] <= AS_OF + pd.DateOffset(years=1)).sum() == 4


def test_the_quotas_of_two_pools_with_capacity_reservations_lie_below_the_headroom_they_need(prices: pd.DataFrame):
    as_of_hour = hour_of_date("2025-01-01")
    hours = np.arange(as_of_hour, as_of_hour + term_hours(12))
    request = ForecastRequest(as_of_hour=as_of_hour, hours=hours, hour_weights=np.ones(len(hours)))
    roadmap = read_roadmap(FIXTURES / "roadmap.yaml", as_of_hour=as_of_hour)
    history = read_usage(FIXTURES / "usage.parquet")
    scenarios = forecast_demand(history, roadmap, request, np.random.default_rng(1)).scenarios
    pools = list(pool_table(scenarios.pools, read_pools(FIXTURES / "pools.csv")).values())
    on_demand = prices[prices["kind"] == "on_demand"].set_index("pool")["hourly_usd"]
    policy = read_policy(FIXTURES / "policy.yaml")
    needs = headroom_needs(scenarios, pools, on_demand[list(scenarios.pools)].to_numpy(), policy)
    short = {pools[n.pool_index].name for n in needs if n.required_units > (n.on_demand_units or np.inf)}
    assert short == {"us-east-1/g5.xlarge", "eu-west-1/c6i.2xlarge"}
    assert short <= set(prices.loc[prices["kind"] == "capacity_reservation", "pool"])
