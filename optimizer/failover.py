"""N+1 headroom: what groups of pools need, by month, to carry their peak when a region or a zone is lost.

Not here: the least-cost spread over sites (`optimizer.site_loss`), what becomes of a need (`optimizer.headroom`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.errors import Problem
from forecasting.frames import did_you_mean
from forecasting.hours import month_index
from forecasting.quantiles import weighted_quantile
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.offers import Catalog
from optimizer.policy import Policy
from optimizer.pools import Pool
from optimizer.site_loss import SiteMember, SiteNeed, site_need


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNeed:
    """One failover group in one month.

    Attributes
    ----------
    group : str
    month : int
        Counted from January 1970.
    peak_units : float
        At the policy's quantile. [units of the group]
    members : tuple of SiteMember
    pool_indices : tuple of int
        Of the members.
    need : SiteNeed
    """

    group: str
    month: int
    peak_units: float
    members: tuple[SiteMember, ...]
    pool_indices: tuple[int, ...]
    need: SiteNeed


def group_needs(scenarios: Scenarios, market: Market, policy: Policy, firm_units: FloatArray) -> tuple[GroupNeed, ...]:
    """Needs of every group and month; none where the policy asks for no N+1.

    Parameters
    ----------
    scenarios : Scenarios
        Demand inside the window, on the pools of the catalog.
    market : Market
    policy : Policy
    firm_units : FloatArray of shape (n_pools, n_months)
        Firm capacity that each pool has anyway: on demand, owned, and what its own headroom asks for. [units]
    """
    groups = _groups(market) if policy.headroom.n_plus_one != "none" else {}
    months, starts = np.unique(month_index(scenarios.hours), return_index=True)
    hours = np.add.reduceat(scenarios.hour_weights, starts)
    out = []
    for group, rows in groups.items():
        sizes = np.array([_size(market.pools[market.catalog.pools[row]]) for row in rows])
        total = np.einsum("p,spt->st", sizes, scenarios.units[:, rows])
        peaks = np.maximum.reduceat(total, starts, axis=1)
        for place, month in enumerate(months):
            peak = weighted_quantile(peaks[:, place], scenarios.weights, level=policy.headroom.quantile)
            held = firm_units[rows, place]
            members = _members(market, policy, rows, held, float(hours[place]))
            out.append(
                GroupNeed(
                    group=group,
                    month=int(month),
                    peak_units=peak,
                    members=members,
                    pool_indices=tuple(rows),
                    need=site_need(members, peak_units=peak),
                )
            )
    return tuple(out)


def owned_firm_units(market: Market, hours: IntArray) -> FloatArray:
    """Owned reservations that guarantee capacity over the whole of each month. Shape (n_pools, n_months). [units]

    Parameters
    ----------
    market : Market
    hours : IntArray of shape (n_hours,)
        Epoch hours of the window.
    """
    months, starts = np.unique(month_index(hours), return_index=True)
    last = np.append(starts[1:], len(hours)) - 1
    out = np.zeros((len(market.catalog.pools), len(months)))
    for owned in market.commitments:
        offer = market.catalog.offer(owned.offer_id)
        if offer.guarantees_capacity and len(offer.pools) == 1 and offer.hardware is None:
            there = (owned.start_hour <= hours[starts]) & (hours[last] < owned.end_hour)
            out[market.catalog.pools.index(offer.pools[0])] += owned.quantity * there
    return out


def _groups(market: Market) -> dict[str, list[int]]:
    """Pools of each group, by their place in the catalog."""
    out: dict[str, list[int]] = {}
    for row, name in enumerate(market.catalog.pools):
        if market.pools[name].failover_group:
            out.setdefault(market.pools[name].failover_group, []).append(row)
    return dict(sorted(out.items()))


def _size(pool: Pool) -> float:
    """What one unit carries: its normalization factor, 1 where none is declared."""
    return 1.0 if pool.normalization_factor is None else pool.normalization_factor


def _members(
    market: Market, policy: Policy, rows: Sequence[int], held: FloatArray, hours: float
) -> tuple[SiteMember, ...]:
    """Pools of a group as members of their sites."""
    catalog = market.catalog
    reservable = {offer.pools[0] for offer in market.buyable() if offer.guarantees_capacity and len(offer.pools) == 1}
    return tuple(
        SiteMember(
            pool=catalog.pools[row],
            site=_site(market.pools[catalog.pools[row]], catalog, row, policy),
            unit_size=_size(market.pools[catalog.pools[row]]),
            firm_units=float(firm),
            unit_usd=float(catalog.on_demand_usd[row]) * hours,
            can_reserve=catalog.pools[row] in reservable,
        )
        for row, firm in zip(rows, held, strict=True)
    )


def _site(pool: Pool, catalog: Catalog, row: int, policy: Policy) -> str:
    """Region of a pool's on-demand price, or its declared zone within it."""
    region = catalog.regions[row] if catalog.regions else ""
    return region if policy.headroom.n_plus_one == "region" else f"{region} {pool.zone}".strip()


def failover_problems(policy: Policy, declared: Mapping[str, Pool]) -> list[Problem]:
    """What a pools file lacks for the policy's N+1, and pools that the policy names and the file does not.

    Parameters
    ----------
    policy : Policy
    declared : mapping of str to Pool
        The pools file; empty without one.
    """
    problems = [*_unknown_pools(policy, declared)]
    by = policy.headroom.n_plus_one
    if by == "none":
        return problems
    groups: dict[str, list[Pool]] = {}
    for pool in declared.values():
        if pool.failover_group:
            groups.setdefault(pool.failover_group, []).append(pool)
    if not groups:
        message = f"must be declared for some pools where headroom.n_plus_one is {by!r}, got none."
        problems.append(Problem(column="failover_group", message=f"{message} Declare it, or leave n_plus_one out."))
    for pools in groups.values():
        problems += [problem for pool in pools for problem in _member_problems(pool, by)]
        problems += _group_problems(pools, by)
    return problems


def region_problems(policy: Policy, declared: Mapping[str, Pool], catalog: Catalog) -> list[Problem]:
    """Groups whose pools are all on the price list and all in one region, where N+1 is by region."""
    if policy.headroom.n_plus_one != "region":
        return []
    region = dict(zip(catalog.pools, catalog.regions, strict=False))
    groups: dict[str, list[str | None]] = {}
    for pool in declared.values():
        if pool.failover_group:
            groups.setdefault(pool.failover_group, []).append(region.get(pool.name))
    return [
        Problem(
            column="failover_group",
            message=f"must have pools in at least two regions, got {regions[0]!r} alone for {group!r}. Nothing else "
            "could take its work.",
        )
        for group, regions in groups.items()
        if None not in regions and len(set(regions)) < 2
    ]


def _member_problems(pool: Pool, by: str) -> list[Problem]:
    """What one member of a group must declare."""
    needed: dict[str, object] = {
        "on_demand_quota_units": pool.on_demand_quota_units,
        "on_demand_availability_fraction": pool.on_demand_availability_fraction,
    }
    if by == "zone":
        needed["zone"] = pool.zone or None
    return [
        Problem(
            column=column,
            message=f"must be declared for pool {pool.name!r}, which is in failover_group {pool.failover_group!r}: "
            f"what its other sites carry when one is lost must be known.{'' if column == 'zone' else ' 0 is fine.'}",
        )
        for column, value in needed.items()
        if value is None
    ]


def _group_problems(pools: Sequence[Pool], by: str) -> list[Problem]:
    """What the members of a group must be to each other."""
    group, sized = pools[0].failover_group, [pool.normalization_factor is not None for pool in pools]
    problems = []
    if any(sized) and not all(sized):
        message = f"must be declared for all pools of failover_group {group!r}, or for none: units must compare."
        problems.append(Problem(column="normalization_factor", message=message))
    if len(pools) < 2 or (by == "zone" and all(pool.zone for pool in pools) and len({p.zone for p in pools}) < 2):
        message = f"must have pools in at least two {by}s, got one for {group!r}. Nothing else could take its work."
        problems.append(Problem(column="failover_group", message=message))
    return problems


def _unknown_pools(policy: Policy, declared: Mapping[str, Pool]) -> list[Problem]:
    """Pools that the calendar or a mitigation names and the pools file does not."""
    named = {f"headroom.impact_calendar, {part.name!r}": part.pools for part in policy.headroom.impact_calendar}
    named |= {f"headroom.mitigations, {part.name!r}": part.pools for part in policy.headroom.mitigations}
    return [
        Problem(
            column="pool",
            message=f"must have a row for {pool!r}, which the policy names ({place}).{did_you_mean(pool, declared)} "
            "Add it with its impact, or correct the name in the policy.",
        )
        for place, pools in named.items()
        for pool in pools
        if pool not in declared
    ]
