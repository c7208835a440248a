"""What is bought instead of rented, in the books: straight-line depreciation, impairment, EBITDA, EBIT and cash.

Quarters count from the one in which the asset goes into service. Not here: the value of money over time
(`optimizer.finance`), whether an asset is worth buying (`optimizer.finance_options`, the program).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats

QUARTERS_PER_YEAR = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Something capitalized.

    Attributes
    ----------
    cost_usd : float
        Paid when it goes into service. [USD]
    life_years : float
        Over which it is depreciated in equal parts.
    salvage_usd : float
        Value that is left at the end of the life: never depreciated, sold for cash then. [USD]
    running_usd_per_year : float
        Space, power, hands; paid while it is owned. [USD/year]
    dropped_after_quarters : int or None
        Whole quarters of use after which it is dropped; None: used to the end of its life.
    recovered_usd : float
        What it is sold for when dropped early. [USD]
    """

    cost_usd: float
    life_years: float
    salvage_usd: float = 0.0
    running_usd_per_year: float = 0.0
    dropped_after_quarters: int | None = None
    recovered_usd: float = 0.0

    @property
    def life_quarters(self) -> int:
        """Length of the life in quarters, a part of one counted whole."""
        return int(np.ceil(self.life_years * QUARTERS_PER_YEAR - 1e-9))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssetBooks:
    """Quarter by quarter, the purchase in a moment of its own before them. Amounts in USD, income positive.

    Attributes
    ----------
    ebitda_usd : FloatArray of shape (n_quarters,)
        Running cost, below zero.
    depreciation_usd : FloatArray of shape (n_quarters,)
        >= 0.
    impairment_usd : FloatArray of shape (n_quarters,)
        Book value less what is recovered, in the quarter in which it is dropped; >= 0.
    disposal_gain_usd : FloatArray of shape (n_quarters,)
        What is recovered above book value; >= 0.
    cash_usd : FloatArray of shape (n_quarters + 1,)
        The purchase first, then each quarter.
    book_value_usd : FloatArray of shape (n_quarters + 1,)
        At the purchase, then at the end of each quarter, before what is sold or written off.
    """

    ebitda_usd: FloatArray
    depreciation_usd: FloatArray
    impairment_usd: FloatArray
    disposal_gain_usd: FloatArray
    cash_usd: FloatArray
    book_value_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in (
            *("ebitda_usd", "depreciation_usd", "impairment_usd", "disposal_gain_usd", "cash_usd", "book_value_usd"),
        ):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def ebit_usd(self) -> FloatArray:
        """EBITDA less depreciation and impairment, with the gain of a sale. Shape (n_quarters,). [USD]"""
        out: FloatArray = self.ebitda_usd - self.depreciation_usd - self.impairment_usd + self.disposal_gain_usd
        return out


def straight_line_usd(*, cost_usd: float, salvage_usd: float, life_years: float) -> FloatArray:
    """Depreciation of each quarter: equal parts of cost less salvage; of a quarter cut by the end of life its part.

    Returns
    -------
    FloatArray of shape (n_quarters,)
        They sum to cost less salvage. [USD]

    Examples
    --------
    >>> straight_line_usd(cost_usd=10.0, salvage_usd=2.0, life_years=0.5).tolist()
    [4.0, 4.0]
    """
    quarters = life_years * QUARTERS_PER_YEAR
    edges = np.minimum(np.arange(int(np.ceil(quarters - 1e-9)) + 1), quarters)
    out: FloatArray = np.diff(edges) * (cost_usd - salvage_usd) / quarters
    return out


def book_value_usd(asset: Asset, *, after_quarters: int) -> float:
    """Cost less what was depreciated by then. [USD]

    Examples
    --------
    >>> book_value_usd(Asset(cost_usd=20.0, life_years=4), after_quarters=4)
    15.0
    """
    parts = straight_line_usd(cost_usd=asset.cost_usd, salvage_usd=asset.salvage_usd, life_years=asset.life_years)
    return asset.cost_usd - float(parts[:after_quarters].sum())


def asset_books(asset: Asset) -> AssetBooks:
    """The books of an asset from its purchase to its end.

    What is dropped early is written off to what it is sold for in the quarter after the last one of use (an
    impairment), and sold then. In that quarter nothing is depreciated, and nothing run.
    """
    parts = straight_line_usd(cost_usd=asset.cost_usd, salvage_usd=asset.salvage_usd, life_years=asset.life_years)
    used = asset.dropped_after_quarters
    is_early = used is not None and used < len(parts)
    n_used = used if used is not None and is_early else len(parts)
    n_quarters = n_used + (1 if is_early else 0)
    depreciation, impairment, gain = np.zeros(n_quarters), np.zeros(n_quarters), np.zeros(n_quarters)
    depreciation[:n_used] = parts[:n_used]
    running = np.zeros(n_quarters)
    last_part = 1.0 if is_early else asset.life_years * QUARTERS_PER_YEAR - (len(parts) - 1)
    running[:n_used] = asset.running_usd_per_year / QUARTERS_PER_YEAR
    running[n_used - 1 : n_used] *= last_part
    book = asset.cost_usd - np.concatenate([[0.0], np.cumsum(depreciation)])
    ebitda = 0.0 - running  # never -0
    cash = np.concatenate([[-asset.cost_usd], ebitda])
    if is_early:
        impairment[-1] = max(float(book[-1]) - asset.recovered_usd, 0.0)
        gain[-1] = max(asset.recovered_usd - float(book[-1]), 0.0)
        cash[-1] += asset.recovered_usd
    else:
        cash[-1] += asset.salvage_usd
    return AssetBooks(
        ebitda_usd=ebitda,
        depreciation_usd=depreciation,
        impairment_usd=impairment,
        disposal_gain_usd=gain,
        cash_usd=cash,
        book_value_usd=book,
    )
