from pathlib import Path

import pytest

from forecasting.errors import InputError
from optimizer.jobs.backtest.rule_file import read_rules
from optimizer.jobs.backtest.rules import Rule, Statistic
from optimizer.offers import OfferKind


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return path


def test_a_rule_of_the_user_is_read_whole(tmp_path: Path):
    path = _file(
        tmp_path,
        "rules:\n"
        "  - {name: mine, title: My rule, look_back_days: [3, 45], statistic: quantile, quantile: 0.2,\n"
        "     coverage_fraction: 0.9, instruments: [reserved_standard, compute_savings_plan], term_months: 12}\n"
        "  - {name: short, look_back_days: 14}\n",
    )
    mine, short = read_rules(path)
    assert mine == Rule(
        name="mine",
        title="My rule",
        look_back_days=(3, 45),
        statistic=Statistic.QUANTILE,
        quantile_level=0.2,
        coverage_fraction=0.9,
        kinds=(OfferKind.RESERVED_STANDARD, OfferKind.COMPUTE_SAVINGS_PLAN),
        term_months=12,
    )
    assert short == Rule(name="short", title="short", look_back_days=(14,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: []\n", "must be a list of 1 to 20 rules"),
        ("rules: [3]\n", r"rules\[0\] must be a mapping"),
        ("rule: [{name: a, look_back_days: 3}]\n", "is not a key of a file of rules"),
        ("rules: [{look_back_days: 3}]\n", r"rules\[0\].name', row 1: must be a text"),
        ("rules: [{name: a}]\n", "must be whole days from 1 to 1095"),
        ("rules: [{name: a, look_back_days: 0}]\n", "must be whole days from 1 to 1095"),
        ("rules: [{name: a, look_back_days: 2.5}]\n", "must be whole days from 1 to 1095"),
        ("rules: [{name: a, look_back_days: 3, statistic: median}]\n", "must be one of optimum, mean, minimum"),
        ("rules: [{name: a, look_back_days: 3, quantile: 0.5}]\n", "Give both or neither"),
        ("rules: [{name: a, look_back_days: 3, statistic: quantile}]\n", "Give both or neither"),
        ("rules: [{name: a, look_back_days: 3, coverage_fraction: 3}]\n", "must be a number from 0 to 2"),
        ("rules: [{name: a, look_back_days: 3, term_months: 1.5}]\n", "must be whole months"),
        ("rules: [{name: a, look_back_days: 3, instruments: [spot]}]\n", "must be of reserved_standard"),
        ("rules: [{name: aws_plans_30, look_back_days: 3}]\n", "must differ from the names of other rules"),
        ("rules: [{name: a, look_back_days: 3}, {name: a, look_back_days: 4}]\n", "must differ from the names"),
        ("rules: [{name: a, look_back_days: 3, run: 'rm -rf /'}]\n", "is not a key of a rule"),
        ("rules: !!python/object/apply:os.system ['true']\n", "asks for an object"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message):
        read_rules(_file(tmp_path, text))


def test_all_problems_come_at_once(tmp_path: Path):
    text = (
        "rules:\n  - {name: a, look_back_days: 0, statistic: best}\n  - {name: b, look_back_days: 3, term_months: 0}\n"
    )
    with pytest.raises(InputError, match="3 problems"):
        read_rules(_file(tmp_path, text))
