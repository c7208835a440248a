"""Scenarios: the weighted joint futures of all pools, the only thing that crosses to the optimizer.

Not here: how they are made (`forecasting.paths`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints

WEIGHT_TOLERANCE = 1e-9  # weights are sums of a few dozen float64 fractions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenarios:
    """Weighted joint sample paths of hourly demand.

    Attributes
    ----------
    pools : tuple of str
        Pool names, in the order of the pool axis.
    hours : IntArray of shape (n_hours,)
        Epoch hours, strictly increasing. They need not be contiguous: a sampled hour stands for
        `hour_weights` hours like it.
    hour_weights : FloatArray of shape (n_hours,)
        Hours that each column stands for, 1 where every hour is present. [h]
    weights : FloatArray of shape (n_scenarios,)
        Probability of each scenario; they sum to 1.
    units : FloatArray of shape (n_scenarios, n_pools, n_hours)
        Demand. [units]

    Raises
    ------
    ValueError
        If shapes disagree, weights do not sum to 1, or a unit is negative or not finite.
    """

    pools: tuple[str, ...]
    hours: IntArray
    hour_weights: FloatArray
    weights: FloatArray
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays and check the shapes and the weights."""
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        object.__setattr__(self, "hour_weights", frozen_floats(self.hour_weights))
        object.__setattr__(self, "weights", frozen_floats(self.weights))
        object.__setattr__(self, "units", frozen_floats(self.units))
        shape = (len(self.weights), len(self.pools), len(self.hours))
        if self.units.shape != shape or self.hour_weights.shape != self.hours.shape:
            msg = f"units must have shape {shape} (scenarios, pools, hours), got {self.units.shape}."
            raise ValueError(msg)
        if abs(float(self.weights.sum()) - 1.0) > WEIGHT_TOLERANCE or np.any(self.weights < 0):
            msg = f"weights must be >= 0 and sum to 1, got a sum of {self.weights.sum()!r}."
            raise ValueError(msg)
        if not np.all(np.isfinite(self.units)) or np.any(self.units < 0):
            msg = "units must be finite and >= 0 in every scenario."
            raise ValueError(msg)

    @property
    def n_scenarios(self) -> int:
        """Number of scenarios."""
        return len(self.weights)

    def on_pools(self, pools: tuple[str, ...]) -> "Scenarios":
        """Return the same scenarios on other pools, in their order; a pool not known here has no demand."""
        if self.pools == pools:
            return self
        units = np.zeros((self.n_scenarios, len(pools), len(self.hours)))
        for row, pool in enumerate(pools):
            if pool in self.pools:
                units[:, row] = self.units[:, self.pools.index(pool)]
        return Scenarios(
            pools=pools, hours=self.hours, hour_weights=self.hour_weights, weights=self.weights, units=units
        )

    def where(self, keep: BoolArray) -> "Scenarios":
        """Return the same scenarios on the hours where `keep`, of shape (n_hours,), is true."""
        return Scenarios(
            pools=self.pools,
            hours=self.hours[keep],
            hour_weights=self.hour_weights[keep],
            weights=self.weights,
            units=self.units[:, :, keep],
        )
