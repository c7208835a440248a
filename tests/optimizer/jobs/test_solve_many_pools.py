"""One problem of many pools: the method that is taken, its bounds, whole steps."""

import numpy as np
import pytest

from optimizer.assembly import Assembled
from optimizer.jobs.solve import Solved, solve
from optimizer.offers import Offer, OfferKind
from optimizer.policy import Increments

GAP = 1e-4


def _solved(build, *, n_pools: int, n_cards: int, gap_fraction: float, increments: Increments | None = None) -> Solved:
    """Answer for as many pools, each with a reservation, and plans with rate cards unlike each other."""
    rng = np.random.default_rng(7)
    od = rng.uniform(0.2, 2.0, n_pools)
    instruments = [
        build.instrument(draw=tuple(1.0 if p == pool else np.nan for p in range(n_pools)), fee_usd=0.62 * od[pool])
        for pool in range(n_pools)
    ]
    cards = [od * rng.uniform(0.68, 0.76, n_pools) for _ in range(n_cards)]
    instruments += [build.instrument(draw=tuple(card), fee_usd=1.0) for card in cards]
    hours = np.arange(240)
    level = rng.uniform(5.0, 80.0, (1, n_pools, 1))
    season = 1 + rng.uniform(0.1, 0.4, (1, n_pools, 1)) * np.sin(
        2 * np.pi * hours / 24 + rng.uniform(0, 6, (1, n_pools, 1))
    )
    problem = build.problem(
        level * season * (1 + rng.uniform(-0.1, 0.1, (1, n_pools, 240))),
        on_demand_usd=list(od),
        instruments=instruments,
        batches=[build.batch(instrument=row) for row in range(len(instruments))],
    )
    offers = tuple(
        Offer(
            offer_id=name,
            kind=OfferKind.RESERVED_STANDARD,
            provider="p",
            region="r",
            pools=problem.pools[:1],
            draw=np.array([1.0]),
            hourly_usd=0.5,
            upfront_usd=0.0,
            term_months=1,
            payment_option="none",
        )
        for name in problem.instruments.names
    )
    n_batches = problem.batches.n_batches
    assembled = Assembled(
        problem=problem, offers=offers, decision_hour=np.zeros(n_batches, dtype=int), commitment=(None,) * n_batches
    )
    return solve(assembled, increments or Increments(), method="auto", gap_fraction=gap_fraction, tell=lambda _: None)


def test_many_pools_are_solved_by_descent(build):
    found = _solved(build, n_pools=40, n_cards=1, gap_fraction=GAP)
    assert found.method == "first-order"
    assert found.gap_fraction <= GAP + 1e-5  # with what is too small to advise left out
    assert found.lower_bound_usd <= found.upper_bound_usd


@pytest.mark.slow
def test_whole_steps_of_many_pools_keep_the_bound(build):
    found = _solved(build, n_pools=25, n_cards=1, gap_fraction=GAP, increments=Increments(units=1.0))
    assert found.method == "first-order"
    bought = found.quantity[:25]
    np.testing.assert_allclose(bought, np.rint(bought), atol=1e-9)
    assert found.rounding.lower_bound_usd <= found.rounding.found.objective_usd
    assert found.rounding.found.objective_usd <= found.upper_bound_usd * 1.01


@pytest.mark.slow
def test_cutting_planes_take_over_where_the_descent_leaves_a_gap(build):
    found = _solved(build, n_pools=20, n_cards=2, gap_fraction=1e-6)
    assert found.method == "cuts"
    assert found.gap_fraction <= 1e-5
