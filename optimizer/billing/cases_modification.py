"""Billing cases of kind `ri_modification`: whether AWS accepts one, and from when on it counts.

Turns a case into reservations and targets. Not here: the rules (`optimizer.billing.aws.modification`).
"""

import datetime as dt
import re
from collections.abc import Iterable

from forecasting.hours import HOURS_PER_YEAR, add_months
from optimizer.billing.aws.instances import Instances, region_of_zone
from optimizer.billing.aws.marketplace import whole_months_left
from optimizer.billing.aws.modification import Target, effective_second, footprint, modification_obstacles, modified
from optimizer.billing.aws.reserved import DAY_SECONDS, HOUR_SECONDS, TERMS_YEARS, OfferingClass, ReservedInstances
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, answer_of
from optimizer.billing.cases_ri import instances_of

MONTHS_FIELDS = ("months_left", "remaining_months", "months_remaining")
INPUT_FIELDS = frozenset(
    {"original", "target", "normalization_overrides", "requested", "timezone", "term_years", *MONTHS_FIELDS}
)
PLACE_FIELDS = frozenset(
    {"account", "instance_type", "quantity", "az", "region", "platform", "tenancy", "scope", "location"}
)
ORIGINAL_FIELDS = PLACE_FIELDS | {"id", "offering_class", "term_years", "end", "listed", "pending"}
CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?P<half>\s*[AaPp][Mm])?")
HALF_DAY_HOURS = 12


class ModificationCase:
    """A case of this kind; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.inputs.allow(INPUT_FIELDS)
        self.factors = {**case.factors, **case.inputs.numbers("normalization_overrides")}
        originals = self.inputs.objects("original")
        self.ends = [moment_of(fields, "end") for fields in originals]
        self.at_second = self._request_second()
        self.originals = [self._original(fields, row) for row, fields in enumerate(originals)]
        self.targets = [_target(fields) for fields in self.inputs.objects("target")]

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind, or its inputs are missing.
        """
        return answer_of(
            {
                "accepted": lambda: not self._obstacles(),
                "allowed": lambda: not self._obstacles(),
                "effective": self._effective,
                "end": self._end,
                "months_left": self._months_left,
                "remaining_months": self._months_left,
                "new_term_months": self._months_left,
                "original_footprint": lambda: self._footprint(
                    (item.instances.instance_type, item.count) for item in self.originals
                ),
                "target_footprint": lambda: self._footprint(
                    (target.instance_type, target.count) for target in self.targets
                ),
            },
            key,
        )

    def _obstacles(self) -> tuple[str, ...]:
        """Rules that the modification breaks."""
        if not self.originals or not self.targets:
            msg = "needs the inputs original and target"
            raise NotSupportedError(msg)
        return modification_obstacles(self.originals, self.targets, self.at_second, self.factors)

    def _footprint(self, items: Iterable[tuple[str, float]]) -> float:
        """Normalized units."""
        try:
            return footprint(items, self.factors)
        except LookupError as error:
            raise NotSupportedError(str(error)) from error

    def _effective(self) -> str:
        """Time of the request, at the start of its hour, written as the request is."""
        text = self.inputs.text("requested")
        match = CLOCK.search(text)
        if match is None:
            msg = f"{self.inputs.place}.requested must hold a time such as 21:15, got {text!r}."
            raise CaseFormatError(msg)
        seconds = effective_second(_second_of_day(match)) % HOUR_SECONDS
        clock = f"{match['hour']}:{seconds // 60:02d}" + (f":{seconds % 60:02d}" if match["second"] else "")
        return text[: match.start()] + clock + (match["half"] or "") + text[match.end() :]

    def _end(self) -> str:
        """End of what comes out, in the words of the original that ends last."""
        if None in self.ends:
            msg = "needs an end of each original"
            raise NotSupportedError(msg)
        result = modified(self.originals, self.targets, self.at_second, self.factors)
        row = next(row for row, item in enumerate(self.originals) if item.end_second == result[0].end_second)
        return self.inputs.objects("original")[row].text("end")

    def _months_left(self) -> int:
        """Months that a modified reservation lasts, from the start of what comes out to its end."""
        start = 0  # the first of a month, so that calendar months of any number fit
        months = int(self.inputs.needed(*MONTHS_FIELDS))
        reserved = ReservedInstances(
            reservation_id="modified",
            instances=Instances(instance_type="", zone=""),
            count=1,
            offering_class=OfferingClass.STANDARD,
            term_years=_term_years(self.inputs),
            start_second=start - DAY_SECONDS,
            end_second=add_months(start // HOUR_SECONDS, months) * HOUR_SECONDS,
        )
        (result,) = modified([reserved], [Target(instance_type="", count=1, zone="zone")], start)
        return whole_months_left(result.end_second, result.start_second)

    def _request_second(self) -> int:
        """Second of the request; a day before the first end where no date is given."""
        given = [end for end in self.ends if end is not None]
        is_dated = len(self.inputs.text("requested")) >= len("2000-01-01")
        asked = moment_of(self.inputs, "requested") if is_dated else None
        if asked is not None:
            return asked
        return (min(given) if given else HOURS_PER_YEAR * HOUR_SECONDS) - DAY_SECONDS

    def _original(self, fields: Fields, row: int) -> ReservedInstances:
        """One original; without an end it ends with all others that have none."""
        fields.allow(ORIGINAL_FIELDS)
        years = _term_years(fields)
        end = self.ends[row]
        end_second = self.at_second + DAY_SECONDS if end is None else end
        word = fields.text("offering_class").lower() or OfferingClass.STANDARD.value
        if word not in set(OfferingClass):
            msg = f"{fields.place}.offering_class must be standard or convertible, got {word!r}."
            raise CaseFormatError(msg)
        return ReservedInstances(
            reservation_id=fields.text("id") or str(row),
            instances=instances_of(fields),
            count=_whole(fields, "quantity", default=1),
            offering_class=OfferingClass(word),
            term_years=years,
            start_second=end_second - years * HOURS_PER_YEAR * HOUR_SECONDS,
            end_second=end_second,
            is_listed=fields.flag("listed", default=False),
            is_pending=fields.flag("pending", default=False),
        )


def moment_of(fields: Fields, name: str) -> int | None:
    """Epoch second of an ISO date or time, UTC where no zone is named; None where it is not given.

    Raises
    ------
    CaseFormatError
        If it is neither.
    """
    text = fields.text(name)
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{fields.place}.{name} must be an ISO date or time, got {text!r}."
        raise CaseFormatError(msg) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())


def _target(fields: Fields) -> Target:
    """One target; only a zone, a type and a count can change."""
    fields.allow(PLACE_FIELDS)
    scope, zone = fields.text("scope").lower(), fields.text("az")
    location = fields.text("location")
    zone = zone or (location if region_of_zone(location) else "")
    return Target(
        instance_type=instances_of(fields).instance_type,
        count=_whole(fields, "quantity", default=1),
        zone="" if scope == "regional" else zone,
    )


def _whole(fields: Fields, name: str, *, default: int) -> int:
    """Read a whole number >= 1."""
    value = fields.optional_number(name)
    if value is None:
        return default
    if not value.is_integer() or value < 1:
        msg = f"{fields.place}.{name} must be a whole number >= 1, got {value:g}."
        raise CaseFormatError(msg)
    return int(value)


def _term_years(fields: Fields) -> int:
    """Term of a reservation, one year where it is not given."""
    years = _whole(fields, "term_years", default=1)
    if years not in TERMS_YEARS:
        msg = f"{fields.place}.term_years must be 1 or 3, got {years}."
        raise CaseFormatError(msg)
    return years


def _second_of_day(match: re.Match[str]) -> int:
    """Second of the day of a clock time, with or without am and pm."""
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    half = (match["half"] or "").strip().lower()
    if half:
        hour = hour % HALF_DAY_HOURS + (HALF_DAY_HOURS if half == "pm" else 0)
    return (hour * 60 + minute) * 60 + second
