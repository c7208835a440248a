"""Options that several commands share. Not here: what a command does with them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from optimizer.jobs.inputs import RunOptions, parse_terms
from optimizer.jobs.solve import Method

MAX_HORIZON_DAYS = 1_095
MAX_PATHS = 5_000


def folder(text: str) -> Path:
    """Path of an output directory; an empty text, as of a variable that is not set, is not the current one."""
    if not text.strip():
        reason = "must name a directory, got nothing."
        raise typer.BadParameter(reason)
    return Path(text)


Usage = Annotated[Path, typer.Option(help="Hourly usage: hour_utc, pool, units (CSV or Parquet).")]
Prices = Annotated[Path, typer.Option(help="Price list: one row per offer and pool (CSV or Parquet).")]
Commitments = Annotated[Path | None, typer.Option(help="What is owned (CSV or Parquet).")]
Pools = Annotated[Path | None, typer.Option(help="What the pools are (CSV or Parquet).")]
RoadmapFile = Annotated[Path | None, typer.Option("--roadmap", help="Declared events (YAML).")]
DriversFile = Annotated[
    Path | None, typer.Option("--drivers", help="What demand follows: date, driver, value (CSV or Parquet).")
]
ExternalFile = Annotated[
    Path | None,
    typer.Option("--external", help="Quantiles or sample paths of another model, to follow (CSV or Parquet)."),
]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Limits and risk (YAML).")]
Terms = Annotated[str | None, typer.Option(help="Terms that may be bought, in months: 12,36. Overrides the policy.")]
MissingHours = Annotated[
    Literal["zero", "refuse"] | None, typer.Option(help="What an hour without any row means. Overrides the roadmap.")
]
StoreFile = Annotated[
    Path | None, typer.Option("--store", help="DuckDB file to record the run in; nothing is recorded if absent.")
]
Seed = Annotated[int, typer.Option(help="Seed of the sampled scenarios.", min=0)]
Out = Annotated[Path, typer.Option(help="Directory for the files of the answer.", parser=folder, metavar="DIRECTORY")]
AsOf = Annotated[str, typer.Option(help="Date of the decision; nothing after it is read.")]
NoRoadmap = Annotated[bool, typer.Option("--no-roadmap", help="Drop the events of the roadmap.")]
HorizonDays = Annotated[int, typer.Option(help="Days ahead, from the date on.", min=1, max=MAX_HORIZON_DAYS)]
HolidayCountry = Annotated[str, typer.Option(help="Country whose holidays count, such as US; none for none.")]
MethodChoice = Annotated[Method, typer.Option(help="How to optimize; auto takes the extensive program where small.")]


def run_options(
    terms: str | None, missing_hours: str | None, seed: int, *, uses_roadmap: bool = True, holiday_country: str = "US"
) -> RunOptions:
    """Flags that several commands share."""
    return RunOptions(
        terms_months=parse_terms(terms),
        missing_hours=missing_hours,
        uses_roadmap=uses_roadmap,
        seed=seed,
        holiday_country=holiday_country,
    )
