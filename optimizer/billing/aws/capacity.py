"""Capacity reservations: units held but idle are usage of their own, at the on-demand rate.

A running instance that fits uses the reservation and costs what it costs anyway. Idle units can be covered by regional
reservations and by savings plans, after running instances, but not by zonal reservations. Not here: the order of
application (`optimizer.billing.aws.order`).

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-pricing-billing.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.billing.settlement import Holding, Stage, UsageLines

IDLE_PREFIX = "UnusedBox:"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CapacityReservation:
    """Capacity held for one line of usage.

    Attributes
    ----------
    line : int
        Row of the usage.
    account : str
        Who pays for what is idle.
    held_units : FloatArray of shape (n_columns,)
        Parts of hours count by the second. [units]
    """

    line: int
    account: str = ""
    held_units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "held_units", frozen_floats(self.held_units))


def with_idle_capacity(usage: UsageLines, reservations: Sequence[CapacityReservation]) -> UsageLines:
    """Usage with one line more for each reservation: what of it stays idle.

    Parameters
    ----------
    usage : UsageLines
    reservations : sequence of CapacityReservation
        Several on one line are filled in this order.

    Returns
    -------
    UsageLines
        The lines given, then the idle ones, named by their line and marked in `idle_lines`.
    """
    rest = usage.units.copy()
    idle = np.zeros((len(reservations), usage.units.shape[1]))
    for row, reservation in enumerate(reservations):
        used = np.minimum(rest[reservation.line], reservation.held_units)
        rest[reservation.line] -= used
        idle[row] = reservation.held_units - used
    n_lines = len(usage.names)
    lines = [reservation.line for reservation in reservations]
    return UsageLines(
        names=(*usage.names, *(f"{IDLE_PREFIX}{usage.names[line]}" for line in lines)),
        accounts=(*usage.accounts, *(reservation.account for reservation in reservations)),
        on_demand_usd=np.concatenate([usage.on_demand_usd, usage.on_demand_usd[lines]]),
        units=np.vstack([usage.units, idle]),
        idle_lines=usage.idle_lines | frozenset(range(n_lines, n_lines + len(lines))),
    )


def reaching_idle(holding: Holding, reservations: Sequence[CapacityReservation], *, n_lines: int) -> Holding:
    """Holding that may also cover the idle units of the lines it is eligible for; a zonal one stays as it is.

    Parameters
    ----------
    holding : Holding
        On the usage without idle lines.
    reservations : sequence of CapacityReservation
        As given to `with_idle_capacity`.
    n_lines : int
        Lines of that usage.
    """
    if holding.stage in (Stage.OWNED_HARDWARE, Stage.ZONAL_RESERVATION):
        return holding
    draw_of = dict(zip(holding.lines.tolist(), holding.draw.tolist(), strict=True))
    reached = [(n_lines + row, draw_of[item.line]) for row, item in enumerate(reservations) if item.line in draw_of]
    return replace(
        holding,
        lines=np.array([*holding.lines.tolist(), *(line for line, _ in reached)], dtype=np.int64),
        draw=np.array([*holding.draw.tolist(), *(draw for _, draw in reached)], dtype=np.float64),
    )
