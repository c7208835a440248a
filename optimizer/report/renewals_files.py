"""The files of a run of renewals: one row for each commitment and option (CSV), the whole answer (JSON), the page.

Not here: the page (`optimizer.report.renewals_html`).
"""

import csv
import io
from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from optimizer.calendar_dates import moment_text
from optimizer.cells import escape_cell
from optimizer.jobs.renewals.answer import Billed, Costs, Decision, Option, RenewalAnswer
from optimizer.report.plan_json import dated, json_bytes
from optimizer.report.renewals_html import renewals_html

RENEWALS_SCHEMA_VERSION = 1
FIGURES = (
    "over_best_usd",
    "over_best_p10_usd",
    "over_best_p90_usd",
    "stranded_usd",
    "stranded_cvar_usd",
    "stranded_fraction",
    "lock_in_usd",
    "overlap_stranded_usd",
    "overlap_capacity_usd",
    "break_even_price_usd",
)
CSV_HEADER = (
    "commitment_id",
    "end_utc",
    "option",
    "offer_id",
    "quantity",
    "quantity_unit",
    "is_recommended",
    "is_possible",
    "is_within_limits",
    "effective_date",
    "decide_by",
    "expected_usd",
    "p10_usd",
    "p90_usd",
    *FIGURES,
    "why",
)


def renewals_files(answer: RenewalAnswer) -> dict[str, bytes]:
    """Every output file. The same answer gives the same bytes.

    Returns
    -------
    dict of str to bytes
        Content by file name.
    """
    return {
        "renewals.csv": renewals_csv(answer),
        "renewals.json": json_bytes(renewals_document(answer)),
        "renewals.html": renewals_html(answer),
    }


def renewals_csv(answer: RenewalAnswer) -> bytes:
    """One row for each commitment and option; what is not known is empty.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for decision in answer.decisions:
        for option in decision.options:
            writer.writerow(_cells(decision, option))
    return stream.getvalue().encode()


def _cells(decision: Decision, option: Option) -> list[str]:
    """Cells of one option."""
    choice, costs = option.choice, option.costs
    money = (None, None, None) if costs is None else (costs.expected_usd, costs.p10_usd, costs.p90_usd)
    sentences = " ".join((*choice.obstacles, *choice.notes, decision.reason if option.is_recommended else ""))
    return [
        escape_cell(decision.commitment_id),
        iso_of_hour(decision.end_hour),
        choice.kind.value,
        escape_cell(option.offer_id),
        _number(option.quantity),
        option.quantity_unit,
        _truth(option.is_recommended),
        _truth(choice.is_open),
        _truth(option.is_within_limits) if choice.is_open else "",
        moment_text(choice.at_hour) if choice.is_open else "",
        moment_text(choice.decide_by_hour) if choice.is_open else "",
        *map(_number, money),
        *(_number(getattr(option, name)) for name in FIGURES),
        escape_cell(sentences.strip()),
    ]


def _number(value: float | None) -> str:
    """Number to the last bit; empty where not known."""
    return "" if value is None else repr(float(value))


def _truth(value: bool) -> str:
    """Boolean as the files of a plan have it."""
    return "true" if value else "false"


def renewals_document(answer: RenewalAnswer) -> dict[str, Any]:
    """The answer as nested dicts and lists; docs/renewals.md says what each key means."""
    return {
        "schema_version": RENEWALS_SCHEMA_VERSION,
        "as_of_utc": iso_of_hour(answer.as_of_hour),
        "until_utc": iso_of_hour(answer.until_hour),
        "within_days": answer.within_days,
        "horizon_end_utc": iso_of_hour(answer.horizon_end_hour),
        "valued_end_utc": iso_of_hour(answer.valued_end_hour),
        "joint": None if answer.joint is None else _costs(answer.joint),
        "joint_billed": _billed(answer.joint_billed),
        "joint_changes": [{"commitment_id": name, "option": place} for name, place in answer.joint_changes],
        "n_combinations": answer.n_combinations,
        "commitments": [_decision(decision) for decision in answer.decisions],
        "events": [dated(asdict(event)) for event in answer.events],
        "assumptions": list(answer.assumptions),
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
        "seed": answer.seed,
    }


def _costs(costs: Costs) -> dict[str, Any]:
    """Costs."""
    return asdict(costs)


def _billed(found: Billed | None) -> dict[str, Any] | None:
    """Bill against the optimizer's own cost."""
    return None if found is None else {**asdict(found), "difference_usd": found.difference_usd}


def _decision(decision: Decision) -> dict[str, Any]:
    """One commitment."""
    return {
        "commitment_id": decision.commitment_id,
        "offer_id": decision.offer_id,
        "kind": decision.kind,
        "quantity": decision.quantity,
        "quantity_unit": decision.quantity_unit,
        "start_utc": iso_of_hour(decision.start_hour),
        "end_utc": iso_of_hour(decision.end_hour),
        "pools": list(decision.pools),
        "is_ending": decision.is_ending,
        "hourly_fee_usd": decision.hourly_fee_usd,
        "events": list(decision.events),
        "stranded_fraction": decision.stranded_fraction,
        "without_events_fraction": decision.without_events_fraction,
        "options": [_option(option) for option in decision.options],
        "best_by_slip": [
            {"event": event, "slip_days": days, "option": place} for event, days, place in decision.best_by_slip
        ],
        "flips": [asdict(flip) for flip in decision.flips],
        "reason": decision.reason,
        "must_be_true": decision.must_be_true,
    }


def _option(option: Option) -> dict[str, Any]:
    """One option."""
    choice = option.choice
    return {
        "option": choice.kind.value,
        "title": option.title,
        "offer_id": option.offer_id,
        "quantity": option.quantity,
        "quantity_unit": option.quantity_unit,
        "is_recommended": option.is_recommended,
        "is_possible": choice.is_open,
        "is_within_limits": option.is_within_limits if choice.is_open else None,
        "needs_work": option.needs_work,
        "effective_utc": iso_of_hour(choice.at_hour) if choice.is_open else None,
        "decide_by_utc": iso_of_hour(choice.decide_by_hour) if choice.is_open else None,
        "one_off_usd": choice.one_off_usd,
        "price_usd": choice.price_usd,
        "costs": None if option.costs is None else _costs(option.costs),
        **{name: getattr(option, name) for name in FIGURES},
        "billed": _billed(option.billed),
        "obstacles": list(choice.obstacles),
        "notes": list(choice.notes),
    }
