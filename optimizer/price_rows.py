"""From the rows of one offer to the offer, with every rule on what the rows must agree on.

Not here: files, prices of on-demand and spot (`optimizer.prices`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.errors import Problem
from forecasting.hours import term_hours
from optimizer.break_even import payment_split
from optimizer.hardware import Hardware
from optimizer.hardware_rows import HARDWARE_AGREE_COLUMNS, hardware_of_rows, misplaced_problems
from optimizer.offers import PLAN_KINDS, Offer, OfferKind
from optimizer.pools import Pool

FLEXIBLE_KINDS = frozenset({OfferKind.RESERVED_STANDARD, OfferKind.RESERVED_CONVERTIBLE})
PRICE_TOLERANCE = 1e-6  # relative: published prices per size are rounded to the fifth decimal or finer
AGREE_COLUMNS = (
    "kind",
    "provider",
    "term_months",
    "term_hours",
    "payment_option",
    "available_from",
    "guarantees_capacity",
    "lot_quantity",
    "minimum_quantity",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OfferRows:
    """Rows of one offer.

    Attributes
    ----------
    rows : DataFrame
        Rows of known pools; all rows where no pool is known.
    covers : bool
        Whether the pools of `rows` are known. If not, the offer is owned, covers nothing and costs what it costs.
    has_several_pools : bool
        Whether the whole price list has rows of several pools for the offer.
    """

    rows: pd.DataFrame
    covers: bool
    has_several_pools: bool

    @property
    def offer_id(self) -> str:
        """Name of the offer."""
        return str(self.rows["offer_id"].iloc[0])

    @property
    def kind(self) -> OfferKind:
        """Kind of the first row."""
        return OfferKind(self.rows["kind"].iloc[0])

    @property
    def is_flexible(self) -> bool:
        """Whether quantities are in normalized units."""
        return self.has_several_pools and self.kind in FLEXIBLE_KINDS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What an offer covers and costs.

    Attributes
    ----------
    draw : tuple of float
        Quantity used up by one unit of each row's pool in an hour.
    hourly_usd, upfront_usd : float
        Per unit of quantity.
    hardware : Hardware or None
    """

    draw: tuple[float, ...]
    hourly_usd: float
    upfront_usd: float
    hardware: Hardware | None = None


def offer_of_rows(
    offer_rows: OfferRows, *, pool_table: Mapping[str, Pool], on_demand_usd: Mapping[str, float]
) -> tuple[Offer | None, list[Problem]]:
    """Offer of its rows; None with problems where they are wrong.

    Parameters
    ----------
    offer_rows : OfferRows
    pool_table : mapping of str to Pool
        Normalization factors.
    on_demand_usd : mapping of str to float
        On-demand price of known pools, nan where it is missing. [USD/unit-hour]
    """
    rows = offer_rows.rows
    problems = _disagreements(offer_rows) + _term_problems(offer_rows) + _scope_problems(offer_rows)
    problems += [] if offer_rows.kind is OfferKind.OWNED_HARDWARE else misplaced_problems(rows)
    if problems:
        return None, problems
    if offer_rows.kind in PLAN_KINDS:
        terms, problems = _plan_terms(rows)
    elif offer_rows.is_flexible:
        terms, problems = _flexible_terms(offer_rows, pool_table)
    elif offer_rows.kind is OfferKind.CAPACITY_RESERVATION:
        terms, problems = _capacity_terms(offer_rows, on_demand_usd)
    elif offer_rows.kind is OfferKind.OWNED_HARDWARE:
        terms, problems = _hardware_terms(rows)
    else:
        first = rows.iloc[0]
        terms = Terms(draw=(1.0,), hourly_usd=float(first["hourly_usd"]), upfront_usd=float(first["upfront_usd"]))
    if problems:
        return None, problems
    return _offer(offer_rows, terms), []


def _offer(offer_rows: OfferRows, terms: Terms) -> Offer:
    """Offer of rows that are fine."""
    first = offer_rows.rows.iloc[0]
    regions = offer_rows.rows["region"].unique()
    guarantee = first["guarantees_capacity"]
    reserves = offer_rows.kind is OfferKind.CAPACITY_RESERVATION
    return Offer(
        offer_id=offer_rows.offer_id,
        kind=OfferKind.OWNED_HARDWARE if reserves and not offer_rows.covers else offer_rows.kind,
        provider=str(first["provider"]),
        region=str(regions[0]) if len(regions) == 1 else "",
        pools=tuple(offer_rows.rows["pool"]) if offer_rows.covers else (),
        draw=np.array(terms.draw if offer_rows.covers else ()),
        hourly_usd=terms.hourly_usd,
        upfront_usd=terms.upfront_usd,
        term_months=int(first["term_months"]),
        payment_option=str(first["payment_option"]),
        available_from_hour=None if pd.isna(first["available_from"]) else int(first["available_from"]),
        guarantees_capacity=reserves if pd.isna(guarantee) else bool(guarantee),
        is_size_flexible=offer_rows.is_flexible,
        given_term_hours=None if pd.isna(first["term_hours"]) else int(first["term_hours"]),
        lot_quantity=0.0 if pd.isna(first["lot_quantity"]) else float(first["lot_quantity"]),
        minimum_quantity=0.0 if pd.isna(first["minimum_quantity"]) else float(first["minimum_quantity"]),
        hardware=terms.hardware if offer_rows.covers or terms.hardware is None else terms.hardware.serving_nothing(),
    )


def _disagreements(offer_rows: OfferRows) -> list[Problem]:
    """Columns in which a row differs from the first; only a compute savings plan may span regions."""
    rows = offer_rows.rows
    spans_regions = offer_rows.kind is OfferKind.COMPUTE_SAVINGS_PLAN
    of_kind = HARDWARE_AGREE_COLUMNS if offer_rows.kind is OfferKind.OWNED_HARDWARE else ()
    problems = []
    for column in (*AGREE_COLUMNS, *of_kind, *(() if spans_regions else ("region",))):
        codes, distinct = pd.factorize(rows[column], use_na_sentinel=False)
        if len(distinct) > 1:
            position = int(np.flatnonzero(codes != codes[0])[0])
            got = f"{_shown(rows[column].iloc[position])}, but {_shown(rows[column].iloc[0])} in row {rows.index[0]}"
            message = f"must be the same in all rows of offer {offer_rows.offer_id!r}, got {got}."
            problems.append(Problem(column=column, row=int(rows.index[position]), message=message))
    return problems


def _shown(value: Any) -> str:
    """Cell for a message."""
    return "an empty cell" if pd.isna(value) or value == "" else str(value)


def _term_problems(offer_rows: OfferRows) -> list[Problem]:
    """Commitments need a term; a capacity reservation may have none."""
    first = offer_rows.rows.iloc[0]
    has_months, has_hours = first["term_months"] > 0, not pd.isna(first["term_hours"])
    if has_months and has_hours:
        message = f"must be empty where term_months is {first['term_months']}, got {first['term_hours']}. Keep one."
        return [Problem(column="term_hours", row=int(offer_rows.rows.index[0]), message=message)]
    if has_months or has_hours or offer_rows.kind is OfferKind.CAPACITY_RESERVATION:
        return []
    message = f"must be > 0 for {offer_rows.kind}, got 0 (offer {offer_rows.offer_id!r})."
    return [Problem(column="term_months", row=int(offer_rows.rows.index[0]), message=message)]


def _scope_problems(offer_rows: OfferRows) -> list[Problem]:
    """Kinds that cover one pool only, and guarantees that nobody gives."""
    rows, kind = offer_rows.rows, offer_rows.kind
    problems = []
    if len(rows) > 1 and kind not in PLAN_KINDS | FLEXIBLE_KINDS | {OfferKind.OWNED_HARDWARE}:
        message = f"offer {offer_rows.offer_id!r} of kind {kind} must cover one pool, got {len(rows)}. Split it."
        problems.append(Problem(column="pool", row=int(rows.index[1]), message=message))
    promises = np.flatnonzero(rows["guarantees_capacity"].fillna(False).to_numpy(dtype=np.bool_))
    if len(promises) and (kind in PLAN_KINDS or offer_rows.is_flexible):
        what = "a plan" if kind in PLAN_KINDS else "a size-flexible reservation"
        message = f"{what} guarantees no capacity, got true for offer {offer_rows.offer_id!r}. Write false."
        problems.append(Problem(column="guarantees_capacity", row=int(rows.index[promises[0]]), message=message))
    return problems


def _plan_terms(rows: pd.DataFrame) -> tuple[Terms, list[Problem]]:
    """Rates of a plan, bought in USD per hour."""
    problems = []
    row: Any
    for row in rows.itertuples():
        if row.hourly_usd == 0.0:
            message = f"must be > 0 for {row.kind}, got 0: it is the discounted rate of the pool."
            problems.append(Problem(column="hourly_usd", row=row.Index, message=message))
        if row.upfront_usd != 0.0:
            message = (
                f"must be 0 for {row.kind}, got {row.upfront_usd:g}: payment_option says what is paid at purchase, and "
                "hourly_usd is the whole discounted rate."
            )
            problems.append(Problem(column="upfront_usd", row=row.Index, message=message))
    first = rows.iloc[0]
    split = payment_split(1.0, term_hours=_length_hours(first), payment_option=str(first["payment_option"]))
    draw = tuple(float(rate) for rate in rows["hourly_usd"])
    return Terms(draw=draw, hourly_usd=split.hourly_usd, upfront_usd=split.upfront_usd), problems


def _hardware_terms(rows: pd.DataFrame) -> tuple[Terms, list[Problem]]:
    """Price per unit of hardware, and what it serves when."""
    first = rows.iloc[0]
    hardware, draw, problems = hardware_of_rows(rows, life_hours=_length_hours(first))
    hourly_usd, upfront_usd = float(first["hourly_usd"]), float(first["upfront_usd"])
    return Terms(draw=draw, hourly_usd=hourly_usd, upfront_usd=upfront_usd, hardware=hardware), problems


def _length_hours(first: Any) -> int:
    """Length of the term of an offer's first row. [h]"""
    return term_hours(int(first["term_months"])) if pd.isna(first["term_hours"]) else int(first["term_hours"])


def _flexible_terms(offer_rows: OfferRows, pool_table: Mapping[str, Pool]) -> tuple[Terms, list[Problem]]:
    """Factors and price per normalized unit, which every row must give alike."""
    rows = offer_rows.rows
    factors = [pool_table[pool].normalization_factor if pool in pool_table else None for pool in rows["pool"]]
    problems = []
    for row, pool, factor in zip(rows.index, rows["pool"], factors, strict=True):
        if factor is None:
            message = (
                f"offer {offer_rows.offer_id!r} has rows for several pools, so it is size-flexible, and pool {pool!r} "
                "has no normalization_factor. Declare it in the pools file, or give each pool an offer of its own."
            )
            problems.append(Problem(column="pool", row=int(row), message=message))
    draw = tuple(factor for factor in factors if factor is not None)
    if problems:
        return Terms(draw=draw, hourly_usd=0.0, upfront_usd=0.0), problems
    per_unit = {}
    for column in ("hourly_usd", "upfront_usd"):
        prices = rows[column].to_numpy(dtype=np.float64) / np.array(draw)
        per_unit[column] = float(prices[0])
        off = np.flatnonzero(np.abs(prices - prices[0]) > PRICE_TOLERANCE * max(prices[0], prices.max()))
        if len(off):
            got = f"{prices[off[0]]:.8g}, but {prices[0]:.8g} in row {rows.index[0]}"
            rule = f"divided by the pool's normalization factor must be the same in all rows of {offer_rows.offer_id!r}"
            problems.append(Problem(column=column, row=int(rows.index[off[0]]), message=f"{rule}, got {got}."))
    return Terms(draw=draw, hourly_usd=per_unit["hourly_usd"], upfront_usd=per_unit["upfront_usd"]), problems


def _capacity_terms(offer_rows: OfferRows, on_demand_usd: Mapping[str, float]) -> tuple[Terms, list[Problem]]:
    """Nothing on top of demand: an idle unit is extra demand at the on-demand rate.

    Where the pool is not known every unit is idle, and the rate is the fee.
    """
    problems = []
    row = int(offer_rows.rows.index[0])
    first = offer_rows.rows.iloc[0]
    hourly_usd, rate = float(first["hourly_usd"]), on_demand_usd.get(str(first["pool"]), np.nan)
    if hourly_usd != 0.0 and not np.isnan(rate) and abs(hourly_usd - rate) > PRICE_TOLERANCE * rate:
        message = (
            f"must be 0 or the on-demand rate {rate:g} of pool {first['pool']!r} for a capacity_reservation, got "
            f"{hourly_usd:g}: an idle unit is billed as on-demand."
        )
        problems.append(Problem(column="hourly_usd", row=row, message=message))
    if first["upfront_usd"] != 0.0:
        message = f"must be 0 for a capacity_reservation, got {first['upfront_usd']:g}."
        problems.append(Problem(column="upfront_usd", row=row, message=message))
    if offer_rows.covers:
        return Terms(draw=(1.0,), hourly_usd=0.0, upfront_usd=0.0), problems
    if np.isnan(rate) and hourly_usd == 0.0:
        message = f"pool {first['pool']!r} of the owned offer {offer_rows.offer_id!r} needs an on-demand price."
        problems.append(Problem(column="pool", row=row, message=message))
    return Terms(draw=(), hourly_usd=hourly_usd if np.isnan(rate) else rate, upfront_usd=0.0), problems
