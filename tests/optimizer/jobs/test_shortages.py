import json
from collections.abc import Callable
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from optimizer.jobs.shortages import headroom_sentences
from optimizer.plan import Plan
from optimizer.plan_headroom import PlanHeadroom, SiteRow
from optimizer.report.html import report_html
from optimizer.report.plan_json import plan_json

POOLS = """\
pool,on_demand_quota_units,on_demand_availability_fraction,impact_usd_per_hour,blast_radius_fraction,detect_hours,\
repair_hours,sla_affected_fraction,sla_monthly_bill_usd,sla_credit_fraction,failover_group
east/web,60,0.9,2000,0.5,0.5,1.5,0.25,40000,0.1,<b>front</b>
west/batch,10,1,300,1,0,1,,,,<b>front</b>
east/api,,,,,,,,,,
"""
POLICY = """\
headroom:
  by: expected_loss
  n_plus_one: region
  impact_calendar:
    - {name: evening, factor: 3, hours: [6, 7], pools: [east/web]}
  mitigations:
    - {name: "<i>cells</i>", pools: [east/web], cost_usd: 1, blast_factor: 0.1}
"""
FIXED = """\
headroom:
  fraction: 0.0
  quantile: 0.5
  mitigations:
    - {name: cells, pools: [east/web], cost_usd: 100, blast_factor: 0.1}
    - {name: rewrite, pools: [west/batch, east/web], cost_usd_per_year: 9000000, probability_factor: 0.5}
    - {name: drills, pools: [west/batch], duration_factor: 0.5, decided: true}
"""
RESERVABLE = "odcr:west/batch,capacity_reservation,aws,west,west/batch,0,none,0.5,0\n"


@pytest.fixture
def prices(small_fleet: Path) -> str:
    """Prices of the small fleet with capacity to reserve in both regions of the group."""
    return (small_fleet / "prices.csv").read_text() + RESERVABLE


@pytest.fixture
def run(planned: Callable[..., object], prices: str):
    """Plan of the small fleet with all of it at once."""
    return planned(POLICY, pools=POOLS, prices=prices)


def _rows(plan: Plan, pool: str):
    """Shortages of a pool."""
    assert plan.headroom is not None
    return [row for row in plan.headroom.shortages if row.pool == pool]


def test_every_month_of_a_pool_with_a_loss_is_told_and_the_plan_holds_what_it_chose(run):
    peaks = {(row.pool, row.month): row for row in run.plan.peaks}
    assert not _rows(run.plan, "east/api")
    for pool in ("east/web", "west/batch"):
        rows = _rows(run.plan, pool)
        assert [row.month for row in rows] == ["2024-03", "2024-04"]
        for row in rows:
            peak = peaks[pool, row.month]
            assert row.chosen_units == peak.required_units
            assert row.plan_units == peak.firm_units
            assert row.plan_units >= row.chosen_units * (1 - 1e-9)
            assert row.plan_probability <= row.probability
            assert row.plan_loss_usd <= row.direct_usd + row.liability_usd + 1e-9
            assert row.chosen_units >= row.advised_units  # a lost site may ask for more than the loss does
    assert {row.liability_usd for row in _rows(run.plan, "west/batch")} == {0.0}


def test_liability_is_credits_times_the_chance_apart_from_the_direct_loss(planned, prices):
    plan = planned(FIXED, pools=POOLS, prices=prices).plan
    rows = _rows(plan, "east/web")
    assert max(row.probability for row in rows) > 0.2
    for row in rows:
        assert_allclose(row.liability_usd, row.probability * 0.25 * 40_000 * 0.1, rtol=1e-9)
        assert_allclose(row.direct_usd, row.probability * 2_000 * 0.5 * 2.0, rtol=1e-9)
        assert row.advised_holding_usd + row.advised_loss_usd <= row.holding_usd + row.direct_usd + row.liability_usd


def test_the_other_region_carries_the_peak_and_the_limit_has_a_price(run):
    plan = run.plan
    assert plan.headroom is not None
    firm = {(row.pool, row.month): row.firm_units for row in plan.peaks}
    assert [row.month for row in plan.headroom.sites] == ["2024-03", "2024-04"]
    for row in plan.headroom.sites:
        assert row.group == "<b>front</b>"
        sites = [firm["east/web", row.month], firm["west/batch", row.month]]
        assert min(sites) >= row.peak_units * (1 - 1e-9)
        assert_allclose(row.extra_usd, sum(part.extra_usd for part in row.parts), rtol=1e-12)
        assert row.extra_usd > 0.0
    limits = [limit for limit in plan.limits if limit.name.startswith("N+1 capacity of west/batch")]
    assert limits
    assert all(limit.value >= limit.limit * (1 - 1e-9) for limit in limits)
    assert max(limit.price_usd for limit in limits) > 0.0
    free = sum(purchase.quantity for purchase in plan.purchases if purchase.offer_id == "odcr:west/batch")
    assert_allclose(free, max(row.peak_units for row in plan.headroom.sites) - 10.0, rtol=1e-6)


def test_mitigations_are_advised_or_not_and_told_with_their_flips(planned, prices):
    plan = planned(FIXED, pools=POOLS, prices=prices).plan
    assert plan.headroom is not None
    cells, rewrite, drills = plan.headroom.mitigations
    assert (cells.verdict, rewrite.verdict, drills.verdict) == ("mitigate", "accept", "decided")
    assert cells.saved_usd > cells.cost_usd == 100.0
    assert rewrite.saved_usd < rewrite.cost_usd
    assert_allclose(
        cells.saved_usd,
        cells.holding_usd + cells.loss_usd - cells.mitigated_holding_usd - cells.mitigated_loss_usd,
        rtol=1e-9,
    )
    web, batch = _rows(plan, "east/web"), _rows(plan, "west/batch")
    assert_allclose(cells.saved_usd, 0.9 * sum(row.direct_usd for row in web), rtol=1e-9)
    assert_allclose(cells.probability, sum(row.probability for row in web) / 2, rtol=1e-12)
    assert_allclose(cells.flip_below_probability, cells.probability * 100.0 / cells.saved_usd, rtol=1e-9)
    assert [row.direct_usd for row in batch] == [row.probability * 300.0 * 0.5 for row in batch]
    for one in (cells, rewrite):  # at a cost of what it saves the verdict would flip
        assert (one.verdict == "mitigate") == (one.saved_usd > one.cost_usd)


def test_where_a_lost_site_asks_for_the_peak_a_mitigation_saves_nothing(run):
    (cells,) = run.plan.headroom.mitigations
    assert (cells.verdict, cells.saved_usd, cells.loss_usd) == ("accept", 0.0, 0.0)


def test_groups_without_another_site_are_told_in_the_assumptions():
    site = SiteRow(
        group="front",
        month="2024-03",
        largest_site="east",
        peak_units=9.0,
        left_units=0.0,
        is_possible=False,
        extra_usd=0.0,
        parts=(),
    )
    (sentence,) = headroom_sentences(PlanHeadroom(by="fixed", n_plus_one="zone", quantile=0.9, sites=(site, site)))
    assert sentence.endswith("are in one zone, whose loss is not survived: front.")


def test_json_and_page_tell_it_with_names_escaped(run):
    document = json.loads(plan_json(run.plan, run.causes))["headroom"]
    assert document["n_plus_one"] == "region"
    assert [part["name"] for part in document["mitigations"]] == ["<i>cells</i>"]
    page = report_html(run.plan, run.causes).decode()
    assert "&lt;i&gt;cells&lt;/i&gt;" in page
    assert "<i>cells</i>" not in page
    assert "<b>front</b>" not in page
    for heading in ("Expected loss of shortages", "The loss of a region", "Mitigate or accept"):
        assert heading in page


def test_a_plan_without_declared_losses_says_nothing_of_them(planned):
    run = planned("{}\n")
    assert run.plan.headroom is not None
    assert (run.plan.headroom.shortages, run.plan.headroom.sites, run.plan.headroom.mitigations) == ((), (), ())
    assert "Expected loss of shortages" not in report_html(run.plan, run.causes).decode()


def test_what_n_plus_one_needs_of_the_pools_is_refused_before_anything_runs(planned):
    with pytest.raises(InputError, match="must be declared for pool 'east/api'"):
        planned(POLICY, pools=POOLS.replace("east/api,,,,,,,,,,", "east/api,,,,,,,,,,<b>front</b>"))
