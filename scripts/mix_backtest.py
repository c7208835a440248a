"""Measure the forecast of the mix at rolling origins: python scripts/mix_backtest.py --usage FILE [FILE ...].

At the start of each quarter after a year of history, shares of the pools alive then, and what pools not yet born take,
are forecast for 90, 180 and 365 days and scored on the week that ends there; events are not declared. Compared with
shares that stay as they are, and for "the pool has less than half its share a year later" with the rate at which that
really happened. Not here: the forecast of any group's level.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray, IntArray
from forecasting.daily import DailyHistory, daily_history
from forecasting.fitted_mix import fit_mix
from forecasting.history import read_usage

HORIZONS_DAYS = (90, 180, 365)
FIRST_ORIGIN_DAYS = 365
SCORED_DAYS = 7
HALVED_DAYS = 28
N_PATHS = 400
SEED = 20
LIVE_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """What was seen up to an origin, and what came.

    Attributes
    ----------
    past, future : FloatArray of shape (n_pools, n_past_days), (n_pools, n_future_days)
        Daily mean demand. [units]
    group_of : IntArray of shape (n_pools,)
    days : IntArray of shape (n_past_days,)
    """

    past: FloatArray
    future: FloatArray
    group_of: IntArray
    days: IntArray


Forecaster = Callable[[Window, int], FloatArray]


def mix_samples(window: Window, n_days: int) -> FloatArray:
    """Sample shares of pools, then the unnamed part of groups. Shape (n_paths, n_pools + n_groups, n_days)."""
    model = fit_mix(window.past, window.group_of, window.days, declared_from=(None,) * len(window.past))
    rng = np.random.default_rng(SEED)
    return model.split(model.draw(n_paths=N_PATHS, n_days=n_days, rng=rng), np.arange(n_days))


def frozen_samples(window: Window, n_days: int) -> FloatArray:
    """Shares of the last four weeks, for ever. Shape (1, n_pools + n_groups, n_days)."""
    n_groups = int(window.group_of.max()) + 1
    shares = np.concatenate([_mean_shares(window.past[:, -HALVED_DAYS:], window.group_of), np.zeros(n_groups)])
    return np.broadcast_to(shares[None, :, None], (1, len(shares), n_days)).copy()


def windows(daily: DailyHistory) -> list[Window]:
    """Return a window for each quarter start at least a year after the first day."""
    units = daily.observed.mean(axis=2)
    starts = pd.date_range("1970-01-01", periods=1, freq="D")[0] + pd.to_timedelta(daily.days, unit="D")
    is_origin = np.array([s.day == 1 and s.month % 3 == daily_quarter(starts[0]) for s in starts])
    origins = [int(o) for o in np.flatnonzero(is_origin) if FIRST_ORIGIN_DAYS <= o <= daily.n_days - HORIZONS_DAYS[0]]
    return [
        Window(past=units[:, :o], future=units[:, o:], group_of=daily.group_of, days=daily.days[:o]) for o in origins
    ]


def daily_quarter(first: pd.Timestamp) -> int:
    """Month of the quarter, modulo three, in which history begins."""
    return int(first.month % 3)


def scores(found: list[Window], forecaster: Forecaster) -> dict[int, dict[str, float]]:
    """Mean scores by horizon over origins and groups; sums over the pools of a group."""
    rows: dict[int, list[dict[str, float]]] = {horizon: [] for horizon in HORIZONS_DAYS}
    for window in found:
        reach = [h for h in HORIZONS_DAYS if h <= window.future.shape[1]]
        samples = forecaster(window, max(reach))
        for horizon in reach:
            last = slice(horizon - SCORED_DAYS, horizon)
            rows[horizon] += _window_scores(window, samples[:, :, last].mean(axis=2), window.future[:, last])
    return {h: {k: float(np.nanmean([r[k] for r in found])) for k in found[0]} for h, found in rows.items() if found}


def halvings(found: list[Window], forecaster: Forecaster) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Chance, outcome (0 or 1) and share at the origin of each pool that is followed for a year."""
    rows = []
    year = HORIZONS_DAYS[-1]
    for window in found:
        if window.future.shape[1] < year:
            continue
        now = _mean_shares(window.past[:, -HALVED_DAYS:], window.group_of)
        later = _mean_shares(window.future[:, year - HALVED_DAYS : year], window.group_of)
        samples = forecaster(window, year)[:, : len(now), year - HALVED_DAYS :].mean(axis=2)
        chance = (samples < 0.5 * now).mean(axis=0)
        alive = _is_alive(window)
        rows.append(np.stack([chance, later < 0.5 * now, now])[:, alive])
    table = np.concatenate(rows, axis=1)
    return table[0], table[1], table[2]


def _window_scores(window: Window, samples: FloatArray, came_units: FloatArray) -> list[dict[str, float]]:
    """Scores of each group at one origin and horizon."""
    came = _mean_shares(came_units, window.group_of)
    alive = _is_alive(window)
    n_pools = len(came)
    rows = []
    for group in range(int(window.group_of.max()) + 1):
        members = np.flatnonzero((window.group_of == group) & alive)
        if len(members) == 0 or came[window.group_of == group].sum() == 0:
            continue
        unnamed = came[(window.group_of == group) & ~alive].sum()
        truth = np.append(came[members], unnamed)
        drawn = samples[:, np.append(members, n_pools + group)]
        low, high = np.quantile(drawn[:, :-1], [0.1, 0.9], axis=0)
        inside = (truth[:-1] >= low) & (truth[:-1] <= high)
        spread = np.abs(drawn[:, None] - drawn[None]).mean(axis=(0, 1)) / 2.0
        rows.append(
            {
                "error of mean": float(np.abs(drawn.mean(axis=0) - truth).sum()),
                "error of median": float(np.abs(np.median(drawn, axis=0) - truth).sum()),
                "crps": float((np.abs(drawn - truth).mean(axis=0) - spread).sum()),
                "cover 80 %": float(inside.mean()),
                "by size": float(np.average(inside, weights=truth[:-1] + 1e-9)),
            }
        )
    return rows


def _is_alive(window: Window) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Pools with demand in the last two weeks."""
    return np.asarray((window.past[:, -LIVE_DAYS:] > 0).any(axis=1))


def _mean_shares(units: FloatArray, group_of: IntArray) -> FloatArray:
    """Share of the summed demand of some days. Shape (n_pools,)."""
    sums = units.sum(axis=1)
    totals = np.bincount(group_of, weights=sums)[group_of]
    shares: FloatArray = np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), 0.0)
    return shares


def table(found: list[Window], forecasters: dict[str, Forecaster]) -> str:
    """All scores as text."""
    lines = []
    for name, forecaster in forecasters.items():
        for horizon, row in scores(found, forecaster).items():
            told = "  ".join(f"{key} {value:.4f}" for key, value in row.items())
            lines.append(f"{name:8s} {horizon:4d} d  {told}")
        chance, halved, size = halvings(found, forecaster)
        for kind, weights in (("by pool", np.ones(len(size))), ("by size", size)):
            rate = float(np.average(halved, weights=weights))
            brier = float(np.average((chance - halved) ** 2, weights=weights))
            mean = float(np.average(chance, weights=weights))
            lines.append(
                f"{name:8s} halves within a year, {kind}: {len(size)} pools, came {rate:.3f}, foreseen {mean:.3f}, "
                f"Brier {brier:.4f}, of the rate that came {rate * (1.0 - rate):.4f}"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the scores of each file."""
    parser = argparse.ArgumentParser(description="Scores of the forecast of the mix at rolling origins.")
    parser.add_argument("--usage", nargs="+", type=Path, required=True)
    usages = parser.parse_args().usage
    missing = [str(path) for path in usages if not path.is_file()]
    if missing:
        parser.error(f"--usage: there is no file {' and '.join(missing)}.")
    for path in usages:
        history = read_usage(path, missing_hours="zero")
        found = windows(daily_history(history, (), as_of_hour=history.end_hour))
        sys.stdout.write(f"{path.name}: {len(found)} origins\n")
        sys.stdout.write(table(found, {"frozen": frozen_samples, "mix": mix_samples}) + "\n")


if __name__ == "__main__":
    main()
