"""AWS's own words in bills: what a usage type is, where it ran, how large a type is.

Not here: which lines are demand (`forecasting.usage.cur`).

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/apply_ri.html (factors, families without size flexibility)
https://docs.aws.amazon.com/cur/latest/userguide/monitor-ondemand-reservations.html (UnusedBox, Reservation)
"""

import re
from dataclasses import dataclass

USAGE_TYPE = re.compile(r"(?:(?P<prefix>[A-Z]{2,4}\d{0,2})-)?(?P<head>[A-Za-z]+)(?::(?P<item>[a-z0-9][a-z0-9.-]*))?")
DEFAULT_TYPE = "m1.small"  # the type of a usage type that names none
HOME_REGION = "us-east-1"  # the region of a usage type without a prefix
REGION_OF_PREFIX = {
    "": HOME_REGION,
    "AFS1": "af-south-1",
    "APE1": "ap-east-1",
    "APE2": "ap-east-2",
    "APN1": "ap-northeast-1",
    "APN2": "ap-northeast-2",
    "APN3": "ap-northeast-3",
    "APS1": "ap-southeast-1",
    "APS2": "ap-southeast-2",
    "APS3": "ap-south-1",
    "APS4": "ap-southeast-3",
    "APS5": "ap-south-2",
    "APS6": "ap-southeast-4",
    "CAN1": "ca-central-1",
    "CAN2": "ca-west-1",
    "EU": "eu-west-1",
    "EUC1": "eu-central-1",
    "EUC2": "eu-central-2",
    "EUN1": "eu-north-1",
    "EUS1": "eu-south-1",
    "EUS2": "eu-south-2",
    "EUW1": "eu-west-1",
    "EUW2": "eu-west-2",
    "EUW3": "eu-west-3",
    "ILC1": "il-central-1",
    "MEC1": "me-central-1",
    "MES1": "me-south-1",
    "SAE1": "sa-east-1",
    "UGE1": "us-gov-east-1",
    "UGW1": "us-gov-west-1",
    "USE1": "us-east-1",
    "USE2": "us-east-2",
    "USW1": "us-west-1",
    "USW2": "us-west-2",
}
ZONE = re.compile(r"(?P<region>(?:[a-z]+-)+\d+(?:-[a-z]+-\d+)?)[a-z]")
SIZE_FACTORS = {"nano": 0.25, "micro": 0.5, "small": 1.0, "medium": 2.0, "large": 4.0, "xlarge": 8.0}
FACTOR_OF_XLARGE = 8.0
MULTIPLE = re.compile(r"(\d+)xlarge")
INFLEXIBLE_FAMILIES = frozenset(
    {"g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f"}
    | {"hpc7a", "p5", "inf1", "inf2", "u7i-6tb", "u7i-8tb"}
)
TYPE_IN_TEXT = re.compile(
    r"(?<![\w.-])([a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|metal[a-z0-9-]*|\d*xlarge))(?![\w.])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageType:
    """Parts of a usage type such as `USW2-BoxUsage:m5.large`.

    Attributes
    ----------
    prefix : str
        Code of the region; empty for us-east-1.
    head : str
        What is used.
    item : str
        Type of instance, or another detail; may be empty.
    """

    prefix: str
    head: str
    item: str


def usage_type(text: str) -> UsageType | None:
    """Parts of a usage type; None if it is not built like one of a machine.

    Examples
    --------
    >>> usage_type("USW2-SpotUsage:c5.xlarge")
    UsageType(prefix='USW2', head='SpotUsage', item='c5.xlarge')
    >>> usage_type("APN1-EBS:VolumeUsage.gp3").head
    'EBS'
    """
    found = USAGE_TYPE.match(text.strip())
    if found is None:
        return None
    return UsageType(prefix=found["prefix"] or "", head=found["head"], item=found["item"] or "")


def region_of(region: str, zone: str, prefix: str) -> str:
    """Region of a line: as it says, else of its zone, else of its usage type's prefix; empty if none tells.

    Examples
    --------
    >>> region_of("", "eu-west-1b", "EU"), region_of("", "", "USW2"), region_of("", "", "XYZ9")
    ('eu-west-1', 'us-west-2', '')
    """
    found = ZONE.fullmatch(zone)
    return region or (found["region"] if found else "") or REGION_OF_PREFIX.get(prefix, "")


def family_and_size(instance_type: str) -> tuple[str, str]:
    """Parts before and after the first dot.

    Examples
    --------
    >>> family_and_size("m5.24xlarge")
    ('m5', '24xlarge')
    """
    family, _, size = instance_type.partition(".")
    return family, size


def size_factor(instance_type: str) -> float | None:
    """Normalized units of one instance by the name of its size; None where the name does not tell, as for metal.

    Examples
    --------
    >>> size_factor("m5.large"), size_factor("m5.12xlarge"), size_factor("m5.metal")
    (4.0, 96.0, None)
    """
    size = family_and_size(instance_type)[1].lower()
    multiple = MULTIPLE.fullmatch(size)
    return FACTOR_OF_XLARGE * int(multiple[1]) if multiple else SIZE_FACTORS.get(size)


def floats_over_sizes(instance_type: str) -> bool:
    """Whether a regional reservation of the family floats over its sizes, on Linux and shared hardware.

    Examples
    --------
    >>> floats_over_sizes("m5.large"), floats_over_sizes("g5.xlarge")
    (True, False)
    """
    return family_and_size(instance_type)[0].lower() not in INFLEXIBLE_FAMILIES


def type_in_text(text: str) -> str:
    """Type of instance that a description names; empty if none.

    Examples
    --------
    >>> type_in_text("m5.large Linux/UNIX Spot Instance-hour in US East (Virginia) in VPC Zone #1")
    'm5.large'
    """
    found = TYPE_IN_TEXT.search(text)
    return found[1] if found else ""
