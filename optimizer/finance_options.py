"""Build, buy or open source: total cost of several ways to the same end over some years, and which is best by what.

Years count from the decision. Upfront is paid at once, what runs in a year counts at its middle. Not here: which cases
there are (`optimizer.assessment_cases`).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.arrays import FloatArray, frozen_floats
from optimizer.finance import payback_time, present_value_usd

MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionCosts:
    """One way, as it is paid.

    Attributes
    ----------
    name : str
    upfront_usd : float
        Paid at the decision. [USD]
    is_capital : bool
        Whether the upfront part is capitalized and depreciated over the years looked at; else it is an expense of the
        first year.
    yearly_usd : FloatArray of shape (n_years,)
        Licences, services, running cost and people of each year. [USD]
    """

    name: str
    upfront_usd: float
    is_capital: bool
    yearly_usd: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "yearly_usd", frozen_floats(self.yearly_usd))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptionTotals:
    """What one way comes to, against the first one.

    Attributes
    ----------
    name : str
    total_usd : float
        Cash of all years: total cost of ownership. [USD]
    present_usd : float
        The same at the discount rate. [USD]
    ebitda_usd, ebit_usd, cash_usd : FloatArray of shape (n_years,)
        Of each year, cost below zero; the upfront cash is in the first year. [USD]
    tied_up_usd : float
        Most that this way has cost more than the first one at any time. [USD]
    payback_years, discounted_payback_years : float
        Time from which on it has cost no more than the first one; infinite where never within the years; nan for the
        first one.
    """

    name: str
    total_usd: float
    present_usd: float
    ebitda_usd: FloatArray
    ebit_usd: FloatArray
    cash_usd: FloatArray
    tied_up_usd: float
    payback_years: float
    discounted_payback_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Options from best to worst by one goal."""

    goal: str
    names: tuple[str, ...]


def grown_usd(first_usd: float, *, growth_fraction: float, n_years: int) -> FloatArray:
    """Cost of each year that grows by the same part every year. Shape (n_years,). [USD]

    Examples
    --------
    >>> grown_usd(100.0, growth_fraction=0.1, n_years=2).round(9).tolist()
    [100.0, 110.0]
    """
    return np.asarray(first_usd * (1.0 + growth_fraction) ** np.arange(n_years), dtype=np.float64)


def option_totals(options: Sequence[OptionCosts], *, rate_yearly: float) -> tuple[OptionTotals, ...]:
    """Totals of each option, in their order; the first is what the others are held against.

    Parameters
    ----------
    options : sequence of OptionCosts
        All over the same years.
    rate_yearly : float
    """
    baseline = options[0]
    return tuple(_totals(option, baseline, rate_yearly) for option in options)


def _totals(option: OptionCosts, baseline: OptionCosts, rate_yearly: float) -> OptionTotals:
    """Totals of one option."""
    n_years = len(option.yearly_usd)
    flow = np.concatenate([[-option.upfront_usd], -option.yearly_usd])
    times = np.concatenate([[0.0], np.arange(n_years) + 0.5])
    upfront_in_year = np.zeros(n_years)
    upfront_in_year[0] = option.upfront_usd
    ebitda: FloatArray = 0.0 - option.yearly_usd - (0.0 if option.is_capital else upfront_in_year)
    depreciation = option.upfront_usd / n_years if option.is_capital else 0.0
    lead, discounted = _lead_usd(option, baseline, 0.0), _lead_usd(option, baseline, rate_yearly)
    edges = np.arange(n_years + 1.0)
    is_baseline = option is baseline
    return OptionTotals(
        name=option.name,
        total_usd=-float(flow.sum()),
        present_usd=-present_value_usd(flow, times, rate_yearly=rate_yearly),
        ebitda_usd=ebitda,
        ebit_usd=ebitda - depreciation,
        cash_usd=0.0 - option.yearly_usd - upfront_in_year,
        tied_up_usd=max(0.0, -float(lead.min())),
        payback_years=math.nan if is_baseline else payback_time(lead, edges),
        discounted_payback_years=math.nan if is_baseline else payback_time(discounted, edges),
    )


def _lead_usd(option: OptionCosts, baseline: OptionCosts, rate_yearly: float) -> FloatArray:
    """Savings against the baseline, summed up to the decision and to the end of each year. Shape (n_years + 1,)."""
    middles = np.arange(len(option.yearly_usd)) + 0.5
    yearly = (baseline.yearly_usd - option.yearly_usd) * (1.0 + rate_yearly) ** -middles
    out: FloatArray = np.cumsum(np.concatenate([[baseline.upfront_usd - option.upfront_usd], yearly]))
    return out


def rankings(totals: Sequence[OptionTotals], *, hurdle_months: float) -> tuple[Ranking, ...]:
    """Order of the options under each goal; ties by present value, then as given.

    - npv: least cost at the discount rate.
    - ebitda: highest EBITDA over all years; what is capitalized does not count.
    - free_cash_flow: least cash tied up at any time against the first option.
    - payback: what pays back within the hurdle, soonest first; then the first option; then the rest, soonest first.
    """
    keys: dict[str, Callable[[OptionTotals], Any]] = {
        "npv": lambda one: one.present_usd,
        "ebitda": lambda one: -float(one.ebitda_usd.sum()),
        "free_cash_flow": lambda one: one.tied_up_usd,
        "payback": lambda one: payback_rank(one.payback_years * MONTHS_PER_YEAR, hurdle_months=hurdle_months),
    }
    return tuple(
        Ranking(goal=goal, names=tuple(one.name for one in sorted(totals, key=lambda one: (key(one), one.present_usd))))
        for goal, key in keys.items()
    )


def payback_rank(payback_months: float, *, hurdle_months: float) -> tuple[int, float]:
    """Sort key by payback: within the hurdle, then what needs none (nan), then beyond it.

    Examples
    --------
    >>> sorted([40.0, math.nan, 10.0], key=lambda months: payback_rank(months, hurdle_months=24.0))
    [10.0, nan, 40.0]
    """
    if math.isnan(payback_months):
        return 1, 0.0
    return (0 if payback_months <= hurdle_months else 2), payback_months


def break_even_years(option: OptionTotals) -> tuple[int, float] | None:
    """Year in which an option has paid back, counted from 1, and the time itself; None where it never does.

    Examples
    --------
    >>> buy = OptionCosts(name="buy", upfront_usd=0.0, is_capital=False, yearly_usd=np.full(5, 5.0))
    >>> build = OptionCosts(name="build", upfront_usd=10.0, is_capital=True, yearly_usd=np.full(5, 1.0))
    >>> break_even_years(option_totals((buy, build), rate_yearly=0.0)[1])
    (3, 2.5)
    """
    if not math.isfinite(option.payback_years):
        return None
    return max(1, math.ceil(option.payback_years - 1e-9)), option.payback_years
