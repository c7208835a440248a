"""A plan as a real run would answer it, with names that try to break out of every output."""

import numpy as np
import pytest

from forecasting.anomalies import Anomaly
from forecasting.cliffs import Cliff, QuarterChance
from forecasting.decompose import GrowthPart
from forecasting.event_effects import ESTIMATED, FOUND, EventEffect
from forecasting.hours import HOURS_PER_DAY, add_months, hour_of_date, month_index, month_name, term_hours
from optimizer.certificate import Certificate, WholeSteps
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
