import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.assembly import Market
from optimizer.hardware import Hardware
from optimizer.look_back import look_back_rule
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

OD = np.array([1.0, 2.0])


def _plan(name: str, draw: tuple[float, ...], term_months: int = 12) -> Offer:
    return Offer(
        offer_id=name,
        kind=OfferKind.COMPUTE_SAVINGS_PLAN,
        provider="p",
        region="r",
        pools=("a", "b")[: len(draw)],
        draw=np.array(draw),
        hourly_usd=1.0,
        upfront_usd=0.0,
        term_months=term_months,
        payment_option="none",
    )


def _market(offers: list[Offer], owned: tuple[Commitment, ...] = ()) -> Market:
    catalog = Catalog(pools=("a", "b"), on_demand_usd=OD, spot_usd=np.full(2, np.nan), offers=tuple(offers))
    pools = {name: Pool(name=name) for name in ("a", "b")}
    return Market(catalog=catalog, pools=pools, commitments=owned, terms_months=(12, 36))


def _cost_usd(units: np.ndarray, draw: np.ndarray, committed: float, held: float) -> float:
    """Mean hourly cost by an explicit loop: the plan serves the pool with the larger saving first."""
    total = committed
    for a, b in units.T:
        left, cost = committed + held, 0.0
        for pool, demand in sorted(((0, a), (1, b)), key=lambda item: -OD[item[0]] / draw[item[0]]):
            covered = min(demand, left / draw[pool])
            left -= covered * draw[pool]
            cost += (demand - covered) * OD[pool]
        total += cost / units.shape[1]
    return total


@pytest.mark.slow
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), held=st.sampled_from([0.0, 3.0]))
def test_commits_what_would_have_cost_least_over_the_past(seed: int, held: float):
    rng = np.random.default_rng(seed)
    draw = OD * rng.uniform(0.4, 0.9, 2)
    rule = look_back_rule(_market([_plan("csp", tuple(draw))]))
    past = rng.uniform(0.0, 9.0, (2, 2, 15))
    chosen = rule.committed_hourly_usd(past, np.full((1, 2), held))
    for sample in range(2):
        grid = np.linspace(0.0, 30.0, 601)
        best = min(_cost_usd(past[sample], draw, float(usd), held) for usd in grid)
        assert _cost_usd(past[sample], draw, float(chosen[sample]), held) <= best + 1e-6


def test_an_hour_that_stands_for_two_counts_twice():
    rule = look_back_rule(_market([_plan("csp", (0.5, 1.0))]))
    rng = np.random.default_rng(3)
    past, weights = rng.uniform(0.0, 9.0, (1, 2, 9)), rng.integers(1, 4, 9)
    nothing = np.zeros((1, 1))
    repeated = rule.committed_hourly_usd(np.repeat(past, weights, axis=2), nothing)
    assert_allclose(rule.committed_hourly_usd(past, nothing, weights.astype(float)), repeated, atol=1e-6)


def test_takes_the_deepest_of_the_widest_plans_of_the_shortest_term():
    offers = [_plan("narrow", (0.3,)), _plan("dear", (0.8, 1.6)), _plan("cheap", (0.7, 1.4)), _plan("3y", (0.5, 1), 36)]
    assert look_back_rule(_market(offers)).offer.offer_id == "cheap"


@pytest.mark.parametrize("offers", [[]], ids=["no plan"])
def test_no_rule_without_a_plan(offers: list[Offer]):
    assert look_back_rule(_market(offers)) is None


def test_owned_hardware_counts_in_the_pool_of_its_age():
    moved = Offer(
        offer_id="rack",
        kind=OfferKind.OWNED_HARDWARE,
        provider="own",
        region="",
        pools=("a", "b"),
        draw=np.ones(2),
        hourly_usd=0.1,
        upfront_usd=0.0,
        term_months=36,
        payment_option="all",
        hardware=Hardware(from_hours=(0, 8760), until_hours=(8760, 26280)),
    )
    owned = Commitment(commitment_id="one", offer_id="rack", quantity=4.0, start_hour=0, end_hour=26280)
    rule = look_back_rule(_market([_plan("csp", (0.7, 1.4)), moved], (owned,)))
    past = np.full((1, 2, 10), 4.0)
    for hour, left in ((8759, 4.0 * 1.4), (8760, 4.0 * 0.7)):
        held = np.zeros((len(rule.served.offers), 1))
        held[rule.instrument_at(owned, hour)] = owned.quantity
        assert_allclose(rule.committed_hourly_usd(past, held), [left], rtol=1e-9)
