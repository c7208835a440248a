"""Which EC2 usage a Reserved Instance fits: type, size, place, platform and tenancy.

Not here: the order in which reservations are applied (`optimizer.billing.aws.order`).

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html (normalization factors, families without size
flexibility)
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.billing.settlement import Stage

LINUX = "linux/unix"
DEFAULT_TENANCY = "default"

SIZE_FACTORS: Mapping[str, float] = {
    "nano": 0.25,
    "micro": 0.5,
    "small": 1.0,
    "medium": 2.0,
    "large": 4.0,
    "xlarge": 8.0,
}
FACTOR_OF_XLARGE = 8.0  # an n-times xlarge has n times its factor

METAL_FACTORS: Mapping[float, tuple[str, ...]] = {
    32.0: ("a1",),
    96.0: ("m5zn", "x2iezn", "z1d"),
    128.0: ("c6g", "c6gd", "i3", "m6g", "m6gd", "r6g", "r6gd", "x2gd"),
    144.0: ("c5n",),
    192.0: ("c5", "c5d", "i3en", "m5", "m5d", "m5dn", "m5n", "r5", "r5b", "r5d", "r5dn", "r5n"),
    256.0: ("c6i", "c6id", "m6i", "m6id", "r6d", "r6id"),
}

INFLEXIBLE_FAMILIES = frozenset(
    {"g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f"}
    | {"hpc7a", "p5", "inf1", "inf2", "u7i-6tb", "u7i-8tb"}
)

_MULTIPLE = re.compile(r"(\d+)xlarge")
_ZONE = re.compile(r"((?:[a-z]+-)+?\d+)(?:-[a-z]+-\d+)?[a-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """Instances that run, or that are reserved, with what a reservation must match.

    Attributes
    ----------
    account : str
        Who runs or owns them; empty where not declared.
    instance_type : str
        Such as m5.large.
    zone, region : str
        Empty where not declared, for a reservation: where it is not bound to one.
    platform : str
        Lower case, such as linux/unix.
    tenancy : str
        default, dedicated or host.
    """

    account: str = ""
    instance_type: str
    zone: str = ""
    region: str = ""
    platform: str = LINUX
    tenancy: str = DEFAULT_TENANCY

    @property
    def family(self) -> str:
        """Part before the dot."""
        return self.instance_type.partition(".")[0].lower()


def normalization_factor(instance_type: str, overrides: Mapping[str, float] | None = None) -> float | None:
    """Normalized units of one instance; None where no factor is known.

    Parameters
    ----------
    instance_type : str
    overrides : Mapping of str to float, optional
        By type or by size; they win over the published table.

    Examples
    --------
    >>> normalization_factor("m5.large"), normalization_factor("m5.24xlarge"), normalization_factor("i3.metal")
    (4.0, 192.0, 128.0)
    """
    family, _, size = instance_type.lower().partition(".")
    for key in (instance_type, size):
        if overrides is not None and key in overrides:
            return overrides[key]
    if size == "metal":
        return next((factor for factor, families in METAL_FACTORS.items() if family in families), None)
    multiple = _MULTIPLE.fullmatch(size)
    return FACTOR_OF_XLARGE * int(multiple[1]) if multiple else SIZE_FACTORS.get(size)


def required_factor(instance_type: str, overrides: Mapping[str, float] | None = None) -> float:
    """Normalized units of one instance, where they must be known.

    Raises
    ------
    LookupError
        If no factor is known.
    """
    factor = normalization_factor(instance_type, overrides)
    if factor is None or not factor > 0.0:
        msg = f"'{instance_type}' has no normalization factor > 0. Give one."
        raise LookupError(msg)
    return factor


def region_of_zone(zone: str) -> str:
    """Region of an availability or local zone; empty where the name is not one.

    Examples
    --------
    >>> region_of_zone("us-east-1a"), region_of_zone("us-west-2-lax-1a"), region_of_zone("here")
    ('us-east-1', 'us-west-2', '')
    """
    match = _ZONE.fullmatch(zone)
    return match[1] if match else ""


def standard_platform(text: str) -> str:
    """One spelling for Linux/UNIX, lower case for the rest.

    Examples
    --------
    >>> standard_platform("Linux/UNIX (Amazon VPC)"), standard_platform("Windows"), standard_platform("")
    ('linux/unix', 'windows', 'linux/unix')
    """
    platform = text.strip().lower().removesuffix("(amazon vpc)").strip()
    return LINUX if platform in ("", "linux", LINUX) else platform


def standard_tenancy(text: str) -> str:
    """One spelling for shared hardware, lower case for the rest.

    Examples
    --------
    >>> standard_tenancy("shared"), standard_tenancy("Dedicated")
    ('default', 'dedicated')
    """
    tenancy = text.strip().lower()
    return DEFAULT_TENANCY if tenancy in ("", "shared", DEFAULT_TENANCY) else tenancy


def is_size_flexible(reserved: Instances) -> bool:
    """Whether a reservation floats over the sizes of its family: regional, Linux/UNIX, default tenancy, most families.

    Examples
    --------
    >>> is_size_flexible(Instances(instance_type="m5.large", region="us-east-1"))
    True
    >>> is_size_flexible(Instances(instance_type="g5.xlarge", region="us-east-1"))
    False
    """
    is_plain = reserved.platform == LINUX and reserved.tenancy == DEFAULT_TENANCY
    return is_plain and not reserved.zone and reserved.family not in INFLEXIBLE_FAMILIES


def stage_of(reserved: Instances) -> Stage:
    """Turn of a reservation."""
    return Stage.ZONAL_RESERVATION if reserved.zone else Stage.REGIONAL_RESERVATION


def fitting_lines(
    reserved: Instances, running: Sequence[Instances], overrides: Mapping[str, float] | None = None
) -> dict[int, float]:
    """Lines that a reservation may cover, with the part of one reserved instance that one running instance takes.

    Parameters
    ----------
    reserved : Instances
    running : sequence of Instances
    overrides : Mapping of str to float, optional
        Normalization factors that win over the published table.

    Returns
    -------
    dict of int to float
        Row of `running` to reserved instances per running instance: 1 for the same type.

    Raises
    ------
    LookupError
        If a factor is needed that is not known.
    """
    draws: dict[int, float] = {}
    for row, line in enumerate(running):
        if not _is_same_place(reserved, line) or (line.platform, line.tenancy) != (reserved.platform, reserved.tenancy):
            continue
        if line.instance_type.lower() == reserved.instance_type.lower():
            draws[row] = 1.0
        elif line.family == reserved.family and is_size_flexible(reserved):
            draws[row] = required_factor(line.instance_type, overrides) / required_factor(
                reserved.instance_type, overrides
            )
    return draws


def _is_same_place(reserved: Instances, line: Instances) -> bool:
    """Whether a line runs where a reservation holds; an undeclared region is the same one."""
    if reserved.zone:
        return line.zone == reserved.zone
    return not reserved.region or not line.region or line.region == reserved.region
