"""Sums of billing lines in three views, unblended, amortized and blended, and an enterprise discount on top.

Not here: what a line is (`optimizer.billing.aws.line_items`).

References
----------
.. [1] https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/con-bill-blended-rates.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forecasting.arrays import FloatArray
from optimizer.billing.aws.line_items import LineItems, LineType

BLENDED_TYPES = frozenset({LineType.USAGE, LineType.DISCOUNTED_USAGE})  # fees of reservations stay out of the mean


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewTotal:
    """Sums of some lines.

    Attributes
    ----------
    unblended_usd : float
        As it is paid: cash. [USD]
    amortized_usd : float
        As it is used: upfront spread over the term. [USD]
    """

    unblended_usd: float
    amortized_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendedRate:
    """Mean rate of one kind of usage over an organisation.

    Attributes
    ----------
    hours : float
        On demand and on reservations. [unit-hours]
    cost_usd : float
        Unblended: what is on demand, as reservations' fees are left out. [USD]
    """

    hours: float
    cost_usd: float

    @property
    def rate_usd(self) -> float:
        """Cost by the hour; 0 where nothing runs. [USD/unit-hour]"""
        return self.cost_usd / self.hours if self.hours > 0.0 else 0.0


def total(lines: Sequence[LineItems]) -> ViewTotal:
    """Both sums over all lines and hours."""
    return ViewTotal(
        unblended_usd=sum(float(line.unblended_usd.sum()) for line in lines),
        amortized_usd=sum(float(line.amortized_usd.sum()) for line in lines),
    )


def totals_by_type(lines: Sequence[LineItems]) -> dict[LineType, ViewTotal]:
    """Sums of each type of line that there is, in the order of `LineType`."""
    return {
        line_type: total([line for line in lines if line.line_type == line_type])
        for line_type in LineType
        if any(line.line_type == line_type for line in lines)
    }


def with_enterprise_discount(
    lines: Sequence[LineItems], discount_fraction: float, *, excluded: frozenset[LineType] = frozenset()
) -> tuple[LineItems, ...]:
    """Lines with those of an enterprise discount (EDP): a fraction off what is left after every other discount.

    Each line of the discount takes the same fraction off both views, so that plan and enterprise discount multiply.

    Parameters
    ----------
    lines : sequence of LineItems
    discount_fraction : float
        In [0, 1).
    excluded : frozenset of LineType
        Types that the contract does not discount.

    Raises
    ------
    ValueError
        If the fraction is outside, or a discount is on the lines already.
    """
    if not 0.0 <= discount_fraction < 1.0:
        msg = f"discount_fraction must lie in [0, 1), got {discount_fraction}. 9 % is 0.09."
        raise ValueError(msg)
    if any(line.line_type == LineType.EDP_DISCOUNT for line in lines):
        msg = "lines must not have an enterprise discount on them already."
        raise ValueError(msg)
    if discount_fraction == 0.0:
        return tuple(lines)
    discounts = [
        replace(
            line,
            line_type=LineType.EDP_DISCOUNT,
            quantity=0.0 * line.quantity,
            unblended_usd=-discount_fraction * line.unblended_usd,
            amortized_usd=-discount_fraction * line.amortized_usd,
        )
        for line in lines
        if line.line_type not in excluded
    ]
    return (*lines, *discounts)


def blended_rate(*, on_demand_hours: float, on_demand_usd: float, reserved_hours: float) -> BlendedRate:
    """Mean rate of usage that is partly covered by reservations, whose fees are left out [1]_.

    Parameters
    ----------
    on_demand_hours : float
        [unit-hours]
    on_demand_usd : float
        Their rate. [USD/unit-hour]
    reserved_hours : float
        Covered by reservations. [unit-hours]

    Examples
    --------
    >>> blended_rate(on_demand_hours=720.0, on_demand_usd=0.023, reserved_hours=2160.0).rate_usd
    0.00575
    """
    return BlendedRate(hours=on_demand_hours + reserved_hours, cost_usd=on_demand_hours * on_demand_usd)


def blended_rates(lines: Sequence[LineItems], kind_of: Mapping[str, str] | None = None) -> dict[str, BlendedRate]:
    """Mean rate of each kind of usage over all accounts and hours.

    Parameters
    ----------
    lines : sequence of LineItems
    kind_of : Mapping of str to str, optional
        Usage type of each usage's name; None: every name is a type of its own.

    Returns
    -------
    dict of str to BlendedRate
    """
    rates: dict[str, BlendedRate] = {}
    for line in lines:
        if line.line_type not in BLENDED_TYPES:
            continue
        kind = _kind(line, kind_of)
        before = rates.get(kind, BlendedRate(hours=0.0, cost_usd=0.0))
        rates[kind] = BlendedRate(
            hours=before.hours + float(line.quantity.sum()),
            cost_usd=before.cost_usd + float(line.unblended_usd.sum()),
        )
    return rates


def blended_usd(lines: Sequence[LineItems], kind_of: Mapping[str, str] | None = None) -> list[FloatArray]:
    """Blended cost of each line: quantity x mean rate where rates are blended, else as unblended.

    Parameters
    ----------
    lines, kind_of
        As for `blended_rates`.

    Returns
    -------
    list of FloatArray of shape (n_hours,)
        One for each line; their sum is that of the unblended costs. [USD]
    """
    rates = blended_rates(lines, kind_of)
    return [
        line.quantity * rates[_kind(line, kind_of)].rate_usd if line.line_type in BLENDED_TYPES else line.unblended_usd
        for line in lines
    ]


def _kind(line: LineItems, kind_of: Mapping[str, str] | None) -> str:
    """Usage type of a line."""
    return line.usage if kind_of is None else kind_of.get(line.usage, line.usage)
