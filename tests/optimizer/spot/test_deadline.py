import math
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.spot.chain import SpotChain
from optimizer.spot.deadline import DeadlineWork, keep_deadline

CHAIN = SpotChain(availability=0.8, outage_hours=2.5)


def make_work(window_hours: int, work_hours: float, *, rework: float = 0.0, spot_usd: float = 0.3) -> DeadlineWork:
    return DeadlineWork(
        window_hours=window_hours,
        work_hours=work_hours,
        rework_fraction=rework,
        spot_usd=spot_usd,
        on_demand_usd=1.0,
    )


def histories(chain: SpotChain, n_hours: int) -> Iterator[tuple[tuple[bool, ...], float]]:
    """Every course that spot can take, with its chance, by the rates at which outages begin and end."""
    ends = 1.0 / chain.outage_hours
    begins = (1.0 - chain.availability) / (chain.availability * chain.outage_hours)
    for there in product((False, True), repeat=n_hours):
        chance = chain.availability if there[0] else 1.0 - chain.availability
        for before, now in pairwise(there):
            leave = begins if before else ends
            chance *= leave if before != now else 1.0 - leave
        yield there, chance


def least_cost(chain: SpotChain, work: DeadlineWork) -> float:
    """Expected cost by plain recursion over everything that may be done in each hour; work as hours of each kind."""
    ends = 1.0 / chain.outage_hours
    begins = (1.0 - chain.availability) / (chain.availability * chain.outage_hours)
    factor = 1.0 + work.rework_fraction

    @cache
    def cost(hours_left: int, n_demand: int, n_spot: int, is_there: bool) -> float:
        left = work.work_hours - n_demand - n_spot / factor
        if left <= 1e-9:
            return 0.0
        if left > hours_left + 1e-9:
            return math.inf
        return min(
            ahead(hours_left, n_demand, n_spot, is_there),
            min(left, 1.0) + ahead(hours_left, n_demand + 1, n_spot, is_there),
            work.spot_usd * min(left * factor, 1.0) + ahead(hours_left, n_demand, n_spot + 1, is_there)
            if is_there
            else math.inf,
        )

    def ahead(hours_left: int, n_demand: int, n_spot: int, is_there: bool) -> float:
        gone = begins if is_there else 1.0 - ends
        parts = ((gone, False), (1.0 - gone, True))
        return sum(p * cost(hours_left - 1, n_demand, n_spot, then) for p, then in parts if p > 0.0)

    first = chain.availability * cost(work.window_hours, 0, 0, True)
    return first + (1.0 - chain.availability) * cost(work.window_hours, 0, 0, False)


CHAINS = st.builds(
    lambda a, stretch: SpotChain(availability=a, outage_hours=stretch / a),
    st.floats(0.05, 0.95),
    st.floats(1.0, 30.0),
)


def test_one_hour_of_work_in_two_falls_back_where_spot_is_gone_in_both() -> None:
    found = keep_deadline(CHAIN, make_work(2, 1.0))
    both_gone = 0.2 * (1 - 1 / 2.5)
    assert found.fallback_probability == pytest.approx(both_gone)
    assert found.miss_probability == pytest.approx(both_gone)
    assert found.spot_fraction == pytest.approx(1 - both_gone)
    assert found.rate_usd == pytest.approx(0.3 * (1 - both_gone) + both_gone)
    assert found.promise_usd == pytest.approx(0.7 * both_gone)
    assert found.patience_hours == 1


def test_nightly_batch_of_three_hours_in_a_window_of_four() -> None:
    """FIELD.md section 5, "nightly batch, 4-hour window on spot"; by hand in docs/optimizer.md, section Spot."""
    found = keep_deadline(CHAIN, make_work(4, 3.0))
    # at most one hour without spot may pass: TTTT, and one G among four hours, keep to spot alone
    there, begins, ends = 0.9, 0.1, 0.4
    no_gone = 0.8 * there**3
    one_gone = 0.2 * ends * there**2 + 2 * (0.8 * begins * ends * there) + 0.8 * there**2 * begins
    assert found.miss_probability == pytest.approx(1 - no_gone - one_gone)
    assert found.miss_probability == pytest.approx(0.2296)
    assert found.fallback_probability == pytest.approx(0.2296)
    # the first hour without spot is waited out, every later one of the four runs on demand
    on_demand_hours = 4 * 0.2 - (1 - no_gone)
    assert found.on_demand_fraction == pytest.approx(on_demand_hours / 3)
    assert found.on_demand_fraction == pytest.approx(0.3832 / 3)
    assert found.waiting_usd == pytest.approx(0.3)
    assert found.promise_usd == pytest.approx(0.7 * 0.3832 / 3)
    longer = [round(keep_deadline(CHAIN, make_work(window, 3.0)).promise_usd, 4) for window in (5, 8)]
    assert longer == [0.0570, 0.0146]
    assert found.patience_hours == 1


@settings(max_examples=25, deadline=None)
@given(CHAINS, st.integers(1, 7), st.data())
def test_without_rework_it_waits_until_there_is_no_slack(chain: SpotChain, window: int, data: st.DataObject) -> None:
    """Against every course of spot: wait while it is gone and slack is left, run on demand in hours without either."""
    needed = data.draw(st.integers(1, window))
    found = keep_deadline(chain, make_work(window, float(needed)))
    usd = fallback = missed = 0.0
    for there, chance in histories(chain, window):
        done = on_demand = 0
        for hour, is_there in enumerate(there):
            if done < needed and not is_there and window - hour == needed - done:
                on_demand += 1
                done += 1
            elif done < needed and is_there:
                done += 1
        usd += chance * (0.3 * (done - on_demand) + on_demand)
        fallback += chance * (on_demand > 0)
        missed += chance * (sum(there) < needed)
    assert found.rate_usd == pytest.approx(usd / needed, rel=1e-9)
    assert found.fallback_probability == pytest.approx(fallback, abs=1e-12)
    assert found.miss_probability == pytest.approx(missed, abs=1e-12)
    assert fallback == pytest.approx(missed, abs=1e-12)  # whoever may fall back does so where waiting would miss
    assert found.patience_hours == window - needed


@settings(max_examples=25, deadline=None)
@given(CHAINS, st.integers(1, 9), st.floats(0.05, 1.0), st.floats(0.0, 1.5), st.floats(0.05, 0.9))
def test_the_promise_costs_the_least_that_any_rule_does(
    chain: SpotChain, window: int, part: float, rework: float, price: float
) -> None:
    work = make_work(window, round(part * window, 3), rework=rework, spot_usd=price / (1 + rework))
    found = keep_deadline(chain, work)
    assert found.rate_usd == pytest.approx(least_cost(chain, work) / work.work_hours, rel=1e-7)
    assert found.rate_usd <= 1.0 + 1e-12
    assert found.rate_usd >= found.waiting_usd - 1e-9
    mixed = found.spot_fraction * found.waiting_usd + found.on_demand_fraction
    assert found.rate_usd == pytest.approx(mixed, rel=1e-9)
    missed = sum(chance for there, chance in histories(chain, window) if sum(there) < round(work.spot_hours, 9))
    assert found.miss_probability == pytest.approx(missed, abs=1e-9)
    assert 0 <= found.patience_hours <= window - work.work_hours


@settings(max_examples=25, deadline=None)
@given(CHAINS, st.integers(1, 24), st.integers(1, 12), st.floats(0.0, 0.5))
def test_a_longer_window_never_costs_more(chain: SpotChain, needed: int, extra: int, rework: float) -> None:
    short = keep_deadline(chain, make_work(needed + extra - 1, float(needed), rework=rework))
    long = keep_deadline(chain, make_work(needed + extra, float(needed), rework=rework))
    assert long.rate_usd <= short.rate_usd + 1e-12
    assert long.miss_probability <= short.miss_probability + 1e-12


def test_a_window_without_slack_pays_each_hour_as_spot_is_there() -> None:
    found = keep_deadline(CHAIN, make_work(5, 5.0))
    assert found.spot_fraction == pytest.approx(0.8)
    assert found.rate_usd == pytest.approx(0.8 * 0.3 + 0.2)  # the rate of a pool without a deadline
    assert found.patience_hours == 0


def test_a_week_is_planned_at_once_and_seldom_falls_back() -> None:
    found = keep_deadline(CHAIN, make_work(168, 20.5, rework=0.07))
    assert 0.0 <= found.fallback_probability < 1e-9
    assert found.rate_usd == pytest.approx(found.waiting_usd, rel=1e-9)
    assert np.isfinite(found.miss_probability)


def test_work_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"work_hours must be <= window_hours 2, got 3\.0"):
        keep_deadline(CHAIN, make_work(2, 3.0))
