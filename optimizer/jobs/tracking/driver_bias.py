"""How far drivers came from what the plan was told of them, and what that makes of demand.

Not here: drivers themselves (`forecasting.drivers`), what else moved demand (`optimizer.jobs.tracking.event_sizes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import IntArray
from forecasting.declared_relations import Relation
from forecasting.drivers import Drivers


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverBias:
    """One driver in one relation.

    Attributes
    ----------
    name : str
    target : str
        Groups or pools that follow it, in words.
    actual_factor : float
        Measured over expected, the geometric mean of the tracked days.
    elasticity : float or None
        None where it is estimated, or no relation is declared.
    effect_fraction : float
        Change of demand that it makes; nan without an elasticity.
    """

    name: str
    target: str
    actual_factor: float
    elasticity: float | None
    effect_fraction: float


def driver_biases(drivers: Drivers, relations: Sequence[Relation], *, days: IntArray) -> tuple[DriverBias, ...]:
    """Drivers as they were known on the first day, against what was known after the last.

    Parameters
    ----------
    drivers : Drivers
        Rows that the plan knew, and what was measured since; a row tells by `known_from` when it came.
    relations : sequence of Relation
        None: every driver for itself, without an elasticity.
    days : IntArray of shape (n_days,)
        Epoch days that are tracked.

    Raises
    ------
    InputError
        If a driver has no row that was visible on the first day.
    """
    before = drivers.visible_at(int(days[0]), drivers.names)
    after = drivers.visible_at(int(days[-1]) + 1, drivers.names)
    factors = {
        then.name: float(np.exp((now.log_values(days) - then.log_values(days)).mean()))
        for then, now in zip(before, after, strict=True)
    }
    rows: list[tuple[str, str, float | None]] = [
        (name, ", ".join((*relation.groups, *relation.pools)) or "every group", elasticity)
        for relation in relations
        for name, elasticity in relation.elasticities
        if name in factors
    ]
    named = {name for name, _, _ in rows}
    rows += [(name, "every group", None) for name in drivers.names if name not in named]
    return tuple(
        DriverBias(
            name=name,
            target=target,
            actual_factor=factors[name],
            elasticity=elasticity,
            effect_fraction=float("nan") if elasticity is None else factors[name] ** elasticity - 1.0,
        )
        for name, target, elasticity in rows
    )
