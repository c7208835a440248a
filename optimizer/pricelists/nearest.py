"""Which listed thing is nearest to a pool that has no price: a hint for people, never a price.

Near means, in this order: the same type on another platform or tenancy; another size of the same family in the same
region, the nearest size first; the same type in another region; a family of the same class (m5 and m6i) in the region.

Not here: what is missing (`optimizer.pricelists.contract`).
"""

import math
import re
from collections.abc import Iterable

from forecasting.frames import did_you_mean
from forecasting.usage.pool_names import PoolKey, pool_name
from optimizer.billing.aws.instances import normalization_factor
from optimizer.pricelists.listed import family_of

MAX_HINTS = 3
NOWHERE = math.inf
_CLASS = re.compile(r"[a-z]+")


def nearest(key: PoolKey, listed: Iterable[PoolKey]) -> tuple[str, ...]:
    """Names of the nearest things that have a price, at most three, the nearest first.

    Parameters
    ----------
    key : PoolKey
        Pool without a price.
    listed : iterable of PoolKey
        Things with one.

    Examples
    --------
    >>> listed = [PoolKey(provider="aws", region="us-east-1", item=item) for item in ("m5.xlarge", "m5.24xlarge")]
    >>> nearest(PoolKey(provider="aws", region="us-east-1", item="m5.2xlarge"), listed)
    ('aws/us-east-1/m5.xlarge', 'aws/us-east-1/m5.24xlarge')
    """
    ranked = sorted((_distance(key, other), pool_name(other)) for other in set(listed))
    return tuple(name for distance, name in ranked[:MAX_HINTS] if distance[0] < NOWHERE)


def similar_names(name: str, listed: Iterable[PoolKey]) -> str:
    """Sentence that offers similar names for a pool whose name says nothing; empty where there is none."""
    return did_you_mean(name, {pool_name(key) for key in listed})


def _distance(key: PoolKey, other: PoolKey) -> tuple[float, float, float, float]:
    """Rank of the relation, then other platform or tenancy, then how far the size is, then how unlike the region."""
    is_here = (key.provider, key.region) == (other.provider, other.region)
    is_other_kind = float((key.platform, key.tenancy) != (other.platform, other.tenancy))
    unlike = float(key.region.split("-")[0] != other.region.split("-")[0])
    rank = NOWHERE
    if is_here and key.item == other.item:
        rank = 0.0
    elif is_here and family_of(key.item) == family_of(other.item):
        rank = 1.0
    elif key.provider == other.provider and key.item == other.item:
        rank = 2.0
    elif is_here and _class_of(key.item) == _class_of(other.item):
        rank = 3.0
    return (rank, is_other_kind, _steps(key.item, other.item), unlike)


def _class_of(item: str) -> str:
    """Letters a family starts with; the whole name where it starts otherwise."""
    match = _CLASS.match(item)
    return match[0] if match else item


def _steps(one: str, other: str) -> float:
    """How many times the size must be doubled or halved; many where a size is not known."""
    first, second = normalization_factor(one), normalization_factor(other)
    if first is None or second is None:
        return 99.0
    return abs(math.log2(first / second))
