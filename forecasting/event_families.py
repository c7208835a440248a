"""Which events are occurrences of the same thing, and how much is believed of what each of them seems to have done.

Scores of one family vary around a mean of their own, and that mean around what was declared. Both spreads are
estimated by moments (empirical Bayes) from the misses of the events seen, starting from a first guess that counts as
few observations. Not here: how a score is measured (`forecasting.event_evidence`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.event_scores import declared_score, declared_sd, is_factor
from forecasting.roadmap import Event

# With nothing to go by, an effect is within half of what was declared two times in three: to come to nothing, or to
# double, is two standard deviations. Half of that variance is the family's, half each occurrence's own.
GUESSED_SD = 0.5
GUESSED_WEIGHT = 2.0  # observations that the guess counts for
LEARNED_SD = 1.0  # of the log effect of a family without declared sizes, around none: a factor of e
MIN_LOG_UNIT = 0.1  # log factor: a declared effect smaller than 10 % is missed by as much as one of 10 %
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
_DATED = re.compile(
    rf"(?:{_MONTHS}|january|february|march|april|june|july|august|september|october|november|december"
    r"|fy|cy|[qhw])?\d*(?:st|nd|rd|th)?"
)
_SEPARATORS = re.compile(r"[\W\d_]+")

FamilyKey = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What is believed of a score before its own evidence, as a normal distribution.

    Attributes
    ----------
    mean, sd : float
        In scores.
    n_seen : int
        Other occurrences of the family that speak through it.
    """

    mean: float
    sd: float
    n_seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What demand alone says of a score.

    Attributes
    ----------
    score, sd : float
        Estimate and its standard error.
    """

    score: float
    sd: float


def family_key(event: Event) -> FamilyKey:
    """What occurrences of the same thing share: the label, or else kind, pools and the name without its date.

    Examples
    --------
    >>> from forecasting.roadmap import EventKind
    >>> def named(name): return Event(name=name, kind=EventKind.PROMOTION, start_hour=0, end_hour=24)
    >>> family_key(named("Super Bowl 2010")) == family_key(named("super-bowl-Feb-2011"))
    True
    """
    if event.recurring:
        return ("label", event.kind.value, event.recurring)
    words = [word for word in re.split(r"[\W_]+", event.name.casefold()) if not _DATED.fullmatch(word)]
    stem = "".join(_SEPARATORS.sub("", word) for word in words) or f"only {event.name}"
    pools = (*sorted(event.from_pools), ">", *sorted(pool for pool, _ in event.to_shares))
    return ("name", event.kind.value, stem, *pools)


def beliefs(events: Sequence[Event], seen: Sequence[Seen | None]) -> tuple[Belief, ...]:
    """What is believed of each event's score before its own evidence, learned from all the others of its family.

    Parameters
    ----------
    events : sequence of Event
    seen : sequence of Seen or None
        None where demand says nothing (not yet begun, or begun before the data).
    """
    families: dict[FamilyKey, list[int]] = {}
    for index, event in enumerate(events):
        families.setdefault(family_key(event), []).append(index)
    made: dict[int, Belief] = {}
    spreads = _kind_spreads(events, seen, families)
    learned = _learned_means(events, seen, families)
    for key, members in families.items():
        elsewhere = [mean for other, mean in learned.items() if other != key and other[:2] == key[:2]]
        common = sum(elsewhere) / (len(elsewhere) + 1.0)  # one more family, of no effect, is the first guess
        made |= _family_beliefs(events, seen, members, spreads.get(key[1], GUESSED_SD), common)
    return tuple(made[index] for index in range(len(events)))


def _family_beliefs(
    events: Sequence[Event], seen: Sequence[Seen | None], members: list[int], spread: float, common: float
) -> dict[int, Belief]:
    """Beliefs of one family, each without the member's own evidence."""
    origins, units = _origins(events, members)
    is_learned = _is_learned(events, members)
    common = common if is_learned else 0.0
    known = [index for index in members if seen[index] is not None]
    made = {}
    for index in members:
        own = declared_sd(events[index])
        total = spread if own is None else own / units[index]
        mean_variance = LEARNED_SD**2 if is_learned else total**2 / 2.0
        misses, errors = _misses([i for i in known if i != index], seen, origins, units)
        between = _between(misses, errors, guess=total**2 / 2.0)
        weights = 1.0 / (errors**2 + between)
        variance = 1.0 / (1.0 / mean_variance + weights.sum())
        mean = variance * (float(weights @ misses) + common / mean_variance)
        made[index] = Belief(
            mean=origins[index] + units[index] * mean,
            sd=units[index] * float(np.sqrt(variance + between)),
            n_seen=len(misses),
        )
    return made


def _learned_means(
    events: Sequence[Event], seen: Sequence[Seen | None], families: dict[FamilyKey, list[int]]
) -> dict[FamilyKey, float]:
    """Mean log effect of each family whose effect is learned."""
    means = {}
    for key, members in families.items():
        misses, _ = _misses(members, seen, *_origins(events, members))
        if _is_learned(events, members) and len(misses) > 0:
            means[key] = float(misses.mean())
    return means


def _origins(events: Sequence[Event], members: list[int]) -> tuple[dict[int, float], dict[int, float]]:
    """Score from which each member's miss is counted, and the unit that it is counted in."""
    if _is_learned(events, members):
        return dict.fromkeys(members, 0.0), dict.fromkeys(members, 1.0)
    origins = {index: declared_score(events[index]) for index in members}
    units = {i: max(abs(origins[i]), MIN_LOG_UNIT) if is_factor(events[i]) else 1.0 for i in members}
    return origins, units


def _is_learned(events: Sequence[Event], members: list[int]) -> bool:
    """Whether a family has members without a declared size, so that effects are learned as they are."""
    return any(is_factor(events[index]) and events[index].multiply is None for index in members)


def _misses(
    known: list[int], seen: Sequence[Seen | None], origins: dict[int, float], units: dict[int, float]
) -> tuple[FloatArray, FloatArray]:
    """Misses of some events in their units, and their standard errors. Shapes (n_known,)."""
    pairs = [(index, found) for index in known if (found := seen[index]) is not None]
    misses = np.array([(found.score - origins[index]) / units[index] for index, found in pairs], dtype=np.float64)
    return misses, np.array([found.sd / units[index] for index, found in pairs], dtype=np.float64)


def _between(misses: FloatArray, errors: FloatArray, *, guess: float) -> float:
    """Variance between occurrences of a family beyond their errors, from the guess and by moments."""
    if len(misses) < 2:
        return guess
    excess = max(float(((misses - misses.mean()) ** 2 - errors**2 * (1.0 - 1.0 / len(misses))).sum()), 0.0)
    return (GUESSED_WEIGHT * guess + excess) / (GUESSED_WEIGHT + len(misses) - 1)


def _kind_spreads(
    events: Sequence[Event], seen: Sequence[Seen | None], families: dict[FamilyKey, list[int]]
) -> dict[str, float]:
    """Standard deviation of declared sizes of each kind, from how its families missed theirs."""
    excess: dict[str, list[float]] = {}
    for members in families.values():
        misses, errors = _misses(members, seen, *_origins(events, members))
        if len(misses) > 0 and not _is_learned(events, members):
            nearest = np.argmin(errors)  # one occurrence speaks for a family: its others missed for the same reason
            value = max(float(misses[nearest] ** 2 - errors[nearest] ** 2), 0.0)
            excess.setdefault(events[members[0]].kind.value, []).append(value)
    return {
        kind: float(np.sqrt((GUESSED_WEIGHT * GUESSED_SD**2 + sum(values)) / (GUESSED_WEIGHT + len(values))))
        for kind, values in excess.items()
    }
