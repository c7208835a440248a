"""Shares a reservation by the second within each clock hour among the instances that run in it.

A reserved instance benefits 3,600 instance-seconds of each clock hour [1]_. Smaller sizes come first; instances of one
size that run at the same time draw on it together until it is used up, and run on demand for the rest of the hour. What
is not used by the end of the hour is lost.

Not here: which instances fit a reservation (`optimizer.billing.aws.instances`), the order of several commitments on
hourly totals (`optimizer.billing.aws.order`).

References
----------
.. [1] https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/concepts-reserved-instances-application.html
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.billing.aws.reserved import HOUR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One instance that runs without a break.

    Attributes
    ----------
    start_second, end_second : int
        Epoch seconds, the end exclusive.
    draw : float
        Reserved instances that it takes: 1 for the type reserved, 0.5 for half its size.
    """

    start_second: int
    end_second: int
    draw: float = 1.0

    def __post_init__(self) -> None:
        """Check the order of the times and the draw."""
        if self.end_second < self.start_second or not self.draw > 0.0:
            msg = (
                "a run must end at or after its start and draw more than 0, "
                f"got [{self.start_second}, {self.end_second}) with draw {self.draw}."
            )
            raise ValueError(msg)


def whole_hours(run: Run) -> Run:
    """Run as platforms billed by the hour count it (SUSE and others): every clock hour it touches, whole.

    Examples
    --------
    >>> whole_hours(Run(start_second=3000, end_second=3700))
    Run(start_second=0, end_second=7200, draw=1.0)
    """
    if run.end_second == run.start_second:
        return run
    first, last = run.start_second // HOUR_SECONDS, -(-run.end_second // HOUR_SECONDS)
    return Run(start_second=first * HOUR_SECONDS, end_second=last * HOUR_SECONDS, draw=run.draw)


def ran_seconds(runs: Sequence[Run], *, first_hour: int, n_hours: int) -> FloatArray:
    """Seconds that each instance runs in each clock hour.

    Parameters
    ----------
    runs : sequence of Run
    first_hour : int
        Epoch hour.
    n_hours : int

    Returns
    -------
    FloatArray of shape (n_runs, n_hours)
        [s]
    """
    opens = (first_hour + np.arange(n_hours, dtype=np.float64)) * HOUR_SECONDS
    return _overlap(runs, opens, opens + HOUR_SECONDS)


def covered_seconds(runs: Sequence[Run], reserved_count: float, *, first_hour: int, n_hours: int) -> FloatArray:
    """Seconds of each instance in each clock hour that reserved instances pay for.

    Parameters
    ----------
    runs : sequence of Run
    reserved_count : float
        Instances reserved throughout.
    first_hour : int
        Epoch hour.
    n_hours : int

    Returns
    -------
    FloatArray of shape (n_runs, n_hours)
        [s]

    Examples
    --------
    One reserved instance, four instances for 15 minutes, then four for the whole hour:

    >>> quarter = Run(start_second=0, end_second=900)
    >>> covered_seconds([quarter] * 4, 1.0, first_hour=0, n_hours=1).ravel()
    array([900., 900., 900., 900.])
    >>> whole = Run(start_second=0, end_second=3600)
    >>> covered_seconds([whole] * 4, 1.0, first_hour=0, n_hours=1).sum()
    np.float64(3600.0)
    """
    covered = np.zeros((len(runs), n_hours))
    draws = np.array([run.draw for run in runs])
    for column in range(n_hours):
        opens = (first_hour + column) * HOUR_SECONDS
        left = reserved_count * HOUR_SECONDS
        for draw in np.unique(draws):
            rows = np.flatnonzero(draws == draw).tolist()
            sized = [runs[row] for row in rows]
            until = _used_up(sized, opens, left / draw)
            covered[rows, column] = _overlap(sized, np.array([float(opens)]), np.array([until]))[:, 0]
            left = max(0.0, left - draw * covered[rows, column].sum())
    return covered


def _used_up(runs: Sequence[Run], opens: int, benefit_seconds: float) -> float:
    """Second of the hour at which runs of one size have drawn all they may together; its end where they do not."""
    closes = opens + HOUR_SECONDS
    edges = sorted({opens, closes, *(min(max(edge, opens), closes) for run in runs for edge in _edges(run))})
    left = benefit_seconds
    for begin, end in itertools.pairwise(edges):
        n_running = sum(run.start_second <= begin and run.end_second >= end for run in runs)
        if n_running * (end - begin) > left:
            return begin + left / n_running
        left -= n_running * (end - begin)
    return closes


def _edges(run: Run) -> tuple[int, int]:
    """Both ends."""
    return run.start_second, run.end_second


def _overlap(runs: Sequence[Run], opens: FloatArray, closes: FloatArray) -> FloatArray:
    """Seconds of each run inside each span. Shape (n_runs, n_spans)."""
    starts = np.array([run.start_second for run in runs], dtype=np.float64)[:, None]
    ends = np.array([run.end_second for run in runs], dtype=np.float64)[:, None]
    inside: FloatArray = np.maximum(0.0, np.minimum(ends, closes) - np.maximum(starts, opens))
    return inside
