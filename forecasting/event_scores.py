"""An event's effect as one number, its score: what it makes of demand in logs, and the event that has another score.

The score of a launch or promotion given as a factor is the log of the factor; of added units, and of what a pool loses,
it is what came over what was declared. Not here: how scores are estimated (`forecasting.event_effects`).
"""

from dataclasses import replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.event_kinds import GAINING_KINDS, EventKind, RampShape
from forecasting.events import NORMAL_Q90
from forecasting.roadmap import Event

LEAST_LEFT = 0.01  # of a pool's demand: below it nothing is left, as logarithms see it
MAX_LOG_FACTOR = 14.0  # of a promotion: a million times
MAX_RATIO = 1_000.0  # of what came over what was declared
SURE_SD = 1e-9


def primary_pools(event: Event) -> tuple[str, ...]:
    """Pools on whose demand the event's size is measured: those that gain by a launch, those that lose otherwise."""
    if event.kind is EventKind.CAPACITY_CLIFF:
        return ()
    pools = [pool for pool, _ in event.to_shares] if event.kind in GAINING_KINDS else event.from_pools
    return tuple(sorted(set(pools)))


def is_factor(event: Event) -> bool:
    """Whether the score is the log of a factor, not what came over what was declared."""
    return event.kind in GAINING_KINDS and event.add_units is None


def has_score(event: Event) -> bool:
    """Whether there is a size to be estimated at all."""
    if event.kind is EventKind.CAPACITY_CLIFF or (event.add_drivers and event.multiply is None):
        return False
    if event.kind in GAINING_KINDS:
        return event.add_units is None or event.add_units > 0
    return event.size > 0


def declared_score(event: Event) -> float:
    """Score of the event as declared; 0, no effect, for a factor that is to be learned."""
    if not is_factor(event):
        return 1.0
    factor = 1.0 if event.multiply is None else event.multiply * event.size
    return float(np.log(max(factor, LEAST_LEFT)))


def declared_sd(event: Event) -> float | None:
    """Standard deviation of the score that `size_range` states; None without one."""
    if event.size_range is None:
        return None
    low, high = event.size_range
    if is_factor(event):
        low, high = np.log(max(low, LEAST_LEFT)), np.log(max(high, LEAST_LEFT))
    elif event.kind not in GAINING_KINDS:
        low, high = low / event.size, high / event.size
    return max(float(high - low) / (2.0 * NORMAL_Q90), SURE_SD)


def declared_sds(event: Event) -> tuple[float, float]:
    """Standard deviations of the score below and above the declared one, as `size_range` states; 0 without one."""
    if event.size_range is None:
        return 0.0, 0.0
    sizes = np.array([event.size_range[0], event.size, event.size_range[1]])
    if is_factor(event):
        sizes = np.log(np.maximum(sizes, LEAST_LEFT))
    elif event.kind not in GAINING_KINDS:
        sizes = sizes / event.size
    below, above = (np.maximum(np.diff(sizes), 0.0) / NORMAL_Q90).tolist()
    return below, above


def bounded_score(event: Event, score: float) -> float:
    """Score within what the event can do: no pool loses more than all, no added units below zero."""
    if is_factor(event):
        return float(np.clip(score, np.log(LEAST_LEFT), MAX_LOG_FACTOR))
    return float(np.clip(score, 0.0, MAX_RATIO if event.kind in GAINING_KINDS else 1.0 / event.size))


def effect_fraction(event: Event, score: float, *, base_units: float) -> float:
    """Change of the demand of the primary pools at full progress, as a fraction of `base_units`; -1 is all gone."""
    if is_factor(event):
        return float(np.expm1(score))
    if event.add_units is not None:
        return score * event.add_units / base_units if base_units > 0 else 0.0
    return -score * event.size


def log_effect(
    event: Event, score: float, progress: FloatArray, *, base_units: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Log factor on the demand of the primary pools, and its derivative by the score.

    Parameters
    ----------
    event : Event
    score : float
    progress : FloatArray of shape (n_days,)
        In [0, 1].
    base_units : FloatArray of shape (n_days,)
        What added units are seen against: demand with the effect in it for an event that lasts, as demand goes on to
        grow; without it for a pulse. Above 0. [units]

    Returns
    -------
    tuple of two FloatArray of shape (n_days,)
    """
    if event.add_units is not None and event.shape is not RampShape.PULSE:
        added = event.add_units * progress / base_units
        left = np.maximum(1.0 - score * added, LEAST_LEFT)
        return -np.log(left), added / left
    full = np.asarray(effect_fraction(event, score, base_units=1.0))
    by_score = np.asarray(full + 1.0 if is_factor(event) else effect_fraction(event, 1.0, base_units=1.0))
    if event.add_units is not None:
        full, by_score = full / base_units, by_score / base_units
    left = np.maximum(1.0 + full * progress, LEAST_LEFT)
    return np.log(left), by_score * progress / left


def with_score(event: Event, score: float, low: float, high: float) -> Event:
    """Event of another score, with P10 and P90 of the score as its range of sizes."""
    score, low, high = (bounded_score(event, value) for value in (score, low, high))
    if is_factor(event):
        return replace(
            event,
            multiply=float(np.exp(score)),
            size=1.0,
            size_range=(float(np.exp(low - score)), float(np.exp(high - score))),
        )
    if event.add_units is not None:
        factors = (low / score, high / score) if score > 0 else (1.0, 1.0)
        return replace(event, add_units=event.add_units * score, size=1.0, size_range=factors)
    sizes = tuple(min(event.size * value, 1.0) for value in (low, score, high))
    return replace(event, size=sizes[1], size_range=(sizes[0], sizes[2]))
