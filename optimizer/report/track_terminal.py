"""A review on the terminal, in short. Not here: the page (`optimizer.report.track_html`)."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from forecasting.numerals import percent
from optimizer.jobs.tracking.answer import Review
from optimizer.report.numbers import column, number
from optimizer.report.terminal import fitting_table, say
from optimizer.report.track_words import (
    MEASURE_TITLES,
    PART_TITLES,
    bought_sentence,
    factor_text,
    lag_text,
    measure_cells,
    split_sentence,
    tracked_period,
    variance_sentence,
)
from optimizer.report.words import ALL_POOLS, counted, day

MAX_POOLS = 10
MAX_ANOMALIES = 8
POOL_PARTS = ("volume", "event", "anomaly", "mix")  # waste is no pool's, and rates mostly stand


def print_review(review: Review, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()) -> None:
    """Print a review: cost and its parts, measures, forecast by pool, events, anomalies, lessons."""
    say(console, f"{review.plan_title}, tracked {tracked_period(review)} UTC", style="bold")
    say(console, variance_sentence(review))
    say(console, split_sentence(review))
    _print_pools(review, console)
    _print_measures(review, console)
    _print_events(review, console)
    _print_anomalies(review, console)
    say(console, "What the next plan should learn", style="bold")
    for sentence in review.lessons.sentences:
        say(console, f"- {sentence}")
    for note in review.notes:
        say(console, note)
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}")


def _print_pools(review: Review, console: Console) -> None:
    """Variance and bias of all together and of the pools that differ most."""
    total = (review.calibration.total, review.variance.total)
    pairs = zip(review.calibration.pools, review.variance.pools, strict=True)
    ranked = sorted(pairs, key=lambda pair: -abs(pair[1].variance_usd))
    shown = [total, *ranked[:MAX_POOLS]]
    hidden = len(ranked) - len(shown) + 1
    title = "Cost and demand by pool, expected and actual" + (f"; {hidden} more pools in track.csv" if hidden else "")
    expected, actual = (column([getattr(row, name) for _, row in shown]) for name in ("expected_usd", "actual_usd"))
    rows = [
        (
            row.pool if row.pool is not None else ALL_POOLS,
            expected[index],
            actual[index],
            percent(row.variance_fraction) + (" !" if review.is_flagged(row) else ""),
            *(number(getattr(row, f"{name}_usd"), 0) for name in POOL_PARTS),
            percent(score.bias_fraction),
            percent(score.coverage_fraction, 0),
        )
        for index, (score, row) in enumerate(shown)
    ]
    titles = ("expected USD", "actual USD", "variance", *(PART_TITLES[name].lower() for name in POOL_PARTS))
    headers = ("pool", *titles, "forecast bias", "days in P10-P90")
    console.print(fitting_table(title, headers, rows, room=console.width))


def _print_measures(review: Review, console: Console) -> None:
    """Measures of commitments."""
    rows = [(MEASURE_TITLES[measure.name], *measure_cells(measure)) for measure in review.measures]
    console.print(fitting_table("Commitments", ("measure", "plan", "actual", "difference"), rows, room=console.width))
    say(console, bought_sentence(review))


def _print_events(review: Review, console: Console) -> None:
    """Declared events."""
    if not review.events:
        return
    rows = [
        (event.name, number(event.expected_units), number(event.actual_units), factor_text(event), lag_text(event))
        for event in review.events
    ]
    headers = ("event", "expected units", "actual units", "times as large", "dates")
    console.print(fitting_table("Declared events, mean change in these days", headers, rows, room=console.width))


def _print_anomalies(review: Review, console: Console) -> None:
    """Anomalies, the largest first."""
    ranked = sorted(review.anomalies, key=lambda one: -abs(one.found.deviation_fraction))
    say(console, f"{counted(len(ranked), 'anomaly') if len(ranked) == 1 else f'{len(ranked)} anomalies'} of spend.")
    for one in ranked[:MAX_ANOMALIES]:
        found = one.found
        kept = "; kept out of organic demand" if one.is_kept_out else ""
        off = f"{percent(found.deviation_fraction)} off its baseline"
        say(console, f"- {found.group}, {day(found.start_hour)}: {found.kind}, {off}, {found.n_hours} h{kept}")
