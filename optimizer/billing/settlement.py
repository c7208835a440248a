"""Usage lines, holdings, and what their turns at each other leave: the same for every provider.

Not here: whose turn it is (`optimizer.billing.turns` and the folders of the providers).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from optimizer.billing.covered import CoveredUnits


class Stage(IntEnum):
    """When a commitment has its turn within the hour; every provider keeps this order, and its own inside a stage."""

    OWNED_HARDWARE = 0
    ZONAL_RESERVATION = 1
    REGIONAL_RESERVATION = 2
    INSTANCE_PLAN = 3
    COMPUTE_PLAN = 4


class Reach(IntEnum):
    """Whose usage a commitment may cover, from narrow to wide."""

    RESOURCE_GROUP = 0
    ACCOUNT = 1
    MANAGEMENT_GROUP = 2
    SHARED = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UsageLines:
    """Usage that commitments may cover; spot is not part of it.

    Attributes
    ----------
    names : tuple of str
        One for each line; ties of the order are broken by them.
    accounts : tuple of str
        Account that runs the line; empty where not declared.
    on_demand_usd : FloatArray of shape (n_lines,)
        [USD/unit-hour]
    units : FloatArray of shape (n_lines, n_columns)
        Usage; a column is an hour. Idle units of a capacity reservation are usage. [units]
    idle_lines : frozenset of int
        Lines that hold nothing but idle units of capacity reservations: served after running instances.
    """

    names: tuple[str, ...]
    accounts: tuple[str, ...]
    on_demand_usd: FloatArray
    units: FloatArray
    idle_lines: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Freeze the arrays and check the shape."""
        object.__setattr__(self, "on_demand_usd", frozen_floats(self.on_demand_usd))
        object.__setattr__(self, "units", frozen_floats(self.units))
        if self.units.ndim != 2 or self.units.shape[0] != len(self.names):
            msg = f"units must have shape ({len(self.names)}, n_columns), got {self.units.shape}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Holding:
    """Commitments of one kind, owner and eligibility, as one quantity per column.

    Attributes
    ----------
    label : str
        Where coverage is booked; several holdings may share one.
    stage : Stage
        Its turn.
    account : str
        Owner; empty where not declared, then no usage comes first as the owner's.
    lines : IntArray of shape (n_eligible,)
        Eligible lines.
    draw : FloatArray of shape (n_eligible,)
        Quantity that one covered unit uses up: the plan rate, the normalization factor, or 1.
    quantity : FloatArray of shape (n_columns,)
        What is held. [USD/h for a plan, else (normalized) units]
    term_hours : int
        Length of the term, where the order depends on it. [h]
    reach : Reach
        How wide its scope is, where the order depends on it; `lines` holds only what lies inside.
    """

    label: str
    stage: Stage
    account: str = ""
    lines: IntArray
    draw: FloatArray
    quantity: FloatArray
    term_hours: int = 0
    reach: Reach = Reach.SHARED

    def __post_init__(self) -> None:
        """Freeze the arrays and check them."""
        object.__setattr__(self, "lines", frozen_ints(self.lines))
        object.__setattr__(self, "draw", frozen_floats(self.draw))
        object.__setattr__(self, "quantity", frozen_floats(self.quantity))
        if self.lines.shape != self.draw.shape or not np.all(self.draw > 0.0):
            msg = f"'{self.label}': draw must be > 0 with one value per eligible line, got {self.draw.tolist()}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settlement:
    """Who covered what.

    Attributes
    ----------
    covered_units : CoveredUnits, a mapping of str to FloatArray of shape (n_lines, n_columns)
        By label of the holdings; a label that covered nothing may be absent. [units]
    on_demand_units : FloatArray of shape (n_lines, n_columns)
        Usage that nothing covered. [units]
    used_quantity : FloatArray of shape (n_holdings, n_columns)
        What usage consumed of each holding. [USD/h for a plan, else (normalized) units]
    order : tuple of (int, int)
        (holding, line) in the order of application, where anything was covered.
    """

    covered_units: CoveredUnits
    on_demand_units: FloatArray
    used_quantity: FloatArray
    order: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One holding's chance at one line.

    Attributes
    ----------
    holding, line : int
        Rows of the holdings and of the usage lines.
    draw : float
        Quantity that one covered unit uses up.
    """

    holding: int
    line: int
    draw: float


def apply_turns(usage: UsageLines, holdings: Sequence[Holding], turns: Iterable[Turn]) -> Settlement:
    """Let each turn cover what is left of its line with what is left of its holding, every column by itself.

    Parameters
    ----------
    usage : UsageLines
    holdings : sequence of Holding
    turns : iterable of Turn
        In the order of application.

    Returns
    -------
    Settlement
    """
    remaining = usage.units.copy()
    left = np.zeros((len(holdings), usage.units.shape[1]))
    for row, holding in enumerate(holdings):
        left[row] = holding.quantity
    held = left.copy()
    covered: dict[str, dict[int, FloatArray]] = {}
    order: list[tuple[int, int]] = []
    for turn in turns:
        units = np.minimum(remaining[turn.line], left[turn.holding] / turn.draw)
        if not units.any():
            continue
        remaining[turn.line] -= units
        # the last unit can leave a rounding error below zero, which must not become negative usage later
        left[turn.holding] = np.maximum(left[turn.holding] - units * turn.draw, 0.0)
        lines = covered.setdefault(holdings[turn.holding].label, {})  # most offers cover few lines
        lines[turn.line] = lines[turn.line] + units if turn.line in lines else units
        order.append((turn.holding, turn.line))
    return Settlement(
        covered_units=CoveredUnits(covered, remaining.shape),
        on_demand_units=remaining,
        used_quantity=held - left,
        order=tuple(order),
    )
