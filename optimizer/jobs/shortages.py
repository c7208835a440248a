"""What a plan says of shortages, lost sites and the work against them, from its scenarios and its peaks.

Not here: the rules (`optimizer.headroom`, `optimizer.shortage`, `optimizer.mitigations`).
"""

from collections.abc import Sequence

from forecasting.hours import month_name
from forecasting.scenarios import Scenarios
from optimizer.assembly import Market
from optimizer.calendar_dates import Timeline
from optimizer.failover import GroupNeed
from optimizer.headroom import HeadroomNeed, MonthOfPool, firm_on_demand_units, lost_sites, month_curve
from optimizer.mitigations import PoolMonth, decide_mitigations
from optimizer.plan import PeakRow
from optimizer.plan_headroom import PlanHeadroom, ShortageRow, SiteRow, SiteShare
from optimizer.policy import Policy
from optimizer.pools import Pool
from optimizer.shortage import Flip, LossCurve, declares_loss, flip_down, flip_up


def plan_headroom(
    needs: Sequence[HeadroomNeed],
    peaks: Sequence[PeakRow],
    window: Scenarios,
    inputs: tuple[Market, Policy, Timeline],
) -> PlanHeadroom:
    """Shortages by pool and month, lost sites by group and month, and a verdict on each mitigation.

    Parameters
    ----------
    needs : sequence of HeadroomNeed
    peaks : sequence of PeakRow
        With the firm capacity that the plan holds.
    window : Scenarios
    inputs : tuple of Market, Policy, Timeline
    """
    market, policy, timeline = inputs
    held = {(row.pool, row.month): row.firm_units for row in peaks}
    shortages, months = [], []
    for need in needs:
        pool = market.pools[window.pools[need.pool_index]]
        if declares_loss(pool):
            month = MonthOfPool(scenarios=window, row=need.pool_index, month=need.month)
            in_plan = held.get((pool.name, month_name(need.month)))
            also = [x for x in (need.demanded_units, need.site_units, in_plan) if x is not None]
            rate = float(market.catalog.on_demand_usd[need.pool_index])
            plain, curve = month_curve(month, pool, rate, policy), month_curve(month, pool, rate, policy, also=also)
            shortages.append(_shortage(need, pool, plain, curve, in_plan))
            choose = _pool_month if policy.headroom.by == "expected_loss" else _fixed_month
            months.append(choose(month, pool, need, curve))
    return PlanHeadroom(
        by=policy.headroom.by,
        n_plus_one=policy.headroom.n_plus_one,
        quantile=policy.headroom.quantile,
        shortages=tuple(shortages),
        sites=tuple(map(_site_row, lost_sites(window, market, policy, needs))),
        mitigations=decide_mitigations(
            policy.headroom.mitigations, months, start_hour=timeline.start_hour, end_hour=timeline.end_hour
        ),
    )


def headroom_sentences(headroom: PlanHeadroom) -> tuple[str, ...]:
    """What the plan takes for granted of shortages, and which groups no site can be lost of."""
    out = []
    if headroom.shortages:
        out.append(
            "A pool has one shortage a month at most, when its highest hour is above firm capacity; it falls in the "
            "hour of the greatest impact among those above."
        )
    alone = sorted({row.group for row in headroom.sites if not row.is_possible})
    if alone:
        out.append(
            f"All known pools of a failover group are in one {headroom.n_plus_one}, whose loss is not survived: "
            f"{', '.join(alone)}."
        )
    return tuple(out)


def _pool_month(month: MonthOfPool, pool: Pool, need: HeadroomNeed, curve: LossCurve) -> PoolMonth:
    """A month for the verdicts: every capacity from what a lost site asks for on, or the one that is fixed."""
    floor = max(need.site_units or 0.0, firm_on_demand_units(pool) or 0.0)
    at = curve.place(min(floor, float(curve.units[-1])))
    return PoolMonth(
        pool=pool.name,
        start_hour=month.start_hour,
        curve=curve.levels(curve.place(need.site_units or 0.0), len(curve.units)),
        base_probability=float(curve.probability[at]),
    )


def _fixed_month(month: MonthOfPool, pool: Pool, need: HeadroomNeed, curve: LossCurve) -> PoolMonth:
    """A month for the verdicts whose capacity the policy fixes."""
    at = curve.place(need.demanded_units)
    return PoolMonth(
        pool=pool.name,
        start_hour=month.start_hour,
        curve=curve.levels(at, at + 1),
        base_probability=float(curve.probability[at]),
    )


def _shortage(need: HeadroomNeed, pool: Pool, plain: LossCurve, curve: LossCurve, in_plan: float | None) -> ShortageRow:
    """Figures of one pool and month."""
    at = curve.place(need.demanded_units)
    with_plan = None if in_plan is None else curve.place(in_plan)
    more, less = flip_up(plain), flip_down(plain)
    return ShortageRow(
        pool=pool.name,
        month=month_name(need.month),
        chosen_units=need.demanded_units,
        advised_units=float(plain.units[plain.best]),
        holding_usd=float(curve.holding_usd[at]),
        advised_holding_usd=float(plain.holding_usd[plain.best]),
        probability=float(curve.probability[at]),
        direct_usd=float(curve.direct_usd[at]),
        liability_usd=float(curve.liability_usd[at]),
        advised_loss_usd=float(plain.loss_usd[plain.best]),
        plan_units=in_plan,
        plan_probability=None if with_plan is None else float(curve.probability[with_plan]),
        plan_loss_usd=None if with_plan is None else float(curve.loss_usd[with_plan]),
        more_units=None if more is None else more.units,
        more_probability=None if more is None else more.probability,
        more_impact_usd_per_hour=_impact(pool, more),
        less_units=None if less is None else less.units,
        less_probability=None if less is None else less.probability,
        less_impact_usd_per_hour=_impact(pool, less),
    )


def _impact(pool: Pool, flip: Flip | None) -> float | None:
    """Impact in an ordinary hour at a flip. [USD/h]"""
    if flip is None or flip.impact_factor is None or pool.impact_usd_per_hour is None:
        return None
    return flip.impact_factor * pool.impact_usd_per_hour


def _site_row(found: GroupNeed) -> SiteRow:
    """Figures of one group and month."""
    parts = tuple(
        SiteShare(pool=one.pool, site=one.site, extra_units=units, extra_usd=units * one.unit_usd)
        for one, units in zip(found.members, found.need.extra_units, strict=True)
        if units > 0.0
    )
    return SiteRow(
        group=found.group,
        month=month_name(found.month),
        largest_site=found.need.largest_site,
        peak_units=found.peak_units,
        left_units=found.need.left_units,
        is_possible=found.need.is_possible,
        extra_usd=sum(part.extra_usd for part in parts),
        parts=parts,
    )
