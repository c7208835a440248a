"""What a way of buying cost for what came: billed hour by hour, whole and by the period between two dates.

Not here: what was bought.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_DAY
from optimizer.assembly import Market
from optimizer.billing.bill import Bill
from optimizer.billing.replay import BillOptions, bill_portfolio
from optimizer.jobs.backtest.decisions import Replay
from optimizer.jobs.backtest.request import Setting
from optimizer.metrics import coverage_fraction, effective_savings_fraction, stranded_fraction, utilization_fraction
from optimizer.portfolio import Commitment, order_hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Money of some hours, amortized.

    Attributes
    ----------
    total_usd : float
    committed_usd, stranded_usd : float
        Fees of what was held, and the part that no usage consumed.
    on_demand_equivalent_usd : float
        All demand at on-demand prices.
    eligible_usd, covered_usd : float
        Demand off spot at on-demand prices, and the part that commitments covered.
    """

    total_usd: float
    committed_usd: float
    stranded_usd: float
    on_demand_equivalent_usd: float
    eligible_usd: float
    covered_usd: float

    @property
    def esr(self) -> float | None:
        """Effective savings rate."""
        return effective_savings_fraction(
            actual_usd=self.total_usd, on_demand_equivalent_usd=self.on_demand_equivalent_usd
        )

    @property
    def coverage(self) -> float | None:
        """Covered part; None without demand."""
        return coverage_fraction(covered_on_demand_usd=self.covered_usd, eligible_on_demand_usd=self.eligible_usd)

    @property
    def utilization(self) -> float | None:
        """Used part of what was committed; None where nothing was."""
        used_usd = self.committed_usd - self.stranded_usd
        return utilization_fraction(used_usd=used_usd, committed_usd=self.committed_usd)

    @property
    def stranded_fraction(self) -> float | None:
        """Stranded part of what was committed; None where nothing was."""
        return stranded_fraction(stranded_usd=self.stranded_usd, committed_usd=self.committed_usd)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One way of buying as billed.

    Attributes
    ----------
    replay : Replay
    whole : Figures
        Of the window.
    periods : tuple of Figures
        From each date to the next.
    lock_in_usd : tuple of float
        Fees still owed after each date for what is held then, its purchases included. [USD]
    daily_usd : FloatArray of shape (n_days,)
        Cost of each day of the window.
    """

    replay: Replay
    whole: Figures
    periods: tuple[Figures, ...]
    lock_in_usd: tuple[float, ...]
    daily_usd: FloatArray


def track_of(replay: Replay, setting: Setting, market: Market) -> Track:
    """Bill a replay.

    Parameters
    ----------
    replay : Replay
    setting : Setting
    market : Market
        Of the window; its commitments are what was owned from the start.
    """
    held = (*market.commitments, *replay.bought)
    edges = setting.edges
    whole = _bill(held, setting, market, edges[0], edges[-1])
    return Track(
        replay=replay,
        whole=figures_of(whole),
        periods=tuple(figures_of(_bill(held, setting, market, first, last)) for first, last in pairwise(edges)),
        lock_in_usd=tuple(lock_in_usd(held, market, date) for date in setting.dates.tolist()),
        daily_usd=hourly_usd(whole).reshape(-1, HOURS_PER_DAY).sum(axis=1),
    )


def stranded_ahead(replay: Replay, setting: Setting, market: Market, *, date_hour: int, end_hour: int) -> Figures:
    """What came of the portfolio held after a date's purchases, without later ones."""
    offer_of = market.catalog.offer
    bought = tuple(one for one in replay.bought if order_hour(one, offer_of(one.offer_id)) <= date_hour)
    return figures_of(_bill((*market.commitments, *bought), setting, market, date_hour, end_hour))


def on_demand_figures(setting: Setting, market: Market, *, start_hour: int, end_hour: int) -> Figures:
    """Everything on demand: no commitment, no spot."""
    units = _units(setting, start_hour, end_hour)
    options = BillOptions(spot_units=np.zeros(units.shape))
    return figures_of(bill_portfolio(market.catalog, market.pools, (), np.arange(start_hour, end_hour), units, options))


def figures_of(bill: Bill) -> Figures:
    """Money of a bill."""
    return Figures(
        total_usd=bill.total_usd,
        committed_usd=bill.fee_usd,
        stranded_usd=bill.stranded_usd,
        on_demand_equivalent_usd=bill.on_demand_equivalent_usd,
        eligible_usd=bill.eligible_on_demand_usd,
        covered_usd=bill.covered_on_demand_usd,
    )


def hourly_usd(bill: Bill) -> FloatArray:
    """Cost of each hour of a bill: fees, on-demand and spot. Shape (n_hours,). [USD]"""
    spot = np.nan_to_num(bill.spot_rate_usd) @ bill.spot_units
    cost: FloatArray = bill.hour_fee_usd + bill.on_demand_rate_usd @ bill.on_demand_units + spot
    return cost


def lock_in_usd(held: tuple[Commitment, ...], market: Market, date_hour: int) -> float:
    """Fees owed from a date on for what was bought by then. [USD]"""
    total = 0.0
    for owned in held:
        offer = market.catalog.offer(owned.offer_id)
        if order_hour(owned, offer) <= date_hour and not offer.is_open_ended:
            hours = max(0, owned.end_hour - max(date_hour, owned.start_hour))
            total += offer.effective_hourly_usd * owned.quantity * hours
    return total


def _units(setting: Setting, start_hour: int, end_hour: int) -> FloatArray:
    """Demand of the pools used in the window, on some of its hours."""
    return setting.came.units[:, start_hour - setting.start_hour : end_hour - setting.start_hour]


def _bill(held: tuple[Commitment, ...], setting: Setting, market: Market, start_hour: int, end_hour: int) -> Bill:
    """Bill some hours of what came."""
    hours = np.arange(start_hour, end_hour)
    return bill_portfolio(market.catalog, market.pools, held, hours, _units(setting, start_hour, end_hour))
