"""The command line: which commands there are.

Not here: the commands (`optimizer.commands`), nor what they do (`optimizer.jobs`).
"""

import typer

import optimizer.blas_threads  # noqa: F401 its import is its effect, and must come before numpy
from optimizer.commands.bill import bill
from optimizer.commands.forecast import forecast
from optimizer.commands.forecast_backtest import forecast_backtest
from optimizer.commands.optimize import optimize
from optimizer.commands.plan import plan

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Forecasts cloud capacity demand and chooses the cheapest commitments within stated risk limits.",
)


@app.callback()
def plimsoll() -> None:
    """Plan cloud capacity."""


app.command()(plan)
app.command()(optimize)
app.command()(bill)
app.command()(forecast)
app.command("forecast-backtest")(forecast_backtest)


def main() -> None:
    """Entry point of the `plimsoll` command."""
    app()
