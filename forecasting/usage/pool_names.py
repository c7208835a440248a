"""How pools of imported usage and imported prices are named: one rule for both.

Not here: which rows of an export belong to a pool (`forecasting.usage.cur` and its neighbours).

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/billing-info-fields.html (operations and their platforms)
"""

import re
from dataclasses import dataclass

LINUX = "linux"
SHARED = "shared"
ACCOUNT_MARK, ZONE_MARK = "account=", "zone="
TENANCIES = frozenset({"dedicated", "host"})
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\s]+")

AWS_PLATFORMS = {
    "": LINUX,
    "0002": "windows",
    "0004": "linux_sql_std",
    "0006": "windows_sql_std",
    "0010": "rhel",
    "0014": "rhel_sql_std",
    "000g": "suse",
    "00g0": "rhel_byol",
    "0100": "linux_sql_ent",
    "0102": "windows_sql_ent",
    "0110": "rhel_sql_ent",
    "0200": "linux_sql_web",
    "0202": "windows_sql_web",
    "0210": "rhel_sql_web",
    "0800": "windows_byol",
    "0g00": "ubuntu_pro",
    "1010": "rhel_ha",
    "1014": "rhel_ha_sql_std",
    "1110": "rhel_ha_sql_ent",
}
AWS_OPERATION = re.compile(r"RunInstances(?::(?P<code>[0-9a-zA-Z]{4}))?(?::SV\d+)?")  # SV: spot, in a VPC


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolKey:
    """What makes two machines the same pool.

    Attributes
    ----------
    provider : str
        aws, azure, gcp, or the name an export gives.
    region : str
        The provider's code, such as us-east-1, eastus, us-central1.
    item : str
        Type of instance, or SKU where usage is not sold by instance.
    platform : str
        Operating system with its licence; "linux" stays unnamed.
    tenancy : str
        "shared" stays unnamed.
    account, zone : str
        Empty unless usage is split by them.
    """

    provider: str
    region: str
    item: str
    platform: str = LINUX
    tenancy: str = SHARED
    account: str = ""
    zone: str = ""


def pool_name(key: PoolKey) -> str:
    """Name of a pool: `<provider>/<region>/<item>`, and what differs from Linux, shared, any account, any zone.

    The parts that differ follow in the order platform, tenancy, `account=...`, `zone=...`. Slashes, backslashes, blanks
    and control characters in a part become "-", so that a name splits again into the same parts.

    Examples
    --------
    >>> pool_name(PoolKey(provider="aws", region="us-east-1", item="m5.large"))
    'aws/us-east-1/m5.large'
    >>> pool_name(PoolKey(provider="aws", region="us-east-1", item="m5.large", platform="windows", tenancy="dedicated"))
    'aws/us-east-1/m5.large/windows/dedicated'
    """
    parts = [name_part(key.provider), name_part(key.region), name_part(key.item)]
    if key.platform not in {"", LINUX}:
        parts.append(name_part(key.platform))
    if key.tenancy not in {"", SHARED}:
        parts.append(name_part(key.tenancy))
    if key.account:
        parts.append(ACCOUNT_MARK + name_part(key.account))
    if key.zone:
        parts.append(ZONE_MARK + name_part(key.zone))
    return "/".join(parts)


def parse_pool_name(name: str) -> PoolKey | None:
    """Parts of a pool's name; None if it does not follow the rule of `pool_name`.

    Examples
    --------
    >>> parse_pool_name("aws/us-east-1/m5.large/windows").platform
    'windows'
    >>> parse_pool_name("web") is None
    True
    """
    provider, *rest = name.split("/")
    if len(rest) < 2 or not all((provider, *rest)):
        return None
    region, item, *suffixes = rest
    account = zone = ""
    tenancy, platform = SHARED, LINUX
    if suffixes and suffixes[-1].startswith(ZONE_MARK):
        zone = suffixes.pop().removeprefix(ZONE_MARK)
    if suffixes and suffixes[-1].startswith(ACCOUNT_MARK):
        account = suffixes.pop().removeprefix(ACCOUNT_MARK)
    if suffixes and suffixes[-1] in TENANCIES:
        tenancy = suffixes.pop()
    if suffixes:
        platform = suffixes.pop()
    if suffixes:
        return None
    return PoolKey(
        provider=provider, region=region, item=item, platform=platform, tenancy=tenancy, account=account, zone=zone
    )


def aws_platform(operation: str) -> str | None:
    """Platform that an AWS operation runs; None where it does not run an instance or the code is not known.

    Examples
    --------
    >>> aws_platform("RunInstances"), aws_platform("RunInstances:0002"), aws_platform("RunInstances:0002:SV001")
    ('linux', 'windows', 'windows')
    >>> aws_platform("EKSPod-EC2") is None
    True
    """
    found = AWS_OPERATION.fullmatch(operation.strip())
    return None if found is None else AWS_PLATFORMS.get((found["code"] or "").lower())


def name_part(text: str) -> str:
    """Text that may stand between two slashes of a name: never empty, never `..`."""
    part = UNSAFE.sub("-", text.strip())
    return "unknown" if part in {"", ".", ".."} else part
