"""Spikes and outages of groups taken out of history, and the risk of the next ones put back on sampled paths.

Not here: how a spike is found (`forecasting.spikes`), nor how its risk is measured (`forecasting.spike_process`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.daily import DailyHistory
from forecasting.spike_lift import PastPeaks, with_lift_of
from forecasting.spike_process import SpikeProcess, fit_spike_process
from forecasting.spikes import Spike, find_spikes, hourly_baseline, spike_hours


def without_group_spikes(daily: DailyHistory) -> tuple[DailyHistory, tuple[tuple[Spike, ...], ...]]:
    """Restated history in which the spike hours of every group are its baseline, and the spikes by group.

    Spikes are found in the sum of a group, where they matter. In their hours each pool takes its own baseline, scaled
    so that the pools sum to the baseline of the group.

    Returns
    -------
    daily : DailyHistory
        `observed` as it was.
    spikes : tuple of tuple of Spike
        One entry for each group.
    """
    restated = daily.restated.reshape(len(daily.pools), -1).copy()
    start_hour = daily.origin_hour - restated.shape[1]
    found = []
    for group in range(len(daily.groups)):
        members = np.flatnonzero(daily.group_of == group)
        total = restated[members].sum(axis=0)
        spikes = find_spikes(total, start_hour=start_hour)
        found.append(spikes)
        if not spikes:
            continue
        inside = spike_hours(spikes, start_hour=start_hour, n_hours=len(total))
        own = np.stack([hourly_baseline(restated[pool])[inside] for pool in members])
        summed, wanted = own.sum(axis=0), hourly_baseline(total)[inside]
        cleaned = own * np.where(summed > 0, wanted / np.where(summed > 0, summed, 1.0), 0.0)
        kept = np.where(summed > 0, cleaned, restated[np.ix_(members, np.flatnonzero(inside))])
        restated[np.ix_(members, np.flatnonzero(inside))] = kept
    return replace(daily, restated=restated.reshape(daily.restated.shape)), tuple(found)


def spike_processes(
    daily: DailyHistory, cleaned: DailyHistory, spikes: Sequence[Sequence[Spike]], rng: np.random.Generator
) -> tuple[SpikeProcess, ...]:
    """Risk of spikes of every group, from its restated history with and without them."""
    processes = []
    for group, found in enumerate(spikes):
        members = np.flatnonzero(daily.group_of == group)
        units = daily.restated[members].sum(axis=0).reshape(-1)
        without = cleaned.restated[members].sum(axis=0).reshape(-1)
        process = fit_spike_process(found, units, start_hour=daily.origin_hour - len(units))
        past = PastPeaks(units=units, cleaned=without, usual=hourly_baseline(units))
        processes.append(with_lift_of(process, past, rng))
    return tuple(processes)


def raise_by_spikes(units: FloatArray, rows: IntArray, spiked: FloatArray, usual: FloatArray) -> None:
    """Raise the sum of some rows to the spiked demand where a spike is on, all rows by one factor, in place.

    Parameters
    ----------
    units : FloatArray of shape (n_paths, n_rows, n_hours)
        [units]
    rows : IntArray of shape (n_some_rows,)
        Pools of a group, and its demand without a name.
    spiked, usual : FloatArray of shape (n_paths, n_hours)
        Usual demand of the group in each hour, with and without spikes. A spike replaces what a path holds, and never
        lowers it: an hour that is high already is not raised twice. [units]
    """
    total = units[:, rows].sum(axis=1)
    is_raised = (spiked > usual) & (spiked > total) & (total > 0)
    factors = np.where(is_raised, spiked / np.where(is_raised, total, 1.0), 1.0)
    units[:, rows] *= factors[:, None, :]
