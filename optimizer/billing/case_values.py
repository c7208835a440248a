"""Reads the values of a billing case, and compares what came out with what is expected.

Not here: what the values of a kind mean (`cases_ri`, `cases_allocation`, `cases_metric`).
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from optimizer.errors import OptimizerError

DEFAULT_TOLERANCE = 0.005  # half a cent: published examples are rounded to cents


class CaseFormatError(OptimizerError, ValueError):
    """A case holds a value that the format does not allow."""


class NotSupportedError(OptimizerError):
    """A case asks for something that the engine does not do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One worked example.

    Attributes
    ----------
    case_id, provider, kind, title : str
    inputs : Fields
    expected : Mapping of str to object
        Keys to check; each must be one that the kind can answer.
    tolerance : float
        Largest absolute difference allowed.
    factors : Mapping of str to float
        Normalization factors that the file gives, by size.
    """

    case_id: str
    provider: str
    kind: str
    title: str
    inputs: "Fields"
    expected: Mapping[str, object]
    tolerance: float
    factors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """One JSON object, read by name.

    Attributes
    ----------
    place : str
        Where it stands, for messages.
    values : Mapping of str to object
    """

    place: str
    values: Mapping[str, object]

    def allow(self, known: Collection[str]) -> None:
        """Raise NotSupportedError if a field that says something is not among the known."""
        unknown = sorted(name for name, value in self.values.items() if name not in known and value is not None)
        if unknown:
            msg = f"{self.place}: no rule for {', '.join(unknown)}"
            raise NotSupportedError(msg)

    def number(self, name: str) -> float:
        """Read a finite number >= 0."""
        value = self.optional_number(name)
        if value is None:
            msg = f"{self.place}.{name} must be a number, it is missing."
            raise CaseFormatError(msg)
        return value

    def optional_number(self, name: str) -> float | None:
        """Read a finite number >= 0; None where it is absent or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not is_number(value) or not 0.0 <= float(value) < math.inf:
            msg = f"{self.place}.{name} must be a number >= 0, got {value!r}."
            raise CaseFormatError(msg)
        return float(value)

    def first_number(self, *names: str) -> float | None:
        """Read a finite number >= 0 under the first of the names that is given; None where none is."""
        return next((number for name in names if (number := self.optional_number(name)) is not None), None)

    def needed(self, *names: str) -> float:
        """Read a number under the first of the names that is given.

        Raises
        ------
        NotSupportedError
            If none is given: what is asked for cannot be answered.
        """
        value = self.first_number(*names)
        if value is None:
            msg = f"needs one input among {', '.join(names)}"
            raise NotSupportedError(msg)
        return value

    def text(self, *names: str) -> str:
        """Read a text under the first of the names that is given; empty where none is."""
        for name in names:
            value = self.values.get(name)
            if value is None:
                continue
            if not isinstance(value, str):
                msg = f"{self.place}.{name} must be text, got {value!r}."
                raise CaseFormatError(msg)
            return value
        return ""

    def flag(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            msg = f"{self.place}.{name} must be true or false, got {value!r}."
            raise CaseFormatError(msg)
        return value

    def objects(self, name: str) -> list["Fields"]:
        """Read a list of objects; empty where it is absent."""
        value = self.values.get(name)
        items = [] if value is None else value
        if not isinstance(items, list):
            msg = f"{self.place}.{name} must be a list, got {items!r}."
            raise CaseFormatError(msg)
        return [as_fields(item, f"{self.place}.{name}[{row}]") for row, item in enumerate(items)]

    def numbers(self, name: str) -> dict[str, float]:
        """Read an object of numbers; empty where it is absent."""
        value = self.values.get(name)
        fields = as_fields({} if value is None else value, f"{self.place}.{name}")
        return {key: fields.number(key) for key in fields.values}


def answer_of(answers: Mapping[str, Callable[[], object]], key: str) -> object:
    """Answer an expected key, in American or British spelling.

    Parameters
    ----------
    answers : Mapping of str to callable
        By key, in American spelling; each may raise NotSupportedError where an input is missing.
    key : str

    Raises
    ------
    NotSupportedError
        If there is no answer of that name.
    """
    american = key.replace("utilis", "utiliz").replace("amortis", "amortiz")
    if american not in answers:
        msg = f"cannot check key '{key}'"
        raise NotSupportedError(msg)
    return answers[american]()


def as_fields(value: object, place: str) -> Fields:
    """Check that a value is a JSON object."""
    if not isinstance(value, dict):
        msg = f"{place} must be an object, got {value!r}."
        raise CaseFormatError(msg)
    return Fields(place=place, values=value)


def text_list(fields: Fields, name: str) -> list[str]:
    """Read a list of texts; empty where it is absent."""
    value = fields.values.get(name)
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        msg = f"{fields.place}.{name} must be a list of texts, got {items!r}."
        raise CaseFormatError(msg)
    return items


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number (true and false are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def differences(expected: object, got: object, *, tolerance: float, place: str) -> Iterator[str]:
    """Yield one line for each expected value that differs.

    An object is compared on the keys that are expected; an empty object expects nothing but zeros.
    """
    if isinstance(expected, Mapping):
        yield from _object_differences(expected, got, tolerance=tolerance, place=place)
    elif isinstance(expected, Sequence) and not isinstance(expected, str):
        yield from _list_differences(expected, got, tolerance=tolerance, place=place)
    elif is_number(expected) and is_number(got):
        if not abs(float(got) - float(expected)) <= tolerance:
            yield f"{place}: expected {expected:g}, got {got:.10g}"
    elif type(expected) is not type(got) or expected != got:
        yield f"{place}: expected {expected!r}, got {got!r}"


def _object_differences(expected: Mapping[str, object], got: object, *, tolerance: float, place: str) -> Iterator[str]:
    """Compare key by key."""
    if not isinstance(got, Mapping):
        yield f"{place}: expected {dict(expected)!r}, got {got!r}"
        return
    if not expected:
        found = {key: value for key, value in got.items() if not is_number(value) or not abs(value) <= tolerance}
        if found:
            yield f"{place}: expected nothing, got {found!r}"
    for key, value in expected.items():
        if key in got:
            yield from differences(value, got[key], tolerance=tolerance, place=f"{place}.{key}")
        else:
            yield f"{place}.{key}: expected {value!r}, got nothing of that name"


def _list_differences(expected: Sequence[object], got: object, *, tolerance: float, place: str) -> Iterator[str]:
    """Compare item by item."""
    if not isinstance(got, Sequence) or isinstance(got, str) or len(got) != len(expected):
        yield f"{place}: expected {list(expected)!r}, got {got!r}"
        return
    for row, (value, found) in enumerate(zip(expected, got, strict=True)):
        yield from differences(value, found, tolerance=tolerance, place=f"{place}[{row}]")
