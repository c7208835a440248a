"""The organic forecast: calendar effects, levels and shares fitted at the end of history, ready to be sampled.

Not here: declared events of the future, nor hours of the day beyond the stored shapes.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.calendars import holiday_names
from forecasting.daily import DailyHistory
from forecasting.dispersion import noise_exponent, noise_scale, weekly_noise
from forecasting.hours import HOURS_PER_DAY
from forecasting.level import fit_levels, is_intermittent, log_daily, without_outages
from forecasting.origins import DEFAULT_RULE, chosen_rule, rolling_origins
from forecasting.paths import GroupHistory, PathModel, PathPlan, path_model
from forecasting.seasons import NO_SEASON, YearlySeason, calendar_residuals, holiday_effects, yearly_season
from forecasting.shape import day_shapes
from forecasting.shares import fit_shares

MIN_HOLIDAY_DAYS = 90  # of history before a holiday's residual means anything


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """Organic demand: a central path for each group, and what is sampled around it.

    Attributes
    ----------
    model : PathModel
    shares : FloatArray of shape (n_pools,)
        Part of the group's demand at the end of history.
    shapes : FloatArray of shape (n_pools + n_groups, n_history_days, 24)
        Shape of each historical day in today's profile, of pools and then of whole groups.
    holiday_country : str
    holiday_effects : dict of str to float
        Log effect by holiday name; the empty name is for holidays never seen.
    seasons : tuple of YearlySeason
        One for each group.
    intermittent : tuple of bool
        Whether a group is too patchy for trend, season and holidays.
    """

    model: PathModel
    shares: FloatArray
    shapes: FloatArray
    holiday_country: str
    holiday_effects: dict[str, float]
    seasons: tuple[YearlySeason, ...]
    intermittent: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "shares", frozen_floats(self.shares))
        object.__setattr__(self, "shapes", frozen_floats(self.shapes))

    def central_logs(self, group: int, days: IntArray) -> FloatArray:
        """Log daily demand of a group on epoch days after history, without any miss. Shape (n_days,)."""
        fits = self.model.fits[group]
        if not np.isfinite(fits.level[-1]):
            return np.zeros(len(days))  # no demand yet: its shares are zero
        horizon = days - (self.model.history.days[-1] + 1)
        last = np.full(len(days), len(fits.origins) - 1)
        logs = fits.predicted(last, horizon, days, self.model.rule) + self.seasons[group].log_effect(days)
        if not self.intermittent[group]:
            logs = logs + _day_effects(holiday_names(days, country=self.holiday_country), self.holiday_effects)
        return logs

    def daily_units(self, plan: PathPlan, horizon_days: IntArray) -> FloatArray:
        """Sample daily mean demand of every pool, and what each group has in pools that nobody has named.

        Parameters
        ----------
        plan : PathPlan
        horizon_days : IntArray of shape (n_wanted_days,)
            Days since the end of history, from 0.

        Returns
        -------
        FloatArray of shape (n_paths, n_pools + n_groups, n_wanted_days)
            Pools first, then the unnamed demand of the groups. [units]
        """
        model = self.model
        n_pools = len(self.shares)
        units = np.zeros((len(plan.columns), n_pools + len(model.fits), len(horizon_days)))
        for group in range(len(model.fits)):
            members = np.flatnonzero((model.history.group_of == group) & (self.shares > 0))
            if len(members) == 0:
                continue
            central = self.central_logs(group, model.history.days[-1] + 1 + horizon_days)
            level = np.exp(central[None, :] + model.group_misses(plan, group)[:, horizon_days])
            for pool in members:
                misses = model.share_misses(plan, int(pool))[:, horizon_days]
                units[:, pool] = self.shares[pool] * np.exp(misses)
            named = model.named_fraction(plan, group)[:, horizon_days]
            units[:, members] *= (level * named / units[:, members].sum(axis=1))[:, None, :]
            units[:, n_pools + group] = level * (1.0 - named)
        return units

    def hourly_units(self, plan: PathPlan, hours: IntArray) -> FloatArray:
        """Sample hourly demand; rows as in `daily_units`. Shape (n_paths, n_pools + n_groups, n_hours). [units]"""
        days, column = np.unique(hours // HOURS_PER_DAY, return_inverse=True)
        horizon_days = days - (self.model.history.days[-1] + 1)
        daily = self.daily_units(plan, horizon_days)
        source = plan.columns[:, horizon_days[column]]
        units = np.empty((*daily.shape[:2], len(hours)))
        for row in range(daily.shape[1]):
            units[:, row] = daily[:, row, column] * self.shapes[row][source, hours % HOURS_PER_DAY]
        return units


def fit_baseline(daily: DailyHistory, *, holiday_country: str, rng: np.random.Generator) -> Baseline:
    """Fit everything organic on the restated history."""
    pool_units = daily.restated.mean(axis=2)
    group_units = np.zeros((len(daily.groups), daily.n_days))
    np.add.at(group_units, daily.group_of, pool_units)
    intermittent = tuple(is_intermittent(units) for units in group_units)
    logs = np.stack([log_daily(units) for units in group_units])
    names = holiday_names(daily.days, country=holiday_country)
    effects = _fitted_holidays(logs, daily.days, names, intermittent)
    seasons = []
    for row, patchy in enumerate(intermittent):
        if patchy:
            seasons.append(NO_SEASON)
            continue
        logs[row] -= _day_effects(names, effects)
        alive = np.isfinite(logs[row])
        seasons.append(yearly_season(logs[row, alive], daily.days[alive]))
        logs[row] -= seasons[row].log_effect(daily.days)
    origins = rolling_origins(daily.n_days)
    fits = tuple(
        fit_levels(row if patchy else without_outages(row, units), daily.days, origins, intermittent=patchy)
        for row, units, patchy in zip(logs, group_units, intermittent, strict=True)
    )
    smooth = [row for row, patchy in enumerate(intermittent) if not patchy]
    rule = chosen_rule(logs[smooth], daily.days, [fits[row] for row in smooth]) if smooth else DEFAULT_RULE
    scales = [noise_scale(u, noise_exponent(u, weekly_noise(row))) for u, row in zip(group_units, logs, strict=True)]
    history = GroupHistory(days=daily.days, logs=logs, noise_scales=np.stack(scales), group_of=daily.group_of)
    shares = fit_shares(pool_units, daily.group_of, origins)
    return Baseline(
        model=path_model(history, fits, shares, rule, rng),
        shares=shares.shares[:, -1],
        shapes=_shapes(daily),
        holiday_country=holiday_country,
        holiday_effects=effects,
        seasons=tuple(seasons),
        intermittent=intermittent,
    )


def _shapes(daily: DailyHistory) -> FloatArray:
    """Day shapes of pools, then of groups. Shape (n_pools + n_groups, n_days, 24)."""
    totals = np.zeros((len(daily.groups), daily.n_days, HOURS_PER_DAY))
    np.add.at(totals, daily.group_of, daily.restated)
    group_of = np.concatenate([daily.group_of, np.arange(len(daily.groups))])
    series = np.concatenate([daily.restated, totals])
    shapes = [day_shapes(u, daily.days, group_units=totals[g]) for u, g in zip(series, group_of, strict=True)]
    return np.stack(shapes)


def _fitted_holidays(
    logs: FloatArray, days: IntArray, names: tuple[str, ...], intermittent: tuple[bool, ...]
) -> dict[str, float]:
    """Holiday effects pooled over the groups that are old and dense enough to show any."""
    residuals = np.full(logs.shape, np.nan)
    ordinary = np.array([not name for name in names])
    for row, patchy in enumerate(intermittent):
        alive = np.isfinite(logs[row])
        if not patchy and alive.sum() >= MIN_HOLIDAY_DAYS:
            residuals[row, alive] = calendar_residuals(logs[row, alive], days[alive], ordinary[alive])
    return holiday_effects(residuals, names)


def _day_effects(names: tuple[str, ...], effects: dict[str, float]) -> FloatArray:
    """Log effect of each day's holiday, 0 on ordinary days. Shape (n_days,)."""
    return np.array([effects.get(name, effects[""]) if name else 0.0 for name in names])
