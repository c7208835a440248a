"""The lines that an AWS cost and usage report would have for settled hours, in the unblended and the amortized view.

What each line carries [1]_ [2]_ [3]_:

| line | unblended | amortized |
|---|---|---|
| Usage | on demand (or spot) | the same |
| DiscountedUsage | 0 | effective fee of what it uses of the reservation |
| SavingsPlanCoveredUsage | on demand | plan rate |
| SavingsPlanNegation | minus the line above | 0 |
| SavingsPlanRecurringFee | hourly part of the commitment | what of the commitment is unused |
| SavingsPlanUpfrontFee, Fee | upfront payment, in the hour of purchase | 0 |
| RIFee | hourly fees of a month, in its first hour held | what of the effective fees is unused in that month |

Over a whole term both views have the same sum. Not here: who covers what (`optimizer.billing.aws.order`), sums of
lines, discounts on top and the blended view (`optimizer.billing.aws.views`).

References
----------
.. [1] https://docs.aws.amazon.com/cur/latest/userguide/cur-sp.html
.. [2] https://docs.aws.amazon.com/cur/latest/userguide/regular-reserved-instances.html
.. [3] https://docs.aws.amazon.com/cur/latest/userguide/amortized-reservation.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.hours import month_index
from optimizer.billing.aws.amortization import Payments
from optimizer.billing.settlement import Holding, Settlement, UsageLines
from optimizer.billing.turns import PLAN_STAGES


class LineType(StrEnum):
    """Types of lines, as a report spells them."""

    USAGE = "Usage"
    DISCOUNTED_USAGE = "DiscountedUsage"
    COVERED_USAGE = "SavingsPlanCoveredUsage"
    NEGATION = "SavingsPlanNegation"
    RECURRING_FEE = "SavingsPlanRecurringFee"
    UPFRONT_FEE = "SavingsPlanUpfrontFee"
    RI_FEE = "RIFee"
    FEE = "Fee"
    EDP_DISCOUNT = "EdpDiscount"


RUNNING_TYPES = frozenset({LineType.USAGE, LineType.DISCOUNTED_USAGE, LineType.COVERED_USAGE})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Owned:
    """One commitment with its money.

    Attributes
    ----------
    holding : Holding
        Its label is the commitment's id, of no other holding; what is held in each hour of the window.
    payments : Payments
        Of one instance, normalized unit or USD per hour of quantity.
    bought_hour : int or None
        Epoch hour of the upfront payment; None: before the window.
    bought_quantity : float
        What the upfront payment was for.
    """

    holding: Holding
    payments: Payments
    bought_hour: int | None = None
    bought_quantity: float = 0.0

    @property
    def is_plan(self) -> bool:
        """Whether its quantity is USD per hour."""
        return self.holding.stage in PLAN_STAGES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineItems:
    """Lines of one type, commitment and usage over the hours of the window.

    Attributes
    ----------
    line_type : LineType
    account : str
        Who runs the usage, or owns the commitment.
    usage : str
        Name of the usage; empty for a fee.
    commitment_id : str
        Empty for plain usage.
    quantity : FloatArray of shape (n_hours,)
        Usage of a running type [units]; reserved instance-hours (or normalized) of an RIFee; else 0.
    unblended_usd, amortized_usd : FloatArray of shape (n_hours,)
        [USD]
    """

    line_type: LineType
    account: str
    usage: str = ""
    commitment_id: str = ""
    quantity: FloatArray
    unblended_usd: FloatArray
    amortized_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("quantity", "unblended_usd", "amortized_usd"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))


def line_items(
    hours: IntArray, usage: UsageLines, owned: Sequence[Owned], settled: Settlement
) -> tuple[LineItems, ...]:
    """Lines of a window.

    Parameters
    ----------
    hours : IntArray of shape (n_hours,)
        Epoch hours of the columns, increasing.
    usage : UsageLines
        What was settled; a column is one hour.
    owned : sequence of Owned
        The holdings that were settled, in their order.
    settled : Settlement

    Returns
    -------
    tuple of LineItems
        Usage and what covers it, line by line, then the fees of each commitment; without lines that are 0 throughout.

    Raises
    ------
    ValueError
        If two commitments have the same id.
    """
    labels = [item.holding.label for item in owned]
    if len(set(labels)) < len(labels):
        msg = f"every commitment must have an id of its own, got {labels}."
        raise ValueError(msg)
    lines: list[LineItems] = []
    for row in range(len(usage.names)):
        lines += _usage_lines(usage, owned, settled, row)
    for row, item in enumerate(owned):
        lines += _fees(hours, item, settled.used_quantity[row])
    return tuple(line for line in lines if _says_something(line))


def spot_line(name: str, account: str, units: FloatArray, rate_usd: FloatArray) -> LineItems:
    """Usage on spot: covered by nothing, the same in both views.

    Parameters
    ----------
    name, account : str
    units : FloatArray of shape (n_hours,)
        [units]
    rate_usd : FloatArray of shape (n_hours,)
        Spot price of each hour. [USD/unit-hour]
    """
    cost_usd = units * rate_usd
    return LineItems(
        line_type=LineType.USAGE,
        account=account,
        usage=name,
        quantity=units,
        unblended_usd=cost_usd,
        amortized_usd=cost_usd,
    )


def _usage_lines(usage: UsageLines, owned: Sequence[Owned], settled: Settlement, row: int) -> Iterator[LineItems]:
    """One line of usage by what covers it, the rest on demand."""
    name, account, rate_usd = usage.names[row], usage.accounts[row], float(usage.on_demand_usd[row])
    for item in owned:
        label = item.holding.label
        units = settled.covered_units.row(label, row)
        if units is None:
            continue
        draw = float(item.holding.draw[item.holding.lines == row][0])
        used_usd = units * draw * item.payments.effective_hourly_usd
        nothing = np.zeros_like(units)
        types = (LineType.COVERED_USAGE, LineType.NEGATION) if item.is_plan else (LineType.DISCOUNTED_USAGE,)
        for line_type in types:
            is_negation = line_type == LineType.NEGATION
            sign = {LineType.COVERED_USAGE: 1.0, LineType.NEGATION: -1.0}.get(line_type, 0.0)
            yield LineItems(
                line_type=line_type,
                account=account,
                usage=name,
                commitment_id=label,
                quantity=nothing if is_negation else units,
                unblended_usd=sign * units * rate_usd,
                amortized_usd=nothing if is_negation else used_usd,
            )
    on_demand = settled.on_demand_units[row]
    cost_usd = on_demand * rate_usd
    yield LineItems(
        line_type=LineType.USAGE,
        account=account,
        usage=name,
        quantity=on_demand,
        unblended_usd=cost_usd,
        amortized_usd=cost_usd,
    )


def _fees(hours: IntArray, item: Owned, used_quantity: FloatArray) -> Iterator[LineItems]:
    """Upfront fee of a commitment, then its hourly fee: of a plan by the hour, of a reservation by the month."""
    nothing, held = np.zeros(len(hours)), item.holding.quantity
    hourly_usd = held * item.payments.recurring_hourly_usd
    unused_usd = (held - used_quantity) * item.payments.effective_hourly_usd
    fees = {LineType.UPFRONT_FEE if item.is_plan else LineType.FEE: (nothing, _upfront_usd(hours, item), nothing)}
    if item.is_plan:
        fees[LineType.RECURRING_FEE] = (nothing, hourly_usd, unused_usd)
    else:
        quantity, unblended_usd, amortized_usd = (
            _monthly(hours, held, each) for each in (held, hourly_usd, unused_usd)
        )
        fees[LineType.RI_FEE] = (quantity, unblended_usd, amortized_usd)
    for line_type, (quantity, unblended_usd, amortized_usd) in fees.items():
        yield LineItems(
            line_type=line_type,
            account=item.holding.account,
            commitment_id=item.holding.label,
            quantity=quantity,
            unblended_usd=unblended_usd,
            amortized_usd=amortized_usd,
        )


def _upfront_usd(hours: IntArray, item: Owned) -> FloatArray:
    """Upfront payment, in the hour of purchase if it lies in the window. Shape (n_hours,)."""
    paid = np.zeros(len(hours))
    if item.bought_hour is not None:
        paid[hours == item.bought_hour] = item.payments.upfront_usd * item.bought_quantity
    return paid


def _monthly(hours: IntArray, held: FloatArray, values: FloatArray) -> FloatArray:
    """Sum of each calendar month, in its first hour in which anything is held. Shape (n_hours,)."""
    sums = np.zeros(len(hours))
    columns = np.flatnonzero(held)
    months, first, of_month = np.unique(month_index(hours[columns]), return_index=True, return_inverse=True)
    sums[columns[first]] = np.bincount(of_month, weights=values[columns], minlength=len(months))
    return sums


def _says_something(line: LineItems) -> bool:
    """Whether any figure is not 0."""
    return bool(line.quantity.any() or line.unblended_usd.any() or line.amortized_usd.any())
