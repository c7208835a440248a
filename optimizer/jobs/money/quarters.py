"""Cash, profit and loss, EBITDA and free cash flow of a plan by calendar quarter, and its cash against other ways.

Not here: single purchases (`optimizer.jobs.money.paid`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.hours import HOURS_PER_MONTH, month_index
from forecasting.quantiles import weighted_quantile
from optimizer.finance import payback_time
from optimizer.jobs.money.flows import Held, WindowHours, cash_usd, lumps_usd, present_cash_usd
from optimizer.jobs.money.ledger import MoneyLedger
from optimizer.plan_money import Comparison, QuarterMoney

MONTHS_PER_QUARTER = 3
QUARTERS_PER_YEAR = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spending:
    """One way of serving the demand, in money.

    Attributes
    ----------
    ledger : MoneyLedger
    held : tuple of Held
    """

    ledger: MoneyLedger
    held: tuple[Held, ...]

    def cumulated_usd(self, window: WindowHours, weights: FloatArray, *, is_discounted: bool) -> FloatArray:
        """Expected cash paid up to each edge of the columns, upfront parts at their own. Shape (n_hours + 1,). [USD]

        Parameters
        ----------
        window : WindowHours
        weights : FloatArray of shape (n_scenarios,)
        is_discounted : bool
            Whether every payment counts at the policy's rate: the last sum then is `present_cash_usd`.
        """
        running = weights @ self.ledger.variable_usd + sum(one.paid_hourly_usd for one in self.held)
        running = running * window.discount if is_discounted else running
        at_once = lumps_usd(self.held, window, is_discounted=is_discounted)
        out: FloatArray = np.concatenate([[0.0], np.cumsum(running)]) + np.cumsum(at_once)
        return out

    def present_cash_usd(self, window: WindowHours, weights: FloatArray) -> float:
        """Expected cash at the policy's rate. [USD]"""
        return float(weights @ self.ledger.variable_usd @ window.discount) + present_cash_usd(self.held, window)


def quarter_of(hours: IntArray) -> IntArray:
    """Calendar quarter of each epoch hour, counted from January 1970. Shape as given."""
    return month_index(hours) // MONTHS_PER_QUARTER


def quarter_name(index: int) -> str:
    """Name of a quarter index.

    Examples
    --------
    >>> quarter_name(221)
    '2025-Q2'
    """
    return f"{1970 + index // QUARTERS_PER_YEAR}-Q{index % QUARTERS_PER_YEAR + 1}"


def quarter_rows(
    plan: Spending, all_on_demand_usd: FloatArray, window: WindowHours, weights: FloatArray
) -> tuple[QuarterMoney, ...]:
    """Each quarter of the window.

    Parameters
    ----------
    plan : Spending
    all_on_demand_usd : FloatArray of shape (n_hours,)
        Expected cost of the same demand on demand. [USD]
    window : WindowHours
    weights : FloatArray of shape (n_scenarios,)
    """
    found, starts = np.unique(quarter_of(window.hours), return_index=True)
    ends = [*window.hours[starts[1:]].tolist(), window.end_hour]

    def by_quarter(values: FloatArray) -> FloatArray:
        sums: FloatArray = np.add.reduceat(values, starts, axis=-1)
        return sums

    zero = np.zeros(len(window.hours))
    fees = by_quarter(sum((one.paid_hourly_usd for one in plan.held if not one.is_hardware), start=zero))
    running = by_quarter(sum((one.paid_hourly_usd for one in plan.held if one.is_hardware), start=zero))
    prepaid = by_quarter(sum((one.spread_usd for one in plan.held if not one.is_hardware), start=zero))
    depreciation = by_quarter(sum((one.spread_usd for one in plan.held if one.is_hardware), start=zero))
    on_demand = by_quarter(weights @ np.stack(plan.ledger.on_demand_usd))
    spot = by_quarter(weights @ np.stack(plan.ledger.spot_usd))
    fixed_cash = by_quarter(cash_usd(plan.held, window))
    cash = by_quarter(plan.ledger.variable_usd) + fixed_cash
    others = by_quarter(all_on_demand_usd)
    out = []
    for place, quarter in enumerate(found):
        start, end = int(window.hours[starts[place]]), int(ends[place])
        opex = float(on_demand[place] + spot[place] + fees[place] + prepaid[place] + running[place])
        expected = float(weights @ cash[:, place])
        out.append(
            QuarterMoney(
                quarter=quarter_name(int(quarter)),
                start_hour=start,
                end_hour=end,
                on_demand_usd=float(on_demand[place]),
                spot_usd=float(spot[place]),
                fees_usd=float(fees[place]),
                prepaid_expense_usd=float(prepaid[place]),
                running_usd=float(running[place]),
                depreciation_usd=float(depreciation[place]),
                cost_usd=opex + float(depreciation[place]),
                ebitda_usd=-opex,
                ebit_usd=-opex - float(depreciation[place]),
                upfront_usd=_paid_between(plan.held, start, end, is_hardware=False),
                capex_usd=_paid_between(plan.held, start, end, is_hardware=True),
                salvage_usd=_sold_between(plan.held, window, start, end),
                cash_usd=expected,
                cash_p10_usd=weighted_quantile(cash[:, place], weights, level=0.1),
                cash_p90_usd=weighted_quantile(cash[:, place], weights, level=0.9),
                free_cash_flow_usd=-expected,
                prepaid_end_usd=float(sum(one.prepaid_at(end) for one in plan.held)),
                all_on_demand_usd=float(others[place]),
            )
        )
    return tuple(out)


def _paid_between(held: Sequence[Held], start: int, end: int, *, is_hardware: bool) -> float:
    """Upfront cash paid between two epoch hours, of hardware or of all else. [USD]"""
    paid = (one.upfront_usd for one in held if one.is_hardware == is_hardware and start <= one.paid_hour < end)
    return float(sum(paid))


def _sold_between(held: Sequence[Held], window: WindowHours, start: int, end: int) -> float:
    """What hardware is sold for between two epoch hours. [USD]"""
    return float(sum(one.salvage_inside(window) for one in held if start < one.commitment.end_hour <= end))


def comparison(
    plan: Spending, other: Spending, window: WindowHours, weights: FloatArray, *, against: str
) -> Comparison:
    """Cash of the plan against another way of serving the same demand."""
    months = (window.edges - window.start_hour) / HOURS_PER_MONTH
    lead, discounted = (
        other.cumulated_usd(window, weights, is_discounted=is_discounted)
        - plan.cumulated_usd(window, weights, is_discounted=is_discounted)
        for is_discounted in (False, True)
    )
    return Comparison(
        against=against,
        saved_cash_usd=float(lead[-1]),
        npv_usd=other.present_cash_usd(window, weights) - plan.present_cash_usd(window, weights),
        payback_months=payback_time(lead, months),
        discounted_payback_months=payback_time(discounted, months),
        tied_up_usd=max(0.0, -float(lead.min())),
    )
