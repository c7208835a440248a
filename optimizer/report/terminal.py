"""The plan on the terminal, in short: what to buy, what it costs, what binds, how sure the answer is.

Not here: the page (`optimizer.report.html`). Names are shown as plain text, never read as markup.
"""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from optimizer.plan import PeakRow, Plan
from optimizer.report.numbers import column, number, percent, quantity, usd, without_noise
from optimizer.report.words import (
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
MIN_TEXT_WIDTH = 10
MIN_NAME_WIDTH = 16
COLUMN_PADDING = 3  # a space on both sides and the line between columns


def print_plan(plan: Plan, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()) -> None:
    """Print a plan.

    Parameters
    ----------
    plan : Plan
    console : Console
        Where to; lines are at most 100 columns wide.
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
    _print_peaks(plan, console, width)
    _print_limits(plan, console, width)
    _print_certificate(plan, console, width)
    if out_dir is not None:
        say(console, f"\nWritten to {out_dir}: {', '.join(files)}", width=width)


def say(console: Console, line: str, *, style: str = "", width: int = MAX_WIDTH) -> None:
    """Print one paragraph as plain text: no markup, no highlighting, no emoji codes."""
    console.print(Text(_printable(line), style=style, overflow="fold"), width=width, highlight=False, emoji=False)


def simple_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Table whose first two columns are text (one where there are two in all) and the rest numbers."""
    n_text = min(2, len(headers) - 1)
    table = _table(title, headers[:n_text], headers[n_text:], width=MAX_WIDTH)
    for row in rows:
        _add(table, *row)
    return table


def _table(title: str, left: Sequence[str], right: Sequence[str], *, width: int) -> Table:
    """Empty table: text columns first, then numbers on the right, which are never broken."""
    table = Table(title=Text(_printable(title), style="bold"), title_justify="left", box=box.SIMPLE_HEAD, width=width)
    for index, name in enumerate(left):
        table.add_column(Text(name), overflow="fold", ratio=3 + index, min_width=MIN_TEXT_WIDTH)
    for name in right:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _fitting(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> Table:
    """Table of named rows of numbers; where the terminal is narrow, the last columns are left out whole."""
    widths = [max(len(row[index]) for row in (headers, *rows)) + COLUMN_PADDING for index in range(1, len(headers))]
    n_shown = len(widths)
    while n_shown > 1 and MIN_NAME_WIDTH + COLUMN_PADDING + 1 + sum(widths[:n_shown]) > width:
        n_shown -= 1
    missing = headers[n_shown + 1 :]
    named = f"{title} (on the page: {', '.join(missing)})" if missing else title
    table = _table(named, headers[:1], headers[1 : n_shown + 1], width=width)
    for row in rows:
        _add(table, *row[: n_shown + 1])
    return table


def _add(table: Table, *cells: str) -> None:
    """Add a row of plain text."""
    table.add_row(*(Text(_printable(cell)) for cell in cells))


def _print_purchases(plan: Plan, console: Console, width: int) -> None:
    """What to buy now, or why nothing."""
    console.print()
    if not plan.purchases:
        say(console, why_nothing_now(plan), style="bold", width=width)
    else:
        title = f"Buy now ({day(plan.as_of_hour)}): {counted(len(plan.purchases), 'commitment')}"
        table = _table(title, ("offer", "what"), ("quantity", "committed USD"), width=width)
        ranked = sorted(plan.purchases, key=lambda purchase: -purchase.committed_usd)
        shown = ranked[:MAX_PURCHASES]
        amounts = column([purchase.committed_usd for purchase in shown])
        for purchase, amount in zip(shown, amounts, strict=True):
            what = f"{kind_title(purchase.kind)}, {terms(purchase)}"
            _add(table, purchase.offer_id, what, f"{quantity(purchase.quantity)} {purchase.quantity_unit}", amount)
        console.print(table)
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
    console.print(_fitting(f"Cost from {period(plan)}", headers, rows, width=width))
    say(
        console,
        f"New purchases strand {percent(plan.new_stranded_fraction)} of what they commit in expectation, "
        f"{percent(plan.new_stranded_cvar_fraction)} in the worst cases (CVaR).",
        width=width,
    )


def _print_peaks(plan: Plan, console: Console, width: int) -> None:
    """The month with the highest P99 of the largest pools."""
    highest: dict[str, PeakRow] = {}
    for row in plan.peaks:
        if row.pool not in highest or row.p99_units > highest[row.pool].p99_units:
            highest[row.pool] = row
    ranked = sorted(highest.values(), key=lambda row: (row.pool != "total", -row.p99_units))[:MAX_PEAKS]
    if not ranked:
        return
    console.print()
    hidden = len(highest) - len(ranked)
    title = "Highest month of each pool, units" + (f"; {hidden} more pools on the page" if hidden else "")
    headers = ("pool", "month", "P50", "P90", "P99", "required", "firm")
    rows = [
        (row.pool, row.month, *map(number, (row.p50_units, row.p90_units, row.p99_units)), *_firm(row))
        for row in ranked
    ]
    console.print(_fitting(title, headers, rows, width=width))


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


def _printable(text: str) -> str:
    """Text without control characters, which could move the cursor or colour the terminal."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\N{REPLACEMENT CHARACTER}" for mark in text)
