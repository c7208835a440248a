"""Cost per unit of value, and capacity that drivers ask for, assessed.

Not here: the arithmetic (`optimizer.unit_cost`).
"""

import math

import numpy as np

from forecasting.numerals import percent
from optimizer.assessment import CaseAnswer, Cell, Fact, FactTable
from optimizer.assessment_cases import CapacityCase, UnitCostCase
from optimizer.jobs.assess.words import usd_text
from optimizer.unit_cost import NOT_TOLD, Elasticity, cost_elasticity, glide_path, yearly_change

COST_VIEWS = (
    ("amortized_usd", "amortized"),
    ("on_demand_equivalent_usd", "on-demand equivalent"),
    ("cash_usd", "cash"),
)


def unit_cost_answer(case: UnitCostCase) -> CaseAnswer:
    """Unit cost of each period three ways, elasticity in volume, and the way to the target."""
    volume = np.array([part.volume for part in case.periods])
    amortized = np.array([part.amortized_usd for part in case.periods])
    found = cost_elasticity(amortized, volume)
    now = case.periods[-1].amortized_usd / case.periods[-1].volume
    trend = yearly_change(amortized / volume, periods_per_year=case.periods_per_year)
    facts = [
        Fact(key="unit_cost_usd", title=f"Amortized cost per {case.unit} now", value=now, unit="USD"),
        Fact(key="yearly_change_fraction", title="Its trend a year", value=trend, unit="fraction"),
        *elasticity_facts(found),
    ]
    text = f"{usd_text(now)} per {case.unit} in {case.periods[-1].period}, amortized. {elasticity_sentence(found)}"
    tables = [_period_table(case)]
    flips: tuple[str, ...] = ()
    if case.target is not None:
        path = glide_path(now, target_usd=case.target.unit_cost_usd, n_periods=case.target.n_periods)
        step = float(path[0] / now) - 1.0
        facts.append(Fact(key="needed_change_fraction", title="Change needed each period", value=step, unit="fraction"))
        tables.append(_path_table(case, path.tolist()))
        text += (
            f" To reach {usd_text(case.target.unit_cost_usd)} in {case.target.n_periods} periods it must change by "
            f"{percent(step, 2)} each period."
        )
        flips = _target_flips(case, now, trend)
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict=found.verdict if found else "elasticity not known",
        statement=text,
        facts=tuple(facts),
        tables=tuple(tables),
        flip_points=flips,
    )


def elasticity_facts(found: Elasticity | None) -> tuple[Fact, ...]:
    """Elasticity and the ends of its interval."""
    return (
        Fact(key="elasticity", title="Elasticity of cost in volume", value=found.value if found else None),
        Fact(key="elasticity_low", title="Lower end of its central 90 %", value=found.low if found else None),
        Fact(key="elasticity_high", title="Upper end of its central 90 %", value=found.high if found else None),
    )


def elasticity_sentence(found: Elasticity | None) -> str:
    """What the elasticity says."""
    if found is None:
        return "Elasticity is not known: it needs 3 periods whose volumes differ."
    text = f"elasticity {found.value:.2f} (90 % interval {found.low:.2f} to {found.high:.2f})"
    if found.verdict == NOT_TOLD:
        return f"Cost in volume is not told apart from linear: {text}."
    return f"Cost is {found.verdict} in volume: {text}."


def _target_flips(case: UnitCostCase, now_usd: float, trend: float | None) -> tuple[str, ...]:
    """Whether the trend seen reaches the target, and when."""
    if case.target is None or trend is None:
        return ()
    target = case.target.unit_cost_usd
    needed = math.log(target / now_usd) if target != now_usd else 0.0
    if needed == 0.0 or (needed < 0.0) != (trend < 0.0) or trend == 0.0:
        reached = target >= now_usd
        return ("The target is met already." if reached else "At the trend seen, the target is never reached.",)
    n_periods = needed / math.log1p(trend) * case.periods_per_year
    if needed > 0.0:
        return (f"The target is met already; at the trend seen it is passed in {n_periods:,.0f} periods.",)
    side = "in time" if n_periods <= case.target.n_periods else "too late"
    return (f"At the trend seen, the target is reached in {n_periods:,.0f} periods: {side}.",)


def _period_table(case: UnitCostCase) -> FactTable:
    """Unit cost of each period, three ways."""
    rows: list[tuple[Cell, ...]] = []
    for part in case.periods:
        costs = [getattr(part, key) for key, _ in COST_VIEWS]
        rows.append((part.period, part.volume, *(None if cost is None else cost / part.volume for cost in costs)))
    return FactTable(
        key="periods",
        title=f"Cost per {case.unit}, {case.level} level",
        columns=(
            ("period", "Period", ""),
            ("volume", "Volume", ""),
            *((f"{key.removesuffix('_usd')}_unit_usd", title.capitalize(), "USD") for key, title in COST_VIEWS),
        ),
        rows=tuple(rows),
    )


def _path_table(case: UnitCostCase, path: list[float]) -> FactTable:
    """Unit cost of each period on the way to the target."""
    return FactTable(
        key="glide_path",
        title=f"Way to the target cost per {case.unit}",
        columns=(("period", "Period from now", ""), ("unit_cost_usd", "Unit cost", "USD")),
        rows=tuple((number, value) for number, value in enumerate(path, start=1)),
    )


def capacity_answer(case: CapacityCase) -> CaseAnswer:
    """Product of the factors x peak to average x (1 + headroom), its range by independent factors in logs."""
    middle = math.prod(part.value for part in case.factors)
    low = middle * math.exp(-math.hypot(*(math.log(part.value / (part.low or part.value)) for part in case.factors)))
    high = middle * math.exp(math.hypot(*(math.log((part.high or part.value) / part.value) for part in case.factors)))
    peak = case.peak_to_average
    room = peak * (1.0 + case.headroom_fraction)
    is_range = low < middle or high > middle
    spread = f" (P10 {low * room:,.0f}, P90 {high * room:,.0f})" if is_range else ""
    text = f"Capacity for {middle * room:,.0f} {case.unit}{spread}"
    if peak > 1.0:
        text += f": sized on the peak of {middle * peak:,.0f}, not on the average of {middle:,.0f}"
    facts = (
        Fact(key="average_units", title=f"Average, {case.unit}", value=middle),
        Fact(key="peak_units", title=f"Peak, {case.unit}", value=middle * peak),
        Fact(key="capacity_units", title=f"Capacity, {case.unit}", value=middle * room),
        Fact(key="capacity_p10_units", title=f"Capacity, P10, {case.unit}", value=low * room),
        Fact(key="capacity_p90_units", title=f"Capacity, P90, {case.unit}", value=high * room),
    )
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict="sized on the peak" if peak > 1.0 else "sized",
        statement=f"{text}, with {percent(case.headroom_fraction, 0)} headroom.",
        facts=facts,
    )
