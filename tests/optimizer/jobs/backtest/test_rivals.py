from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.history import History
from optimizer.assembly import Market
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.rivals import RuleChain, rule_quantities
from optimizer.jobs.backtest.rules import BUILT_IN, RESERVATIONS, Rule, Statistic
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

DATE = 100_000
PLAN_RATE = np.array([0.7, 1.3])


def _offer(name: str, kind: OfferKind, pools: tuple[str, ...], draw: np.ndarray, hourly_usd: float) -> Offer:
    return Offer(
        offer_id=name,
        kind=kind,
        provider="aws",
        region="r",
        pools=pools,
        draw=draw,
        hourly_usd=hourly_usd,
        upfront_usd=0.0,
        term_months=12,
        payment_option="none",
    )


PLAN = _offer("csp", OfferKind.COMPUTE_SAVINGS_PLAN, ("a", "b"), PLAN_RATE, 1.0)
RESERVED_A = _offer("ri:a", OfferKind.RESERVED_STANDARD, ("a",), np.ones(1), 0.55)
RESERVED_B = _offer("ri:b", OfferKind.RESERVED_STANDARD, ("b",), np.ones(1), 1.2)


def _market(*offers: Offer, owned: tuple[Commitment, ...] = ()) -> Market:
    catalog = Catalog(pools=("a", "b"), on_demand_usd=np.array([1.0, 2.0]), spot_usd=np.full(2, np.nan), offers=offers)
    pools = {name: Pool(name=name) for name in ("a", "b")}
    return Market(catalog=catalog, pools=pools, commitments=owned, terms_months=(12,))


def _history(units: np.ndarray) -> History:
    return History(pools=("a", "b"), start_hour=DATE - units.shape[1], units=units)


def _rule(**changes: object) -> Rule:
    return replace(Rule(name="mine", title="Mine", look_back_days=(2,)), **changes)


@pytest.mark.slow
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_the_optimum_of_one_reservation_is_the_break_even_quantile(seed: int):
    units = np.random.default_rng(seed).uniform(1.0, 9.0, (2, 48))
    bought = rule_quantities(_rule(kinds=RESERVATIONS), _market(RESERVED_A), _history(units), date_hour=DATE)
    least = min(units[0], key=lambda level: 0.55 * level + np.mean(np.maximum(units[0] - level, 0.0)))
    assert_allclose(bought["ri:a"], least, rtol=1e-4)


def test_the_joint_optimum_is_that_of_a_brute_force_over_a_grid():
    units = np.array([[1.0, 3.0, 3.0] * 16, [2.0, 2.0, 0.0] * 16])
    rule = _rule(kinds=(*RESERVATIONS, OfferKind.COMPUTE_SAVINGS_PLAN))
    bought = rule_quantities(rule, _market(PLAN, RESERVED_A, RESERVED_B), _history(units), date_hour=DATE)

    def cost(plan: float, a: float, b: float) -> float:
        total = plan + 0.55 * a + 1.2 * b
        for hour in range(3):
            left, rest = plan, np.maximum(units[:, hour] - (a, b), 0.0)
            for pool, price in ((1, 2.0), (0, 1.0)):  # the larger saving for each USD first
                covered = min(rest[pool], left / PLAN_RATE[pool])
                left -= covered * PLAN_RATE[pool]
                total += (rest[pool] - covered) * price / 3.0
        return total

    grid = [(p, a, b) for p in np.arange(0, 5, 0.1) for a in range(4) for b in range(3)]
    best = min(cost(*point) for point in grid)
    assert cost(bought["csp"], bought["ri:a"], bought["ri:b"]) <= best * (1 + 1e-6)


def test_the_lowest_of_several_look_backs_counts():
    units = np.concatenate([np.full((2, 240), 8.0), np.full((2, 24), 3.0)], axis=1)
    both = rule_quantities(_rule(look_back_days=(1, 10)), _market(PLAN), _history(units), date_hour=DATE)
    last = rule_quantities(_rule(look_back_days=(1,)), _market(PLAN), _history(units), date_hour=DATE)
    assert_allclose(both["csp"], last["csp"], rtol=1e-6)
    assert_allclose(both["csp"], 3.0 * PLAN_RATE.sum(), rtol=1e-4)


@pytest.mark.parametrize(
    ("statistic", "coverage", "level"),
    [
        (Statistic.MINIMUM, 1.0, lambda series: series.min()),
        (Statistic.MEAN, 0.8, lambda series: 0.8 * series.mean()),
        (Statistic.QUANTILE, 1.0, lambda series: np.sort(series)[11]),  # a quarter of 48 hours lies at or below
    ],
    ids=["minimum", "mean", "quantile"],
)
def test_a_level_is_taken_of_what_the_offer_could_have_covered(statistic: Statistic, coverage: float, level):
    units = np.random.default_rng(1).uniform(1.0, 9.0, (2, 48))
    rule = _rule(statistic=statistic, coverage_fraction=coverage, quantile_level=0.25)
    bought = rule_quantities(rule, _market(PLAN), _history(units), date_hour=DATE)
    assert_allclose(bought["csp"], level(PLAN_RATE @ units))


@pytest.mark.parametrize("statistic", [Statistic.OPTIMUM, Statistic.MINIMUM])
def test_what_still_runs_counts_first_and_what_has_ended_does_not(statistic: Statistic):
    units = np.full((2, 48), 4.0)
    all_of_it = 4.0 * PLAN_RATE.sum()

    def bought(end_hour: int) -> float:
        owned = Commitment(commitment_id="x", offer_id="csp", quantity=1.5, start_hour=DATE - 10, end_hour=end_hour)
        market = _market(PLAN, owned=(owned,))
        return rule_quantities(_rule(statistic=statistic), market, _history(units), date_hour=DATE)["csp"]

    assert_allclose(bought(DATE + 1), all_of_it - 1.5, rtol=1e-4)
    assert_allclose(bought(DATE), all_of_it, rtol=1e-4)


def test_each_pool_goes_to_the_deepest_discount_that_may_be_bought():
    units = np.array([np.full(48, 5.0), np.full(48, 2.0)])
    rule = _rule(statistic=Statistic.MINIMUM, kinds=(*RESERVATIONS, OfferKind.COMPUTE_SAVINGS_PLAN))
    bought = rule_quantities(rule, _market(PLAN, RESERVED_A, RESERVED_B), _history(units), date_hour=DATE)
    assert bought == {"ri:a": 5.0, "ri:b": 2.0}


def test_a_rule_that_looks_back_on_nothing_buys_nothing(tiny_setting: Setting):
    keep = next(rule for rule in BUILT_IN if not rule.look_back_days)
    assert RuleChain(rule=keep).decide(tiny_setting, int(tiny_setting.dates[0]), ()).bought == ()


def test_a_rule_never_buys_for_a_pool_that_is_only_announced(tiny_setting: Setting):
    floor = _rule(statistic=Statistic.MEAN, kinds=RESERVATIONS)
    bought = RuleChain(rule=floor).decide(tiny_setting, int(tiny_setting.dates[0]), ()).bought
    assert sorted(one.offer_id for one in bought) == ["=ri:west/<b>batch", "ri:east/old"]
    assert {one.start_hour for one in bought} == {int(tiny_setting.dates[0])}
