"""What is asked of a forecast: from when, for which hours, with how many paths, and which drivers it may follow.

Not here: how it is made (`forecasting.forecast`).
"""

from dataclasses import dataclass, field

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.drivers import Drivers

__all__ = ["ForecastRequest", "ForecastSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSettings:
    """How a forecast is made.

    Attributes
    ----------
    n_paths : int
        Sample paths drawn at the daily level.
    n_scenarios : int
        Weighted scenarios they are reduced to; as many as paths: every path with equal weight.
    holiday_country : str
        Country whose holidays count (ISO 3166 alpha-2); empty for none.
    """

    n_paths: int = 200
    n_scenarios: int = 40
    holiday_country: str = "US"

    def __post_init__(self) -> None:
        """Check the counts."""
        if not 1 <= self.n_scenarios <= self.n_paths:
            msg = f"n_scenarios must be between 1 and n_paths ({self.n_paths}), got {self.n_scenarios}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForecastRequest:
    """What is to be forecast, and from when.

    Attributes
    ----------
    as_of_hour : int
        Epoch hour of the decision: nothing at or after it is read.
    hours : IntArray of shape (n_hours,)
        Epoch hours wanted, strictly increasing, none before as-of.
    hour_weights : FloatArray of shape (n_hours,)
        Hours that each stands for. [h]
    settings : ForecastSettings
    drivers : Drivers or None
        Drivers of demand, by the relations of the roadmap; None without any.
    roadmap_source : str
        Name of the file that declares events and relations, for messages.
    """

    as_of_hour: int
    hours: IntArray
    hour_weights: FloatArray
    settings: ForecastSettings = field(default_factory=ForecastSettings)
    drivers: Drivers | None = None
    roadmap_source: str = "the roadmap"

    def __post_init__(self) -> None:
        """Freeze the arrays and check the hours."""
        object.__setattr__(self, "hours", frozen_ints(self.hours))
        object.__setattr__(self, "hour_weights", frozen_floats(self.hour_weights))
        if len(self.hours) == 0 or self.hours[0] < self.as_of_hour or np.any(np.diff(self.hours) <= 0):
            first = self.hours[:1].tolist()
            msg = f"hours must be strictly increasing from as-of ({self.as_of_hour}) on, got {first} as the first."
            raise ValueError(msg)
