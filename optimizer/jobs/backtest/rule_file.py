"""A user's own rules, read from a YAML file: data that name look-backs and instruments, nothing that runs.

Not here: what a rule buys (`optimizer.jobs.backtest.rivals`).
"""

from pathlib import Path
from typing import Any

from forecasting.documents import Section, read_document, shown
from forecasting.errors import InputError
from forecasting.hours import MAX_TERM_MONTHS
from forecasting.keys import Keys, is_number
from optimizer.jobs.backtest.rules import BUILT_IN, SELLABLE, Rule, Statistic
from optimizer.offers import OfferKind

RULE_KEYS = (
    *("name", "title", "look_back_days", "statistic", "quantile", "coverage_fraction", "instruments", "term_months"),
)
MAX_LOOK_BACK_DAYS = 1_095
MAX_COVERAGE = 2.0
MAX_RULES = 20
MAX_NAME = 60


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Rules of a file.

    Parameters
    ----------
    path : Path
        YAML with the one key ``rules``, a list; docs/backtest.md says what each key means.

    Raises
    ------
    InputError
        With all problems of the file.
    """
    keys = Keys(read_document(path), place="")
    keys.check_known(("rules",), of_what="a file of rules")
    entries = keys.section.get("rules")
    if not isinstance(entries, list) or not entries or len(entries) > MAX_RULES:
        keys.refuse("rules", f"must be a list of 1 to {MAX_RULES} rules, got {shown(entries)}.")
        entries = []
    rules: list[Rule] = []
    for index, entry in enumerate(entries):
        place = f"rules[{index}]"
        if not isinstance(entry, Section):
            keys.refuse("rules", f"{place} must be a mapping with name and look_back_days, got {shown(entry)}.")
            continue
        part = Keys(entry, place=place)
        rule = _rule(part)
        if rule.name in {known.name for known in (*BUILT_IN, *rules)}:
            part.refuse("name", f"must differ from the names of other rules, got {shown(rule.name)} again.")
        keys.problems += part.problems
        rules.append(rule)
    if keys.problems:
        raise InputError(str(path), keys.problems)
    return tuple(rules)


def _rule(keys: Keys) -> Rule:
    """Rule of one entry; its problems are the reader's."""
    keys.check_known(RULE_KEYS, of_what="a rule")
    name = keys.text("name")
    if len(name) > MAX_NAME:
        keys.refuse("name", f"must have at most {MAX_NAME} characters, got {len(name)}.")
    statistic = keys.choice("statistic", Statistic, default=Statistic.OPTIMUM)
    quantile = keys.number("quantile", default=None, low=0.0, high=1.0)
    if (statistic == Statistic.QUANTILE) != ("quantile" in keys):
        keys.refuse("quantile", f"belongs to `statistic: {Statistic.QUANTILE}`, and it to it. Give both or neither.")
    coverage = keys.number("coverage_fraction", default=1.0, high=MAX_COVERAGE)
    term = keys.number("term_months", default=None, low=1, high=MAX_TERM_MONTHS)
    if term is not None and term != int(term):
        keys.refuse("term_months", f"must be whole months, got {term:g}.")
    return Rule(
        name=name,
        title=keys.text("title") if "title" in keys else name,
        look_back_days=_look_back(keys),
        statistic=Statistic(statistic or Statistic.OPTIMUM),
        quantile_level=0.5 if quantile is None else quantile,
        coverage_fraction=1.0 if coverage is None else coverage,
        kinds=_kinds(keys),
        term_months=None if term is None else int(term),
    )


def _look_back(keys: Keys) -> tuple[int, ...]:
    """Days of ``look_back_days``, one number or a list."""
    value = keys.section.get("look_back_days")
    days: list[Any] = value if isinstance(value, list) else [value]
    is_fine = bool(days) and all(is_number(day) and day == int(day) and 1 <= day <= MAX_LOOK_BACK_DAYS for day in days)
    if not is_fine:
        rule = f"must be whole days from 1 to {MAX_LOOK_BACK_DAYS}, one number or a list such as [3, 30]"
        keys.refuse("look_back_days", f"{rule}, got {shown(value)}.")
        return ()
    return tuple(int(day) for day in days)


def _kinds(keys: Keys) -> tuple[OfferKind, ...]:
    """Kinds of ``instruments``; compute savings plans where absent."""
    if "instruments" not in keys:
        return (OfferKind.COMPUTE_SAVINGS_PLAN,)
    kinds = []
    for name in keys.names("instruments", of_what="instrument"):
        if name not in [kind.value for kind in SELLABLE]:
            known = ", ".join(kind.value for kind in SELLABLE)
            keys.refuse("instruments", f"must be of {known}, got {shown(name)}.")
        else:
            kinds.append(OfferKind(name))
    return tuple(kinds)
