"""Providers' price files become one price list for the pools of a usage file.

Not here: what the files look like and mean (`optimizer.pricelists`), what is written (`optimizer.report.pricelists`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.errors import InputError, Problem
from forecasting.history import read_usage
from forecasting.hours import iso_of_hour
from forecasting.usage.offer_names import parse_offer_name
from forecasting.usage.pool_names import parse_pool_name
from optimizer.jobs.inputs import file_sha256
from optimizer.offers import OfferKind
from optimizer.plan import InputRecord
from optimizer.pools import Pool, read_pools
from optimizer.portfolio import owned_offer_ids
from optimizer.pricelists.aws_offer import read_offer_file
from optimizer.pricelists.aws_savings_plan import read_plan_file
from optimizer.pricelists.contract import Missing, PriceRow, missing_prices, price_contract
from optimizer.pricelists.listed import LeftOut, PriceList, Wanted, merged
from optimizer.pricelists.price_table import read_price_table
from optimizer.pricelists.size_flexible import FamilyPrice
from optimizer.prices import read_price_rows

READERS: Mapping[str, Callable[[Path, Wanted], PriceList]] = {
    "aws-offer": read_offer_file,
    "aws-savings-plan": read_plan_file,
    "csv": read_price_table,
}
MAX_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRequest:
    """What `plimsoll import-prices` is asked.

    Attributes
    ----------
    kind : str
        A key of `READERS`.
    files : tuple of Path
    usage : Path
        Whose pools are priced.
    commitments : Path or None
        What is owned: its offers are priced too.
    earlier : Path or None
        Price list of the contract that the new rows are added to.
    pools : tuple of str
        Further pools to price, such as those a roadmap moves demand to.
    pools_file : Path or None
        What is declared of pools, to be completed.
    """

    kind: str
    files: tuple[Path, ...]
    usage: Path
    commitments: Path | None = None
    earlier: Path | None = None
    pools: tuple[str, ...] = ()
    pools_file: Path | None = None

    @property
    def inputs(self) -> tuple[tuple[str, Path], ...]:
        """Files that are read, by role."""
        given = [("prices", path) for path in self.files] + [("usage", self.usage)]
        optional = {"commitments": self.commitments, "earlier prices": self.earlier, "pools": self.pools_file}
        return (*given, *((role, path) for role, path in optional.items() if path is not None))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceAnswer:
    """A price list, and what it lacks.

    Attributes
    ----------
    rows : tuple of PriceRow
    families : tuple of FamilyPrice
        As which size each size-flexible offer is priced.
    missing : tuple of Missing
    left_out : tuple of LeftOut
    notes : tuple of str
    n_pools : int
        Pools that are wanted.
    pools : Mapping of str to Pool
        What was declared of pools, and the size of those that size-flexible reservations cover.
    inputs : tuple of InputRecord
    """

    rows: tuple[PriceRow, ...]
    families: tuple[FamilyPrice, ...]
    missing: tuple[Missing, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    n_pools: int
    pools: Mapping[str, Pool]
    inputs: tuple[InputRecord, ...]


def import_prices(request: PriceRequest) -> PriceAnswer:
    """Read the files and price the pools.

    Raises
    ------
    InputError
        If a file is wrong, two price lists disagree, or no pool gets any price.
    """
    wanted = _wanted(request)
    read = READERS[request.kind]
    listed = merged([read(path, wanted) for path in request.files])
    contract = price_contract(listed, wanted)
    if not contract.rows and not listed.file_of_region:
        raise _nothing_priced(request, listed, wanted)
    earlier = () if request.earlier is None else _earlier_rows(request.earlier)
    rows = _combined(earlier, contract.rows, request)
    return PriceAnswer(
        rows=rows,
        families=contract.families,
        missing=missing_prices(rows, _with_near(listed, earlier), wanted),
        left_out=contract.left_out,
        notes=_notes(rows, listed, wanted),
        n_pools=len(wanted.pools) + len(wanted.unnamed),
        pools=_completed({} if request.pools_file is None else read_pools(request.pools_file), contract.families),
        inputs=tuple(InputRecord(role=role, name=path.name, sha256=file_sha256(path)) for role, path in request.inputs),
    )


def _wanted(request: PriceRequest) -> Wanted:
    """Pools of the usage and those named, and the offers owned."""
    pools = {*read_usage(request.usage, missing_hours="zero").pools, *request.pools}
    keys = {pool: parse_pool_name(pool) for pool in sorted(pools)}
    owned = {offer_id: parse_offer_name(offer_id) for offer_id in sorted(owned_offer_ids(request.commitments))}
    return Wanted(
        pools={pool: key for pool, key in keys.items() if key is not None},
        unnamed=tuple(pool for pool, key in keys.items() if key is None),
        owned={offer_id: key for offer_id, key in owned.items() if key is not None},
    )


def _completed(declared: Mapping[str, Pool], families: Sequence[FamilyPrice]) -> dict[str, Pool]:
    """Pools as declared, with the factor of those that lack one and that a size-flexible reservation covers."""
    pools = dict(declared)
    for family in families:
        for name, factor in family.factor_of_pool.items():
            key = parse_pool_name(name)
            size = "" if key is None else key.item.partition(".")[2]
            pool = pools.setdefault(name, Pool(name=name, family=family.family, size=size))
            if pool.normalization_factor is None:
                pools[name] = replace(pool, normalization_factor=factor)
    return dict(sorted(pools.items()))


def _nothing_priced(request: PriceRequest, listed: PriceList, wanted: Wanted) -> InputError:
    """Error that names the pools, with what is near to them."""
    problems = [
        Problem(message=f"has no price of pool {missing.name!r}: {missing.reason}.{_hint(missing)}")
        for missing in missing_prices((), listed, wanted)[:MAX_NAMED]
    ]
    problems = problems or [Problem(message="has no price of any pool of the usage.")]
    return InputError(", ".join(str(path) for path in request.files), problems)


def _hint(missing: Missing) -> str:
    """Sentence with the nearest pools."""
    return f" Nearest with a price: {', '.join(missing.nearest)}." if missing.nearest else ""


def _earlier_rows(path: Path) -> tuple[PriceRow, ...]:
    """Rows of a price list of the contract, as they are."""
    row: Any
    rows = []
    for row in read_price_rows(path).frame.itertuples():
        rows.append(
            PriceRow(
                offer_id=row.offer_id,
                kind=OfferKind(row.kind),
                provider=row.provider,
                region=row.region,
                pool=row.pool,
                term_months=int(row.term_months),
                payment_option=row.payment_option,
                hourly_usd=float(row.hourly_usd),
                upfront_usd=float(row.upfront_usd),
                available_from="" if pd.isna(row.available_from) else iso_of_hour(int(row.available_from)),
                guarantees_capacity=None if pd.isna(row.guarantees_capacity) else bool(row.guarantees_capacity),
            )
        )
    return tuple(rows)


def _combined(earlier: Sequence[PriceRow], new: Sequence[PriceRow], request: PriceRequest) -> tuple[PriceRow, ...]:
    """Both price lists; a pool that both price must cost the same in both."""
    found = {(row.offer_id, row.pool): row for row in earlier}
    problems = []
    for row in new:
        other = found.setdefault((row.offer_id, row.pool), row)
        if (other.hourly_usd, other.upfront_usd) != (row.hourly_usd, row.upfront_usd):
            got = f"{other.hourly_usd:g} and {other.upfront_usd:g}, and {row.hourly_usd:g} and {row.upfront_usd:g}"
            message = (
                f"offer {row.offer_id!r} on pool {row.pool!r} must have one price (hourly_usd and upfront_usd), got "
                f"{got} in the files read now. Keep one of them."
            )
            problems.append(Problem(message=message))
    if problems:
        raise InputError(str(request.earlier), problems)
    return tuple(sorted(found.values(), key=lambda row: row.rank))


def _with_near(listed: PriceList, earlier: Sequence[PriceRow]) -> PriceList:
    """Price list whose hints also know the pools of the earlier one."""
    named = {parse_pool_name(row.pool) for row in earlier if row.kind is OfferKind.ON_DEMAND}
    return replace(listed, near=listed.near | {key for key in named if key is not None})


def _uncovered(rows: Sequence[PriceRow], wanted: Wanted) -> list[str]:
    """Pools without a rate in compute plans that hold in all regions of their provider: a bill would not cover them."""
    plans = [row for row in rows if row.kind is OfferKind.COMPUTE_SAVINGS_PLAN]
    providers, covered = {row.provider for row in plans}, {row.pool for row in plans}
    return [pool for pool, key in sorted(wanted.pools.items()) if key.provider in providers and pool not in covered]


def _notes(rows: Sequence[PriceRow], listed: PriceList, wanted: Wanted) -> tuple[str, ...]:
    """Where the public price list has the plans that are still missing, and what was computed rather than published."""
    plans = (OfferKind.INSTANCE_SAVINGS_PLAN, OfferKind.COMPUTE_SAVINGS_PLAN)
    regions = {key.region for key in wanted.pools.values() if key.provider == "aws"}
    without = regions - {row.region for row in rows if row.kind in plans}
    notes = []
    for region in sorted(without) if listed.file_of_region else ():
        place = listed.file_of_region.get(region)
        notes.append(f"Plans of {region}: {place}" if place else f"The index has no savings plans of {region}.")
    uncovered = _uncovered(rows, wanted)
    if uncovered:
        shown = ", ".join(uncovered[:MAX_NAMED]) + (", ..." if len(uncovered) > MAX_NAMED else "")
        notes.append(f"No compute savings plan covers {shown}: give the plan files of all regions, with --with.")
    n_derived = sum(row.is_derived for row in rows)
    if n_derived:
        notes.append(f"{n_derived} of {len(rows)} prices were computed by the source from others, not published.")
    return tuple(notes)
