"""Renewals on the terminal, in short: what to do with each commitment, until when, and its next best options.

Not here: the page (`optimizer.report.renewals_html`). Names are shown as plain text, never read as markup.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from optimizer.jobs.renewals.answer import Decision, Option, RenewalAnswer
from optimizer.report.numbers import number, quantity
from optimizer.report.renewals_sections import lead_text
from optimizer.report.terminal import MAX_WIDTH, fitting_table, say
from optimizer.report.words import day

MAX_OPTIONS = 8
HEADERS = ("option", "offer", "above optimum USD", "stranded USD", "owed after USD", "last day")


def print_renewals(
    answer: RenewalAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print renewals.

    Parameters
    ----------
    answer : RenewalAnswer
    console : Console
    out_dir : Path or None
        Where the files are; None: not written.
    files : sequence of str
        Their names.
    """
    width = min(console.width, MAX_WIDTH)
    say(console, f"Renewals within {answer.within_days} days from {day(answer.as_of_hour)}", style="bold", width=width)
    say(console, lead_text(answer), width=width)
    for decision in answer.decisions:
        _print_decision(decision, console, width)
    if out_dir is not None:
        say(console, f"\nWritten to {out_dir}: {', '.join(files)}", width=width)


def _print_decision(decision: Decision, console: Console, width: int) -> None:
    """One commitment: what to do, its options, and what cannot be done."""
    console.print()
    head = f"{decision.commitment_id}: {quantity(decision.quantity)} {decision.quantity_unit} of {decision.offer_id}"
    say(console, f"{head}, until {day(decision.end_hour)}", style="bold", width=width)
    best = decision.recommended
    if best is not None:
        say(console, f"{best.title}{_amount(best)}. {decision.reason} {decision.must_be_true}", width=width)
    else:
        say(console, decision.reason, width=width)
    possible = [option for option in decision.options if option.choice.is_open]
    hidden = len(possible) - MAX_OPTIONS
    rows = [_row(option) for option in possible[:MAX_OPTIONS]]
    title = "Options, the cheapest first" + (f"; {hidden} more in renewals.csv" if hidden > 0 else "")
    console.print(fitting_table(title, HEADERS, rows, room=console.width, n_text=2))
    shut = [
        f"{option.title}: {' '.join(option.choice.obstacles)}" for option in decision.options if option.choice.obstacles
    ]
    for line in shut:
        say(console, f"- {line}", width=width)


def _row(option: Option) -> tuple[str, ...]:
    """Cells of one option."""
    mark = " *" if option.is_recommended else ""
    mark += " (outside the limits)" if not option.is_within_limits else ""
    above = number(option.over_best_usd, 0)
    if option.costs is None:
        above = f"breaks even at {number(option.break_even_price_usd, 0)}"
    return (
        f"{option.title}{mark}",
        f"{_amount(option).removeprefix(', ')}",
        above,
        number(option.stranded_usd, 0),
        number(option.lock_in_usd, 0),
        day(option.choice.decide_by_hour),
    )


def _amount(option: Option) -> str:
    """Quantity and offer, where there is one, and the date of what is done before the end."""
    date = f", on {day(option.choice.at_hour)}" if option.choice.release is not None else ""
    if not option.offer_id:
        return date
    amount = "" if option.quantity is None else f"{quantity(option.quantity)} {option.quantity_unit} of "
    return f", {amount}{option.offer_id}{date}"
