"""What drivers are worth: weekly unemployment claims with search trends, S&P 500 and VIX, with and without them.

Usage: python scripts/series_drivers.py --series DIR [--step-weeks 8] [--horizon-weeks 8] [--half second]

Each week is held constant over its seven days, so that the same code runs as on hourly demand: what the drivers explain
is taken off history, `forecast_demand` forecasts the rest, and the drivers over the horizon are put back on its
scenarios. Elasticities are estimated at every origin on what lies before it, and used only where the rolling origins of
that history speak for them. Nothing was chosen on the second half.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.arrays import FloatArray
from forecasting.drivers import ALWAYS_KNOWN_DAY, Drivers
from forecasting.forecast import ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, HOURS_PER_WEEK
from forecasting.quantiles import weighted_quantiles
from forecasting.relations import DailyDemand, DriverModel, fit_drivers
from forecasting.roadmap import Roadmap
from forecasting.scores import coverage_fraction, scaled_error, weighted_quantile_loss

FILE = "iclaims_weekly_drivers.parquet"
DRIVERS = ("trend.unemploy", "trend.filling", "trend.job", "sp500", "vix")
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ARMS = ("no drivers", "known to as-of", "known ahead")
N_PATHS = 200
MIN_HISTORY_WEEKS = 60
POOL = "us/claims"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weeks:
    """Weekly demand and drivers.

    Attributes
    ----------
    first_day : int
        Epoch day on which the first week starts.
    units : FloatArray of shape (n_weeks,)
    drivers : FloatArray of shape (n_drivers, n_weeks)
    """

    first_day: int
    units: FloatArray
    drivers: FloatArray


def read_weeks(folder: Path) -> Weeks:
    """Weeks of the file."""
    frame = pd.read_parquet(folder / FILE).sort_values("ds")
    return Weeks(
        first_day=int(frame["ds"].iloc[0].to_datetime64().astype("datetime64[D]").astype(np.int64)),
        units=frame["y"].to_numpy(dtype=np.float64),
        drivers=frame[list(DRIVERS)].to_numpy(dtype=np.float64).T,
    )


def known_drivers(weeks: Weeks, n_weeks: int) -> Drivers:
    """Drivers of the first weeks, one row for each day."""
    n_days = 7 * n_weeks
    values = np.repeat(weeks.drivers[:, :n_weeks], 7, axis=1).ravel()
    n_drivers = len(DRIVERS)
    order = np.argsort(DRIVERS)
    return Drivers(
        source="iclaims",
        names=tuple(sorted(DRIVERS)),
        codes=np.repeat(np.argsort(order), n_days),
        days=np.tile(weeks.first_day + np.arange(n_days), n_drivers),
        known_days=np.full(n_drivers * n_days, ALWAYS_KNOWN_DAY),
        values=values,
        lows=values,
        highs=values,
    )


def weekly_quantiles(weeks: Weeks, origin: int, n_ahead: int, model: DriverModel | None, seed: int) -> FloatArray:
    """Quantiles of each week after an origin. Shape (n_ahead, n_levels)."""
    rng = np.random.default_rng(seed)
    daily = np.repeat(weeks.units[:origin], 7)
    if model is not None:
        daily = daily / np.exp(model.past_log_factor[model.row_of_pool[0]])
    start = weeks.first_day * HOURS_PER_DAY
    as_of = start + origin * HOURS_PER_WEEK
    hours = np.arange(as_of, as_of + n_ahead * HOURS_PER_WEEK)
    history = History(pools=(POOL,), start_hour=start, units=np.repeat(daily, HOURS_PER_DAY)[None])
    settings = ForecastSettings(n_paths=N_PATHS, n_scenarios=N_PATHS)
    request = ForecastRequest(as_of_hour=as_of, hours=hours, hour_weights=np.ones(len(hours)), settings=settings)
    made = forecast_demand(history, Roadmap(), request, rng)
    sampled = made.scenarios.units.sum(axis=1) + made.unnamed_units.sum(axis=1)
    sampled = sampled.reshape(len(sampled), n_ahead, HOURS_PER_WEEK).mean(axis=2)
    if model is not None:
        factors = np.exp(model.sample(N_PATHS, 7 * n_ahead, rng)[model.row_of_pool[0]])
        sampled = sampled * factors[:, ::7]
    return weighted_quantiles(sampled, made.scenarios.weights, LEVELS)


def fitted_model(weeks: Weeks, origin: int, n_known: int) -> DriverModel:
    """Drivers fitted on the weeks before an origin, known for the first `n_known` weeks."""
    daily = np.repeat(weeks.units[:origin], 7)[None]
    demand = DailyDemand(pools=(POOL,), group_of_pool=("us",), first_day=weeks.first_day, units=daily)
    as_of_day = weeks.first_day + 7 * origin
    return fit_drivers(demand, known_drivers(weeks, n_known), (), as_of_day=as_of_day, source="iclaims")


def scored(weeks: Weeks, origin: int, n_ahead: int) -> tuple[dict[str, FloatArray], bool]:
    """MASE, wQL and coverage of each arm at one origin, and whether the drivers are used there."""
    came = weeks.units[origin : origin + n_ahead]
    ahead = fitted_model(weeks, origin, origin + n_ahead)
    models = dict(zip(ARMS, (None, fitted_model(weeks, origin, origin), ahead), strict=True))
    scores = {}
    for arm, model in models.items():
        found = weekly_quantiles(weeks, origin, n_ahead, model, seed=origin)
        median = found[:, LEVELS.index(0.5)]
        scores[arm] = np.array(
            [
                scaled_error(came, median, past=weeks.units[:origin], lag=1),
                weighted_quantile_loss(came, found, LEVELS),
                coverage_fraction(came, found[:, 0], found[:, -1]),
            ]
        )
    return scores, bool(ahead.elasticity.any())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=Path, required=True)
    parser.add_argument("--step-weeks", type=int, default=8)
    parser.add_argument("--horizon-weeks", type=int, default=8)
    parser.add_argument("--half", choices=("first", "second"), default="second")
    options = parser.parse_args()
    if not (options.series / FILE).is_file():
        parser.error(f"--series: {options.series} must hold {FILE}.")
    weeks = read_weeks(options.series)
    middle, last = len(weeks.units) // 2, len(weeks.units) - options.horizon_weeks
    span = (MIN_HISTORY_WEEKS, middle) if options.half == "first" else (middle, last + 1)
    origins = range(*span, options.step_weeks)
    results = [scored(weeks, origin, options.horizon_weeks) for origin in origins]
    n_used = sum(is_used for _, is_used in results)
    print(f"{options.half} half: {len(origins)} origins, {options.horizon_weeks} weeks ahead, drivers used at {n_used}")
    print(f"{'':16}{'MASE mean':>11}{'median':>9}{'wQL % mean':>12}{'median':>9}{'90 % band covers %':>20}")
    for arm in ARMS:
        table = np.array([scores[arm] for scores, _ in results])
        mean, median = table.mean(axis=0), np.median(table, axis=0)
        print(
            f"{arm:16}{mean[0]:11.2f}{median[0]:9.2f}{100 * mean[1]:12.2f}{100 * median[1]:9.2f}{100 * mean[2]:20.1f}"
        )
    for arm in ARMS[1:]:
        gains = np.array([scores["no drivers"][:2] - scores[arm][:2] for scores, _ in results])
        error = gains.std(axis=0, ddof=1) / np.sqrt(len(gains))
        better = (gains > 0).mean(axis=0)
        print(
            f"{arm}: MASE lower by {gains[:, 0].mean():.2f} (standard error {error[0]:.2f}), wQL by "
            f"{100 * gains[:, 1].mean():.2f} (standard error {100 * error[1]:.2f}) points; better at "
            f"{100 * better[0]:.0f} % and {100 * better[1]:.0f} % of the origins, which overlap"
        )


if __name__ == "__main__":
    main()
