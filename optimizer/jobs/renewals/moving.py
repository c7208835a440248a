"""Moving other work on to what would idle: which pool's work fits, and what it would save.

Work is counted in normalized units, so that both pools must declare their factor. It changes demand, which no purchase
can, so that it stands beside the optimum over all options and is never recommended. Not here: prices of purchases
(`pricing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.roadmap import Event
from optimizer.assembly import Market
from optimizer.costs import evaluate, objective_usd
from optimizer.cover import cover_classes
from optimizer.jobs.renewals.answer import Option
from optimizer.jobs.renewals.choices import Choice, ChoiceKind, Reviewed
from optimizer.jobs.renewals.figures import costs_of
from optimizer.jobs.renewals.futures import sampled
from optimizer.jobs.renewals.pricing import Desk, Priced
from optimizer.jobs.renewals.renewing import RESERVED_KINDS
from optimizer.problem import PlanningProblem

MAX_POOLS = 4  # tried, those with the largest cost on demand
MIN_SAVING_USD = 0.005


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Host:
    """A pool whose reservations idle: its row, its factor, and units reserved for it in each hour."""

    row: int
    factor: float
    batch_rows: tuple[int, ...]


def moving_option(item: Reviewed, desk: Desk, priced: Priced) -> Option:
    """Best pool whose work could move on to a commitment's idle hours, with purchases as in `priced`."""
    problem, market = sampled(desk.problem), desk.posed.given.market
    host = _host(item, desk, market)
    if isinstance(host, str):
        return Option(choice=Choice(kind=ChoiceKind.MOVE_WORK, obstacles=(host,)), needs_work=True)
    guests = _guests(item, host, market, problem, desk.posed.given.roadmap.events)
    if not guests:
        reason = "no other pool of its region has work of its own and a normalization_factor declared to count it by."
        return Option(choice=Choice(kind=ChoiceKind.MOVE_WORK, obstacles=(reason,)), needs_work=True)
    classes = cover_classes(problem.instruments, split_by_fee=False)
    before = evaluate(problem, priced.quantity, classes).recourse_usd
    held = problem.held(_only(priced.quantity, host.batch_rows)).sum(axis=0)
    saved = []
    for pool, factor in guests:
        demand = _moved(problem, host, pool, held, factor)
        saved.append(before - evaluate(replace(problem, demand=demand), priced.quantity, classes).recourse_usd)
    best = int(np.argmax([problem.weights @ saving for saving in saved]))
    if float(problem.weights @ saved[best]) <= MIN_SAVING_USD:
        reason = "nothing would be saved: in no hour it idles while other work of its region runs at a higher cost."
        return Option(choice=Choice(kind=ChoiceKind.MOVE_WORK, obstacles=(reason,)), needs_work=True)
    moved = _cheaper(priced, saved[best], problem)
    name = problem.pools[guests[best][0]]
    return Option(
        choice=Choice(
            kind=ChoiceKind.MOVE_WORK,
            at_hour=desk.posed.given.as_of_hour,
            decide_by_hour=item.commitment.end_hour,
            notes=(
                f"Work of '{name}' on all that idles in its pool, one normalized unit for one; the effort of moving it "
                "is not counted. Purchases as in the joint optimum.",
            ),
        ),
        needs_work=True,
        costs=costs_of(moved, problem.weights),
        over_best_usd=-float(problem.weights @ saved[best]),
    )


def _cheaper(priced: Priced, saved_usd: FloatArray, problem: PlanningProblem) -> Priced:
    """The same purchases where scenarios cost less by some USD; of other purchases nothing is known then."""
    found = replace(priced.found, recourse_usd=priced.found.recourse_usd - saved_usd)
    fees = found.fees_usd + priced.setting.one_off_usd
    cost = objective_usd(problem, fees=fees, recourse_usd=found.recourse_usd)
    return replace(priced, found=found, objective_usd=cost, lower_bound_usd=float("nan"))


def _host(item: Reviewed, desk: Desk, market: Market) -> _Host | str:
    """Pool that the commitment covers, or why its work cannot be counted."""
    if item.offer.kind not in RESERVED_KINDS or len(item.offer.pools) != 1:
        return "it covers whatever runs in its reach by itself."
    name = item.offer.pools[0]
    factor = market.pools[name].normalization_factor
    if factor is None:
        return f"'{name}' has no normalization_factor declared, so that work could be counted in its units."
    return _Host(row=market.catalog.pools.index(name), factor=factor, batch_rows=_reserving(desk, item))


def _reserving(desk: Desk, item: Reviewed) -> tuple[int, ...]:
    """Batches that reserve units of the same pool."""
    own = [offer.kind in RESERVED_KINDS and offer.pools == item.offer.pools for offer in desk.assembled.offers]
    return tuple(np.flatnonzero(np.array(own)[desk.problem.batches.instrument]).tolist())


def _guests(
    item: Reviewed, host: _Host, market: Market, problem: PlanningProblem, events: Sequence[Event]
) -> list[tuple[int, float]]:
    """Pools of the same provider and region, with units of the host for each of theirs; the costliest first.

    Where events move its own work to is no place to take work from: that would be to stop the event.
    """
    catalog, out = market.catalog, []
    away = {pool for event in events if event.name in item.events for pool, _ in event.to_shares}
    usd = np.einsum("s,sph,h->p", problem.weights, problem.demand, problem.hour_weights) * problem.on_demand_usd
    for row, name in enumerate(catalog.pools):
        factor = market.pools[name].normalization_factor
        is_near = bool(catalog.regions) and (catalog.providers[row], catalog.regions[row]) == (
            item.offer.provider,
            item.offer.region,
        )
        if row != host.row and name not in away and is_near and factor is not None and usd[row] > 0.0:
            out.append((row, factor / host.factor))
    return sorted(out, key=lambda pair: -float(usd[pair[0]]))[:MAX_POOLS]


def _only(quantity: FloatArray, rows: tuple[int, ...]) -> FloatArray:
    """Quantities of some batches, none of the others."""
    out = np.zeros(len(quantity))
    out[list(rows)] = quantity[list(rows)]
    return out


def _moved(problem: PlanningProblem, host: _Host, guest: int, held: FloatArray, factor: float) -> FloatArray:
    """Demand with a guest's work in the idle units of the host. Shape (n_scenarios, n_pools, n_hours). [units]"""
    demand = np.array(problem.demand)
    idle = np.maximum(held[None, :] - demand[:, host.row], 0.0)
    moved = np.minimum(idle / factor, demand[:, guest])
    demand[:, guest] -= moved
    demand[:, host.row] += moved * factor
    return demand
