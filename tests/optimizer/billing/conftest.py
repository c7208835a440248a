"""A naive bill: the providers' orders as plain loops over hours and single commitments, the oracle of the engines.

And a runner of one billing case, from its file to its outcome.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from optimizer.billing.cases import Outcome, read_cases, run_case
from optimizer.offers import PLAN_KINDS, Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

RESERVED = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})
OWNED_STAGE, ZONAL_STAGE, REGIONAL_STAGE, INSTANCE_STAGE, COMPUTE_STAGE = range(5)
REACH = {"resource group": 0, "subscription": 1, "project": 1, "": 3, "shared": 3}

NaiveBill = tuple[float, dict[str, float], np.ndarray]  # total_usd, used quantity-hours by id, on-demand (pool, hour)
Place = tuple[str, bool]  # a pool, and whether its idle units are meant


@pytest.fixture
def outcome_of(tmp_path) -> Callable[..., Outcome]:
    """Writes one case to a file, reads it back and runs it."""

    def run(kind, inputs, expected, provider="aws") -> Outcome:
        case = {"id": "one", "provider": provider, "kind": kind, "inputs": inputs, "expected": expected}
        path = tmp_path / "cases.json"
        path.write_text(json.dumps({"cases": [case]}), encoding="utf-8")
        return run_case(read_cases(path)[0])

    return run


@pytest.fixture(scope="session")
def naive_bill() -> Callable[..., NaiveBill]:
    return _naive_bill


def _naive_bill(
    catalog: Catalog,
    pools: Mapping[str, Pool],
    commitments: Sequence[Commitment],
    hours: Sequence[int],
    demand: np.ndarray,
) -> NaiveBill:
    """Serve each hour by picking, again and again, the best claim that is left; sustained-use discounts left out."""
    used = {item.commitment_id: 0.0 for item in commitments}
    on_demand = np.zeros(demand.shape)
    total_usd = 0.0
    for column, hour in enumerate(hours):
        world = _World(catalog=catalog, pools=pools, commitments=commitments, hour=hour)
        total_usd += world.fees_usd()
        rest: dict[Place, float] = {}
        for row, name in enumerate(catalog.pools):
            rest[name, False], spot_usd = world.off_spot(row, demand[row, column])
            total_usd += spot_usd
            rest[name, True] = world.idle(name, rest[name, False], used)
        world.serve(rest, used)
        for row, name in enumerate(catalog.pools):
            on_demand[row, column] = rest[name, False] + rest[name, True]
            total_usd += on_demand[row, column] * catalog.on_demand_usd[row]
    return total_usd, used, on_demand


@dataclass(frozen=True, kw_only=True)
class _World:
    """One hour: what is held in it, and the claims on usage."""

    catalog: Catalog
    pools: Mapping[str, Pool]
    commitments: Sequence[Commitment]
    hour: int

    def held(self) -> list[tuple[Commitment, Offer]]:
        by_age = sorted(self.commitments, key=lambda item: (item.start_hour, item.commitment_id))
        active = [item for item in by_age if item.start_hour <= self.hour < item.end_hour]
        return [(item, self.catalog.offer(item.offer_id)) for item in active]

    def fees_usd(self) -> float:
        paying = [(item, offer) for item, offer in self.held() if offer.kind != OfferKind.CAPACITY_RESERVATION]
        return sum(item.quantity * offer.effective_hourly_usd for item, offer in paying)

    def off_spot(self, row: int, units: float) -> tuple[float, float]:
        pool, on_demand_usd = self.pools[self.catalog.pools[row]], self.catalog.on_demand_usd[row]
        rate = pool.spot_availability * self.catalog.spot_usd[row] * (1 + pool.interruption_overhead_fraction)
        rate += (1 - pool.spot_availability) * on_demand_usd
        if not rate < on_demand_usd:
            return units, 0.0
        return units * (1 - pool.spot_eligible_fraction), units * pool.spot_eligible_fraction * rate

    def idle(self, name: str, units: float, used: dict[str, float]) -> float:
        unreserved, reserved = units, 0.0
        for item, offer in self.held():
            if offer.kind == OfferKind.CAPACITY_RESERVATION and name in offer.pools:
                used[item.commitment_id] += min(item.quantity, unreserved)
                unreserved -= min(item.quantity, unreserved)
                reserved += item.quantity
        return max(reserved - units, 0.0)

    def serve(self, rest: dict[Place, float], used: dict[str, float]) -> None:
        left = {item.commitment_id: item.quantity for item, _ in self.held()}
        claims = list(self.claims())
        while claims:
            best = min(claims)
            claims.remove(best)
            _, commitment_id, place, draw = best
            units = min(rest[place], left[commitment_id] / draw)
            rest[place] -= units
            left[commitment_id] -= units * draw
            used[commitment_id] += units * draw

    def claims(self) -> Iterator[tuple[tuple, str, Place, float]]:
        """Each commitment's right to each pool, with a rank that is lowest for the first to be served."""
        offers = [self.catalog.offer(item.offer_id) for item in self.commitments]
        reserved = {name for offer in offers if offer.kind == OfferKind.CAPACITY_RESERVATION for name in offer.pools}
        rank_of = {"aws": self.aws_rank, "azure": self.azure_rank, "gcp": self.gcp_rank}
        for item, offer in self.held():
            for name, draw in zip(offer.pools, offer.draw.tolist(), strict=True):
                inside = [pool for pool in offer.pools if self.may_serve(item, offer, pool)]
                if name not in inside:
                    continue
                on_demand_usd = self.catalog.on_demand_usd[self.catalog.pools.index(name)]
                if offer.provider == "azure" and offer.kind in PLAN_KINDS:
                    draw = min(draw, on_demand_usd)
                is_zonal = offer.provider == "aws" and self.aws_stage(item, offer) == ZONAL_STAGE
                idle = set() if is_zonal else reserved & set(inside)  # AWS's zonal reservations leave idle units alone
                n_lines = len(inside) + len(idle)
                saving = -round(1 - draw / on_demand_usd, 12)
                for is_idle in (False, True) if name in idle else (False,):
                    rank = rank_of[offer.provider](item, offer, (name, is_idle), (draw, saving, n_lines))
                    yield rank, item.commitment_id, (name, is_idle), draw

    def may_serve(self, item: Commitment, offer: Offer, name: str) -> bool:
        if offer.kind == OfferKind.CAPACITY_RESERVATION:
            return False
        pool, is_plan = self.pools[name], offer.kind in PLAN_KINDS
        if offer.provider == "aws":
            is_zonal = self.aws_stage(item, offer) == ZONAL_STAGE
            return not (is_zonal and item.zone and pool.zone not in ("", item.zone))
        if offer.kind == OfferKind.OWNED_HARDWARE or "" in (pool.account, item.account):
            return True
        scope = item.scope
        if offer.provider == "gcp":
            scope = "shared" if is_plan else item.scope or "project"
        if scope in ("", "shared"):
            return True
        return pool.account == item.account or (scope != "resource group" and pool.account == f"{item.account}/group")

    def aws_rank(self, item: Commitment, offer: Offer, place: Place, how: tuple[float, float, int]) -> tuple:
        (name, is_idle), (draw, saving, n_lines) = place, how
        is_owner = self.pools[name].account == item.account != ""
        family, member = self.age(item)
        rank = (n_lines, family, draw, name, member)
        if offer.kind in PLAN_KINDS:
            rank = (saving, draw, name, family, member)
        return (0, self.aws_stage(item, offer), not is_owner, is_idle, *rank)

    def azure_rank(self, item: Commitment, offer: Offer, place: Place, how: tuple[float, float, int]) -> tuple:
        (name, is_idle), (draw, saving, n_lines) = place, how
        family, member = self.age(item)
        reach = REACH[item.scope]
        if offer.kind in PLAN_KINDS:
            return (1, 2, -offer.term_hours, reach, family, is_idle, saving, draw, name, member)
        stage = 0 if offer.kind == OfferKind.OWNED_HARDWARE else 1
        return (1, stage, is_idle, 3 if stage == 0 else reach, n_lines, family, draw, name, member)

    def gcp_rank(self, item: Commitment, offer: Offer, place: Place, how: tuple[float, float, int]) -> tuple:
        (name, is_idle), (draw, saving, n_lines) = place, how
        family, member = self.age(item)
        if offer.kind in PLAN_KINDS:
            return (2, 2, is_idle, saving, draw, name, family, member)
        stage = 0 if offer.kind == OfferKind.OWNED_HARDWARE else 1
        reach = 1 if stage == 1 and (item.scope == "project" or (item.scope == "" and item.account != "")) else 3
        return (2, stage, is_idle, reach, n_lines, family, draw, name, member)

    def age(self, item: Commitment) -> tuple[int, int]:
        """How early the first of its like was bought, and it itself."""
        by_age = sorted(self.commitments, key=lambda other: (other.start_hour, other.commitment_id))
        likes = [(other.offer_id, other.account, other.zone, other.scope) for other in by_age]
        return likes.index((item.offer_id, item.account, item.zone, item.scope)), by_age.index(item)

    def aws_stage(self, item: Commitment, offer: Offer) -> int:
        if offer.kind in RESERVED:
            is_only_pool_zonal = len(offer.pools) == 1 and self.pools[offer.pools[0]].zone != ""
            is_zonal = item.scope == "zonal" if item.scope else item.zone != "" or is_only_pool_zonal
            return ZONAL_STAGE if is_zonal else REGIONAL_STAGE
        return {
            OfferKind.OWNED_HARDWARE: OWNED_STAGE,
            OfferKind.INSTANCE_SAVINGS_PLAN: INSTANCE_STAGE,
            OfferKind.COMPUTE_SAVINGS_PLAN: COMPUTE_STAGE,
        }[offer.kind]
