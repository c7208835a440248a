"""Prices and commitments that what happened is billed by: at today's prices, and at those of the plan.

Not here: reading a price list (`optimizer.prices`), billing (`optimizer.billing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from forecasting.errors import InputError, Problem
from optimizer.billing.eligibility import check_providers
from optimizer.jobs.inputs import InputPaths
from optimizer.offers import PLAN_KINDS, Catalog
from optimizer.pools import Pool, pool_table, read_pools
from optimizer.portfolio import Commitment, owned_offer_ids, read_optional_commitments
from optimizer.prices import MARKET_KINDS, PriceRows, build_catalog, read_price_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """What is owned, under one price list.

    Attributes
    ----------
    catalog : Catalog
    pools : Mapping of str to Pool
    commitments : tuple of Commitment
    """

    catalog: Catalog
    pools: Mapping[str, Pool]
    commitments: tuple[Commitment, ...]


def held_at(
    paths: InputPaths, rows: PriceRows, *, pools: tuple[str, ...], planned: Sequence[Commitment], source: str
) -> Held:
    """Commitments of the file, and those of the plan that count as bought, under a price list.

    Parameters
    ----------
    paths : InputPaths
        With the commitments file, if any.
    rows : PriceRows
    pools : tuple of str
        With usage in the window.
    planned : sequence of Commitment
        Purchases of the plan that count as made.
    source : str
        Name of the price list, for messages.

    Raises
    ------
    InputError
        If a file is wrong, a pool has no on-demand price, or a purchase of the plan is no offer of the list, or in the
        commitments file, too.
    """
    table = pool_table(pools, read_pools(paths.pools) if paths.pools is not None else {})
    keep = owned_offer_ids(paths.commitments) | {bought.offer_id for bought in planned}
    catalog = build_catalog(rows, pools=pools, pool_table=table, source=source, keep_offers=keep)
    check_providers(catalog, catalog.offers, source=source)
    owned = read_optional_commitments(paths.commitments, catalog, prices=source)
    problems = _purchase_problems(planned, catalog, owned, source)
    if problems:
        msg = "the purchases of the plan"
        raise InputError(msg, problems)
    return Held(catalog=catalog, pools=table, commitments=(*owned, *planned))


def _purchase_problems(
    planned: Sequence[Commitment], catalog: Catalog, owned: Sequence[Commitment], source: str
) -> list[Problem]:
    """Purchases that cannot be billed, or would be billed twice."""
    known, taken = {offer.offer_id for offer in catalog.offers}, {one.commitment_id for one in owned}
    problems = []
    for bought in planned:
        if bought.offer_id not in known:
            message = f"{bought.offer_id!r} must be an offer of {source}, and is not. Add its prices."
            problems.append(Problem(message=message))
        if bought.commitment_id in taken:
            message = (
                f"{bought.commitment_id!r} must count once, and is in the commitments file, too. Leave out "
                "--with-purchases, or take it out of the file."
            )
            problems.append(Problem(message=message))
    return problems


def plan_price_rows(plan_prices: Path, now: PriceRows) -> PriceRows:
    """Price list of the plan, with what only today's list has: pools and offers that came since, at today's prices.

    A pool that came since is added to a plan that covers it now, but never to a reservation that the plan's list has:
    with another pool its quantity would be in another unit.
    """
    then = read_price_rows(plan_prices).frame
    market = {kind.value for kind in MARKET_KINDS}
    plans = {kind.value for kind in PLAN_KINDS}
    priced = set(zip(then["kind"], then["pool"], strict=True))
    covered = set(zip(then["offer_id"], then["pool"], strict=True))
    offered = set(then["offer_id"])
    keep = [
        (kind, pool) not in priced
        if kind in market
        else offer not in offered or (kind in plans and (offer, pool) not in covered)
        for kind, offer, pool in zip(now.frame["kind"], now.frame["offer_id"], now.frame["pool"], strict=True)
    ]
    merged = pd.concat([then, now.frame.loc[keep]], ignore_index=True)
    merged.index = pd.RangeIndex(1, len(merged) + 1, name=then.index.name)  # rows of the plan's list keep their numbers
    return PriceRows(frame=merged)


def repriced_offers(then: Held, now: Held) -> tuple[str, ...]:
    """Offers of what is owned whose fee or rates differ between the plan's list and today's, by name."""
    owned = {one.offer_id for one in now.commitments}
    return tuple(sorted(offer_id for offer_id in owned if _terms_of(then, offer_id) != _terms_of(now, offer_id)))


def _terms_of(held: Held, offer_id: str) -> tuple[float, float, frozenset[tuple[str, float]]]:
    """Fees of an offer, and what a unit of each pool draws of it."""
    offer = held.catalog.offer(offer_id)
    draws = frozenset(zip(offer.pools, offer.draw.tolist(), strict=True))
    return offer.hourly_usd, offer.upfront_usd, draws
