"""A naive bill: the AWS order as plain loops over hours and single commitments, the oracle of the engine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from optimizer.offers import PLAN_KINDS, Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

RESERVED = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})
OWNED_STAGE, ZONAL_STAGE, REGIONAL_STAGE, INSTANCE_STAGE, COMPUTE_STAGE = range(5)

NaiveBill = tuple[float, dict[str, float], np.ndarray]  # total_usd, used quantity-hours by id, on-demand (pool, hour)


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
    """Serve each hour by picking, again and again, the best claim that is left."""
    used = {item.commitment_id: 0.0 for item in commitments}
    on_demand = np.zeros(demand.shape)
    total_usd = 0.0
    for column, hour in enumerate(hours):
        world = _World(catalog=catalog, pools=pools, commitments=commitments, hour=hour)
        total_usd += world.fees_usd()
        rest = {}
        for row, name in enumerate(catalog.pools):
            rest[name], spot_usd = world.off_spot(row, demand[row, column])
            total_usd += spot_usd
            rest[name] = world.reserve(name, rest[name], used)
        world.serve(rest, used)
        for row, name in enumerate(catalog.pools):
            on_demand[row, column] = rest[name]
            total_usd += rest[name] * catalog.on_demand_usd[row]
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

    def reserve(self, name: str, units: float, used: dict[str, float]) -> float:
        unreserved, reserved = units, 0.0
        for item, offer in self.held():
            if offer.kind == OfferKind.CAPACITY_RESERVATION and name in offer.pools:
                used[item.commitment_id] += min(item.quantity, unreserved)
                unreserved -= min(item.quantity, unreserved)
                reserved += item.quantity
        return max(units, reserved)

    def serve(self, rest: dict[str, float], used: dict[str, float]) -> None:
        left = {item.commitment_id: item.quantity for item, _ in self.held()}
        claims = list(self.claims())
        while claims:
            best = min(claims)
            claims.remove(best)
            _, commitment_id, name, draw = best
            units = min(rest[name], left[commitment_id] / draw)
            rest[name] -= units
            left[commitment_id] -= units * draw
            used[commitment_id] += units * draw

    def claims(self) -> Iterator[tuple[tuple, str, str, float]]:
        """Each commitment's right to each pool, with a rank that is lowest for the first to be served."""
        for item, offer in self.held():
            stage = self.stage(item, offer)
            for name, draw in zip(offer.pools, offer.draw.tolist(), strict=True):
                is_elsewhere = stage == ZONAL_STAGE and item.zone and self.pools[name].zone not in ("", item.zone)
                if stage is None or is_elsewhere:
                    continue
                is_owner = self.pools[name].account == item.account != ""
                on_demand_usd = self.catalog.on_demand_usd[self.catalog.pools.index(name)]
                family, member = self.age(item)
                rank = (len(offer.pools), family, draw, name, member)
                if offer.kind in PLAN_KINDS:
                    rank = (-round(1 - draw / on_demand_usd, 12), draw, name, family, member)
                yield (stage, not is_owner, *rank), item.commitment_id, name, draw

    def age(self, item: Commitment) -> tuple[int, int]:
        """How early the first of its like was bought, and it itself."""
        by_age = sorted(self.commitments, key=lambda other: (other.start_hour, other.commitment_id))
        likes = [(other.offer_id, other.account, other.zone, other.scope) for other in by_age]
        return likes.index((item.offer_id, item.account, item.zone, item.scope)), by_age.index(item)

    def stage(self, item: Commitment, offer: Offer) -> int | None:
        if offer.kind in RESERVED:
            is_only_pool_zonal = len(offer.pools) == 1 and self.pools[offer.pools[0]].zone != ""
            is_zonal = item.scope == "zonal" if item.scope else item.zone != "" or is_only_pool_zonal
            return ZONAL_STAGE if is_zonal else REGIONAL_STAGE
        others = {
            OfferKind.OWNED_HARDWARE: OWNED_STAGE,
            OfferKind.INSTANCE_SAVINGS_PLAN: INSTANCE_STAGE,
            OfferKind.COMPUTE_SAVINGS_PLAN: COMPUTE_STAGE,
        }
        return others.get(offer.kind)
