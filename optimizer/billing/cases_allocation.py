"""Billing cases of kind `hourly_allocation`: reservations and savings plans on the usage of one hour.

Turns a case into usage lines and holdings, and the settlement into what the case expects. Not here: the rules.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from optimizer.billing.aws.order import settle
from optimizer.billing.case_commitments import HeldInCase, held_in_case, name_of, read_usage
from optimizer.billing.case_sharing import sharing_of
from optimizer.billing.case_values import Case, CaseFormatError, NotSupportedError
from optimizer.billing.cases_ri import NEGLIGIBLE_UNITS
from optimizer.billing.settlement import UsageLines
from optimizer.metrics import coverage_fraction, effective_savings_fraction, utilization_fraction

INPUT_FIELDS = frozenset({"usage", "commitments", "normalization_overrides", "sharing"})
ON_DEMAND = "on_demand"
LINE_KEYS = frozenset(
    {
        "usage",
        "account",
        "covered_by",
        "covered_quantity",
        "covered_cost",
        "on_demand_quantity",
        "on_demand_cost",
    }
)


class AllocationCase:
    """A case of this kind, settled; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        case.inputs.allow(INPUT_FIELDS)
        factors = {**case.factors, **case.inputs.numbers("normalization_overrides")}
        self.usage = case.inputs.objects("usage")
        running = read_usage(self.usage, factors)
        self.names = tuple(name_of(fields) for fields in self.usage)
        commitments = case.inputs.objects("commitments")
        self.held = [held_in_case(fields, self.usage, running, factors) for fields in commitments]
        if len({held.name for held in self.held}) < len(self.held):
            msg = f"{case.inputs.place}.commitments must have different ids."
            raise CaseFormatError(msg)
        self.units = np.array([fields.number("quantity") for fields in self.usage])
        self.rate_usd = np.array([fields.number("od_rate") for fields in self.usage])
        lines = UsageLines(
            names=self.names,
            accounts=tuple(fields.text("account") for fields in self.usage),
            on_demand_usd=self.rate_usd,
            units=self.units[:, None],
        )
        holdings = [held.holding for held in self.held]
        self.settled = settle(lines, holdings, sharing=sharing_of(case.inputs))
        self.on_demand = self.settled.on_demand_units[:, 0]
        self.used = self.settled.used_quantity[:, 0]

    def answer(self, key: str, expected: object) -> object:
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind, or needs a price that the case does not give.
        """
        if key == "lines":
            return self._lines(expected)
        answers: Mapping[str, Callable[[], object]] = {
            "order": lambda: list(dict.fromkeys(self.names[line] for _, line in self._applied())),
            "commitment_used": lambda: {held.name: float(self.used[row]) for row, held in enumerate(self.held)},
            "commitment_unused": lambda: {
                held.name: float(held.quantity - self.used[row]) for row, held in enumerate(self.held)
            },
            "on_demand_total": self._on_demand_usd,
            "on_demand_equivalent_total": self._equivalent_usd,
            "total": lambda: self._fees_usd(self.held) + self._on_demand_usd(),
            "total_excluding_ri": lambda: self._fees_usd(self._plans()) + self._on_demand_usd(),
            "savings": lambda: self._equivalent_usd() - self._fees_usd(self.held) - self._on_demand_usd(),
            "utilisation": self._utilization,
            "coverage": self._coverage,
            "effective_savings_rate": self._effective_savings,
        }
        if key not in answers:
            msg = f"cannot check key '{key}'"
            raise NotSupportedError(msg)
        return answers[key]()

    def _plans(self) -> list[HeldInCase]:
        """Commitments that are plans."""
        return [held for held in self.held if held.is_plan]

    def _on_demand_usd(self) -> float:
        """Cost of what nothing covers."""
        return float(self.on_demand @ self.rate_usd)

    def _equivalent_usd(self) -> float:
        """Cost of all usage on demand."""
        return float(self.units @ self.rate_usd)

    def _fees_usd(self, commitments: Sequence[HeldInCase]) -> float:
        """Fees of the hour, which the case must give."""
        total = 0.0
        for held in commitments:
            if held.fee_usd is None:
                msg = f"cannot be computed, as '{held.name}' has no hourly_cost"
                raise NotSupportedError(msg)
            total += held.fee_usd
        return total

    def _utilization(self) -> float | None:
        """Used part of all plans."""
        used = sum(float(self.used[row]) for row, held in enumerate(self.held) if held.is_plan)
        return utilization_fraction(used_usd=used, committed_usd=self._fees_usd(self._plans()))

    def _coverage(self) -> float | None:
        """Covered part of all usage at on-demand prices."""
        return coverage_fraction(
            covered_on_demand_usd=self._equivalent_usd() - self._on_demand_usd(),
            eligible_on_demand_usd=self._equivalent_usd(),
        )

    def _effective_savings(self) -> float | None:
        """ESR of the hour."""
        return effective_savings_fraction(
            actual_usd=self._fees_usd(self.held) + self._on_demand_usd(),
            on_demand_equivalent_usd=self._equivalent_usd(),
        )

    def _applied(self) -> list[tuple[int, int]]:
        """Order of application without what rounding errors cover."""
        return [
            (row, line)
            for row, line in self.settled.order
            if self.settled.covered_units[self.held[row].name][line, 0] > NEGLIGIBLE_UNITS * max(1.0, self.units[line])
        ]

    def _lines(self, expected: object) -> list[object]:
        """Answer each expected line on the keys it has."""
        wanted = expected if isinstance(expected, list) else []
        return [self._line(fields) if isinstance(fields, dict) else None for fields in wanted]

    def _line(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """What one commitment (or on-demand) covers of one usage, under the keys that are expected."""
        unknown = sorted(wanted.keys() - LINE_KEYS)
        if unknown:
            msg = f"cannot check key '{unknown[0]}' of a line"
            raise NotSupportedError(msg)
        coverer = wanted.get("covered_by")
        rows = self._rows(wanted)
        if not rows:
            return {}
        on_demand_units = float(self.on_demand[rows].sum())
        on_demand_usd = float(self.on_demand[rows] @ self.rate_usd[rows])
        units, cost_usd = (on_demand_units, on_demand_usd)
        if coverer not in (None, ON_DEMAND):
            units, cost_usd = self._covered(coverer, rows, is_cost_wanted="covered_cost" in wanted)
        answers: dict[str, object] = {
            "usage": wanted["usage"],
            "account": wanted.get("account"),
            "covered_by": coverer if units > NEGLIGIBLE_UNITS else "nothing",
            "covered_quantity": units,
            "covered_cost": cost_usd,
            "on_demand_quantity": on_demand_units,
            "on_demand_cost": on_demand_usd,
        }
        return {key: answers[key] for key in wanted}

    def _rows(self, wanted: Mapping[str, object]) -> list[int]:
        """Usage that an expected line means."""
        return [
            row
            for row, fields in enumerate(self.usage)
            if self.names[row] == wanted.get("usage") and wanted.get("account") in (None, fields.text("account"))
        ]

    def _covered(self, coverer: object, rows: Sequence[int], *, is_cost_wanted: bool) -> tuple[float, float]:
        """Units of these lines that one commitment covers, and their part of its fee."""
        for held in self.held:
            covered = self.settled.covered_units.get(held.name)
            if held.name != coverer or covered is None:
                continue
            draw = dict(zip(held.holding.lines.tolist(), held.holding.draw.tolist(), strict=True))
            used = float(sum(covered[row, 0] * draw.get(row, 0.0) for row in rows))
            fee_usd = self._fees_usd([held]) if is_cost_wanted else 0.0
            return float(covered[rows, 0].sum()), fee_usd * used / held.quantity
        return 0.0, 0.0
