"""The usage and the commitments of an `hourly_allocation` case, as the engine takes them.

Not here: what the case expects (`optimizer.billing.cases_allocation`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.billing.aws.instances import (
    Instances,
    normalization_factor,
    region_of_zone,
    standard_platform,
    standard_tenancy,
)
from optimizer.billing.case_values import CaseFormatError, Fields, NotSupportedError
from optimizer.billing.cases_ri import holding_of
from optimizer.billing.settlement import Holding, Stage

PLACE_FIELDS = frozenset({"account", "instance_type", "sku", "family", "region", "az", "platform", "tenancy"})
USAGE_FIELDS = PLACE_FIELDS | {"id", "service", "quantity", "unit", "od_rate", "csp_rate", "ec2isp_rate"}
TERM_FIELDS = frozenset({"id", "type", "account", "term_years", "payment_option"})
PLAN_FIELDS = TERM_FIELDS | {"hourly_commitment", "family", "region"}
RI_FIELDS = TERM_FIELDS | PLACE_FIELDS | {"quantity", "hourly_cost", "scope"}
PLAN_STAGES: Mapping[str, Stage] = {
    "compute_sp": Stage.COMPUTE_PLAN,
    "compute_savings_plan": Stage.COMPUTE_PLAN,
    "ec2_instance_sp": Stage.INSTANCE_PLAN,
    "ec2_instance_savings_plan": Stage.INSTANCE_PLAN,
    "instance_savings_plan": Stage.INSTANCE_PLAN,
}
RATE_FIELDS: Mapping[Stage, str] = {Stage.COMPUTE_PLAN: "csp_rate", Stage.INSTANCE_PLAN: "ec2isp_rate"}
RI_TYPES = frozenset({"ri", "reserved_instance"})
SCOPES = frozenset({"", "regional", "zonal"})
PLATFORM_WORDS = ("windows", "rhel", "suse", "linux")
TENANCY_WORDS = ("dedicated", "host")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*\.[a-z0-9-]+")
EC2_SERVICES = frozenset({"", "amazonec2", "ec2"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldInCase:
    """One commitment of a case.

    Attributes
    ----------
    name : str
    holding : Holding
    quantity : float
        USD per hour of a plan, reserved instances of a reservation.
    fee_usd : float or None
        Of the hour, used or not; None where the case gives no price.
    """

    name: str
    holding: Holding
    quantity: float
    fee_usd: float | None

    @property
    def is_plan(self) -> bool:
        """Whether its quantity is money."""
        return self.holding.stage in RATE_FIELDS


def name_of(fields: Fields) -> str:
    """Id of usage or of a commitment."""
    name = fields.text("id")
    if not name:
        msg = f"{fields.place}.id must be given."
        raise CaseFormatError(msg)
    return name


def read_usage(usage: Sequence[Fields], factors: Mapping[str, float]) -> list[Instances]:
    """Attributes of each usage; the instance type is empty where it is no EC2 instance.

    Parameters
    ----------
    usage : sequence of Fields
    factors : Mapping of str to float
        Normalization factors, by type or size.
    """
    for fields in usage:
        fields.allow(USAGE_FIELDS)
    return [_instances(fields, factors) for fields in usage]


def held_in_case(
    fields: Fields, usage: Sequence[Fields], running: Sequence[Instances], factors: Mapping[str, float]
) -> HeldInCase:
    """One commitment, by its type.

    Raises
    ------
    NotSupportedError
        If there is no rule for the type, a field, or a rate of zero.
    CaseFormatError
        If a value is not what the format allows.
    """
    kind = fields.text("type")
    if kind in RI_TYPES:
        return _reservation(fields, usage, running, factors)
    if kind not in PLAN_STAGES:
        msg = f"{fields.place}: no rule for commitments of type {kind!r}"
        raise NotSupportedError(msg)
    fields.allow(PLAN_FIELDS)
    stage = PLAN_STAGES[kind]
    draws = _plan_rates(fields, stage, usage, running)
    committed_usd = fields.number("hourly_commitment")
    holding = Holding(
        label=name_of(fields),
        stage=stage,
        account=fields.text("account"),
        lines=np.array(list(draws), dtype=np.int64),
        draw=np.array(list(draws.values()), dtype=np.float64),
        quantity=np.array([committed_usd]),
    )
    return HeldInCase(name=name_of(fields), holding=holding, quantity=committed_usd, fee_usd=committed_usd)


def _plan_rates(
    fields: Fields, stage: Stage, usage: Sequence[Fields], running: Sequence[Instances]
) -> dict[int, float]:
    """Plan rate of each eligible usage, by row."""
    family, region = fields.text("family").lower(), fields.text("region")
    if stage == Stage.INSTANCE_PLAN and not family:
        msg = f"{fields.place}.family must be given for an EC2 Instance Savings Plan."
        raise CaseFormatError(msg)
    rates: dict[int, float] = {}
    for row, line in enumerate(usage):
        rate = line.optional_number(RATE_FIELDS[stage])
        if rate is None or (stage == Stage.INSTANCE_PLAN and not _is_of(family, region, line, running[row])):
            continue
        if rate == 0.0:
            msg = f"{line.place}.{RATE_FIELDS[stage]}: no rule for a plan rate of 0"
            raise NotSupportedError(msg)
        rates[row] = rate
    return rates


def _is_of(family: str, region: str, usage: Fields, running: Instances) -> bool:
    """Whether usage is of one family in one region; a region that is not declared is the same one."""
    declared = usage.text("family").lower() or running.family
    return declared == family and (not region or not running.region or running.region == region)


def _reservation(
    fields: Fields, usage: Sequence[Fields], running: Sequence[Instances], factors: Mapping[str, float]
) -> HeldInCase:
    """Reserved Instances; one whose sku is that of usage has that usage's platform, tenancy and region."""
    fields.allow(RI_FIELDS)
    scope, sku = fields.text("scope").lower(), fields.text("sku")
    if scope not in SCOPES:
        msg = f"{fields.place}.scope must be zonal or regional, got {scope!r}."
        raise CaseFormatError(msg)
    same = [row for row, line in enumerate(usage) if sku and sku in (line.text("id"), line.text("sku"))]
    reserved = _instances(fields, factors, like=running[same[0]] if same else None)
    if not reserved.instance_type:
        msg = f"{fields.place}: no rule for a reservation of '{sku}', which is no EC2 instance type"
        raise NotSupportedError(msg)
    if scope == "regional":
        reserved = replace(reserved, zone="")
    if scope == "zonal" and not reserved.zone:
        msg = f"{fields.place}: a zonal reservation must name its zone (az)."
        raise CaseFormatError(msg)
    count = 1.0 if fields.optional_number("quantity") is None else fields.number("quantity")
    hourly_usd = fields.optional_number("hourly_cost")
    name = name_of(fields)
    return HeldInCase(
        name=name,
        holding=holding_of(label=name, count=count, reserved=reserved, running=running, factors=factors),
        quantity=count,
        fee_usd=None if hourly_usd is None else count * hourly_usd,
    )


def _instances(fields: Fields, factors: Mapping[str, float], like: Instances | None = None) -> Instances:
    """Attributes as declared, else as the words of the sku say, else those of `like`."""
    words = fields.text("sku").split()
    lower = [word.lower() for word in words]
    default = Instances(instance_type="") if like is None else like
    zone = fields.text("az")
    is_ec2 = fields.text("service").lower() in EC2_SERVICES
    typed = next((word for word in words[:1] if is_instance_type(word, factors)), default.instance_type)
    platform = fields.text("platform") or next((word for word in PLATFORM_WORDS if word in lower), default.platform)
    tenancy = fields.text("tenancy") or next((word for word in TENANCY_WORDS if word in lower), default.tenancy)
    region = next((word for word in words if region_of_zone(f"{word}a")), default.region)
    return Instances(
        account=fields.text("account"),
        instance_type=(fields.text("instance_type") or typed) if is_ec2 else "",
        zone=zone,
        region=fields.text("region") or region_of_zone(zone) or region,
        platform=standard_platform(platform),
        tenancy=standard_tenancy(tenancy),
    )


def is_instance_type(word: str, factors: Mapping[str, float]) -> bool:
    """Whether a word is an EC2 instance type, with a size that exists.

    Examples
    --------
    >>> is_instance_type("r5.4xlarge", {}), is_instance_type("db.r5.large", {}), is_instance_type("vCPU", {})
    (True, False, False)
    """
    return _TYPE.fullmatch(word) is not None and (
        word.endswith(".metal") or normalization_factor(word, factors) is not None
    )
