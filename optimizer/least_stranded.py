"""Which of several commitments that could serve the same units is left idle: the choice that strands the least value.

Costs do not change: what is covered stays covered. Not here: what is covered (`optimizer.recourse`).
"""

import numpy as np

from forecasting.arrays import BoolArray, FloatArray
from optimizer.cover import CoverClasses

PASSES = 3  # what one exchange sets free another class may take over
SMALLEST_GAIN = 1e-12  # of a USD per quantity: fees closer than that are equal


def strand_least(cover: dict[tuple[int, int], FloatArray], held: FloatArray, classes: CoverClasses) -> FloatArray:
    """Hand covered units to idle classes wherever what that sets free has a lower fee.

    Parameters
    ----------
    cover : dict from (class, pool) to FloatArray of shape (n_columns,)
        Units covered; changed in place. [units]
    held : FloatArray of shape (n_classes, n_columns)
        Class quantities held.
    classes : CoverClasses
        Split by fee.

    Returns
    -------
    FloatArray of shape (n_classes, n_columns)
        Class quantity used after the exchanges.
    """
    left = held.copy()
    for (row, pool), units in cover.items():
        left[row] -= classes.draw[row, pool] * units
    np.maximum(left, 0.0, out=left)
    exchanges = _exchanges(cover, held, classes)
    for _ in range(PASSES):
        moved = False
        for idle, busy, pool in exchanges:
            idle_draw, busy_draw = classes.draw[idle, pool], classes.draw[busy, pool]
            units = np.minimum(left[idle] / idle_draw, cover[busy, pool])
            if not units.any():
                continue
            moved = True
            cover[busy, pool] = cover[busy, pool] - units
            cover[idle, pool] = cover[idle, pool] + units
            left[idle] = np.maximum(left[idle] - units * idle_draw, 0.0)
            left[busy] += units * busy_draw
        if not moved:
            break
    return held - left


def _exchanges(
    cover: dict[tuple[int, int], FloatArray], held: FloatArray, classes: CoverClasses
) -> list[tuple[int, int, int]]:
    """(class that takes over, class set free, pool), best gain per quantity taken first; only what gains."""
    is_held: BoolArray = np.any(held > 0.0, axis=1)
    found = []
    for busy, pool in cover:
        for idle in np.flatnonzero(np.isfinite(classes.draw[:, pool]) & is_held).tolist():
            gain = classes.fee_usd[idle] - classes.fee_usd[busy] * classes.draw[busy, pool] / classes.draw[idle, pool]
            if is_held[busy] and idle != busy and gain > SMALLEST_GAIN:
                found.append((float(gain), idle, busy, pool))
    return [(idle, busy, pool) for _, idle, busy, pool in sorted(found, key=lambda item: (-item[0], item[1:]))]
