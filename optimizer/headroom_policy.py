"""Parts of the policy about the loss of a shortage: when it costs more, and what can be done against it.

Not here: what they come to (`optimizer.shortage`, `optimizer.mitigations`).
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from forecasting.hours import HOURS_PER_DAY, hour_of_date
from optimizer.assessment_cases import CalendarPart
from optimizer.expected_loss import CalendarFactor
from optimizer.strict_documents import PlainName, StrictPart

Factor = Annotated[float, Field(ge=0.0, le=1.0)]
Usd = Annotated[float, Field(ge=0.0, le=1e12)]
PoolNames = Annotated[tuple[PlainName, ...], Field(strict=False, max_length=10_000)]
MOST_TOGETHER = 8  # mitigations that touch each other: all their subsets are tried, 256 at most


def _refuse(rule: str) -> PydanticCustomError:
    """Error of a rule about several keys."""
    code, text = "rule", "{rule}"
    return PydanticCustomError(code, text, {"rule": rule})


def _date(value: str | None) -> str | None:
    """Refuse what is no date."""
    if value is not None:
        try:
            hour_of_date(value)
        except ValueError:
            rule = "must be a date such as 2026-11-28"
            raise _refuse(rule) from None
    return value


class ImpactPart(CalendarPart):
    """Hours in which a shortage costs a multiple of an ordinary hour; all conditions given must hold.

    `pools` are those it is about, all where empty; `start` and `end` its first and last day.
    """

    pools: PoolNames = ()
    start: str | None = None
    end: str | None = None

    _dates = field_validator("start", "end")(_date)

    @model_validator(mode="after")
    def _in_order(self) -> "ImpactPart":
        """Refuse an end before the start."""
        if self.start is not None and self.end is not None and self.end < self.start:
            rule = "end must be on or after start"
            raise _refuse(rule)
        return self

    def factor_of(self) -> CalendarFactor:
        """Its hours and their factor."""
        return CalendarFactor(
            name=self.name,
            factor=self.factor,
            months=self.months,
            days=self.days,
            weekdays=self.weekdays,
            hours=self.hours,
            start_hour=None if self.start is None else hour_of_date(self.start),
            end_hour=None if self.end is None else hour_of_date(self.end) + HOURS_PER_DAY,
        )


class MitigationPart(StrictPart):
    """Engineering work that makes shortages of some pools rarer, smaller or shorter.

    The factors are what is left: of the chance, of the blast radius, of the duration, of the customers that are owed
    credits. It works from the day `start`, as-of where none is given. One that is `decided` counts as done from then.
    """

    name: PlainName
    pools: Annotated[PoolNames, Field(min_length=1)]
    cost_usd: Usd = 0.0
    cost_usd_per_year: Usd = 0.0
    probability_factor: Factor = 1.0
    blast_factor: Factor = 1.0
    duration_factor: Factor = 1.0
    affected_factor: Factor = 1.0
    start: str | None = None
    decided: bool = False

    _start = field_validator("start")(_date)

    @model_validator(mode="after")
    def _does_something(self) -> "MitigationPart":
        """Refuse work that changes nothing, and a pool given twice."""
        factors = (self.probability_factor, self.blast_factor, self.duration_factor, self.affected_factor)
        if min(factors) == 1.0:
            rule = "one of probability_factor, blast_factor, duration_factor, affected_factor must be below 1"
            raise _refuse(rule)
        if len(set(self.pools)) < len(self.pools):
            rule = "pools must differ"
            raise _refuse(rule)
        return self

    @property
    def direct_factor(self) -> float:
        """What is left of the expected direct loss."""
        return self.probability_factor * self.blast_factor * self.duration_factor

    @property
    def liability_factor(self) -> float:
        """What is left of the expected credits."""
        return self.probability_factor * self.affected_factor


def touching(parts: Iterable[MitigationPart]) -> tuple[tuple[MitigationPart, ...], ...]:
    """Parts that share pools, directly or through others, each set in the order given.

    Examples
    --------
    >>> pools = (("x",), ("y", "x"), ("z",))
    >>> a, b, c = (MitigationPart(name=n, pools=p, blast_factor=0.5) for n, p in zip("abc", pools))
    >>> [[part.name for part in found] for found in touching([a, b, c])]
    [['a', 'b'], ['c']]
    """
    found: list[tuple[set[str], list[MitigationPart]]] = []
    for part in parts:
        pools, members = set(part.pools), [part]
        joined = [one for one in found if one[0] & pools]
        for one in reversed(joined):
            pools, members = pools | one[0], one[1] + members
        found = [one for one in found if one not in joined] + [(pools, members)]
    return tuple(tuple(members) for _, members in found)


def check_mitigations(parts: tuple[MitigationPart, ...]) -> tuple[MitigationPart, ...]:
    """Refuse names given twice, and more open ones that touch each other than can all be tried together."""
    if len({part.name for part in parts}) < len(parts):
        rule = "names of mitigations must differ"
        raise _refuse(rule)
    if any(len(group) > MOST_TOGETHER for group in touching(part for part in parts if not part.decided)):
        rule = f"at most {MOST_TOGETHER} mitigations that are not decided may share pools"
        raise _refuse(rule)
    return parts
