"""Which limits must give where they cannot all be met, by the extensive program."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.errors import InfeasibleLimitsError
from optimizer.extensive import smallest_relaxation, solve_extensive
from optimizer.limits import CashLimit, FirmRequirement, Limits
from optimizer.problem import PlanningProblem
from optimizer.relaxation import Relaxation
from optimizer.solver import SolverOptions

OPTIONS = SolverOptions()


def _optimum(problem: PlanningProblem) -> float:
    return solve_extensive(problem, OPTIONS).objective_usd


def _headroom_without_cash(build, *, units: float, usd: float) -> PlanningProblem:
    return build.problem(
        [[[4.0, 5.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5, is_firm=True)],
        batches=[build.batch(instrument=0, upfront_usd=2.0)],
        limits=Limits(
            cash=(CashLimit(batch_indices=np.array([0]), usd=usd, label="cash of Q1"),),
            firm=(FirmRequirement(pool_index=0, start_hour=0, end_hour=2, units=units, label="headroom of web"),),
        ),
    )


def test_the_smallest_change_makes_the_limits_meetable(build):
    # 10 units cost 20 USD and 12 are allowed: 4 units are 40 % of the headroom, 8 USD are 67 % of the cash
    problem = _headroom_without_cash(build, units=10.0, usd=12.0)
    (found,) = smallest_relaxation(problem, OPTIONS)
    assert (found.label, found.unit, found.is_floor) == ("headroom of web", "units", True)
    assert_allclose((found.by, found.to), (4.0, 6.0))
    _optimum(_headroom_without_cash(build, units=found.to, usd=12.0))
    with pytest.raises(InfeasibleLimitsError):
        _optimum(_headroom_without_cash(build, units=found.to + 0.01, usd=12.0))


def test_limits_that_can_be_met_need_no_change(build):
    assert smallest_relaxation(_headroom_without_cash(build, units=5.0, usd=12.0), OPTIONS) == ()
    assert smallest_relaxation(build.problem([[[1.0]]], on_demand_usd=[1.0]), OPTIONS) == ()


@pytest.mark.parametrize("seed", range(6))
def test_a_fraction_is_changed_by_as_much_as_it_takes(build, seed: int):
    rng = np.random.default_rng(seed)

    def limits(coverage: float, stranded: float) -> Limits:
        return Limits(coverage_min_fraction=coverage, stranded_expected_fraction=stranded)

    def problem(coverage: float, stranded: float) -> PlanningProblem:
        return build.problem(
            rng_units,
            on_demand_usd=[1.0],
            instruments=[build.instrument(draw=(1.0,), fee_usd=0.7)],
            batches=[build.batch(instrument=0)],
            limits=limits(coverage, stranded),
        )

    rng_units = rng.uniform(0.0, 9.0, (2, 1, 6))
    found = {relaxed.label: relaxed.to for relaxed in smallest_relaxation(problem(0.99, 0.01), OPTIONS)}
    assert found
    coverage, stranded = found.get("minimum coverage", 0.99), found.get("expected stranded value", 0.01)
    _optimum(problem(coverage - 1e-6, stranded + 1e-6))
    with pytest.raises(InfeasibleLimitsError):
        _optimum(problem(min(0.99, coverage + 0.01), max(0.01, stranded - 0.01)))


def test_the_error_says_which_limit_must_give_and_by_how_much(build):
    problem = _headroom_without_cash(build, units=10.0, usd=12.0)
    message = r"cannot all be met.*\n  - lower headroom of web to 6 units \(by 4\)"
    with pytest.raises(InfeasibleLimitsError, match=message):
        solve_extensive(problem, OPTIONS)


def test_a_firm_requirement_that_nothing_can_serve_says_so(build):
    firm = FirmRequirement(pool_index=0, start_hour=0, end_hour=1, units=3.0, label="headroom of web")
    problem = build.problem([[[1.0]]], on_demand_usd=[1.0], limits=Limits(firm=(firm,)))
    assert smallest_relaxation(problem, OPTIONS) == (
        Relaxation(label="headroom of web", unit="units", is_floor=True, by=3.0, to=0.0),
    )


def test_owned_stranded_value_that_is_told_too_low_is_refused(build):
    problem = build.problem(
        [[[1.0]]],
        on_demand_usd=[1.0],
        instruments=[build.instrument(draw=(1.0,), fee_usd=0.5)],
        batches=[build.batch(instrument=0, owned=3.0)],
        limits=Limits(stranded_expected_fraction=0.1, owned_stranded_usd=np.array([0.0])),
    )
    with pytest.raises(ValueError, match="owned_stranded_usd must be what the owned portfolio strands alone"):
        solve_extensive(problem, OPTIONS)
