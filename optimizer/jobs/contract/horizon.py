"""How far a contract is looked at: its own years, on sampled hours, with purchases all through them.

Not here: the timeline of a plan (`optimizer.calendar_dates`).
"""

import numpy as np

from forecasting.hours import add_months, term_hours
from optimizer.calendar_dates import Timeline

MONTHS_PER_YEAR = 12
STRIDE_HOURS = 13  # coprime to a day and a week: thirteen weeks of sampled hours meet every hour of the week
MOST_DATES = 12  # of purchases: more would make the search slow, and later ones are no advice anyway


def contract_timeline(
    as_of_hour: int, *, years: int, cadence_months: int, terms_months: tuple[int, ...]
) -> tuple[Timeline, int]:
    """Timeline over the longest contract and the longest term, and the months between purchases.

    Parameters
    ----------
    as_of_hour : int
        First hour of the contract.
    years : int
        Of the longest contract.
    cadence_months : int
        Of the policy; multiplied where more than `MOST_DATES` dates would fit.
    terms_months : tuple of int
        Terms that can be bought; at least one.

    Examples
    --------
    >>> timeline, cadence = contract_timeline(0, years=5, cadence_months=3, terms_months=(12,))
    >>> cadence, len(timeline.decision_hours), timeline.end_hour
    (6, 10, 43824)
    """
    longest = term_hours(max(terms_months))
    end = max(add_months(as_of_hour, MONTHS_PER_YEAR * years), as_of_hour + longest)
    cadence = cadence_months
    while len(dates := _dates(as_of_hour, cadence, end)) > MOST_DATES:
        cadence += cadence_months
    valued_end = dates[-1] + longest
    all_dates = _dates(as_of_hour, cadence, valued_end)
    timeline = Timeline(
        decision_hours=np.array(dates),
        tail_hours=np.array(all_dates[len(dates) :], dtype=np.int64),
        start_hour=as_of_hour,
        end_hour=end,
        valued_end_hour=valued_end,
        stride_hours=STRIDE_HOURS,
    )
    return timeline, cadence


def month_edges(as_of_hour: int, n_months: int) -> list[int]:
    """Epoch hours at which contract months start, and the end of the last."""
    return [add_months(as_of_hour, month) for month in range(n_months + 1)]


def _dates(start_hour: int, cadence_months: int, end_hour: int) -> list[int]:
    """Dates from a start on, before an end."""
    out: list[int] = []
    while (date := add_months(start_hour, len(out) * cadence_months)) < end_hour:
        out.append(date)
    return out
