"""The organic forecast: calendar effects, levels and shares fitted at the end of history, ready to be sampled.

Not here: declared events of the future, spikes, nor hours of the day beyond the stored shapes.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.calendar_effects import CalendarEffects, fit_calendar
from forecasting.daily import DailyHistory
from forecasting.dispersion import volatility_scale, weekly_noise
from forecasting.fitted_mix import fit_mix
from forecasting.hours import HOURS_PER_DAY
from forecasting.level import fit_levels, is_intermittent, log_daily, without_outages
from forecasting.mix import MixModel, MixPlan
from forecasting.origins import rolling_origins
from forecasting.paths import GroupHistory, PathModel, PathPlan, draw_plan, path_model
from forecasting.shape import current_profile, day_shapes, with_peak
from forecasting.shares import patience_days


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """Everything random about sample paths, drawn once: any days and hours of any of them follow from it.

    Attributes
    ----------
    paths : PathPlan
        Historical days behind each day of the groups.
    mix : MixPlan
        How pools take turns within the groups.
    """

    paths: PathPlan
    mix: MixPlan

    def of(self, rows: IntArray) -> "Draws":
        """Return the draws of some paths only."""
        return Draws(paths=self.paths.of(rows), mix=self.mix.of(rows))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """Organic demand: a central path for each group, and what is sampled around it.

    Attributes
    ----------
    model : PathModel
    mix : MixModel
        Parts of the pools in their group's demand.
    shapes : FloatArray of shape (n_pools + n_groups, n_history_days, 24)
        Shape of each historical day in today's profile, of pools and then of whole groups; zero where a patchy group
        rested.
    profiles : FloatArray of shape (n_groups, 7, 24)
        Usual hour over daily mean of each group, by epoch day modulo 7.
    calendar : CalendarEffects
        Of the series of the model's history: means of the groups, then their peaks.
    intermittent : tuple of bool
        Whether a group is too patchy for trend, season and holidays.
    """

    model: PathModel
    mix: MixModel
    shapes: FloatArray
    profiles: FloatArray
    calendar: CalendarEffects
    intermittent: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "shapes", frozen_floats(self.shapes))
        object.__setattr__(self, "profiles", frozen_floats(self.profiles))

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return self.model.history.n_groups

    def central_logs(self, series: int, days: IntArray) -> FloatArray:
        """Log of a series on epoch days after history, without any miss. Shape (n_days,)."""
        fits = self.model.fits[series]
        if not fits.is_known[-1]:
            return np.zeros(len(days))  # no demand yet: its shares are zero
        last = np.full(len(days), len(fits.origins) - 1)
        logs = fits.predicted(last, days - (self.model.history.days[-1] + 1), days)
        return logs + self.calendar.log_effect(series, days)

    def draw(self, *, n_paths: int, n_days: int, rng: np.random.Generator) -> Draws:
        """Draw sample paths of the next days."""
        paths = draw_plan(self.model, n_paths=n_paths, n_days=n_days, rng=rng)
        return Draws(paths=paths, mix=self.mix.draw(n_paths=n_paths, n_days=n_days, rng=rng, columns=paths.columns))

    def daily_units(self, draws: Draws, horizon_days: IntArray) -> FloatArray:
        """Sample daily mean demand of every pool, and what each group has in pools that nobody has named.

        Parameters
        ----------
        draws : Draws
        horizon_days : IntArray of shape (n_wanted_days,)
            Days since the end of history, from 0.

        Returns
        -------
        FloatArray of shape (n_paths, n_pools + n_groups, n_wanted_days)
            Pools first, then the unnamed demand of the groups. [units]
        """
        units = self.mix.split(draws.mix, horizon_days)
        for group in range(self.n_groups):
            if self.model.fits[group].is_known[-1]:
                units[:, self.rows(group)] *= self._sampled(draws.paths, group, horizon_days)[:, None, :]
        return units

    def hourly_units(self, draws: Draws, hours: IntArray) -> FloatArray:
        """Sample hourly demand; rows as in `daily_units`. Shape (n_paths, n_pools + n_groups, n_hours). [units]

        Every hour of a day takes part in the day's peak, so that fewer hours asked for are the same scenarios.
        """
        days, column = np.unique(hours // HOURS_PER_DAY, return_inverse=True)
        horizon_days = days - (self.model.history.days[-1] + 1)
        daily = self.daily_units(draws, horizon_days)
        source = draws.paths.columns[:, horizon_days]
        units = np.empty((*daily.shape[:2], len(hours)))
        for group in range(self.n_groups):
            rows = self.rows(group)
            whole = np.stack([daily[:, row, :, None] * self.shapes[row][source] for row in rows], axis=1)
            peaks = self._sampled(draws.paths, self.n_groups + group, horizon_days)
            whole = whole if self.intermittent[group] else with_peak(whole, peaks)
            units[:, rows] = whole[:, :, column, hours % HOURS_PER_DAY]
        return units

    def usual_units(self, draws: Draws, group: int, hours: IntArray) -> FloatArray:
        """Sampled daily mean of a group in the profile of its last eight weeks. Shape (n_paths, n_hours). [units]"""
        days, column = np.unique(hours // HOURS_PER_DAY, return_inverse=True)
        level = self._sampled(draws.paths, group, days - (self.model.history.days[-1] + 1))
        usual: FloatArray = level[:, column] * self.profiles[group][days[column] % 7, hours % HOURS_PER_DAY]
        return usual

    def rows(self, group: int) -> IntArray:
        """Rows of sampled units that belong to a group: its pools, and its unnamed demand."""
        group_of = self.model.history.group_of
        return np.append(np.flatnonzero(group_of == group), len(group_of) + group)

    def _sampled(self, plan: PathPlan, series: int, horizon_days: IntArray) -> FloatArray:
        """Sample paths of a series. Shape (n_paths, n_wanted_days). [units]"""
        central = self.central_logs(series, self.model.history.days[-1] + 1 + horizon_days)
        sampled: FloatArray = np.exp(central[None, :] + self.model.misses(plan, series)[:, horizon_days])
        return sampled


def fit_baseline(
    daily: DailyHistory,
    *,
    holiday_country: str,
    declared_spans: tuple[tuple[int, int] | None, ...],
    vouched_days: int,
    rng: np.random.Generator,
) -> Baseline:
    """Fit everything organic on the restated history, which should hold no spikes.

    Parameters
    ----------
    daily : DailyHistory
    holiday_country : str
        ISO 3166 alpha-2 code; empty for none.
    declared_spans : tuple of (int, int) or None
        For each pool, first and last epoch day of the declared events that take demand from it.
    vouched_days : int
        Days ahead in which no replacement begins that is not declared.
    """
    pool_units = daily.restated.mean(axis=2)
    totals = _group_totals(daily)
    series = np.concatenate([totals.mean(axis=2), totals.max(axis=2)])
    intermittent = tuple(is_intermittent(units) for units in series[: len(daily.groups)])
    patchy = intermittent * 2
    logs = np.stack([log_daily(units) for units in series])
    calendar = fit_calendar(logs, daily.days, country=holiday_country, intermittent=patchy)
    logs = logs - np.stack([calendar.log_effect(row, daily.days) for row in range(len(series))])
    origins = rolling_origins(daily.n_days)
    fits = tuple(
        fit_levels(
            row if is_patchy else without_outages(row, units),
            daily.days,
            origins,
            intermittent=is_patchy,
            mean_days=patience,
        )
        for row, units, is_patchy, patience in zip(logs, series, patchy, patience_days(series, origins), strict=True)
    )
    scales = np.stack([volatility_scale(weekly_noise(row)) for row in logs])
    history = GroupHistory(days=daily.days, logs=logs, noise_scales=scales, group_of=daily.group_of)
    mix = fit_mix(
        pool_units,
        daily.group_of,
        daily.days,
        declared_from=declared_spans,
        observed_units=daily.observed.mean(axis=2),
        vouched_days=vouched_days,
    )
    return Baseline(
        model=path_model(history, fits, rng),
        mix=mix,
        shapes=_shapes(daily, totals, intermittent),
        profiles=np.stack([current_profile(total, daily.days) for total in totals]),
        calendar=calendar,
        intermittent=intermittent,
    )


def _group_totals(daily: DailyHistory) -> FloatArray:
    """Hourly demand of every group. Shape (n_groups, n_days, 24). [units]"""
    totals = np.zeros((len(daily.groups), daily.n_days, HOURS_PER_DAY))
    np.add.at(totals, daily.group_of, daily.restated)
    return totals


def _shapes(daily: DailyHistory, totals: FloatArray, intermittent: tuple[bool, ...]) -> FloatArray:
    """Shapes of the days of every pool and then of every group. Shape (n_pools + n_groups, n_days, 24).

    A day on which a patchy group rested is empty: the floor that its logarithm needs is no demand around the clock.
    """
    group_of = np.concatenate([daily.group_of, np.arange(len(daily.groups))])
    series = np.concatenate([daily.restated, totals])
    shapes = [day_shapes(u, daily.days, group_units=totals[g]) for u, g in zip(series, group_of, strict=True)]
    means = totals.mean(axis=2)
    rests = (means <= 0.0) & (np.cumsum(means, axis=1) > 0.0) & np.array(intermittent)[:, None]
    return np.where(rests[group_of][:, :, None], 0.0, np.stack(shapes))
