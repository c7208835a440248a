"""The command line: which commands there are.

Not here: the commands (`optimizer.commands`), nor what they do (`optimizer.jobs`).
"""

import typer

import optimizer.blas_threads  # noqa: F401 its import is its effect, and must come before numpy
from optimizer.commands.assess import assess
from optimizer.commands.attribute import attribute
from optimizer.commands.backtest import backtest
from optimizer.commands.bill import bill
from optimizer.commands.contract import contract
from optimizer.commands.forecast import forecast
from optimizer.commands.forecast_backtest import forecast_backtest
from optimizer.commands.history import history
from optimizer.commands.import_prices import import_prices
from optimizer.commands.importing import import_usage_command
from optimizer.commands.optimize import optimize
from optimizer.commands.owners import owners
from optimizer.commands.plan import plan
from optimizer.commands.reconcile import reconcile
from optimizer.commands.renewals import renewals
from optimizer.commands.track import track

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
app.command()(renewals)
app.command()(optimize)
app.command()(bill)
app.command()(contract)
app.command()(backtest)
app.command()(owners)
app.command()(attribute)
app.command()(assess)
app.command("import")(import_usage_command)
app.command("import-prices")(import_prices)
app.command()(reconcile)
app.command()(track)
app.command()(history)
app.command()(forecast)
app.command("forecast-backtest")(forecast_backtest)


def main() -> None:
    """Entry point of the `plimsoll` command."""
    app()
