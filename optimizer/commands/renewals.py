"""`plimsoll renewals`: what to do with commitments that end. Not here: the job itself (`optimizer.jobs.renewals`)."""

from typing import Annotated

import typer

from optimizer.commands.options import (
    AsOf,
    Commitments,
    DriversFile,
    ExternalFile,
    HolidayCountry,
    MissingHours,
    NoRoadmap,
    Out,
    PolicyFile,
    Pools,
    Prices,
    RoadmapFile,
    Seed,
    StoreFile,
    Terms,
    Usage,
    run_options,
)
from optimizer.commands.shell import clear_errors, progress
from optimizer.jobs.inputs import InputPaths, parse_date
from optimizer.outputs import check_out_dir, write_outputs

Within = Annotated[str, typer.Option(help="How far ahead commitments are looked at: days, such as 180d.")]
ResalePrice = Annotated[
    list[str] | None,
    typer.Option(help="Upfront price asked for all of a commitment: its id=USD. Once for each.", metavar="ID=USD"),
]


def renewals(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    prices: Prices,
    as_of: AsOf,
    out: Out,
    within: Within = "180d",
    commitments: Commitments = None,
    pools: Pools = None,
    roadmap: RoadmapFile = None,
    drivers: DriversFile = None,
    external: ExternalFile = None,
    policy: PolicyFile = None,
    resale_price: ResalePrice = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    no_roadmap: NoRoadmap = False,
    holiday_country: HolidayCountry = "US",
    seed: Seed = 0,
    store: StoreFile = None,
) -> None:
    """Compare what can be done with each commitment that ends, or that an event strands."""
    from optimizer.jobs.history import check_store, record, record_of_renewals
    from optimizer.jobs.inputs import parse_country
    from optimizer.jobs.planning_inputs import read_planning_inputs
    from optimizer.jobs.renewals.request import RenewalRequest, parse_resale_prices, parse_within
    from optimizer.jobs.renewals.run import make_renewals
    from optimizer.report.renewals_files import renewals_files
    from optimizer.report.renewals_terminal import print_renewals
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        as_of_hour = parse_date(as_of, option="--as-of")
        within_days = parse_within(within)
        paths = InputPaths(
            usage=usage,
            prices=prices,
            commitments=commitments,
            pools=pools,
            roadmap=roadmap,
            policy=policy,
            drivers=drivers,
            external=external,
        )
        check_out_dir(out, paths.given.values())
        check_store(store)
        country = parse_country(holiday_country)
        options = run_options(terms, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country)
        tell("reading inputs")
        given = read_planning_inputs(paths, options, as_of_hour=as_of_hour)
        resale_prices = parse_resale_prices(resale_price or [], given.market.commitments)
        request = RenewalRequest(within_days=within_days, resale_prices_usd=resale_prices)
        answer = make_renewals(given, request, tell=tell)
        tell("writing")
        files = renewals_files(answer)
        write_outputs(out, files)
        record(store, lambda: record_of_renewals(answer, files["renewals.json"]), is_written=True)
    with clear_errors():
        print_renewals(answer, standard_output(), out_dir=out, files=tuple(files))
