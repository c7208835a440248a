"""Time value of money: present value, internal rate, payback, and the interest that paying upfront earns.

Times are years from the decision, payments are positive where money comes in. Not here: whose payments they are
(`optimizer.finance_assets`, `optimizer.finance_options`, `optimizer.jobs.money`).
"""

import math

import numpy as np

from forecasting.arrays import FloatArray
from forecasting.hours import HOURS_PER_YEAR

LOWEST_RATE, HIGHEST_RATE = -0.95, 1e4  # a year; what pays back faster than within hours has no rate worth a name
RATE_STEPS = 2_000  # of the search for changes of sign, in the log of 1 + rate
RATE_TOLERANCE = 1e-13  # of 1 + rate: bisection ends where float64 does


def present_value_usd(flow_usd: FloatArray, time_years: FloatArray, *, rate_yearly: float) -> float:
    """Sum of payments, each divided by (1 + rate) to the power of its time; at rate 0 the plain sum. [USD]

    Parameters
    ----------
    flow_usd : FloatArray of shape (n_payments,)
        [USD]
    time_years : FloatArray of shape (n_payments,)
        [years]
    rate_yearly : float
        Above -1.

    Examples
    --------
    >>> present_value_usd(np.array([-100.0, 121.0]), np.array([0.0, 2.0]), rate_yearly=0.1)
    0.0
    """
    factors = (1.0 + rate_yearly) ** -np.asarray(time_years, dtype=np.float64)
    return round_off(float(np.asarray(flow_usd) @ factors), float(np.abs(flow_usd) @ factors))


def round_off(value_usd: float, scale_usd: float) -> float:
    """The value; 0 where it is nothing but rounding of sums of that scale. [USD]"""
    return 0.0 if abs(value_usd) <= 1e-12 * scale_usd else value_usd


def internal_rate(flow_usd: FloatArray, time_years: FloatArray) -> float | None:
    """Yearly rate at which the payments are worth nothing today: IRR.

    Parameters
    ----------
    flow_usd, time_years : FloatArray of shape (n_payments,)

    Returns
    -------
    float or None
        None where no rate from -95 % to 1,000,000 % does it, or several do: then no single one says anything.

    Examples
    --------
    >>> round(internal_rate(np.array([-100.0, 110.0]), np.array([0.0, 1.0])), 9)
    0.1
    """
    flow, time = np.asarray(flow_usd, dtype=np.float64), np.asarray(time_years, dtype=np.float64)
    grid = np.linspace(math.log1p(LOWEST_RATE), math.log1p(HIGHEST_RATE), RATE_STEPS)
    signs = np.sign([float(flow @ np.exp(-log_rate * time)) for log_rate in grid])
    changes = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    exact = np.flatnonzero(signs == 0.0)
    if len(changes) + len(exact) != 1:
        return None
    if len(exact):
        return math.expm1(float(grid[exact[0]]))
    low, high = float(grid[changes[0]]), float(grid[changes[0] + 1])
    sign_low = signs[changes[0]]
    while high - low > RATE_TOLERANCE * (1.0 + abs(low)):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if np.sign(float(flow @ np.exp(-middle * time))) == sign_low:
            low = middle
        else:
            high = middle
    return math.expm1((low + high) / 2.0)


def payback_time(cumulated_usd: FloatArray, edge_years: FloatArray) -> float:
    """Time from which on a cumulated sum never lies below zero again, linear between the edges.

    For one outlay and savings after it, this is the first time it reaches zero. Where it falls below zero again, only
    the last return counts.

    Parameters
    ----------
    cumulated_usd : FloatArray of shape (n_edges,)
        Sum of all payments up to each edge. [USD]
    edge_years : FloatArray of shape (n_edges,)
        Rising. [years, or any unit of time]

    Returns
    -------
    float
        The first edge where it never is below zero; infinite where it ends below zero.

    Examples
    --------
    >>> payback_time(np.array([-150.0, 50.0]), np.array([0.0, 12.0]))
    9.0
    """
    total, edges = np.asarray(cumulated_usd, dtype=np.float64), np.asarray(edge_years, dtype=np.float64)
    rounding = 1e-12 * float(np.abs(total).max(initial=0.0))  # a sum that ends at zero may end just below it
    below = np.flatnonzero(total < -rounding)
    if not len(below):
        return float(edges[0])
    last = int(below[-1])
    if last == len(total) - 1:
        return math.inf
    share = min(-total[last] / (total[last + 1] - total[last]), 1.0)
    return float(edges[last] + share * (edges[last + 1] - edges[last]))


def hourly_value_factor(*, term_hours: float, rate_yearly: float) -> float:
    """Present value of 1 USD paid in every hour of a term, each at its middle. [USD per USD/h]

    Closed form of the sum over hours of (1 + rate) ^ -((h + 1/2) / 8,760).

    Examples
    --------
    >>> hourly_value_factor(term_hours=8_760, rate_yearly=0.0)
    8760.0
    """
    if rate_yearly == 0.0:
        return float(term_hours)
    step = math.log1p(rate_yearly) / HOURS_PER_YEAR
    return math.exp(-step / 2.0) * -math.expm1(-step * term_hours) / -math.expm1(-step)


def upfront_rate(*, extra_upfront_usd: float, saved_hourly_usd: float, term_hours: float) -> float | None:
    """Yearly interest that paying more upfront earns, by paying less in every hour of the term.

    The internal rate of minus `extra_upfront_usd` now and `saved_hourly_usd` in every hour: whoever can borrow for less
    does better to pay upfront, whoever cannot does better to pay as it runs.

    Parameters
    ----------
    extra_upfront_usd : float
        Above 0. [USD]
    saved_hourly_usd : float
        [USD/h]
    term_hours : float
        [h]

    Returns
    -------
    float or None
        Below 0 where the hours give back less than was paid; None where they give back nothing, or all at once.

    Examples
    --------
    >>> upfront_rate(extra_upfront_usd=876.0, saved_hourly_usd=0.1, term_hours=8_760)
    0.0
    """
    if extra_upfront_usd <= 0.0 or saved_hourly_usd <= 0.0:
        return None
    wanted = extra_upfront_usd / saved_hourly_usd
    if math.isclose(wanted, term_hours, rel_tol=1e-12):
        return 0.0
    low, high = math.log1p(LOWEST_RATE), math.log1p(HIGHEST_RATE)
    if not _factor_at(high, term_hours) < wanted < _factor_at(low, term_hours):
        return None
    while high - low > RATE_TOLERANCE * (1.0 + abs(low)):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if _factor_at(middle, term_hours) > wanted:
            low = middle
        else:
            high = middle
    return math.expm1((low + high) / 2.0)


def _factor_at(log_rate: float, term_hours: float) -> float:
    """`hourly_value_factor` at the log of 1 + rate."""
    return hourly_value_factor(term_hours=term_hours, rate_yearly=math.expm1(log_rate))
