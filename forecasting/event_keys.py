"""What the keys of one declared event say: its ramp, its pools, and how large it is.

Not here: the event itself and the file it stands in (`forecasting.roadmap`), nor how a key is read
(`forecasting.keys`).
"""

from dataclasses import dataclass

from forecasting.documents import shown
from forecasting.event_kinds import AMOUNT_KEYS, GAINING_KINDS, MOVING_KINDS, EventKind, RampShape
from forecasting.hours import HOURS_PER_DAY
from forecasting.keys import Keys

SHARE_TOLERANCE = 1e-6  # shares are typed by hand: 0.333333 three times is meant to be 1
MAX_FACTOR = 1e6  # of a launch or promotion, and of units gained per unit lost
MAX_UNITS = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much a launch or promotion gains, in at most one of three ways, or the threshold of a capacity cliff.

    The fields are those of `Event`.
    """

    add_units: float | None = None
    multiply: float | None = None
    add_drivers: tuple[tuple[str, float], ...] = ()
    recurring: str = ""
    threshold_units: float | None = None


def read_ramp(keys: Keys, kind: EventKind) -> tuple[int, int, RampShape]:
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


def read_pools(keys: Keys, kind: EventKind) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...]]:
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


def read_size(keys: Keys, kind: EventKind) -> tuple[float | None, tuple[float, float] | None]:
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
        what = "the factor 1: it holds factors of the amount, like [0.8, 1.3]" if is_factor else f"size {size:g}"
        keys.refuse("size_range", f"must hold {what}, got {shown(list(pair))}.")
    return size, (pair[0], pair[1])


def read_amount(keys: Keys, kind: EventKind) -> Amount:
    """How much a launch or promotion gains, or the threshold of a capacity cliff; nothing for other kinds."""
    if kind in GAINING_KINDS:
        return _read_gain(keys, kind)
    if kind is EventKind.CAPACITY_CLIFF:
        if "threshold_units" not in keys:
            keys.refuse(
                "threshold_units", "must be given for a capacity cliff: the units above which the rate changes."
            )
        return Amount(threshold_units=keys.number("threshold_units", default=None, high=MAX_UNITS))
    return Amount()


def _read_gain(keys: Keys, kind: EventKind) -> Amount:
    """Exactly one of the amounts, or none where a label says from which events it is learned."""
    given = [key for key in AMOUNT_KEYS if key in keys]
    recurring = keys.text("recurring") if "recurring" in keys else ""
    if len(given) > 1 or (not given and "recurring" not in keys):
        rule = f"an event of kind {kind} must have exactly one of {', '.join(AMOUNT_KEYS)}"
        way_out = "" if given else " Give one, or a label as `recurring` where past events of that label tell the size."
        keys.refuse(given[0] if given else "kind", f"{rule}, got {' and '.join(given) or 'none'}.{way_out}")
    if not given and "size_range" in keys:
        keys.refuse(
            "size_range", f"must stand beside one of {', '.join(AMOUNT_KEYS)}: what is learned brings its own range."
        )
    return Amount(
        add_units=keys.number("add_units", default=None, high=MAX_UNITS),
        multiply=keys.number("multiply", default=None, high=MAX_FACTOR),
        add_drivers=keys.amounts("add_drivers", high=MAX_UNITS) if "add_drivers" in keys else (),
        recurring=recurring,
    )
