from dataclasses import replace
from itertools import product

import numpy as np

from optimizer.coefficients import term_fees
from optimizer.cover import cover_classes
from optimizer.limits import CashLimit, Limits, ShareLimit
from optimizer.problem import PlanningProblem
from optimizer.purchase_limits import purchase_rows
from optimizer.sweep import Sweeper
from optimizer.whole_nearest import nearest_buyable


def _problem(build, limits: Limits) -> PlanningProblem:
    nan = float("nan")
    problem = build.problem(
        np.full((1, 2, 10), 6.0),
        on_demand_usd=[1.0, 1.0],
        instruments=[build.instrument(draw=(1.0, nan), fee_usd=0.5), build.instrument(draw=(nan, 1.0), fee_usd=0.4)],
        batches=[build.batch(instrument=0, upfront_usd=3.0), build.batch(instrument=1, upfront_usd=2.0)],
        limits=limits,
    )
    return replace(problem, batches=replace(problem.batches, step=np.array([2.0, 1.0]), minimum=np.array([0.0, 3.0])))


def test_it_is_the_nearest_of_all_that_keep_the_limits(build):
    limits = Limits(
        cash=(CashLimit(batch_indices=np.array([0, 1]), usd=19.0, label="cash"),),
        shares=(ShareLimit(batch_indices=np.array([0]), fraction=0.7, label="first"),),
    )
    problem = _problem(build, limits)
    wanted = np.array([4.2, 3.4])
    found = nearest_buyable(Sweeper(problem, cover_classes(problem.instruments, split_by_fee=False)), wanted)
    fees, away = term_fees(problem), {}
    for tried in product(np.arange(0.0, 8.0, 2.0), [0.0, 3.0, 4.0, 5.0, 6.0]):
        quantity = np.array(tried)
        if all(row.missed_by(quantity) <= 1e-9 for row in purchase_rows(problem)):
            away[tried] = float(np.abs(quantity - wanted) @ fees)
    assert found is not None
    assert tuple(found) == min(away, key=lambda tried: away[tried])


def test_nothing_is_bought_where_no_steps_keep_the_shares(build):
    share = ShareLimit(batch_indices=np.array([0, 1]), fraction=0.5, label="both")
    problem = _problem(build, Limits(shares=(share,)))
    sweeper = Sweeper(problem, cover_classes(problem.instruments, split_by_fee=False))
    found = nearest_buyable(sweeper, np.array([4.2, 3.4]))
    assert found is not None
    assert not found.any()  # nothing bought keeps every share
