"""Billing cases of kind `billing_lines`: the lines that a report has for reservations and the usage they cover.

Turns a case into hours of a month, and the engine's lines into what the case expects. Not here: what a line carries
(`optimizer.billing.aws.line_items`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_YEAR
from optimizer.billing.aws.amortization import Payments
from optimizer.billing.aws.instances import Instances, required_factor
from optimizer.billing.aws.line_items import LineItems, LineType, Owned, line_items
from optimizer.billing.aws.order import settle
from optimizer.billing.aws.reported_units import fee_line_reserved_units, monthly_reserved_units
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, answer_of, as_fields
from optimizer.billing.cases_ri import holding_of, instances_of
from optimizer.billing.settlement import UsageLines

LONGEST_MONTH_HOURS = 744
PLACE_FIELDS = frozenset({"account", "instance_type", "quantity", "az", "region", "platform", "tenancy"})
RI_FIELDS = PLACE_FIELDS | {"scope", "location", "hourly", "upfront", "term_years"}
USAGE_FIELDS = PLACE_FIELDS | {"hours", "od_rate"}
UNITS_FIELDS = frozenset({"quantity", "hours_per_month", "months"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subscription:
    """One reserved instance with its money."""

    reserved: Instances
    hourly_usd: float
    upfront_usd: float
    term_hours: float


class BillingLinesCase:
    """A case of this kind; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.inputs.allow({"ri", "hours_in_month", "usage", "normalization_overrides", *UNITS_FIELDS})
        self.factors = {**case.factors, **case.inputs.numbers("normalization_overrides")}
        self.subscriptions: list[_Subscription] = []
        self.lines: tuple[LineItems, ...] = ()
        self.types: dict[str, str] = {}
        if "ri" in self.inputs.values:
            self.subscriptions = _subscriptions(as_fields(self.inputs.values["ri"], f"{self.inputs.place}.ri"))
            self._bill()

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind, or its inputs are missing.
        """
        return answer_of(
            {
                "RIFee": lambda: sum(self._fees()),
                "RIFee_each": lambda: _same(self._fees(), key),
                "Fee": lambda: sum(item.upfront_usd for item in self.subscriptions),
                "reserved_units": lambda: sum(self._reserved()),
                "reserved_units_each": lambda: _same(self._reserved(), key),
                "reserved_normalized_units": lambda: sum(self._reserved_normalized()),
                "reserved_normalized_units_each": lambda: _same(self._reserved_normalized(), key),
                "discounted_usage": lambda: list(self._rows(LineType.DISCOUNTED_USAGE)),
                "usage": lambda: list(self._rows(LineType.USAGE)),
                "on_demand_usage": lambda: list(self._rows(LineType.USAGE)),
                "unblended_total": lambda: sum(float(line.unblended_usd.sum()) for line in self.lines),
                "amortized_total": lambda: sum(float(line.amortized_usd.sum()) for line in self.lines),
                "monthly_reserved_units": lambda: monthly_reserved_units(*self._units("quantity", "hours_per_month")),
                "first_fee_line_reserved_units": lambda: fee_line_reserved_units(
                    *self._units("quantity", "hours_per_month", "months")
                ),
            },
            key,
        )

    def _bill(self) -> None:
        """Settle one month, each running instance as a line and each reserved instance as a commitment of its own."""
        n_hours = _whole_hours(self.inputs)
        running: list[Instances] = []
        units: list[FloatArray] = []
        rates_usd: list[float] = []
        for fields in self.inputs.objects("usage"):
            fields.allow(USAGE_FIELDS)
            hours = _hourly(fields, n_hours)
            for _ in range(_count(fields)):
                running.append(instances_of(fields))
                units.append(hours)
                rates_usd.append(fields.first_number("od_rate") or 0.0)
        usage = UsageLines(
            names=tuple(f"{row:09d}" for row in range(len(running))),
            accounts=tuple(item.account for item in running),
            on_demand_usd=np.array(rates_usd),
            units=np.array(units).reshape(len(running), n_hours),
        )
        owned = [self._owned(row, item, running, n_hours) for row, item in enumerate(self.subscriptions)]
        settled = settle(usage, [item.holding for item in owned])
        self.types = {name: item.instance_type for name, item in zip(usage.names, running, strict=True)}
        self.lines = line_items(np.arange(n_hours), usage, owned, settled)

    def _owned(self, row: int, item: _Subscription, running: Sequence[Instances], n_hours: int) -> Owned:
        """One reserved instance, held all month and bought at its start."""
        holding = holding_of(label=str(row), count=1.0, reserved=item.reserved, running=running, factors=self.factors)
        return Owned(
            holding=replace(holding, quantity=np.ones(n_hours)),
            payments=Payments(
                upfront_usd=item.upfront_usd, recurring_hourly_usd=item.hourly_usd, term_hours=item.term_hours
            ),
            bought_hour=0,
            bought_quantity=1.0,
        )

    def _fees(self) -> list[float]:
        """Monthly fee of each reserved instance; 0 where it is paid upfront."""
        return [float(line.unblended_usd.sum()) for line in self._of_type(LineType.RI_FEE)]

    def _reserved(self) -> list[float]:
        """Hours of the month that each reserved instance has."""
        return [float(line.quantity.sum()) for line in self._of_type(LineType.RI_FEE)]

    def _reserved_normalized(self) -> list[float]:
        """The same in normalized units."""
        factors = [self._factor(item.reserved.instance_type) for item in self.subscriptions]
        return [hours * factor for hours, factor in zip(self._reserved(), factors, strict=True)]

    def _rows(self, line_type: LineType) -> Iterator[Mapping[str, object]]:
        """One row for each line and hour in which it has a quantity."""
        for line in self._of_type(line_type):
            factor = self._factor(self.types[line.usage])
            for column in np.flatnonzero(line.quantity):
                units = float(line.quantity[column])
                yield {
                    "instance_type": self.types[line.usage],
                    "usage_amount": units,
                    "normalization_factor": factor,
                    "normalized_usage": units * factor,
                    "unblended_cost": float(line.unblended_usd[column]),
                    "effective_cost": float(line.amortized_usd[column]),
                }

    def _factor(self, instance_type: str) -> float:
        """Normalization factor, which must be known."""
        try:
            return required_factor(instance_type, self.factors)
        except LookupError as error:
            raise NotSupportedError(str(error)) from error

    def _of_type(self, line_type: LineType) -> list[LineItems]:
        """Lines of one type; there is nothing to answer from without a reservation."""
        if not self.subscriptions:
            msg = "needs the input ri"
            raise NotSupportedError(msg)
        return [line for line in self.lines if line.line_type == line_type]

    def _units(self, *names: str) -> list[float]:
        """Numbers that must be given."""
        return [self.inputs.needed(name) for name in names]


def _subscriptions(fields: Fields) -> list[_Subscription]:
    """Reserved instances of a case, each a subscription of its own."""
    fields.allow(RI_FIELDS)
    years = fields.optional_number("term_years")
    one = _Subscription(
        reserved=instances_of(fields),
        hourly_usd=fields.first_number("hourly") or 0.0,
        upfront_usd=fields.first_number("upfront") or 0.0,
        term_hours=HOURS_PER_YEAR * (1.0 if years is None else years),
    )
    return [one] * _count(fields)


def _count(fields: Fields) -> int:
    """Whole number of instances."""
    quantity = fields.optional_number("quantity")
    if quantity is None:
        return 1
    if not quantity.is_integer():
        msg = f"{fields.place}.quantity must be a whole number, got {quantity:g}."
        raise CaseFormatError(msg)
    return int(quantity)


def _whole_hours(inputs: Fields) -> int:
    """Hours of the month."""
    hours = inputs.number("hours_in_month")
    if not hours.is_integer() or not 1 <= hours <= LONGEST_MONTH_HOURS:
        msg = f"{inputs.place}.hours_in_month must be a whole number from 1 to {LONGEST_MONTH_HOURS}, got {hours:g}."
        raise CaseFormatError(msg)
    return int(hours)


def _hourly(fields: Fields, n_hours: int) -> FloatArray:
    """Use of one instance by hour, from the first hour of the month on. Shape (n_hours,)."""
    given = fields.optional_number("hours")
    hours = 1.0 if given is None else given
    if hours > n_hours:
        msg = f"{fields.place}.hours must be at most the {n_hours} hours of the month, got {hours:g}."
        raise CaseFormatError(msg)
    used = np.zeros(n_hours)
    whole = math.floor(hours)
    used[:whole] = 1.0
    if hours > whole:
        used[whole] = hours - whole
    return used


def _same(values: Sequence[float], key: str) -> float:
    """Value that all reserved instances have."""
    if len(set(values)) != 1:
        msg = f"cannot check key '{key}': it is not the same for all, got {list(values)}"
        raise NotSupportedError(msg)
    return values[0]
