"""What a solved plan says of peaks, limits, demand and expiries.

Not here: purchases and costs.
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.daily import group_name
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, date_of_hour, month_index, month_name
from forecasting.numerals import percent
from forecasting.peaks import MonthlyPeaks, monthly_peaks
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event, Roadmap
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.calendar_dates import Timeline
from optimizer.coefficients import committed_fees
from optimizer.headroom import HeadroomNeed, firm_on_demand_units
from optimizer.jobs.purchases import quantity_unit
from optimizer.jobs.solve import Solved
from optimizer.limits import EXPECTED_STRANDED, MAXIMUM_COVERAGE, MINIMUM_COVERAGE, SPOT_SHARE, cvar_label
from optimizer.plan import DemandBands, EventMark, Expiry, LimitState, PeakRow
from optimizer.purchase_limits import PurchaseRow, purchase_rows
from optimizer.slack import limit_values

PEAK_LEVELS = (0.5, 0.9, 0.99)
BAND_LEVELS = (0.05, 0.5, 0.95)
BINDING_TOLERANCE = 1e-4  # of the limit: closer than the certified gap can tell apart


def peak_rows(
    scenarios: Scenarios, needs: Sequence[HeadroomNeed], market: Market, solved: Solved
) -> tuple[PeakRow, ...]:
    """Peak of each pool and month with the firm capacity it takes and has, then of the total."""
    peaks = monthly_peaks(scenarios, PEAK_LEVELS)
    held = _firm_held(solved, peaks, scenarios)
    out = []
    for need in needs:
        place = int(np.searchsorted(peaks.months, need.month))
        pool = market.pools[scenarios.pools[need.pool_index]]
        on_demand = firm_on_demand_units(pool)
        p50, p90, p99 = peaks.pool_units[need.pool_index, place].tolist()
        out.append(
            PeakRow(
                pool=pool.name,
                month=month_name(need.month),
                p50_units=p50,
                p90_units=p90,
                p99_units=p99,
                headroom_fraction=need.fraction,
                required_units=need.demanded_units,
                firm_units=None if on_demand is None else on_demand + float(held[need.pool_index, place]),
            )
        )
    for place, month in enumerate(peaks.months):
        p50, p90, p99 = peaks.total_units[place].tolist()
        out.append(
            PeakRow(
                pool=None,
                month=month_name(int(month)),
                p50_units=p50,
                p90_units=p90,
                p99_units=p99,
                headroom_fraction=None,
                required_units=None,
                firm_units=None,
            )
        )
    return tuple(out)


def _firm_held(solved: Solved, peaks: MonthlyPeaks, scenarios: Scenarios) -> FloatArray:
    """Least firm units that commitments hold in each month. Shape (n_pools, n_months). [units]"""
    problem = solved.assembled.problem
    instruments = problem.instruments
    held = problem.held(solved.quantity)[:, problem.in_window]
    covers = np.isfinite(instruments.draw) & instruments.is_firm[:, None]
    firm = covers.T.astype(np.float64) @ held
    starts = np.searchsorted(month_index(scenarios.hours), peaks.months)
    least: FloatArray = np.minimum.reduceat(firm, starts, axis=1)
    return least


def expiries(market: Market, timeline: Timeline) -> tuple[Expiry, ...]:
    """Owned commitments that end inside the window, by date."""
    out = []
    for owned in market.commitments:
        if timeline.start_hour < owned.end_hour <= timeline.end_hour:
            offer = market.catalog.offer(owned.offer_id)
            out.append(
                Expiry(
                    commitment_id=owned.commitment_id,
                    offer_id=owned.offer_id,
                    kind=offer.kind.value,
                    quantity=owned.quantity,
                    quantity_unit=quantity_unit(offer),
                    end_hour=owned.end_hour,
                    hourly_fee_usd=owned.quantity * offer.effective_hourly_usd if offer.term_months else 0.0,
                )
            )
    return tuple(sorted(out, key=lambda expiry: (expiry.end_hour, expiry.commitment_id)))


def event_marks(roadmap: Roadmap) -> tuple[EventMark, ...]:
    """Visible events, for the charts."""
    return tuple(
        EventMark(
            name=event.name,
            kind=event.kind.value,
            start_hour=event.start_hour,
            end_hour=event.end_hour,
            text=_event_text(event),
        )
        for event in roadmap.events
    )


def _event_text(event: Event) -> str:
    """What is declared, in one line."""
    parts = [event.kind.value]
    if event.from_pools:
        parts.append(f"from {', '.join(event.from_pools)}")
    if event.to_shares:
        parts.append(f"to {', '.join(pool for pool, _ in event.to_shares)}")
    parts.append(f"{date_of_hour(event.start_hour)} to {date_of_hour(event.end_hour - 1)}")
    if event.probability < 1:
        parts.append(f"probability {percent(event.probability, 0)}")
    return ", ".join(parts)


def demand_bands(history: History, scenarios: Scenarios) -> tuple[DemandBands, ...]:
    """Daily mean and peak of the total and of each group with a name, a region say, past and future."""
    regions = sorted({group_name(pool) for pool in scenarios.pools} - {""})
    everything = tuple(scenarios.pools)
    groups: dict[str | None, tuple[str, ...]] = {None: everything}
    if len(regions) > 1:
        groups |= {name: tuple(pool for pool in everything if group_name(pool) == name) for name in regions}
    return tuple(_bands(name, members, history, scenarios) for name, members in groups.items())


def _bands(group: str | None, members: tuple[str, ...], history: History, scenarios: Scenarios) -> DemandBands:
    """Bands of one group, over whole days."""
    past_rows = [row for row, pool in enumerate(history.pools) if pool in members]
    first = -(-history.start_hour // HOURS_PER_DAY)
    last = history.end_hour // HOURS_PER_DAY
    begin = first * HOURS_PER_DAY - history.start_hour
    past = history.units[past_rows, begin : begin + (last - first) * HOURS_PER_DAY].sum(axis=0)
    past = past.reshape(-1, HOURS_PER_DAY)
    rows = [row for row, pool in enumerate(scenarios.pools) if pool in members]
    future = scenarios.units[:, rows].sum(axis=1)
    days, starts, counts = np.unique(scenarios.hours // HOURS_PER_DAY, return_index=True, return_counts=True)
    mean = np.add.reduceat(future, starts, axis=1) / counts
    peak = np.maximum.reduceat(future, starts, axis=1)
    return DemandBands(
        group=group,
        history_days=np.arange(first, last),
        history_mean=past.mean(axis=1),
        history_peak=past.max(axis=1),
        days=days,
        mean_quantiles=weighted_quantiles(mean, scenarios.weights, BAND_LEVELS).T,
        peak_quantiles=weighted_quantiles(peak, scenarios.weights, BAND_LEVELS).T,
    )


def limit_states(solved: Solved) -> tuple[LimitState, ...]:
    """Every limit that the policy sets, with its price."""
    problem, price = solved.assembled.problem, dict(solved.limit_prices_usd)
    limits = problem.limits
    values = limit_values(problem, solved.quantity, solved.found)
    committed = float(committed_fees(problem) @ solved.priced_quantity)
    weights = problem.weights
    demand_usd = float(weights @ solved.found.demand_usd)
    off_spot_usd = demand_usd - float(weights @ solved.found.spot_value_usd)
    rows = (
        (EXPECTED_STRANDED, limits.stranded_expected_fraction, values.stranded_expected, committed, 1.0),
        (cvar_label(limits.cvar_level), limits.stranded_cvar_fraction, values.stranded_cvar, committed, 1.0),
        (MINIMUM_COVERAGE, limits.coverage_min_fraction, values.coverage, off_spot_usd, -1.0),
        (MAXIMUM_COVERAGE, limits.coverage_max_fraction, values.coverage, off_spot_usd, 1.0),
        (SPOT_SHARE, limits.spot_share_max, values.spot_share, demand_usd, 1.0),
    )
    out = [
        _fraction_limit(name, limit, value, price.get(name, 0.0) * scale_usd, sign)
        for name, limit, value, scale_usd, sign in rows
        if limit is not None
    ]
    on_purchases = (_purchase_limit(row, solved, price.get(row.label, 0.0)) for row in purchase_rows(problem))
    return (*out, *on_purchases)


def _fraction_limit(name: str, limit: float, value: float, price_usd: float, sign: float) -> LimitState:
    """State of a limit on a fraction."""
    is_binding = abs(limit - value) <= BINDING_TOLERANCE * max(limit, 1e-3) or price_usd > 0
    way = "more" if sign > 0 else "less"
    taken, bound = percent(value, 2), percent(limit, 2)
    text = f"{name}: {taken} of {bound} allowed." if sign > 0 else f"{name}: {taken}, at least {bound}."
    if is_binding and price_usd > 0:
        text += f" One percentage point {way} would save {price_usd / 100:,.0f} USD in expectation."
    unit = "fraction of committed USD" if "strand" in name else "fraction"
    return LimitState(name=name, unit=unit, limit=limit, value=value, binds=is_binding, price_usd=price_usd, text=text)


def _purchase_limit(row: PurchaseRow, solved: Solved, price_usd: float) -> LimitState:
    """State of a limit that quantities alone decide; the price is that of its row."""
    value = row.value(solved.quantity)
    if row.unit == "fraction":
        per_whole_usd = price_usd * row.base_usd(solved.priced_quantity)
        return _fraction_limit(row.label, row.limit, value, per_whole_usd, 1.0)
    if row.is_floor:
        text = f"{row.label}: {value:,.1f} of {row.limit:,.1f} firm units beyond on-demand quota x availability."
        text += f" One unit less would save {price_usd:,.2f} USD." if price_usd > 0 else ""
        is_binding = price_usd > 0 or value <= row.limit * (1 + BINDING_TOLERANCE)
    else:
        text = f"{row.label}: {value:,.0f} of {row.limit:,.0f} USD."
        text += f" One more USD would save {price_usd:.3f} USD in expectation." if price_usd > 0 else ""
        is_binding = price_usd > 0 or value >= row.limit * (1 - BINDING_TOLERANCE)
    return LimitState(
        name=row.label,
        unit=row.unit,
        limit=row.limit,
        value=value,
        binds=is_binding,
        price_usd=price_usd,
        text=text,
    )
