"""The policy: how much risk, cash and commitment is wanted, read from policy.yaml.

Not here: how a limit becomes rows of the program (`optimizer.limits`, `optimizer.program`).
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from forecasting.errors import InputError, Problem
from forecasting.frames import Section, did_you_mean, read_document, shown
from forecasting.hours import MAX_TERM_MONTHS
from optimizer.headroom_policy import ImpactPart, MitigationPart, check_mitigations
from optimizer.strict_documents import repeated_keys

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
OpenFraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Amount = Annotated[float, Field(ge=0.0, le=1e12)]
PositiveAmount = Annotated[float, Field(gt=0.0, le=1e12)]
Months = Annotated[int, Field(ge=1, le=MAX_TERM_MONTHS)]
MAX_LAMBDA = 1_000.0  # beyond it the mean no longer counts, and the solver cannot tell costs apart


class _Part(BaseModel):
    """Base of the policy and its parts: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)


class Risk(_Part):
    """Weight of the CVaR of cost, and the level of every CVaR."""

    lambda_: Annotated[float, Field(ge=0.0, le=MAX_LAMBDA)] = Field(default=0.0, alias="lambda")
    level: OpenFraction = 0.95


class Stranded(_Part):
    """Limits on stranded USD, of the committed USD of new purchases."""

    expected_fraction: Fraction | None = None
    cvar_fraction: Fraction | None = None


class Headroom(_Part):
    """Firm capacity above a quantile of the peak: a fraction, or what expected loss asks for."""

    fraction: Fraction | None = None
    quantile: OpenFraction = 0.99
    by: Literal["fixed", "expected_loss"] = "fixed"
    n_plus_one: Literal["none", "zone", "region"] = "none"
    impact_calendar: Annotated[tuple[ImpactPart, ...], Field(strict=False, max_length=100)] = ()
    mitigations: Annotated[tuple[MitigationPart, ...], Field(strict=False, max_length=50)] = ()

    _open_ones = field_validator("mitigations")(check_mitigations)


class Coverage(_Part):
    """Limits on coverage."""

    min_fraction: Fraction | None = None
    max_fraction: Fraction | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Coverage":
        """Refuse a floor above the ceiling."""
        if self.min_fraction is not None and self.max_fraction is not None and self.min_fraction > self.max_fraction:
            code, rule = "order", "min_fraction must be <= max_fraction"
            raise PydanticCustomError(code, rule)
        return self


class Concentration(_Part):
    """Ceilings on the part of one offer, one family or one term in the committed USD of new purchases."""

    offer_fraction: Fraction | None = None
    family_fraction: Fraction | None = None
    term_fraction: Fraction | None = None


class Increments(_Part):
    """Steps that purchases are rounded to."""

    units: PositiveAmount | None = None
    usd_per_hour: PositiveAmount | None = None


class Policy(_Part):
    """What the plan must keep to; a limit that is None is reported and never binds."""

    discount_rate_yearly: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    cadence_months: Months = 3
    terms_months: Annotated[tuple[Months, ...], Field(strict=False)] = (12, 36)
    risk: Risk = Risk()
    stranded: Stranded = Stranded()
    headroom: Headroom = Headroom()
    coverage: Coverage = Coverage()
    upfront_usd_per_quarter: Amount | None = None
    purchase_usd_per_date: Amount | None = None
    concentration: Concentration = Concentration()
    spot_share_max: Fraction | None = None
    increments: Increments = Increments()
    payback_months_max: PositiveAmount | None = None
    goal: Literal["cost", "ebitda", "free_cash_flow", "payback"] = "cost"
    payback_flag_months: PositiveAmount = 24.0

    @field_validator("risk", "stranded", "headroom", "coverage", "concentration", "increments", mode="before")
    @classmethod
    def _empty_part_is_default(cls, value: Any) -> Any:
        """Read a part without any key, such as ``risk:`` alone, as its defaults."""
        return {} if value is None else value

    @field_validator("terms_months")
    @classmethod
    def _terms_differ(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse a term given twice, and none at all."""
        if not value:
            code, rule = "none", "there must be at least one term"
            raise PydanticCustomError(code, rule)
        if len(set(value)) < len(value):
            code, rule = "repeated", "terms must differ"
            raise PydanticCustomError(code, rule)
        return value


PARTS: dict[str, type[_Part]] = {
    "risk": Risk,
    "stranded": Stranded,
    "headroom": Headroom,
    "coverage": Coverage,
    "concentration": Concentration,
    "increments": Increments,
}


LISTED: dict[str, type[BaseModel]] = {"impact_calendar": ImpactPart, "mitigations": MitigationPart}


def read_policy(path: Path | None) -> Policy:
    """Policy of a file; the defaults without one.

    Parameters
    ----------
    path : Path or None
        YAML.

    Raises
    ------
    InputError
        With all problems; the column is the path of the key, the row its line.
    """
    if path is None:
        return Policy()
    document = read_document(path)
    problems = repeated_keys(document)
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        problems += [_problem(detail, document) for detail in error.errors()]
        raise InputError(str(path), problems) from None
    if problems:
        raise InputError(str(path), problems)
    return policy


def _problem(detail: ErrorDetails, document: Section) -> Problem:
    """Problem of one broken rule."""
    location = [str(part) for part in detail["loc"] if not isinstance(part, int)]
    line: int | None = None
    value: Any = document
    column = ""
    for part in detail["loc"]:
        column += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if column else part
        if isinstance(part, int) and isinstance(value, list):
            value = value[part]
            line = value.line if isinstance(value, Section) else line
        elif isinstance(value, Section) and part in value:
            line, value = value.lines[str(part)], value[str(part)]
    if detail["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        message = f"is not a key of a policy.{did_you_mean(location[-1], known)} Known are {', '.join(known)}."
        return Problem(column=column, row=line, message=message)
    if detail["type"] == "missing":
        return Problem(column=column, row=line, message="is missing. Add it.")
    rule = detail["msg"].removeprefix("Input should be ")
    hint = " A fraction: 15 % is 0.15." if detail.get("ctx", {}).get("le") == 1.0 else ""
    text = f"must be {rule}" if rule != detail["msg"] else rule
    if detail["type"] == "model_type":
        text = f"must be a mapping of {', '.join(_known_keys(location))}"
    return Problem(column=column, row=line, message=f"{text}, got {shown(detail['input'])}.{hint}")


def _known_keys(location: list[str]) -> list[str]:
    """Keys of the policy or of one of its parts."""
    part: type[BaseModel] = PARTS.get(location[0], Policy) if location else Policy
    if len(location) > 1:
        part = LISTED.get(location[1], part)
    return [field.alias or name for name, field in part.model_fields.items()]
