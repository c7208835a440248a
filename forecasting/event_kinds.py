"""Kinds of declared events, shapes of their ramps, and which keys each kind has.

Not here: the events themselves (`forecasting.roadmap`).
"""

from enum import StrEnum


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


MOVING_KINDS = frozenset({EventKind.MIGRATION, EventKind.TRANSFER})
GAINING_KINDS = frozenset({EventKind.LAUNCH, EventKind.PROMOTION})
AMOUNT_KEYS = ("add_units", "multiply", "add_drivers")
KEYS_OF_KIND = {
    EventKind.LAUNCH: ("to", "pools", *AMOUNT_KEYS, "size_range", "recurring"),
    EventKind.PROMOTION: ("to", "pools", *AMOUNT_KEYS, "size_range", "recurring"),
    EventKind.MIGRATION: ("from", "to", "conversion", "size", "size_range"),
    EventKind.TRANSFER: ("from", "to", "conversion", "size", "size_range"),
    EventKind.EFFICIENCY: ("from", "size", "size_range"),
    EventKind.SHUTDOWN: ("from", "size", "size_range"),
    EventKind.CAPACITY_CLIFF: ("pools", "threshold_units"),
}
