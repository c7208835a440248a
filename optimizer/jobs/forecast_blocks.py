"""Distributions of a series gathered from blocks of hours, so that no path is ever held whole.

Not here: where the blocks come from (`optimizer.jobs.forecast_layout`).
"""

from collections.abc import Sequence

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.cliffs import Cliff, capacity_cliffs
from forecasting.history import History
from forecasting.peaks import PEAK_LEVELS, SpanPeaks
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event
from forecasting.scenarios import Scenarios
from forecasting.zones import month_of_day
from optimizer.jobs.forecast_answer import HOURLY_LEVELS


class RunningOutlook:
    """Hours, daily peaks and monthly peaks of one series, block by block in the order of time.

    Parameters
    ----------
    weights : FloatArray of shape (n_paths,)
        Sum to 1.
    """

    def __init__(self, weights: FloatArray) -> None:
        self._weights = weights
        self._hours: list[tuple[FloatArray, FloatArray]] = []
        self._days: list[SpanPeaks] = []
        self._months: dict[int, tuple[int, FloatArray]] = {}  # first hour and peaks of the paths, by month
        self._open: tuple[int, int, FloatArray] | None = None  # day that the next block may go on with
        self._n_hours = 0

    def add(self, units: FloatArray, days: IntArray) -> None:
        """Add the next hours.

        Parameters
        ----------
        units : FloatArray of shape (n_paths, n_block_hours)
            [units]
        days : IntArray of shape (n_block_hours,)
            Local epoch day of each; one may have begun in the block before.
        """
        self._hours.append((self._weights @ units, weighted_quantiles(units, self._weights, HOURLY_LEVELS)))
        first = np.flatnonzero(np.concatenate([[True], days[1:] != days[:-1]]))
        labels, starts = days[first], first + self._n_hours
        peaks = np.maximum.reduceat(units, first, axis=1)
        self._n_hours += units.shape[1]
        if self._open is not None:
            label, start, peak = self._open
            if label == labels[0]:
                starts[0], peaks[:, 0] = start, np.maximum(peak, peaks[:, 0])
            else:
                self._close(np.array([label]), np.array([start]), peak[:, None])
        self._close(labels[:-1], starts[:-1], peaks[:, :-1])
        self._open = int(labels[-1]), int(starts[-1]), peaks[:, -1].copy()

    def hourly(self) -> tuple[FloatArray, FloatArray]:
        """Mean of every hour, shape (n_hours,), and quantiles at `HOURLY_LEVELS`, shape (n_hours, 3). [units]"""
        means, quantiles = zip(*self._hours, strict=True)
        return np.concatenate(means), np.concatenate(quantiles)

    def daily(self) -> SpanPeaks:
        """Highest hour of every day, by epoch day. Nothing can be added after."""
        self._finish()
        return _joined(self._days)

    def windows(self) -> SpanPeaks:
        """Highest hour of all hours (label -1), then of every month. Nothing can be added after."""
        self._finish()
        labels = np.array([-1, *self._months], dtype=np.int64)
        peaks = np.stack([peak for _, peak in self._months.values()], axis=1)
        every = np.concatenate([peaks.max(axis=1, keepdims=True), peaks], axis=1)
        return self._told(labels, np.array([0, *(start for start, _ in self._months.values())]), every)

    def _finish(self) -> None:
        """Close the last day."""
        if self._open is not None:
            label, start, peak = self._open
            self._close(np.array([label]), np.array([start]), peak[:, None])
            self._open = None

    def _close(self, labels: IntArray, starts: IntArray, peaks: FloatArray) -> None:
        """Take days that are over: their quantiles, and their part in the peaks of their months."""
        if len(labels) == 0:
            return
        self._days.append(self._told(labels, starts, peaks))
        of_day = month_of_day(labels)
        for month in np.unique(of_day).tolist():
            mine = np.flatnonzero(of_day == month)
            start, before = self._months.get(month, (int(starts[mine[0]]), np.zeros(len(peaks))))
            self._months[month] = start, np.maximum(before, peaks[:, mine].max(axis=1))

    def _told(self, labels: IntArray, starts: IntArray, peaks: FloatArray) -> SpanPeaks:
        """Distributions of peaks of shape (n_paths, n_spans)."""
        return SpanPeaks(
            labels=labels,
            starts=starts,
            mean_units=self._weights @ peaks,
            quantile_units=weighted_quantiles(peaks, self._weights, PEAK_LEVELS),
        )


def _joined(spans: Sequence[SpanPeaks]) -> SpanPeaks:
    """Spans one after the other."""
    return SpanPeaks(
        labels=np.concatenate([span.labels for span in spans]),
        starts=np.concatenate([span.starts for span in spans]),
        mean_units=np.concatenate([span.mean_units for span in spans]),
        quantile_units=np.concatenate([span.quantile_units for span in spans]),
    )


class RunningCliff:
    """Hours that the dates of one capacity cliff depend on: those in which some path crosses it first, and the ends.

    Parameters
    ----------
    event : Event
        Of kind `capacity_cliff`.
    pools : sequence of str
        Of the rows of demand.
    weights : FloatArray of shape (n_paths,)
        Sum to 1.
    """

    def __init__(self, event: Event, pools: Sequence[str], weights: FloatArray) -> None:
        named = {pool for pool, _ in event.to_shares}
        self._event = event
        self._rows = [row for row, pool in enumerate(pools) if pool in named]
        self._pools = tuple(pools[row] for row in self._rows)
        self._weights = weights
        self._kept: list[tuple[IntArray, FloatArray]] = []
        self._last: tuple[IntArray, FloatArray] | None = None
        self._has_crossed = np.zeros(len(weights), dtype=np.bool_)

    def add(self, units: FloatArray, hours: IntArray) -> None:
        """Add the next epoch hours, of shape (n_block_hours,), with units of shape (n_paths, n_rows, n_block_hours)."""
        mine = units[:, self._rows]
        is_above = mine.sum(axis=1) > float(self._event.threshold_units or 0.0)
        is_above &= (hours >= self._event.start_hour)[None, :]
        crosses = is_above.any(axis=1) & ~self._has_crossed
        self._has_crossed |= crosses
        columns = np.unique(np.argmax(is_above[crosses], axis=1))
        if not self._kept:
            columns = np.unique(np.append(columns, 0))
        self._kept.append((hours[columns], mine[:, :, columns]))
        self._last = hours[-1:], mine[:, :, -1:].copy()

    def cliff(self, history: History) -> Cliff:
        """Its dates, from all that was added, at least one hour."""
        kept = [*self._kept, *([self._last] if self._last is not None else [])]
        hours, first = np.unique(np.concatenate([at for at, _ in kept]), return_index=True)
        scenarios = Scenarios(
            pools=self._pools,
            hours=hours,
            hour_weights=np.ones(len(hours)),
            weights=self._weights,
            units=np.concatenate([units for _, units in kept], axis=2)[:, :, first],
        )
        (cliff,) = capacity_cliffs((self._event,), history, scenarios)
        return cliff
