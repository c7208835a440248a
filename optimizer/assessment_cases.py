"""Cases of money and risk to assess, read from a YAML file: what each kind is given.

Not here: what comes of them (`optimizer.jobs.assess`).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from forecasting.frames import read_document
from optimizer.strict_documents import PlainName, StrictPart, checked

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Amount = Annotated[float, Field(ge=0.0, le=1e15)]
Positive = Annotated[float, Field(gt=0.0, le=1e15)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
Growth = Annotated[float, Field(gt=-1.0, le=10.0)]
Years = Annotated[int, Field(ge=1, le=30)]
Months = Annotated[float, Field(ge=0.0, le=600.0)]
PositiveMonths = Annotated[float, Field(gt=0.0, le=600.0)]
MAX_CASES = 1_000


def _refuse_if(is_broken: bool, rule: str) -> None:
    """Refuse what breaks a rule about several keys together."""
    if is_broken:
        code, text = "rule", "{rule}"
        raise PydanticCustomError(code, text, {"rule": rule})


class _Case(StrictPart):
    """What every case has."""

    name: PlainName
    note: Annotated[str, Field(max_length=2_000)] = ""


class ProjectCase(_Case):
    """Engineering effort that saves a part of a bill: a spot refactor, a migration."""

    kind: Literal["project"]
    monthly_bill_usd: Positive | None = None
    later_monthly_bill_usd: Positive | None = None
    growth_months: PositiveMonths | None = None
    saved_fraction: Fraction | None = None
    saved_usd_per_year: Positive | None = None
    people: Amount = 0.0
    months: Months = 0.0
    person_month_usd: Amount = 0.0
    one_off_usd: Amount = 0.0
    delay_months: Months = 0.0
    hurdle_months: PositiveMonths = 6.0

    @model_validator(mode="after")
    def _one_saving(self) -> "ProjectCase":
        """Refuse no saving, two of them, and growth of a bill that is not given."""
        by_bill = self.monthly_bill_usd is not None and self.saved_fraction is not None
        is_any = self.monthly_bill_usd is not None or self.saved_fraction is not None
        _refuse_if(
            not by_bill if self.saved_usd_per_year is None else is_any,
            "must give monthly_bill_usd and saved_fraction, or else saved_usd_per_year",
        )
        _refuse_if(
            self.later_monthly_bill_usd is not None and not by_bill,
            "later_monthly_bill_usd must stand beside monthly_bill_usd",
        )
        _refuse_if(
            self.growth_months is not None and self.later_monthly_bill_usd is None,
            "growth_months must stand beside later_monthly_bill_usd",
        )
        return self


class OptionPart(StrictPart):
    """One way to the same end."""

    name: PlainName
    upfront_usd: Amount = 0.0
    upfront_is_capital: bool = False
    yearly_usd: Amount = 0.0
    growth_fraction: Growth = 0.0
    staff_people: Amount = 0.0
    staff_usd_per_year: Amount = 0.0
    staff_growth_fraction: Growth = 0.0


class OptionsCase(_Case):
    """Build, buy, open source; the first one is what the others are held against."""

    kind: Literal["options"]
    years: Years = 5
    discount_rate_yearly: Rate = 0.0
    payback_hurdle_months: PositiveMonths = 24.0
    options: Annotated[tuple[OptionPart, ...], Field(strict=False, min_length=2, max_length=50)]

    @field_validator("options")
    @classmethod
    def _names_differ(cls, value: tuple[OptionPart, ...]) -> tuple[OptionPart, ...]:
        """Refuse two options of one name."""
        _refuse_if(len({option.name for option in value}) < len(value), "names of options must differ")
        return value


class CascadePart(StrictPart):
    """What an asset serves for some years."""

    use: PlainName
    years: Annotated[float, Field(gt=0.0, le=30.0)]
    replaces_usd_per_year: Amount


class AssetCase(_Case):
    """Owned hardware, or anything else that is capitalized."""

    kind: Literal["asset"]
    cost_usd: Positive
    life_years: Annotated[float, Field(gt=0.0, le=30.0)]
    salvage_usd: Amount = 0.0
    running_usd_per_year: Amount = 0.0
    first_quarter: Annotated[str, Field(pattern=r"^[12][0-9]{3}-Q[1-4]$")] | None = None
    dropped_after_quarters: Annotated[int, Field(ge=1, le=120)] | None = None
    recovered_usd: Amount = 0.0
    rented_usd_per_year: Amount | None = None
    cascade: Annotated[tuple[CascadePart, ...], Field(strict=False, max_length=20)] = ()
    discount_rate_yearly: Rate = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> "AssetCase":
        """Refuse salvage above cost, uses beyond the life, a sale of what is kept, two claims of what is replaced."""
        _refuse_if(self.salvage_usd > self.cost_usd, "salvage_usd must be <= cost_usd")
        _refuse_if(
            sum(part.years for part in self.cascade) > self.life_years + 1e-9,
            "years of the cascade must sum to at most life_years",
        )
        _refuse_if(
            self.recovered_usd > 0.0 and self.dropped_after_quarters is None,
            "recovered_usd must stand beside dropped_after_quarters",
        )
        _refuse_if(
            self.dropped_after_quarters is not None and self.dropped_after_quarters >= 4 * self.life_years - 1e-9,
            "dropped_after_quarters must lie before the end of life_years, where salvage_usd counts",
        )
        _refuse_if(
            bool(self.cascade) and self.rented_usd_per_year is not None,
            "rented_usd_per_year must be left out where a cascade says what is replaced",
        )
        return self


class StrandedCase(_Case):
    """A monthly commitment and the usage that consumes it, both at committed rates."""

    kind: Literal["stranded"]
    committed_usd_per_month: Positive
    usage_usd_per_month: Amount
    months_left: Months | None = None
    discount_fraction: Fraction | None = None


class CapacityPart(StrictPart):
    """One amount of capacity for a peak."""

    name: PlainName
    cost_usd: Amount
    fails_above_fraction: Annotated[float, Field(gt=0.0, le=100.0)] | None = None
    loss_usd: Amount = 0.0

    @model_validator(mode="after")
    def _loss_has_threshold(self) -> "CapacityPart":
        """Refuse a loss without the traffic that causes it, and the reverse."""
        _refuse_if(
            (self.fails_above_fraction is None) != (self.loss_usd == 0.0),
            "fails_above_fraction and a loss_usd above 0 must be given together",
        )
        return self


class ExceedancePart(StrictPart):
    """Chance that traffic passes a part of the forecast peak."""

    above_fraction: Annotated[float, Field(gt=0.0, le=100.0)]
    probability: Fraction


class PeakHeadroomCase(_Case):
    """How much capacity to hold for a peak event."""

    kind: Literal["peak_headroom"]
    options: Annotated[tuple[CapacityPart, ...], Field(strict=False, min_length=2, max_length=50)]
    exceedance: Annotated[tuple[ExceedancePart, ...], Field(strict=False, max_length=50)] = ()

    @model_validator(mode="after")
    def _chances_fit(self) -> "PeakHeadroomCase":
        """Refuse equal names, chances that rise with the threshold, and thresholds without one."""
        _refuse_if(len({option.name for option in self.options}) < len(self.options), "names of options must differ")
        ordered = sorted(self.exceedance, key=lambda part: part.above_fraction)
        _refuse_if(
            len({part.above_fraction for part in ordered}) < len(ordered), "above_fraction of exceedance must differ"
        )
        chances = [part.probability for part in ordered]
        _refuse_if(
            chances != sorted(chances, reverse=True), "probability of exceedance must not rise with above_fraction"
        )
        wanted = {option.fails_above_fraction for option in self.options} - {None}
        _refuse_if(not wanted, "at least one option must fail above some traffic")
        missing = sorted(str(one) for one in wanted - {part.above_fraction for part in ordered})
        _refuse_if(
            bool(missing and (self.exceedance or len(wanted) > 1)),
            f"exceedance must give the probability of passing {', '.join(missing)}",
        )
        return self


class CreditsPart(StrictPart):
    """Credits owed under service level agreements."""

    affected_fraction: Fraction
    monthly_bill_usd: Amount
    credit_fraction: Fraction


class MitigationPart(StrictPart):
    """What can be done about it, over the time that the probability is for."""

    cost_usd: Amount
    removed_fraction: Fraction


class CalendarPart(StrictPart):
    """Hours in which an hour of outage costs a multiple of an ordinary one; UTC, weekdays from 1 for Monday."""

    name: PlainName
    factor: Annotated[float, Field(ge=0.0, le=1e6)]
    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(strict=False)] = ()
    days: Annotated[tuple[Annotated[int, Field(ge=1, le=31)], ...], Field(strict=False)] = ()
    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(strict=False)] = ()
    hours: Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Field(strict=False)] = ()


class ExpectedLossCase(_Case):
    """P x (impact x blast radius) x duration, and credits, against the cost of mitigation."""

    kind: Literal["expected_loss"]
    probability: Fraction
    impact_usd_per_hour: Amount
    blast_radius_fraction: Fraction = 1.0
    detect_hours: Annotated[float, Field(ge=0.0, le=8_760.0)] = 0.0
    repair_hours: Annotated[float, Field(ge=0.0, le=8_760.0)]
    credits: CreditsPart | None = None
    mitigation: MitigationPart | None = None
    impact_calendar: Annotated[tuple[CalendarPart, ...], Field(strict=False, max_length=100)] = ()
    calendar_year: Annotated[int, Field(ge=1970, le=2199)] | None = None

    @model_validator(mode="after")
    def _calendar_has_year(self) -> "ExpectedLossCase":
        """Refuse a calendar without its year."""
        _refuse_if(
            bool(self.impact_calendar) != (self.calendar_year is not None),
            "impact_calendar and calendar_year must be given together",
        )
        return self


class AvailabilityCase(_Case):
    """Downtime that an availability allows."""

    kind: Literal["availability"]
    levels: Annotated[tuple[Fraction, ...], Field(strict=False, min_length=1, max_length=50)]
    period_hours: Annotated[float, Field(gt=0.0, le=1e6)] = 8_760.0
    impact_usd_per_hour: Amount | None = None


class PeriodPart(StrictPart):
    """Volume and cost of one period."""

    period: PlainName
    volume: Positive
    amortized_usd: Positive
    on_demand_equivalent_usd: Positive | None = None
    cash_usd: Amount | None = None


class TargetPart(StrictPart):
    """Unit cost to reach, and in how many periods."""

    unit_cost_usd: Positive
    n_periods: Annotated[int, Field(ge=1, le=600)]


class UnitCostCase(_Case):
    """Cost per unit of value over periods."""

    kind: Literal["unit_cost"]
    level: Literal["business", "product", "infrastructure"]
    unit: PlainName
    periods: Annotated[tuple[PeriodPart, ...], Field(strict=False, min_length=1, max_length=1_000)]
    periods_per_year: Annotated[float, Field(gt=0.0, le=8_760.0)] = 12.0
    target: TargetPart | None = None


class FactorPart(StrictPart):
    """One factor of demand, with its range."""

    name: PlainName
    value: Positive
    low: Positive | None = None
    high: Positive | None = None

    @model_validator(mode="after")
    def _range_holds_value(self) -> "FactorPart":
        """Refuse half a range, or one without its value."""
        _refuse_if((self.low is None) != (self.high is None), "low and high (P10 and P90) must be given together")
        _refuse_if(
            self.low is not None and self.high is not None and not self.low <= self.value <= self.high,
            "low and high must hold the value between them",
        )
        return self


class CapacityCase(_Case):
    """Capacity that drivers ask for: factors x (1 + headroom), on the peak."""

    kind: Literal["capacity"]
    unit: PlainName
    factors: Annotated[tuple[FactorPart, ...], Field(strict=False, min_length=1, max_length=20)]
    peak_to_average: Annotated[float, Field(ge=1.0, le=1e6)] = 1.0
    headroom_fraction: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0


Case = Annotated[
    ProjectCase
    | OptionsCase
    | AssetCase
    | StrandedCase
    | PeakHeadroomCase
    | ExpectedLossCase
    | AvailabilityCase
    | UnitCostCase
    | CapacityCase,
    Field(discriminator="kind"),
]


class CaseFile(StrictPart):
    """A file of cases."""

    cases: Annotated[tuple[Case, ...], Field(strict=False, min_length=1, max_length=MAX_CASES)]

    @field_validator("cases")
    @classmethod
    def _names_differ(cls, value: tuple[Case, ...]) -> tuple[Case, ...]:
        """Refuse two cases of one name."""
        names = [case.name for case in value]
        repeated = sorted({name for name in names if names.count(name) > 1})
        _refuse_if(bool(repeated), f"names of cases must differ, {', '.join(map(repr, repeated))} is there twice")
        return value


def read_cases(path: Path) -> tuple[Case, ...]:
    """Cases of a file, in its order.

    Raises
    ------
    InputError
        With all problems.
    """
    return checked(read_document(path), CaseFile, source=str(path), noun="a file of cases").cases
