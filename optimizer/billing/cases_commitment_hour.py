"""Billing cases of kind `spend_commitment_hour` and `usage_commitment_hour`: one commitment in one hour.

Not here: the rules (`optimizer.billing.spend_hour`).
"""

import numpy as np

from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, answer_of, as_fields
from optimizer.billing.spend_hour import CommittedHours, Sku, spend_commitment, usage_commitment
from optimizer.metrics import utilization_fraction

ELIGIBLE_FIELDS = ("eligible_cost_at_committed_rate", "eligible_cost")
EQUIVALENT_FIELDS = ("eligible_cost_on_demand", "eligible_cost_at_on_demand_rate", "on_demand_equivalent")
DISCOUNT_FIELDS = ("discount", "discount_fraction")
UNCOVERED_WORDS = ("overflow", "overage", "uncovered", "on_demand", "standard", "ineligible", "excess", "additional")
NO_COST_WORDS = ("rate", "ratio", "price", "quantity", "hours", "units")
COMMITTED_FIELD = "hourly_commitment"


class SpendHourCase:
    """A case of kind `spend_commitment_hour`.

    What is eligible is given at committed rates. What the commitment does not cover is billed at on-demand rates, which
    must then follow from the case: as the on-demand cost of all eligible usage, as a discount, or as the cost itself.
    """

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        known = {COMMITTED_FIELD, *ELIGIBLE_FIELDS, *EQUIVALENT_FIELDS, *DISCOUNT_FIELDS}
        uncovered = [name for name in inputs.values if name not in known and _is_uncovered(name)]
        inputs.allow({*known, *uncovered})
        committed_usd = inputs.number(COMMITTED_FIELD)
        eligible_usd = inputs.needed(*ELIGIBLE_FIELDS)
        beside_usd = sum(inputs.number(name) for name in uncovered)
        if uncovered:  # the cost of what is not covered is given, so none of it is left to be priced
            eligible_usd = min(eligible_usd, committed_usd)
        rate = _on_demand_rate(inputs, eligible_usd) if eligible_usd > committed_usd else 1.0
        covered = Sku(on_demand_usd=rate, committed_usd=1.0)
        self.answers = _Answers(
            spend_commitment(committed_usd, [covered], np.array([[eligible_usd]])), beside_usd=beside_usd
        )

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key."""
        return self.answers.answer(key)


class UsageHourCase:
    """A case of kind `usage_commitment_hour`."""

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"catalogue", "commitment", "running"})
        catalogue = as_fields(inputs.values.get("catalogue"), f"{inputs.place}.catalogue")
        skus = {name: _sku(as_fields(value, f"{catalogue.place}.{name}")) for name, value in catalogue.values.items()}
        commitment = as_fields(inputs.values.get("commitment"), f"{inputs.place}.commitment")
        commitment.allow({"sku", "quantity", "flexible"})
        committed = (_known(commitment, skus), _quantity(commitment))
        running = [(_known(fields, skus), np.array([_quantity(fields)])) for fields in inputs.objects("running")]
        hours = usage_commitment(
            skus,
            committed,
            running or [(committed[0], np.zeros(1))],
            is_flexible=commitment.flag("flexible", default=False),
        )
        self.answers = _Answers(hours)

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key."""
        return self.answers.answer(key)


class _Answers:
    """What both kinds say about the first hour."""

    def __init__(self, hours: CommittedHours, *, beside_usd: float = 0.0) -> None:
        self.used_usd = float(hours.used_usd[0])
        self.unused_usd = float(hours.unused_usd[0])
        self.on_demand_usd = float(hours.on_demand_usd[0]) + beside_usd

    def answer(self, key: str) -> object:
        """Answer an expected key; a purchase is billed elsewhere, so that covered usage is billed 0."""
        fee_usd = self.used_usd + self.unused_usd
        return answer_of(
            {
                "used_effective_cost": lambda: self.used_usd,
                "unused_effective_cost": lambda: self.unused_usd,
                "committed_billed": lambda: 0.0,
                "on_demand_billed": lambda: self.on_demand_usd,
                "hour_total": lambda: fee_usd + self.on_demand_usd,
                "utilization": lambda: utilization_fraction(used_usd=self.used_usd, committed_usd=fee_usd),
            },
            key,
        )


def _is_uncovered(name: str) -> bool:
    """Whether a field gives the cost of usage that is not covered, by the words in its name."""
    return any(word in name for word in UNCOVERED_WORDS) and not any(word in name for word in NO_COST_WORDS)


def _on_demand_rate(inputs: Fields, eligible_usd: float) -> float:
    """On-demand cost of what costs 1 USD at committed rates."""
    equivalent_usd, discount = inputs.first_number(*EQUIVALENT_FIELDS), inputs.first_number(*DISCOUNT_FIELDS)
    if equivalent_usd is not None:
        return equivalent_usd / eligible_usd
    if discount is None:
        msg = "needs the on-demand cost of what the commitment does not cover"
        raise NotSupportedError(msg)
    if not discount < 1.0:
        msg = f"{inputs.place}.discount must be a fraction below 1, got {discount:g}."
        raise CaseFormatError(msg)
    return 1.0 / (1.0 - discount)


def _sku(fields: Fields) -> Sku:
    """One size of the catalogue."""
    fields.allow({"od", "committed", "nf"})
    factor = fields.optional_number("nf")
    if factor == 0.0:
        msg = f"{fields.place}.nf must be > 0, got 0."
        raise CaseFormatError(msg)
    return Sku(
        on_demand_usd=fields.number("od"),
        committed_usd=fields.number("committed"),
        normalization_factor=1.0 if factor is None else factor,
    )


def _known(fields: Fields, skus: dict[str, Sku]) -> str:
    """SKU that must be in the catalogue."""
    fields.allow({"sku", "quantity", "flexible"})
    name = fields.text("sku")
    if name not in skus:
        msg = f"{fields.place}.sku must be one of the catalogue, got {name!r}."
        raise CaseFormatError(msg)
    return name


def _quantity(fields: Fields) -> float:
    """Units, one where not given."""
    quantity = fields.optional_number("quantity")
    return 1.0 if quantity is None else quantity
