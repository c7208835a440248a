from pathlib import Path

import pytest

from forecasting.errors import InputError
from optimizer.policy import Policy, read_policy

DEFAULTS = """
discount_rate_yearly: 0.0
cadence_months: 3
terms_months: [12, 36]
risk: {lambda: 0.0, level: 0.95}
stranded: {expected_fraction: null, cvar_fraction: null}
headroom: {fraction: null, quantile: 0.99, by: fixed, n_plus_one: none, impact_calendar: [], mitigations: []}
coverage: {min_fraction: null, max_fraction: null}
upfront_usd_per_quarter: null
purchase_usd_per_date: null
concentration: {offer_fraction: null, family_fraction: null, term_fraction: null}
spot_share_max: null
increments: {units: null, usd_per_hour: null}
payback_months_max: null
goal: cost
payback_flag_months: 24.0
"""
FULL = """
discount_rate_yearly: 0.08
cadence_months: 1
terms_months: [12]
risk: {lambda: 0.5, level: 0.9}
stranded: {expected_fraction: 0.02, cvar_fraction: 0.05}
headroom:
  fraction: 0.15
  quantile: 0.9
  by: expected_loss
  n_plus_one: zone
  impact_calendar:
    - {name: peak, factor: 100, months: [11], days: [28], weekdays: [5], hours: [18], pools: [web], start: 2026-11-01,
       end: 2026-11-30}
  mitigations:
    - {name: cells, pools: [web], cost_usd: 9, cost_usd_per_year: 8, probability_factor: 0.5, blast_factor: 0.4,
       duration_factor: 0.3, affected_factor: 0.2, start: 2026-02-01, decided: true}
coverage: {min_fraction: 0.5, max_fraction: 0.9}
upfront_usd_per_quarter: 1000000
purchase_usd_per_date: 2500000
concentration: {offer_fraction: 0.5, family_fraction: 0.6, term_fraction: 0.7}
spot_share_max: 0.3
increments: {units: 1, usd_per_hour: 0.001}
payback_months_max: 9
goal: free_cash_flow
payback_flag_months: 18
"""


PEAK = {
    "name": "peak",
    "factor": 100.0,
    "months": (11,),
    "days": (28,),
    "weekdays": (5,),
    "hours": (18,),
    "pools": ("web",),
    "start": "2026-11-01",
    "end": "2026-11-30",
}
CELLS = {
    "name": "cells",
    "pools": ("web",),
    "cost_usd": 9.0,
    "cost_usd_per_year": 8.0,
    "probability_factor": 0.5,
    "blast_factor": 0.4,
    "duration_factor": 0.3,
    "affected_factor": 0.2,
    "start": "2026-02-01",
    "decided": True,
}


def read(folder: Path, text: str) -> Policy:
    path = folder / "policy.yaml"
    path.write_text(text)
    return read_policy(path)


def test_the_documented_defaults_are_the_defaults(tmp_path):
    assert read_policy(None) == Policy()
    assert read(tmp_path, DEFAULTS) == Policy()
    assert read(tmp_path, "# all as it comes\n") == Policy()


def test_every_key_arrives(tmp_path):
    policy = read(tmp_path, FULL)
    assert policy.model_dump(by_alias=True) == {
        "discount_rate_yearly": 0.08,
        "cadence_months": 1,
        "terms_months": (12,),
        "risk": {"lambda": 0.5, "level": 0.9},
        "stranded": {"expected_fraction": 0.02, "cvar_fraction": 0.05},
        "headroom": {
            "fraction": 0.15,
            "quantile": 0.9,
            "by": "expected_loss",
            "n_plus_one": "zone",
            "impact_calendar": (PEAK,),
            "mitigations": (CELLS,),
        },
        "coverage": {"min_fraction": 0.5, "max_fraction": 0.9},
        "upfront_usd_per_quarter": 1_000_000.0,
        "purchase_usd_per_date": 2_500_000.0,
        "concentration": {"offer_fraction": 0.5, "family_fraction": 0.6, "term_fraction": 0.7},
        "spot_share_max": 0.3,
        "increments": {"units": 1.0, "usd_per_hour": 0.001},
        "payback_months_max": 9.0,
        "goal": "free_cash_flow",
        "payback_flag_months": 18.0,
    }
    assert set(policy.model_dump()) == set(Policy().model_dump())


def test_a_part_without_keys_keeps_its_defaults(tmp_path):
    assert read(tmp_path, "stranded:\nrisk: {}\n") == Policy()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            "cadence_months: 0", ["'cadence_months', row 1", "greater than or equal to 1, got 0"], id="cadence"
        ),
        pytest.param("cadence_months: 1.5", ["'cadence_months', row 1", "valid integer, got 1.5"], id="half month"),
        pytest.param("terms_months: []", ["'terms_months', row 1"], id="no term"),
        pytest.param("terms_months: 12", ["'terms_months', row 1"], id="term no list"),
        pytest.param("terms_months: [12, 12]", ["'terms_months', row 1", "terms must differ"], id="term twice"),
        pytest.param('terms_months: ["12"]', ["'terms_months[1]', row 1", "valid integer, got '12'"], id="term text"),
        pytest.param(
            "headroom:\n  impact_calendar:\n    - {name: a, factor: -1, hour: 3}",
            [
                "'headroom.impact_calendar[1].factor', row 3: must be greater than or equal to 0, got -1",
                "'headroom.impact_calendar[1].hour', row 3: is not a key of a policy. Did you mean 'hours'?",
            ],
            id="calendar",
        ),
        pytest.param(
            "headroom: {impact_calendar: [{name: a, factor: 2, start: 2026-02-30}]}",
            ["'headroom.impact_calendar[1].start'", "must be a date such as 2026-11-28, got '2026-02-30'"],
            id="calendar date",
        ),
        pytest.param(
            "headroom: {impact_calendar: [{name: a, factor: 2, start: 2026-02-02, end: 2026-02-01}]}",
            ["'headroom.impact_calendar[1]'", "end must be on or after start"],
            id="calendar order",
        ),
        pytest.param(
            "headroom:\n  mitigations:\n    - {pools: [a], blast_factor: 0.5}\n    - {name: b, pools: [a]}",
            [
                "'headroom.mitigations[1].name', row 3: is missing",
                "'headroom.mitigations[2]', row 4: one of probability_factor, blast_factor",
            ],
            id="mitigations",
        ),
        pytest.param(
            "headroom: {mitigations: [{name: a, pools: [a, a], blast_factor: 0.5}]}",
            ["pools must differ"],
            id="pools",
        ),
        pytest.param(
            "headroom:\n  mitigations:\n"
            + "".join(f"    - {{name: m{n}, pools: [p{n}, p{n + 1}], blast_factor: 0.5}}\n" for n in range(9)),
            ["'headroom.mitigations'", "at most 8 mitigations that are not decided may share pools"],
            id="nine that touch each other",
        ),
        pytest.param(
            "headroom:\n  mitigations:\n" + "    - {name: a, pools: [a], blast_factor: 0.5}\n" * 2,
            ["names of mitigations must differ"],
            id="a name twice",
        ),
        pytest.param(
            "headroom:\n  mitigations:\n    - {name: a, pools: [a], blast_factor: 0.5, name: b}",
            ["'headroom.mitigations[1].name', row 3: must be there once"],
            id="a key of a part twice",
        ),
        pytest.param("risk: {lambda: -1}", ["'risk.lambda', row 1", "greater than or equal to 0"], id="lambda"),
        pytest.param("risk:\n  level: 1.0", ["'risk.level', row 2", "must be less than 1, got 1.0"], id="level"),
        pytest.param("risk: {level: 0}", ["'risk.level', row 1", "must be greater than 0, got 0"], id="level zero"),
        pytest.param("risk: 0.5", ["'risk', row 1", "got 0.5"], id="no mapping"),
        pytest.param(
            "stranded: {expected_fraction: 2}", ["'stranded.expected_fraction'", "15 % is 0.15"], id="percent"
        ),
        pytest.param("stranded: {cvar_fraction: -0.1}", ["'stranded.cvar_fraction', row 1"], id="cvar"),
        pytest.param("headroom: {by: feel}", ["'headroom.by', row 1: must be 'fixed' or 'expected_loss'"], id="by"),
        pytest.param("headroom: {quantile: 99}", ["'headroom.quantile', row 1", "less than 1, got 99"], id="quantile"),
        pytest.param(
            "coverage: {min_fraction: 0.9, max_fraction: 0.1}",
            ["'coverage', row 1", "must be <= max_fraction"],
            id="order",
        ),
        pytest.param("upfront_usd_per_quarter: .inf", ["'upfront_usd_per_quarter', row 1", "finite"], id="infinite"),
        pytest.param("upfront_usd_per_quarter: -5", ["'upfront_usd_per_quarter', row 1"], id="cash"),
        pytest.param("purchase_usd_per_date: -5", ["'purchase_usd_per_date', row 1", "got -5"], id="purchases"),
        pytest.param("concentration: {term_fraction: 70}", ["'concentration.term_fraction', row 1"], id="term share"),
        pytest.param("concentration: {offer_fraction: 1.5}", ["'concentration.offer_fraction', row 1"], id="share"),
        pytest.param("spot_share_max: yes", ["'spot_share_max', row 1", "got 'yes'"], id="word"),
        pytest.param("increments: {units: 0}", ["'increments.units', row 1", "greater than 0"], id="increment"),
        pytest.param("goal: growth", ["'goal', row 1", "'free_cash_flow' or 'payback', got 'growth'"], id="goal"),
        pytest.param("payback_months_max: 0", ["'payback_months_max', row 1", "greater than 0"], id="payback"),
        pytest.param("discount_rate_yearly: 8", ["'discount_rate_yearly', row 1", "less than 1"], id="rate"),
        pytest.param("cadence: 3", ["'cadence', row 1: is not a key", "Did you mean 'cadence_months'"], id="unknown"),
        pytest.param(
            "risk: {lambd: 1}", ["'risk.lambd', row 1: is not a key", "Did you mean 'lambda'"], id="unknown part"
        ),
        pytest.param(
            "spot_share_max: 1\nspot_share_max: 0", ["'spot_share_max', row 2: must be there once"], id="twice"
        ),
        pytest.param("risk: {level: 0.9, level: 0.8}", ["'risk.level', row 1: must be there once"], id="part twice"),
        pytest.param("risk: !!python/object:os.system {}", ["row 1: asks for an object"], id="object"),
        pytest.param("- 1", ["must be a mapping"], id="list"),
    ],
)
def test_a_bad_policy_is_refused_with_its_key_and_line(tmp_path, text, parts):
    with pytest.raises(InputError, match=r"policy\.yaml is refused") as caught:
        read(tmp_path, text + "\n")
    for part in parts:
        assert part in str(caught.value)


def test_all_problems_of_a_policy_come_at_once(tmp_path):
    with pytest.raises(InputError, match="3 problems"):
        read(tmp_path, "cadence_months: 0\nrisk: {level: 2}\nfoo: 1\n")
