"""Cases on one offer's fee, payments and break-even: published ones, other numbers by hand, and what is refused."""

from dataclasses import replace

import pytest

from optimizer.billing.case_values import Case, as_fields
from optimizer.billing.cases import Outcome, Status, read_cases, run_case

KINDS = ("effective_rate", "break_even", "purchase_schedule")


def _outcome(kind: str, inputs: dict, expected: dict, *, tolerance: float = 1e-9) -> Outcome:
    return run_case(
        Case(
            case_id="one",
            provider="generic" if kind == "purchase_schedule" else "aws",
            kind=kind,
            title="",
            inputs=as_fields(inputs, "inputs"),
            expected=expected,
            tolerance=tolerance,
        )
    )


@pytest.mark.parametrize(("kind", "n_cases"), [("effective_rate", 4), ("break_even", 8), ("purchase_schedule", 2)])
def test_every_published_case_passes_and_fails_when_a_figure_is_changed(shared_data, kind: str, n_cases: int):
    cases = [
        case
        for case in read_cases(shared_data / "billing_cases.json")
        if case.kind == kind and case.provider in ("aws", "generic")
    ]
    assert len(cases) >= n_cases
    for case in cases:
        assert run_case(case).reasons == ()
        for key, value in case.expected.items():
            changed = replace(case, expected=case.expected | {key: value + 0.011})
            assert run_case(changed).status == Status.FAILED


RATE = {"on_demand": 0.4, "upfront": 876.0, "hourly": 0.1, "term_years": 1, "payment_option": "partial_upfront"}
PLAN = {"on_demand": 0.5, "sp_rate": 0.3, "term_years": 1, "payment_option": "partial_upfront", "hours_in_month": 700}
SCHEDULE = {"hourly_commitment": 2.0, "term_hours": 8760, "payment_option": "partial_upfront"}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (
            "effective_rate",
            RATE,
            {
                "effective_hourly": 0.2,
                "monthly_730h": 73.0,
                "monthly_744h": 74.4,
                "effective_monthly": 146.0,
                "total_cost": 1752.0,
                "break_even_utilization": 0.5,
                "savings": 0.5,
                "payback_hours": 2920.0,
                "payback_months": 4.0,
            },
        ),
        ("effective_rate", {"on_demand": 0.4, "hourly": 0.5, "term_months": 6}, {"savings": -0.25, "total_cost": 2190}),
        (
            "break_even",
            PLAN,
            {
                "total_commitment": 2628.0,
                "upfront": 1314.0,
                "hourly_recurring": 0.15,
                "monthly_recurring": 105.0,
                "effective_monthly": 210.0,
                "on_demand_monthly": 350.0,
                "monthly_savings": 140.0,
                "break_even_hours": 420.0,
                "break_even_utilisation": 0.6,
                "payback_hours": 1314 / 0.35,
            },
        ),
        (
            "purchase_schedule",
            SCHEDULE,
            {"one_time": 8760.0, "per_hour_recurring": 1.0, "sum_recurring": 8760.0, "sum_over_term": 17520.0},
        ),
        (
            "purchase_schedule",
            SCHEDULE | {"payment_option": "No Upfront"},
            {"one_time": 0.0, "per_hour_recurring": 2.0, "sum_over_term": 17520.0},
        ),
    ],
    ids=["rate", "dearer-than-on-demand", "plan", "schedule", "other-spelling"],
)
def test_figures_agree_with_those_worked_out_by_hand(kind: str, inputs: dict, expected: dict):
    assert _outcome(kind, inputs, expected).reasons == ()


@pytest.mark.parametrize(
    ("kind", "inputs", "reason"),
    [
        ("effective_rate", RATE | {"term_hours": 8760}, "must give one of term_hours, term_years, term_months, got 2"),
        ("effective_rate", RATE | {"term_years": 0}, "term_years must be > 0, got 0"),
        ("effective_rate", RATE | {"on_demand": 0}, "on_demand must be > 0, got 0"),
        ("effective_rate", RATE | {"payment_option": "no_upfront"}, "upfront must be 0 where payment_option is none"),
        ("effective_rate", RATE | {"payment_option": "all_upfront"}, "hourly must be 0 where payment_option is all"),
        ("effective_rate", {"on_demand": 0.4, "term_years": 1}, "must give hourly, upfront or both"),
        ("break_even", PLAN | {"payment_option": "monthly"}, "must be no, partial or all upfront, got 'monthly'"),
        ("break_even", {key: PLAN[key] for key in PLAN if key != "payment_option"}, "payment_option must be given"),
        ("purchase_schedule", {"term_hours": 8760, "payment_option": "all"}, "hourly_commitment must be a number"),
        ("purchase_schedule", SCHEDULE | {"discount": 0.1}, "no rule for discount"),
    ],
)
def test_inputs_that_contradict_each_other_or_say_more_than_is_known_do_not_pass(kind: str, inputs: dict, reason: str):
    outcome = _outcome(kind, inputs, {"effective_hourly": 1.0})
    assert outcome.status != Status.PASSED
    assert reason in " ".join(outcome.reasons)


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_that_no_rule_gives_is_not_supported(kind: str):
    inputs = {"effective_rate": RATE, "break_even": PLAN, "purchase_schedule": SCHEDULE}[kind]
    outcome = _outcome(kind, inputs, {"carbon": 1.0})
    assert "no rule answers 'carbon'" in outcome.reasons[0]
