"""Rules that buy by looking back, as data: those that tools are known for, re-made from public documentation.

None is a vendor's product. Not here: what a rule buys (`optimizer.jobs.backtest.rivals`), a user's own
(`optimizer.jobs.backtest.rule_file`).
"""

from dataclasses import dataclass
from enum import StrEnum

from optimizer.offers import OfferKind


class Statistic(StrEnum):
    """What a rule takes from the past.

    OPTIMUM: the quantities that would have cost least over the hours looked back on. MEAN, MINIMUM, QUANTILE: a level
    of what each offer could have covered in those hours.
    """

    OPTIMUM = "optimum"
    MEAN = "mean"
    MINIMUM = "minimum"
    QUANTILE = "quantile"


RESERVATIONS = (OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE)
PLANS = (OfferKind.COMPUTE_SAVINGS_PLAN,)
SELLABLE = (*RESERVATIONS, OfferKind.INSTANCE_SAVINGS_PLAN, OfferKind.COMPUTE_SAVINGS_PLAN, OfferKind.OWNED_HARDWARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name : str
        Unique in a run.
    title : str
        For people.
    look_back_days : tuple of int
        With several the lowest of the answers counts, offer by offer. Empty: nothing is ever bought.
    statistic : Statistic
    quantile_level : float
        Of `Statistic.QUANTILE`.
    coverage_fraction : float
        Part of the level, or of the optimum, that is to be covered.
    kinds : tuple of OfferKind
        What may be bought.
    term_months : int or None
        None: the shortest term that the run allows and the price list has.
    """

    name: str
    title: str
    look_back_days: tuple[int, ...] = ()
    statistic: Statistic = Statistic.OPTIMUM
    quantile_level: float = 0.5
    coverage_fraction: float = 1.0
    kinds: tuple[OfferKind, ...] = PLANS
    term_months: int | None = None


def _optimum(name: str, title: str, *days: int, kinds: tuple[OfferKind, ...] = PLANS) -> Rule:
    """Rule that buys what would have been best."""
    return Rule(name=name, title=title, look_back_days=days, kinds=kinds)


BOTH = (*RESERVATIONS, OfferKind.INSTANCE_SAVINGS_PLAN, OfferKind.COMPUTE_SAVINGS_PLAN)
KEEP_OWNED = Rule(name="keep_owned", title="Keep what is owned")
BUILT_IN = (
    *(_optimum(f"aws_plans_{days}", f"AWS-style: savings plans only, last {days} days", days) for days in (7, 30, 60)),
    *(
        _optimum(f"aws_both_{days}", f"AWS-style: plans and reservations, last {days} days", days, kinds=BOTH)
        for days in (7, 30, 60)
    ),
    _optimum("azure_min_3_30", "Azure-style: savings plans, lower of 3 and 30 days", 3, 30),
    Rule(
        name="gcp_stable",
        title="GCP-style stable: reservations at the 30-day floor",
        look_back_days=(30,),
        statistic=Statistic.MINIMUM,
        kinds=RESERVATIONS,
    ),
    Rule(
        name="coverage_80",
        title="Savings plans over 80 % of the 30-day mean",
        look_back_days=(30,),
        statistic=Statistic.MEAN,
        coverage_fraction=0.8,
    ),
    Rule(
        name="floor_30",
        title="Savings plans at the 30-day floor",
        look_back_days=(30,),
        statistic=Statistic.MINIMUM,
    ),
    KEEP_OWNED,
)
