"""Files of a run, read and checked together, with what they say about each other.

Not here: the rules of any single file (its reader has them), what is done with it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecasting.calendars import holiday_names
from forecasting.drivers import Drivers, read_drivers
from forecasting.errors import InputError, Problem
from forecasting.frames import shown
from forecasting.history import History, read_usage
from forecasting.hours import FIRST_DATE, LAST_DATE, MAX_TERM_MONTHS, hour_of_plan_date
from forecasting.roadmap import Roadmap, check_roadmap, read_roadmap
from optimizer.assembly import Market
from optimizer.billing.eligibility import check_providers
from optimizer.failover import failover_problems, region_problems
from optimizer.goals import market_for_goal
from optimizer.plan import InputRecord
from optimizer.policy import Policy, read_policy
from optimizer.pools import Pool, pool_table, read_pools
from optimizer.portfolio import owned_offer_ids, read_optional_commitments
from optimizer.prices import build_catalog, read_price_rows

NO_COUNTRY = "none"
MAX_DIGITS = 9  # of a term: enough to be told that it is too long


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPaths:
    """Files that a user hands over; None where an option is left out.

    Attributes
    ----------
    usage, prices : Path
    commitments, pools, roadmap, policy, drivers, external, lessons : Path or None
    """

    usage: Path
    prices: Path
    commitments: Path | None = None
    pools: Path | None = None
    roadmap: Path | None = None
    policy: Path | None = None
    drivers: Path | None = None
    external: Path | None = None
    lessons: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """Files that were named, by role."""
        roles = ("usage", "prices", "commitments", "pools", "roadmap", "policy", "drivers", "external", "lessons")
        return {role: path for role in roles if (path := getattr(self, role)) is not None}

    def records(self) -> tuple[InputRecord, ...]:
        """Role, name and content hash of every file given."""
        return tuple(
            InputRecord(role=role, name=path.name, sha256=file_sha256(path)) for role, path in self.given.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Flags that every command shares; each overrides the policy or the roadmap where it is given.

    Attributes
    ----------
    terms_months : tuple of int or None
    missing_hours : str or None
        ``zero`` or ``refuse``.
    uses_roadmap : bool
        False drops the events of the roadmap, never its key for missing hours nor its relations: those say nothing of
        the future.
    seed : int
    holiday_country : str
        ISO 3166 alpha-2; empty for none.
    """

    terms_months: tuple[int, ...] | None = None
    missing_hours: str | None = None
    uses_roadmap: bool = True
    seed: int = 0
    holiday_country: str = "US"


def parse_date(text: str, *, option: str) -> int:
    """Epoch hour of a date given on the command line.

    Raises
    ------
    InputError
        If it is no date.
    """
    try:
        return hour_of_plan_date(text)
    except ValueError:
        message = f"must be a date such as 2024-02-01, between {FIRST_DATE} and {LAST_DATE}, got {shown(text)}."
        raise InputError(option, [Problem(message=message)]) from None


def parse_terms(text: str | None) -> tuple[int, ...] | None:
    """Terms in months of ``--terms 12,36``.

    Raises
    ------
    InputError
        If one is not a positive whole number of at most `MAX_TERM_MONTHS`, or is given twice.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    terms = [int(part) if part.isascii() and part.isdigit() and len(part) <= MAX_DIGITS else 0 for part in parts]
    if not all(0 < term <= MAX_TERM_MONTHS for term in terms) or len(set(terms)) < len(terms):
        message = f"must be different whole months up to {MAX_TERM_MONTHS}, such as 12,36, got {shown(text)}."
        msg = "--terms"
        raise InputError(msg, [Problem(message=message)])
    return tuple(terms)


def parse_country(text: str) -> str:
    """Country of ``--holiday-country``; empty for ``none``.

    Raises
    ------
    InputError
        If it has no calendar.
    """
    if text.lower() == NO_COUNTRY:
        return ""
    try:
        holiday_names(np.zeros(1, dtype=np.int64), country=text.upper())
    except ValueError:
        message = f"must be a country code with a calendar, such as US or DE, or {NO_COUNTRY}, got {shown(text)}."
        msg = "--holiday-country"
        raise InputError(msg, [Problem(message=message)]) from None
    return text.upper()


def read_policy_with(paths: InputPaths, options: RunOptions) -> Policy:
    """Policy of the file, terms overridden by the flag."""
    policy = read_policy(paths.policy)
    if options.terms_months is None:
        return policy
    return policy.model_copy(update={"terms_months": options.terms_months})


def read_roadmap_with(path: Path | None, options: RunOptions, *, as_of_hour: int | None) -> Roadmap:
    """Roadmap visible at as-of; without events, and none of them checked, where the run asks for none."""
    if path is None:
        return Roadmap()
    roadmap = read_roadmap(path, as_of_hour=as_of_hour, with_events=options.uses_roadmap)
    return roadmap if as_of_hour is None else roadmap.visible_at(as_of_hour)


def read_drivers_with(path: Path | None, roadmap: Roadmap, *, source: str) -> Drivers | None:
    """Drivers of a file; None without one.

    Parameters
    ----------
    path : Path or None
    roadmap : Roadmap
    source : str
        Name of the roadmap file.

    Raises
    ------
    InputError
        If the roadmap declares how demand follows drivers and there is no file of them.
    """
    if path is not None:
        return read_drivers(path)
    if roadmap.relations:
        message = (
            "must have drivers that demand follows, and no driver file is given. Give --drivers, or take the "
            "relations out of the roadmap."
        )
        raise InputError(source, [Problem(column="relations", row=roadmap.relations[0].line, message=message)])
    return None


def read_history(
    paths: InputPaths, options: RunOptions, roadmap: Roadmap, *, before_hour: int | None = None
) -> History:
    """Usage file, up to an hour where one is given, with missing hours as the flag, else the roadmap, says."""
    missing = options.missing_hours or roadmap.missing_hours
    return read_usage(paths.usage, missing_hours="zero" if missing == "zero" else None, before_hour=before_hour)


def read_market(paths: InputPaths, policy: Policy, *, known: tuple[str, ...], invented: tuple[str, ...] = ()) -> Market:
    """Prices, pools and commitments for the pools that a decision may know.

    Parameters
    ----------
    paths : InputPaths
    policy : Policy
    known : tuple of str
        Pools with usage before the decision.
    invented : tuple of str
        Pools named by visible events; those without an on-demand price cannot be planned.
    """
    pools = tuple(sorted({*known, *invented}))
    declared: dict[str, Pool] = read_pools(paths.pools) if paths.pools is not None else {}
    source = "the pools file" if paths.pools is None else str(paths.pools)
    _refuse_any(source, failover_problems(policy, declared))
    table = pool_table(pools, declared)
    rows = read_price_rows(paths.prices)
    catalog = build_catalog(
        rows,
        pools=pools,
        pool_table=table,
        source=str(paths.prices),
        keep_offers=owned_offer_ids(paths.commitments),
    )
    check_providers(catalog, catalog.offers, source=str(paths.prices))
    _refuse_any(source, region_problems(policy, declared, catalog))
    market = Market(
        catalog=catalog,
        pools=table,
        commitments=read_optional_commitments(paths.commitments, catalog, prices=str(paths.prices)),
        terms_months=policy.terms_months,
        payback_months_max=policy.payback_months_max,
        is_cash_limited=policy.upfront_usd_per_quarter is not None,
    )
    return market_for_goal(market, policy)


def _refuse_any(source: str, problems: list[Problem]) -> None:
    """Refuse a file that has problems."""
    if problems:
        raise InputError(source, problems)


def check_events(paths: InputPaths, roadmap: Roadmap, *, known: tuple[str, ...], seen_hours: range) -> tuple[str, ...]:
    """Pools that visible events bring into being; every one has an on-demand price.

    Parameters
    ----------
    paths : InputPaths
    roadmap : Roadmap
        Visible events only.
    known : tuple of str
        Pools with usage before the decision.
    seen_hours : range
        Hours of history before the decision.

    Raises
    ------
    InputError
        If an event takes from a pool the usage does not have, gives to one that has no on-demand price, or has no size
        and comes after none to learn it from.
    """
    if paths.roadmap is None or not roadmap.events:
        return ()
    priced = read_price_rows(paths.prices).on_demand_pools
    check_roadmap(roadmap, known, priced, source=str(paths.roadmap), seen_hours=seen_hours)
    named = {pool for event in roadmap.events for pool, _ in event.to_shares}
    return tuple(sorted(named - set(known)))


def file_sha256(path: Path) -> str:
    """Content hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
