"""A plan as a real run would answer it, with names that try to break out of every output."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from forecasting.anomalies import Anomaly
from forecasting.cliffs import Cliff, QuarterChance
from forecasting.decompose import GrowthPart
from forecasting.event_effects import ESTIMATED, FOUND, EventEffect
from forecasting.hours import HOURS_PER_DAY, add_months, hour_of_date, month_index, month_name, term_hours
from optimizer.certificate import Certificate, WholeSteps
from optimizer.expected import Expected, ExpectedEvent
from optimizer.explanation import (
    EventRegret,
    Explanation,
    Flip,
    Frontier,
    FrontierPoint,
    LateEvent,
    PurchaseCase,
    Saving,
    ScheduledCase,
    WhyNot,
)
from optimizer.jobs.forecast_causes import Causes, PoolChance
from optimizer.plan import (
    AllocationRow,
    CostSummary,
    DemandBands,
    EventMark,
    Expiry,
    InputRecord,
    LimitState,
    NextUnit,
    PeakRow,
    Plan,
    Purchase,
    Reduction,
)
from optimizer.plan_headroom import MitigationRow, PlanHeadroom, ShortageRow, SiteRow, SiteShare
from optimizer.plan_money import (
    Comparison,
    FinancingPair,
    PaymentVariant,
    PlanMoney,
    PurchaseMoney,
    QuarterMoney,
    UnitCostRow,
)
from optimizer.spot.rows import SpotDeadline, SpotRow

AS_OF_HOUR = hour_of_date("2025-01-01")
END_HOUR = hour_of_date("2026-01-01")
HOSTILE_NAMES = (
    "=1+1",
    "<script>alert(1)</script>",
    "[red]x[/red]",
    '"onmouseover="alert(2)',
    "</script><script>alert(3)</script>",
    "<b>bold</b> & %{x} ${y}",
    "us-east-1/" + "a-very-long-name-" * 8 + "end",
)
PLAIN_POOLS = ("us-east-1/m5.xlarge", "total", "us-east-1/r6g.2xlarge", "eu-west-1/c5.large")
POOLS = (*PLAIN_POOLS, *HOSTILE_NAMES[:6])
KINDS = ("compute_savings_plan", "instance_savings_plan", "reserved_standard", "reserved_convertible")
MONTHS = tuple(month_name(int(index)) for index in np.unique(month_index(np.arange(AS_OF_HOUR, END_HOUR))))


def make_purchase(index: int, *, decision_hour: int, offer_id: str) -> Purchase:
    """One purchase; every fourth is a plan over all pools."""
    kind = KINDS[index % 4]
    is_plan = kind.endswith("savings_plan")
    months = 36 if index % 5 == 4 else 12
    hours = term_hours(months)
    quantity = 4.25 / (index + 1) if is_plan else 40.0 - 2 * index + 0.125
    fee = quantity if is_plan else quantity * 0.0713
    return Purchase(
        commitment_id=f"{offer_id}@{decision_hour}",
        decision_hour=decision_hour,
        start_hour=decision_hour,
        end_hour=decision_hour + hours,
        offer_id=offer_id,
        kind=kind,
        payment_option=("none", "partial", "all")[index % 3],
        term_months=months,
        pools=POOLS if kind == "compute_savings_plan" else (POOLS[index % len(POOLS)],),
        quantity=quantity,
        quantity_unit="USD/h" if is_plan else "units",
        committed_usd=fee * hours,
        upfront_usd=(0.0, 0.5, 1.0)[index % 3] * fee * hours,
        reason=f"Used {97 - index} % of the hours at the median, 31.2 % below on demand; the next unit would lose.",
    )


def make_summary(name: str, title: str, scenario_usd: np.ndarray, *, esr: float, coverage: float) -> CostSummary:
    """Summary of equally likely scenarios."""
    p10, p50, p90 = np.quantile(scenario_usd, (0.1, 0.5, 0.9))
    return CostSummary(
        name=name,
        title=title,
        scenario_usd=scenario_usd,
        mean_usd=float(scenario_usd.mean()),
        p10_usd=float(p10),
        p50_usd=float(p50),
        p90_usd=float(p90),
        esr=esr,
        coverage=coverage,
        utilization=0.9731 if coverage else float("nan"),
        stranded_usd=12_345.6 if coverage else 0.0,
        stranded_fraction=0.0269 if coverage else 0.0,
        stranded_cvar_fraction=0.0512 if coverage else 0.0,
        cvar_usd=float(np.sort(scenario_usd)[-2:].mean()),
    )


def make_bands(group: str | None, scale: float) -> DemandBands:
    """Two years of history and one of forecast, with weekly and yearly seasons."""
    rng = np.random.default_rng(3)
    first, now, last = (hour_of_date(d) // HOURS_PER_DAY for d in ("2023-01-01", "2025-01-01", "2026-01-01"))
    past, days = np.arange(first, now), np.arange(now, last)
    trend = lambda d: scale * (1 + (d - first) / 1500 + 0.04 * np.sin(d / 7 * 2 * np.pi) + 0.06 * np.sin(d / 58))  # noqa: E731 - one line
    mean = trend(past) * (1 + 0.015 * rng.standard_normal(len(past)))
    middle = trend(days)
    width = 0.02 + 0.12 * (days - now) / 365
    return DemandBands(
        group=group,
        history_days=past,
        history_mean=mean,
        history_peak=mean * 1.22,
        days=days,
        mean_quantiles=np.stack([middle * (1 - width), middle, middle * (1 + 1.3 * width)]),
        peak_quantiles=1.22 * np.stack([middle * (1 - width), middle, middle * (1 + 1.5 * width)]),
    )


def make_peaks() -> tuple[PeakRow, ...]:
    """Peaks of the total and of every pool; firm capacity declared for some pools only."""
    rows = []
    for place, pool in enumerate((None, *POOLS)):
        size = 1400.0 if place == 0 else 260.0 / place
        for step, month in enumerate(MONTHS):
            p50 = size * (1 + 0.02 * step)
            required = None if place == 0 else 1.15 * p50 * 1.12
            rows.append(
                PeakRow(
                    pool=pool,
                    month=month,
                    p50_units=p50,
                    p90_units=p50 * 1.06,
                    p99_units=p50 * 1.12,
                    headroom_fraction=None if place == 0 else 0.15,
                    required_units=required,
                    firm_units=required * (1.0 if place == 1 else 1.3 - 0.03 * step)
                    if required and place < 6
                    else None,
                )
            )
    return tuple(rows)


def make_allocation(total_usd: float) -> tuple[AllocationRow, ...]:
    """Rows whose USD sum to the expected cost."""
    shares = {"on_demand": 0.24, "spot": 0.05, "compute_savings_plan": 0.3, "reserved_standard": 0.28, "unused": 0.02}
    shares |= {"instance_savings_plan": 0.08, "capacity_reservation": 0.03}
    month_weights = np.linspace(0.9, 1.1, len(MONTHS))
    rows = []
    for month, weight in zip(MONTHS, month_weights / month_weights.sum(), strict=True):
        for pool in POOLS:
            rows += [
                AllocationRow(
                    month=month,
                    pool="" if kind == "unused" else pool,
                    kind=kind,
                    units=0.0 if kind == "unused" else 110 * share * weight * 12,
                    usd=total_usd * share * weight / len(POOLS),
                )
                for kind, share in shares.items()
                if kind != "unused"
            ]
        rows.append(AllocationRow(month=month, pool="", kind="unused", units=0.0, usd=total_usd * 0.02 * weight))
    return tuple(rows)


def make_growth() -> tuple[GrowthPart, ...]:
    """Organic growth and events of the total and of two pools."""
    parts = []
    for window, scale in (("last 90 days", 1.0), ("last 365 days", 3.5), ("horizon", 4.0)):
        for pool, share in ((None, 1.0), (POOLS[1], 0.4), (POOLS[5], 0.2)):
            parts += [
                growth_part(window, pool, "organic", 31.0 * scale * share),
                growth_part(window, pool, "graviton <b>", -12.5 * scale * share),
            ]
        parts.append(growth_part(window, None, "launch of checkout", 20.0 * scale))
    return tuple(parts)


def growth_part(window: str, pool: str | None, name: str, units: float) -> GrowthPart:
    """Part with an interval around it."""
    return GrowthPart(
        window=window,
        pool=pool,
        name=name,
        kind="organic" if name == "organic" else "inorganic",
        units=units,
        low_units=units - 3.0,
        high_units=units + 4.0,
        is_found=name == "launch of checkout",
    )


def make_limits() -> tuple[LimitState, ...]:
    """One limit that binds, one that does not, one of cash."""
    return (
        LimitState(
            name="stranded, expected",
            unit="fraction of committed USD",
            limit=0.03,
            value=0.03,
            binds=True,
            price_usd=418_210.0,
            text="Binds: 3.0 % of 3.0 % allowed; one percentage point more would save 4,182 USD.",
        ),
        LimitState(
            name="upfront cash from 2025-01-01",
            unit="USD",
            limit=500_000.0,
            value=231_005.5,
            binds=False,
            price_usd=0.0,
            text="Does not bind: 231,006 of 500,000 USD.",
        ),
        LimitState(
            name="headroom of <i>us-east-1/m5.xlarge</i> in 2025-11",
            unit="units",
            limit=334.9,
            value=334.9,
            binds=True,
            price_usd=612.4,
            text="Binds: each unit of firm capacity costs 612 USD.",
        ),
    )


def make_expected() -> Expected:
    """Three days of two pools, one with a name that breaks out."""
    units = np.array([[10.0, 11.0, 12.0], [5.0, 5.0, 4.0]])
    units = np.concatenate([units, units.sum(axis=0)[None]])
    quantiles = units * np.array([0.9, 1.0, 1.2])[:, None, None]
    return Expected(
        pools=(POOLS[0], HOSTILE_NAMES[1]),
        days=AS_OF_HOUR // HOURS_PER_DAY + np.arange(3),
        mean_units=units,
        day_units=quantiles,
        to_date_units=quantiles,
        on_demand_usd=24 * 0.2 * units[:2],
        served_usd=24 * 0.15 * units[:2],
        fee_usd=np.full(3, 30.0),
        unused_usd=np.full(3, 1.5),
        eligible_usd=24 * 0.2 * units[2],
        covered_usd=24 * 0.1 * units[2],
        locked_in_usd=np.array([900.0, 870.0, 840.0]),
        cost_to_date_usd=quantiles[:, 2] * 4.0,
        events=(ExpectedEvent(name="<b>move</b>", pools=(HOSTILE_NAMES[1],), units=np.array([[0.0, -0.5, -1.0]])),),
        knows_events=True,
    )


def make_headroom() -> PlanHeadroom:
    """Shortages with and without flips, a site that can be lost and one that cannot, all verdicts, hostile names."""
    short = dict(holding_usd=120.0, advised_holding_usd=340.5, probability=0.25, direct_usd=800.0, liability_usd=60.0)
    known = dict(plan_units=275.0, plan_probability=0.1, plan_loss_usd=344.0, advised_loss_usd=12.0)
    flips = dict(more_units=310.0, more_probability=None, more_impact_usd_per_hour=9_000.0)
    lower = dict(less_units=240.0, less_probability=0.125, less_impact_usd_per_hour=None)
    unknown = dict(plan_units=None, plan_probability=None, plan_loss_usd=None, advised_loss_usd=12.0)
    shortage = ShortageRow(
        pool=POOLS[0], month=MONTHS[0], chosen_units=260.0, advised_units=280.0, **short, **known, **flips, **lower
    )
    bare = ShortageRow(pool=HOSTILE_NAMES[1], month=MONTHS[0], chosen_units=1.0, advised_units=1.0, **short, **unknown)
    part = SiteShare(pool=HOSTILE_NAMES[1], site="us-west-2", extra_units=40.0, extra_usd=900.0)
    site = SiteRow(
        group=HOSTILE_NAMES[0],
        month=MONTHS[0],
        largest_site="us-east-1",
        peak_units=400.0,
        left_units=360.0,
        is_possible=True,
        extra_usd=900.0,
        parts=(part,),
    )
    alone = replace(site, is_possible=False, extra_usd=0.0, parts=())
    work = MitigationRow(
        name=HOSTILE_NAMES[1],
        pools=(POOLS[0],),
        verdict="accept",
        cost_usd=5_000.0,
        saved_usd=4_000.0,
        holding_usd=1_000.0,
        loss_usd=9_000.0,
        mitigated_holding_usd=500.0,
        mitigated_loss_usd=5_500.0,
        probability=0.2,
        flip_above_factor=1.25,
        flip_above_probability=0.25,
    )
    return PlanHeadroom(
        by="fixed",
        n_plus_one="region",
        quantile=0.99,
        shortages=(shortage, bare),
        sites=(site, alone, replace(site, parts=())),
        mitigations=(work, MitigationRow(name="done", pools=(POOLS[0],), verdict="decided")),
    )


def make_money() -> PlanMoney:
    """Money with everything in it: hardware, a payback that is late and one that is never, hostile names."""
    first = dict(on_demand_usd=50_000.0, spot_usd=4_000.0, fees_usd=80_000.0, prepaid_expense_usd=30_000.0)
    books = dict(running_usd=2_000.0, depreciation_usd=10_000.0, ebitda_usd=-166_000.0, ebit_usd=-176_000.0)
    cash = dict(cash_usd=400_000.0, cash_p10_usd=380_000.0, cash_p90_usd=431_000.0, free_cash_flow_usd=-400_000.0)
    quarter = QuarterMoney(
        quarter="2025-Q1",
        start_hour=AS_OF_HOUR,
        end_hour=add_months(AS_OF_HOUR, 3),
        cost_usd=176_000.0,
        upfront_usd=120_000.0,
        capex_usd=144_000.0,
        salvage_usd=0.0,
        prepaid_end_usd=90_000.0,
        all_on_demand_usd=270_000.0,
        **first,
        **books,
        **cash,
    )
    purchase = PurchaseMoney(
        commitment_id=f"{HOSTILE_NAMES[0]}@1",
        offer_id=HOSTILE_NAMES[0],
        payment_option="all",
        upfront_usd=90_000.0,
        saved_usd=20_000.0,
        npv_usd=18_500.5,
        payback_months=26.25,
        discounted_payback_months=float("inf"),
        is_within_window=True,
        is_flagged=True,
    )
    variant = PaymentVariant(
        name="as_planned",
        n_changed=0,
        npv_usd=30_000.0,
        ebitda_usd=42_000.0,
        first_year_cash_usd=-9_000.0,
        upfront_usd=120_000.0,
        tied_up_usd=118_000.0,
        payback_months=9.5,
    )
    unit = UnitCostRow(
        driver=HOSTILE_NAMES[1],
        level="product",
        name=HOSTILE_NAMES[5],
        is_unused=False,
        month=None,
        volume=1e6,
        amortized_usd=0.00213,
        on_demand_equivalent_usd=0.0031,
        cash_usd=0.0025,
        elasticity=0.8,
        elasticity_low=0.7,
        elasticity_high=0.9,
        verdict="sub-linear",
    )
    return PlanMoney(
        goal="cost",
        discount_rate_yearly=0.08,
        payback_flag_months=24.0,
        npv_cash_usd=392_000.0,
        quarters=(quarter, dataclasses.replace(quarter, quarter="2025-Q2")),
        purchases=(purchase, dataclasses.replace(purchase, commitment_id=None, offer_id="", is_flagged=False)),
        comparisons=tuple(
            Comparison(
                against=against,
                saved_cash_usd=90_000.0,
                npv_usd=80_000.0,
                payback_months=7.25,
                discounted_payback_months=7.5,
                tied_up_usd=118_000.0,
            )
            for against in ("all_on_demand", "keep_owned")
        ),
        financing=(
            FinancingPair(
                more_offer_id=HOSTILE_NAMES[0],
                less_offer_id=HOSTILE_NAMES[1],
                kind="reserved_standard",
                more_option="all",
                less_option="none",
                term_months=12,
                low_rate_yearly=0.14,
                high_rate_yearly=0.15,
                is_worth=True,
            ),
        ),
        variants=(variant, dataclasses.replace(variant, name="none", n_changed=3, tied_up_usd=0.0)),
        recommendation="By present value the purchases are best paid as planned.",
        unit_costs=(unit, dataclasses.replace(unit, month="2025-01", level="business", name=None)),
    )


def make_spot() -> tuple[SpotRow, ...]:
    """A pool with drawn outages and a quota, one with a deadline, and one that declares neither."""
    drawn = SpotRow(
        pool=POOLS[0],
        eligible_fraction=0.5,
        availability=0.9,
        outage_hours=6.0,
        correlation=1.0,
        drawn_availability=0.8957,
        spot_usd=0.066,
        rate_usd=0.0786,
        on_demand_usd=0.192,
        spot_units=40.25,
        displaced_units=4.5,
        outage_extra_units=61.0,
        outage_on_demand_units=148.5,
        quota_units=120.0,
        over_quota_units=28.5,
        deadline=None,
    )
    due = SpotDeadline(
        window_hours=4.0,
        work_hours=3.0,
        spot_fraction=0.8723,
        on_demand_fraction=0.1277,
        fallback_probability=0.2296,
        miss_probability=0.2296,
        patience_hours=1,
        waiting_usd=0.066,
        promise_usd=1_410.2,
    )
    return (
        drawn,
        replace(drawn, pool=HOSTILE_NAMES[1], drawn_availability=None, over_quota_units=0.0, deadline=due),
        replace(
            drawn,
            pool=POOLS[2],
            outage_hours=None,
            correlation=None,
            drawn_availability=None,
            quota_units=None,
            over_quota_units=None,
        ),
    )


def make_explanation() -> Explanation:
    """Reasons of purchases with names that break out: with and without flips, break-even date and reason."""
    saving = Saving(
        expected_usd=20_145.5,
        p10_usd=-1_200.0,
        p90_usd=31_000.0,
        decided_usd=18_000.0,
        use_fraction=0.9123,
        break_even_fraction=0.63,
    )
    held = dataclasses.replace(saving, expected_usd=-513.0, use_fraction=None, break_even_fraction=None)
    flip = Flip(of="demand", event="", unit="factor", planned=1.0, at=0.84, low=0.1, high=2.0)
    event = HOSTILE_NAMES[3]
    flips = (
        flip,
        dataclasses.replace(flip, of="offer_price", at=1.2345, low=0.2, high=5.0),
        dataclasses.replace(flip, of="on_demand_price", at=None, low=0.2, high=5.0),
        Flip(of="event_date", event=event, unit="days late", planned=0.0, at=167.2, low=-30.0, high=365.0),
        Flip(of="event_probability", event=event, unit="probability", planned=0.7, at=0.25, low=0.0, high=1.0),
    )
    late = LateEvent(event=event, late_days=90.0, saving_usd=-900.0, change_usd=-21_045.5, regret_usd=900.0)
    case = PurchaseCase(
        commitment_id=f"{HOSTILE_NAMES[0]}@{AS_OF_HOUR}",
        saving=saving,
        break_even_hour=AS_OF_HOUR + 5_000,
        flips=flips,
        late=(late,),
    )
    why_not = WhyNot(
        offer_id=HOSTILE_NAMES[1],
        reason="use",
        other=HOSTILE_NAMES[2],
        saving_usd=-12.5,
        cost_usd=100.0,
        use_fraction=0.41,
        break_even_fraction=0.63,
        text=f"The next unit would be used 41 %; {HOSTILE_NAMES[2]} serves the rest.",
    )
    dominated = dataclasses.replace(
        why_not, reason="dominated", saving_usd=None, cost_usd=None, use_fraction=None, break_even_fraction=None
    )
    return Explanation(
        purchases=(
            case,
            dataclasses.replace(case, commitment_id="capacity", saving=held, break_even_hour=None, flips=(), late=()),
        ),
        schedule=(ScheduledCase(commitment_id="later", saving=saving),),
        events=(
            EventRegret(event=event, late_days=90.0, held_usd=110.0, best_usd=100.0, regret_usd=10.0, gap_usd=0.5),
        ),
        why_not=(why_not, dominated),
        notes=("Savings do not add up.",),
    )


def make_frontier() -> Frontier:
    """Twelve plans and one that lies above them."""
    point = FrontierPoint(
        allowed_usd=None,
        stranded_usd=0.0,
        stranded_cvar_usd=0.0,
        stranded_fraction=0.0,
        objective_usd=1_200_000.0,
        lower_bound_usd=1_100_000.0,
        gap_fraction=0.083,
        mean_usd=900_000.0,
        p90_usd=950_000.0,
        cvar_usd=980_000.0,
        committed_now_usd=(),
        committed_usd=0.0,
    )
    points = [point]
    for step in range(1, 12):
        cost = 1_000_000.0 + 60_000.0 / step
        points.append(
            dataclasses.replace(
                point,
                allowed_usd=100.0 * step**2,
                stranded_usd=100.0 * step**2,
                stranded_cvar_usd=220.0 * step**2,
                stranded_fraction=0.0002 * step**2,
                objective_usd=cost,
                lower_bound_usd=0.9999 * cost,
                gap_fraction=1e-4,
                committed_now_usd=(("compute_savings_plan", 5e5), ("reserved_standard", 1e4 * step)),
                committed_usd=5e5 + 1e4 * step,
            )
        )
    return Frontier(points=tuple(points), knee=3, plan=dataclasses.replace(points[5], objective_usd=1_013_000.0))


def make_plan() -> Plan:
    """The whole plan."""
    rng = np.random.default_rng(7)
    factor = np.sort(1 + 0.06 * rng.standard_normal(40))
    summaries = (
        make_summary("plan", "This plan", 742_310.55 * factor, esr=0.3312, coverage=0.8123),
        make_summary("all_on_demand", "All on demand", 1_110_020.4 * factor, esr=0.0, coverage=0.0),
        make_summary("keep_owned", "Keep what is owned", 951_200.9 * factor, esr=0.1431, coverage=0.31),
        make_summary("look_back_30_days", "Look back 30 days", 803_410.2 * factor, esr=0.2762, coverage=0.7),
    )
    offers = (*HOSTILE_NAMES, *(f"offer-{index}" for index in range(8)))
    quarters = [add_months(AS_OF_HOUR, 3 * step) for step in (1, 2, 3)]
    return Plan(
        title="Quarterly plan for usage.parquet",
        as_of_hour=AS_OF_HOUR,
        horizon_end_hour=END_HOUR,
        purchases=tuple(
            make_purchase(index, decision_hour=AS_OF_HOUR, offer_id=offer) for index, offer in enumerate(offers)
        ),
        schedule=tuple(
            make_purchase(index + 3, decision_hour=hour, offer_id=offers[index + 7])
            for index, hour in enumerate(quarters)
        ),
        summaries=summaries,
        scenario_weights=np.full(40, 1 / 40),
        new_stranded_fraction=0.03,
        new_stranded_cvar_fraction=0.0531,
        peaks=make_peaks(),
        expiries=(
            Expiry(
                commitment_id="ri-2022-<7>",
                offer_id="m5-1y-none",
                kind="reserved_standard",
                quantity=60.0,
                quantity_unit="units",
                end_hour=hour_of_date("2025-03-15"),
                hourly_fee_usd=4.281,
            ),
            Expiry(
                commitment_id="sp-old",
                offer_id="=1+1",
                kind="compute_savings_plan",
                quantity=2.5,
                quantity_unit="USD/h",
                end_hour=hour_of_date("2025-09-01"),
                hourly_fee_usd=2.5,
            ),
        ),
        certificate=Certificate(
            method="cuts",
            upper_bound_usd=1_512_000.125,
            lower_bound_usd=1_511_996.9,
            gap_fraction=2.13e-6,
            tail_usd=769_689.0,
            lp_usd=742_305.31,
            billed_usd=742_310.55,
            difference_usd=(("order", 4.0), ("rounding", 1.24), ("size flexibility", 0.0)),
            statement="No plan within these limits can be cheaper by more than 0.0002 %.",
            whole_steps=WholeSteps(
                method="extensive",
                upper_bound_usd=1_512_040.5,
                lower_bound_usd=1_512_040.25,
                gap_fraction=1.7e-7,
                cost_usd=40.375,
                statement="Buying in whole steps costs 40 USD; no other whole steps cost less by more than 0 USD.",
            ),
        ),
        reduction=Reduction(
            n_paths=200,
            n_scenarios=40,
            cvar_level=0.9,
            measures=(
                ("expected", 742_306.55, 745_001.25),
                ("p10", 690_120.5, 688_004.0),
                ("p90", 801_400.0, 811_020.75),
                ("cvar", 842_000.0, 842_000.0),
            ),
            standard_error_usd=3_020.5,
            statement="200 paths were reduced to 40 scenarios: on all paths the plan costs 745,001 USD.",
        ),
        limits=make_limits(),
        next_units=tuple(
            NextUnit(
                offer_id=offer,
                quantity=12.0 / (index + 1),
                quantity_unit="units" if index % 2 else "USD/h",
                saving_usd=3.2 - 25.7 * index,
            )
            for index, offer in enumerate(offers)
        ),
        allocation=make_allocation(summaries[0].mean_usd),
        bands=(make_bands(None, 1000.0), make_bands("total", 700.0), make_bands("<i>eu</i>", 300.0)),
        events=(
            EventMark(
                name="graviton <b>",
                kind="migration",
                start_hour=hour_of_date("2024-10-01"),
                end_hour=hour_of_date("2025-07-01"),
                text="80 to 100 % of us-east-1/m5.xlarge moves to total; up to 90 days late.",
            ),
            EventMark(
                name="</script><script>alert(4)</script>",
                kind="launch",
                start_hour=hour_of_date("2025-06-10"),
                end_hour=hour_of_date("2025-06-11"),
                text="Adds 120 units.",
            ),
            EventMark(
                name="winter promotion",
                kind="promotion",
                start_hour=hour_of_date("2025-11-24"),
                end_hour=hour_of_date("2025-12-02"),
                text="Multiplies demand by 1.5.",
            ),
        ),
        assumptions=(
            "Costs are amortized: upfront fees are spread over their terms.",
            "Growth is damped: it halves every 12 months.",
            "No capacity is guaranteed where nothing was declared.",
        ),
        inputs=(
            InputRecord(role="usage", name="usage.parquet", sha256="0123456789abcdef" * 4),
            InputRecord(role="prices", name="<prices>.csv", sha256="fedcba9876543210" * 4),
        ),
        versions=(("plimsoll", "0.1.0"), ("numpy", "2.4.6"), ("highspy", "1.12.0")),
        seed=7,
        expected=make_expected(),
        spot=make_spot(),
        money=make_money(),
        explanation=make_explanation(),
        frontier=make_frontier(),
        headroom=make_headroom(),
    )


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The whole plan."""
    return make_plan()


def make_effect(name: str, *, source: str, kind: str) -> EventEffect:
    """Effect of one event."""
    return EventEffect(
        name=name,
        kind=kind,
        pools=POOLS[4:6],
        start_hour=hour_of_date("2024-10-01"),
        end_hour=hour_of_date("2025-07-01"),
        declared_fraction=None if source == FOUND else -0.8,
        fraction=-0.7,
        low_fraction=-0.9,
        high_fraction=-0.5,
        base_units=100.0,
        units=-70.0,
        low_units=-90.0,
        high_units=-50.0,
        n_seen=1,
        source=source,
        note="Under way.",
    )


def make_causes() -> Causes:
    """Causes of the demand of the plan, names that break out among them."""
    old, recent = (hour_of_date(date) for date in ("2024-02-03", "2024-12-24"))
    return Causes(
        growth=make_growth(),
        effects=(
            make_effect("graviton <b>", source=ESTIMATED, kind="migration"),
            make_effect(f"{HOSTILE_NAMES[1]} to {HOSTILE_NAMES[4]}", source=FOUND, kind="succession"),
        ),
        chances=tuple(
            PoolChance(
                pool=pool,
                mean_units=200.0 / (place + 1),
                age_days=700,
                is_age_known=place % 2 == 0,
                n_halved=1.2,
                n_expected=2.5,
                chance=1.0 / (place + 1),
            )
            for place, pool in enumerate(POOLS * 2)
        ),
        cliffs=(
            Cliff(
                name=HOSTILE_NAMES[4],
                pools=POOLS[:2],
                threshold_units=1500.0,
                already_crossed_hour=None,
                probability=0.4,
                p10_hour=hour_of_date("2025-05-01"),
                p50_hour=None,
                p90_hour=None,
                quarters=(
                    QuarterChance(quarter="2025-Q2", probability=0.4),
                    QuarterChance(quarter="", probability=0.6),
                ),
            ),
        ),
        anomalies=tuple(
            Anomaly(
                group=group,
                start_hour=hour,
                n_hours=5,
                units=900.0,
                expected_units=600.0,
                deviation_fraction=0.5,
                kind="spike",
            )
            for group, hour in (("total", old), (HOSTILE_NAMES[1], recent))
        ),
    )


@pytest.fixture(scope="session")
def causes() -> Causes:
    """Causes of the demand of the plan."""
    return make_causes()
