"""Billing cases of kind `metric`: one ratio from sums of money.

Not here: the formulas (`optimizer.metrics`).
"""

from optimizer.billing.case_values import Case, NotSupportedError
from optimizer.metrics import coverage_fraction, effective_savings_fraction, utilization_fraction

COMMITTED_FIELDS = ("hourly_commitment", "commitment", "committed", "total_commitment")
USED_FIELDS = ("used", "used_commitment")
COVERED_FIELDS = ("covered", "covered_on_demand_equivalent", "spend_covered", "spend_covered_by_savings_plans")
UNCOVERED_FIELDS = ("on_demand", "uncovered", "on_demand_cost", "on_demand_spend")
EQUIVALENT_FIELDS = ("on_demand_equivalent", "on_demand_equivalent_cost", "on_demand_cost_equivalent")
ACTUAL_FIELDS = ("actual", "actual_cost")


class MetricCase:
    """A case of this kind; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        self.inputs = case.inputs
        self.inputs.allow(
            {
                *COMMITTED_FIELDS,
                *USED_FIELDS,
                *COVERED_FIELDS,
                *UNCOVERED_FIELDS,
                *EQUIVALENT_FIELDS,
                *ACTUAL_FIELDS,
            }
        )

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the formula gives for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind, or its inputs are missing.
        """
        if key in ("utilisation", "utilization"):
            return utilization_fraction(
                used_usd=self._one_of(USED_FIELDS), committed_usd=self._one_of(COMMITTED_FIELDS)
            )
        if key in ("unused", "unused_commitment"):
            return self._one_of(COMMITTED_FIELDS) - self._one_of(USED_FIELDS)
        if key == "coverage":
            covered = self._one_of(COVERED_FIELDS)
            return coverage_fraction(
                covered_on_demand_usd=covered, eligible_on_demand_usd=covered + self._one_of(UNCOVERED_FIELDS)
            )
        if key in ("effective_savings_rate", "esr"):
            return effective_savings_fraction(
                actual_usd=self._one_of(ACTUAL_FIELDS), on_demand_equivalent_usd=self._one_of(EQUIVALENT_FIELDS)
            )
        if key in ("savings", "net_savings"):
            return self._one_of(EQUIVALENT_FIELDS) - self._one_of(ACTUAL_FIELDS)
        msg = f"cannot check key '{key}'"
        raise NotSupportedError(msg)

    def _one_of(self, names: tuple[str, ...]) -> float:
        """Read the one input among these names that the case gives."""
        given = [name for name in names if self.inputs.values.get(name) is not None]
        if len(given) != 1:
            msg = f"needs one input among {', '.join(names)}, got {given}"
            raise NotSupportedError(msg)
        return self.inputs.number(given[0])
