"""Everything a backtest answers, as plain data that pages and files are made from.

Not here: how any of it is computed (`optimizer.jobs.backtest.run`) or shown (`optimizer.report`).
"""

import math
from dataclasses import dataclass

from forecasting.arrays import FloatArray
from optimizer.jobs.backtest.decisions import Expectation
from optimizer.jobs.backtest.hindsight import Hindsight
from optimizer.jobs.backtest.regret import RegretPart
from optimizer.jobs.backtest.score import Figures, Track
from optimizer.plan import InputRecord, Purchase
from optimizer.portfolio import Commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCheck:
    """What the plan of one date expected, beside what came.

    Attributes
    ----------
    date_hour, next_hour : int
    expected : Expectation
    came : Figures
        From the date to the next.
    on_demand_usd : float
        Of the same period. [USD]
    year_came : Figures
        What came of the portfolio held after the purchases, up to `expected.year_end_hour`.
    """

    date_hour: int
    next_hour: int
    expected: Expectation
    came: Figures
    on_demand_usd: float
    year_came: Figures

    @property
    def holds(self) -> bool:
        """Whether the cost that came lies in the plan's 90 % interval."""
        return self.expected.cost_low_usd <= self.came.total_usd <= self.expected.cost_high_usd

    @property
    def width_fraction(self) -> float:
        """Width of the interval as a part of the on-demand cost; nan without one."""
        width = self.expected.cost_high_usd - self.expected.cost_low_usd
        return width / self.on_demand_usd if self.on_demand_usd > 0 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastPrice:
    """What a point of forecast error costs.

    Attributes
    ----------
    loss, better_loss : float
        Mean weighted quantile loss over the dates: of the forecast, and of one half way to what came.
    saved_usd : float
        What the better one saves. [USD]
    usd_per_point : float
        Of a hundredth of loss; nan where the losses are equal. [USD]
    """

    loss: float
    better_loss: float
    saved_usd: float
    usd_per_point: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BacktestAnswer:
    """What a backtest found.

    Attributes
    ----------
    start_hour, end_hour : int
    cadence_months : int
    date_hours : tuple of int
    terms_months : tuple of int
    has_events : bool
        Whether the run had a roadmap with events.
    ours : Track
        The planner.
    variants : tuple of Track
        The planner in worlds that differ in one thing.
    rivals : tuple of Track
        Rules.
    on_demand : Figures
        Everything on demand.
    on_demand_daily_usd : FloatArray of shape (n_days,)
    clairvoyant : Track
        The optimum in hindsight as billed.
    certificate : Hindsight
        The same by the optimizer, with its lower bound.
    regret : tuple of RegretPart
        Sum to the cost of ours less the clairvoyant's.
    checks : tuple of PeriodCheck
    forecast_price : ForecastPrice or None
        None where the better forecast was not asked for.
    purchases : tuple of Purchase
        Of ours.
    owned : tuple of Commitment
        From the start.
    owned_usd : float
        Fees inside the window of what was owned from the start. [USD]
    inputs : tuple of InputRecord
    versions : tuple of (str, str)
    seed : int
    """

    start_hour: int
    end_hour: int
    cadence_months: int
    date_hours: tuple[int, ...]
    terms_months: tuple[int, ...]
    has_events: bool
    ours: Track
    variants: tuple[Track, ...]
    rivals: tuple[Track, ...]
    on_demand: Figures
    on_demand_daily_usd: FloatArray
    clairvoyant: Track
    certificate: Hindsight
    regret: tuple[RegretPart, ...]
    checks: tuple[PeriodCheck, ...]
    forecast_price: ForecastPrice | None
    purchases: tuple[Purchase, ...]
    owned: tuple[Commitment, ...]
    owned_usd: float
    inputs: tuple[InputRecord, ...]
    versions: tuple[tuple[str, str], ...]
    seed: int

    def capture(self, cost_usd: float) -> float | None:
        """Part of the clairvoyant's saving that a cost stands for; None where there is nothing to save."""
        possible = self.on_demand.total_usd - self.certificate.cost_usd
        return (self.on_demand.total_usd - cost_usd) / possible if possible > 0 else None

    @property
    def n_held(self) -> int:
        """Periods whose cost lay in the plan's interval."""
        return sum(check.holds for check in self.checks)
