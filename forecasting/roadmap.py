"""Declared events as data: read from roadmap.yaml, checked, filtered by what was known at a date.

Not here: how a key is read (`forecasting.keys`), what an event does to demand (`forecasting.events`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from forecasting.documents import Section, read_document, shown
from forecasting.errors import InputError, Problem
from forecasting.frames import did_you_mean
from forecasting.hours import HOURS_PER_DAY
from forecasting.keys import Keys

SHARE_TOLERANCE = 1e-6  # shares are typed by hand: 0.333333 three times is meant to be 1
MAX_SLIP_DAYS = 3_650
MAX_FACTOR = 1e6  # of a launch or promotion, and of units gained per unit lost
MAX_UNITS = 1e12
COMMON_KEYS = ("name", "kind", "start", "end", "shape", "slip_days", "probability", "known_from")


class EventKind(StrEnum):
    """Kinds of declared events; docs/inputs.md says what each does."""

    LAUNCH = "launch"
    PROMOTION = "promotion"
    MIGRATION = "migration"
    EFFICIENCY = "efficiency"
    SHUTDOWN = "shutdown"
    TRANSFER = "transfer"
    CAPACITY_CLIFF = "capacity_cliff"


class RampShape(StrEnum):
    """How an event's effect comes in between its first and its last day."""

    STEP = "step"
    LINEAR = "linear"
    LOGISTIC = "logistic"
    PULSE = "pulse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One declared event.

    Attributes
    ----------
    name : str
        Free text.
    kind : EventKind
        What it is.
    from_pools : tuple of str
        Pools that lose demand.
    to_shares : tuple of (str, float)
        Where what moves goes; shares sum to 1. For launch and promotion: the pools that gain. For a capacity cliff:
        its pools, in equal shares.
    conversion : float
        Units gained per unit lost.
    start_hour : int
        First hour of the ramp.
    end_hour : int
        Hour after the ramp's last day.
    shape : RampShape
        Shape of the ramp.
    size : float
        Fraction of `from_pools` that moves or goes (p50).
    add_units : float or None
        Units added by a launch or promotion.
    multiply : float or None
        Factor of a launch or promotion.
    threshold_units : float or None
        Threshold of a capacity cliff.
    slip_days : tuple of three floats
        P10, P50, P90 of how late it may run. [days]
    size_range : tuple of two floats or None
        P10 and P90 of `size` (or of add_units / multiply, as factors of it, never of capacity_cliff).
    probability : float
        Chance that it happens at all.
    known_from_hour : int or None
        First hour at which it is visible; None: always.
    line : int or None
        Line of the file, for messages.
    """

    name: str
    kind: EventKind
    from_pools: tuple[str, ...] = ()
    to_shares: tuple[tuple[str, float], ...] = ()
    conversion: float = 1.0
    start_hour: int
    end_hour: int
    shape: RampShape = RampShape.STEP
    size: float = 1.0
    add_units: float | None = None
    multiply: float | None = None
    threshold_units: float | None = None
    slip_days: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size_range: tuple[float, float] | None = None
    probability: float = 1.0
    known_from_hour: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roadmap:
    """The declared future.

    Attributes
    ----------
    events : tuple of Event
        In the order of the file.
    missing_hours : str or None
        ``zero`` where the file declares hours without any row to be zero demand; None where it says nothing.
    """

    events: tuple[Event, ...] = ()
    missing_hours: str | None = None

    def visible_at(self, as_of_hour: int) -> "Roadmap":
        """Only the events known at `as_of_hour`."""
        seen = tuple(e for e in self.events if e.known_from_hour is None or e.known_from_hour <= as_of_hour)
        return Roadmap(events=seen, missing_hours=self.missing_hours)


MOVING_KINDS = frozenset({EventKind.MIGRATION, EventKind.TRANSFER})
GAINING_KINDS = frozenset({EventKind.LAUNCH, EventKind.PROMOTION})
KEYS_OF_KIND = {
    EventKind.LAUNCH: ("to", "pools", "add_units", "multiply", "size_range"),
    EventKind.PROMOTION: ("to", "pools", "add_units", "multiply", "size_range"),
    EventKind.MIGRATION: ("from", "to", "conversion", "size", "size_range"),
    EventKind.TRANSFER: ("from", "to", "conversion", "size", "size_range"),
    EventKind.EFFICIENCY: ("from", "size", "size_range"),
    EventKind.SHUTDOWN: ("from", "size", "size_range"),
    EventKind.CAPACITY_CLIFF: ("pools", "threshold_units"),
}


def read_roadmap(path: Path, *, as_of_hour: int | None = None, with_events: bool = True) -> Roadmap:
    """Declared events of a roadmap file that are visible at a date.

    Parameters
    ----------
    path : Path
        YAML.
    as_of_hour : int or None
        Epoch hour of the decision; an event known only later is left out unchecked. None: every event is visible.
    with_events : bool
        False: no event is read or checked; the file must still be a roadmap with a list of events.

    Raises
    ------
    InputError
        With all problems of the keys and of the visible events.

    Notes
    -----
    Where `size` is absent, it is the middle of `size_range`, and 1 where that is absent too. Where `end` is absent,
    which only a step and a capacity cliff allow, it is `start`. For a launch or promotion `pools` is `to` in equal
    shares, and `size_range` holds factors of `add_units` or `multiply`, around 1.
    """
    keys = Keys(read_document(path), place="")
    keys.check_known(("missing_hours", "events"), of_what="a roadmap")
    missing_hours = keys.choice("missing_hours", ("zero", "refuse")) if "missing_hours" in keys else None
    entries = keys.section.get("events") or []
    if not isinstance(entries, list):
        keys.refuse("events", f"must be a list of events, got {shown(entries)}.")
        entries = []
    events: list[Event] = []
    problems = keys.problems
    for index, entry in enumerate(entries if with_events else ()):
        event, wrong = _read_event(entry, place=f"events[{index}]", as_of_hour=as_of_hour)
        problems += wrong
        if event is not None:
            problems += _name_problems(event, events, place=f"events[{index}]")
            events.append(event)
    if problems:
        raise InputError(str(path), problems)
    return Roadmap(events=tuple(events), missing_hours=missing_hours)


def check_roadmap(
    roadmap: Roadmap, usage_pools: Collection[str], priced_pools: Collection[str] | None, *, source: str
) -> None:
    """Refuse visible events on pools that the usage or the price list does not have.

    Parameters
    ----------
    roadmap : Roadmap
        Visible events only.
    usage_pools : collection of str
        Pools with usage before the decision.
    priced_pools : collection of str or None
        Pools with an on-demand price; None: not checked.
    source : str
        Name of the roadmap file.

    Raises
    ------
    InputError
        With all problems.
    """
    problems = []
    for event in roadmap.events:
        targets = [pool for pool, _ in event.to_shares]
        must_exist = list(event.from_pools)
        if event.multiply is not None or event.kind is EventKind.CAPACITY_CLIFF:
            must_exist += targets
        for pool in must_exist:
            if pool not in usage_pools:
                hint = did_you_mean(pool, usage_pools)
                message = f"pool {pool!r} must be in the usage before the decision date, and is not.{hint}"
                problems.append(_event_problem(event, message))
        for pool in targets:
            if pool not in must_exist and priced_pools is not None and pool not in priced_pools:
                hint = did_you_mean(pool, priced_pools)
                message = f"pool {pool!r} must have an on-demand price to be planned, and has none.{hint}"
                problems.append(_event_problem(event, message))
    if problems:
        raise InputError(source, problems)


def _event_problem(event: Event, message: str) -> Problem:
    """Problem of an event as a whole."""
    return Problem(column=f"events '{event.name}'", row=event.line, message=message)


def _name_problems(event: Event, earlier: list[Event], *, place: str) -> list[Problem]:
    """A name that an earlier event has."""
    if event.name and event.name in {other.name for other in earlier}:
        message = f"must differ from the names of other events, got {event.name!r} again."
        return [Problem(column=f"{place}.name", row=event.line, message=message)]
    return []


def _read_event(entry: object, *, place: str, as_of_hour: int | None) -> tuple[Event | None, list[Problem]]:
    """Event of one entry; None where it is not visible or cannot be made."""
    if not isinstance(entry, Section):
        return None, [
            Problem(column=place, message=f"must be a mapping with name, kind and dates, got {shown(entry)}.")
        ]
    keys = Keys(entry, place=place)
    known_from = keys.date_hour("known_from") if "known_from" in keys else None
    if keys.problems:
        return None, keys.problems
    if as_of_hour is not None and known_from is not None and known_from > as_of_hour:
        return None, []
    kind = keys.choice("kind", EventKind)
    if kind is None:
        return None, keys.problems
    keys.check_known((*COMMON_KEYS, *KEYS_OF_KIND[EventKind(kind)]), of_what=f"an event of kind {kind}")
    name = keys.text("name")
    start_hour, end_hour, shape = _read_ramp(keys, EventKind(kind))
    from_pools, to_shares = _read_pools(keys, EventKind(kind))
    size, size_range = _read_size(keys, EventKind(kind))
    add_units, multiply, threshold_units = _read_amounts(keys, EventKind(kind))
    slip_days = keys.ordered("slip_days", 3, high=MAX_SLIP_DAYS) or (0.0, 0.0, 0.0)
    probability = keys.number("probability", default=1.0, high=1.0)
    conversion = keys.number("conversion", default=1.0, high=MAX_FACTOR)
    if keys.problems or size is None or probability is None or conversion is None:
        return None, keys.problems
    event = Event(
        name=name,
        kind=EventKind(kind),
        from_pools=from_pools,
        to_shares=to_shares,
        conversion=conversion,
        start_hour=start_hour,
        end_hour=end_hour,
        shape=shape,
        size=size,
        add_units=add_units,
        multiply=multiply,
        threshold_units=threshold_units,
        slip_days=(slip_days[0], slip_days[1], slip_days[2]),
        size_range=size_range,
        probability=probability,
        known_from_hour=known_from,
        line=entry.line,
    )
    return event, []


def _read_ramp(keys: Keys, kind: EventKind) -> tuple[int, int, RampShape]:
    """First hour, hour after the last day, and shape."""
    shape = RampShape(keys.choice("shape", RampShape, default=RampShape.STEP) or RampShape.STEP)
    start = keys.date_hour("start", is_of_plan=True)
    needs_end = shape is not RampShape.STEP and kind is not EventKind.CAPACITY_CLIFF
    end = keys.date_hour("end", is_of_plan=True) if needs_end or "end" in keys else start
    if start is None or end is None:
        return 0, 0, shape
    if end < start:
        keys.refuse("end", f"must not be before start, got {keys.section['end']} after {keys.section['start']}.")
    return start, end + HOURS_PER_DAY, shape


def _read_pools(keys: Keys, kind: EventKind) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...]]:
    """Pools that lose and pools that gain (for a capacity cliff: that it is about)."""
    loses = kind not in GAINING_KINDS and kind is not EventKind.CAPACITY_CLIFF
    sources = keys.names("from") if loses else ()
    targets: tuple[tuple[str, float], ...] = ()
    if kind is EventKind.CAPACITY_CLIFF or (kind in GAINING_KINDS and "pools" in keys):
        pools = keys.names("pools")
        targets = tuple((pool, 1.0 / len(pools)) for pool in pools)
        if "to" in keys and kind in GAINING_KINDS:
            keys.refuse("pools", "must not stand beside `to`. Keep one of them.")
    elif kind in MOVING_KINDS or kind in GAINING_KINDS:
        targets = keys.shares("to", tolerance=SHARE_TOLERANCE)
    both = sorted({pool for pool, _ in targets} & set(sources))
    if both:
        keys.refuse("to", f"must not hold a pool of `from`, got {', '.join(map(repr, both))} in both.")
    return sources, targets


def _read_size(keys: Keys, kind: EventKind) -> tuple[float | None, tuple[float, float] | None]:
    """P50 of the size, and its P10 and P90 where given."""
    if kind is EventKind.CAPACITY_CLIFF:
        return 1.0, None
    is_factor = kind in GAINING_KINDS
    pair = keys.ordered("size_range", 2, high=MAX_FACTOR if is_factor else 1.0)
    middle = 1.0 if pair is None or is_factor else (pair[0] + pair[1]) / 2.0
    size = 1.0 if is_factor else keys.number("size", default=middle, high=1.0)
    if pair is None or size is None:
        return size, None
    if not pair[0] <= size <= pair[1]:
        what = (
            "the factor 1: it holds factors of add_units or multiply, like [0.8, 1.3]"
            if is_factor
            else f"size {size:g}"
        )
        keys.refuse("size_range", f"must hold {what}, got {shown(list(pair))}.")
    return size, (pair[0], pair[1])


def _read_amounts(keys: Keys, kind: EventKind) -> tuple[float | None, float | None, float | None]:
    """Units added, factor, and threshold."""
    if kind in GAINING_KINDS:
        if ("add_units" in keys) == ("multiply" in keys):
            got = "both" if "add_units" in keys else "neither"
            keys.refuse(
                "add_units", f"an event of kind {kind} must have exactly one of add_units, multiply, got {got}."
            )
        add_units = keys.number("add_units", default=None, high=MAX_UNITS)
        return add_units, keys.number("multiply", default=None, high=MAX_FACTOR), None
    if kind is EventKind.CAPACITY_CLIFF:
        if "threshold_units" not in keys:
            keys.refuse(
                "threshold_units", "must be given for a capacity cliff: the units above which the rate changes."
            )
        return None, None, keys.number("threshold_units", default=None, high=MAX_UNITS)
    return None, None, None
