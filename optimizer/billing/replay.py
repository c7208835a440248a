"""Bills demand against a price list and the commitments held, hour by hour, each provider's by its own rules.

`bill_portfolio` bills one demand, `bill_scenarios` every scenario. This is the judge of a plan: it shares nothing with
the program but the prices. Not here: the orders of application (`optimizer.billing.dispatch`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import BoolArray, FloatArray, IntArray
from forecasting.scenarios import Scenarios
from optimizer.billing.bill import Bill, CommitmentBill
from optimizer.billing.dispatch import settle_by_rules
from optimizer.billing.eligibility import Group, grouped_commitments
from optimizer.billing.pool_lines import PoolLines
from optimizer.billing.settlement import Settlement
from optimizer.billing.stretches import stretches_of
from optimizer.billing.sustained import sustained_fractions, sustained_groups
from optimizer.offers import Catalog, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment
from optimizer.spot.outages import draws_outages
from optimizer.spot.rates import effective_spot_usd, known_spot_usd

SPOT_TOLERANCE = 1e-6  # relative: spot amounts that come from a solver keep its feasibility tolerance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BillOptions:
    """What a caller may add to the bare demand.

    Attributes
    ----------
    hour_weights : FloatArray of shape (n_hours,) or None
        Hours each column stands for; None: 1. [h]
    spot_units : FloatArray of shape (n_pools, n_hours) or None
        Demand that runs on spot; None: the eligible fraction where spot, with its interruptions, is cheaper than
        on-demand. [units]
    spot_available : BoolArray of shape (n_pools, n_hours) or None
        Whether spot is there, in pools whose hours without it are drawn; None: not known, and spot costs its expected
        rate in every hour.
    is_shared : bool
        Whether commitments cover the organisation's other accounts once their owner's usage is served.
    """

    hour_weights: FloatArray | None = None
    spot_units: FloatArray | None = None
    spot_available: BoolArray | None = None
    is_shared: bool = True


def bill_portfolio(
    catalog: Catalog,
    pools: Mapping[str, Pool],
    commitments: Sequence[Commitment],
    hours: IntArray,
    demand: FloatArray,
    options: BillOptions | None = None,
) -> Bill:
    """Bill demand that is known.

    Parameters
    ----------
    catalog : Catalog
        Prices; its pools are the pool axis.
    pools : Mapping of str to Pool
        What is declared of the pools; cautious defaults for those it lacks.
    commitments : sequence of Commitment
        What is held. Of several on one offer, account and place the one that started first is used first, ties by
        id; this decides their utilization, not the total.
    hours : IntArray of shape (n_hours,)
        Epoch hours, strictly increasing: the window.
    demand : FloatArray of shape (n_pools, n_hours)
        [units]
    options : BillOptions, optional

    Returns
    -------
    Bill

    Raises
    ------
    InputError
        If a zonal reservation would float over several pools, an offer covers pools of two providers, or a scope is
        none of its provider's.
    KeyError
        If a commitment's offer is not in the catalog.
    ValueError
        If an array has the wrong shape, or more runs on spot than may.
    """
    judge = _Judge(catalog, pools, commitments, hours)
    return judge.bill(demand, BillOptions() if options is None else options)


def bill_scenarios(
    catalog: Catalog,
    pools: Mapping[str, Pool],
    commitments: Sequence[Commitment],
    scenarios: Scenarios,
    spot_units: FloatArray | None = None,
    spot_available: BoolArray | None = None,
) -> Iterator[Bill]:
    """Bill every scenario, one after the other, so that one bill's arrays are held at a time.

    Parameters
    ----------
    catalog, pools, commitments
        As for `bill_portfolio`.
    scenarios : Scenarios
        On the pools of the catalog, in its order.
    spot_units : FloatArray of shape (n_scenarios, n_pools, n_hours), optional
        As in `BillOptions`. [units]
    spot_available : BoolArray of shape (n_scenarios, n_pools, n_hours), optional
        As in `BillOptions`.

    Yields
    ------
    Bill
        In the order of the scenarios, not weighted by their probability.
    """
    if scenarios.pools != catalog.pools:
        msg = f"scenarios must have the pools of the catalog, got {scenarios.pools} for {catalog.pools}."
        raise ValueError(msg)
    judge = _Judge(catalog, pools, commitments, scenarios.hours)
    for row, units in enumerate(scenarios.units):
        spot = None if spot_units is None else spot_units[row]
        there = None if spot_available is None else spot_available[row]
        options = BillOptions(hour_weights=scenarios.hour_weights, spot_units=spot, spot_available=there)
        yield judge.bill(units, options)


class _Judge:
    """A portfolio made ready for the hours of a window, to bill any demand in them."""

    def __init__(
        self, catalog: Catalog, pools: Mapping[str, Pool], commitments: Sequence[Commitment], hours: IntArray
    ) -> None:
        self.catalog = catalog
        self.pools = [pools.get(name, Pool(name=name)) for name in catalog.pools]
        self.commitments = commitments
        self.hours = np.asarray(hours, dtype=np.int64)
        if self.hours.ndim != 1 or np.any(np.diff(self.hours) <= 0):
            msg = "hours must be one row of strictly increasing epoch hours."
            raise ValueError(msg)
        self.offers = {offer.offer_id: offer for offer in catalog.offers}
        self.stretches = stretches_of(commitments, self.offers)
        starts = np.array([stretch.start_hour for stretch in self.stretches], dtype=np.int64)
        ends = np.array([stretch.end_hour for stretch in self.stretches], dtype=np.int64)
        self.first = np.searchsorted(self.hours, starts)
        self.last = np.maximum(np.searchsorted(self.hours, ends), self.first)
        groups = grouped_commitments(catalog, self.pools, self.stretches)
        self.covering = [group for group in groups if group.stage is not None]
        self.reserving = [group for group in groups if group.stage is None]
        idle_rows = sorted({int(line) for group in self.reserving for line in group.lines})
        self.lines = PoolLines(catalog=catalog, pools=tuple(self.pools), idle_rows=tuple(idle_rows))
        self.holdings = [
            self.lines.holding(group, group.stage, self.held(group))
            for group in self.covering
            if group.stage is not None
        ]
        self.rules = [group.rules for group in self.covering]
        self.sustained = sustained_groups(catalog, self.pools)
        self.spot_rate_usd = effective_spot_usd(catalog, self.pools)
        is_drawn = draws_outages(catalog, self.pools)
        self.known_spot_rate_usd = known_spot_usd(catalog, self.pools, is_drawn=is_drawn)
        self.hour_fee_usd = np.zeros(len(self.hours))
        self.draw_by_offer: dict[str, FloatArray] = {}
        for group in self.covering:
            draw = self.draw_by_offer.setdefault(group.offer.offer_id, np.zeros(len(catalog.pools)))
            draw[group.lines] = group.draw
            self.hour_fee_usd += self.held(group) * group.offer.effective_hourly_usd

    def held(self, group: Group) -> FloatArray:
        """Quantity of a group in each hour. Shape (n_hours,)."""
        out = np.zeros(len(self.hours))
        for member in group.members:
            out[self.first[member] : self.last[member]] += self.stretches[member].commitment.quantity
        return out

    def bill(self, demand: FloatArray, options: BillOptions) -> Bill:
        """Bill one demand of shape (n_pools, n_hours)."""
        demand = np.asarray(demand, dtype=np.float64)
        shape = (len(self.catalog.pools), len(self.hours))
        _check_shape("demand", demand, shape)
        weights = np.ones(shape[1]) if options.hour_weights is None else np.asarray(options.hour_weights)
        _check_shape("hour_weights", weights, shape[1:])
        spot_rate_usd = self.spot_rate_usd if options.spot_available is None else self.known_spot_rate_usd
        spot = self.spot_of(demand, options)
        firm = demand - spot
        idle, used_reserved = self.idle_units(firm)
        rate_usd = self.catalog.on_demand_usd
        usage = self.lines.usage(firm, idle)
        settled = settle_by_rules(usage, self.holdings, self.rules, is_shared=options.is_shared)
        on_demand_units = self.lines.by_pool(settled.on_demand_units)
        list_usd = (on_demand_units @ weights) * rate_usd
        discount = self.sustained_discount(on_demand_units, weights)
        saved_usd = np.zeros(shape[0]) if discount is None else ((on_demand_units * discount) @ weights) * rate_usd
        return Bill(
            pools=self.catalog.pools,
            hours=self.hours,
            hour_weights=weights,
            demand_units=demand,
            spot_units=spot,
            idle_units=idle,
            on_demand_units=on_demand_units,
            kind_of_offer={group.offer.offer_id: group.offer.kind for group in self.covering},
            draw_by_offer=self.draw_by_offer,
            covered_by_offer=settled.covered_units.moved(self.lines.pool_of_idle, shape[0]),
            hour_fee_usd=self.hour_fee_usd,
            spot_rate_usd=spot_rate_usd,
            on_demand_usd=list_usd - saved_usd,
            sustained_use_usd=saved_usd,
            sustained_use_fraction=discount,
            spot_usd=(spot @ weights) * np.nan_to_num(spot_rate_usd),
            on_demand_rate_usd=rate_usd,
            commitments=self.commitment_bills(settled, used_reserved, weights),
            on_demand_equivalent_usd=float((demand @ weights) @ rate_usd),
            eligible_on_demand_usd=float((firm @ weights) @ rate_usd),
            covered_on_demand_usd=float(((firm - settled.on_demand_units[: shape[0]]) @ weights) @ rate_usd),
        )

    def sustained_discount(self, on_demand_units: FloatArray, weights: FloatArray) -> FloatArray | None:
        """Part of the on-demand rate that sustained-use discounts take off. Shape (n_pools, n_hours); None: none."""
        if not self.sustained:
            return None
        usd = on_demand_units * self.catalog.on_demand_usd[:, None]
        return sustained_fractions(self.sustained, usd, self.hours, weights)

    def spot_of(self, demand: FloatArray, options: BillOptions) -> FloatArray:
        """Units on spot, given and checked or by the default rule. Shape (n_pools, n_hours)."""
        eligible = np.array([pool.spot_eligible_fraction for pool in self.pools])[:, None] * demand
        if options.spot_available is not None:
            _check_shape("spot_available", options.spot_available, demand.shape)
            eligible = eligible * options.spot_available
        if options.spot_units is None:
            is_cheaper = self.spot_rate_usd < self.catalog.on_demand_usd  # false where there is no spot price
            default: FloatArray = np.where(is_cheaper[:, None], eligible, 0.0)
            return default
        spot = np.asarray(options.spot_units, dtype=np.float64)
        _check_shape("spot_units", spot, demand.shape)
        limit = np.where(np.isnan(self.spot_rate_usd)[:, None], 0.0, eligible)
        slack = SPOT_TOLERANCE * np.maximum(demand, 1.0)
        if not np.all((spot >= -slack) & (spot <= limit + slack)):
            worst = np.unravel_index(np.argmax(np.maximum(spot - limit, -spot) - slack), spot.shape)
            msg = (
                f"spot_units of pool '{self.catalog.pools[worst[0]]}' must lie between 0 and its spot-eligible "
                f"{limit[worst]:g} units, got {spot[worst]:g} at hour {int(self.hours[worst[1]])}."
            )
            raise ValueError(msg)
        return np.clip(spot, 0.0, demand)

    def idle_units(self, firm: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Idle units of capacity reservations (n_pools, n_hours), and used ones (n_hours,) by group."""
        rest = firm.copy()
        idle = np.zeros_like(firm)
        used: list[FloatArray] = []
        for group in self.reserving:
            held = self.held(group)
            used.append(np.zeros(len(self.hours)))
            for line in group.lines:
                taken = np.minimum(rest[line], held)
                rest[line] -= taken
                idle[line] += held - taken
                used[-1] += taken
        return idle, used

    def commitment_bills(
        self, settled: Settlement, used_reserved: Sequence[FloatArray], weights: FloatArray
    ) -> tuple[CommitmentBill, ...]:
        """Share what each group used among its members, first started first."""
        used_hours, n_hours = np.zeros(len(self.commitments)), np.zeros(len(self.commitments))
        groups = [*self.covering, *self.reserving]
        for group, used in zip(groups, [*settled.used_quantity, *used_reserved], strict=True):
            rest = used.copy()
            for member in group.members:
                part = slice(self.first[member], self.last[member])
                stretch = self.stretches[member]
                taken = np.minimum(rest[part], stretch.commitment.quantity)
                rest[part] -= taken
                used_hours[stretch.row] += float(taken @ weights[part])
                n_hours[stretch.row] += float(weights[part].sum())
        return tuple(
            self.commitment_bill(row, float(used_hours[row]), float(n_hours[row]))
            for row in range(len(self.commitments))
        )

    def commitment_bill(self, row: int, used_quantity_hours: float, n_hours: float) -> CommitmentBill:
        """Money of one commitment that is held for `n_hours` of the window."""
        commitment = self.commitments[row]
        offer = self.offers[commitment.offer_id]
        held_quantity_hours = commitment.quantity * n_hours
        paid_hour = commitment.start_hour - offer.lead_hours
        is_bought_inside = len(self.hours) > 0 and self.hours[0] <= paid_hour <= self.hours[-1]
        fee_usd = 0.0 if offer.kind == OfferKind.CAPACITY_RESERVATION else offer.effective_hourly_usd
        hourly_usd = 0.0 if offer.kind == OfferKind.CAPACITY_RESERVATION else offer.hourly_usd
        return CommitmentBill(
            commitment_id=commitment.commitment_id,
            offer_id=offer.offer_id,
            kind=offer.kind,
            held_quantity_hours=held_quantity_hours,
            used_quantity_hours=used_quantity_hours,
            fee_usd=fee_usd * held_quantity_hours,
            used_usd=fee_usd * used_quantity_hours,
            cash_usd=hourly_usd * held_quantity_hours
            + (offer.upfront_usd * commitment.quantity if is_bought_inside else 0.0),
        )


def _check_shape(name: str, array: FloatArray | BoolArray, shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape."""
    if array.shape != shape:
        msg = f"{name} must have shape {shape}, got {array.shape}."
        raise ValueError(msg)
