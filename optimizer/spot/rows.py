"""What a plan says of spot, pool by pool, as plain records.

Not here: how the numbers are found (`optimizer.jobs.spot`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotDeadline:
    """What the deadline of a pool's work on spot comes to.

    Attributes
    ----------
    window_hours, work_hours : float
        As declared. [h]
    spot_fraction, on_demand_fraction : float
        Expected parts of the work.
    fallback_probability : float
        Chance that a piece of work runs on demand in part.
    miss_probability : float
        Chance that a piece would miss its deadline on spot alone.
    patience_hours : int
        Hours into the window from which it runs on demand where spot has not come at all. [h]
    waiting_usd : float
        Rate of an hour of work that could wait for spot however long. [USD/unit-hour]
    promise_usd : float
        Expected cost of keeping the deadline inside the window of the plan, above waiting. [USD]
    """

    window_hours: float
    work_hours: float
    spot_fraction: float
    on_demand_fraction: float
    fallback_probability: float
    miss_probability: float
    patience_hours: int
    waiting_usd: float
    promise_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRow:
    """Spot of one pool in the window of a plan.

    Attributes
    ----------
    pool : str
    eligible_fraction, availability : float
        As declared.
    outage_hours, correlation : float or None
        As declared; None where the length of outages is not.
    drawn_availability : float or None
        Part of the scenarios' hours in which spot is there; None where hours without it are not drawn.
    spot_usd : float
        Rate while spot is there, rework included. [USD/unit-hour]
    rate_usd : float
        Expected rate of an eligible unit that no commitment covers: hours on demand included. [USD/unit-hour]
    on_demand_usd : float
        [USD/unit-hour]
    spot_units : float
        Mean on spot. [units]
    displaced_units : float
        Mean of what would run on spot if it were there: on demand, or where hours without it are drawn on commitments
        too. [units]
    outage_extra_units : float
        Highest hour on spot, at the policy's quantile: what an outage then asks for on demand, at most. [units]
    outage_on_demand_units : float
        Highest hour on demand if all spot were gone, at the same quantile. [units]
    quota_units, over_quota_units : float or None
        On-demand quota, and what of that hour is above it; None where no quota is declared. [units]
    deadline : SpotDeadline or None
    """

    pool: str
    eligible_fraction: float
    availability: float
    outage_hours: float | None
    correlation: float | None
    drawn_availability: float | None
    spot_usd: float
    rate_usd: float
    on_demand_usd: float
    spot_units: float
    displaced_units: float
    outage_extra_units: float
    outage_on_demand_units: float
    quota_units: float | None
    over_quota_units: float | None
    deadline: SpotDeadline | None
