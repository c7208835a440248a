"""Offers of a committed-spend contract, as a file: commitments by year, discount, and what every clause says.

Amounts are never guessed: only clauses that ask for nothing have defaults, and AWS's published support tiers. Not here:
what an offer is worth (`optimizer.jobs.contract`).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from forecasting.errors import InputError, Problem
from forecasting.frames import read_document
from optimizer.strict_documents import PlainName, StrictPart, checked

MAX_YEARS = 5
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Discount = Annotated[float, Field(ge=0.0, le=0.95)]
Growth = Annotated[float, Field(ge=-0.95, le=5.0)]
Amount = Annotated[float, Field(ge=0.0, le=1e12)]
Names = Annotated[tuple[PlainName, ...], Field(strict=False)]
YearlyAmounts = Annotated[tuple[Amount, ...], Field(strict=False, min_length=1, max_length=MAX_YEARS)]


class Tier(StrictPart):
    """A part of a month's spend, and what support costs of it."""

    up_to_usd: Amount | None
    fee_fraction: Fraction


# AWS Enterprise Support: 10 % of the first 150,000 USD of a month, 7 % to 500,000, 5 % to a million, 3 % above.
ENTERPRISE_TIERS = (
    Tier(up_to_usd=150_000.0, fee_fraction=0.10),
    Tier(up_to_usd=500_000.0, fee_fraction=0.07),
    Tier(up_to_usd=1_000_000.0, fee_fraction=0.05),
    Tier(up_to_usd=None, fee_fraction=0.03),
)
ENTERPRISE_MINIMUM_USD = 15_000.0  # a month


class Support(StrictPart):
    """The support that the contract requires: a fee on each month's spend."""

    counts: bool
    already_paid: bool
    of_spend: Literal["before_discount", "after_discount"] = "before_discount"
    minimum_usd_per_month: Amount = ENTERPRISE_MINIMUM_USD
    tiers: Annotated[tuple[Tier, ...], Field(strict=False, min_length=1)] = ENTERPRISE_TIERS

    @field_validator("tiers")
    @classmethod
    def _tiers_rise(cls, value: tuple[Tier, ...]) -> tuple[Tier, ...]:
        """Refuse tiers out of order, or a last one that ends."""
        ends = [tier.up_to_usd for tier in value]
        known = [end for end in ends[:-1] if end is not None]
        if ends[-1] is not None or len(known) < len(ends) - 1 or sorted(set(known)) != known:
            code, rule = "tiers", "up_to_usd must rise from tier to tier, and be null in the last one"
            raise PydanticCustomError(code, rule)
        return value


class Marketplace(StrictPart):
    """Marketplace spend, which may count towards the commitment."""

    usd_per_year: Amount
    counted_fraction: Fraction
    cap_fraction: Fraction | None


class Counting(StrictPart):
    """Whether payments for savings plans and reservations count."""

    savings_plans: bool
    reservations: bool
    upfront: Literal["when_paid", "amortized", "never"]


class Shortfall(StrictPart):
    """What happens to the difference where a year's commitment is missed."""

    rule: Literal["paid", "prepayment", "forfeited"]
    months: Annotated[int, Field(ge=1, le=12)] | None = None
    used_after_end: bool = False

    @model_validator(mode="after")
    def _months_fit(self) -> "Shortfall":
        """Ask for the months of a prepayment, and for none of what is lost."""
        if (self.rule == "prepayment") != (self.months is not None):
            code, rule = "months", "months must be given with rule prepayment, and only there"
            raise PydanticCustomError(code, rule)
        if self.used_after_end and self.rule != "prepayment":
            code, rule = "after", "used_after_end must be false where nothing is carried as a prepayment"
            raise PydanticCustomError(code, rule)
        return self


class Override(StrictPart):
    """Another discount for some pools or regions; the first that names a pool applies to it."""

    pools: Names = ()
    regions: Names = ()
    discount_fraction: Discount


class Exclusion(StrictPart):
    """Pools and regions that get no discount and do not count."""

    pools: Names = ()
    regions: Names = ()


class ContractOffer(StrictPart):
    """One offer."""

    name: PlainName
    provider: PlainName
    commitments_usd: YearlyAmounts | None = None
    first_year_usd: Amount | None = None
    years: Annotated[int, Field(ge=1, le=MAX_YEARS)] | None = None
    growth_fraction: Growth | None = None
    discount_fraction: Discount
    overrides: Annotated[tuple[Override, ...], Field(strict=False)] = ()
    excluded: Exclusion = Exclusion()
    basis: Literal["net", "gross"]
    counting: Counting
    discounts_commitments: bool
    marketplace: Marketplace | None = None
    support: Support | None = None
    shortfall: Shortfall
    move_to_next_year_fraction: Fraction = 0.0

    @model_validator(mode="after")
    def _years_are_given_once(self) -> "ContractOffer":
        """Ask for the commitment of each year, or for the first with its growth step."""
        step = (self.first_year_usd, self.years, self.growth_fraction)
        has_step = [part is not None for part in step]
        if (self.commitments_usd is None) != all(has_step) or (self.commitments_usd is not None and any(has_step)):
            code = "years"
            rule = "must have either commitments_usd, or first_year_usd with years and growth_fraction"
            raise PydanticCustomError(code, rule)
        return self

    @property
    def annual_usd(self) -> tuple[float, ...]:
        """Commitment of each year. [USD]"""
        if self.commitments_usd is not None:
            return self.commitments_usd
        first, growth = self.first_year_usd or 0.0, 1.0 + (self.growth_fraction or 0.0)
        return tuple(first * growth**year for year in range(self.years or 0))


class OtherSpend(StrictPart):
    """Eligible spend outside the planned pools, that of the first year, and how fast it grows (P10, P50, P90)."""

    name: PlainName
    provider: PlainName
    usd_per_year: Amount
    growth_fraction: Annotated[tuple[Growth, Growth, Growth], Field(strict=False)]

    @field_validator("growth_fraction")
    @classmethod
    def _in_order(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        """Refuse quantiles that fall."""
        if list(value) != sorted(value):
            code, rule = "order", "P10, P50 and P90 must not fall"
            raise PydanticCustomError(code, rule)
        return value


class ContractOffers(StrictPart):
    """A file of offers."""

    currency: Literal["USD"]
    other_spend: Annotated[tuple[OtherSpend, ...], Field(strict=False)] = ()
    offers: Annotated[tuple[ContractOffer, ...], Field(strict=False, min_length=1, max_length=20)]


def read_contract_offers(path: Path) -> ContractOffers:
    """Offers of a YAML file.

    Raises
    ------
    InputError
        With all problems; the column is the path of the key, the row its line.
    """
    found = checked(read_document(path), ContractOffers, source=str(path), noun="a file of offers")
    names = [offer.name for offer in found.offers]
    problems = [
        Problem(column=f"offers[{place}].name", message=f"must be unique, got {name!r} again. Choose another name.")
        for place, name in enumerate(names, start=1)
        if name in names[: place - 1]
    ]
    if problems:
        raise InputError(str(path), problems)
    return found
