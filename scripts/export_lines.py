"""The lines of a bill: a fleet billed by the engine, hour by hour, and taken apart by machine and commitment.

Every kind of line has its own rule of cost, as AWS documents it: usage on demand and on spot; usage that a reservation
or a plan covers; negation; recurring and upfront fees; support, credit, tax and a contract's discount; and the rows of
split cost allocation, which repeat usage. Not here: the columns of an export (`export_formats.py`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from export_fleet import Fleet, Machine

from forecasting.hours import month_index
from optimizer.billing.bill import Bill
from optimizer.billing.replay import bill_portfolio
from optimizer.offers import PLAN_KINDS, Offer

DECIMALS = 10  # of usage amounts and costs in a report
LEAST_UNITS = 5e-11
EDP_FRACTION = 0.05
TAX_FRACTION = 0.19
OPERATION_OF_PLATFORM = {"linux": "RunInstances", "windows": "RunInstances:0002"}
PREFIX_OF_REGION = {"us-east-1": "", "eu-west-1": "EU-"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BilledFleet:
    """A fleet with its bill and the lines of it.

    Attributes
    ----------
    fleet : Fleet
    bill : Bill
        Of what runs off spot.
    lines : DataFrame
        One row for each line: line_type, start_hour, n_hours, machine and commitment (their rows, -1 for none), amount,
        billed_usd, amortized_usd, on_demand_usd, used_usd.
    """

    fleet: Fleet
    bill: Bill
    lines: pd.DataFrame


def billed(fleet: Fleet) -> BilledFleet:
    """Bill a fleet and write its lines, in the order of hours."""
    demand = fleet.units_of_pools(is_spot=False)
    bill = bill_portfolio(fleet.catalog, fleet.pools, fleet.commitments, fleet.hours, demand)
    parts = [_covered(fleet, bill, pool) for pool in range(len(fleet.catalog.pools))]
    parts += [_spot(fleet), _split_rows(fleet)]
    usage = pd.concat(parts, ignore_index=True)
    lines = pd.concat([usage, _negation(usage, fleet), _plan_fees(usage, fleet), _reservation_fees(usage, fleet)])
    lines = pd.concat([lines, _others(lines, fleet)])
    order = ["start_hour", "line_type", "machine", "commitment", "amount"]
    return BilledFleet(fleet=fleet, bill=bill, lines=lines.sort_values(order, kind="stable").reset_index(drop=True))


def _frame(line_type: str, **columns: object) -> pd.DataFrame:
    """Lines of one type; columns that are not given are empty."""
    frame = pd.DataFrame(columns)
    frame.insert(0, "line_type", line_type)
    defaults = {"n_hours": 1, "machine": -1, "commitment": -1, "on_demand_usd": 0.0, "used_usd": 0.0}
    for name, value in defaults.items():
        if name not in frame:
            frame[name] = value
    return frame


def _covered(fleet: Fleet, bill: Bill, pool: int) -> pd.DataFrame:
    """Usage of a pool off spot: machines in their order take the sources in theirs, so hours are split as AWS does."""
    name = fleet.catalog.pools[pool]
    rows = [at for at, machine in enumerate(fleet.machines) if machine.pool == name and not machine.is_spot]
    if not rows:
        return _frame("Usage", start_hour=[], amount=[], billed_usd=[], amortized_usd=[])
    owned = [
        at
        for at, commitment in enumerate(fleet.commitments)
        if commitment.offer_id in bill.covered_by_offer and bill.covered_by_offer[commitment.offer_id][pool].any()
    ]
    supply = [bill.covered_by_offer[fleet.commitments[at].offer_id][pool] for at in owned]
    sources = np.cumsum([np.zeros(len(fleet.hours)), *supply, bill.on_demand_units[pool]], axis=0)
    needs = np.cumsum([np.zeros(len(fleet.hours)), *fleet.units[rows]], axis=0)
    low = np.maximum(needs[:-1, None], sources[None, :-1])
    high = np.minimum(needs[1:, None], sources[None, 1:])
    units = np.round(np.maximum(high - low, 0.0), DECIMALS)  # (machine, source, hour)
    parts = []
    for source, at in enumerate([*owned, -1]):
        machine, hour = np.nonzero(units[:, source] > LEAST_UNITS)
        parts.append(_usage(fleet, pool, at, np.array(rows)[machine], hour, units[machine, source, hour]))
    return pd.concat(parts, ignore_index=True)


def _usage(
    fleet: Fleet, pool: int, owned: int, machine: np.ndarray, hour: np.ndarray, units: np.ndarray
) -> pd.DataFrame:
    """Lines of usage that one commitment covers; -1: on demand."""
    on_demand = np.round(units * fleet.catalog.on_demand_usd[pool], DECIMALS)
    columns = {"start_hour": fleet.hours[hour], "machine": machine, "amount": units, "on_demand_usd": on_demand}
    if owned < 0:
        return _frame("Usage", **columns, billed_usd=on_demand, amortized_usd=on_demand)
    offer = _offer(fleet, owned)
    draw = offer.draw[offer.pools.index(fleet.catalog.pools[pool])]
    used = np.round(units * draw * offer.effective_hourly_usd, DECIMALS)
    if offer.kind in PLAN_KINDS:
        columns |= {"billed_usd": on_demand, "amortized_usd": used}
        return _frame("SavingsPlanCoveredUsage", **columns, commitment=owned, used_usd=used)
    columns |= {"billed_usd": np.zeros(len(units)), "amortized_usd": used}
    return _frame("DiscountedUsage", **columns, commitment=owned, used_usd=used)


def _offer(fleet: Fleet, owned: int) -> Offer:
    """Offer of a commitment, by its row."""
    return fleet.catalog.offer(fleet.commitments[owned].offer_id)


def _spot(fleet: Fleet) -> pd.DataFrame:
    """Usage on spot."""
    parts = []
    for at, machine in enumerate(fleet.machines):
        if machine.is_spot:
            pool = fleet.catalog.pools.index(machine.pool)
            hour = np.flatnonzero(fleet.units[at] > LEAST_UNITS)
            cost = np.round(fleet.units[at][hour] * fleet.catalog.spot_usd[pool], DECIMALS)
            columns = {"start_hour": fleet.hours[hour], "machine": at, "amount": fleet.units[at][hour]}
            on_demand = np.round(fleet.units[at][hour] * fleet.catalog.on_demand_usd[pool], DECIMALS)
            parts.append(_frame("Spot", **columns, on_demand_usd=on_demand, billed_usd=cost, amortized_usd=cost))
    return pd.concat(parts, ignore_index=True)


def _split_rows(fleet: Fleet) -> pd.DataFrame:
    """Rows of split cost allocation: pods of the first machine, which would double its usage."""
    hour = np.flatnonzero(fleet.units[0] > LEAST_UNITS)
    half = np.round(fleet.units[0][hour] / 2.0, DECIMALS)
    columns = {"start_hour": fleet.hours[hour], "machine": 0, "amount": half}
    return _frame("Split", **columns, billed_usd=0.0, amortized_usd=0.0)


def _negation(usage: pd.DataFrame, fleet: Fleet) -> pd.DataFrame:
    """What takes the on-demand cost of covered usage back: by hour, plan, zone and kind of machine."""
    covered = usage.loc[usage["line_type"] == "SavingsPlanCoveredUsage"]
    kind = np.array([(fleet.machines[at].pool, fleet.machines[at].zone) for at in covered["machine"]])
    keyed = covered.assign(pool=kind[:, 0], zone=kind[:, 1])
    sums = keyed.groupby(["start_hour", "commitment", "pool", "zone"], sort=True, as_index=False).agg(
        machine=("machine", "first"), amount=("amount", "sum"), billed_usd=("billed_usd", "sum")
    )
    billed_usd = -np.round(sums["billed_usd"], DECIMALS)
    columns = {name: sums[name] for name in ("start_hour", "commitment", "machine", "amount")}
    return _frame("SavingsPlanNegation", **columns, billed_usd=billed_usd, amortized_usd=0.0)


def _held(fleet: Fleet, owned: int) -> np.ndarray:
    """Hours of the window in which a commitment is held, as positions."""
    commitment = fleet.commitments[owned]
    return np.flatnonzero((fleet.hours >= commitment.start_hour) & (fleet.hours < commitment.end_hour))


def _plan_fees(usage: pd.DataFrame, fleet: Fleet) -> pd.DataFrame:
    """Recurring fee of every hour with what was used of it, and what is paid at purchase."""
    parts = []
    for owned, commitment in enumerate(fleet.commitments):
        offer = _offer(fleet, owned)
        if offer.kind not in PLAN_KINDS:
            continue
        held = _held(fleet, owned)
        used = np.zeros(len(fleet.hours))
        mine = usage.loc[usage["commitment"] == owned]
        np.add.at(used, mine["start_hour"].to_numpy(dtype=int) - fleet.start_hour, mine["used_usd"].to_numpy())
        used = np.minimum(np.round(used, DECIMALS), commitment.quantity)
        columns = {"start_hour": fleet.hours[held], "commitment": owned, "amount": 1.0, "used_usd": used[held]}
        recurring = np.round(commitment.quantity * offer.hourly_usd, DECIMALS)
        unused = np.round(commitment.quantity - used[held], DECIMALS)
        parts.append(_frame("SavingsPlanRecurringFee", **columns, billed_usd=recurring, amortized_usd=unused))
        parts.append(_upfront("SavingsPlanUpfrontFee", fleet, owned))
    return pd.concat(parts, ignore_index=True)


def _upfront(line_type: str, fleet: Fleet, owned: int) -> pd.DataFrame:
    """Fee paid at purchase, where that is inside the window."""
    commitment, offer = fleet.commitments[owned], _offer(fleet, owned)
    is_inside = int(fleet.hours[0] <= commitment.start_hour <= fleet.hours[-1] and offer.upfront_usd > 0.0)
    columns = {"start_hour": [commitment.start_hour] * is_inside, "amount": [1.0] * is_inside}
    fee = [round(commitment.quantity * offer.upfront_usd, DECIMALS)] * is_inside
    return _frame(line_type, **columns, commitment=owned, billed_usd=fee, amortized_usd=[0.0] * is_inside)


def _reservation_fees(usage: pd.DataFrame, fleet: Fleet) -> pd.DataFrame:
    """Fee of every month with what was not used of it, dated the first of the month or the day of purchase."""
    parts = []
    for owned, commitment in enumerate(fleet.commitments):
        offer = _offer(fleet, owned)
        if offer.kind in PLAN_KINDS:
            continue
        held = fleet.hours[_held(fleet, owned)]
        months = month_index(held)
        mine = usage.loc[usage["commitment"] == owned]
        used_months = month_index(mine["start_hour"].to_numpy(dtype=np.int64))
        for month in np.unique(months):
            hours = held[months == month]
            used = float(mine.loc[used_months == month, "used_usd"].sum())
            fee = commitment.quantity * offer.effective_hourly_usd * len(hours)
            parts.append(
                _frame(
                    "RIFee",
                    start_hour=[int(hours[0])],
                    n_hours=len(hours),
                    commitment=owned,
                    amount=[float(len(hours))],
                    used_usd=round(used, DECIMALS),
                    billed_usd=round(commitment.quantity * offer.hourly_usd * len(hours), DECIMALS),
                    amortized_usd=round(max(fee - used, 0.0), DECIMALS),
                )
            )
        parts.append(_upfront("Fee", fleet, owned))
    return pd.concat(parts, ignore_index=True)


def _others(lines: pd.DataFrame, fleet: Fleet) -> pd.DataFrame:
    """What no machine and no commitment costs: storage, support, a credit, a contract's discount, tax."""
    months, starts = np.unique(month_index(fleet.hours), return_index=True)
    by_month = lines["billed_usd"].groupby(month_index(lines["start_hour"].to_numpy(dtype=np.int64))).sum()
    hours = {"start_hour": fleet.hours[starts], "amount": 1.0}
    billed = by_month.reindex(months).to_numpy()
    money = {
        "Storage": np.full(len(months), 12.5),
        "Support": np.full(len(months), 100.0),
        "Credit": np.full(len(months), -7.25),
        "EdpDiscount": -np.round(EDP_FRACTION * billed, DECIMALS),
        "Tax": np.round(TAX_FRACTION * (1.0 - EDP_FRACTION) * billed, DECIMALS),
    }
    return pd.concat(
        [_frame(name, **hours, billed_usd=usd, amortized_usd=usd) for name, usd in money.items()], ignore_index=True
    )


def usage_type(machine: Machine) -> str:
    """Usage type of a machine, with the prefix of its region."""
    head = "SpotUsage" if machine.is_spot else "BoxUsage"
    return f"{PREFIX_OF_REGION[machine.key.region]}{head}:{machine.key.item}"
