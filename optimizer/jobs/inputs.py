"""Files of a run, read and checked together, with what they say about each other.

Not here: the rules of any single file (its reader has them), what is done with it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from forecasting.errors import InputError, Problem
from forecasting.frames import shown
from forecasting.history import History, read_usage
from forecasting.hours import FIRST_DATE, LAST_DATE, MAX_TERM_MONTHS, hour_of_plan_date
from forecasting.roadmap import Roadmap, check_roadmap, read_roadmap
from optimizer.assembly import Market
from optimizer.plan import InputRecord
from optimizer.policy import Policy, read_policy
from optimizer.pools import Pool, pool_table, read_pools
from optimizer.portfolio import owned_offer_ids, read_optional_commitments
from optimizer.prices import build_catalog, read_price_rows

MAX_DIGITS = 9  # of a term: enough to be told that it is too long


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPaths:
    """Files that a user hands over; None where an option is left out.

    Attributes
    ----------
    usage, prices : Path
    commitments, pools, roadmap, policy : Path or None
    """

    usage: Path
    prices: Path
    commitments: Path | None = None
    pools: Path | None = None
    roadmap: Path | None = None
    policy: Path | None = None

    @property
    def given(self) -> dict[str, Path]:
        """Files that were named, by role."""
        roles = ("usage", "prices", "commitments", "pools", "roadmap", "policy")
        return {role: path for role in roles if (path := getattr(self, role)) is not None}

    def records(self) -> tuple[InputRecord, ...]:
        """Role, name and content hash of every file given."""
        return tuple(InputRecord(role=role, name=path.name, sha256=_sha256(path)) for role, path in self.given.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Flags that every command shares; each overrides the policy or the roadmap where it is given.

    Attributes
    ----------
    terms_months : tuple of int or None
    missing_hours : str or None
        ``zero`` or ``refuse``.
    uses_roadmap : bool
        False drops the events of the roadmap, never its key for missing hours.
    seed : int
    """

    terms_months: tuple[int, ...] | None = None
    missing_hours: str | None = None
    uses_roadmap: bool = True
    seed: int = 0


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


def read_policy_with(paths: InputPaths, options: RunOptions) -> Policy:
    """Policy of the file, terms overridden by the flag."""
    policy = read_policy(paths.policy)
    if options.terms_months is None:
        return policy
    return policy.model_copy(update={"terms_months": options.terms_months})


def read_roadmap_with(paths: InputPaths, options: RunOptions, *, as_of_hour: int | None) -> Roadmap:
    """Roadmap visible at as-of; without events, and none of them checked, where the run asks for none."""
    if paths.roadmap is None:
        return Roadmap()
    return read_roadmap(paths.roadmap, as_of_hour=as_of_hour, with_events=options.uses_roadmap)


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
    table = pool_table(pools, declared)
    rows = read_price_rows(paths.prices)
    catalog = build_catalog(
        rows,
        pools=pools,
        pool_table=table,
        source=str(paths.prices),
        keep_offers=owned_offer_ids(paths.commitments),
    )
    return Market(
        catalog=catalog,
        pools=table,
        commitments=read_optional_commitments(paths.commitments, catalog, prices=str(paths.prices)),
        terms_months=policy.terms_months,
        payback_months_max=policy.payback_months_max,
        is_cash_limited=policy.upfront_usd_per_quarter is not None,
    )


def check_events(paths: InputPaths, roadmap: Roadmap, *, known: tuple[str, ...]) -> tuple[str, ...]:
    """Pools that visible events bring into being; every one has an on-demand price.

    Raises
    ------
    InputError
        If an event takes from a pool the usage does not have, or gives to one that has no on-demand price.
    """
    if paths.roadmap is None or not roadmap.events:
        return ()
    priced = read_price_rows(paths.prices).on_demand_pools
    check_roadmap(roadmap, known, priced, source=str(paths.roadmap))
    named = {pool for event in roadmap.events for pool, _ in event.to_shares}
    return tuple(sorted(named - set(known)))


def _sha256(path: Path) -> str:
    """Content hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
