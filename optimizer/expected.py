"""What a plan expects day by day: demand, its cost by pool, what is committed, and what declared events change.

Not here: how it is computed (`optimizer.jobs.expected`), the file it is kept in (`optimizer.expected_file`).
"""

from dataclasses import dataclass, replace

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints

EXPECTED_LEVELS = (0.1, 0.5, 0.9)
DAILY_FIELDS = (  # whose last axis is the days
    *("mean_units", "day_units", "to_date_units", "on_demand_usd", "served_usd", "fee_usd", "unused_usd"),
    *("eligible_usd", "covered_usd", "locked_in_usd", "cost_to_date_usd"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedEvent:
    """What one declared event is expected to change, in the mean of all scenarios.

    Attributes
    ----------
    name : str
    pools : tuple of str
        Those whose demand it changes.
    units : FloatArray of shape (n_pools, n_days)
        Change of the daily mean, below 0 where demand goes. [units]
    """

    name: str
    pools: tuple[str, ...]
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "units", frozen_floats(self.units))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """Expectations of a plan on every whole day of its window. Quantiles are P10, P50 and P90.

    Attributes
    ----------
    pools : tuple of str
    days : IntArray of shape (n_days,)
        Epoch days, without a gap.
    mean_units : FloatArray of shape (n_pools + 1, n_days)
        Expected daily mean of each pool, then of all together. [units]
    day_units : FloatArray of shape (3, n_pools + 1, n_days)
        Quantiles of the daily mean. [units]
    to_date_units : FloatArray of shape (3, n_pools + 1, n_days)
        Quantiles of the mean since the first day. [units]
    on_demand_usd : FloatArray of shape (n_pools, n_days)
        Expected demand at on-demand prices. [USD]
    served_usd : FloatArray of shape (n_pools, n_days)
        Expected cost of what serves it: on demand, spot, and the used part of commitments. [USD]
    fee_usd, unused_usd : FloatArray of shape (n_days,)
        Expected fees of all commitments, and the part that no usage consumes. [USD]
    eligible_usd, covered_usd : FloatArray of shape (n_days,)
        Expected demand off spot at on-demand prices, and the covered part of it. [USD]
    locked_in_usd : FloatArray of shape (n_days,)
        Fees still to come, after the day, of what is held at its end. [USD]
    cost_to_date_usd : FloatArray of shape (3, n_days)
        Quantiles of the cost since the first day. [USD]
    events : tuple of ExpectedEvent
        In the order in which they act: each is what it changes after those before it.
    knows_events : bool
        False where demand follows another model, whose events are not told apart.
    """

    pools: tuple[str, ...]
    days: IntArray
    mean_units: FloatArray
    day_units: FloatArray
    to_date_units: FloatArray
    on_demand_usd: FloatArray
    served_usd: FloatArray
    fee_usd: FloatArray
    unused_usd: FloatArray
    eligible_usd: FloatArray
    covered_usd: FloatArray
    locked_in_usd: FloatArray
    cost_to_date_usd: FloatArray
    events: tuple[ExpectedEvent, ...]
    knows_events: bool

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "days", frozen_ints(self.days))
        for name in DAILY_FIELDS:
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def of_days(self, n_days: int) -> "Expected":
        """Expectations of the first days only."""
        return replace(
            self,
            **{name: getattr(self, name)[..., :n_days] for name in ("days", *DAILY_FIELDS)},
            events=tuple(replace(event, units=event.units[:, :n_days]) for event in self.events),
        )
