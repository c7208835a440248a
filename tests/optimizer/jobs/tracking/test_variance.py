"""Laws of the split: parts sum to the whole, and scale with prices."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.expected import Expected
from optimizer.jobs.bill_days import BillDays
from optimizer.jobs.tracking.paired import Actual, Paired, paired
from optimizer.jobs.tracking.variance import Variance, variance

DAYS = np.arange(19_800, 19_810)


def random_case(rng: np.random.Generator, *, usd: float = 1.0) -> Paired:
    """Three planned pools and one that came since, whatever they cost."""
    units = rng.uniform(0.0, 50.0, (4, 10))
    rate = usd * rng.uniform(0.5, 3.0, 4)
    on_demand = 24 * rate[:3, None] * units[:3]
    spread = np.zeros((3, 4, 10))
    plan = Expected(
        pools=("g/a", "g/b", "h/c"),
        days=DAYS,
        mean_units=np.concatenate([units[:3], units[:3].sum(axis=0)[None]]),
        day_units=spread,
        to_date_units=spread,
        on_demand_usd=on_demand,
        served_usd=on_demand * rng.uniform(0.4, 1.0, (3, 1)),
        fee_usd=usd * rng.uniform(0.0, 9.0, 10),
        unused_usd=usd * rng.uniform(0.0, 3.0, 10),
        eligible_usd=on_demand.sum(axis=0),
        covered_usd=0.3 * on_demand.sum(axis=0),
        locked_in_usd=np.zeros(10),
        cost_to_date_usd=np.zeros((3, 10)),
        events=(),
        knows_events=True,
    )
    came = rng.uniform(0.0, 80.0, (3, 10))
    bills = [
        BillDays(
            days=DAYS,
            on_demand_usd=came,
            served_usd=usd * rng.uniform(0.0, 99.0, (3, 10)),
            fee_usd=usd * rng.uniform(0.0, 9.0, 10),
            unused_usd=usd * rng.uniform(0.0, 3.0, 10),
            eligible_usd=came.sum(axis=0),
            covered_usd=came.sum(axis=0),
        )
        for _ in range(2)
    ]
    actual = Actual(
        pools=("g/a", "h/c", "h/new"),
        units=came,
        rate_usd=rate[[0, 2, 3]],
        at_plan_prices=bills[0],
        at_prices=bills[1],
    )
    return paired(plan, actual, n_days=10)


def split(seed: int, *, usd: float = 1.0) -> Variance:
    """Variance of a random case with random events and anomalies."""
    rng = np.random.default_rng(seed)
    cells = random_case(rng, usd=usd)
    return variance(
        cells, surprise_units=rng.normal(0.0, 9.0, (2, 4, 10)), is_anomalous=rng.uniform(size=(4, 10)) < 0.2
    )


@given(seed=st.integers(0, 10_000))
def test_parts_sum_to_the_whole_and_pools_to_the_total(seed: int):
    found = split(seed)
    rows = (*found.pools, found.unused)
    for row in (*rows, found.total):
        assert_allclose(sum(row.parts_usd), row.variance_usd, rtol=1e-9, atol=1e-6)
    for part in range(6):
        assert_allclose(sum(row.parts_usd[part] for row in rows), found.total.parts_usd[part], rtol=1e-9, atol=1e-6)
    assert_allclose(sum(row.expected_usd for row in rows), found.total.expected_usd)
    assert_allclose(sum(row.actual_usd for row in rows), found.total.actual_usd)
    assert_allclose(found.by_event_usd.sum(), found.total.event_usd, rtol=1e-9, atol=1e-6)


@given(seed=st.integers(0, 10_000), usd=st.floats(0.1, 10.0))
def test_prices_that_double_double_every_part(seed: int, usd: float):
    one, more = split(seed), split(seed, usd=usd)
    assert_allclose(more.total.parts_usd, usd * np.array(one.total.parts_usd), rtol=1e-9, atol=1e-6)
    assert_allclose(more.pool_mix_usd, usd * one.pool_mix_usd, rtol=1e-9, atol=1e-6)
