"""YAML documents checked against strict models, with every problem of a file at its line.

Not here: what any document may hold.
"""

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from forecasting.errors import InputError, Problem
from forecasting.frames import Section, check_name, did_you_mean, shown


def _named(text: str) -> str:
    """Refuse a name that could break out of a line."""
    problem = check_name(text)
    if problem:
        raise ValueError(problem)
    return text


PlainName = Annotated[str, StringConstraints(max_length=200), AfterValidator(_named)]


class StrictPart(BaseModel):
    """Base of a document and its parts: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=StrictPart)


def checked(document: Section, model: type[Model], *, source: str, noun: str) -> Model:
    """Model of a document.

    Parameters
    ----------
    document : Section
        As `forecasting.frames.read_document` gives it.
    model : type
        What it must be.
    source : str
        Name of the file, for messages.
    noun : str
        What the file is called in messages, such as "a file of cases".

    Raises
    ------
    InputError
        With all problems; the column is the path of the key, places in a list counted from 1, the row its line.
    """
    problems = repeated_keys(document)
    try:
        found = TypeAdapter(model).validate_python(document)
    except ValidationError as error:
        details = [detail for detail in error.errors() if not _is_echo(detail)]
        problems += [_problem(detail, document, model, noun) for detail in details]
        raise InputError(source, problems) from None
    if problems:
        raise InputError(source, problems)
    return found


def repeated_keys(document: Section) -> list[Problem]:
    """Problem of each key that is there twice in its mapping, anywhere in a document.

    What is named by an alias is looked at once: a short file of aliases can stand for billions of values.
    """
    problems: list[Problem] = []
    seen: set[int] = set()
    open_values: list[tuple[Any, str]] = [(document, "")]
    while open_values:
        value, place = open_values.pop()
        if id(value) in seen or not isinstance(value, list | Section):
            continue
        seen.add(id(value))
        if isinstance(value, Section):
            problems += [
                Problem(column=f"{place}{key}", row=line, message="must be there once, got it again.")
                for key, line in value.repeated.items()
            ]
            open_values += [(part, f"{place}{key}.") for key, part in reversed(value.items())]
        else:
            at = place.removesuffix(".")
            open_values += [(value[number], f"{at}[{number + 1}].") for number in reversed(range(len(value)))]
    return problems


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only because some of its parts, reported themselves, are refused."""
    least = detail.get("ctx", {}).get("min_length", 0)
    return detail["type"] == "too_short" and isinstance(detail["input"], list) and len(detail["input"]) >= least


def _problem(detail: ErrorDetails, document: Section, model: type[BaseModel], noun: str) -> Problem:
    """Problem of one broken rule."""
    column = ""
    value: Any = document
    models: tuple[type[BaseModel], ...] = (model,)
    line: int | None = None
    for part in detail["loc"]:
        if isinstance(part, int):
            column += f"[{part + 1}]"
            value = value[part] if isinstance(value, list) and part < len(value) else None
            line = value.line if isinstance(value, Section) else line
        elif len(models) == 1 or _tag_of(models, part) is None:
            column += f".{part}" if column else part
            line = value.lines.get(part, line) if isinstance(value, Section) else line
            models, value = _models_below(models, part), value.get(part) if isinstance(value, Section) else None
        else:  # the kind by which one of several models was chosen
            models = tuple(one for one in models if _tag_of((one,), part) is not None)
    return Problem(column=column, row=line, message=_message(detail, models, noun, column))


def _message(detail: ErrorDetails, models: tuple[type[BaseModel], ...], noun: str, column: str) -> str:
    """Rule, what was got, and the way out."""
    kind, got = detail["type"], shown(detail["input"])
    if kind == "extra_forbidden":
        known = sorted({name for one in models for name in one.model_fields})
        key = column.rpartition(".")[2]
        return f"is not a key of {noun} at this place.{did_you_mean(key, known)} Known are {', '.join(known)}."
    if kind == "missing":
        return "is missing. Add it."
    if kind.startswith("union_tag"):
        expected = detail.get("ctx", {}).get("expected_tags", "")
        return f"must have a kind out of {expected}, got {shown(detail.get('ctx', {}).get('tag', got))}."
    if kind == "too_short":
        return f"must have at least {detail.get('ctx', {}).get('min_length', 1)} of them, got {got}."
    rule = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    hint = " A fraction: 15 % is 0.15." if detail.get("ctx", {}).get("le") == 1.0 else ""
    text = f"must be {rule}" if rule != detail["msg"] and kind != "value_error" else rule
    if kind in {"model_type", "model_attributes_type"}:
        text = "must be a mapping of keys to values"
    return f"{text}, got {got}.{hint}"


def _models_below(models: tuple[type[BaseModel], ...], key: str) -> tuple[type[BaseModel], ...]:
    """Models that the value of a key may have; the same ones for a key that none of them knows."""
    fields = [one.model_fields[key] for one in models if key in one.model_fields]
    return tuple(found for field in fields for found in _models_in(field.annotation)) if fields else models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Models inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _tag_of(models: tuple[type[BaseModel], ...], tag: str) -> str | None:
    """The tag, where one of several models has it as its kind."""
    for one in models:
        field = one.model_fields.get("kind")
        if field is not None and tag in get_args(field.annotation):
            return tag
    return None
