"""The plan on the terminal, in short: what to buy, what it costs, what binds, how sure the answer is.

Not here: the page (`optimizer.report.html`). Names are shown as plain text, never read as markup.
"""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecasting.numerals import percent
from optimizer.plan import PeakRow, Plan
from optimizer.report.money_section import money_sentence
from optimizer.report.numbers import column, number, quantity, usd, without_noise
from optimizer.report.words import (
    ALL_POOLS,
    binding_limits,
    committed_usd,
    counted,
    day,
    kind_title,
    limit_sentence,
    period,
    saving_sentence,
    terms,
    upfront_usd,
    why_nothing_now,
)

MAX_PURCHASES = 20
MAX_PEAKS = 8
MAX_LIMITS = 8
MAX_WIDTH = 100
PIPED_WIDTH = 1_000  # more than any table needs: nothing is left out of what a program or a file gets
MIN_TEXT_WIDTH = 10
MIN_NAME_WIDTH = 16
COLUMN_PADDING = 3  # a space on both sides and the line between columns


def print_plan(plan: Plan, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()) -> None:
    """Print a plan.

    Parameters
    ----------
    plan : Plan
    console : Console
        Where to; lines are at most 100 columns wide, tables wider only where their numbers need it.
    out_dir : Path or None
        Where the files of the plan are; None: not written.
    files : sequence of str
        Their names.
    """
    width = min(console.width, MAX_WIDTH)
    say(console, plan.title, style="bold", width=width)
    say(console, f"{period(plan)} UTC. {saving_sentence(plan)}", width=width)
    _print_purchases(plan, console, width)
    _print_costs(plan, console, width)
    if plan.money is not None:
        say(console, money_sentence(plan.money), width=width)
    _print_peaks(plan, console)
    _print_limits(plan, console, width)
    _print_certificate(plan, console, width)
    if out_dir is not None:
        say(console, f"\nWritten to {out_dir}: {', '.join(files)}", width=width)


def say(console: Console, line: str, *, style: str = "", width: int = MAX_WIDTH) -> None:
    """Print one paragraph as plain text: no markup, no highlighting, no emoji codes."""
    console.print(Text(_printable(line), style=style, overflow="fold"), width=width, highlight=False, emoji=False)


def standard_output() -> Console:
    """Console on standard output; where that is no terminal, no window decides what a file or a pipe holds."""
    console = Console()
    return console if console.file.isatty() else Console(width=PIPED_WIDTH)


def fitting_table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, room: int, n_text: int = 1
) -> Table:
    """Table of numbers named by its first columns.

    Parameters
    ----------
    title : str
    headers : sequence of str
    rows : sequence of sequences of str
        Cells, in the order of the headers.
    room : int
        Columns of the terminal. The table takes 100 of them, more only if its numbers need them; where there are too
        few, the last columns are left out whole and named in the title.
    n_text : int
        Columns of text in front of the numbers.
    """
    text_width = n_text * ((MIN_NAME_WIDTH if n_text == 1 else MIN_TEXT_WIDTH) + COLUMN_PADDING) + 1
    widths = [max(len(row[index]) for row in (headers, *rows)) + COLUMN_PADDING for index in range(len(headers))]
    n_shown = len(headers)
    while n_shown > n_text + 1 and text_width + sum(widths[n_text:n_shown]) > room:
        n_shown -= 1
    missing = headers[n_shown:]
    named = f"{title} (no room for: {', '.join(missing)})" if missing else title
    width = min(room, max(MAX_WIDTH, text_width + sum(widths[n_text:n_shown])))
    table = _table(named, headers[:n_text], headers[n_text:n_shown], width=width)
    for row in rows:
        table.add_row(*(Text(_printable(cell)) for cell in row[:n_shown]))
    return table


def _table(title: str, left: Sequence[str], right: Sequence[str], *, width: int) -> Table:
    """Empty table: text columns first, then numbers on the right, which are never broken."""
    table = Table(title=Text(_printable(title), style="bold"), title_justify="left", box=box.SIMPLE_HEAD, width=width)
    for index, name in enumerate(left):
        table.add_column(Text(name), overflow="fold", ratio=3 + index, min_width=MIN_TEXT_WIDTH)
    for name in right:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _print_purchases(plan: Plan, console: Console, width: int) -> None:
    """What to buy now, or why nothing."""
    console.print()
    if not plan.purchases:
        say(console, why_nothing_now(plan), style="bold", width=width)
    else:
        title = f"Buy now ({day(plan.as_of_hour)}): {counted(len(plan.purchases), 'commitment')}"
        ranked = sorted(plan.purchases, key=lambda purchase: -purchase.committed_usd)
        shown = ranked[:MAX_PURCHASES]
        amounts = column([purchase.committed_usd for purchase in shown])
        rows = [
            (p.offer_id, f"{kind_title(p.kind)}, {terms(p)}", f"{quantity(p.quantity)} {p.quantity_unit}", amount)
            for p, amount in zip(shown, amounts, strict=True)
        ]
        headers = ("offer", "what", "quantity", "committed USD")
        console.print(fitting_table(title, headers, rows, room=console.width, n_text=2))
        hidden = len(ranked) - len(shown)
        more = f"And {counted(hidden, 'smaller one')}, all in purchases.csv. " if hidden else ""
        total, cash = committed_usd(plan.purchases), upfront_usd(plan.purchases)
        say(console, f"{more}Committed over the terms {usd(total)}, of which upfront {usd(cash)}.", width=width)
    if plan.schedule:
        later = f"{counted(len(plan.schedule), 'purchase')} for {usd(committed_usd(plan.schedule))}"
        say(console, f"Expected at later dates: {later} (schedule.csv); not advice yet.", width=width)


def _print_costs(plan: Plan, console: Console, width: int) -> None:
    """Cost and quality of each way of buying."""
    console.print()
    headers = ("way of buying", "mean USD", "P10", "P90", "ESR", "stranded", "coverage", "utilized")
    money = [column([getattr(s, key) for s in plan.summaries]) for key in ("mean_usd", "p10_usd", "p90_usd")]
    fractions = ("esr", "stranded_fraction", "coverage", "utilization")
    rows = [
        (s.title, *(texts[index] for texts in money), *(percent(getattr(s, key)) for key in fractions))
        for index, s in enumerate(plan.summaries)
    ]
    console.print(fitting_table(f"Cost from {period(plan)}", headers, rows, room=console.width))
    say(
        console,
        f"New purchases strand {percent(plan.new_stranded_fraction)} of what they commit in expectation, "
        f"{percent(plan.new_stranded_cvar_fraction)} in the worst cases (CVaR).",
        width=width,
    )


def _print_peaks(plan: Plan, console: Console) -> None:
    """The month with the highest P99 of the largest pools."""
    highest: dict[str | None, PeakRow] = {}
    for row in plan.peaks:
        if row.pool not in highest or row.p99_units > highest[row.pool].p99_units:
            highest[row.pool] = row
    ranked = sorted(highest.values(), key=lambda row: (row.pool is not None, -row.p99_units))[:MAX_PEAKS]
    if not ranked:
        return
    console.print()
    hidden = len(highest) - len(ranked)
    title = "Highest month of each pool, units" + (f"; {hidden} more pools on the page" if hidden else "")
    headers = ("pool", "month", "P50", "P90", "P99", "required", "firm")
    rows = [
        (row.pool or ALL_POOLS, row.month, *map(number, (row.p50_units, row.p90_units, row.p99_units)), *_firm(row))
        for row in ranked
    ]
    console.print(fitting_table(title, headers, rows, room=console.width))


def _firm(row: PeakRow) -> tuple[str, str]:
    """Required and firm capacity; the total of pools has neither."""
    if row.required_units is None and row.firm_units is None:
        return "-", "-"
    return number(row.required_units), number(row.firm_units) if row.firm_units is not None else "undeclared"


def _print_limits(plan: Plan, console: Console, width: int) -> None:
    """Limits that bind."""
    console.print()
    binding = binding_limits(plan)
    if not binding:
        say(console, "No limit of the policy binds.", width=width)
        return
    say(console, "Limits that bind", style="bold", width=width)
    for limit in binding[:MAX_LIMITS]:
        say(console, f"- {limit_sentence(limit)}", width=width)
    hidden = len(binding) - MAX_LIMITS
    if hidden > 0:
        say(console, f"- and {hidden} more on the page", width=width)


def _print_certificate(plan: Plan, console: Console, width: int) -> None:
    """Bounds and the replay by the billing rules."""
    proof = plan.certificate
    difference = without_noise(proof.billed_usd - proof.lp_usd, proof.lp_usd)
    share = percent(abs(difference) / proof.lp_usd) if proof.lp_usd > 0 else "n/a"
    console.print()
    say(console, f"Certificate: {proof.statement} (gap {percent(proof.gap_fraction)})", width=width)
    say(
        console,
        f"Billed hour by hour: {usd(proof.billed_usd)}; the optimizer says {usd(proof.lp_usd)}, "
        f"a difference of {usd(difference)} ({share}).",
        width=width,
    )
    say(console, plan.reduction.statement, width=width)


def _printable(text: str) -> str:
    """Text without control characters, which could move the cursor or colour the terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in text)
