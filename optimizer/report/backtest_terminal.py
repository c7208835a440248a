"""A backtest on the terminal: the table of rivals, and how calibrated the plans were.

Not here: the files (`optimizer.report.backtest_files`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from forecasting.numerals import percent
from optimizer.jobs.backtest.answer import BacktestAnswer
from optimizer.jobs.backtest.score import Track
from optimizer.report.backtest_words import calibration_sentence, headline_sentence, ratio
from optimizer.report.numbers import column, number, without_noise
from optimizer.report.terminal import MAX_WIDTH, fitting_table, say
from optimizer.report.words import day


def print_backtest(
    answer: BacktestAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print the ways of buying, the regret and the calibration."""
    width = min(console.width, MAX_WIDTH)
    say(console, f"Backtest {day(answer.start_hour)} to {day(answer.end_hour - 1)} UTC", style="bold", width=width)
    say(console, headline_sentence(answer), width=width)
    console.print()
    tracks: tuple[Track, ...] = (answer.ours, *answer.variants, *answer.rivals, answer.clairvoyant)
    costs = column([track.whole.total_usd for track in tracks])
    rows = [
        (
            track.replay.title,
            costs[index],
            ratio(answer.capture(track.whole.total_usd), 3),
            percent(track.whole.esr if track.whole.esr is not None else float("nan")),
            percent(_or_nan(track.whole.stranded_fraction)),
            percent(_or_nan(track.whole.coverage)),
        )
        for index, track in enumerate(tracks)
    ]
    rows.append(("All on demand", number(answer.on_demand.total_usd, 0), ratio(0.0, 3), percent(0.0), "n/a", "0 %"))
    headers = ("way of buying", "USD", "capture", "ESR", "stranded", "coverage")
    console.print(fitting_table("Billed for what came", headers, rows, room=console.width))
    regret = [
        (part.title, text)
        for part, text in zip(
            answer.regret,
            column([without_noise(one.usd, answer.ours.whole.total_usd) for one in answer.regret]),
            strict=True,
        )
    ]
    console.print(fitting_table("Regret against the clairvoyant", ("part", "USD"), regret, room=console.width))
    say(console, calibration_sentence(answer), width=width)
    certificate = answer.certificate
    gap = percent(certificate.gap_fraction)
    say(
        console,
        f"Clairvoyant certified: {number(certificate.lower_bound_usd, 2)} USD or more (gap {gap}).",
        width=width,
    )
    price = answer.forecast_price
    if price is not None and np.isfinite(price.usd_per_point):
        text = f"A point (1 %) of weighted quantile loss costs {number(price.usd_per_point)} USD in the window."
        say(console, text, width=width)
    if out_dir is not None:
        say(console, f"Written to {out_dir}: {', '.join(files)}", width=width)


def _or_nan(value: float | None) -> float:
    """Value; nan for none."""
    return float("nan") if value is None else value
