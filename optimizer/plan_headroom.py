"""What a plan says of shortages: chance, loss and headroom by pool and month, lost sites, and work against them.

Not here: how it is found (`optimizer.jobs.shortages`).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortageRow:
    """One pool that declares what a shortage costs, in one month.

    Attributes
    ----------
    pool, month : str
    chosen_units : float
        Firm capacity that the policy asks for. [units]
    advised_units : float
        Firm capacity of the least holding cost and expected loss. [units]
    holding_usd, advised_holding_usd : float
        Cost of holding, in the month, what of each is above firm on-demand. [USD]
    probability : float
        Chance of a shortage at the chosen capacity.
    direct_usd, liability_usd : float
        Expected loss at the chosen capacity: direct, and credits owed. [USD]
    advised_loss_usd : float
        Expected loss at the advised capacity. [USD]
    plan_units, plan_probability, plan_loss_usd : float or None
        Firm capacity that the plan holds, which may be more than asked for, chance and expected loss with it; None
        where quota and availability are not declared. [units, fraction, USD]
    more_units, more_probability, more_impact_usd_per_hour : float or None
        Next capacity that would be advised, and from which chance of a shortage, or impact in an ordinary hour, on.
    less_units, less_probability, less_impact_usd_per_hour : float or None
        The same downward: chance that demand is above the smaller capacity, or impact, below which it is enough.
    """

    pool: str
    month: str
    chosen_units: float
    advised_units: float
    holding_usd: float
    advised_holding_usd: float
    probability: float
    direct_usd: float
    liability_usd: float
    advised_loss_usd: float
    plan_units: float | None
    plan_probability: float | None
    plan_loss_usd: float | None
    more_units: float | None = None
    more_probability: float | None = None
    more_impact_usd_per_hour: float | None = None
    less_units: float | None = None
    less_probability: float | None = None
    less_impact_usd_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteShare:
    """What one pool adds so that its group can lose a site. [units, USD]"""

    pool: str
    site: str
    extra_units: float
    extra_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """One failover group in one month.

    Attributes
    ----------
    group, month : str
    largest_site : str
        Region or zone of the most firm capacity before anything is added.
    peak_units : float
        Peak of the group at the policy's quantile. [normalized units where factors are declared]
    left_units : float
        Firm capacity without that site, before anything is added. [same]
    is_possible : bool
        False where all its pools are in one site: nothing is then demanded, and its loss is not survived.
    extra_usd : float
        Cost of holding what is added, at on-demand rates. [USD]
    parts : tuple of SiteShare
    """

    group: str
    month: str
    largest_site: str
    peak_units: float
    left_units: float
    is_possible: bool
    extra_usd: float
    parts: tuple[SiteShare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MitigationRow:
    """Engineering work against shortages, and the verdict on it.

    Attributes
    ----------
    name : str
    pools : tuple of str
    verdict : {"mitigate", "accept", "decided"}
        Where it is decided already the figures are None: nothing is held without it.
    cost_usd : float or None
        Of the work in the window. [USD]
    saved_usd : float or None
        Holding cost and expected loss that it saves: the cost at which the verdict flips. [USD]
    holding_usd, loss_usd, mitigated_holding_usd, mitigated_loss_usd : float or None
        Of the pools of all work that shares pools with it, in the window, without and with it. [USD]
    probability : float or None
        Mean chance in a month that demand of its pools is above what is firm before anything is decided.
    flip_below_factor, flip_above_factor : float or None
        Nearest factors on that chance, or on the loss of a shortage, at which the verdict flips; None where it does not
        between 1/1000 and 1000.
    flip_below_probability, flip_above_probability : float or None
        That chance at the flip; None also where it would be above 1.
    """

    name: str
    pools: tuple[str, ...]
    verdict: Literal["mitigate", "accept", "decided"]
    cost_usd: float | None = None
    saved_usd: float | None = None
    holding_usd: float | None = None
    loss_usd: float | None = None
    mitigated_holding_usd: float | None = None
    mitigated_loss_usd: float | None = None
    probability: float | None = None
    flip_below_factor: float | None = None
    flip_below_probability: float | None = None
    flip_above_factor: float | None = None
    flip_above_probability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHeadroom:
    """All of it.

    Attributes
    ----------
    by : {"fixed", "expected_loss"}
    n_plus_one : {"none", "zone", "region"}
    quantile : float
        At which peaks count.
    shortages : tuple of ShortageRow
    sites : tuple of SiteRow
    mitigations : tuple of MitigationRow
    """

    by: str
    n_plus_one: str
    quantile: float
    shortages: tuple[ShortageRow, ...] = ()
    sites: tuple[SiteRow, ...] = ()
    mitigations: tuple[MitigationRow, ...] = ()
