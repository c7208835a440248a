"""One decision of the full planner on a date of the past, from what could be read on that date and nothing else.

Not here: the planner (`optimizer.jobs.quarterly`), the dates (`optimizer.jobs.backtest.replay`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray
from forecasting.forecast import Forecast
from forecasting.hours import HOURS_PER_DAY, date_of_hour, term_hours
from forecasting.prepared import BLOCK_DAYS, Prepared, in_blocks
from forecasting.quantiles import weighted_quantile, weighted_quantiles
from forecasting.scenarios import Scenarios
from forecasting.scores import weighted_quantile_loss
from optimizer.errors import InfeasibleLimitsError
from optimizer.jobs.backtest.decisions import Decision, Expectation, own_names
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.variants import changed_roadmap, forecast_change
from optimizer.jobs.judge import judge
from optimizer.jobs.purchases import planned_commitments
from optimizer.jobs.quarterly import PlanningInputs, SolvedRun, read_planning_inputs, solved_run
from optimizer.jobs.unnamed import scenarios_with_unnamed, unnamed_pools
from optimizer.policy import Policy
from optimizer.portfolio import Commitment, order_hour

LOW_LEVEL, HIGH_LEVEL = 0.05, 0.95
LOSS_LEVELS = tuple(level / 10 for level in range(1, 10))
PATHS_AT_ONCE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerChain:
    """The full planner, perhaps in a world that differs in one thing.

    Attributes
    ----------
    name, title : str
    variant : str
        Of `optimizer.jobs.backtest.variants.VARIANTS`; empty for the run as asked for.
    policy : Policy
        With the cadence of the run.
    """

    name: str
    title: str
    variant: str
    policy: Policy

    @property
    def fingerprint(self) -> str:
        """What tells its decisions from those of other chains."""
        return f"planner/{self.variant}/{self.policy.model_dump_json()}"

    def decide(self, setting: Setting, date_hour: int, held: tuple[Commitment, ...]) -> Decision:
        """Purchases of the plan of a date.

        Parameters
        ----------
        setting : Setting
        date_hour : int
        held : tuple of Commitment
            Bought on earlier dates.

        Raises
        ------
        InfeasibleLimitsError
            If the policy's limits cannot all be met on the date.
        """
        given = inputs_at(setting, date_hour, held, variant=self.variant, policy=self.policy)
        revise = forecast_change(self.variant, setting.actual)
        try:
            run = solved_run(given, method=setting.request.method, tell=_silent, revise=revise)
        except InfeasibleLimitsError as error:
            msg = f"the decision of {date_of_hour(date_hour)} cannot be made: {error}"
            raise InfeasibleLimitsError(msg) from error
        offer_of = run.given.market.catalog.offer
        planned = [
            owned
            for owned in planned_commitments(run.solved)
            if order_hour(owned, offer_of(owned.offer_id)) == date_hour
        ]
        taken = frozenset(owned.commitment_id for owned in given.market.commitments)
        bought = own_names(tuple(planned), taken)
        portfolio = (*given.market.commitments, *bought)
        return Decision(
            date_hour=date_hour, bought=bought, expected=_expectation(run, portfolio, setting, date_hour=date_hour)
        )


def inputs_at(
    setting: Setting, date_hour: int, held: tuple[Commitment, ...], *, variant: str = "", policy: Policy | None = None
) -> PlanningInputs:
    """Everything that a plan of a date may know, read from the files as `plimsoll plan` reads them.

    Parameters
    ----------
    setting : Setting
    date_hour : int
    held : tuple of Commitment
        Bought on earlier dates.
    variant : str
    policy : Policy or None
        None: that of the setting.
    """
    options = setting.request.options
    if variant == "off":
        options = replace(options, uses_roadmap=False)
    given = read_planning_inputs(setting.request.paths, options, as_of_hour=date_hour)
    chosen = setting.policy if policy is None else policy
    return replace(
        given,
        roadmap=changed_roadmap(given.roadmap, variant),
        policy=chosen,
        market=replace(
            given.market,
            commitments=(*given.market.commitments, *held),
            payback_months_max=chosen.payback_months_max,
            is_cash_limited=chosen.upfront_usd_per_quarter is not None,
        ),
    )


def _silent(_line: str) -> None:
    """Say nothing: a backtest tells of whole decisions."""


def _expectation(run: SolvedRun, portfolio: tuple[Commitment, ...], setting: Setting, *, date_hour: int) -> Expectation:
    """What the plan says of the next period and of the term ahead."""
    market = run.given.market
    hours = np.arange(date_hour, setting.next_hour(date_hour))
    cost, stranded, committed, weights = _on_paths(run, portfolio, hours)
    fraction = np.divide(stranded, committed, out=np.full(len(cost), np.nan), where=committed > 0)
    has_any = bool(np.all(committed > 0))
    year_end = min(date_hour + term_hours(max(market.terms_months)), setting.end_hour)
    year = run.window.where(run.window.hours < year_end)
    ahead = judge(market, portfolio, year)
    return Expectation(
        cost_usd=float(weights @ cost),
        cost_low_usd=weighted_quantile(cost, weights, level=LOW_LEVEL),
        cost_high_usd=weighted_quantile(cost, weights, level=HIGH_LEVEL),
        stranded_usd=float(weights @ stranded),
        committed_usd=float(weights @ committed),
        stranded_low_fraction=weighted_quantile(fraction, weights, level=LOW_LEVEL) if has_any else math.nan,
        stranded_high_fraction=weighted_quantile(fraction, weights, level=HIGH_LEVEL) if has_any else math.nan,
        year_stranded_usd=float(year.weights @ ahead.stranded_usd),
        year_committed_usd=float(year.weights @ ahead.committed_usd),
        year_end_hour=year_end,
        gap_fraction=run.solved.gap_fraction,
        forecast_loss=forecast_loss(run.forecast, setting, date_hour=date_hour, end_hour=year_end),
    )


def _on_paths(
    run: SolvedRun, portfolio: tuple[Commitment, ...], hours: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Cost, stranded and committed value of some hours on every path, and the paths' weights. Shapes (n_paths,)."""
    rows = []
    weights = run.window.weights if run.forecast.every is None else run.forecast.every.weights
    for scenarios in _laid_out(run.forecast, hours):
        judged = judge(run.given.market, portfolio, scenarios.on_pools(run.given.market.catalog.pools))
        rows.append(np.stack([judged.total_usd, judged.stranded_usd, judged.committed_usd]))
    cost, stranded, committed = np.concatenate(rows, axis=1)
    return cost, stranded, committed, weights


def _laid_out(forecast: Forecast, hours: IntArray) -> Iterator[Scenarios]:
    """Paths of some hours, a few at a time, with the demand of pools that nobody has named yet."""
    every = forecast.every
    if every is None:
        named = scenarios_with_unnamed(forecast)
        yield named.where(np.isin(named.hours, hours))
        return
    for first in range(0, len(every.weights), PATHS_AT_ONCE):
        rows = np.arange(first, min(first + PATHS_AT_ONCE, len(every.weights)))
        yield _of_paths(every.of(rows, np.full(len(rows), 1.0 / len(rows))), hours)


def _of_paths(batch: Prepared, hours: IntArray) -> Scenarios:
    """Some paths laid out on some hours."""
    return Scenarios(
        pools=(*batch.daily.pools, *unnamed_pools(batch.daily.groups, batch.daily.pools)),
        hours=hours,
        hour_weights=np.ones(len(hours)),
        weights=batch.weights,
        units=np.concatenate([batch.hourly(block) for block in in_blocks(hours, n_days=BLOCK_DAYS)], axis=2),
    )


def forecast_loss(forecast: Forecast, setting: Setting, *, date_hour: int, end_hour: int) -> float:
    """Weighted quantile loss of every pool's daily mean from a date on, as a part of what came.

    Pools that nobody knew count with a forecast of zero. Days that the plan samples (beyond its first year) are left
    out, and so are days that the usage has not.
    """
    ours = forecast.scenarios
    last = min(end_hour, setting.actual.end_hour, date_hour + int(np.sum(ours.hour_weights == 1.0)))
    n_days = (last - date_hour) // HOURS_PER_DAY
    if n_days < 1:
        return math.nan
    came = setting.actual.between(date_hour, date_hour + n_days * HOURS_PER_DAY)
    actual = came.units.reshape(len(came.pools), n_days, HOURS_PER_DAY).mean(axis=2)
    expected = np.zeros((ours.n_scenarios, len(came.pools), n_days))
    inside = slice(0, n_days * HOURS_PER_DAY)
    for row, pool in enumerate(came.pools):
        if pool in ours.pools:
            units = ours.units[:, ours.pools.index(pool), inside]
            expected[:, row] = units.reshape(ours.n_scenarios, n_days, HOURS_PER_DAY).mean(axis=2)
    if actual.sum() <= 0:
        return math.nan
    quantiles = weighted_quantiles(expected, ours.weights, LOSS_LEVELS)
    return weighted_quantile_loss(actual.ravel(), quantiles.reshape(-1, len(LOSS_LEVELS)), LOSS_LEVELS)
