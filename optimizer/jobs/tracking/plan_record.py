"""A plan read back from its files: plan.json, and expected.parquet beside it, whose hash must be the one it names.

Not here: what is held against it (`optimizer.jobs.tracking.track`).
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecasting.errors import InputError, Problem
from forecasting.hours import HOURS_PER_DAY, hour_of_date
from optimizer.expected import Expected
from optimizer.expected_file import EXPECTED_NAME, read_expected
from optimizer.plan import InputRecord
from optimizer.portfolio import Commitment

PLAN_SCHEMAS = (2,)
MAX_PLAN_BYTES = 200_000_000  # a plan of hundreds of pools has some ten million


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredEvent:
    """An event as the plan saw it.

    Attributes
    ----------
    name, kind : str
    start_hour, end_hour : int
        Of the ramp, end exclusive.
    """

    name: str
    kind: str
    start_hour: int
    end_hour: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanRecord:
    """What is needed of a plan to hold it against what came.

    Attributes
    ----------
    name, sha256 : str
        Of plan.json.
    title : str
    as_of_hour, horizon_end_hour : int
    purchases, schedule : tuple of Commitment
        Advised on the first date, and expected later.
    events : tuple of DeclaredEvent
    inputs : tuple of InputRecord
        Files the plan was made from.
    expected : Expected
    """

    name: str
    sha256: str
    title: str
    as_of_hour: int
    horizon_end_hour: int
    purchases: tuple[Commitment, ...]
    schedule: tuple[Commitment, ...]
    events: tuple[DeclaredEvent, ...]
    inputs: tuple[InputRecord, ...]
    expected: Expected

    def input_sha256(self, role: str) -> str | None:
        """Content hash of an input of the plan; None where it had none of that role."""
        return next((record.sha256 for record in self.inputs if record.role == role), None)


def read_plan(path: Path) -> PlanRecord:
    """Plan of a plan.json that `plimsoll plan` wrote, with the file of expectations beside it.

    Raises
    ------
    InputError
        If it is no such document, or the file beside it is missing or another plan's.
    """
    content = _content(path, "plan.json")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise _refused(path, "must be a JSON document, and is not.") from None
    if not isinstance(document, dict) or document.get("schema_version") not in PLAN_SCHEMAS:
        got = document.get("schema_version") if isinstance(document, dict) else None
        raise _refused(path, f"must be a plan of schema version {PLAN_SCHEMAS[0]}, got {str(got)[:40]!r}.")
    try:
        return _record(path, content, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise _refused(path, f"must be as `plimsoll plan` writes it; {type(error).__name__} at {error}.") from None


def _record(path: Path, content: bytes, document: dict[str, Any]) -> PlanRecord:
    """Record of a document that looks like a plan."""
    as_of_hour, end_hour = _hour(document["as_of_utc"]), _hour(document["horizon_end_utc"])
    expected = _read_beside(path, document.get("expected"))
    first, last = int(expected.days[0]), int(expected.days[-1])
    if first * HOURS_PER_DAY != as_of_hour or last != end_hour // HOURS_PER_DAY - 1:
        raise _refused(path, f"must have the window of {EXPECTED_NAME}, and has another.")
    return PlanRecord(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        title=str(document["title"]),
        as_of_hour=as_of_hour,
        horizon_end_hour=end_hour,
        purchases=tuple(map(_commitment, document["purchases"])),
        schedule=tuple(map(_commitment, document["schedule"])),
        events=tuple(map(_event, document["events"])),
        inputs=tuple(
            InputRecord(role=str(one["role"]), name=str(one["name"]), sha256=str(one["sha256"]))
            for one in document["inputs"]
        ),
        expected=expected,
    )


def _read_beside(path: Path, named: Any) -> Expected:
    """Expectations of the file that a plan names; it lies beside the plan and has the hash that the plan says."""
    if not isinstance(named, dict):
        raise _refused(path, f"must name its {EXPECTED_NAME}, and does not. It is of an older version: plan again.")
    beside = path.parent / EXPECTED_NAME
    content = _content(beside, "the file of expectations that the plan wrote beside plan.json")
    if hashlib.sha256(content).hexdigest() != named["sha256"]:
        raise _refused(beside, f"must be the file that {path.name} names by its hash, and is another plan's.")
    return read_expected(content, source=str(beside), knows_events=bool(named["knows_events"]))


def _commitment(one: dict[str, Any]) -> Commitment:
    """Purchase as a commitment."""
    return Commitment(
        commitment_id=str(one["commitment_id"]),
        offer_id=str(one["offer_id"]),
        quantity=float(one["quantity"]),
        start_hour=_hour(one["start_utc"]),
        end_hour=_hour(one["end_utc"]),
    )


def _event(one: dict[str, Any]) -> DeclaredEvent:
    """Declared event."""
    return DeclaredEvent(
        name=str(one["name"]),
        kind=str(one["kind"]),
        start_hour=_hour(one["start_utc"]),
        end_hour=_hour(one["end_utc"]),
    )


def _hour(text: str) -> int:
    """Epoch hour of a timestamp as `forecasting.hours.iso_of_hour` writes it."""
    return hour_of_date(text[:10]) + int(text[11:13])


def _content(path: Path, what: str) -> bytes:
    """Bytes of a regular file of a sane size."""
    if not path.is_file():
        raise _refused(path, f"must be {what}, and there is no such file.")
    if path.stat().st_size > MAX_PLAN_BYTES:
        raise _refused(path, f"must be {what}, and is {path.stat().st_size:,} bytes long.")
    return path.read_bytes()


def _refused(path: Path, message: str) -> InputError:
    """One problem of a file as a whole."""
    return InputError(str(path), [Problem(message=f"{message} Give the plan.json that `plimsoll plan` wrote.")])
