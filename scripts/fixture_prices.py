"""The price list of the fixture: AWS list rates of a few instance types, and every offer that follows from them.

Not here: demand, commitments and the other files (`make_fixtures.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

Row = tuple[str | int | float, ...]
PRICE_HEADER = (
    "offer_id",
    "kind",
    "provider",
    "region",
    "pool",
    "term_months",
    "payment_option",
    "hourly_usd",
    "upfront_usd",
)
TERM_HOURS = {12: 8_760, 36: 26_280}
PAYMENT_OPTIONS = ("none", "partial", "all")
# Effective rate of a payment option as a share of the no-upfront rate, in AWS's price lists since 2021.
SHARE_OF_NO_UPFRONT = {
    ("standard", 12): {"none": 1.0, "partial": 1 / 1.05, "all": 0.98 / 1.05},
    ("standard", 36): {"none": 1.0, "partial": 1 / 1.08, "all": 0.94 / 1.08},
    ("convertible", 12): {"none": 1.0, "partial": 1 / 1.05, "all": 0.98 / 1.05},
    ("convertible", 36): {"none": 1.0, "partial": 1 / 1.08, "all": 0.98 / 1.08},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """List rates of one instance type in one region, Linux, shared tenancy. [USD/h]

    Attributes
    ----------
    size, factor : str, float
        Size and its normalization factor.
    on_demand : float
    standard, convertible : tuple of two floats
        No-upfront reserved rates for 1 and 3 years.
    spot : float or None
        Average over the region's zones; None where the fixture gives no spot price.
    can_reserve_capacity : bool
        Whether the fixture offers an on-demand capacity reservation.
    """

    region: str
    family: str
    size: str = "xlarge"
    factor: float = 8.0
    on_demand: float
    standard: tuple[float, float]
    convertible: tuple[float, float]
    spot: float | None = None
    can_reserve_capacity: bool = False

    @property
    def pool(self) -> str:
        """Name of the pool."""
        return f"{self.region}/{self.family}.{self.size}"

    @property
    def family_name(self) -> str:
        """Name of the family in its region."""
        return f"{self.region}/{self.family}"


US, EU = "us-east-1", "eu-west-1"
TWICE = {"size": "2xlarge", "factor": 16.0}
RATES = (
    Rate(region=US, family="m5", on_demand=0.192, standard=(0.121, 0.083), convertible=(0.141, 0.097)),
    Rate(
        region=US,
        family="m6i",
        on_demand=0.192,
        standard=(0.12701, 0.08709),
        convertible=(0.14106, 0.09737),
        can_reserve_capacity=True,
    ),
    Rate(region=US, family="c5", **TWICE, on_demand=0.34, standard=(0.214, 0.142), convertible=(0.246, 0.164)),
    Rate(
        region=US,
        family="c6i",
        **TWICE,
        on_demand=0.34,
        standard=(0.22491, 0.14969),
        convertible=(0.2457, 0.16416),
        spot=0.16162,
    ),
    Rate(region=US, family="r5", on_demand=0.252, standard=(0.159, 0.109), convertible=(0.183, 0.131)),
    Rate(region=US, family="r5", **TWICE, on_demand=0.504, standard=(0.318, 0.218), convertible=(0.366, 0.262)),
    Rate(
        region=US,
        family="g5",
        on_demand=1.006,
        standard=(0.63378, 0.43459),
        convertible=(0.79223, 0.54324),
        can_reserve_capacity=True,
    ),
    Rate(region=EU, family="m5", on_demand=0.214, standard=(0.135, 0.092), convertible=(0.173, 0.122)),
    Rate(region=EU, family="m6i", on_demand=0.214, standard=(0.14156, 0.09707), convertible=(0.16244, 0.11244)),
    Rate(
        region=EU,
        family="c6i",
        **TWICE,
        on_demand=0.3648,
        standard=(0.2415, 0.16632),
        convertible=(0.27876, 0.19061),
        spot=0.208667,
        can_reserve_capacity=True,
    ),
    Rate(region=EU, family="c7g", **TWICE, on_demand=0.3101, standard=(0.2053, 0.1414), convertible=(0.2369, 0.162)),
    # Listed, but nobody uses it yet: no offer on it may be considered before an event names it.
    Rate(region=US, family="m7g", on_demand=0.1632, standard=(0.108, 0.074), convertible=(0.1199, 0.0828)),
)


def price_rows() -> list[Row]:
    """Every row of the price list, in the order of the contract's columns."""
    rows: list[Row] = []
    for rate in RATES:
        rows.append(_row(rate, f"od:{rate.pool}", "on_demand", hourly_usd=rate.on_demand))
        if rate.spot is not None:
            rows.append(_row(rate, f"spot:{rate.pool}", "spot", hourly_usd=rate.spot))
        if rate.can_reserve_capacity:
            rows.append(_row(rate, f"odcr:{rate.pool}", "capacity_reservation", hourly_usd=rate.on_demand))
    for term_months in TERM_HOURS:
        for option in PAYMENT_OPTIONS:
            rows.extend(_reserved_rows(term_months, option))
            rows.extend(_plan_rows(term_months, option))
    return rows


def effective_hourly_usd(rate: Rate, discount: str, term_months: int, option: str) -> float:
    """Rate with the upfront part spread over the term. [USD/h]"""
    no_upfront = (rate.standard if discount == "standard" else rate.convertible)[0 if term_months == 12 else 1]
    return no_upfront * SHARE_OF_NO_UPFRONT[discount, term_months][option]


def _reserved_rows(term_months: int, option: str) -> Iterator[Row]:
    """Reservations of each family: one row for each size, proportional to its factor (size-flexible)."""
    for discount, short in (("standard", "std"), ("convertible", "conv")):
        for rate in RATES:
            smallest = next(other for other in RATES if other.family_name == rate.family_name)
            hourly, upfront = _payments(smallest, discount, term_months, option)
            scale = rate.factor / smallest.factor
            yield _row(
                rate,
                f"ri-{short}-{term_months}-{option}:{rate.family_name}",
                f"reserved_{discount}",
                terms=(term_months, option),
                hourly_usd=round(hourly * scale, 6),
                upfront_usd=upfront * scale,
            )


def _payments(rate: Rate, discount: str, term_months: int, option: str) -> tuple[float, float]:
    """Hourly and upfront price of one unit; upfront in whole dollars, as AWS lists it. [USD/h], [USD]"""
    effective = effective_hourly_usd(rate, discount, term_months, option)
    hours = TERM_HOURS[term_months]
    if option == "none":
        return round(effective, 6), 0.0
    if option == "all":
        return 0.0, float(round(effective * hours))
    upfront = float(round(effective * hours / 2))
    return round(effective - upfront / hours, 6), upfront


def _plan_rows(term_months: int, option: str) -> Iterator[Row]:
    """Plans: the instance plan has the standard reservation's rate, the compute plan the convertible one's."""
    for rate in RATES:
        instance = effective_hourly_usd(rate, "standard", term_months, option)
        yield _row(
            rate,
            f"isp-{term_months}-{option}:{rate.family_name}",
            "instance_savings_plan",
            terms=(term_months, option),
            hourly_usd=round(instance, 5),
        )
    for rate in RATES:
        compute = effective_hourly_usd(rate, "convertible", term_months, option)
        yield _row(
            rate,
            f"csp-{term_months}-{option}",
            "compute_savings_plan",
            terms=(term_months, option),
            hourly_usd=round(compute, 5),
        )


def _row(
    rate: Rate,
    offer_id: str,
    kind: str,
    *,
    hourly_usd: float,
    upfront_usd: float = 0.0,
    terms: tuple[int, str] = (0, "none"),
) -> Row:
    """One row of the price list."""
    region = "global" if kind == "compute_savings_plan" else rate.region
    return (offer_id, kind, "aws", region, rate.pool, *terms, hourly_usd, upfront_usd)
