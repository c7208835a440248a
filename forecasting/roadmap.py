"""Declared events as data: read from roadmap.yaml, checked, filtered by what was known at a date.

Not here: how the keys of an event are read (`forecasting.event_keys`), what it does to demand
(`forecasting.events`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from forecasting.declared_relations import Relation, read_relations
from forecasting.documents import Section, read_document, shown
from forecasting.errors import InputError, Problem
from forecasting.event_keys import MAX_FACTOR, read_amount, read_pools, read_ramp, read_size
from forecasting.event_kinds import KEYS_OF_KIND
from forecasting.event_kinds import EventKind as EventKind  # who handles events finds all of them here
from forecasting.event_kinds import RampShape as RampShape
from forecasting.frames import did_you_mean
from forecasting.keys import Keys

MAX_SLIP_DAYS = 3_650
SCALING_KINDS = frozenset({EventKind.LAUNCH, EventKind.PROMOTION, EventKind.CAPACITY_CLIFF})  # but for added units
COMMON_KEYS = ("name", "kind", "start", "end", "shape", "slip_days", "probability", "known_from")


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
    add_drivers : tuple of (str, float)
        What a launch or promotion adds to each driver, in the driver's own unit; empty where its size is given
        otherwise.
    recurring : str
        Label of a launch or promotion that comes again; empty where it does not. Where it has no size of its own,
        its effect is learned from past events of the label.
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
    shown : tuple of three floats or None
        Progress by the dates at one moment, the progress that demand showed then, and the standard deviation of that:
        the ramp runs through it. Never from a file (`forecasting.event_progress`).
    rest : tuple of two int or None
        Hour at which a ramp stood still, at what it has shown, and hour at which it goes on to its end.
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
    add_drivers: tuple[tuple[str, float], ...] = ()
    recurring: str = ""
    threshold_units: float | None = None
    slip_days: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size_range: tuple[float, float] | None = None
    probability: float = 1.0
    known_from_hour: int | None = None
    line: int | None = None
    shown: tuple[float, float, float] | None = None
    rest: tuple[int, int] | None = None

    @property
    def is_to_be_learned(self) -> bool:
        """Whether its effect is declared by no size, only by the label of events that came before."""
        has_size = self.add_units is not None or self.multiply is not None or bool(self.add_drivers)
        return bool(self.recurring) and not has_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Roadmap:
    """The declared future.

    Attributes
    ----------
    events : tuple of Event
        In the order of the file.
    missing_hours : str or None
        ``zero`` where the file declares hours without any row to be zero demand; None where it says nothing.
    relations : tuple of Relation
        How demand follows drivers.
    is_kept : bool
        Whether someone keeps a list of what is coming: a replacement that begins within a quarter would stand in it.
    """

    events: tuple[Event, ...] = ()
    missing_hours: str | None = None
    relations: tuple[Relation, ...] = ()
    is_kept: bool = False

    def visible_at(self, as_of_hour: int) -> "Roadmap":
        """Only the events known at `as_of_hour`."""
        seen = tuple(e for e in self.events if e.known_from_hour is None or e.known_from_hour <= as_of_hour)
        return replace(self, events=seen)


def read_roadmap(path: Path, *, as_of_hour: int | None = None, with_events: bool = True) -> Roadmap:
    """Declared events of a roadmap file that are visible at a date.

    Parameters
    ----------
    path : Path
        YAML.
    as_of_hour : int or None
        Epoch hour of the decision; an event known only later is left out unchecked. None: every event is visible.
    with_events : bool
        False: no event is read or checked; the file must still be a roadmap with a list of events. Relations are
        read in any case: they say nothing of the future.

    Raises
    ------
    InputError
        With all problems of the keys, the relations and the visible events.

    Notes
    -----
    Where `size` is absent, it is the middle of `size_range`, and 1 where that is absent too. Where `end` is absent,
    which only a step and a capacity cliff allow, it is `start`. For a launch or promotion `pools` is `to` in equal
    shares, and `size_range` holds factors of `add_units` or `multiply`, around 1.
    """
    keys = Keys(read_document(path), place="")
    keys.check_known(("missing_hours", "events", "relations"), of_what="a roadmap")
    missing_hours = keys.choice("missing_hours", ("zero", "refuse")) if "missing_hours" in keys else None
    entries = keys.section.get("events") or []
    if not isinstance(entries, list):
        keys.refuse("events", f"must be a list of events, got {shown(entries)}.")
        entries = []
    is_kept = with_events and "events" in keys.section  # a file that says nothing of events vouches for nothing
    relations = read_relations(keys)
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
    return Roadmap(events=tuple(events), missing_hours=missing_hours, relations=relations, is_kept=is_kept)


def check_roadmap(
    roadmap: Roadmap,
    usage_pools: Collection[str],
    priced_pools: Collection[str] | None,
    *,
    source: str,
    seen_hours: range | None = None,
) -> None:
    """Refuse visible events on pools that the usage or the price list does not have, or that nothing tells the size of.

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
    seen_hours : range or None
        Hours of history before the decision. An event without a size needs one of its label in them, or one with a
        size. None: not checked.

    Raises
    ------
    InputError
        With all problems.
    """
    problems = [] if seen_hours is None else list(_unlearnable(roadmap, seen_hours))
    moving = [event for event in roadmap.events if event.kind is not EventKind.CAPACITY_CLIFF]
    brought = {pool for event in moving for pool, _ in event.to_shares}
    for event in roadmap.events:
        is_cliff = event.kind is EventKind.CAPACITY_CLIFF
        targets = [pool for pool, _ in event.to_shares if not (is_cliff and pool in brought)]
        must_exist = list(event.from_pools)
        if event.kind in SCALING_KINDS and event.add_units is None:
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


def _unlearnable(roadmap: Roadmap, seen_hours: range) -> Iterator[Problem]:
    """Events without a size whose label no other event tells anything about."""
    told = {
        event.recurring
        for event in roadmap.events
        if not event.is_to_be_learned or (event.start_hour < seen_hours.stop and event.end_hour > seen_hours.start)
    }
    for event in roadmap.events:
        if event.is_to_be_learned and event.recurring not in told:
            label = shown(event.recurring)
            message = (
                f"an event of label {label} must have a size, or come after one that history before the decision "
                "shows, got neither. Give add_units, multiply or add_drivers, or declare the past events of the label."
            )
            yield _event_problem(event, message)


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
    start_hour, end_hour, shape = read_ramp(keys, EventKind(kind))
    from_pools, to_shares = read_pools(keys, EventKind(kind))
    size, size_range = read_size(keys, EventKind(kind))
    amount = read_amount(keys, EventKind(kind))
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
        add_units=amount.add_units,
        multiply=amount.multiply,
        add_drivers=amount.add_drivers,
        recurring=amount.recurring,
        threshold_units=amount.threshold_units,
        slip_days=(slip_days[0], slip_days[1], slip_days[2]),
        size_range=size_range,
        probability=probability,
        known_from_hour=known_from,
        line=entry.line,
    )
    return event, []
