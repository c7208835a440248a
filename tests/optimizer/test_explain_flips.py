from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.cover import cover_classes
from optimizer.explain_flips import (
    DEMAND_RANGE,
    PRICE_RANGE,
    date_flip,
    demand_flip,
    nearest_root,
    price_flips,
    probability_flip,
)
from optimizer.explain_savings import Savings
from optimizer.explain_terms import Planned
from optimizer.problem import PlanningProblem


def savings_of(problem: PlanningProblem, quantity: list[float]) -> Savings:
    classes = cover_classes(problem.instruments, split_by_fee=False)
    return Savings(Planned(problem=problem, quantity=np.array(quantity), classes=classes))


def one_pool(build, demand: list[float], *, fee_usd: float, on_demand_usd: float = 1.0) -> PlanningProblem:
    return build.problem(
        [[demand]],
        on_demand_usd=[on_demand_usd],
        instruments=[build.instrument(draw=(1.0,), fee_usd=fee_usd)],
        batches=[build.batch(instrument=0)],
    )


def test_demand_at_the_newsvendor_quantile_flips_where_its_mean_falls_to_the_break_even(build):
    # half of the hours at 10, half at 4: at a rate of one half the quantile 0.5 is 10, and below it all demand is used
    savings = savings_of(one_pool(build, [10.0, 4.0], fee_usd=0.5), [10.0])
    flip = demand_flip(savings, 0)
    assert_allclose(flip.at, 5 / 7, atol=2e-3)
    assert (flip.planned, flip.low, flip.high) == (1.0, *DEMAND_RANGE)
    assert_allclose(savings.expected_usd(0, demand_factor=5 / 7), 0.0, atol=1e-12)


def test_a_purchase_that_loses_flips_where_demand_has_grown_enough(build):
    flip = demand_flip(savings_of(one_pool(build, [10.0, 0.0, 4.0], fee_usd=0.8), [10.0]), 0)
    assert flip.at is None  # 10 units are used two thirds of the hours at most
    flip = demand_flip(savings_of(one_pool(build, [10.0, 4.0], fee_usd=0.8), [10.0]), 0)
    assert_allclose(flip.at, 1.5, atol=2e-3)  # (10 + 4 x 1.5) / 2 = 0.8 x 10


def test_demand_at_a_factor_costs_what_the_multiplied_demand_costs(build):
    problem = build.mixed(5)
    quantity = np.where(problem.batches.is_decision, 2.0, problem.batches.fixed_quantity)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    for factor in (0.4, 1.7):
        more = replace(problem, demand=problem.demand * factor)
        plain, multiplied = (
            Savings(Planned(problem=one, quantity=quantity, classes=classes)) for one in (problem, more)
        )
        for batch in (0, 3, 6):
            assert_allclose(
                plain.expected_usd(batch, demand_factor=factor), multiplied.expected_usd(batch), rtol=1e-9, atol=1e-9
            )


def test_at_the_price_that_flips_the_purchase_saves_nothing(build):
    problem = one_pool(build, [10.0, 4.0, 7.0], fee_usd=0.5)
    savings = savings_of(problem, [8.0])
    by_offer, by_market = price_flips(savings, savings.of(0))
    assert_allclose(by_offer.at, (8 + 4 + 7) / (3 * 8 * 0.5))
    dearer = one_pool(build, [10.0, 4.0, 7.0], fee_usd=0.5 * by_offer.at)
    assert_allclose(savings_of(dearer, [8.0]).expected_usd(0), 0.0, atol=1e-12)
    cheaper = one_pool(build, [10.0, 4.0, 7.0], fee_usd=0.5, on_demand_usd=by_market.at)
    assert_allclose(savings_of(cheaper, [8.0]).expected_usd(0), 0.0, atol=1e-12)


def test_a_price_beyond_the_range_is_said_to_be_none_and_what_is_free_has_none(build):
    savings = savings_of(one_pool(build, [10.0], fee_usd=0.05), [10.0])
    flips = price_flips(savings, savings.of(0))
    assert [flip.at for flip in flips] == [None, None]
    assert (flips[0].low, flips[0].high) == PRICE_RANGE
    free = savings_of(one_pool(build, [10.0], fee_usd=0.0), [10.0])
    assert price_flips(free, free.of(0)) == ()


@pytest.mark.parametrize(
    ("never", "surely", "at"), [(-10.0, 30.0, 0.25), (30.0, -10.0, 0.75), (5.0, 30.0, None), (7.0, 7.0, None)]
)
def test_the_chance_that_flips_is_where_the_mixture_of_both_worlds_saves_nothing(
    never: float, surely: float, at: float | None
):
    flip = probability_flip("move", planned=0.7, never_usd=never, surely_usd=surely)
    assert flip.event == "move"
    assert flip.at == at
    if at is not None:
        assert_allclose((1 - at) * never + at * surely, 0.0, atol=1e-12)


def test_the_nearest_date_is_found_on_either_side():
    assert_allclose(date_flip("e", lambda d: d + 40.0, low=-60.0, high=365.0, step=1.0).at, -40.0, atol=1.0)
    assert_allclose(date_flip("e", lambda d: 100.0 - d, low=-60.0, high=365.0, step=1.0).at, 100.0, atol=1.0)
    assert date_flip("e", lambda d: 1000.0 - d, low=-60.0, high=365.0, step=1.0).at is None


def test_of_two_crossings_the_nearer_one_counts():
    assert_allclose(nearest_root(lambda x: (x - 0.8) * (1.9 - x), 1.0, 0.0, 2.0), 0.8, atol=2e-3)
