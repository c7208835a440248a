"""Billing cases of an organisation's sums: `ri_per_second`, `consolidated_billing`, `blended_rate`, `list_value`.

Not here: the rules (`optimizer.billing.aws`).
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from forecasting.hours import HOURS_PER_YEAR
from optimizer.billing.aws.clock_hour import Run, covered_seconds
from optimizer.billing.aws.order import settle
from optimizer.billing.aws.reserved import HOUR_SECONDS
from optimizer.billing.aws.views import blended_rate
from optimizer.billing.aws.volume_discount import list_value_usd, tier_of
from optimizer.billing.case_sharing import sharing_of
from optimizer.billing.case_values import Case, CaseFormatError, NotSupportedError, answer_of, as_fields, is_number
from optimizer.billing.settlement import Holding, Stage, UsageLines

RI_FIELDS = frozenset({"instance_type", "quantity", "account", "scope", "location", "platform", "tenancy"})


class SecondsCase:
    """A case of kind `ri_per_second`: one clock hour of one instance type."""

    def __init__(self, case: Case) -> None:
        case.inputs.allow({"ri", "usage_seconds"})
        reserved = as_fields(case.inputs.values.get("ri"), "inputs.ri")
        reserved.allow(RI_FIELDS)
        count = reserved.optional_number("quantity")
        self.reserved_seconds = HOUR_SECONDS * (1.0 if count is None else count)
        seconds = case.inputs.values.get("usage_seconds")
        if not isinstance(seconds, list) or not all(is_number(item) and 0 <= item <= HOUR_SECONDS for item in seconds):
            msg = f"inputs.usage_seconds must be a list of seconds from 0 to 3600, got {seconds!r}."
            raise CaseFormatError(msg)
        # only totals are asked for, and they do not depend on when in the hour an instance runs
        runs = [Run(start_second=0, end_second=int(item)) for item in seconds]
        self.used = covered_seconds(runs, self.reserved_seconds / HOUR_SECONDS, first_hour=0, n_hours=1)[:, 0]
        self.ran = np.array(seconds, dtype=np.float64)

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key."""
        totals = {
            "ri": float(self.used.sum()),
            "on_demand": float((self.ran - self.used).sum()),
            "unused": self.reserved_seconds - float(self.used.sum()),
            "total": float(self.ran.sum()),
        }
        answers: dict[str, Callable[[], object]] = {}
        for name, seconds in totals.items():
            answers[f"{name}_seconds"] = partial(float, seconds)
            answers[f"{name}_hours"] = partial(float, seconds / HOUR_SECONDS)
        return answer_of(answers, key)


class ConsolidatedCase:
    """A case of kind `consolidated_billing`: one hour of one instance type in one zone, over several members.

    Where it does not say who owns the reservations, the member named first does.
    """

    def __init__(self, case: Case) -> None:
        case.inputs.allow({"ri", "usage", "owner", "on_demand_rate", "sharing"})
        self.rate_usd = case.inputs.optional_number("on_demand_rate")
        usage = case.inputs.numbers("usage")
        if not usage:
            msg = "inputs.usage must name at least one member."
            raise CaseFormatError(msg)
        self.members = tuple(usage)
        owned = case.inputs.values.get("ri")
        counts = (
            case.inputs.numbers("ri")
            if isinstance(owned, Mapping)
            else {case.inputs.text("owner") or self.members[0]: case.inputs.number("ri")}
        )
        lines = UsageLines(
            names=tuple(f"{row:09d}" for row in range(len(usage))),
            accounts=self.members,
            on_demand_usd=np.zeros(len(usage)),
            units=np.array([[units] for units in usage.values()]),
        )
        holdings = [
            Holding(
                label=owner,
                stage=Stage.ZONAL_RESERVATION,
                account=owner,
                lines=np.arange(len(usage)),
                draw=np.ones(len(usage)),
                quantity=np.array([count]),
            )
            for owner, count in counts.items()
        ]
        settled = settle(lines, holdings, sharing=sharing_of(case.inputs))
        self.on_demand = settled.on_demand_units[:, 0]
        self.covered = lines.units[:, 0] - self.on_demand
        self.unused = sum(counts.values()) - float(settled.used_quantity.sum())

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key; the name of a member asks for its part."""
        if key in self.members:
            row = self.members.index(key)
            return {"ri": float(self.covered[row]), "on_demand": float(self.on_demand[row])}
        return answer_of(
            {
                "ri_hours": lambda: float(self.covered.sum()),
                "on_demand_hours": lambda: float(self.on_demand.sum()),
                "total_hours": lambda: float(self.covered.sum() + self.on_demand.sum()),
                "unused_hours": lambda: self.unused,
                "on_demand_cost": self._cost_usd,
            },
            key,
        )

    def _cost_usd(self) -> float:
        """Cost of what is on demand."""
        if self.rate_usd is None:
            msg = "needs the input on_demand_rate"
            raise NotSupportedError(msg)
        return float(self.on_demand.sum()) * self.rate_usd


class BlendedRateCase:
    """A case of kind `blended_rate`."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.inputs.allow({"ri_hours", "on_demand_hours", "on_demand_rate", "member_hours"})
        self.blended = blended_rate(
            on_demand_hours=self.inputs.number("on_demand_hours"),
            on_demand_usd=self.inputs.number("on_demand_rate"),
            reserved_hours=self.inputs.number("ri_hours"),
        )

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the formula gives for an expected key."""
        return answer_of(
            {
                "on_demand_cost": lambda: self.blended.cost_usd,
                "total_cost": lambda: self.blended.cost_usd,
                "total_hours": lambda: self.blended.hours,
                "blended_rate": lambda: self.blended.rate_usd,
                "blended_cost": lambda: {
                    member: hours * self.blended.rate_usd
                    for member, hours in self.inputs.numbers("member_hours").items()
                },
            },
            key,
        )


class ListValueCase:
    """A case of kind `list_value`."""

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"upfront", "hourly", "hours", "term_hours", "term_years", "quantity"})
        years = inputs.optional_number("term_years")
        hours = inputs.needed("hours", "term_hours") if years is None else years * HOURS_PER_YEAR
        count = inputs.optional_number("quantity")
        self.value_usd = list_value_usd(
            upfront_usd=inputs.first_number("upfront") or 0.0,
            hourly_usd=inputs.first_number("hourly") or 0.0,
            term_hours=hours,
            count=1.0 if count is None else count,
        )

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the formula gives for an expected key."""
        return answer_of(
            {
                "list_value": lambda: self.value_usd,
                "discount": lambda: tier_of(self.value_usd).discount_fraction,
                "is_discounted": lambda: tier_of(self.value_usd).discount_fraction != 0.0,
            },
            key,
        )
