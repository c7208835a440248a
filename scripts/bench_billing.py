"""The billing benchmark: one replay of a fleet under many commitments, against one pass over its demand in memory.

`./scripts/bench --billing` prints it. Not here: the methods of solution (`bench_run.py`).
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import hour_of_date
from optimizer.billing.replay import bill_portfolio
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

SEED = 20240101
N_POOLS = 47
N_HOURS = 26_280
N_RUNS = 5
N_FLEXIBLE_SIZES = 4
GROUPS = (  # kind, commitments; 30 in all
    (OfferKind.RESERVED_STANDARD, 12),
    (OfferKind.RESERVED_CONVERTIBLE, 6),
    (OfferKind.INSTANCE_SAVINGS_PLAN, 6),
    (OfferKind.COMPUTE_SAVINGS_PLAN, 6),
)
PROVIDERS = ("aws", "azure", "gcp")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BillingProblem:
    """A fleet and what is held.

    Attributes
    ----------
    catalog : Catalog
    pools : dict of str to Pool
    commitments : tuple of Commitment
    hours : IntArray of shape (n_hours,)
    demand : FloatArray of shape (n_pools, n_hours)
        [units]
    """

    catalog: Catalog
    pools: dict[str, Pool]
    commitments: tuple[Commitment, ...]
    hours: IntArray
    demand: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingTimes:
    """Processor seconds of one provider's replay, which other work on the machine disturbs least.

    Attributes
    ----------
    provider : str
    first_seconds, median_seconds : float
        The first replay of the process touches fresh memory; then the median of several.
    bare_pass_seconds : float
        numpy summing the demand once.
    covered_fraction : float
        Part of the demand that commitments cover, at on-demand prices.
    """

    provider: str
    first_seconds: float
    median_seconds: float
    bare_pass_seconds: float
    covered_fraction: float


def billing_problem(provider: str) -> BillingProblem:
    """Synthetic fleet of one provider: daily shapes and noise, reservations, size-flexible ones and plans over many."""
    rng = np.random.default_rng(SEED)
    names = tuple(f"pool{row:02d}" for row in range(N_POOLS))
    hours = hour_of_date("2022-01-01") + np.arange(N_HOURS)
    level = rng.uniform(20.0, 200.0, N_POOLS)[:, None]
    shape = 1.0 + 0.3 * np.sin(2.0 * np.pi * (hours + rng.integers(0, 24, N_POOLS)[:, None]) / 24.0)
    demand = level * shape * rng.uniform(0.8, 1.2, (N_POOLS, N_HOURS))
    on_demand = rng.uniform(0.1, 2.0, N_POOLS)
    offers, commitments = [], []
    for kind, count in GROUPS:
        for place in range(count):
            offer, size = _offer(f"{kind}-{place}", kind, provider, names, on_demand, rng)
            offers.append(offer)
            start = int(hours[0]) + (place % 3) * 4_380
            commitments.append(
                Commitment(
                    commitment_id=f"{kind}-{place}",
                    offer_id=offer.offer_id,
                    quantity=float(rng.uniform(0.3, 0.6) * (level[:, 0] * size).sum()) / count,
                    start_hour=start,
                    end_hour=start + offer.term_hours,
                )
            )
    catalog = Catalog(
        pools=names,
        on_demand_usd=on_demand,
        spot_usd=np.full(N_POOLS, np.nan),
        offers=tuple(offers),
        providers=(provider,) * N_POOLS,
        regions=("r",) * N_POOLS,
    )
    pools = {name: Pool(name=name, family="n2" if row % 2 else "n1") for row, name in enumerate(names)}
    return BillingProblem(catalog=catalog, pools=pools, commitments=tuple(commitments), hours=hours, demand=demand)


def _offer(
    offer_id: str,
    kind: OfferKind,
    provider: str,
    names: tuple[str, ...],
    on_demand: FloatArray,
    rng: np.random.Generator,
) -> tuple[Offer, FloatArray]:
    """An offer, and the quantity that one unit of each pool draws from it, 0 where it covers none."""
    rows = np.arange(N_POOLS)
    if kind == OfferKind.RESERVED_STANDARD:
        rows, draw = rng.choice(N_POOLS, 1), np.ones(1)
    elif kind == OfferKind.RESERVED_CONVERTIBLE:
        rows, draw = rng.choice(N_POOLS, N_FLEXIBLE_SIZES, replace=False), 2.0 ** np.arange(N_FLEXIBLE_SIZES)
    elif kind == OfferKind.INSTANCE_SAVINGS_PLAN:
        rows = rng.choice(N_POOLS, N_POOLS // 3, replace=False)
        draw = on_demand[rows] * rng.uniform(0.6, 0.7, len(rows))
    else:
        draw = on_demand * rng.uniform(0.7, 0.8, N_POOLS)
    size = np.zeros(N_POOLS)
    size[rows] = draw
    offer = Offer(
        offer_id=offer_id,
        kind=kind,
        provider=provider,
        region="r",
        pools=tuple(names[row] for row in rows),
        draw=draw,
        hourly_usd=1.0 if kind.endswith("plan") else 0.6 * float(on_demand[rows[0]]),
        upfront_usd=0.0,
        term_months=36 if offer_id.endswith(("1", "3", "5")) else 12,
        payment_option="none",
        is_size_flexible=kind == OfferKind.RESERVED_CONVERTIBLE,
    )
    return offer, size


def measure_billing() -> list[BillingTimes]:
    """Time the replay under each provider's rules."""
    return [_measure(provider) for provider in PROVIDERS]


def print_billing(rows: Sequence[BillingTimes]) -> None:
    """Markdown table."""
    n_commitments = sum(count for _, count in GROUPS)
    print(f"Billing replay, {N_POOLS} pools x {N_HOURS:,} h x {n_commitments} commitments, processor seconds\n")
    print("| rules | first run, s | median, s | one pass over the demand, s | median / one pass | covered |")
    print("| ----- | -----------: | --------: | --------------------------: | ----------------: | ------: |")
    for row in rows:
        ratio = row.median_seconds / row.bare_pass_seconds
        print(
            f"| {row.provider} | {row.first_seconds:.3f} | {row.median_seconds:.3f} | {row.bare_pass_seconds:.5f} | "
            f"{ratio:,.0f} | {100 * row.covered_fraction:.0f} % |"
        )


def _measure(provider: str) -> BillingTimes:
    """Processor seconds under one provider's rules."""
    problem = billing_problem(provider)
    seconds, covered = [], 0.0
    for _ in range(N_RUNS + 1):
        start = time.process_time()
        bill = bill_portfolio(problem.catalog, problem.pools, problem.commitments, problem.hours, problem.demand)
        total_usd = bill.total_usd
        seconds.append(time.process_time() - start)
        covered = bill.covered_on_demand_usd / bill.on_demand_equivalent_usd
        if not total_usd > 0.0:
            msg = f"the bill must be above 0 USD, got {total_usd}."
            raise RuntimeError(msg)
    bare = []
    for _ in range(N_RUNS):
        start = time.process_time()
        problem.demand.sum()
        bare.append(time.process_time() - start)
    return BillingTimes(
        provider=provider,
        first_seconds=seconds[0],
        median_seconds=statistics.median(seconds[1:]),
        bare_pass_seconds=statistics.median(bare),
        covered_fraction=covered,
    )
