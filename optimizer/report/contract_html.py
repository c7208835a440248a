"""The brief for the negotiation: two pages in print, position and numbers, then what to trade; then the record.

Not here: the figures of others (`optimizer.report.contract_bands`).
"""

from forecasting.numerals import percent
from optimizer.jobs.contract.answer import ContractAnswer, OfferResult
from optimizer.report.contract_bands import BANDS, NOT_OFFICIAL, PRECEDENTS
from optimizer.report.contract_charts import retirement_chart
from optimizer.report.markup import Heading, Html, element, joined, name_text, table, words
from optimizer.report.numbers import column, number, usd, without_noise
from optimizer.report.page_frame import page_bytes
from optimizer.report.run_record import again, assumption_list, record_tables
from optimizer.report.sections import figure, paragraph, section
from optimizer.report.words import day

PRINT_CSS = """
@media print {
  @page { margin: 10mm; }
  #trade, #record { break-before: page; }
  #position, #trade { margin-top: 6px; padding-top: 6px; font-size: 8pt; line-height: 1.25; }
  #position table, #trade table { font-size: 7pt; }
  #position th, #position td, #trade th, #trade td { padding: 1.5px 4px; }
  #position h3, #trade h3 { margin: 6px 0 2px; }
  #position p, #trade p, #position li, #trade li { margin: 1px 0; max-width: none; }
  #position ul, #trade ul { margin: 2px 0; }
}
"""
ANY = "any"


def contract_html(answer: ContractAnswer) -> bytes:
    """The page. The same answer gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    title = f"Contract brief, {day(answer.as_of_hour)}"
    header = (element("style", Html(PRINT_CSS)), element("h1", title), paragraph(headline(answer), css="under"))
    sections = (_position(answer), _trade(answer), _record(answer))
    footer = "Costs are present values in USD. Charts need scripts, the tables do not."
    return page_bytes(title, header=header, sections=sections, footer=footer)


def headline(answer: ContractAnswer) -> str:
    """The advice in one sentence."""
    if not answer.recommended:
        return "No offer is worth signing as it stands."
    best = answer.best
    return f"Take {best.offer.name}: it is expected to save {usd(best.saving_per_year_usd)} a year against no contract."


def _position(answer: ContractAnswer) -> Html:
    """First page: the advice, all offers, the years of the best one."""
    best = answer.best
    reasons = element("ul", *(element("li", reason) for reason in answer.reasons))
    return section(
        "position",
        "Position",
        reasons,
        _comparison(answer),
        paragraph(
            "A larger commitment at the same discount never costs less. Up to 'free' it costs nothing; beyond 'walk "
            "away' no contract is cheaper."
        ),
        paragraph(_together(best)),
        element("h3", "Year by year: ", name_text(best.offer.name)),
        _years(best),
        figure(retirement_chart(best)),
    )


def _comparison(answer: ContractAnswer) -> Html:
    """All offers side by side."""
    results = answer.results
    rows = [
        [
            name_text(result.offer.name),
            _amounts(result),
            percent(result.offer.discount_fraction),
            saving,
            f"{low} to {high}",
            percent(max(year.shortfall_probability for year in result.years), 0),
            _limit(result.free_first_year_usd),
            _limit(result.walk_away_first_year_usd),
            "none" if result.break_even_discount is None else percent(result.break_even_discount, 2),
        ]
        for result, saving, low, high in zip(
            results,
            column([result.saving_per_year_usd for result in results]),
            column([result.saving_p10_usd / len(result.offer.annual_usd) for result in results]),
            column([result.saving_p90_usd / len(result.offer.annual_usd) for result in results]),
            strict=True,
        )
    ]
    headings = (
        words("Offer"),
        Heading(title="Commitments", unit="million USD"),
        Heading(title="Discount"),
        Heading(title="Expected saving", unit="USD a year"),
        Heading(title="P10 to P90", unit="USD a year"),
        Heading(title="Worst year", unit="chance missed"),
        Heading(title="Free up to", unit="USD, year 1"),
        Heading(title="Walk away above", unit="USD, year 1"),
        Heading(title="Break-even", unit="discount"),
    )
    return table("Offers against no contract, purchases and contract decided together", headings, rows)


def _amounts(result: OfferResult) -> str:
    """Commitments in millions, one where they are the same."""
    annual = result.offer.annual_usd
    if len(set(annual)) == 1:
        return f"{len(annual)} x {number(annual[0] / 1e6, 2)}"
    return ", ".join(number(value / 1e6, 2) for value in annual)


def _limit(value: float | None) -> str:
    """Largest commitment; any where there is no bound."""
    return ANY if value is None else number(value, 0)


def _together(result: OfferResult) -> str:
    """What the joint decision brings, and how near it is to the best."""
    gap = result.gap_fraction
    near = (
        "how near that is to the best is not known"
        if gap is None
        else f"no purchases cost less by more than {percent(gap, 2)}"
    )
    return (
        f"Under {result.offer.name} the cost is {usd(result.joint.cost_usd)}: spend {usd(result.joint.spend_usd)}, "
        f"shortfall {usd(result.joint.shortfall_usd)}, support {usd(result.joint.support_usd)}, after the contract "
        f"beyond what is planned without it {usd(result.joint.after_usd)}; {near}. Planning first "
        f"and signing then would cost {usd(together_usd(result))} more. No contract: {usd(result.no_contract_usd)}."
    )


def together_usd(result: OfferResult) -> float:
    """What deciding together saves; 0 where rounding alone makes a difference. [USD]"""
    return without_noise(result.together_usd, result.joint.cost_usd)


def _years(result: OfferResult) -> Html:
    """Commitment, counted spend and shortfall by year."""
    rows = [
        [
            str(row.year),
            *(
                number(value, 0)
                for value in (row.commitment_usd, row.counted_p10_usd, row.counted_p50_usd, row.counted_p90_usd)
            ),
            percent(row.shortfall_probability, 0),
            *(
                number(value, 0)
                for value in (row.shortfall_mean_usd, row.shortfall_p90_usd, row.moved_mean_usd, row.used_mean_usd)
            ),
        ]
        for row in result.years
    ]
    headings = (
        Heading(title="Year"),
        Heading(title="Commitment", unit="USD"),
        Heading(title="Counted, P10", unit="USD"),
        Heading(title="P50", unit="USD"),
        Heading(title="P90", unit="USD"),
        Heading(title="Missed", unit="chance"),
        Heading(title="Shortfall, mean", unit="USD"),
        Heading(title="P90", unit="USD"),
        Heading(title="Moved on", unit="USD"),
        Heading(title="Prepaid, used", unit="USD"),
    )
    return table("Spend that counts against each year's commitment, undiscounted", headings, rows)


def _trade(answer: ContractAnswer) -> Html:
    """Second page: what to trade, references, risks."""
    best = answer.best
    rows = [
        [clause.text, value]
        for clause, value in zip(best.clauses, column([clause.value_usd for clause in best.clauses]), strict=True)
    ]
    clauses = table(
        "What a clause is worth over the whole contract; below 0 it would cost",
        (words("Ask for"), Heading(title="Value", unit="USD")),
        rows,
    )
    bands = [[band.commitment, band.discount, band.term, band.kind, band.source, band.date] for band in BANDS]
    precedents = [[one.clause, one.text, one.source] for one in PRECEDENTS]
    return section(
        "trade",
        "What to trade for what",
        paragraph("For ", name_text(best.offer.name), ": give what is worth little here for what is worth much."),
        clauses,
        element("h3", "Risks"),
        element("ul", *(element("li", risk) for risk in risks(best))),
        element("h3", "Reference bands"),
        paragraph(NOT_OFFICIAL),
        table(
            "Published discounts",
            tuple(words(title) for title in ("Commitment", "Discount", "Term", "Kind", "Source", "Date")),
            bands,
        ),
        table("Clauses on record", tuple(words(title) for title in ("Clause", "What", "Source")), precedents),
    )


def risks(result: OfferResult) -> tuple[str, ...]:
    """What could go wrong with an offer."""
    out = [
        f"In one scenario of ten the contract saves less than {usd(result.saving_p10_usd)} over its term.",
        "Buying savings plans or reservations later than assumed leaves more spend to retire the commitment, and "
        "buying more leaves less: plan both together again before each renewal.",
    ]
    worst = max(result.years, key=lambda row: row.shortfall_p90_usd)
    if worst.shortfall_p90_usd > 0.0:
        out.append(
            f"Year {worst.year}: in one scenario of ten the shortfall is {usd(worst.shortfall_p90_usd)} or more."
        )
    if result.walk_away_first_year_usd is not None:
        room = result.walk_away_first_year_usd - result.offer.annual_usd[0]
        side = "room is left" if room >= 0.0 else "it is too much"
        text = f"The commitment beyond which no contract is cheaper: {side} by {usd(abs(room))} in the first year."
        out.append(text)
    return tuple(out)


def _record(answer: ContractAnswer) -> Html:
    """After the two pages: assumptions, inputs, versions."""
    spend = ", ".join(number(value, 0) for value in answer.spend_yearly_usd.tolist())
    listed = ", ".join(number(value, 0) for value in answer.on_demand_yearly_usd.tolist())
    return section(
        "record",
        "Assumptions and inputs",
        paragraph(
            f"Expected spend of the planned pools by year without a contract: {spend} USD; on demand {listed} USD."
        ),
        joined(assumption_list(answer.assumptions), record_tables(answer.inputs, answer.versions)),
        again(
            "plimsoll contract",
            options=f"--as-of {day(answer.as_of_hour)} --seed {answer.seed}",
            versions=answer.versions,
        ),
    )
