"""Which pools of a price list earn sustained-use discounts, and how much of their on-demand rate these take off.

A pool of Google Cloud earns them where the pools file names its machine series as `family`. Not here: the tiers
(`optimizer.billing.gcp.sustained_use`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import month_index
from optimizer.billing.gcp.sustained_use import TIERS_OF_SERIES, Tiers, discount_fractions, series_of
from optimizer.billing.providers import Rules, applied_rules, rules_of_pools, rules_sentence
from optimizer.offers import Catalog
from optimizer.pools import Pool

RESOURCE_OF_SIZE = {  # a pool may count vCPUs or GB: these are discounted each by themselves
    **dict.fromkeys(("vcpu", "vcpus", "cpu", "core", "cores"), "vcpu"),
    **dict.fromkeys(("memory", "ram", "gb", "gib"), "memory"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SustainedGroup:
    """Pools whose usage counts together.

    Attributes
    ----------
    rows : tuple of int
        Rows of the catalog's pools.
    tiers : Tiers
    """

    rows: tuple[int, ...]
    tiers: Tiers


def sustained_groups(catalog: Catalog, pools: Sequence[Pool]) -> tuple[SustainedGroup, ...]:
    """Pools of one region, machine series and resource, each in the order of the catalog.

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.
    """
    regions = catalog.regions or ("",) * len(catalog.pools)
    rows_of: dict[tuple[str, str, str], list[int]] = {}
    for row, rules in enumerate(rules_of_pools(catalog)):
        series = series_of(pools[row].family)
        if rules == Rules.GCP and series in TIERS_OF_SERIES:
            resource = RESOURCE_OF_SIZE.get(pools[row].size.strip().lower(), "instance")
            rows_of.setdefault((regions[row], series, resource), []).append(row)
    return tuple(
        SustainedGroup(rows=tuple(rows), tiers=TIERS_OF_SERIES[series]) for (_, series, _), rows in rows_of.items()
    )


def sustained_fractions(
    groups: Sequence[SustainedGroup], on_demand_usd: FloatArray, hours: IntArray, hour_weights: FloatArray
) -> FloatArray | None:
    """Part of the on-demand rate that the discounts take off.

    Parameters
    ----------
    groups : sequence of SustainedGroup
    on_demand_usd : FloatArray of shape (n_pools, n_hours)
        On-demand usage at list prices. [USD/h]
    hours : IntArray of shape (n_hours,)
        Epoch hours.
    hour_weights : FloatArray of shape (n_hours,)
        [h]

    Returns
    -------
    FloatArray of shape (n_pools, n_hours) or None
        None where no pool earns any.
    """
    if not groups:
        return None
    out = np.zeros_like(on_demand_usd)
    for group in groups:
        rows = list(group.rows)
        out[rows] = discount_fractions(on_demand_usd[rows].sum(axis=0), hours, hour_weights, group.tiers)
    return out


def sustained_sentence(catalog: Catalog, pools: Sequence[Pool], hours: IntArray) -> str:
    """What was assumed on sustained-use discounts; empty where no pool is Google Cloud's."""
    n_pools = sum(rules == Rules.GCP for rules in rules_of_pools(catalog))
    if n_pools == 0:
        return ""
    n_earning = sum(len(group.rows) for group in sustained_groups(catalog, pools))
    if n_earning == 0:
        return (
            "No sustained-use discount is counted: the pools file names no machine series that earns one as 'family'."
        )
    text = f"Sustained-use discounts are counted for {n_earning} of {n_pools} pools of Google Cloud"
    is_cut = len(hours) > 0 and _cuts_a_month(int(hours[0]), int(hours[-1]))
    return f"{text}; the window cuts a month, and hours outside count as no usage." if is_cut else f"{text}."


def billing_sentences(catalog: Catalog, pools: Mapping[str, Pool], hours: IntArray) -> tuple[str, ...]:
    """By whose rules a price list is billed in a window, and what is assumed of discounts: for every output.

    Parameters
    ----------
    catalog : Catalog
    pools : Mapping of str to Pool
        What is declared of the pools.
    hours : IntArray of shape (n_hours,)
        Epoch hours of the window.
    """
    declared = [pools.get(name, Pool(name=name)) for name in catalog.pools]
    found = (rules_sentence(applied_rules(catalog)), sustained_sentence(catalog, declared, hours))
    return tuple(sentence for sentence in found if sentence)


def _cuts_a_month(first_hour: int, last_hour: int) -> bool:
    """Whether the window starts or ends inside a month (UTC)."""
    before, first, last, after = month_index(np.array([first_hour - 1, first_hour, last_hour, last_hour + 1]))
    return bool(before == first or last == after)
