"""Hours without spot, drawn for every path of demand: outages that last, and that coincide within a region.

A path's outages follow from the seed, the number of the path, the pool and its region alone: neither the other paths
nor the order of anything changes them. Not here: the chain (`optimizer.spot.chain`), what such hours cost.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from optimizer.offers import Catalog
from optimizer.pools import Pool
from optimizer.spot.chain import chain_of, shared_part
from optimizer.spot.rates import pays_while_there

OUTAGE_STREAM = 0x5907  # keeps these draws apart from all others of the same seed


def draws_outages(catalog: Catalog, pools: Sequence[Pool]) -> BoolArray:
    """Whether a pool's hours without spot are drawn: it may use spot, says how long outages are, and has no deadline.

    Work with a deadline waits outages out, so that its rate holds in every hour (`optimizer.spot.deadline`).

    Parameters
    ----------
    catalog : Catalog
    pools : sequence of Pool
        In the order of the catalog.

    Returns
    -------
    BoolArray of shape (n_pools,)
    """
    may_last = [pool.spot_outage_hours is not None and pool.deadline_window_hours is None for pool in pools]
    may_run = [pool.spot_eligible_fraction > 0.0 for pool in pools]
    drawn: BoolArray = np.array(may_last, dtype=bool) & np.array(may_run, dtype=bool) & pays_while_there(catalog, pools)
    return drawn


def drawn_availability(
    catalog: Catalog, pools: Sequence[Pool], *, hours: IntArray, paths: IntArray, seed: int
) -> BoolArray | None:
    """Whether spot is there, in each hour of each path; None where no pool declares outages.

    Every pool follows its own chain exactly, and two pools alike in one region the correlation that they declare. In
    each hour a pool takes its region's number with the root of `shared_part`, so that two that differ meet between.

    Parameters
    ----------
    catalog : Catalog
        Its regions say which pools go together; pools without one go together as well.
    pools : sequence of Pool
        In the order of the catalog.
    hours : IntArray of shape (n_hours,)
        Epoch hours, increasing; between hours that are not neighbours the chain goes on unseen.
    paths : IntArray of shape (n_paths,)
        Number of each path.
    seed : int

    Returns
    -------
    BoolArray of shape (n_paths, n_pools, n_hours) or None
    """
    drawn = np.flatnonzero(draws_outages(catalog, pools))
    if not len(drawn):
        return None
    steps = np.concatenate([[np.inf], np.diff(hours).astype(np.float64)])
    places = _places(catalog)
    available = np.ones((len(paths), len(catalog.pools), len(hours)), dtype=bool)
    for row, path in enumerate(paths.tolist()):
        regional: dict[str, FloatArray] = {}
        for column in drawn.tolist():
            place = places[column]
            if place not in regional:
                regional[place] = _stream(seed, path, f"region {place}").random(len(hours))
            own = _stream(seed, path, f"pool {pools[column].name}").random((2, len(hours)))
            available[row, column] = _there(pools[column], steps, own, regional[place])
    available.flags.writeable = False
    return available


def _there(pool: Pool, steps: FloatArray, own: FloatArray, regional: FloatArray) -> BoolArray:
    """Whether spot is there, from uniform numbers: own ones, ones that choose, and those of the region."""
    chain = chain_of(pool)
    if chain is None:
        return np.ones(len(steps), dtype=bool)
    memory = np.where(np.isfinite(steps), chain.memory ** np.where(np.isfinite(steps), steps, 0.0), 0.0)
    follows = own[1] < np.sqrt(shared_part(pool.spot_correlation, memory))
    number = np.where(follows, regional, own[0])
    from_there, from_gone = chain.out_after(memory)
    # below both chances spot goes or stays gone, above both it comes or stays; between, all stays as it was
    is_settled = (number < from_there) | (number >= from_gone)
    last: IntArray = np.maximum.accumulate(np.where(is_settled, np.arange(len(steps)), 0))
    gone: BoolArray = (number < from_there)[last]
    return ~gone


def _places(catalog: Catalog) -> tuple[str, ...]:
    """Provider and region of each pool; empty where not known."""
    blank = ("",) * len(catalog.pools)
    pairs = zip(catalog.providers or blank, catalog.regions or blank, strict=True)
    return tuple(f"{provider}/{region}" for provider, region in pairs)


def _stream(seed: int, path: int, name: str) -> np.random.Generator:
    """Numbers of their own for a path and a name."""
    words = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, OUTAGE_STREAM, path, *words]))
