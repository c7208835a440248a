"""Engineering work that saves cost: what it costs, when it has paid for itself, at which bill it would.

Savings start with the first month after the delay given. Not here: the saving itself, which is declared.
"""

import math
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from optimizer.finance import payback_time

MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Work that takes a part off a monthly bill.

    Attributes
    ----------
    monthly_bill_usd : float
        Today. [USD/month]
    saved_fraction : float
        Part of the bill that the work saves.
    effort_usd : float
        Cost of the work, all of it. [USD]
    later_bill_usd : float or None
        Bill that today's grows to; None: it stays. [USD/month]
    growth_months : float or None
        Months in which it grows there, by the same amount each; None: not said when.
    delay_months : float
        From the decision to the first month that saves.
    """

    monthly_bill_usd: float
    saved_fraction: float
    effort_usd: float
    later_bill_usd: float | None = None
    growth_months: float | None = None
    delay_months: float = 0.0

    @property
    def judged_bill_usd(self) -> float:
        """Bill that the payback is taken at where it does not follow a path: the later one, where there is one."""
        return self.monthly_bill_usd if self.later_bill_usd is None else self.later_bill_usd


def effort_usd(*, people: float, months: float, month_usd: float, one_off_usd: float = 0.0) -> float:
    """Cost of people x months x cost of a month, and what is paid once. [USD]

    Examples
    --------
    >>> effort_usd(people=3, months=2, month_usd=25_000.0)
    150000.0
    """
    return people * months * month_usd + one_off_usd


def flat_payback_months(project: Project, *, bill_usd: float) -> float:
    """Months until the savings on a bill that stays have paid for the work; infinite where nothing is saved.

    Examples
    --------
    >>> project = Project(monthly_bill_usd=20_000.0, saved_fraction=0.7, effort_usd=150_000.0)
    >>> round(flat_payback_months(project, bill_usd=20_000.0), 1)
    10.7
    """
    saved = bill_usd * project.saved_fraction
    if project.effort_usd == 0.0:
        return 0.0
    return project.delay_months + project.effort_usd / saved if saved > 0.0 else math.inf


def path_payback_months(project: Project) -> float:
    """Months from the decision until the savings on the bill as it grows have paid for the work.

    The bill of a month is that at its middle; where it is not said how long it takes to grow, the bill of today stays.
    """
    if project.growth_months is None or project.later_bill_usd is None:
        return flat_payback_months(project, bill_usd=project.monthly_bill_usd)
    months = np.arange(int(np.ceil(project.growth_months)) + 1)
    saved_monthly = _bills_usd(project, months) * project.saved_fraction
    total = np.concatenate([[0.0], np.cumsum(saved_monthly)]) - project.effort_usd
    if project.effort_usd == 0.0:
        return 0.0
    if total[-1] >= 0.0:
        return payback_time(total, np.arange(len(total), dtype=np.float64)) + project.delay_months
    saved = project.later_bill_usd * project.saved_fraction  # from here on the bill stays
    return len(months) + project.delay_months - float(total[-1]) / saved if saved > 0.0 else math.inf


def saved_within_usd(project: Project, months: float) -> float:
    """What the work saves in the first months from the decision, on the bill as it grows. [USD]

    Examples
    --------
    >>> project = Project(
    ...     monthly_bill_usd=0.0, saved_fraction=0.5, effort_usd=1.0, later_bill_usd=1200.0, growth_months=12.0
    ... )
    >>> saved_within_usd(project, 2.0)  # at half of 50 and of 150 USD
    100.0
    """
    whole = np.arange(int(np.ceil(max(months - project.delay_months, 0.0))) + 1)
    saved = np.concatenate([[0.0], np.cumsum(_bills_usd(project, whole) * project.saved_fraction)])
    return float(np.interp(max(months - project.delay_months, 0.0), np.arange(len(saved)), saved))


def _bills_usd(project: Project, months: IntArray) -> FloatArray:
    """Bill at the middle of each month that saves, counted from 0. Shape (n_months,). [USD/month]"""
    if project.later_bill_usd is None or project.growth_months is None:
        return np.full(len(months), project.monthly_bill_usd)
    share = np.minimum((months + 0.5 + project.delay_months) / project.growth_months, 1.0)
    out: FloatArray = project.monthly_bill_usd + share * (project.later_bill_usd - project.monthly_bill_usd)
    return out


def break_even_bill_usd(project: Project, *, hurdle_months: float) -> float:
    """Monthly bill at which the payback is the hurdle; infinite where none is. [USD/month]

    Examples
    --------
    >>> project = Project(monthly_bill_usd=20_000.0, saved_fraction=0.5, effort_usd=150_000.0)
    >>> break_even_bill_usd(project, hurdle_months=6.0)
    50000.0
    """
    saving_months = hurdle_months - project.delay_months
    if project.effort_usd == 0.0:
        return 0.0
    if saving_months <= 0.0 or project.saved_fraction == 0.0:
        return math.inf
    return project.effort_usd / (saving_months * project.saved_fraction)
