"""Billing cases of kind `ri_application`: Reserved Instances over the accounts of an organisation.

Turns a case into usage lines and holdings, and the settlement into what the case expects. Not here: the rules.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from optimizer.billing.aws.instances import (
    Instances,
    fitting_lines,
    normalization_factor,
    region_of_zone,
    stage_of,
    standard_platform,
    standard_tenancy,
)
from optimizer.billing.aws.order import settle
from optimizer.billing.case_sharing import sharing_of
from optimizer.billing.case_values import Case, CaseFormatError, Fields, NotSupportedError
from optimizer.billing.settlement import Holding, Settlement, UsageLines

INPUT_FIELDS = frozenset({"usage", "ris", "normalization_overrides", "sharing"})
USAGE_FIELDS = frozenset({"account", "instance_type", "quantity", "az", "region", "platform", "tenancy", "id"})
RI_FIELDS = USAGE_FIELDS | {"scope", "location"}
SCOPES = frozenset({"", "zonal", "regional"})
NEGLIGIBLE_UNITS = 1e-9  # what rounding errors leave

_SELECTOR = re.compile(r"(?:(?P<account>[^:@]+):)?(?P<type>[^:@]+)(?:@(?P<zone>[^@]+))?")


class ReservationCase:
    """A case of this kind, settled; `answer` gives what it says about an expected key."""

    def __init__(self, case: Case) -> None:
        case.inputs.allow(INPUT_FIELDS)
        self.factors = {**case.factors, **case.inputs.numbers("normalization_overrides")}
        usage = case.inputs.objects("usage")
        reserved = case.inputs.objects("ris")
        for fields in usage:
            fields.allow(USAGE_FIELDS)
        for fields in reserved:
            fields.allow(RI_FIELDS)
        self.running = [instances_of(fields) for fields in usage]
        self.units = np.array([fields.number("quantity") for fields in usage])
        self.reserved = [instances_of(fields) for fields in reserved]
        self.counts = np.array([fields.number("quantity") for fields in reserved])
        self.holdings = [
            holding_of(
                label=str(row), count=self.counts[row], reserved=item, running=self.running, factors=self.factors
            )
            for row, item in enumerate(self.reserved)
        ]
        lines = UsageLines(
            names=tuple(f"{item.instance_type}@{item.zone}" for item in self.running),
            accounts=tuple(item.account for item in self.running),
            on_demand_usd=np.zeros(len(self.running)),
            units=self.units[:, None],
        )
        self.settled: Settlement = settle(lines, self.holdings, sharing=sharing_of(case.inputs))

    def answer(self, key: str, expected: object) -> object:
        """Say what the engine found for an expected key.

        Raises
        ------
        NotSupportedError
            If the key is not one of this kind.
        """
        on_demand = self.settled.on_demand_units[:, 0]
        if key == "covered_instance_hours":
            return self._by_selector(self.units - on_demand, expected)
        if key == "on_demand_instance_hours":
            return self._by_selector(on_demand, expected)
        if key == "unused_units":
            return self._unused_units()
        if key == "covered_by":
            return self._covered_by(expected)
        msg = f"cannot check key '{key}'"
        raise NotSupportedError(msg)

    def _rows(self, selector: str) -> list[int]:
        """Usage that an `account:type@zone` key means; account and zone may be left out."""
        match = _SELECTOR.fullmatch(selector)
        if match is None:
            return []
        account, instance_type, zone = match["account"], match["type"], match["zone"]
        return [
            row
            for row, item in enumerate(self.running)
            if item.instance_type == instance_type and account in (None, item.account) and zone in (None, item.zone)
        ]

    def _selectors(self, expected: object) -> list[str]:
        """Keys to answer: those expected, or every line where an empty object expects nothing at all."""
        if isinstance(expected, Mapping) and expected:
            return [str(key) for key in expected if self._rows(str(key))]
        return [f"{item.account}:{item.instance_type}@{item.zone}" for item in self.running]

    def _by_selector(self, units: np.ndarray, expected: object) -> dict[str, float]:
        """Sum of units by key."""
        if isinstance(expected, Mapping) and expected:
            return {key: float(units[self._rows(key)].sum()) for key in self._selectors(expected)}
        names = self._selectors(expected)
        return {f"{row}:{name}": float(units[row]) for row, name in enumerate(names)}

    def _unused_units(self) -> float:
        """Normalized units that no usage consumed, over all reservations."""
        total = 0.0
        for row, item in enumerate(self.reserved):
            unused = float(self.counts[row] - self.settled.used_quantity[row, 0])
            if unused <= NEGLIGIBLE_UNITS:
                continue
            factor = normalization_factor(item.instance_type, self.factors)
            if factor is None:
                msg = f"cannot check key 'unused_units': '{item.instance_type}' has no normalization factor"
                raise NotSupportedError(msg)
            total += unused * factor
        return total

    def _covered_by(self, expected: object) -> dict[str, object]:
        """Owner and scope of what covers each key, in the order of application; a list where one is expected."""
        answers: dict[str, object] = {}
        wanted = expected if isinstance(expected, Mapping) else {}
        for key in self._selectors(expected):
            rows = self._rows(key)
            owners = [self._label(holding) for holding, line in self.settled.order if line in rows]
            labels = list(dict.fromkeys(owners))
            if labels or wanted:
                answers[key] = labels if isinstance(wanted.get(key), list) else " + ".join(labels) or "on_demand"
        return answers

    def _label(self, holding: int) -> str:
        """Owner and scope of a reservation."""
        item = self.reserved[holding]
        return f"{item.account} {'zonal' if item.zone else 'regional'}".strip()


def instances_of(fields: Fields) -> Instances:
    """Attributes of usage, or of a reservation (which has a scope and a location)."""
    scope, location = fields.text("scope").lower(), fields.text("location")
    zone = fields.text("az")
    if scope not in SCOPES:
        msg = f"{fields.place}.scope must be zonal or regional, got {scope!r}."
        raise CaseFormatError(msg)
    if not zone and region_of_zone(location):
        zone = location
    region = fields.text("region") or region_of_zone(zone) or ("" if zone else location)
    if scope == "regional":
        zone = ""
    if scope == "zonal" and not zone:
        msg = f"{fields.place}: a zonal reservation must name its zone, got location {location!r}."
        raise CaseFormatError(msg)
    instance_type = fields.text("instance_type")
    if not instance_type:
        msg = f"{fields.place}.instance_type must be given."
        raise CaseFormatError(msg)
    return Instances(
        account=fields.text("account"),
        instance_type=instance_type,
        zone=zone,
        region=region,
        platform=standard_platform(fields.text("platform")),
        tenancy=standard_tenancy(fields.text("tenancy")),
    )


def holding_of(
    *, label: str, count: float, reserved: Instances, running: Sequence[Instances], factors: Mapping[str, float]
) -> Holding:
    """Reserved Instances as a holding, in reserved instances."""
    try:
        draws = fitting_lines(reserved, running, factors)
    except LookupError as error:
        raise NotSupportedError(str(error)) from error
    return Holding(
        label=label,
        stage=stage_of(reserved),
        account=reserved.account,
        lines=np.array(list(draws), dtype=np.int64),
        draw=np.array(list(draws.values()), dtype=np.float64),
        quantity=np.array([count], dtype=np.float64),
    )
