"""How fast and how far a replacement goes: its length, what it leaves in the end, and its progress by day.

Not here: whether one starts (`forecasting.lifetimes`) or runs (`forecasting.succession`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.lifetimes import Lives, size_likeness
from forecasting.succession import DONE_LOGIT, Succession

# Nothing is known a priori but that a fleet takes between a week (its template is changed) and two years (every
# customer is asked): evenly in logarithms.
RAMP_RANGE_DAYS = (7.0, 730.0)
PRIOR_RAMP_DAYS = float(np.sqrt(RAMP_RANGE_DAYS[0] * RAMP_RANGE_DAYS[1]))
PRIOR_RAMP_LOG_SD = float(np.log(RAMP_RANGE_DAYS[1] / RAMP_RANGE_DAYS[0]) / np.sqrt(12.0))
PRIOR_RAMPS = 2.0  # successions that the prior is worth
KNOWN_DAYS = 90  # a successor of that age when the fall begins could have been named before
MIDDLE_LOGITS = 2.0 * float(np.log(3.0))  # of a logistic, while its middle half moves
# Chance a priori that a shift under way is a succession that runs to its end; else it stops where it has found its
# place, evenly in logarithms between what has moved and all.
WHOLE_PRIOR = 0.2
SMALLEST_PLACE = 1e-3
UNSEEN_PROGRESS = 0.1  # of a replacement that cannot be told from noise yet
UNSEEN_FRACTION = 0.5 - float(np.log(1.0 / UNSEEN_PROGRESS - 1.0)) / (2.0 * DONE_LOGIT)  # of its length
GONE_FRACTION = 0.01  # a pool of which less is kept, and that goes to nothing, is gone


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RampLengths:
    """How long successions take, and to whom demand goes.

    Attributes
    ----------
    log_mean, log_sd : FloatArray of shape (n_pools,)
        Of the logarithm of the days from 1 % to 99 %.
    named_fraction : FloatArray of shape (n_pools,)
        Chance that a young pool that exists already takes over, where there is one.
    """

    log_mean: FloatArray
    log_sd: FloatArray
    named_fraction: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("log_mean", "log_sd", "named_fraction"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    def draw(self, n_paths: int, rng: np.random.Generator) -> FloatArray:
        """Draw lengths. Shape (n_paths, n_pools). [days]"""
        lengths: FloatArray = np.exp(self.log_mean + self.log_sd * rng.standard_normal((n_paths, len(self.log_mean))))
        return lengths


def fit_ramps(successions: Sequence[Succession], lives: Lives, days: IntArray) -> RampLengths:
    """How long finished successions took, and whether their successors were there before, shrunk to a prior.

    Successions of pools count for others as `forecasting.lifetimes.size_likeness` says.

    Parameters
    ----------
    successions : sequence of Succession
        Finished ones, whose days are those of their steepest half.
    lives : Lives
    days : IntArray of shape (n_days,)
        Epoch days of the history that `lives` are of.
    """
    logs = np.log([(s.end_days[1] - s.start_day) * 2.0 * DONE_LOGIT / MIDDLE_LOGITS for s in successions])
    likeness = size_likeness(lives.peak_share)[:, [s.losing for s in successions]]
    n_seen = likeness.sum(axis=1)
    born = int(days[0]) + lives.born
    is_succeeded = np.array([bool(s.gaining) for s in successions], dtype=np.float64)
    first_born = [int(born[list(s.gaining)].min(initial=born.max())) for s in successions]
    was_known = [b <= s.start_day - KNOWN_DAYS for b, s in zip(first_born, successions, strict=True)]
    n_known = likeness @ (np.array(was_known, dtype=np.float64) * is_succeeded)
    log_mean = (PRIOR_RAMPS * np.log(PRIOR_RAMP_DAYS) + likeness @ logs) / (PRIOR_RAMPS + n_seen)
    squares = (likeness * (logs[None, :] - log_mean[:, None]) ** 2).sum(axis=1)
    variance = (PRIOR_RAMPS * PRIOR_RAMP_LOG_SD**2 + squares) / (PRIOR_RAMPS + n_seen)
    return RampLengths(
        log_mean=log_mean,
        log_sd=np.sqrt(variance * (1.0 + 1.0 / (PRIOR_RAMPS + n_seen))),
        named_fraction=(1.0 + n_known) / (2.0 + likeness @ is_succeeded),
    )


def finally_kept(succession: Succession, draws: FloatArray) -> FloatArray:
    """Part of today's share that a succession under way leaves in the end. Shape (n_paths,)."""
    moved = float(np.clip(succession.moved_fraction, SMALLEST_PLACE, 1.0 - SMALLEST_PLACE))
    stops_further = (1.0 - WHOLE_PRIOR) * np.log(moved) / np.log(SMALLEST_PLACE)
    is_whole = draws[0] < WHOLE_PRIOR / (WHOLE_PRIOR + stops_further)
    final = np.where(is_whole, 1.0, moved ** draws[1])
    kept: FloatArray = np.clip((1.0 - final) / (1.0 - moved), 0.0, 1.0)
    return kept


def kept_by_running(
    succession: Succession, speed_factors: FloatArray, least: FloatArray, elapsed: FloatArray
) -> FloatArray:
    """Part of today's share that the loser still has on each day. Shape (n_paths, n_days)."""
    grown = succession.daily_slope * speed_factors[:, None] * elapsed[None, :]
    kept = np.exp(np.logaddexp(0.0, succession.logit) - np.logaddexp(0.0, succession.logit + grown))
    gone = (kept < GONE_FRACTION) & (least[:, None] < GONE_FRACTION)
    still: FloatArray = np.where(gone, 0.0, np.maximum(kept, least[:, None]))
    return still


def kept_by_replacement(
    start_days: FloatArray, ramp_days: FloatArray, least: FloatArray, elapsed: FloatArray
) -> FloatArray:
    """Part of today's share that a pool still has on each day of replacements. Shape (n_paths, n_days)."""
    lost = 1.0 - least[:, None]
    now = _progress(start_days, ramp_days, np.zeros(1))
    kept: FloatArray = (1.0 - lost * _progress(start_days, ramp_days, elapsed)) / (1.0 - lost * now)
    return kept


def _progress(start_days: FloatArray, ramp_days: FloatArray, elapsed: FloatArray) -> FloatArray:
    """Progress of replacements: logistic from 1 % to 99 %, then all. Shape (n_paths, n_days)."""
    part = (elapsed[None, :] - start_days[:, None]) / ramp_days[:, None]
    inside = 1.0 / (1.0 + np.exp(-DONE_LOGIT * (2.0 * np.clip(part, 0.0, 1.0) - 1.0)))
    progress: FloatArray = np.where(part <= 0, 0.0, np.where(part >= 1, 1.0, inside))
    return progress
