"""A file of cases, assessed one by one.

Not here: what comes of a kind of case (its own module).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.assessment import CaseAnswer
from optimizer.assessment_cases import Case, read_cases
from optimizer.jobs.assess.books import asset_answer, stranded_answer
from optimizer.jobs.assess.projects import options_answer, project_answer
from optimizer.jobs.assess.risk import availability_answer, expected_loss_answer, peak_headroom_answer
from optimizer.jobs.assess.units import capacity_answer, unit_cost_answer
from optimizer.jobs.inputs import file_sha256
from optimizer.jobs.versions import versions
from optimizer.plan import InputRecord

ANSWERS: dict[str, Callable[[Any], CaseAnswer]] = {
    "project": project_answer,
    "options": options_answer,
    "asset": asset_answer,
    "stranded": stranded_answer,
    "peak_headroom": peak_headroom_answer,
    "expected_loss": expected_loss_answer,
    "availability": availability_answer,
    "unit_cost": unit_cost_answer,
    "capacity": capacity_answer,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Everything that comes of a file of cases.

    Attributes
    ----------
    answers : tuple of CaseAnswer
        In the order of the file.
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
        Program and libraries.
    """

    answers: tuple[CaseAnswer, ...]
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]


def assess_file(path: Path) -> Assessment:
    """Read a file of cases and assess each.

    Raises
    ------
    InputError
        With all problems of the file.
    """
    cases = read_cases(path)
    record = InputRecord(role="cases", name=path.name, sha256=file_sha256(path))
    return Assessment(answers=tuple(map(assess, cases)), inputs=(record,), versions=versions())


def assess(case: Case) -> CaseAnswer:
    """What comes of one case."""
    return ANSWERS[case.kind](case)
