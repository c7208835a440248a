"""Billing cases of Google Cloud: sustained-use discounts, resource-based and flexible commitments.

Each class turns the inputs of one kind into the engine's and back. Not here: the rules (`optimizer.billing.gcp`).
"""

import numpy as np

from forecasting.hours import hour_of_date
from optimizer.billing.case_values import Case, CaseFormatError, NotSupportedError, is_number
from optimizer.billing.gcp.flexible import FlexibleModel, flexible_commitment, model_at
from optimizer.billing.gcp.order import settle
from optimizer.billing.gcp.sustained_use import TIERS_OF_SERIES, Tiers, effective_discount, series_of
from optimizer.billing.settlement import Holding, Stage, UsageLines

WHOLE_MONTH_TOLERANCE = 1e-9  # of the parts of the month, which are decimal fractions
COMMITTED, RUNNING = "committed_", "running_"


class SustainedUseCase:
    """A case of kind `sustained_use`: one resource that runs for a part of a month."""

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"machine_family", "fraction_of_month", "tiers", "base_rate"})
        self.inputs = inputs
        self.fraction = inputs.number("fraction_of_month")
        if self.fraction > 1.0:
            msg = f"{inputs.place}.fraction_of_month must be in [0, 1], got {self.fraction:g}."
            raise CaseFormatError(msg)
        family = inputs.text("machine_family")
        given = inputs.values.get("tiers")
        if given is None and not family:
            msg = f"{inputs.place} must have a machine_family or tiers."
            raise CaseFormatError(msg)
        # a series that is not in the table earns none
        self.tiers = TIERS_OF_SERIES.get(series_of(family), ((1.0, 1.0),)) if given is None else _tiers(given)

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        discount = effective_discount(self.fraction, self.tiers)
        if key == "effective_discount":
            return discount
        if key == "effective_rate":
            return self.inputs.number("base_rate") * (1.0 - discount)
        msg = f"cannot check key '{key}'"
        raise NotSupportedError(msg)


class FlexibleCudCase:
    """A case of kind `spend_cud`: a flexible commitment and an hour's usage.

    The commitment is given by the on-demand usage that it covers, or in discounted USD. Where no `date` decides, the
    commitment is stated as since 2026-01-21, and the fee and the credit are those of the model before.
    """

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        inputs.allow({"on_demand_equivalent", "commitment", "discount", "usage", "date"})
        discount = inputs.number("discount")
        if discount >= 1.0:
            msg = f"{inputs.place}.discount must be in [0, 1), got {discount:g}."
            raise CaseFormatError(msg)
        discounted = inputs.optional_number("commitment")
        if discounted is None:
            stated, model = inputs.number("on_demand_equivalent"), FlexibleModel.CREDITS
        else:
            stated, model = discounted, FlexibleModel.MULTIPRICE
        self.commitment = flexible_commitment(stated, discount, model)
        used = inputs.optional_number("usage")
        self.used_usd = self.commitment.on_demand_usd if used is None else used
        self.model = _model(inputs.text("date"))

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        found, used = self.commitment, self.used_usd
        before, since = self.model or FlexibleModel.CREDITS, self.model or FlexibleModel.MULTIPRICE
        covered = min(used, found.on_demand_usd)
        answers = {
            "fee": found.fee_usd(used, before),
            "credit": found.credit_usd(used, before),
            "commitment": found.stated_usd(since),
            "unused": found.fee_usd(used, FlexibleModel.MULTIPRICE),
            "on_demand": used - covered,
            "total": found.total_usd(used, since),
            "savings": used - found.total_usd(used, since),
        }
        if key not in answers:
            msg = f"cannot check key '{key}'"
            raise NotSupportedError(msg)
        return answers[key]


class ResourceCudCase:
    """A case of kind `resource_cud`: committed and running amounts of resources (`committed_cores`, `running_cores`).

    Answers are numbers where the case has one resource, else objects by resource.
    """

    def __init__(self, case: Case) -> None:
        inputs = case.inputs
        self.names = tuple(
            dict.fromkeys(
                name.removeprefix(prefix)
                for name in inputs.values
                for prefix in (COMMITTED, RUNNING)
                if name.startswith(prefix)
            )
        )
        inputs.allow({f"{prefix}{name}" for name in self.names for prefix in (COMMITTED, RUNNING)})
        self.committed = np.array([inputs.optional_number(f"{COMMITTED}{name}") or 0.0 for name in self.names])
        self.running = np.array([inputs.optional_number(f"{RUNNING}{name}") or 0.0 for name in self.names])
        if not self.names:
            msg = f"{inputs.place} must have a committed_ and a running_ amount."
            raise CaseFormatError(msg)
        usage = UsageLines(
            names=self.names,
            accounts=("",) * len(self.names),
            on_demand_usd=np.ones(len(self.names)),
            units=self.running[:, None],
        )
        holdings = [
            Holding(
                label=name,
                stage=Stage.REGIONAL_RESERVATION,
                lines=np.array([row]),
                draw=np.ones(1),
                quantity=self.committed[[row]],
            )
            for row, name in enumerate(self.names)
        ]
        settled = settle(usage, holdings)
        self.on_demand = settled.on_demand_units[:, 0]
        self.used = settled.used_quantity[:, 0]

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        answers = {"discounted": self.used, "standard": self.on_demand, "unused": self.committed - self.used}
        name, _, resource = key.partition("_")
        if name not in answers or (resource and resource not in self.names):
            msg = f"cannot check key '{key}'"
            raise NotSupportedError(msg)
        found = dict(zip(self.names, answers[name].tolist(), strict=True))
        if resource:
            return found[resource]
        return found if len(found) > 1 else next(iter(found.values()))


def _model(date: str) -> FlexibleModel | None:
    """Model in force at a date; None without one."""
    if not date:
        return None
    try:
        return model_at(hour_of_date(date))
    except ValueError as error:
        msg = f"inputs.date must be a date, got {date!r}."
        raise CaseFormatError(msg) from error


def _tiers(given: object) -> Tiers:
    """Parts of the month with the part of the base rate charged in each."""
    rows = given if isinstance(given, list) else []
    is_pairs = all(isinstance(row, list) and len(row) == 2 and all(map(is_number, row)) for row in rows)
    if not rows or not is_pairs:
        msg = f"inputs.tiers must be a list of [part of the month, part of the rate], got {given!r}."
        raise CaseFormatError(msg)
    tiers = tuple((float(part), float(rate)) for part, rate in rows)
    if abs(sum(part for part, _ in tiers) - 1.0) > WHOLE_MONTH_TOLERANCE or min(part for part, _ in tiers) <= 0.0:
        msg = f"inputs.tiers must have parts above 0 that sum to 1, got {given!r}."
        raise CaseFormatError(msg)
    return tiers
