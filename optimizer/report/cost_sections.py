"""Sections of the page about money: cost beside its alternatives, what covers demand, the certificate.

Not here: purchases (`optimizer.report.purchase_sections`).
"""

from forecasting.numerals import percent
from optimizer.certificate import Certificate
from optimizer.plan import Plan, Reduction
from optimizer.report.markup import Heading, Html, element, folded, joined, table, words
from optimizer.report.money_charts import allocation_charts, cost_chart
from optimizer.report.numbers import column, usd, without_noise
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.spot_parts import spot_parts
from optimizer.report.words import change_fraction, kind_title, period

METHOD_TITLES = {
    "extensive": "one linear program over all hours and scenarios",
    "cuts": "cutting planes",
    "first-order": "descent on a smoothed cost",
}


def cost_section(plan: Plan) -> Html:
    """Cost of the plan and of what it is compared with."""
    return section(
        "cost",
        "3. Cost",
        _cost_table(plan),
        _use_table(plan),
        paragraph(
            "ESR, effective savings rate: 1 minus cost over the cost of the same usage on demand. Coverage: part of "
            "the eligible on-demand value that commitments cover. Utilization: part of what is committed that usage "
            "consumed. Stranded: committed value that no usage consumed. CVaR is the mean of the worst "
            "5 % of cases.",
            css="under",
        ),
        figure(cost_chart(plan)),
    )


def _cost_table(plan: Plan) -> Html:
    """Cost and savings."""
    summaries = plan.summaries
    reference = next((s.mean_usd for s in summaries if s.name == "all_on_demand"), None)
    keys = ("mean_usd", "p10_usd", "p50_usd", "p90_usd", "cvar_usd")
    money = [column([getattr(s, key) for s in summaries]) for key in keys]
    savings = column([None if reference is None else reference - s.mean_usd for s in summaries])
    headings = (
        words("Way of buying"),
        *(Heading(title=title, unit="USD") for title in ("Expected", "P10", "P50", "P90", "CVaR")),
        Heading(title="Saved against on demand", unit="USD, expected"),
        Heading(title="ESR"),
    )
    rows = [
        [summary.title, *(texts[index] for texts in money), savings[index], percent(summary.esr)]
        for index, summary in enumerate(summaries)
    ]
    return table(f"Cost from {period(plan)}, as billed hour by hour in every scenario", headings, rows)


def _use_table(plan: Plan) -> Html:
    """How well the commitments are used."""
    stranded = column([s.stranded_usd for s in plan.summaries])
    headings = (
        words("Way of buying"),
        Heading(title="Coverage"),
        Heading(title="Utilization"),
        Heading(title="Stranded", unit="USD, expected"),
        Heading(title="Stranded", unit="% of committed, expected"),
        Heading(title="Stranded", unit="% of committed, CVaR"),
    )
    rows = [
        [
            summary.title,
            percent(summary.coverage),
            percent(summary.utilization),
            stranded[index],
            percent(summary.stranded_fraction),
            percent(summary.stranded_cvar_fraction),
        ]
        for index, summary in enumerate(plan.summaries)
    ]
    new = f"{percent(plan.new_stranded_fraction)} expected, {percent(plan.new_stranded_cvar_fraction)} CVaR"
    caption = f"Use of commitments, owned and new together. New purchases alone strand {new}, of what they commit"
    return table(caption, headings, rows)


def cover_section(plan: Plan) -> Html:
    """What serves demand, month by month."""
    if not plan.allocation:
        return section("cover", "5. What covers demand", paragraph("There is no demand in the window."))
    charts = element("div", *map(figure, allocation_charts(plan)), attributes={"class": "pair"})
    return section("cover", "5. What covers demand", charts, _kind_table(plan), *spot_parts(plan))


def _kind_table(plan: Plan) -> Html:
    """Sums over the window by kind."""
    sums: dict[str, float] = {}
    for row in plan.allocation:
        sums[row.kind] = sums.get(row.kind, 0.0) + row.usd
    whole = sum(sums.values())
    ranked = sorted(sums, key=lambda kind: -sums[kind])
    texts = column([*(sums[kind] for kind in ranked), whole])
    rows = [
        [kind_title(kind), texts[index], percent(sums[kind] / whole if whole else float("nan"))]
        for index, kind in enumerate(ranked)
    ]
    headings = (words("Kind"), Heading(title="Expected cost", unit="USD"), Heading(title="Part"))
    caption = f"Expected cost by what serves the demand, {period(plan)} (by month and pool in allocation.parquet)"
    last = ["All", texts[-1], percent(1.0 if whole else float("nan"))]
    return folded("Sums over the window", table(caption, headings, [*rows, last], total=True))


def certificate_section(plan: Plan) -> Html:
    """How far from the optimum the plan can be, and what the billing rules say."""
    proof = plan.certificate
    bounds = (
        ("Upper bound: this plan", proof.upper_bound_usd),
        ("of which beyond the window", proof.tail_usd),
        ("Lower bound: no plan can cost less", proof.lower_bound_usd),
        ("Difference", proof.upper_bound_usd - proof.lower_bound_usd),
    )
    rows = [[title, usd(value)] for title, value in bounds]
    rows.append(["Gap, part of the upper bound", percent(proof.gap_fraction)])
    method = METHOD_TITLES.get(proof.method, proof.method)
    caption = f"Bounds on the objective (window and valued tail, before rounding), by {method}"
    return section(
        "certificate",
        "9. Certificate",
        paragraph(proof.statement),
        table(caption, (words("Bound"), Heading(title="Value")), rows),
        _replay(proof),
        paragraph(plan.reduction.statement),
        *_reduction(plan.reduction),
    )


def _replay(proof: Certificate) -> Html:
    """Cost by the billing engine beside the optimizer's, the difference split by rule."""
    difference = without_noise(proof.billed_usd - proof.lp_usd, proof.lp_usd)
    rows = [
        ["By the optimizer", usd(proof.lp_usd)],
        *([joined("Rule: ", rule), usd(without_noise(part, proof.lp_usd))] for rule, part in proof.difference_usd),
        ["By the billing rules", usd(proof.billed_usd)],
    ]
    share = percent(difference / proof.lp_usd) if proof.lp_usd > 0 else "n/a"
    caption = f"Expected cost in the window, twice: the billing rules, applied hour by hour, differ by {share}"
    return table(caption, (words("Computed"), Heading(title="Cost or difference")), rows, total=True)


def _reduction(reduction: Reduction) -> tuple[Html, ...]:
    """Cost on all paths beside that on the scenarios; nothing where it is not known."""
    if not reduction.measures:
        return ()
    titles = {"expected": "Expected", "p10": "P10", "p90": "P90"}
    money = column([value for _, *pair in reduction.measures for value in (*pair, pair[1] - pair[0])])
    rows = [
        [
            titles.get(name, f"CVaR at {percent(reduction.cvar_level, 0)}"),
            *money[3 * place : 3 * place + 3],
            percent(change_fraction(on_scenarios, on_paths), 2),
        ]
        for place, (name, on_scenarios, on_paths) in enumerate(reduction.measures)
    ]
    headings = (
        words("Cost in the window"),
        Heading(title=f"On {reduction.n_scenarios} scenarios", unit="USD"),
        Heading(title=f"On {reduction.n_paths} paths", unit="USD"),
        Heading(title="Difference", unit="USD"),
        Heading(title="Difference"),
    )
    caption = "Cost of the plan by the optimizer, on the weighted scenarios and on all paths that they stand for"
    return (table(caption, headings, rows),)
