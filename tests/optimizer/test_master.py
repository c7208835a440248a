import numpy as np
from numpy.testing import assert_allclose

from optimizer.clusters import clusters_of
from optimizer.costs import unit_prices
from optimizer.cover import cover_classes
from optimizer.limits import FirmRequirement, Limits
from optimizer.master import MasterInput, idle_ceiling, owned_cost_usd
from optimizer.problem import PlanningProblem
from optimizer.segments import segments_of

NAN = float("nan")


def _given(problem: PlanningProblem) -> MasterInput:
    segments = segments_of(problem)
    return MasterInput(
        problem=problem,
        classes=cover_classes(problem.instruments, split_by_fee=False),
        prices=unit_prices(problem),
        segments=segments,
        clusters=clusters_of(problem, segments, np.array([[0, 0, 1]]), by_scenario=False),
    )


def _reserved(build, *, owned: float, units: float) -> PlanningProblem:
    return build.problem(
        [[[2.0, 6.0, 4.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.0, reserves_units=True, is_firm=True)],
        batches=[build.batch(instrument=0, owned=owned), build.batch(instrument=0)],
        limits=Limits(firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=3, units=units, label="room"),)),
    )


def test_the_idle_ceiling_is_exact_at_what_is_owned_and_at_the_most_that_may_be_reserved(build):
    ceiling = idle_ceiling(_given(_reserved(build, owned=3.0, units=5.0)), np.array([0]))
    # hours of 2, 6 and of 4 units: owned 3 idle by 1, 0 and 0; 3 + 5 by 6, 2 and 4
    for reserved, idle in ((3.0, [0.5, 0.0]), (8.0, [4.0, 4.0])):
        assert_allclose(ceiling.intercept_units[0] + ceiling.slope[0] * reserved, idle)


def test_between_the_two_the_ceiling_is_never_below_what_is_idle(build):
    ceiling = idle_ceiling(_given(_reserved(build, owned=1.0, units=7.0)), np.array([0]))
    for reserved in np.linspace(1.0, 8.0, 30):
        idle = np.maximum(reserved - np.array([2.0, 6.0, 4.0]), 0.0)
        chord = ceiling.intercept_units[0] + ceiling.slope[0] * reserved
        assert np.all(chord >= [idle[:2].mean() - 1e-12, idle[2] - 1e-12])


def test_what_is_owned_counts_once_in_the_mean_and_lambda_times_in_the_tail(build):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0, owned=4.0), build.batch(instrument=0)],
        risk_lambda=0.5,
    )
    assert_allclose(owned_cost_usd(problem), 4.0 * 0.5 * 1.5)
