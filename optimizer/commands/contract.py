"""`plimsoll contract`: what offers of a committed-spend contract are worth. Not here: the job (`optimizer.jobs`)."""

from pathlib import Path
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

Offers = Annotated[Path, typer.Option(help="Offers of the contract (YAML).")]


def contract(  # noqa: PLR0913  # one parameter for each option of the command
    usage: Usage,
    prices: Prices,
    offers: Offers,
    as_of: AsOf,
    out: Out,
    commitments: Commitments = None,
    pools: Pools = None,
    roadmap: RoadmapFile = None,
    drivers: DriversFile = None,
    external: ExternalFile = None,
    policy: PolicyFile = None,
    terms: Terms = None,
    missing_hours: MissingHours = None,
    no_roadmap: NoRoadmap = False,
    holiday_country: HolidayCountry = "US",
    seed: Seed = 0,
    store: StoreFile = None,
) -> None:
    """Value offers of a committed-spend contract together with the purchases that shrink its spend."""
    from optimizer.contract_offers import read_contract_offers
    from optimizer.jobs.contract.run import ContractRequest, make_contract
    from optimizer.jobs.history import check_store, record, record_of_contract
    from optimizer.jobs.inputs import parse_country
    from optimizer.jobs.planning_inputs import read_planning_inputs
    from optimizer.report.contract_files import contract_files, contract_json
    from optimizer.report.contract_terminal import print_contract
    from optimizer.report.terminal import standard_output

    with clear_errors(), progress() as tell:
        as_of_hour = parse_date(as_of, option="--as-of")
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
        check_out_dir(out, (*paths.given.values(), offers))
        check_store(store)
        country = parse_country(holiday_country)
        options = run_options(terms, missing_hours, seed, uses_roadmap=not no_roadmap, holiday_country=country)
        tell("reading inputs")
        wanted = read_contract_offers(offers)
        given = read_planning_inputs(paths, options, as_of_hour=as_of_hour)
        answer = make_contract(ContractRequest(given=given, offers=wanted, offers_path=offers), tell=tell)
        tell("writing")
        files = contract_files(answer)
        write_outputs(out, files)
        record(store, lambda: record_of_contract(answer, contract_json(answer)), is_written=True)
    with clear_errors():
        print_contract(answer, standard_output(), out_dir=out, files=tuple(files))
