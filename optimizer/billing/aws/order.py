"""The AWS order of application: which commitment covers which usage in an hour.

The order, in every hour by itself [1]_ [2]_:

1. owned hardware, which covers its own pool;
2. zonal reservations, then regional reservations: the purchasing account's usage first, then the organisation's; a
   reservation covers its smallest size first;
3. EC2 Instance Savings Plans, then Compute Savings Plans: the owner account's usage first, then the organisation's;
   within each the highest savings percentage first, ties to the lowest plan rate;
4. the rest is on demand. What a commitment did not cover in the hour is lost.

AWS leaves open which of two reservations comes first on the same usage; here the one that fits fewer lines does, then
the one given first. Two plans of one type are ordered by what each saves on each line.

Not here: which usage a commitment is eligible for (`optimizer.billing.aws.instances` for AWS attributes,
`optimizer.billing.replay` for a price list), nor money (`optimizer.billing.bill`).

References
----------
.. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html
.. [2] https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints

SAVINGS_DIGITS = 12  # savings fractions of equal discounts differ by rounding of the division only


class Stage(IntEnum):
    """When a commitment has its turn within the hour."""

    OWNED_HARDWARE = 0
    ZONAL_RESERVATION = 1
    REGIONAL_RESERVATION = 2
    INSTANCE_PLAN = 3
    COMPUTE_PLAN = 4


PLAN_STAGES = frozenset({Stage.INSTANCE_PLAN, Stage.COMPUTE_PLAN})


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
    """

    names: tuple[str, ...]
    accounts: tuple[str, ...]
    on_demand_usd: FloatArray
    units: FloatArray

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
    """

    label: str
    stage: Stage
    account: str = ""
    lines: IntArray
    draw: FloatArray
    quantity: FloatArray

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
    covered_units : Mapping of str to FloatArray of shape (n_lines, n_columns)
        By label of the holdings; a label that covered nothing may be absent. [units]
    on_demand_units : FloatArray of shape (n_lines, n_columns)
        Usage that nothing covered. [units]
    used_quantity : FloatArray of shape (n_holdings, n_columns)
        What usage consumed of each holding. [USD/h for a plan, else (normalized) units]
    order : tuple of (int, int)
        (holding, line) in the order of application, where anything was covered.
    """

    covered_units: Mapping[str, FloatArray]
    on_demand_units: FloatArray
    used_quantity: FloatArray
    order: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One holding's chance at one line."""

    holding: int
    line: int
    draw: float


def settle(usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool = True) -> Settlement:
    """Apply the holdings to the usage in the AWS order, every column by itself.

    Parameters
    ----------
    usage : UsageLines
    holdings : sequence of Holding
        In the order in which ties between them are broken.
    is_shared : bool
        Whether a commitment may cover other accounts of the organisation once its owner's usage is served.

    Returns
    -------
    Settlement
    """
    remaining = usage.units.copy()
    left = np.zeros((len(holdings), usage.units.shape[1]))
    for row, holding in enumerate(holdings):
        left[row] = holding.quantity
    held = left.copy()
    covered: dict[str, FloatArray] = {}
    order: list[tuple[int, int]] = []
    for turn in turns(usage, holdings, is_shared=is_shared):
        units = np.minimum(remaining[turn.line], left[turn.holding] / turn.draw)
        if not units.any():
            continue
        remaining[turn.line] -= units
        # the last unit can leave a rounding error below zero, which must not become negative usage later
        left[turn.holding] = np.maximum(left[turn.holding] - units * turn.draw, 0.0)
        label = holdings[turn.holding].label
        if label not in covered:
            covered[label] = np.zeros_like(remaining)
        covered[label][turn.line] += units
        order.append((turn.holding, turn.line))
    return Settlement(covered_units=covered, on_demand_units=remaining, used_quantity=held - left, order=tuple(order))


def turns(usage: UsageLines, holdings: Sequence[Holding], *, is_shared: bool = True) -> Iterator[_Turn]:
    """Yield every holding's chance at every eligible line, in the AWS order."""
    for stage in Stage:
        for is_owner in (True, False):
            chances = [
                _Turn(holding=row, line=int(line), draw=float(draw))
                for row, holding in enumerate(holdings)
                if holding.stage == stage
                for line, draw in zip(holding.lines, holding.draw, strict=True)
                if _is_pass(holding.account, usage.accounts[line], is_owner=is_owner, is_shared=is_shared)
            ]
            if stage in PLAN_STAGES:
                yield from sorted(chances, key=lambda turn: _plan_rank(turn, usage))
            else:
                yield from sorted(chances, key=lambda turn: _reservation_rank(turn, usage, holdings))


def _is_pass(holder: str, runner: str, *, is_owner: bool, is_shared: bool) -> bool:
    """Whether usage of `runner` belongs to the owner's pass (else the organisation's) of a holding of `holder`."""
    is_own = holder == runner and (holder != "" or not is_shared)
    return is_own if is_owner else (is_shared and not is_own)


def _reservation_rank(turn: _Turn, usage: UsageLines, holdings: Sequence[Holding]) -> tuple[int, int, float, str]:
    """Fewest lines first, then as given; each reservation from its smallest size up."""
    return (len(holdings[turn.holding].lines), turn.holding, turn.draw, usage.names[turn.line])


def _plan_rank(turn: _Turn, usage: UsageLines) -> tuple[float, float, str, int]:
    """Highest savings fraction first, ties to the lowest plan rate, then by name of the line, then as given."""
    on_demand_usd = float(usage.on_demand_usd[turn.line])
    savings = round(1.0 - turn.draw / on_demand_usd, SAVINGS_DIGITS) if on_demand_usd > 0.0 else -np.inf
    return (-savings, turn.draw, usage.names[turn.line], turn.holding)
