"""Price lists: a prices file becomes checked rows, and the rows become the catalog of one run's pools.

Only rows of known pools count, so that a price list tells nothing about the future. Not here: what an offer costs
over a term (`optimizer.offers`), how rows of one offer become it (`optimizer.price_rows`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray
from forecasting.errors import InputError, Problem
from forecasting.frames import Column, ColumnKind, did_you_mean, row_problems, scan_table
from forecasting.hours import MAX_TERM_MONTHS, term_hours
from optimizer.hardware_rows import HARDWARE_COLUMNS, misplaced_problems
from optimizer.offers import Catalog, OfferKind
from optimizer.pools import Pool
from optimizer.price_rows import OfferRows, offer_of_rows

LEAST_QUANTITY = 1e-6  # of a lot or minimum: smaller ones are no rule that anybody has, and the solver's zero

PRICE_COLUMNS = (
    Column(name="offer_id", kind=ColumnKind.NAME, doc="Offer; one row for each pool it covers."),
    Column(name="kind", kind=ColumnKind.TEXT, doc=f"One of {', '.join(OfferKind)}."),
    Column(name="provider", kind=ColumnKind.TEXT, doc="Who sells it."),
    Column(name="region", kind=ColumnKind.TEXT, doc="Where it is sold; may be empty.", may_be_empty=True),
    Column(name="pool", kind=ColumnKind.NAME, doc="Pool that the row prices."),
    Column(
        name="term_months",
        kind=ColumnKind.INTEGER,
        unit="months",
        at_least=0.0,
        at_most=MAX_TERM_MONTHS,
        doc="Length; 0 for on_demand and spot, and for a capacity reservation that can be dropped at any date.",
    ),
    Column(name="payment_option", kind=ColumnKind.TEXT, doc="none, partial or all."),
    Column(
        name="hourly_usd",
        kind=ColumnKind.NUMBER,
        unit="USD/unit-hour",
        at_least=0.0,
        doc="Paid hourly; the discounted rate for a plan.",
    ),
    Column(
        name="upfront_usd", kind=ColumnKind.NUMBER, unit="USD/unit", at_least=0.0, doc="Paid at purchase; 0 for a plan."
    ),
    Column(
        name="available_from",
        kind=ColumnKind.HOUR_OR_DATE,
        doc="First date at which the offer can be bought; always where empty.",
        required=False,
    ),
    Column(
        name="guarantees_capacity",
        kind=ColumnKind.BOOLEAN,
        doc="Whether a unit is firm capacity; only a capacity reservation where empty.",
        required=False,
    ),
    Column(
        name="term_hours",
        kind=ColumnKind.INTEGER,
        unit="h",
        at_least=1.0,
        at_most=float(term_hours(MAX_TERM_MONTHS)),
        doc="Length of a term that is no number of months; term_months is 0 then.",
        required=False,
    ),
    Column(
        name="lot_quantity",
        kind=ColumnKind.NUMBER,
        unit="quantity",
        at_least=LEAST_QUANTITY,
        doc="A purchase is a whole multiple of it, in the unit of the offer's quantity; any where empty.",
        required=False,
    ),
    Column(
        name="minimum_quantity",
        kind=ColumnKind.NUMBER,
        unit="quantity",
        at_least=LEAST_QUANTITY,
        doc="A purchase is at least that much, in the unit of the offer's quantity; any where empty.",
        required=False,
    ),
    *HARDWARE_COLUMNS,
)
KIND_ALIASES = {
    "reservation": OfferKind.RESERVED_STANDARD,
    "resource_cud": OfferKind.RESERVED_STANDARD,
    "savings_plan": OfferKind.COMPUTE_SAVINGS_PLAN,
    "flexible_cud": OfferKind.COMPUTE_SAVINGS_PLAN,
}
PAYMENT_OPTIONS = ("none", "partial", "all")
LEAST_USD = 1e-12  # of a price that is not 0: ratios of smaller ones overflow, and they are mistyped
MARKET_KINDS = frozenset({OfferKind.ON_DEMAND, OfferKind.SPOT})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriceRows:
    """Rows of a price list whose cells are fine.

    Attributes
    ----------
    frame : DataFrame
        `PRICE_COLUMNS`, row numbers as index; `kind` holds values of `OfferKind`.
    """

    frame: pd.DataFrame

    @property
    def on_demand_pools(self) -> frozenset[str]:
        """Pools with an on-demand price."""
        return frozenset(self.frame.loc[self.frame["kind"] == OfferKind.ON_DEMAND.value, "pool"])


def read_price_rows(path: Path) -> PriceRows:
    """Rows of a prices file, with every cell checked.

    Parameters
    ----------
    path : Path
        CSV or Parquet with `PRICE_COLUMNS`.

    Raises
    ------
    InputError
        With all problems of the cells.
    """
    scanned = scan_table(path, PRICE_COLUMNS)
    problems = list(scanned.problems)
    frame = scanned.frame
    if not problems and frame.empty:
        problems.append(Problem(message="has no rows. It needs an on-demand price for each pool."))
    kinds = {text: _kind(text) for text in frame["kind"].unique()}
    known = [kind.value for kind in OfferKind] + list(KIND_ALIASES)
    problems += _choice_problems(frame["kind"], [text for text, kind in kinds.items() if kind is None], known)
    options = {text: text.strip().lower() for text in frame["payment_option"].unique()}
    wrong = [text for text, option in options.items() if option not in PAYMENT_OPTIONS]
    problems += _choice_problems(frame["payment_option"], wrong, PAYMENT_OPTIONS)
    problems += _tiny_problems(frame)
    if problems:
        raise InputError(str(path), problems)
    named = {text: kind.value for text, kind in kinds.items() if kind is not None}
    return PriceRows(
        frame=frame.assign(kind=frame["kind"].map(named), payment_option=frame["payment_option"].map(options))
    )


def build_catalog(
    rows: PriceRows,
    *,
    pools: Sequence[str],
    pool_table: Mapping[str, Pool],
    source: str,
    keep_offers: Collection[str] = (),
) -> Catalog:
    """Catalog of the known pools.

    Parameters
    ----------
    rows : PriceRows
        The price list.
    pools : sequence of str
        Known pools: those with usage before the decision or named by a visible event. Rows of other pools are left
        out: what they say changes neither what is bought nor what is refused.
    pool_table : mapping of str to Pool
        Normalization factors, for size-flexible reservations.
    source : str
        Name of the price list, for messages.
    keep_offers : collection of str
        Offers that are owned: kept even where none of their pools is known, as pure cost. A capacity reservation
        becomes `owned_hardware` at the on-demand rate then: every unit of it is idle, and billed.

    Raises
    ------
    InputError
        With all problems: no on-demand price, two rates, rows of one offer that disagree.

    Notes
    -----
    A reservation is size-flexible where the price list has rows of several pools for it, known or not: the unit of
    its quantity must stay the same while pools come and go, as what was bought in one run is owned in the next.
    """
    frame = rows.frame
    is_known = frame["pool"].isin(set(pools))
    is_owned = frame["offer_id"].isin(set(keep_offers))
    used = frame.loc[is_known]
    is_market = used["kind"].isin([kind.value for kind in MARKET_KINDS])
    problems = _rate_problems(used) + _mixed_problems(used) + misplaced_problems(used.loc[is_market])
    on_demand_usd, wrong = _market_prices(used, OfferKind.ON_DEMAND, pools)
    problems += wrong
    spot_usd, wrong = _market_prices(used, OfferKind.SPOT, pools)
    problems += wrong
    problems += _missing_on_demand(pools, on_demand_usd, rows.on_demand_pools)
    on_demand = _listed_on_demand(frame) | dict(zip(pools, on_demand_usd.tolist(), strict=True))
    n_pools_of = frame.groupby("offer_id", sort=False)["pool"].nunique()
    offers = []
    is_offer = ~frame["kind"].isin([kind.value for kind in MARKET_KINDS])
    # offers in the order of their known rows: where a row of an unknown pool stands must not decide between equals
    kept = pd.concat([frame.loc[is_offer & is_known], frame.loc[is_offer & is_owned & ~is_known]])
    for offer_id, group in kept.groupby("offer_id", sort=False):
        known = group.loc[is_known.loc[group.index]]
        several = int(n_pools_of[offer_id]) > 1
        offer, wrong = offer_of_rows(
            OfferRows(rows=known if len(known) else group, covers=len(known) > 0, has_several_pools=several),
            pool_table=pool_table,
            on_demand_usd=on_demand,
        )
        problems += wrong
        offers += [offer] if offer is not None else []
    if problems:
        raise InputError(source, problems)
    sellers = frame.loc[frame["kind"] == OfferKind.ON_DEMAND.value].drop_duplicates("pool").set_index("pool")
    return Catalog(
        pools=tuple(pools),
        on_demand_usd=on_demand_usd,
        spot_usd=spot_usd,
        offers=tuple(offers),
        providers=tuple(sellers.loc[list(pools), "provider"]),
        regions=tuple(sellers.loc[list(pools), "region"]),
    )


def _tiny_problems(frame: pd.DataFrame) -> list[Problem]:
    """Prices that are neither 0 nor any that is paid."""
    problems = []
    for column in ("hourly_usd", "upfront_usd"):
        prices = frame[column].to_numpy(dtype=np.float64)
        wrong = (prices > 0.0) & (prices < LEAST_USD)

        def message(position: int, prices: FloatArray = prices) -> str:
            return f"must be 0 or at least {LEAST_USD:g}, got {prices[position]:g}. Check the unit."

        problems += row_problems(column, frame.index.to_numpy(dtype=np.int64), wrong, message)
    return problems


def _kind(text: str) -> OfferKind | None:
    """Kind of a cell; spaces and hyphens count as underscores."""
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    if name in KIND_ALIASES:
        return KIND_ALIASES[name]
    return OfferKind(name) if name in list(OfferKind) else None


def _choice_problems(cells: "pd.Series[Any]", wrong: list[str], known: Sequence[str]) -> list[Problem]:
    """First row of each wrong text."""
    problems = []
    for text in wrong:
        row = int(cells.index[np.flatnonzero(cells == text)[0]])
        hint = did_you_mean(text, known)
        message = f"must be one of {', '.join(known)}, got {text!r}.{hint}"
        problems.append(Problem(column=str(cells.name), row=row, message=message))
    return problems


def _rate_problems(frame: pd.DataFrame) -> list[Problem]:
    """Rows that price an offer's pool again."""
    problems = []
    repeats = frame.loc[frame.duplicated(["offer_id", "pool"])]
    firsts = frame.drop_duplicates(["offer_id", "pool"]).reset_index().set_index(["offer_id", "pool"])["row"]
    for row, offer_id, pool in repeats[["offer_id", "pool"]].itertuples():
        what = f"offer {offer_id!r} has two rates for pool {pool!r}, here and in row {firsts[(offer_id, pool)]}."
        problems.append(Problem(column="hourly_usd", row=row, message=f"{what} Keep one of them."))
    return problems


def _mixed_problems(frame: pd.DataFrame) -> list[Problem]:
    """Rows that give the name of an on-demand or spot price to another kind, or the other way round."""
    first_kind = frame.groupby("offer_id", sort=False)["kind"].transform("first")
    market = [kind.value for kind in MARKET_KINDS]
    mixed = frame.loc[(frame["kind"] != first_kind) & (frame["kind"].isin(market) | first_kind.isin(market))]
    problems = []
    for row, offer_id, kind in mixed[["offer_id", "kind"]].itertuples():
        message = f"offer {offer_id!r} must be of one kind, got {kind}, but {first_kind[row]} before."
        problems.append(Problem(column="kind", row=row, message=f"{message} Rename one of them."))
    return problems


def _market_prices(frame: pd.DataFrame, kind: OfferKind, pools: Sequence[str]) -> tuple[FloatArray, list[Problem]]:
    """On-demand or spot price of each pool, nan where there is none. Shape (n_pools,). [USD/unit-hour]"""
    problems = []
    price_of: dict[str, float] = {}
    row: Any
    for row in frame.loc[frame["kind"] == kind.value].drop_duplicates(["offer_id", "pool"]).itertuples():
        if row.pool in price_of:
            message = f"pool {row.pool!r} must have one {kind} price, got another one. Keep one of them."
            problems.append(Problem(column="pool", row=row.Index, message=message))
        for column in ("term_months", "upfront_usd"):
            if getattr(row, column) != 0:
                message = f"must be 0 for {kind}, got {getattr(row, column):g}."
                problems.append(Problem(column=column, row=row.Index, message=message))
        problems += _filled_problems(row, kind)
        if row.payment_option != "none":
            message = f"must be none for {kind}, got {row.payment_option!r}."
            problems.append(Problem(column="payment_option", row=row.Index, message=message))
        if kind is OfferKind.ON_DEMAND and row.hourly_usd == 0.0:
            problems.append(Problem(column="hourly_usd", row=row.Index, message=f"must be > 0 for {kind}, got 0."))
        price_of[row.pool] = float(row.hourly_usd)
    return np.array([price_of.get(pool, np.nan) for pool in pools]), problems


def _filled_problems(row: Any, kind: OfferKind) -> list[Problem]:
    """Cells of a row that say what a price without a commitment cannot have."""
    return [
        Problem(column=column, row=row.Index, message=f"must be empty for {kind}, got {getattr(row, column):g}.")
        for column in ("term_hours", "lot_quantity", "minimum_quantity")
        if not pd.isna(getattr(row, column))
    ]


def _listed_on_demand(frame: pd.DataFrame) -> dict[str, float]:
    """First on-demand price of every pool of the list, known or not. [USD/unit-hour]"""
    rows = frame.loc[frame["kind"] == OfferKind.ON_DEMAND.value].drop_duplicates("pool")
    return dict(zip(rows["pool"], rows["hourly_usd"], strict=True))


def _missing_on_demand(pools: Sequence[str], on_demand_usd: FloatArray, priced: Collection[str]) -> list[Problem]:
    """Known pools that have no on-demand price."""
    problems = []
    for pool in (pool for pool, usd in zip(pools, on_demand_usd, strict=True) if np.isnan(usd)):
        message = f"pool {pool!r} has no on-demand price.{did_you_mean(pool, priced)} Add an on_demand row for it."
        problems.append(Problem(column="pool", message=message))
    return problems
