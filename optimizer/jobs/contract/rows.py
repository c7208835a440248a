"""Rows of the answer by year and month, and the spread of the saving.

Not here: costs (`optimizer.jobs.contract.worth`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import month_index, month_name
from forecasting.quantiles import weighted_quantile, weighted_quantiles
from optimizer.contract_terms import MONTHS_PER_YEAR
from optimizer.jobs.contract.answer import CurveRow, YearRow
from optimizer.jobs.contract.spend import SpendModel
from optimizer.jobs.contract.view import LEVELS, OfferView
from optimizer.jobs.contract.worth import Worth

CENT = 0.01  # below it nothing is invoiced


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Quantiles of a saving and the chance that there is any. [USD]"""

    p10_usd: float
    p50_usd: float
    p90_usd: float
    probability: float


def saving_spread(saving_usd: FloatArray, weights: FloatArray) -> Spread:
    """Spread of a saving of shape (n_scenarios,)."""
    low, middle, high = (weighted_quantile(saving_usd, weights, level=level) for level in LEVELS)
    is_saved = (saving_usd > 0.0).astype(np.float64)
    return Spread(p10_usd=low, p50_usd=middle, p90_usd=high, probability=float(weights @ is_saved))


def year_rows(view: OfferView, worth: Worth, weights: FloatArray) -> tuple[YearRow, ...]:
    """One row for each contract year."""
    found, out = worth.settlement, []
    counted = worth.counted_usd.reshape(len(weights), view.n_years, MONTHS_PER_YEAR).sum(axis=2)
    for year in range(view.n_years):
        low, middle, high = (weighted_quantile(counted[:, year], weights, level=level) for level in LEVELS)
        shortfall = found.shortfall_usd[:, year]
        out.append(
            YearRow(
                year=year + 1,
                commitment_usd=float(view.commitment_usd[year]),
                counted_p10_usd=low,
                counted_p50_usd=middle,
                counted_p90_usd=high,
                counted_mean_usd=float(weights @ counted[:, year]),
                shortfall_probability=float(weights @ (shortfall > CENT)),
                shortfall_mean_usd=float(weights @ shortfall),
                shortfall_p90_usd=weighted_quantile(shortfall, weights, level=LEVELS[2]),
                moved_mean_usd=float(weights @ found.moved_usd[:, year]),
                used_mean_usd=float(weights @ found.used_usd[:, year]),
            )
        )
    return tuple(out)


def curve_rows(view: OfferView, worth: Worth, model: SpendModel) -> tuple[CurveRow, ...]:
    """Counted spend and commitment from the start to the end of each month, each year's in equal parts."""
    retired = np.cumsum(worth.counted_usd, axis=1)
    bands = weighted_quantiles(retired, model.assembled.problem.weights, LEVELS)
    line = np.cumsum(np.repeat(view.commitment_usd / MONTHS_PER_YEAR, MONTHS_PER_YEAR))
    months = month_index(np.array(model.edges[: view.n_months]))
    return tuple(
        CurveRow(
            month=month_name(int(months[place])),
            commitment_usd=float(line[place]),
            p10_usd=float(bands[place, 0]),
            p50_usd=float(bands[place, 1]),
            p90_usd=float(bands[place, 2]),
        )
        for place in range(view.n_months)
    )
