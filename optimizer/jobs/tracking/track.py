"""What happened against a plan: read, bill, compare, and say what the next plan should learn.

Not here: the single comparisons; each has its module.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from forecasting.drivers import read_drivers
from forecasting.errors import InputError, Problem
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, date_of_hour, iso_of_hour, month_index, month_name
from forecasting.roadmap import Roadmap
from optimizer.billing.replay import bill_portfolio
from optimizer.billing.sustained import billing_sentences
from optimizer.jobs.bill_days import BillDays, bill_days
from optimizer.jobs.expected import locked_in_usd
from optimizer.jobs.inputs import InputPaths, RunOptions, file_sha256, read_history, read_roadmap_with
from optimizer.jobs.solve import Tell
from optimizer.jobs.tracking.answer import Measure, MonthVariance, Review, TrackedAnomaly, TrackedDays
from optimizer.jobs.tracking.calibration import calibration
from optimizer.jobs.tracking.driver_bias import DriverBias, driver_biases
from optimizer.jobs.tracking.event_sizes import DemandCells, EventsFound, find_events
from optimizer.jobs.tracking.lessons import lessons_of
from optimizer.jobs.tracking.market import Held, held_at, plan_price_rows, repriced_offers
from optimizer.jobs.tracking.paired import Actual, BillSums, Paired, paired
from optimizer.jobs.tracking.plan_record import PlanRecord, read_plan
from optimizer.jobs.tracking.spend_anomalies import spend_anomalies
from optimizer.jobs.tracking.variance import variance
from optimizer.jobs.versions import versions
from optimizer.metrics import (
    coverage_fraction,
    effective_savings_fraction,
    stranded_fraction,
    utilization_fraction,
)
from optimizer.plan import InputRecord
from optimizer.portfolio import Commitment
from optimizer.prices import read_price_rows

SAME_QUANTITY = 1e-6  # relative: what was bought as advised, whatever a file rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRequest:
    """What `plimsoll track` is asked.

    Attributes
    ----------
    plan : Path
        plan.json.
    paths : InputPaths
        New usage, prices, what is owned now, pools; drivers and roadmap for the drivers' part alone.
    plan_prices : Path or None
        Price list of the plan, where that of today is another.
    options : RunOptions
    flag_fraction : float
        A variance above it is flagged.
    with_purchases : bool
        Whether the plan's purchases count as made beside the commitments file. Without such a file they always do.
    """

    plan: Path
    paths: InputPaths
    plan_prices: Path | None
    options: RunOptions
    flag_fraction: float
    with_purchases: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bills:
    """What is held and what it cost, at the prices of the plan and of today."""

    then: Held
    now: Held
    at_plan_prices: BillDays
    at_prices: BillDays


def track(request: TrackRequest, *, tell: Tell) -> Review:
    """Compare a plan with what came.

    Parameters
    ----------
    request : TrackRequest
    tell : callable
        Given a line whenever a step begins.

    Raises
    ------
    InputError
        If a file is wrong, does not belong to the plan, or has no whole day of its window.
    """
    tell("reading the plan and the usage")
    plan = read_plan(request.plan)
    check_inputs(plan, request)
    history = read_history(request.paths, request.options, Roadmap())
    hours = tracked_hours(plan, history, request.paths.usage)
    inside = history.between(hours.start, hours.stop)
    used = inside.units.sum(axis=1) > 0
    inside = replace(
        inside,
        pools=tuple(pool for pool, is_used in zip(inside.pools, used, strict=True) if is_used),
        units=inside.units[used],
    )
    tell("billing what happened")
    bills = _bills(request, plan, inside)
    tell("comparing")
    return _review(request, plan, history, inside, bills)


def check_flag(flag_fraction: float) -> None:
    """Refuse a flag that is no number.

    Raises
    ------
    InputError
        If it is not finite, or below 0.
    """
    if not (math.isfinite(flag_fraction) and flag_fraction >= 0):
        message = f"must be a fraction of the expected cost, such as 0.1, got {flag_fraction:g}."
        msg = "--flag"
        raise InputError(msg, [Problem(message=message)])


def check_inputs(plan: PlanRecord, request: TrackRequest) -> None:
    """Refuse inputs without which the bill would be of something else than the plan.

    Raises
    ------
    InputError
        If pools or commitments are missing that the plan had, or its price list is not given where it is another.
    """
    problems = []
    if plan.input_sha256("pools") and request.paths.pools is None:
        problems.append(Problem(column="--pools", message="must be given, as the plan was made with a pools file."))
    if plan.input_sha256("commitments") and request.paths.commitments is None:
        message = (
            "must be given, as the plan was made with a commitments file: what is owned now. If that file has not got "
            "the plan's purchases yet, --with-purchases counts them as made."
        )
        problems.append(Problem(column="--commitments", message=message))
    of_plan = request.paths.prices if request.plan_prices is None else request.plan_prices
    if plan.input_sha256("prices") not in (None, file_sha256(of_plan)):
        option = "--prices" if request.plan_prices is None else "--plan-prices"
        message = (
            f"must be the price list that {plan.name} names by its hash, and is another. Give the plan's own list as "
            "--plan-prices and that of today as --prices: what changed prices cost is told apart."
        )
        problems.append(Problem(column=option, message=message))
    if problems:
        raise InputError(str(request.plan), problems)


def tracked_hours(plan: PlanRecord, history: History, usage: Path) -> range:
    """Whole days from the plan's first to the last that usage has, within the plan's window.

    Raises
    ------
    InputError
        If the usage begins later, or has no whole day of the window.
    """
    end = min(history.end_hour, plan.horizon_end_hour) // HOURS_PER_DAY * HOURS_PER_DAY
    there = f"the usage runs from {iso_of_hour(history.start_hour)} to {iso_of_hour(history.end_hour)}"
    if history.start_hour > plan.as_of_hour:
        message = f"must begin at or before {iso_of_hour(plan.as_of_hour)}, the start of the plan; {there}. Add usage."
        raise InputError(str(usage), [Problem(column="hour_utc", message=message)])
    if end <= plan.as_of_hour:
        message = f"must have a whole day after {iso_of_hour(plan.as_of_hour)}, the start of the plan; {there}."
        raise InputError(str(usage), [Problem(column="hour_utc", message=f"{message} Add newer usage.")])
    return range(plan.as_of_hour, end)


def _counts_purchases(request: TrackRequest) -> bool:
    """Whether the purchases of the plan count as made."""
    return request.with_purchases or request.paths.commitments is None


def _bills(request: TrackRequest, plan: PlanRecord, inside: History) -> _Bills:
    """Bill what happened; once, where the price list is still the plan's."""
    paths = request.paths
    planned = plan.purchases if _counts_purchases(request) else ()
    rows = read_price_rows(paths.prices)
    now = held_at(paths, rows, pools=inside.pools, planned=planned, source=str(paths.prices))
    at_prices = _billed(now, inside)
    if request.plan_prices is None:
        return _Bills(then=now, now=now, at_plan_prices=at_prices, at_prices=at_prices)
    then = held_at(
        paths,
        plan_price_rows(request.plan_prices, rows),
        pools=inside.pools,
        planned=planned,
        source=str(request.plan_prices),
    )
    return _Bills(then=then, now=now, at_plan_prices=_billed(then, inside), at_prices=at_prices)


def _billed(held: Held, inside: History) -> BillDays:
    """Bill of the tracked hours by day."""
    hours = np.arange(inside.start_hour, inside.end_hour)
    return bill_days(bill_portfolio(held.catalog, held.pools, held.commitments, hours, inside.units), held.catalog)


def _review(request: TrackRequest, plan: PlanRecord, history: History, inside: History, bills: _Bills) -> Review:
    """All comparisons."""
    n_days = inside.units.shape[1] // HOURS_PER_DAY
    actual = Actual(
        pools=inside.pools,
        units=inside.units.reshape(len(inside.pools), n_days, HOURS_PER_DAY).mean(axis=2),
        rate_usd=bills.then.catalog.on_demand_usd,
        at_plan_prices=bills.at_plan_prices,
        at_prices=bills.at_prices,
    )
    cells = paired(plan.expected, actual, n_days=n_days)
    rate = dict(zip(cells.pools, cells.rate_usd.tolist(), strict=True))
    anomalies, is_anomalous = spend_anomalies(history, rate, cells)
    events = find_events(
        DemandCells(
            pools=cells.pools,
            expected_units=cells.expected_units,
            actual_units=cells.actual_units,
            names=cells.event_names,
            event_units=cells.long_event_units,
            is_usable=~is_anomalous,
            rate_usd=cells.rate_usd,
        )
    )
    found = calibration(cells, events, is_anomalous=is_anomalous)
    drivers = _drivers(request, cells)
    low, _, high = plan.expected.cost_to_date_usd[:, n_days - 1]
    return Review(
        plan_name=plan.name,
        plan_title=plan.title,
        start_hour=inside.start_hour,
        end_hour=inside.end_hour,
        flag_fraction=request.flag_fraction,
        variance=variance(cells, surprise_units=events.surprise_units, is_anomalous=is_anomalous),
        months=_months(cells, bills.at_prices),
        cost_p10_usd=float(low),
        cost_p90_usd=float(high),
        measures=_measures(cells, bills.now, inside.end_hour),
        calibration=found,
        events=events.events,
        drivers=drivers,
        anomalies=anomalies,
        advised=tuple(bought.commitment_id for bought in plan.purchases),
        not_bought=not_bought(plan.purchases, bills.now.commitments),
        is_assumed_bought=_counts_purchases(request),
        lessons=lessons_of(found, events.events, drivers, under_way=_under_way(plan, events, inside.end_hour)),
        days=TrackedDays(
            days=cells.days,
            actual_units=cells.actual_units.sum(axis=0),
            quantile_units=plan.expected.day_units[:, -1, :n_days],
        ),
        notes=_notes(request, plan, history, cells, bills, anomalies),
        inputs=_records(request, plan),
        versions=versions(),
    )


def _under_way(plan: PlanRecord, events: EventsFound, end_hour: int) -> frozenset[str]:
    """Events whose ramp, as late as it came, goes on after the tracked hours."""
    lag = {event.name: event.lag_days * HOURS_PER_DAY for event in events.events}
    return frozenset(event.name for event in plan.events if event.end_hour + lag.get(event.name, 0) > end_hour)


def _drivers(request: TrackRequest, cells: Paired) -> tuple[DriverBias, ...]:
    """Drivers against what the plan knew of them; none without a file."""
    if request.paths.drivers is None:
        return ()
    roadmap = read_roadmap_with(request.paths.roadmap, replace(request.options, uses_roadmap=False), as_of_hour=None)
    return driver_biases(read_drivers(request.paths.drivers), roadmap.relations, days=cells.days)


def _months(cells: Paired, bill: BillDays) -> tuple[MonthVariance, ...]:
    """Cost of the tracked days by month."""
    n_days = len(cells.days)
    month = month_index(cells.days * HOURS_PER_DAY)
    expected = cells.plan.served_usd.sum(axis=0)[:n_days] + cells.plan.unused_usd[:n_days]
    actual = bill.total_usd
    return tuple(
        MonthVariance(
            month=month_name(int(index)),
            expected_usd=float(expected[month == index].sum()),
            actual_usd=float(actual[month == index].sum()),
        )
        for index in np.unique(month)
    )


def _measures(cells: Paired, held: Held, end_hour: int) -> tuple[Measure, ...]:
    """Measures of commitments, planned and actual, over the tracked days; lock-in at their end."""
    planned, actual = (_ratios(sums) for sums in (cells.expected, cells.priced))
    locked = float(locked_in_usd(held.commitments, held.catalog, np.array([end_hour]))[0])
    rows = [Measure(name=name, planned=planned[name], actual=actual[name]) for name in planned]
    last = float(cells.plan.locked_in_usd[len(cells.days) - 1])
    return (*rows, Measure(name="locked_in_usd", planned=last, actual=locked))


def _ratios(sums: BillSums) -> dict[str, float]:
    """Measures of one side; nan where there is nothing to measure."""
    found = {
        "esr": effective_savings_fraction(actual_usd=sums.total_usd, on_demand_equivalent_usd=sums.on_demand_usd),
        "coverage": coverage_fraction(covered_on_demand_usd=sums.covered_usd, eligible_on_demand_usd=sums.eligible_usd),
        "utilization": utilization_fraction(used_usd=sums.fee_usd - sums.unused_usd, committed_usd=sums.fee_usd),
        "stranded_fraction": stranded_fraction(stranded_usd=sums.unused_usd, committed_usd=sums.fee_usd),
        "stranded_usd": sums.unused_usd,
    }
    return {name: float("nan") if value is None else value for name, value in found.items()}


def not_bought(advised: Sequence[Commitment], owned: Sequence[Commitment]) -> tuple[str, ...]:
    """Purchases that were advised and are not owned: the same offer, quantity, start and end, under any name."""
    left = list(owned)
    out = []
    for one in advised:
        match = next((other for other in left if _is_same(one, other)), None)
        if match is None:
            out.append(one.commitment_id)
        else:
            left.remove(match)
    return tuple(out)


def _is_same(advised: Commitment, owned: Commitment) -> bool:
    """Whether a commitment is the one that was advised."""
    return (advised.offer_id, advised.start_hour, advised.end_hour) == (
        owned.offer_id,
        owned.start_hour,
        owned.end_hour,
    ) and abs(advised.quantity - owned.quantity) <= SAME_QUANTITY * max(advised.quantity, 1e-12)


def _notes(
    request: TrackRequest,
    plan: PlanRecord,
    history: History,
    cells: Paired,
    bills: _Bills,
    anomalies: Sequence[TrackedAnomaly],
) -> tuple[str, ...]:
    """What the comparison rests on."""
    end_hour = (int(cells.days[-1]) + 1) * HOURS_PER_DAY
    later = sum(bought.start_hour < end_hour for bought in plan.schedule)
    new = cells.pools[cells.n_planned :]
    hours = np.array([plan.as_of_hour, end_hour - 1])
    notes = [*billing_sentences(bills.now.catalog, bills.now.pools, hours)]
    if _counts_purchases(request) and plan.purchases:
        notes.append("The purchases that the plan advised are billed as made on its first date.")
    if later:
        date = date_of_hour(min(bought.start_hour for bought in plan.schedule))
        notes.append(f"The plan expected {later} more purchases from {date} on; expected costs contain them.")
    repriced = repriced_offers(bills.then, bills.now)
    if repriced:
        notes.append(
            f"What is owned of {', '.join(repriced)} is billed at today's list, whose prices are not the plan's; what "
            "that changes is in the rate. A commitment that keeps the price it was bought at belongs into --prices at "
            "that price."
        )
    if new:
        notes.append(f"Pools that the plan does not have, all of their cost unexpected: {', '.join(new)}.")
    if not cells.plan.knows_events:
        notes.append("The plan followed an external forecast: what events changed is part of the volume.")
    if plan.as_of_hour - history.start_hour < 21 * HOURS_PER_DAY:
        notes.append("The usage has less than three weeks before the plan: anomalies of the first weeks are not found.")
    if any(one.is_kept_out for one in anomalies):
        notes.append("Days of anomalies are kept out of organic demand, of the events' sizes and of the lessons.")
    return tuple(notes)


def _records(request: TrackRequest, plan: PlanRecord) -> tuple[InputRecord, ...]:
    """Files read: the plan, those of the options, and the plan's price list."""
    records = [InputRecord(role="plan", name=plan.name, sha256=plan.sha256), *request.paths.records()]
    if request.plan_prices is not None:
        digest = file_sha256(request.plan_prices)
        records.append(InputRecord(role="plan prices", name=request.plan_prices.name, sha256=digest))
    return tuple(records)
