"""Billing cases of Azure: reservations over the sizes of a group, and within the hours.

Each class turns the inputs of one kind into the engine's and back. Not here: the rules (`optimizer.billing.azure`),
rates and what leaving a reservation costs (`cases_azure_returns`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.billing.azure.order import settle
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError, as_fields, is_number
from optimizer.billing.settlement import Holding, Stage, UsageLines


class AzureReservationCase:
    """A case of kind `ri_application`: reservations spread over the sizes of a group, in one hour."""

    def __init__(self, case: Case) -> None:
        case.inputs.allow({"ratios", "reservation", "reservations", "running", "size_flexible"})
        ratios = case.inputs.numbers("ratios")
        if 0.0 in ratios.values():
            msg = f"{case.inputs.place}.ratios must be above 0, got {ratios}."
            raise CaseFormatError(msg)
        running = case.inputs.numbers("running")
        self.names = tuple(running)
        self.units = np.array(list(running.values()))
        is_flexible = case.inputs.flag("size_flexible", default=True)
        holdings = [_reservation(fields, ratios, self.names, is_flexible=is_flexible) for fields in _reserved(case)]
        self.reserved = float(sum(holding.quantity[0] for holding in holdings))
        usage = UsageLines(
            names=self.names,
            accounts=("",) * len(self.names),
            on_demand_usd=np.zeros(len(self.names)),
            units=self.units[:, None],
        )
        settled = settle(usage, holdings)
        self.on_demand = settled.on_demand_units[:, 0]
        self.used = float(settled.used_quantity.sum())

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        answers: Mapping[str, object] = {
            "covered_instance_hours": self._by_size(self.units - self.on_demand),
            "on_demand_instance_hours": self._by_size(self.on_demand),
            "used_units": self.used,
            "unused_units": self.reserved - self.used,
        }
        return answer_to(answers, key)

    def _by_size(self, values: FloatArray) -> dict[str, float]:
        """Instance-hours by size."""
        return dict(zip(self.names, values.tolist(), strict=True))


class AzureHoursCase:
    """A case of kind `ri_partial_hours`: machines that run for parts of the hours, under one reservation."""

    def __init__(self, case: Case) -> None:
        case.inputs.allow({"reserved_per_hour", "usage_by_hour"})
        usage = _hours_by_machine(case.inputs)
        self.reserved = case.inputs.number("reserved_per_hour")
        n_machines, n_hours = usage.shape
        lines = UsageLines(
            names=tuple(f"{row:06d}" for row in range(n_machines)),
            accounts=("",) * n_machines,
            on_demand_usd=np.zeros(n_machines),
            units=usage,
        )
        holding = Holding(
            label="reservation",
            stage=Stage.REGIONAL_RESERVATION,
            lines=np.arange(n_machines),
            draw=np.ones(n_machines),
            quantity=np.full(n_hours, self.reserved),
        )
        settled = settle(lines, [holding])
        self.covered = settled.used_quantity[0]
        self.on_demand = settled.on_demand_units.sum(axis=0)

    def answer(self, key: str, expected: object) -> object:  # noqa: ARG002 - the protocol of all kinds
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        answers: Mapping[str, object] = {
            "covered_by_hour": self.covered.tolist(),
            "pay_as_you_go_by_hour": self.on_demand.tolist(),
            "unused_by_hour": (self.reserved - self.covered).tolist(),
            "covered": float(self.covered.sum()),
            "pay_as_you_go": float(self.on_demand.sum()),
            "unused": float(self.reserved * len(self.covered) - self.covered.sum()),
        }
        return answer_to(answers, key)


def _reserved(case: Case) -> list[Fields]:
    """Reservations of a case, one or several."""
    one = case.inputs.values.get("reservation")
    several = case.inputs.objects("reservations")
    return several if one is None else [*several, as_fields(one, f"{case.inputs.place}.reservation")]


def _reservation(fields: Fields, ratios: Mapping[str, float], running: Sequence[str], *, is_flexible: bool) -> Holding:
    """A reservation in units of the group's ratios; of its own size alone where it is not flexible."""
    fields.allow({"sku", "quantity", "id"})
    sku = fields.text("sku")
    group = ratios if is_flexible and sku in ratios else {sku: ratios.get(sku, 1.0)}
    fitting = {row: group[name] for row, name in enumerate(running) if name in group}
    return Holding(
        label=fields.text("id") or sku,
        stage=Stage.REGIONAL_RESERVATION,
        lines=np.array(list(fitting), dtype=np.int64),
        draw=np.array(list(fitting.values()), dtype=np.float64),
        quantity=np.array([fields.number("quantity") * group[sku]]),
    )


def _hours_by_machine(inputs: Fields) -> FloatArray:
    """Hours that each machine runs in each hour. Shape (n_machines, n_hours)."""
    rows = inputs.values.get("usage_by_hour")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        msg = f"{inputs.place}.usage_by_hour must be a list of lists, got {rows!r}."
        raise CaseFormatError(msg)
    out = np.zeros((max(len(row) for row in rows), len(rows)))
    for hour, row in enumerate(rows):
        if not all(is_number(value) and 0.0 <= value < np.inf for value in row):
            msg = f"{inputs.place}.usage_by_hour[{hour}] must hold numbers >= 0, got {row!r}."
            raise CaseFormatError(msg)
        out[: len(row), hour] = row
    return out


def answer_to(answers: Mapping[str, object], key: str) -> object:
    """Answer to a key.

    Raises
    ------
    NotSupportedError
        If the kind does not know the key.
    """
    if key not in answers:
        msg = f"cannot check key '{key}'"
        raise NotSupportedError(msg)
    return answers[key]
