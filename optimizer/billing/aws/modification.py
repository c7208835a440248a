"""Modifying Reserved Instances: splits, merges, other sizes, zones and scopes at an equal footprint, free of charge.

Not here: exchanges for another family (`optimizer.billing.aws.exchange`).

References
----------
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ri-modifying.html
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from forecasting.hours import term_hours
from optimizer.billing.aws.errors import RefusedError
from optimizer.billing.aws.instances import (
    DEFAULT_TENANCY,
    INFLEXIBLE_FAMILIES,
    LINUX,
    Instances,
    region_of_zone,
    required_factor,
)
from optimizer.billing.aws.reserved import HOUR_SECONDS, ReservedInstances, state_obstacles

NOT_RESIZABLE_FAMILIES = INFLEXIBLE_FAMILIES | {"t1", "cc1", "cc2", "cg1", "cr1", "hi1", "hs1"}  # or of one size only
FOOTPRINT_TOLERANCE = 1e-9  # relative: factors are sums of binary fractions, counts may be large


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a modification asks for.

    Attributes
    ----------
    instance_type : str
    count : int
    zone : str
        Availability zone; empty for a regional reservation.
    """

    instance_type: str
    count: int
    zone: str = ""


def footprint(items: Iterable[tuple[str, float]], overrides: Mapping[str, float] | None = None) -> float:
    """Normalized units of counts of instance types.

    Parameters
    ----------
    items : iterable of (str, float)
        Instance type and count.
    overrides : Mapping of str to float, optional
        Normalization factors that win over the published table.

    Raises
    ------
    LookupError
        If a type has no factor.

    Examples
    --------
    >>> footprint([("t2.micro", 2), ("t2.small", 1)]), footprint([("i3.metal", 1)])
    (2.0, 128.0)
    """
    return sum(count * required_factor(instance_type, overrides) for instance_type, count in items)


def effective_second(request_second: int) -> int:
    """Second from which a modification counts: the start of the clock hour of its request.

    Examples
    --------
    >>> effective_second(21 * 3600 + 15 * 60) == 21 * 3600
    True
    """
    return request_second // HOUR_SECONDS * HOUR_SECONDS


def modification_obstacles(
    originals: Sequence[ReservedInstances],
    targets: Sequence[Target],
    request_second: int,
    overrides: Mapping[str, float] | None = None,
) -> tuple[str, ...]:
    """Say which rules a modification breaks; nothing where AWS accepts it.

    Parameters
    ----------
    originals : sequence of ReservedInstances
        All of them are given up; what is to stay is named again among the targets.
    targets : sequence of Target
    request_second : int
        Epoch second.
    overrides : Mapping of str to float, optional
        Normalization factors that win over the published table.

    Returns
    -------
    tuple of str
        One sentence for each rule.
    """
    if not originals or not targets:
        return ("a modification must name at least one reservation and one target.",)
    obstacles = [reason for item in originals for reason in state_obstacles(item, request_second)]
    obstacles += _mixed(originals)
    obstacles += _misplaced(originals, targets)
    if all(float(target.count).is_integer() and target.count >= 1 for target in targets):
        obstacles += _resized(originals, targets, overrides)
    else:
        obstacles.append("every target must have a whole count >= 1.")
    return tuple(obstacles)


def modified(
    originals: Sequence[ReservedInstances],
    targets: Sequence[Target],
    request_second: int,
    overrides: Mapping[str, float] | None = None,
) -> tuple[ReservedInstances, ...]:
    """Reservations after a modification, which ends the originals at `effective_second`.

    They end when the originals end. Recurring fees and what is left of upfront payments are shared by footprint, so
    that their sums stay (AWS shows a fixed price of 0, as nothing is paid again).

    Parameters
    ----------
    originals, targets, request_second, overrides
        As for `modification_obstacles`.

    Raises
    ------
    RefusedError
        If a rule is broken.

    Returns
    -------
    tuple of ReservedInstances
        One for each target, in its order.
    """
    obstacles = modification_obstacles(originals, targets, request_second, overrides)
    if obstacles:
        action = "modification"
        raise RefusedError(action, obstacles)
    start = max(effective_second(request_second), min(item.start_second for item in originals))
    like = max(originals, key=lambda item: item.term_years)
    weights = _weights(originals, targets, overrides)
    per_weight = sum(weight * target.count for weight, target in zip(weights, targets, strict=True))
    hourly_usd = sum(item.count * item.hourly_usd for item in originals) / per_weight
    upfront_usd = sum(item.remaining_upfront_usd(start) for item in originals) / per_weight
    end = max(item.end_second for item in originals)
    fraction_left = (end - start) / HOUR_SECONDS / term_hours(12 * like.term_years)
    names = "+".join(item.reservation_id for item in originals)
    bought = max(item.start_second if item.bought_second is None else item.bought_second for item in originals)
    return tuple(
        replace(
            like,
            reservation_id=f"{names}/{row}",
            instances=_placed(like.instances, target),
            count=int(target.count),
            start_second=start,
            end_second=end,
            bought_second=bought,
            hourly_usd=hourly_usd * weight,
            upfront_usd=upfront_usd * weight / fraction_left,
            is_discounted=any(item.is_discounted for item in originals),
        )
        for row, (target, weight) in enumerate(zip(targets, weights, strict=True), start=1)
    )


def _mixed(originals: Sequence[ReservedInstances]) -> Iterator[str]:
    """Say in what the originals must be alike and are not."""
    alike: Mapping[str, set[object]] = {
        "offering class": {item.offering_class for item in originals},
        "payment option": {item.payment for item in originals},
        "hour of their end": {item.end_hour for item in originals},
        "owner": {item.instances.account for item in originals},
        "region": {_region(item.instances) for item in originals},
        "platform": {item.instances.platform for item in originals},
        "tenancy": {item.instances.tenancy for item in originals},
    }
    for name, values in alike.items():
        if len(values) > 1:
            yield f"reservations modified together must have the same {name}."


def _misplaced(originals: Sequence[ReservedInstances], targets: Sequence[Target]) -> Iterator[str]:
    """Say which targets lie in another region; a zone without a region in its name may be anywhere."""
    regions = {_region(item.instances) for item in originals} - {""}
    for target in targets:
        region = region_of_zone(target.zone)
        if region and regions and region not in regions:
            yield f"zone {target.zone} must be in the region of the reservations, {_listed(regions)}."


def _resized(
    originals: Sequence[ReservedInstances], targets: Sequence[Target], overrides: Mapping[str, float] | None
) -> Iterator[str]:
    """Say what stands against the sizes asked for."""
    families = {item.instances.family for item in originals}
    wanted = {_family(target) for target in targets}
    if families != wanted or len(families) > 1:
        yield f"there must be one family and it must stay, got {_listed(families)} to become {_listed(wanted)}."
        return
    if _counts(originals) == _counts(targets):
        return
    if any(item.instances.platform != LINUX or item.instances.tenancy != DEFAULT_TENANCY for item in originals):
        yield "only Linux/UNIX on default tenancy may change its sizes or counts."
    if families & NOT_RESIZABLE_FAMILIES:
        yield f"{families.pop()} cannot change its sizes."
        return
    try:
        before = footprint(((item.instances.instance_type, item.count) for item in originals), overrides)
        after = footprint(((target.instance_type, target.count) for target in targets), overrides)
    except LookupError as error:
        yield str(error)
        return
    if not math.isclose(before, after, rel_tol=FOOTPRINT_TOLERANCE):
        yield f"the footprint must stay {before:g} normalized units, the targets have {after:g}."


def _counts(items: Sequence[ReservedInstances] | Sequence[Target]) -> Counter[str]:
    """Instances by type."""
    counts: Counter[str] = Counter()
    for item in items:
        name = item.instance_type if isinstance(item, Target) else item.instances.instance_type
        counts[name.lower()] += int(item.count)
    return counts


def _weights(
    originals: Sequence[ReservedInstances], targets: Sequence[Target], overrides: Mapping[str, float] | None
) -> list[float]:
    """Share of one instance of each target: its factor, or 1 where no size changes and no factor is needed."""
    if len(_counts(originals)) == 1 and _counts(originals) == _counts(targets):
        return [1.0] * len(targets)
    return [required_factor(target.instance_type, overrides) for target in targets]


def _placed(like: Instances, target: Target) -> Instances:
    """Attributes of a target, those it does not name as before."""
    region = _region(like) or region_of_zone(target.zone)
    return replace(like, instance_type=target.instance_type, zone=target.zone, region=region)


def _region(instances: Instances) -> str:
    """Region, declared or that of the zone."""
    return instances.region or region_of_zone(instances.zone)


def _listed(names: Iterable[str]) -> str:
    """Names in order."""
    return ", ".join(sorted(names))


def _family(target: Target) -> str:
    """Part of the type before the dot."""
    return target.instance_type.partition(".")[0].lower()
