"""Purchases and contract solved together, against the extensive program with the contract written out."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.contract_terms import ContractTerms, ShortfallRule
from optimizer.costs import evaluate
from optimizer.cutting_planes import CutOptions, solve_cuts
from optimizer.extensive import build_program
from optimizer.first_order import suits_first_order
from optimizer.problem import PlanningProblem
from optimizer.program import linear
from optimizer.segments import segments_of
from optimizer.solver import SolverOptions, solve_program

YEAR = np.repeat([0, 1, -1], [5, 5, 2])
OPTIONS = CutOptions(gap_fraction=1e-5, max_rounds=25)


def _rule(*, movable: float = 0.0, months: int = 0, discount: tuple[float, float] = (1.0, 1.0)) -> ShortfallRule:
    return ShortfallRule(
        movable_usd=np.array([movable, 0.0]),
        prepayment_months=months,
        is_used_after_end=False,
        end_discount=np.array(discount),
    )


def _problem(build, seed: int, rule: ShortfallRule, *, counted_part: float = 1.0) -> PlanningProblem:
    """Two pools, four scenarios, twelve hours in two years and a rest; a reservation of each, a plan, one owned."""
    rng = np.random.default_rng(seed)
    instruments = [
        build.instrument(draw=(1.0, np.nan), fee_usd=0.6),
        build.instrument(draw=(np.nan, 1.0), fee_usd=0.9),
        build.instrument(draw=(0.7, 1.05), fee_usd=1.0),
    ]
    batches = [
        build.batch(instrument=0),
        build.batch(instrument=1, end_hour=6),
        build.batch(instrument=1, start_hour=6),
        build.batch(instrument=2),
        build.batch(instrument=2, start_hour=6),
        build.batch(instrument=2, end_hour=4, owned=1.0),
    ]
    demand = rng.uniform(0.0, 10.0, (4, 2, 12))
    problem = build.problem(demand, on_demand_usd=[1.0, 1.5], instruments=instruments, batches=batches)
    fees = problem.instruments.fee_usd[problem.batches.instrument]
    active = problem.batches.active(problem.hours)
    counted = np.stack([fees * active[:, year == YEAR].sum(axis=1) for year in range(2)], axis=1)
    terms = ContractTerms(
        year_of_hour=YEAR,
        due_usd=rng.uniform(35.0, 60.0, (4, 2)),
        counted_part=counted_part,
        counted_fee_usd=counted,
        rule=rule,
    )
    return replace(problem, contract=terms)


def _optimum_usd(problem: PlanningProblem) -> float:
    """The extensive program with a shortfall, and what moves, for each scenario and year."""
    terms = problem.contract
    built = build_program(replace(problem, contract=None))
    objective = built.lp.objective
    for s in range(len(problem.weights)):
        moved = built.lp.add_variable(f"moved_{s}", 0.0, float(terms.rule.movable_usd[0]))
        for year in range(2):
            short = built.lp.add_variable(f"short_{s}_{year}", 0.0)
            spend = [
                (variable, float(problem.on_demand_usd[p]))
                for (p, t, scenario), variable in built.on_demand.items()
                if scenario == s and YEAR[t] == year
            ]
            fees = list(zip(built.quantity, terms.counted_fee_usd[:, year].tolist(), strict=True))
            terms_of_row = [*spend, *fees, (short, 1.0), (moved, 1.0 if year == 0 else -1.0)]
            built.lp.addConstraint(linear(terms_of_row) >= float(terms.due_usd[s, year]), f"contract_{s}_{year}")
            objective = objective + short * float(problem.weights[s] * terms.rule.end_discount[year])
    built.lp.setObjective(objective)
    solve_program(built.lp, SolverOptions())
    return float(built.lp.objective.value())


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize(
    "rule", [_rule(), _rule(movable=6.0), _rule(discount=(0.9, 0.8))], ids=["paid", "moved", "discounted"]
)
def test_reaches_the_optimum_of_purchases_and_contract_together(build, seed: int, rule: ShortfallRule):
    problem = _problem(build, seed, rule)
    found = solve_cuts(problem, OPTIONS)
    optimum = _optimum_usd(problem)
    assert_allclose(found.upper_bound_usd, optimum, rtol=2e-5)
    assert found.lower_bound_usd <= optimum * (1.0 + 1e-9)
    assert_allclose(found.lower_bound_usd, optimum, rtol=2e-5)
    again = evaluate(problem, found.quantity, found.classes)
    assert_allclose(again.objective_usd, found.upper_bound_usd, rtol=1e-12)


@pytest.mark.parametrize("rule", [_rule(), _rule(months=12), _rule(movable=5.0, months=6)], ids=["paid", "pre", "both"])
@pytest.mark.parametrize("counted_part", [1.0, 1.15])
def test_together_is_never_dearer_than_one_after_the_other_nor_below_its_bound(build, rule, counted_part: float):
    problem = _problem(build, 5, rule, counted_part=counted_part)
    alone = solve_cuts(replace(problem, contract=None), OPTIONS)
    together = solve_cuts(problem, OPTIONS)
    sequential_usd = evaluate(problem, alone.quantity, alone.classes).objective_usd
    assert together.lower_bound_usd <= sequential_usd
    assert together.lower_bound_usd <= together.upper_bound_usd
    tried = np.random.default_rng(1).uniform(0.0, 2.0, (10, problem.batches.n_batches)) * together.quantity
    tried[:, -1] = 1.0  # owned
    costs = [evaluate(problem, quantity, together.classes).objective_usd for quantity in tried]
    assert together.lower_bound_usd <= min(costs)
    if counted_part == 1.0:
        assert together.upper_bound_usd <= sequential_usd * (1.0 + 2e-5)


def test_a_contract_that_asks_for_nothing_changes_nothing(build):
    problem = _problem(build, 3, _rule())
    free = replace(problem, contract=replace(problem.contract, due_usd=np.zeros((4, 2))))
    alone = solve_cuts(replace(problem, contract=None), OPTIONS)
    assert_allclose(solve_cuts(free, OPTIONS).upper_bound_usd, alone.upper_bound_usd, rtol=2e-5)


def test_segments_end_with_the_contract_years(build):
    problem = _problem(build, 3, _rule())
    assert {5, 10} <= set(segments_of(problem).first_hour.tolist())


def test_the_method_for_many_pools_knows_no_contract(build):
    assert not suits_first_order(_problem(build, 3, _rule()))


def test_its_bound_holds_for_idle_purchases_whose_fees_retire_more_than_they_cost(build):
    problem = _problem(build, 5, _rule(), counted_part=1.5)
    terms = replace(problem.contract, counted_fee_usd=1.5 * problem.contract.counted_fee_usd)
    terms = replace(terms, due_usd=terms.due_usd + 150.0)  # far more than all demand is worth: idle fees do retire it
    problem = replace(problem, contract=terms)
    found = solve_cuts(problem, OPTIONS)
    costs = []
    for scale in np.linspace(0.0, 40.0, 41):
        idle = np.array(found.quantity)
        idle[0] += scale
        costs.append(evaluate(problem, idle, found.classes).objective_usd)
    assert min(costs) < costs[0]  # idle purchases pay here
    assert found.lower_bound_usd <= min(costs)
