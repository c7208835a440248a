"""Days on which spend left its own baseline, of pools, groups and their total, and which are no organic demand.

Not here: what counts as leaving it (`forecasting.anomalies`).
"""

from collections.abc import Mapping

import numpy as np

from forecasting.anomalies import SHIFT, Anomaly, find_anomalies
from forecasting.arrays import BoolArray, FloatArray
from forecasting.daily import group_name
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from optimizer.jobs.forecast_series import TOTAL
from optimizer.jobs.tracking.answer import TrackedAnomaly
from optimizer.jobs.tracking.paired import Paired

EVENT_FRACTION = 0.05  # of expected demand: an event that was to change as much explains the day


def spend_anomalies(
    history: History, rate_usd: Mapping[str, float], cells: Paired
) -> tuple[tuple[TrackedAnomaly, ...], BoolArray]:
    """Episodes that began in the tracked days, and the days of each pool that are no organic demand.

    Parameters
    ----------
    history : History
        All of the usage: what lies before the tracked days tells the baseline.
    rate_usd : mapping of str to float
        On-demand rate of each pool. [USD/unit-hour]
    cells : Paired

    Returns
    -------
    tuple of TrackedAnomaly
        In order of time.
    BoolArray of shape (n_pools, n_days)
        On the pools and days of `cells`.
    """
    window = range(int(cells.days[0]) * HOURS_PER_DAY, (int(cells.days[-1]) + 1) * HOURS_PER_DAY)
    past = History(
        pools=history.pools,
        start_hour=history.start_hour,
        units=history.units[:, : window.stop - history.start_hour],
    )
    place = {pool: row for row, pool in enumerate(cells.pools)}
    explained = _explained(cells)
    is_anomalous = np.zeros(cells.actual_units.shape, dtype=np.bool_)
    out = [TrackedAnomaly(found=found, is_kept_out=False) for found in _sums(past, rate_usd, window)]
    for row, pool in enumerate(past.pools):
        if pool not in place:
            continue
        for found in _inside(past.units[row], past, pool, window):
            first = (found.start_hour - window.start) // HOURS_PER_DAY
            last = (found.start_hour + found.n_hours - 1 - window.start) // HOURS_PER_DAY
            days = slice(first, min(last, len(cells.days) - 1) + 1)
            is_kept_out = found.kind != SHIFT and not bool(explained[place[pool], days].any())
            if is_kept_out:
                is_anomalous[place[pool], days] = True
            out.append(TrackedAnomaly(found=found, is_kept_out=is_kept_out))
    return tuple(sorted(out, key=lambda one: one.found.start_hour)), is_anomalous


def _explained(cells: Paired) -> BoolArray:
    """Days on which declared events were to change a pool much. Shape (n_pools, n_days)."""
    changes = np.abs(cells.event_units).sum(axis=0)
    explained: BoolArray = changes > EVENT_FRACTION * np.abs(cells.expected_units)
    return explained


def _sums(past: History, rate_usd: Mapping[str, float], window: range) -> list[Anomaly]:
    """Episodes of spend of all pools together, and of each group where there are several."""
    spend = past.units * np.array([rate_usd.get(pool, 0.0) for pool in past.pools])[:, None]
    groups = np.array([group_name(pool) for pool in past.pools])
    named = sorted({str(group) for group in groups} - {""})
    out = list(_inside(spend.sum(axis=0), past, TOTAL, window))
    for group in named if len(set(groups)) > 1 else ():
        out += _inside(spend[groups == group].sum(axis=0), past, group, window)
    return out


def _inside(values: FloatArray, past: History, name: str, window: range) -> list[Anomaly]:
    """Episodes of one series that began in the window."""
    return [
        found for found in find_anomalies(values, name=name, start_hour=past.start_hour) if found.start_hour in window
    ]
