"""Runs a file of published billing examples through the engine, and says which come out as published.

Command: `python -m optimizer.billing.cases FILE`. Each kind of case has a translation into the engine's inputs and
back; no case has code of its own. Not here: the translations (`cases_ri`, `cases_allocation`, `cases_metric`).
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from forecasting.errors import InputError, Problem
from optimizer.billing.case_values import (
    DEFAULT_TOLERANCE,
    Case,
    CaseFormatError,
    NotSupportedError,
    as_fields,
    differences,
)
from optimizer.billing.cases_allocation import AllocationCase
from optimizer.billing.cases_amortization import AmortizationCase
from optimizer.billing.cases_azure import AzureHoursCase, AzureReservationCase
from optimizer.billing.cases_azure_returns import AzureExchangeCase, AzureRateCase, AzureRefundCase
from optimizer.billing.cases_billing_lines import BillingLinesCase
from optimizer.billing.cases_commitment_hour import SpendHourCase, UsageHourCase
from optimizer.billing.cases_exchange import ExchangeCase
from optimizer.billing.cases_gcp import FlexibleCudCase, ResourceCudCase, SustainedUseCase
from optimizer.billing.cases_metric import MetricCase
from optimizer.billing.cases_modification import ModificationCase
from optimizer.billing.cases_organization import BlendedRateCase, ConsolidatedCase, ListValueCase, SecondsCase
from optimizer.billing.cases_rates import BreakEvenCase, EffectiveRateCase, PurchaseScheduleCase
from optimizer.billing.cases_ri import ReservationCase
from optimizer.errors import OptimizerError

USAGE = "usage: check_billing_cases FILE\n\nRuns the billing cases of a JSON file and compares with what is published."


class Settled(Protocol):
    """A case after the engine has run."""

    def answer(self, key: str, expected: object) -> object:
        """Say what the engine found for an expected key, or raise NotSupportedError."""
        ...


Kinds = Mapping[tuple[str, str], Callable[[Case], Settled]]

KINDS: Kinds = {
    ("azure", "ri_application"): AzureReservationCase,
    ("azure", "ri_partial_hours"): AzureHoursCase,
    ("azure", "effective_rate"): AzureRateCase,
    ("azure", "refund"): AzureRefundCase,
    ("azure", "ri_exchange"): AzureExchangeCase,
    ("gcp", "sustained_use"): SustainedUseCase,
    ("gcp", "spend_cud"): FlexibleCudCase,
    ("gcp", "resource_cud"): ResourceCudCase,
    ("aws", "hourly_allocation"): AllocationCase,
    ("aws", "ri_application"): ReservationCase,
    ("aws", "metric"): MetricCase,
    ("aws", "ri_modification"): ModificationCase,
    ("aws", "ri_exchange"): ExchangeCase,
    ("aws", "ri_per_second"): SecondsCase,
    ("aws", "consolidated_billing"): ConsolidatedCase,
    ("aws", "blended_rate"): BlendedRateCase,
    ("aws", "list_value"): ListValueCase,
    ("aws", "amortisation"): AmortizationCase,
    ("aws", "billing_lines"): BillingLinesCase,
    ("generic", "spend_commitment_hour"): SpendHourCase,
    ("generic", "usage_commitment_hour"): UsageHourCase,
    ("aws", "effective_rate"): EffectiveRateCase,
    ("aws", "break_even"): BreakEvenCase,
    ("generic", "break_even"): BreakEvenCase,
    ("aws", "purchase_schedule"): PurchaseScheduleCase,
    ("generic", "purchase_schedule"): PurchaseScheduleCase,
}

EXEMPT: Mapping[str, str] = {
    "rule_order": "rules in words, without figures; the tests of the engine's order hold each of them",
    "tiered_volume": "tiers of stored volume are no commitment and no business of this program",
}


class Status(StrEnum):
    """How a case came out."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SUPPORTED = "not supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one case.

    Attributes
    ----------
    case : Case
    status : Status
    reasons : tuple of str
        Why it did not pass.
    """

    case: Case
    status: Status
    reasons: tuple[str, ...] = ()


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read a file of cases.

    Raises
    ------
    InputError
        If the file cannot be read, or is not of the format.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        fields = as_fields(content, "the file")
        if not isinstance(content.get("cases"), list) or not content["cases"]:
            msg = "the file must have a list 'cases' with at least one case."
            raise CaseFormatError(msg)
        factors = fields.numbers("normalization_factors")
        return tuple(_case(item, row, factors) for row, item in enumerate(content["cases"]))
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise _refusal(path, f"must be UTF-8, got {error.reason} at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        message = f"must be JSON, got {error.msg} at line {error.lineno}, column {error.colno}."
        raise _refusal(path, message) from error
    except RecursionError as error:
        raise _refusal(path, "is nested too deeply to be a file of cases.") from error
    except CaseFormatError as error:
        raise _refusal(path, str(error)) from error


def run_case(case: Case, kinds: Kinds = KINDS) -> Outcome:
    """Run one case; it passes when every expected key is answered as published."""
    kind = kinds.get((case.provider, case.kind))
    if kind is None:
        return Outcome(
            case=case, status=Status.NOT_SUPPORTED, reasons=(EXEMPT.get(case.kind, "no rules for this kind"),)
        )
    if not case.expected:
        return Outcome(case=case, status=Status.FAILED, reasons=("expects nothing, so nothing can be checked",))
    try:
        settled = kind(case)
    except NotSupportedError as error:
        return Outcome(case=case, status=Status.NOT_SUPPORTED, reasons=(str(error),))
    except CaseFormatError as error:
        return Outcome(case=case, status=Status.FAILED, reasons=(str(error),))
    reasons: list[str] = []
    for key, expected in case.expected.items():
        try:
            got = settled.answer(key, expected)
        except OptimizerError as error:
            reasons.append(f"{key}: {error}")
            continue
        reasons.extend(differences(expected, got, tolerance=case.tolerance, place=key))
    return Outcome(case=case, status=Status.FAILED if reasons else Status.PASSED, reasons=tuple(reasons))


def report(outcomes: Sequence[Outcome], kinds_known: Kinds = KINDS) -> str:
    """Text for the terminal: a table by kind, then what did not pass, then the totals on the last line."""
    kinds = sorted({(outcome.case.provider, outcome.case.kind) for outcome in outcomes})
    counts = Counter((outcome.case.provider, outcome.case.kind, outcome.status) for outcome in outcomes)
    width = max(len(f"{provider} {kind}") for provider, kind in kinds)
    lines = [f"{'kind':<{width}}  " + "  ".join(f"{status.value:>13}" for status in Status)]
    for provider, kind in kinds:
        cells = "  ".join(f"{counts[provider, kind, status]:>13}" for status in Status)
        lines.append(f"{f'{provider} {kind}':<{width}}  {cells}")
    for outcome in outcomes:
        is_known = (outcome.case.provider, outcome.case.kind) in kinds_known or outcome.case.kind in EXEMPT
        if outcome.status == Status.PASSED or not is_known:
            continue
        lines += [
            "",
            f"{outcome.status.value}: {outcome.case.case_id} ({outcome.case.kind}) {outcome.case.title}".rstrip(),
        ]
        lines += [f"  - {reason}" for reason in outcome.reasons]
    totals = Counter(outcome.status for outcome in outcomes)
    return "\n".join([*lines, "", ", ".join(f"{totals[status]} {status.value}" for status in Status)])


def main(arguments: Sequence[str], kinds: Kinds = KINDS) -> int:
    """Run the file named by the arguments; 0: all passed, 1: not all, 2: no such answer."""
    if list(arguments) in (["-h"], ["--help"]):
        sys.stdout.write(USAGE + "\n")
        return 0
    if len(arguments) != 1:
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        cases = read_cases(Path(arguments[0]))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    outcomes = [run_case(case, kinds) for case in cases]
    sys.stdout.write(report(outcomes, kinds) + "\n")
    return 0 if all(outcome.status == Status.PASSED for outcome in outcomes) else 1


def _case(item: object, row: int, factors: Mapping[str, float]) -> Case:
    """One checked case."""
    fields = as_fields(item, f"cases[{row}]")
    for name in ("id", "provider", "kind"):
        if not fields.text(name):
            msg = f"cases[{row}].{name} must be given."
            raise CaseFormatError(msg)
    tolerance = fields.optional_number("tolerance")
    return Case(
        case_id=fields.text("id"),
        provider=fields.text("provider"),
        kind=fields.text("kind"),
        title=fields.text("title"),
        inputs=as_fields(fields.values.get("inputs"), "inputs"),
        expected=as_fields(fields.values.get("expected"), f"cases[{row}].expected").values,
        tolerance=DEFAULT_TOLERANCE if tolerance is None else tolerance,
        factors=factors,
    )


def _refusal(path: Path, message: str) -> InputError:
    """Refuse the whole file."""
    return InputError(str(path), [Problem(message=message)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
