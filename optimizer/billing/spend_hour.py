"""One commitment on the usage of an hour, whoever the provider is: used, unused, and what is billed on demand.

Spend is committed in USD per hour at discounted rates, usage in units of one SKU, which may float over the sizes of a
family [1]_. What is not used in the hour is lost. Not here: several commitments and their order (the folders of the
providers).

References
----------
.. [1] https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec/tree/v1.2/specification/appendix/commitment_discounts
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.billing.settlement import Holding, Stage, UsageLines, apply_turns
from optimizer.billing.turns import by_reach, chances, savings_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One size that can run, or be committed to.

    Attributes
    ----------
    on_demand_usd : float
        [USD/unit-hour]
    committed_usd : float
        Under a commitment. [USD/unit-hour]
    normalization_factor : float
        Normalized units of one unit.
    """

    on_demand_usd: float
    committed_usd: float
    normalization_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CommittedHours:
    """What became of a commitment in each hour.

    Attributes
    ----------
    used_usd, unused_usd, on_demand_usd : FloatArray of shape (n_hours,)
        Fee that usage consumed, fee that is lost, usage billed on demand. [USD]
    on_demand_units : FloatArray of shape (n_lines, n_hours)
        Usage that the commitment does not cover. [units]
    """

    used_usd: FloatArray
    unused_usd: FloatArray
    on_demand_usd: FloatArray
    on_demand_units: FloatArray

    @property
    def total_usd(self) -> FloatArray:
        """Fee, used or not, and usage on demand. Shape (n_hours,). [USD]"""
        total: FloatArray = self.used_usd + self.unused_usd + self.on_demand_usd
        return total


def spend_commitment(committed_hourly_usd: float, skus: Sequence[Sku], units: FloatArray) -> CommittedHours:
    """Spend committed in USD per hour: the highest savings first, ties to the lowest committed rate.

    Parameters
    ----------
    committed_hourly_usd : float
        [USD/h]
    skus : sequence of Sku
        Eligible usage; committed rates above 0.
    units : FloatArray of shape (n_skus, n_hours)
        Usage. [units]

    Examples
    --------
    >>> hours = spend_commitment(1.0, [Sku(on_demand_usd=2.0, committed_usd=1.0)], np.array([[0.75, 1.25]]))
    >>> hours.unused_usd, hours.on_demand_usd
    (array([0.25, 0.  ]), array([0. , 0.5]))
    """
    usage = _usage(skus, units)
    holding = Holding(
        label="spend",
        stage=Stage.COMPUTE_PLAN,
        lines=np.arange(len(skus)),
        draw=np.array([sku.committed_usd for sku in skus], dtype=np.float64),
        quantity=np.full(usage.units.shape[1], committed_hourly_usd),
    )
    turns = sorted(chances([holding], Stage.COMPUTE_PLAN), key=lambda turn: (-savings_fraction(usage, turn), turn.draw))
    settled = apply_turns(usage, [holding], turns)
    return _hours(usage, settled.on_demand_units, settled.used_quantity[0], holding.quantity)


def usage_commitment(
    catalog: Mapping[str, Sku],
    committed: tuple[str, float],
    running: Sequence[tuple[str, FloatArray]],
    *,
    is_flexible: bool,
) -> CommittedHours:
    """Units committed to of one SKU, on its own usage or, where flexible, on any size from the smallest up.

    Parameters
    ----------
    catalog : Mapping of str to Sku
        All of one family.
    committed : (str, float)
        SKU and units of the commitment.
    running : sequence of (str, FloatArray of shape (n_hours,))
        SKU and usage of each line, at least one. [units]
    is_flexible : bool
        Whether it floats over sizes by normalization factor.

    Raises
    ------
    KeyError
        If a SKU is not in the catalog.
    ValueError
        If no line is given, which would say nothing of the hours.
    """
    if not running:
        msg = "running must have at least one line, of 0 units where nothing runs."
        raise ValueError(msg)
    name, quantity = committed
    held = catalog[name]
    usage = _usage([catalog[sku] for sku, _ in running], np.array([units for _, units in running], dtype=np.float64))
    draws = {
        row: catalog[sku].normalization_factor / held.normalization_factor if is_flexible else 1.0
        for row, (sku, _) in enumerate(running)
        if is_flexible or sku == name
    }
    holding = Holding(
        label="usage",
        stage=Stage.REGIONAL_RESERVATION,
        lines=np.array(list(draws), dtype=np.int64),
        draw=np.array(list(draws.values()), dtype=np.float64),
        quantity=np.full(usage.units.shape[1], quantity),
    )
    turns = by_reach(chances([holding], Stage.REGIONAL_RESERVATION), usage, [holding])
    settled = apply_turns(usage, [holding], turns)
    fee_usd = held.committed_usd
    return _hours(usage, settled.on_demand_units, settled.used_quantity[0] * fee_usd, holding.quantity * fee_usd)


def _usage(skus: Sequence[Sku], units: FloatArray) -> UsageLines:
    """Lines in the order given, so that ties go to the first."""
    return UsageLines(
        names=tuple(f"{row:09d}" for row in range(len(skus))),
        accounts=("",) * len(skus),
        on_demand_usd=np.array([sku.on_demand_usd for sku in skus], dtype=np.float64),
        units=np.asarray(units, dtype=np.float64).reshape(len(skus), -1),
    )


def _hours(usage: UsageLines, on_demand_units: FloatArray, used_usd: FloatArray, fee_usd: FloatArray) -> CommittedHours:
    """Money of each hour."""
    return CommittedHours(
        used_usd=used_usd,
        unused_usd=fee_usd - used_usd,
        on_demand_usd=usage.on_demand_usd @ on_demand_units,
        on_demand_units=on_demand_units,
    )
