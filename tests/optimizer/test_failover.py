from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from forecasting.quantiles import weighted_quantile
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.calendar_dates import Timeline
from optimizer.failover import failover_problems, region_problems
from optimizer.headroom import firm_requirements, lost_sites, market_needs
from optimizer.headroom_policy import ImpactPart, MitigationPart
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.policy import Headroom, Policy
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

START = hour_of_date("2024-01-01")
HOURS = 31 * 24
SITES = ("east", "west", "north")
RATES = (1.0, 1.2, 1.1)


def _offer(pool: str, region: str) -> Offer:
    """Capacity reservation of one pool."""
    return Offer(
        offer_id=f"odcr:{pool}",
        kind=OfferKind.CAPACITY_RESERVATION,
        provider="aws",
        region=region,
        pools=(pool,),
        draw=np.ones(1),
        hourly_usd=1.0,
        upfront_usd=0.0,
        term_months=0,
        payment_option="none",
        guarantees_capacity=True,
    )


def _market(quota_units: tuple[float, ...], owned: tuple[Commitment, ...] = (), **declared: object) -> Market:
    """A pool in each region, all of one group, with firm on-demand of its own."""
    pools = SITES[: len(quota_units)]
    parts = {"failover_group": "shop", "on_demand_availability_fraction": 0.5} | declared
    return Market(
        catalog=Catalog(
            pools=pools,
            on_demand_usd=np.array(RATES[: len(pools)]),
            spot_usd=np.full(len(pools), np.nan),
            offers=tuple(_offer(pool, pool) for pool in pools),
            providers=("aws",) * len(pools),
            regions=pools,
        ),
        pools={
            pool: Pool(name=pool, on_demand_quota_units=2 * quota, **parts)
            for pool, quota in zip(pools, quota_units, strict=True)
        },
        commitments=owned,
        terms_months=(12,),
    )


def _scenarios(n_pools: int, seed: int = 0) -> Scenarios:
    rng = np.random.default_rng(seed)
    return Scenarios(
        pools=SITES[:n_pools],
        hours=START + np.arange(HOURS),
        hour_weights=np.ones(HOURS),
        weights=rng.dirichlet(np.ones(3)),
        units=rng.uniform(0.0, 30.0, (3, n_pools, HOURS)),
    )


REGION = Policy(headroom=Headroom(n_plus_one="region", quantile=0.9))


@given(quota=st.tuples(*[st.floats(0.0, 60.0)] * 3), fraction=st.sampled_from([None, 0.2]), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_any_region_may_be_lost_and_the_rest_carries_the_peak(quota, fraction, seed):
    market, scenarios = _market(quota), _scenarios(3, seed)
    policy = Policy(headroom=Headroom(n_plus_one="region", quantile=0.9, fraction=fraction))
    needs = market_needs(scenarios, market, policy)
    peak = weighted_quantile(scenarios.units.sum(axis=1).max(axis=1), scenarios.weights, level=0.9)
    firm = np.array(
        [max(need.site_units or 0.0, need.on_demand_units, need.required_units if fraction else 0.0) for need in needs]
    )
    assert firm.sum() - firm.max() >= peak * (1 - 1e-9)
    asked = firm_requirements(needs, [market.pools[name] for name in SITES], _timeline())
    held = np.array([need.on_demand_units for need in needs])
    for one in asked:
        held[one.pool_index] = max(held[one.pool_index], needs[one.pool_index].on_demand_units + one.units)
    assert_allclose(held, firm, rtol=1e-9)  # what the program is asked to hold is what carries the peak


def _timeline() -> Timeline:
    return Timeline(
        decision_hours=np.array([START]),
        tail_hours=np.array([], dtype=int),
        start_hour=START,
        end_hour=START + HOURS,
        valued_end_hour=START + HOURS,
    )


def test_the_extra_goes_where_it_costs_least_and_has_a_name_and_a_cost():
    market, scenarios = _market((60.0, 10.0, 10.0)), _scenarios(3)
    needs = market_needs(scenarios, market, REGION)
    (row,) = lost_sites(scenarios, market, REGION, needs)
    assert (row.group, row.need.largest_site, row.need.left_units) == ("shop", "east", 20.0)
    missing = row.peak_units - 20.0
    assert missing > 50.0  # north is filled up to the largest, then west
    assert_allclose(row.need.extra_units, (0.0, missing - 50.0, 50.0), rtol=1e-9)
    labels = [one.label for one in firm_requirements(needs, list(market.pools.values()), _timeline())]
    assert labels == ["N+1 capacity of west in 2024-01", "N+1 capacity of north in 2024-01"]


def test_owned_reservations_that_guarantee_capacity_count_while_they_last():
    def owned(end_hour: int) -> Commitment:
        """Reservations in the north until an hour."""
        parts = dict(commitment_id="r", offer_id="odcr:north", quantity=15.0, start_hour=START - 5)
        return Commitment(end_hour=end_hour, **parts)

    scenarios = _scenarios(3)
    short, whole = (_market((40.0, 10.0, 10.0), (owned(START + HOURS - less),)) for less in (1, 0))
    left = []
    for market in (short, whole):
        (row,) = lost_sites(scenarios, market, REGION, market_needs(scenarios, market, REGION))
        left.append(row.need.left_units)
    assert left == [20.0, 35.0]


def test_units_of_different_size_are_compared_by_their_factors():
    market = _market((10.0, 20.0))
    sizes = {"east": 8.0, "west": 1.0}
    pools = {name: replace(pool, normalization_factor=sizes[name]) for name, pool in market.pools.items()}
    scenarios = _scenarios(2)
    needs = market_needs(scenarios, replace(market, pools=pools), REGION)
    (row,) = lost_sites(scenarios, replace(market, pools=pools), REGION, needs)
    total = 8.0 * scenarios.units[:, 0] + scenarios.units[:, 1]
    assert_allclose(row.peak_units, weighted_quantile(total.max(axis=1), scenarios.weights, level=0.9))
    assert_allclose(row.need.extra_units, (row.peak_units / 8.0 - 10.0, row.peak_units - 20.0))


def test_a_group_whose_other_pools_are_not_known_yet_is_told_and_not_asked():
    market, scenarios = _market((10.0,)), _scenarios(1)
    needs = market_needs(scenarios, market, REGION)
    (row,) = lost_sites(scenarios, market, REGION, needs)
    assert not row.need.is_possible
    assert firm_requirements(needs, list(market.pools.values()), _timeline()) == ()


def _shop(name: str, **declared: object) -> Pool:
    parts = {"failover_group": "shop", "on_demand_quota_units": 1.0, "on_demand_availability_fraction": 1.0}
    return Pool(name=name, **parts | declared)


ZONE = Policy(headroom=Headroom(n_plus_one="zone"))
PART = MitigationPart(name="cells", pools=("elsewhere",), blast_factor=0.5)
BAD = {
    "no group": (REGION, [Pool(name="a")], "must be declared for some pools where headroom.n_plus_one is 'region'"),
    "no quota": (REGION, [_shop("a", on_demand_quota_units=None), _shop("b")], "must be declared for pool 'a'"),
    "no zone": (ZONE, [_shop("a"), _shop("b", zone="z")], "must be declared for pool 'a', which is in"),
    "one zone": (ZONE, [_shop("a", zone="z"), _shop("b", zone="z")], "must have pools in at least two zones"),
    "alone": (REGION, [_shop("a")], "must have pools in at least two regions, got one for 'shop'"),
    "sizes": (REGION, [_shop("a", normalization_factor=2.0), _shop("b")], "for all pools of failover_group 'shop'"),
    "mitigation": (Policy(headroom=Headroom(mitigations=(PART,))), [_shop("a")], "must have a row for 'elsewhere'"),
    "calendar": (
        Policy(headroom=Headroom(impact_calendar=(ImpactPart(name="peak", factor=2.0, pools=("gone",)),))),
        [],
        "must have a row for 'gone', which the policy names (headroom.impact_calendar, 'peak')",
    ),
}


@pytest.mark.parametrize(("policy", "pools", "says"), BAD.values(), ids=BAD)
def test_what_the_policy_asks_for_and_the_pools_lack_is_named(policy: Policy, pools: list[Pool], says: str):
    (problem,) = failover_problems(policy, {pool.name: pool for pool in pools})
    assert says in problem.message


def test_a_group_in_one_region_is_refused_where_all_of_it_is_on_the_price_list():
    market = _market((10.0, 10.0))
    assert region_problems(REGION, market.pools, market.catalog) == []
    (problem,) = region_problems(REGION, market.pools, replace(market.catalog, regions=("east", "east")))
    assert "must have pools in at least two regions, got 'east' alone for 'shop'" in problem.message
    later = {**market.pools, "later": _shop("later")}
    assert region_problems(REGION, later, replace(market.catalog, regions=("east", "east"))) == []


def test_nothing_is_asked_of_groups_without_the_policy():
    market, scenarios = _market((10.0, 10.0)), _scenarios(2)
    assert failover_problems(Policy(), {}) == []
    assert all(need.site_units is None for need in market_needs(scenarios, market, Policy()))
