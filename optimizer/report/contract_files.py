"""The files of the contract job: JSON, one CSV of offers by year, the brief.

Not here: the brief itself (`optimizer.report.contract_html`).
"""

import csv
import io
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from forecasting.hours import iso_of_hour
from optimizer.cells import escape_cell
from optimizer.jobs.contract.answer import ContractAnswer, OfferResult
from optimizer.report.contract_html import contract_html
from optimizer.report.plan_json import json_bytes

CONTRACT_SCHEMA_VERSION = 1
HEADER = (
    *("offer", "year", "commitment_usd", "counted_p10_usd", "counted_p50_usd", "counted_p90_usd", "counted_mean_usd"),
    *("shortfall_probability", "shortfall_mean_usd", "shortfall_p90_usd", "moved_mean_usd", "used_mean_usd"),
)


def contract_files(answer: ContractAnswer) -> dict[str, bytes | Callable[[], bytes]]:
    """contract.json, contract.csv and contract.html."""
    return {
        "contract.json": contract_json(answer),
        "contract.csv": contract_csv(answer),
        "contract.html": lambda: contract_html(answer),
    }


def contract_json(answer: ContractAnswer) -> bytes:
    """The document as it is written. The same answer gives the same bytes."""
    return json_bytes(contract_document(answer))


def contract_document(answer: ContractAnswer) -> dict[str, Any]:
    """The answer as nested dicts and lists; docs/contract.md says what each key means."""
    return {
        "schema_version": CONTRACT_SCHEMA_VERSION,
        "as_of_utc": iso_of_hour(answer.as_of_hour),
        "recommended": answer.recommended or None,
        "reasons": list(answer.reasons),
        "on_demand_yearly_usd": answer.on_demand_yearly_usd.tolist(),
        "spend_yearly_usd": answer.spend_yearly_usd.tolist(),
        "offers": [_offer(result) for result in answer.results],
        "assumptions": list(answer.assumptions),
        "inputs": [asdict(record) for record in answer.inputs],
        "versions": [{"name": name, "version": version} for name, version in answer.versions],
        "seed": answer.seed,
    }


def contract_csv(answer: ContractAnswer) -> bytes:
    """One row for each offer and year, numbers to the last bit.

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for result in answer.results:
        for row in result.years:
            values = asdict(row)
            writer.writerow((escape_cell(result.offer.name), row.year, *(repr(values[name]) for name in HEADER[2:])))
    return stream.getvalue().encode()


def _offer(result: OfferResult) -> dict[str, Any]:
    """One offer."""
    return {
        "offer": result.offer.model_dump(mode="json"),
        "commitments_usd": list(result.offer.annual_usd),
        "cost_usd": result.joint.cost_usd,
        "spend_usd": result.joint.spend_usd,
        "shortfall_usd": result.joint.shortfall_usd,
        "support_usd": result.joint.support_usd,
        "after_usd": result.joint.after_usd,
        "purchases": result.joint_choice,
        "lower_bound_usd": result.lower_bound_usd,
        "gap_fraction": result.gap_fraction,
        "sequential_usd": result.sequential_usd,
        "together_usd": result.together_usd,
        "no_contract_usd": result.no_contract_usd,
        "saving_usd": result.saving_usd,
        "saving_per_year_usd": result.saving_per_year_usd,
        "saving_p10_usd": result.saving_p10_usd,
        "saving_p50_usd": result.saving_p50_usd,
        "saving_p90_usd": result.saving_p90_usd,
        "saving_probability": result.saving_probability,
        "break_even_discount_fraction": result.break_even_discount,
        "free_first_year_usd": result.free_first_year_usd,
        "walk_away_first_year_usd": result.walk_away_first_year_usd,
        "years": [asdict(row) for row in result.years],
        "curve": [asdict(row) for row in result.curve],
        "clauses": [asdict(clause) for clause in result.clauses],
    }
