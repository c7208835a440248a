"""Scores of the events in one series, fitted together with a wandering level: Gauss-Newton on their log effects.

What is believed of a score beforehand enters as one more observation. Not here: which days and which events go in
(`forecasting.event_evidence`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, frozen_floats
from forecasting.event_families import Belief, Seen
from forecasting.event_scores import bounded_score, log_effect
from forecasting.events import LOSING_KINDS
from forecasting.local_level import LocalLevel, fit_local_level
from forecasting.roadmap import Event

N_STEPS = 12
MAX_STEP = 1.0
START_LOST = 0.5  # logarithms bend sharply where everything is lost: the search starts from half of it
VAGUE_SD = 10.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventRegression:
    """One series of logs and the events in it.

    Attributes
    ----------
    logs : FloatArray of shape (n_days,)
        Log daily demand.
    nuisance : FloatArray of shape (n_days, n_columns)
        What acts beside level and events, of sizes left free.
    is_known : BoolArray of shape (n_days,)
        False on days that say nothing.
    is_dated : BoolArray of shape (n_days,)
        Days about which events speak: what sticks out there is theirs.
    events : tuple of Event
    parts : tuple of FloatArray of shape (n_days,)
        Progress of each event.
    bases : tuple of FloatArray of shape (n_days,)
        What the added units of each event are seen against (`forecasting.event_scores`). [units]
    """

    logs: FloatArray
    nuisance: FloatArray
    is_known: BoolArray
    is_dated: BoolArray
    events: tuple[Event, ...]
    parts: tuple[FloatArray, ...]
    bases: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "logs", frozen_floats(self.logs))
        object.__setattr__(self, "nuisance", frozen_floats(self.nuisance))

    def solved(self, believed: Sequence[Belief] | None) -> list[Seen]:
        """Score of each event.

        Gauss-Newton from a cautious start, twice: the second time with the variances left at the first solution.

        Parameters
        ----------
        believed : sequence of Belief or None
            Of each event; None: what demand alone says.
        """
        scores = np.array([_start(event) for event in self.events])
        priors = believed or [Belief(mean=float(score), sd=VAGUE_SD) for score in scores]
        sds = np.zeros(len(scores))
        for _ in range(2):
            level = self._level(scores)
            scores, sds = self._searched(level, scores, priors)
        return [Seen(score=float(score), sd=float(sd)) for score, sd in zip(scores, sds, strict=True)]

    def _effects(self, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sum of the log effects, shape (n_days,), and their derivatives, (n_days, n_events)."""
        pairs = [
            log_effect(event, float(score), part, base_units=base)
            for event, score, part, base in zip(self.events, scores, self.parts, self.bases, strict=True)
        ]
        return np.sum([pair[0] for pair in pairs], axis=0), np.stack([pair[1] for pair in pairs], axis=1)

    def _level(self, scores: FloatArray) -> LocalLevel:
        """Variances of level and noise beside freely fitted events."""
        effects, slopes = self._effects(scores)
        columns = np.column_stack([self.nuisance, slopes])
        return fit_local_level(self.logs - effects, columns, is_known=self.is_known, is_dated=self.is_dated)

    def _searched(
        self, level: LocalLevel, scores: FloatArray, believed: Sequence[Belief]
    ) -> tuple[FloatArray, FloatArray]:
        """Scores at the peak of what is believed and seen, and their standard deviations."""
        n_nuisance = self.nuisance.shape[1]
        prior = np.array([1.0 / max(belief.sd, 1e-6) ** 2 for belief in believed])
        means = np.array([belief.mean for belief in believed])
        precision = np.zeros((n_nuisance, n_nuisance))
        for _ in range(N_STEPS):
            effects, slopes = self._effects(scores)
            white = level.whitened(np.column_stack([self.nuisance, slopes, self.logs - effects]))
            precision = white[:, :-1].T @ white[:, :-1]
            precision[range(n_nuisance, len(precision)), range(n_nuisance, len(precision))] += prior
            pull = white[:, :-1].T @ white[:, -1]
            pull[n_nuisance:] += prior * (means - scores)
            step = np.clip((np.linalg.pinv(precision, hermitian=True) @ pull)[n_nuisance:], -MAX_STEP, MAX_STEP)
            moved = np.array([bounded_score(e, float(s)) for e, s in zip(self.events, scores + step, strict=True)])
            is_settled = bool(np.all(np.abs(moved - scores) < 1e-4))
            scores = moved
            if is_settled:
                break
        covariance = np.linalg.pinv(precision, hermitian=True)
        return scores, np.sqrt(np.maximum(np.diag(covariance)[n_nuisance:], 0.0))


def _start(event: Event) -> float:
    """Score from which the search starts."""
    if event.kind in LOSING_KINDS:
        return min(1.0, START_LOST / event.size)
    return 0.0 if event.add_units is None else 1.0
