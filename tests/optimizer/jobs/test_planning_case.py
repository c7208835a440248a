"""Planning problems of published cases: brute force on ones invented here, what must hold, and what is refused."""

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.billing.case_values import Case, CaseFormatError, NotSupportedError, as_fields
from optimizer.billing.cases import Outcome, Status, main, read_cases, run_case
from optimizer.jobs.planning_case import PlanningCase
from optimizer.jobs.published_cases import ALL_KINDS

Tables = dict[str, dict[str, list]]


def _case(tables: Tables) -> Case:
    return Case(
        case_id="one",
        provider="generic",
        kind="planning_optimum",
        title="",
        inputs=as_fields(tables, "inputs"),
        expected={},
        tolerance=1e-6,
    )


def _optimum(tables: Tables) -> float:
    return float(PlanningCase(_case(tables)).answer("optimal_cost", None))


def _tables(**changes: dict[str, list] | None) -> Tables:
    """Two instances over three hours; a reservation of the first for two hours, a plan over both for three."""
    tables = {
        "on_demand": {"instance": ["a", "b"], "hourly_price": [2.0, 3.0]},
        "reserved": {
            "instance": ["a"],
            "market_name": ["reserved"],
            "hourly_price": [1.1],
            "upfront_price": [0.3],
            "duration": [2],
        },
        "savings_plan": {"instance": ["a", "b"], "hourly_price": [1.0, 2.0], "duration": [3, 3]},
        "demand": {"hour": [1, 2, 3], "a": [1, 2, 2], "b": [1, 0, 2]},
    }
    return {name: table for name, table in (tables | changes).items() if table is not None}


@pytest.fixture
def outcomes(shared_data: Path) -> list[Outcome]:
    """What became of every published planning problem."""
    cases = read_cases(shared_data / "billing_cases.json")
    return [run_case(case, ALL_KINDS) for case in cases if case.kind == "planning_optimum"]


def test_every_published_planning_problem_has_its_published_optimum(outcomes: list[Outcome]):
    assert len(outcomes) >= 9
    assert [(outcome.case.case_id, outcome.reasons) for outcome in outcomes if outcome.status != Status.PASSED] == []


def _cheapest_hour(tables: Tables, hour: int, reserved: int, committed: float) -> float:
    """Least on-demand cost of one hour, over every whole number of instances of `a` that the plan serves."""
    need_a = max(0, tables["demand"]["a"][hour] - reserved)
    need_b = tables["demand"]["b"][hour]
    rate_a, rate_b = tables["savings_plan"]["hourly_price"]
    od_a, od_b = tables["on_demand"]["hourly_price"]
    costs = []
    for served_a in range(need_a + 1):
        left = committed - rate_a * served_a
        if left < -1e-9:
            break
        served_b = min(need_b, int(np.floor(left / rate_b + 1e-9)))
        costs.append(od_a * (need_a - served_a) + od_b * (need_b - served_b))
    return min(costs)


def _brute_force(tables: Tables) -> float:
    """Least cost over every whole purchase in every hour, without any program."""
    reserved, plan, demand = tables["reserved"], tables["savings_plan"], tables["demand"]
    n_term, n_plan = reserved["duration"][0], plan["duration"][0]
    unit_usd = reserved["hourly_price"][0] * n_term + reserved["upfront_price"][0]
    rate_a, rate_b = plan["hourly_price"]
    useful = [int(np.ceil(rate_a * a + rate_b * b)) for a, b in zip(demand["a"], demand["b"], strict=True)]
    left = cache(lambda hour, held, committed: _cheapest_hour(tables, hour, held, committed))
    best = np.inf
    for units in product(range(3), repeat=3):
        held = [sum(units[max(0, hour - n_term + 1) : hour + 1]) for hour in range(3)]
        for usd in product(*(range(max(useful[hour:]) + 1) for hour in range(3))):
            cost = unit_usd * sum(units) + n_plan * sum(usd)
            for hour in range(3):
                cost += left(hour, held[hour], sum(usd[max(0, hour - n_plan + 1) : hour + 1])) if cost < best else 0.0
            best = min(best, cost)
    return best


@pytest.mark.slow
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_the_optimum_agrees_with_brute_force(seed: int):
    rng = np.random.default_rng(seed)
    od = rng.uniform(1.0, 4.0, 2).round(2)
    tables = _tables(
        on_demand={"instance": ["a", "b"], "hourly_price": od.tolist()},
        reserved={
            "instance": ["a"],
            "hourly_price": [float((od[0] * rng.uniform(0.2, 0.9)).round(2))],
            "upfront_price": [float(rng.choice([0.0, 0.4]))],
            "duration": [int(rng.integers(1, 4))],
        },
        savings_plan={
            "instance": ["a", "b"],
            "hourly_price": (od * rng.uniform(0.2, 0.9, 2)).round(2).tolist(),
            "duration": [int(rng.integers(1, 5))] * 2,
        },
        demand={"hour": [1, 2, 3], **{name: rng.integers(0, 3, 3).tolist() for name in ("a", "b")}},
    )
    assert_allclose(_optimum(tables), _brute_force(tables), rtol=1e-9, atol=1e-9)


def test_a_term_is_paid_in_full_past_the_last_hour():
    """One unit for one hour at 5 USD on demand; a reservation for ten hours at 0.4 costs 4, one for twenty 8."""
    demand = {"hour": [7], "a": [1]}
    on_demand = {"instance": ["a"], "hourly_price": [5.0]}
    for duration, expected in ((10, 4.0), (20, 5.0)):
        reserved = {"instance": ["a"], "hourly_price": [0.4], "duration": [duration]}
        tables = {"on_demand": on_demand, "reserved": reserved, "demand": demand}
        assert_allclose(_optimum(tables), expected)


def test_instances_are_used_whole_so_that_half_a_plan_serves_none():
    tables = _tables(reserved=None, demand={"hour": [1], "a": [0], "b": [1]})
    assert_allclose(_optimum(tables), 3.0)  # a plan for three hours at 2 USD costs 6, one at 1 USD serves nothing
    tables["savings_plan"]["duration"] = [1, 1]
    assert_allclose(_optimum(tables), 2.0)


def test_plans_of_different_durations_are_different_plans():
    demand = {"hour": [1, 2], "a": [1, 1], "b": [1, 0]}
    plans = {"instance": ["a", "b"], "hourly_price": [1.0, 1.0], "duration": [2, 1]}
    tables = _tables(reserved=None, savings_plan=plans, demand=demand)
    assert_allclose(_optimum(tables), 2 * 1.0 + 1.0)  # one plan of two hours for a, one of one hour for b


@given(factor=st.floats(0.5, 3.0))
@settings(max_examples=5)
def test_prices_of_reservations_times_a_factor_cost_that_factor(factor: float):
    def priced(scale: float) -> float:
        tables = _tables(savings_plan=None)
        tables["on_demand"]["hourly_price"] = [scale * 2.0, scale * 3.0]
        for column in ("hourly_price", "upfront_price"):
            tables["reserved"][column] = [scale * usd for usd in tables["reserved"][column]]
        return _optimum(tables)

    assert_allclose(priced(factor), factor * priced(1.0), rtol=1e-9)


def test_other_answers_are_the_cost_on_demand_and_what_is_saved():
    case = PlanningCase(_case(_tables()))
    on_demand = 2.0 * 5 + 3.0 * 3
    assert_allclose(case.answer("on_demand_cost", None), on_demand)
    assert_allclose(case.answer("savings_fraction", None), 1 - _optimum(_tables()) / on_demand)
    with pytest.raises(NotSupportedError, match="no rule answers 'plan'"):
        case.answer("plan", None)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"demand": None}, CaseFormatError, r"inputs\.demand\.hour must be given"),
        ({"demand": {"hour": [1, 3], "a": [1, 1], "b": [1, 1]}}, CaseFormatError, "one after the other"),
        ({"demand": {"hour": [1], "a": [-1], "b": [1]}}, CaseFormatError, r"a\[0\] must be a number >= 0, got -1"),
        ({"demand": {"hour": [1], "a": [1, 2], "b": [1]}}, CaseFormatError, "columns of one length"),
        ({"demand": {"hour": [1], "a": 1, "b": [1]}}, CaseFormatError, "must be a list, got 1"),
        ({"on_demand": {"instance": ["a", "a"], "hourly_price": [1, 1]}}, CaseFormatError, "each once"),
        ({"on_demand": {"instance": ["a", 2], "hourly_price": [1, 1]}}, CaseFormatError, r"\[1\] must be text, got 2"),
        (
            {"savings_plan": {"instance": ["a", "c"], "hourly_price": [1, 1], "duration": [2, 2]}},
            CaseFormatError,
            r"instance\[1\] must have an on-demand price, got 'c'",
        ),
        (
            {"savings_plan": {"instance": ["a", "a"], "hourly_price": [1, 1], "duration": [2, 2]}},
            CaseFormatError,
            "one row for each instance of a plan, got 'a' again",
        ),
        (
            {"savings_plan": {"instance": ["a"], "hourly_price": [0], "duration": [2]}},
            CaseFormatError,
            r"hourly_price\[0\] must be a number > 0, got 0",
        ),
        (
            {"reserved": {"instance": ["a"], "hourly_price": [1], "duration": [1.5]}},
            CaseFormatError,
            r"duration\[0\] must be a whole number of hours, got 1\.5",
        ),
        ({"spot": {"instance": ["a"]}}, NotSupportedError, "no rule for spot"),
        (
            {"reserved": {"instance": ["a"], "hourly_price": [1], "duration": [1], "lead_hours": [2]}},
            NotSupportedError,
            "no rule for lead_hours",
        ),
    ],
)
def test_tables_that_are_not_of_the_format_are_refused(
    changes: dict[str, dict[str, list] | None], error: type[Exception], match: str
):
    with pytest.raises(error, match=match):
        PlanningCase(_case(_tables(**changes)))


def test_the_command_runs_planning_problems_beside_billing_cases(tmp_path: Path, capsys: pytest.CaptureFixture):
    def case(kind: str, provider: str, inputs: dict, expected: dict) -> dict:
        return {"id": kind, "provider": provider, "kind": kind, "inputs": inputs, "expected": expected}

    cases = [
        case("planning_optimum", "generic", _tables(), {"optimal_cost": _optimum(_tables())}),
        case("planning_optimum", "generic", _tables(), {"optimal_cost": 1.0}),
        case("metric", "aws", {"committed": 4, "used": 3}, {"utilisation": 0.75}),
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases}))
    assert main([str(path)], ALL_KINDS) == 1
    output = capsys.readouterr().out
    assert "failed: planning_optimum" in output
    assert output.rstrip().endswith("2 passed, 1 failed, 0 not supported")
    assert "optimal_cost: expected 1, got" in output
