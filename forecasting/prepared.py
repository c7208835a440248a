"""A forecast drawn but not yet laid out: any hours of its paths, block by block, without another random number.

Not here: fitting and drawing (`forecasting.forecast`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.baseline import Baseline, Draws
from forecasting.cleaning import raise_by_spikes
from forecasting.daily import DailyHistory
from forecasting.events import EventDraws, apply_change, future_change
from forecasting.hours import HOURS_PER_DAY
from forecasting.relations import DriverModel
from forecasting.roadmap import Event

BLOCK_DAYS = 64  # laid out at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpikeDraws:
    """Sampled spikes of one group: where demand is raised, and to how many times the usual.

    Attributes
    ----------
    paths, hours : IntArray of shape (n_raised,)
        Row of the path, and hours since the end of history.
    factors : FloatArray of shape (n_raised,)
        Above 1.
    """

    paths: IntArray
    hours: IntArray
    factors: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "paths", frozen_ints(self.paths))
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        object.__setattr__(self, "factors", frozen_floats(self.factors))

    def on(self, wanted: IntArray, n_paths: int) -> FloatArray:
        """Factors on some increasing hours since the end of history, 1 without a spike. (n_paths, n_wanted)."""
        place = np.minimum(np.searchsorted(wanted, self.hours), len(wanted) - 1)
        inside = wanted[place] == self.hours
        factors = np.ones((n_paths, len(wanted)))
        factors[self.paths[inside], place[inside]] = self.factors[inside]
        return factors

    def of(self, paths: IntArray) -> "SpikeDraws":
        """Return the spikes of some paths only, in increasing order."""
        place = np.minimum(np.searchsorted(paths, self.paths), len(paths) - 1)
        inside = paths[place] == self.paths
        return SpikeDraws(paths=place[inside], hours=self.hours[inside], factors=self.factors[inside])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriverDraws:
    """Sampled drivers: what they make of demand on each day of the horizon.

    Attributes
    ----------
    log_factors : FloatArray of shape (n_targets, n_paths, n_days)
    row_of : IntArray of shape (n_pools + n_groups,)
        Target of each row of sampled units; unnamed demand follows the group's first pool.
    """

    log_factors: FloatArray
    row_of: IntArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "log_factors", frozen_floats(self.log_factors))
        object.__setattr__(self, "row_of", frozen_ints(self.row_of))

    def of(self, paths: IntArray) -> "DriverDraws":
        """Return the draws of some paths only."""
        return DriverDraws(log_factors=self.log_factors[:, paths], row_of=self.row_of)

    def factors(self, horizon_days: IntArray) -> FloatArray:
        """Factors of the rows of sampled units. Shape (n_paths, n_pools + n_groups, n_wanted_days)."""
        by_target = np.exp(self.log_factors[:, :, horizon_days])
        factors: FloatArray = by_target[self.row_of].transpose(1, 0, 2)
        return factors


def draw_drivers(
    model: DriverModel, daily: DailyHistory, *, n_paths: int, n_days: int, rng: np.random.Generator
) -> DriverDraws:
    """Draw drivers and their elasticities over the horizon."""
    first_pools = [int(np.flatnonzero(daily.group_of == group)[0]) for group in range(len(daily.groups))]
    row_of = np.concatenate([model.row_of_pool, model.row_of_pool[first_pools]])
    return DriverDraws(log_factors=model.sample(n_paths, n_days, rng), row_of=row_of)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Everything drawn for weighted paths.

    Attributes
    ----------
    daily : DailyHistory
    baseline : Baseline
    draws : Draws
    events : tuple of (Event, EventDraws)
        In the order in which they act.
    weights : FloatArray of shape (n_paths,)
        Sum to 1.
    spikes : tuple of SpikeDraws
        One for each group; none for daily means.
    drivers : DriverDraws or None
    """

    daily: DailyHistory
    baseline: Baseline
    draws: Draws
    events: tuple[tuple[Event, EventDraws], ...]
    weights: FloatArray
    spikes: tuple[SpikeDraws, ...] = ()
    drivers: DriverDraws | None = field(default=None)

    def __post_init__(self) -> None:
        """Freeze the weights."""
        object.__setattr__(self, "weights", frozen_floats(self.weights))

    @property
    def n_pools(self) -> int:
        """Number of pools."""
        return len(self.daily.pools)

    def of(self, paths: IntArray, weights: FloatArray) -> "Prepared":
        """Return some paths only, in increasing order, with weights of their own."""
        return replace(
            self,
            draws=self.draws.of(paths),
            events=tuple((event, draws.of(paths)) for event, draws in self.events),
            weights=weights,
            spikes=tuple(spikes.of(paths) for spikes in self.spikes),
            drivers=None if self.drivers is None else self.drivers.of(paths),
        )

    def hourly(self, hours: IntArray, *, tell: Callable[[FloatArray], None] | None = None) -> FloatArray:
        """Demand of pools, and then unnamed demand of groups. Shape (n_paths, n_pools + n_groups, n_hours).

        Parameters
        ----------
        hours : IntArray of shape (n_hours,)
            Epoch hours, strictly increasing.
        tell : callable, optional
            Is given the demand of pools before any event and after each; it must not keep it.
        """
        units = self.baseline.hourly_units(self.draws, hours)
        before = [units[:, self.baseline.rows(group)].sum(axis=1) for group in range(len(self.spikes))]
        days, column = np.unique(hours // HOURS_PER_DAY, return_inverse=True)
        if self.drivers is not None:
            units *= self.drivers.factors(days - self.daily.origin_day)[:, :, column]
        for group, spikes in enumerate(self.spikes):
            self._raise(units, group, before[group], spikes, hours)
        self._apply_events(units, hours, tell)
        return units

    def daily_means(self, days: IntArray, *, tell: Callable[[FloatArray], None] | None = None) -> FloatArray:
        """Daily mean of pools with events but without spikes, on epoch days. Shape (n_paths, n_pools, n_days).

        `tell` is as in `hourly`.
        """
        units = self.baseline.daily_units(self.draws, days - self.daily.origin_day)
        if self.drivers is not None:
            units *= self.drivers.factors(days - self.daily.origin_day)
        self._apply_events(units, days * HOURS_PER_DAY + HOURS_PER_DAY // 2, tell)
        return units[:, : self.n_pools]

    def _raise(self, units: FloatArray, group: int, before: FloatArray, spikes: SpikeDraws, hours: IntArray) -> None:
        """Raise a group by its sampled spikes, in place; what is usual has moved with the drivers."""
        factors = spikes.on(hours - self.daily.origin_hour, len(units))
        if not np.any(factors > 1.0):
            return
        rows = self.baseline.rows(group)
        usual = self.baseline.usual_units(self.draws, group, hours)
        usual *= units[:, rows].sum(axis=1) / np.where(before > 0, before, 1.0)
        raise_by_spikes(units, rows, usual * factors, usual)

    def _apply_events(self, units: FloatArray, hours: IntArray, tell: Callable[[FloatArray], None] | None) -> None:
        """Apply what is left of every event to the pools, in place."""
        pools = units[:, : self.n_pools]
        if tell is not None:
            tell(pools)
        for event, draws in self.events:
            change = future_change(event, draws, hours, origin_hour=self.daily.origin_hour)
            if change is not None:
                apply_change(pools, self.daily.pools, event, change)
            if tell is not None:
                tell(pools)


def sparse_spikes(factors: FloatArray) -> SpikeDraws:
    """Spikes of factors of shape (n_paths, n_hours) since the end of history."""
    paths, hours = np.nonzero(factors > 1.0)
    return SpikeDraws(paths=paths, hours=hours, factors=factors[paths, hours])


def staged(prepared: Prepared, hours: IntArray, hour_weights: FloatArray) -> FloatArray:
    """Means over some hours: organic, then with each further event. Shape (n_events + 1, n_paths, n_pools)."""
    stages: list[FloatArray] = []
    prepared.hourly(hours, tell=lambda units: stages.append(np.average(units, axis=2, weights=hour_weights)))
    return np.stack(stages)


def staged_days(prepared: Prepared, days: IntArray) -> FloatArray:
    """Expected daily means: organic, then with each further event. Shape (n_events + 1, n_pools, n_days). [units]"""
    stages: list[FloatArray] = []
    prepared.daily_means(days, tell=lambda units: stages.append(np.einsum("s,spd->pd", prepared.weights, units)))
    return np.stack(stages)


def in_blocks(hours: IntArray, *, n_days: int) -> Sequence[IntArray]:
    """Hours cut at midnight into blocks of at most `n_days` days."""
    days = hours // HOURS_PER_DAY
    return np.split(hours, np.flatnonzero(np.diff((days - days[0]) // n_days)) + 1)
