"""Sheets of the workbook that hold one matter each: purchases, scenarios, limits, certificate, assumptions.

Not here: money (`optimizer.report.workbook_money`), the summary (`optimizer.report.workbook`).
"""

import datetime as dt
from collections.abc import Sequence

from optimizer.certificate import Certificate
from optimizer.metrics import gap_fraction
from optimizer.plan import LimitState, Plan, Purchase, Reduction
from optimizer.report.numbers import usd
from optimizer.report.words import (
    PAYMENT_TITLES,
    change_fraction,
    committed_usd,
    kind_title,
    limit_saving_usd,
    limit_sentence,
    upfront_usd,
)
from optimizer.report.workbook_cells import Cell, Column, Sheet, Table, Value

MAX_POOLS = 40
EPOCH = dt.datetime(1970, 1, 1)


def moment(hour: int) -> dt.datetime:
    """Date and time in UTC of an epoch hour, as a spreadsheet holds it: without a zone."""
    return EPOCH + dt.timedelta(hours=int(hour))


def over_rows(function: str, key: str, value: float) -> Cell:
    """Function of all rows of a column, such as SUM."""
    return Cell(formula=f"={function}({{{key}}}{{first}}:{{{key}}}{{last}})", value=value)


def summed(key: str, value: float) -> Cell:
    """Total of a column."""
    return over_rows("SUM", key, value)


def purchase_sheet(sheet: Sheet, purchases: Sequence[Purchase], *, title: str, sentence: str) -> Table:
    """Purchases by date and then the largest first, with their totals."""
    ranked = sorted(purchases, key=lambda one: (one.decision_hour, -one.committed_usd, one.commitment_id))
    columns = (
        Column(key="name", title="Commitment", width=26),
        Column(key="offer", title="Offer", width=22),
        Column(key="kind", title="What", width=18),
        Column(key="payment", title="Payment", width=12),
        Column(key="term", title="Term, months", style="count", width=8),
        Column(key="buy", title="Buy on (UTC)", style="date", width=12),
        Column(key="start", title="Starts (UTC)", style="date", width=12),
        Column(key="end", title="Ends before (UTC)", style="date", width=12),
        Column(key="quantity", title="Quantity", style="quantity", width=11),
        Column(key="unit", title="Unit", width=11),
        Column(key="committed", title="Committed, USD", style="usd", width=16),
        Column(key="upfront", title="Upfront, USD", style="usd", width=16),
        Column(key="later", title="Paid as it runs, USD", style="usd", width=16),
        Column(key="pools", title="Pools", width=28),
        Column(key="reason", title="Why", width=40),
    )
    committed, upfront = committed_usd(ranked), upfront_usd(ranked)
    later = sum(round(one.committed_usd - one.upfront_usd, 6) for one in ranked)
    total: list[Value] = ["Sum", *[None] * 9]
    total += [summed("committed", committed), summed("upfront", upfront), summed("later", later)]
    sheet.title(title)
    sheet.sentence(sentence)
    return sheet.table(columns, [_purchase_row(one) for one in ranked], totals=[[*total, None, None]], role="list")


def _purchase_row(one: Purchase) -> list[Value]:
    """Cells of one purchase."""
    return [
        one.commitment_id,
        one.offer_id,
        kind_title(one.kind),
        PAYMENT_TITLES.get(one.payment_option, one.payment_option),
        float(one.term_months) if one.term_months else None,
        moment(one.decision_hour),
        moment(one.start_hour),
        moment(one.end_hour),
        one.quantity,
        one.quantity_unit,
        one.committed_usd,
        one.upfront_usd,
        Cell(formula="=ROUND({committed}{row}-{upfront}{row},6)", value=round(one.committed_usd - one.upfront_usd, 6)),
        _pools_text(one.pools),
        one.reason,
    ]


def _pools_text(pools: Sequence[str]) -> str:
    """The first pools by name, the others counted."""
    hidden = len(pools) - MAX_POOLS
    return ", ".join(pools[:MAX_POOLS]) + (f" and {hidden} more (in plan.json)" if hidden > 0 else "")


def scenario_sheet(sheet: Sheet, plan: Plan) -> Table:
    """Cost of every way of buying in every scenario; under them the expected cost, the least and the most.

    Key of the i-th summary's column: `scenario_key(i)`.
    """
    keys = [scenario_key(place) for place in range(len(plan.summaries))]
    weights = plan.scenario_weights.tolist()
    costs = [summary.scenario_usd.tolist() for summary in plan.summaries]
    columns = (
        Column(key="scenario", title="Scenario", style="count", width=16),
        Column(key="weight", title="Weight", style="gap", width=13),
        *(
            Column(key=key, title=f"{summary.title}, USD", style="usd", width=20)
            for key, summary in zip(keys, plan.summaries, strict=True)
        ),
    )
    rows: list[list[Value]] = [
        [float(place + 1), weight, *(cost[place] for cost in costs)] for place, weight in enumerate(weights)
    ]
    by_key = list(zip(keys, costs, strict=True))
    totals: list[list[Value]] = [
        ["Expected", summed("weight", sum(weights)), *(_expected(key, weights, cost) for key, cost in by_key)],
        ["Least", None, *(over_rows("MIN", key, min(cost)) for key, cost in by_key)],
        ["Most", None, *(over_rows("MAX", key, max(cost)) for key, cost in by_key)],
    ]
    sheet.title("Cost in the window by scenario")
    sheet.sentence("Amortized: upfront fees are spread over their terms. Expected: the sum of weight x cost.")
    return sheet.table(columns, rows, totals=totals, role="list")


def _expected(key: str, weights: Sequence[float], costs: Sequence[float]) -> Cell:
    """Sum of weight x cost."""
    value = sum(weight * cost for weight, cost in zip(weights, costs, strict=True))
    return Cell(
        formula=f"=SUMPRODUCT({{weight}}{{first}}:{{weight}}{{last}},{{{key}}}{{first}}:{{{key}}}{{last}})", value=value
    )


def scenario_key(place: int) -> str:
    """Name of the column of the i-th summary on the sheet of scenarios."""
    return f"cost{place}"


def limit_sheet(sheet: Sheet, limits: Sequence[LimitState]) -> Table:
    """Limits of the policy, those that bind first, the dearest of them first."""
    ranked = sorted(limits, key=lambda one: (not one.binds, -limit_saving_usd(one)))
    columns = (
        Column(key="name", title="Limit", width=44),
        Column(key="state", title="State", width=10),
        Column(key="limit", title="Allowed", style="quantity", width=18),
        Column(key="value", title="Taken", style="quantity", width=18),
        Column(key="unit", title="Unit", width=28),
        Column(key="saves", title="Loosened by one, saves, USD", style="usd", width=18),
        Column(key="one", title="One is", width=34),
        Column(key="text", title="In words", width=80),
    )
    sheet.title("Limits of the policy")
    sheet.sentence("What loosening saves is the expected cost at the margin: the next one saves less.")
    if not ranked:
        sheet.sentence("The policy sets no limits.")
    return sheet.table(columns, [_limit_row(one) for one in ranked], role="list")


def _limit_row(one: LimitState) -> list[Value]:
    """Cells of one limit; of a fraction one is a percentage point."""
    is_fraction = one.unit.startswith("fraction")
    style = "percent" if is_fraction else "usd" if one.unit == "USD" else "quantity"
    saving_usd = limit_saving_usd(one)
    return [
        one.name,
        "binds" if one.binds else "free",
        Cell(value=one.limit, style=style),
        Cell(value=one.value, style=style),
        one.unit,
        saving_usd / 100.0 if is_fraction else saving_usd,
        one.unit.replace("fraction", "percentage point", 1) if is_fraction else one.unit.removesuffix("s"),
        limit_sentence(one),
    ]


def certificate_sheet(sheet: Sheet, certificate: Certificate, reduction: Reduction) -> Table:
    """Bounds and gaps, the bill rule by rule (the table that is returned), what the reduction to scenarios changes."""
    sheet.title("Certificate")
    sheet.sentence(certificate.statement)
    sheet.gap()
    _bounds_table(sheet, certificate)
    parts = certificate.difference_usd
    columns = (Column(key="what", title="Expected cost in the window", width=44), _usd_column("usd", "USD"))
    rows: list[list[Value]] = [["By the optimizer's recourse", certificate.lp_usd]]
    rows += [[f"+ {rule}", usd] for rule, usd in parts]
    total = certificate.lp_usd + sum(usd for _, usd in parts)
    bill = sheet.table(
        columns,
        rows,
        totals=[["By the billing rules", summed("usd", total)]],
        caption="From the optimizer's cost to the bill, by rule",
    )
    _reduction_table(sheet, reduction)
    return bill


def _usd_column(key: str, title: str) -> Column:
    """Column of amounts."""
    return Column(key=key, title=title, style="usd", width=20)


def _bounds_table(sheet: Sheet, certificate: Certificate) -> None:
    """Upper and lower bound of the objective, and the gap between them."""
    whole = certificate.whole_steps
    bounds = [("Any quantities", certificate.method, certificate.upper_bound_usd, certificate.lower_bound_usd)]
    if whole is not None:
        bounds.append(("Whole steps", whole.method, whole.upper_bound_usd, whole.lower_bound_usd))
    columns = (
        Column(key="what", title="Purchases in", width=44),
        _usd_column("upper", "Cost of the plan, USD"),
        _usd_column("lower", "No plan costs less than, USD"),
        _usd_column("most", "Could be cheaper by, USD"),
        Column(key="gap", title="Gap", style="gap", width=14),
        Column(key="method", title="Method", width=16),
    )
    rows: list[list[Value]] = [
        [
            title,
            upper,
            lower,
            Cell(formula="=MAX(0,{upper}{row}-{lower}{row})", value=max(0.0, upper - lower)),
            Cell(
                formula="=IF({upper}{row}>0,{most}{row}/{upper}{row},0)",
                value=gap_fraction(upper_usd=upper, lower_usd=lower),
            ),
            method,
        ]
        for title, method, upper, lower in bounds
    ]
    sheet.table(columns, rows, caption="Objective: the window and the valued tail")
    sheet.sentence(f"Of the cost of any quantities {usd(certificate.tail_usd)} lie beyond the window.")
    sheet.gap()


def _reduction_table(sheet: Sheet, reduction: Reduction) -> None:
    """Cost on the scenarios against cost on all sample paths."""
    sheet.sentence(reduction.statement)
    columns = (
        Column(key="what", title="Cost in the window", width=44),
        _usd_column("scenarios", "On the scenarios, USD"),
        _usd_column("paths", "On all paths, USD"),
        _usd_column("change", "Difference, USD"),
        Column(key="part", title="Difference", style="gap", width=14),
    )
    titles = {"expected": "Expected", "p10": "P10", "p90": "P90", "cvar": f"CVaR at level {reduction.cvar_level:g}"}
    rows: list[list[Value]] = [
        [
            titles.get(name, name),
            on_scenarios,
            on_paths,
            Cell(formula="={paths}{row}-{scenarios}{row}", value=on_paths - on_scenarios),
            Cell(formula="={change}{row}/{scenarios}{row}", value=change_fraction(on_scenarios, on_paths)),
        ]
        for name, on_scenarios, on_paths in reduction.measures
    ]
    sheet.table(columns, rows, caption="What the reduction of sample paths to scenarios changes")


def assumption_sheet(sheet: Sheet, plan: Plan) -> None:
    """Everything that the plan takes as given: sentences, declared events, settings, inputs by hash, versions."""
    columns = (
        Column(key="kind", title="Kind", width=14),
        Column(key="name", title="Name", width=36),
        Column(key="says", title="Says", width=90),
        Column(key="start", title="From (UTC)", style="date", width=17),
        Column(key="end", title="Ends before (UTC)", style="date", width=17),
    )
    rows: list[list[Value]] = [["assumption", None, text, None, None] for text in plan.assumptions]
    rows += [
        ["event", f"{one.name} ({one.kind})", one.text, moment(one.start_hour), moment(one.end_hour)]
        for one in plan.events
    ]
    rows += [["setting", name, value, None, None] for name, value in _settings(plan)]
    rows += [["input", f"{one.role}: {one.name}", f"SHA-256 {one.sha256}", None, None] for one in plan.inputs]
    rows += [["version", name, version, None, None] for name, version in plan.versions]
    sheet.title("Assumptions")
    sheet.sentence("What the plan takes as given, and the inputs it was made from.")
    sheet.table(columns, rows, role="list")


def _settings(plan: Plan) -> list[tuple[str, str]]:
    """Settings that are not files."""
    out = [("seed of random draws", str(plan.seed))]
    if plan.money is not None:
        out.append(("goal", plan.money.goal))
        out.append(("discount rate, fraction a year", repr(plan.money.discount_rate_yearly)))
        out.append(("payback is flagged past, months", repr(plan.money.payback_flag_months)))
    return out
