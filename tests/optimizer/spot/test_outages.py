from dataclasses import replace

import numpy as np
import pytest

from optimizer.offers import Catalog
from optimizer.pools import Pool
from optimizer.spot.outages import drawn_availability, draws_outages
from optimizer.spot.rates import effective_spot_usd, known_spot_usd

POOL = Pool(name="a", spot_eligible_fraction=0.5, spot_availability=0.8, spot_outage_hours=5.0, spot_correlation=0.4)
HOURS = np.arange(400_000, 400_000 + 20_000)
PATHS = np.arange(10)


def make_catalog(names: str, regions: str = "", *, spot_usd: float = 0.3) -> Catalog:
    n_pools = len(names)
    return Catalog(
        pools=tuple(names),
        on_demand_usd=np.ones(n_pools),
        spot_usd=np.full(n_pools, spot_usd),
        offers=(),
        providers=("aws",) * n_pools,
        regions=tuple(regions or "r" * n_pools),
    )


def draw(pools: list[Pool], regions: str = "", **options: object) -> np.ndarray:
    catalog = make_catalog("".join(pool.name for pool in pools), regions)
    given = {"hours": HOURS, "paths": PATHS, "seed": 7} | options
    found = drawn_availability(catalog, pools, **given)
    assert found is not None
    return found


def mean_outage(gone: np.ndarray) -> float:
    """Hours without spot for each hour in which it went away."""
    return float(gone[:, 1:].sum() / (gone[:, 1:] & ~gone[:, :-1]).sum())


def test_each_pool_keeps_its_own_availability_and_length_of_outages() -> None:
    """1.2 million hours of each pool; the bounds are five standard errors or more."""
    pools = [POOL, replace(POOL, name="b", spot_availability=0.95, spot_outage_hours=20.0), replace(POOL, name="c")]
    gone = ~draw(pools, paths=np.arange(60))
    for row, pool in enumerate(pools):
        assert gone[:, row].mean() == pytest.approx(1 - pool.spot_availability, abs=0.015)
        assert mean_outage(gone[:, row]) == pytest.approx(pool.spot_outage_hours, rel=0.1)


def test_outages_coincide_within_a_region_as_declared_and_not_beyond_it() -> None:
    gone = ~draw([POOL, replace(POOL, name="b"), replace(POOL, name="c")], "rrs")
    a, b, c = (gone[:, row].ravel() for row in range(3))
    assert np.corrcoef(a, b)[0, 1] == pytest.approx(0.4, abs=0.03)
    assert np.corrcoef(a, c)[0, 1] == pytest.approx(0.0, abs=0.03)


def test_where_nothing_is_declared_outages_of_a_region_are_one() -> None:
    whole = replace(POOL, spot_correlation=Pool(name="x").spot_correlation)
    available = draw([whole, replace(whole, name="b")])
    np.testing.assert_array_equal(available[:, 0], available[:, 1])


def test_without_correlation_pools_of_a_region_know_nothing_of_each_other() -> None:
    alone = replace(POOL, spot_correlation=0.0)
    gone = ~draw([alone, replace(alone, name="b")])
    assert np.corrcoef(gone[:, 0].ravel(), gone[:, 1].ravel())[0, 1] == pytest.approx(0.0, abs=0.03)


def test_sampled_hours_have_the_chain_of_the_hours_between() -> None:
    """Every fifth hour: correlation in time is the memory of one hour to the fifth."""
    gone = ~draw([POOL, replace(POOL, name="b")], hours=HOURS[::5], paths=np.arange(40))
    first = gone[:, 0]
    memory = 1 - 1 / (0.8 * 5.0)
    assert first.mean() == pytest.approx(0.2, abs=0.01)
    assert np.corrcoef(first[:, 1:].ravel(), first[:, :-1].ravel())[0, 1] == pytest.approx(memory**5, abs=0.03)
    assert np.corrcoef(first.ravel(), gone[:, 1].ravel())[0, 1] == pytest.approx(0.4, abs=0.03)


def test_a_path_has_the_same_outages_whatever_is_drawn_beside_it() -> None:
    pools = [POOL, replace(POOL, name="b")]
    every = draw(pools, hours=HOURS[:500])
    np.testing.assert_array_equal(draw(pools, hours=HOURS[:500], paths=np.array([7, 2])), every[[7, 2]])
    turned = draw(pools[::-1], hours=HOURS[:500])
    np.testing.assert_array_equal(turned[:, ::-1], every)
    assert np.any(draw(pools, hours=HOURS[:500], seed=8) != every)
    assert np.any(every[0] != every[1])


def test_only_pools_that_use_spot_and_have_no_deadline_are_drawn() -> None:
    pools = [
        POOL,
        replace(POOL, name="b", spot_outage_hours=None),
        replace(POOL, name="c", spot_eligible_fraction=0.0),
        replace(POOL, name="d", interruption_overhead_fraction=3.0),
        replace(POOL, name="e", deadline_window_hours=4.0, deadline_work_hours=2.0),
    ]
    assert draws_outages(make_catalog("abcde"), pools).tolist() == [True, False, False, False, False]
    available = draw(pools, hours=HOURS[:100])
    assert available[:, 1:].all()
    catalog = make_catalog("bcde")
    assert drawn_availability(catalog, pools[1:], hours=HOURS, paths=PATHS, seed=7) is None


def test_drawn_outages_cost_in_the_mean_what_the_effective_rate_says() -> None:
    """Spot x (1 + rework) while it is there and on demand else is, in expectation, the rate of today."""
    pool = replace(POOL, interruption_overhead_fraction=0.1)
    catalog = make_catalog("a")
    there = draw([pool])[:, 0].mean()
    while_there = known_spot_usd(catalog, [pool], is_drawn=np.array([True]))[0]
    mean = effective_spot_usd(catalog, [pool])[0]
    assert while_there == pytest.approx(0.33)
    assert mean == pytest.approx(0.8 * 0.33 + 0.2)
    assert there * while_there + (1 - there) == pytest.approx(mean, rel=0.01)
