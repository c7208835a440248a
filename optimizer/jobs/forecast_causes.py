"""What moves demand, for people: effects of events, shifts and successions, growth, cliffs, chances of replacement.

All of it was estimated by the forecast; nothing is estimated here. Not here: how successions become rows
(`optimizer.jobs.forecast_successions`), history hour by hour (`forecasting.parts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.anomalies import Anomaly, find_anomalies
from forecasting.cliffs import Cliff
from forecasting.daily import DailyHistory
from forecasting.decompose import MEAN_DAYS, Decomposition, GrowthPart
from forecasting.event_effects import EventEffect
from forecasting.found_events import shift_effects
from forecasting.found_launches import launch_effects
from forecasting.history import History
from forecasting.mix import MixModel
from forecasting.past import Past
from optimizer.jobs.forecast_series import Series, past_units
from optimizer.jobs.forecast_successions import succession_effects


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolChance:
    """How likely a pool is to be replaced within a year.

    Attributes
    ----------
    pool : str
    mean_units : float
        Mean demand of the last four weeks. [units]
    age_days : int
        Age at the decision; at least this where it is not known. [days]
    is_age_known : bool
        False where the pool is as old as history.
    n_halved, n_expected : float
        Pools of about its size that fell below half of their peak for good, and how many their ages led to expect.
    chance : float
        That its replacement begins within a year, in [0, 1]; 1 where it has begun.
    """

    pool: str
    mean_units: float
    age_days: int
    is_age_known: bool
    n_halved: float
    n_expected: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """What moved demand and what will.

    Attributes
    ----------
    growth : tuple of GrowthPart
        Of the past and of the horizon; all pools together first.
    effects : tuple of EventEffect
        Declared events, and shifts and successions that were found, in order of their start.
    chances : tuple of PoolChance
        Of every pool that others may replace, the largest first.
    cliffs : tuple of Cliff
        When demand crosses declared thresholds.
    anomalies : tuple of Anomaly
        Of the history of every series, in order of time.
    """

    growth: tuple[GrowthPart, ...] = ()
    effects: tuple[EventEffect, ...] = ()
    chances: tuple[PoolChance, ...] = ()
    cliffs: tuple[Cliff, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    def anomalies_since(self, hour: int) -> tuple[Anomaly, ...]:
        """Anomalies that began in an epoch hour or after it."""
        return tuple(found for found in self.anomalies if found.start_hour >= hour)


def causes_of(
    past: Past,
    mix: MixModel,
    growth: Decomposition,
    *,
    cliffs: tuple[Cliff, ...],
    anomalies: tuple[Anomaly, ...],
) -> Causes:
    """Causes of a forecast."""
    effects = (
        *past.effects,
        *launch_effects(past.launches),
        *shift_effects(past.daily, past.shifts),
        *succession_effects(past.daily, mix.successions),
    )
    return Causes(
        growth=tuple(sorted(growth.parts, key=lambda part: part.pool is not None)),
        effects=tuple(sorted(effects, key=lambda effect: effect.start_hour)),
        chances=_chances(past.daily, mix),
        cliffs=cliffs,
        anomalies=anomalies,
    )


def series_anomalies(history: History, told: Sequence[Series]) -> tuple[Anomaly, ...]:
    """Episodes of unexpected demand in the history of every series."""
    found = [
        anomaly
        for series in told
        for anomaly in find_anomalies(past_units(history, series), name=series.name, start_hour=history.start_hour)
    ]
    return tuple(sorted(found, key=lambda anomaly: anomaly.start_hour))


def _chances(daily: DailyHistory, mix: MixModel) -> tuple[PoolChance, ...]:
    """Chances by name, the largest pools first."""
    mean_units = np.asarray(daily.observed[:, -MEAN_DAYS:]).mean(axis=(1, 2))
    told = [
        PoolChance(
            pool=daily.pools[found.pool],
            mean_units=float(mean_units[found.pool]),
            age_days=found.age_days,
            is_age_known=found.is_age_known,
            n_halved=found.n_halved,
            n_expected=found.n_expected,
            chance=found.chance,
        )
        for found in mix.chances
    ]
    return tuple(sorted(told, key=lambda chance: -chance.mean_units))
