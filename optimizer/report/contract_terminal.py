"""Offers of a contract on the terminal.

Not here: the brief (`optimizer.report.contract_html`).
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from forecasting.numerals import percent
from optimizer.jobs.contract.answer import ContractAnswer
from optimizer.report.contract_html import headline, together_usd
from optimizer.report.numbers import column, number, usd
from optimizer.report.terminal import MAX_WIDTH, fitting_table, say

MOST_CLAUSES = 6


def print_contract(
    answer: ContractAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print the advice, the offers side by side, and what to ask for."""
    width = min(console.width, MAX_WIDTH)
    say(console, headline(answer), style="bold", width=width)
    for reason in answer.reasons:
        say(console, reason, width=width)
    results = answer.results
    rows = [
        (
            result.offer.name,
            percent(result.offer.discount_fraction),
            saving,
            percent(max(row.shortfall_probability for row in result.years), 0),
            "any" if result.walk_away_first_year_usd is None else number(result.walk_away_first_year_usd, 0),
            "none" if result.break_even_discount is None else percent(result.break_even_discount, 2),
            percent(result.gap_fraction, 2),
        )
        for result, saving in zip(results, column([result.saving_per_year_usd for result in results]), strict=True)
    ]
    headers = (
        "offer",
        "discount",
        "saves, USD a year",
        "worst year missed",
        "walk away above, USD",
        "break-even",
        "gap",
    )
    console.print(fitting_table("Against no contract", headers, rows, room=console.width))
    best = answer.best
    say(
        console,
        f"{best.offer.name}: deciding purchases and contract together saves {usd(together_usd(best))} against one "
        "after the other.",
        width=width,
    )
    clauses = [(clause.text, number(clause.value_usd, 0)) for clause in best.clauses[:MOST_CLAUSES]]
    title = f"Worth asking for in {best.offer.name}"
    console.print(fitting_table(title, ("clause", "USD over its term"), clauses, room=console.width))
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}", width=width)
