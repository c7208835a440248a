"""Coverage classes: instruments that are interchangeable within an hour become one row.

Reservations of one pool differ in term and payment, not in what they cover; plans whose rate cards are proportional
differ by a factor. Fewer rows make the recourse and the program over bounds smaller without changing the optimum.
Not here: costs, dates or any method of solution.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.problem import Instruments

PROPORTIONAL_TOLERANCE = 1e-12  # rate cards are printed figures; equal ones differ by float64 rounding only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverClasses:
    """Instruments grouped by what they cover.

    Attributes
    ----------
    draw : FloatArray of shape (n_classes, n_pools)
        Class quantity that one covered unit uses up; nan where not covered.
    class_of : IntArray of shape (n_instruments,)
        Class of each instrument; -1 for capacity reservations.
    scale : FloatArray of shape (n_instruments,)
        Class quantity that one unit of the instrument's quantity adds.
    fee_usd : FloatArray of shape (n_classes,)
        Fee per class quantity and hour, where `is_split_by_fee`; else nan.
    floor_pool : IntArray of shape (n_instruments,)
        Pool of each capacity reservation, -1 for all others.
    turn : IntArray of shape (n_classes,)
        Whose turn it is, the smallest first.
    smallest_first : BoolArray of shape (n_classes,) or None
        Classes that serve the smallest draw first, as AWS's size-flexible reservations do; None: each serves what
        saves most.
    """

    draw: FloatArray
    class_of: IntArray
    scale: FloatArray
    fee_usd: FloatArray
    floor_pool: IntArray
    turn: IntArray
    smallest_first: BoolArray | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("draw", "scale", "fee_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        for name in ("class_of", "floor_pool", "turn"):
            object.__setattr__(self, name, frozen_ints(getattr(self, name)))

    @property
    def is_split_by_fee(self) -> bool:
        """Whether every class has one fee."""
        return bool(len(self.fee_usd)) and bool(np.isfinite(self.fee_usd).all())

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.draw)

    def held_by_class(self, held: FloatArray) -> FloatArray:
        """Class quantities held, from `held` of shape (n_instruments, n_columns). Shape (n_classes, n_columns)."""
        out = np.zeros((self.n_classes, held.shape[1]))
        for row in np.flatnonzero(self.class_of >= 0):
            out[self.class_of[row]] += self.scale[row] * held[row]
        return out

    def floor_units(self, held: FloatArray, n_pools: int) -> FloatArray:
        """Units that capacity reservations hold per pool. Shape (n_pools, n_columns)."""
        out = np.zeros((n_pools, held.shape[1]))
        for row in np.flatnonzero(self.floor_pool >= 0):
            out[self.floor_pool[row]] += held[row]
        return out


def cover_classes(instruments: Instruments, *, split_by_fee: bool) -> CoverClasses:
    """Group the instruments.

    Parameters
    ----------
    instruments : Instruments
    split_by_fee : bool
        Keep instruments with different fees apart, as a limit on stranded USD needs.

    Returns
    -------
    CoverClasses
    """
    n_instruments = len(instruments.names)
    class_of = np.full(n_instruments, -1)
    floor_pool = np.full(n_instruments, -1)
    scale = np.ones(n_instruments)
    draws: list[FloatArray] = []
    fees: list[float] = []
    turns: list[int] = []
    turn = np.zeros(n_instruments, dtype=np.int64) if instruments.turn is None else instruments.turn
    for row in range(n_instruments):
        if instruments.reserves_units[row]:
            floor_pool[row] = int(np.flatnonzero(np.isfinite(instruments.draw[row]))[0])
            continue
        fee = float(instruments.fee_usd[row]) if split_by_fee else np.nan
        for known, draw in enumerate(draws):
            factor = _proportion(draw, instruments.draw[row])
            if factor is not None and (not split_by_fee or abs(fees[known] * factor - fee) <= PROPORTIONAL_TOLERANCE):
                class_of[row], scale[row] = known, factor
                break
        else:
            class_of[row] = len(draws)
            draws.append(instruments.draw[row])
            fees.append(fee)
            turns.append(int(turn[row]))
    draw = np.array(draws).reshape(len(draws), instruments.draw.shape[1])
    return CoverClasses(
        draw=draw,
        class_of=class_of,
        scale=scale,
        fee_usd=np.array(fees),
        floor_pool=floor_pool,
        turn=np.array(turns, dtype=np.int64),
    )


def _proportion(base: FloatArray, other: FloatArray) -> float | None:
    """Class quantity per unit of `other`, or None where the cards are not proportional."""
    covered: BoolArray = np.isfinite(base)
    if not np.array_equal(covered, np.isfinite(other)) or not covered.any():
        return None
    ratio = base[covered] / other[covered]
    if np.ptp(ratio) > PROPORTIONAL_TOLERANCE * abs(float(ratio[0])):
        return None
    return float(ratio[0])
