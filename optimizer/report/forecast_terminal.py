"""The forecast on the terminal, in short: the highest hour of every group.

Not here: the page (`optimizer.report.forecast_html`).
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from forecasting.peaks import PEAK_LEVELS
from optimizer.jobs.forecast_answer import ForecastAnswer
from optimizer.report.forecast_charts import ranked
from optimizer.report.forecast_sections import headline_sentence, period
from optimizer.report.numbers import column
from optimizer.report.terminal import MAX_WIDTH, fitting_table, say
from optimizer.report.words import ALL_POOLS, counted, day

SHOWN_LEVELS = (0.05, 0.5, 0.95, 0.99)
MAX_SERIES = 20


def print_forecast(
    answer: ForecastAnswer, console: Console, *, out_dir: Path | None = None, files: Sequence[str] = ()
) -> None:
    """Print a forecast.

    Parameters
    ----------
    answer : ForecastAnswer
    console : Console
    out_dir : Path or None
        Where the files are; None: not written.
    files : sequence of str
        Their names.
    """
    width = min(console.width, MAX_WIDTH)
    say(console, f"Demand forecast from {day(answer.order.as_of_hour)}", style="bold", width=width)
    say(console, f"{period(answer)} UTC. {headline_sentence(answer)}", width=width)
    rows = ranked(answer)
    shown = rows[:MAX_SERIES]
    texts = [
        column([float(row.hourly_mean_units.mean()) for row in shown]),
        column([float(row.windows.mean_units[0]) for row in shown]),
        *(
            column([float(row.windows.quantile_units[0, PEAK_LEVELS.index(at)]) for row in shown])
            for at in SHOWN_LEVELS
        ),
    ]
    cells = [
        (ALL_POOLS if row.series.kind == "total" else row.series.name, *(text[index] for text in texts))
        for index, row in enumerate(shown)
    ]
    hidden = len(rows) - len(shown)
    title = "Highest hour of the horizon, units" + (f"; {counted(hidden, 'more')} in the files" if hidden else "")
    headers = ("group", "mean demand", "mean peak", *(f"P{100 * level:.0f}" for level in SHOWN_LEVELS))
    console.print()
    console.print(fitting_table(title, headers, cells, room=console.width))
    if out_dir is not None:
        say(console, f"\nWritten to {out_dir}: {', '.join(files)}", width=width)
