"""How much of demand drivers explain, in the past and over the horizon.

Demand = constant x driver ** elasticity x rest. What drivers explain is taken off history before a level is fitted to
it, and put back on the sample paths. Elasticities are declared, or estimated and then used only where they help. Not
here: the estimate (`forecasting.elasticities`), the drivers themselves (`forecasting.drivers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats, frozen_ints
from forecasting.declared_relations import Relation, relation_problems
from forecasting.drivers import DriverCurve, Drivers, carried_sentences
from forecasting.elasticities import NEEDED_WEEKS, Elasticities, estimated_elasticities, weekly_means
from forecasting.errors import InputError
from forecasting.events import NORMAL_Q90
from forecasting.numerals import percent

MAX_LOG_FACTOR = float(np.log(1e6))  # drivers change demand a millionfold at most: beyond, a file is mistyped


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DailyDemand:
    """What a relation is fitted on.

    Attributes
    ----------
    pools : tuple of str
    group_of_pool : tuple of str
        Name of the group of each pool.
    first_day : int
        Epoch day of the first column.
    units : FloatArray of shape (n_pools, n_days)
        Daily demand, declared events taken off. [units]
    """

    pools: tuple[str, ...]
    group_of_pool: tuple[str, ...]
    first_day: int
    units: FloatArray

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "units", frozen_floats(self.units))

    @property
    def origin_day(self) -> int:
        """Epoch day after the last day of history: day 0 of the forecast."""
        return self.first_day + int(self.units.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriverModel:
    """What drivers explain of every target: a group, or a pool with a relation of its own.

    Attributes
    ----------
    targets : tuple of str
        Names for readers. The last, empty, stands for pools that follow no driver.
    row_of_pool : IntArray of shape (n_pools,)
        Target of each pool.
    curves : tuple of DriverCurve
        Drivers that some relation names.
    elasticity : FloatArray of shape (n_targets, n_drivers)
    covariance : FloatArray of shape (n_targets, n_drivers, n_drivers)
        Of the errors of the elasticities; 0 where they are declared.
    first_day, origin_day : int
        Epoch day of the first day of history, and of the first day of the forecast.
    assumptions : tuple of str
        Sentences: which drivers are used, and why others are not.
    """

    targets: tuple[str, ...]
    row_of_pool: IntArray
    curves: tuple[DriverCurve, ...]
    elasticity: FloatArray
    covariance: FloatArray
    first_day: int
    origin_day: int
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "row_of_pool", frozen_ints(self.row_of_pool))
        for name in ("elasticity", "covariance"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))

    @property
    def past_log_factor(self) -> FloatArray:
        """Log of demand that drivers explain, relative to history's last day. Shape (n_targets, n_history_days)."""
        moved = _moved(self.curves, np.arange(self.first_day, self.origin_day), self.origin_day)
        return _bounded(self.elasticity @ moved)

    def sample(self, n_paths: int, n_days: int, rng: np.random.Generator) -> FloatArray:
        """Log of demand that drivers explain on sample paths of the horizon, relative to the last day of history.

        On each path a driver keeps to one standard normal score: it runs along the same quantile of the two-piece
        normal through its P10, P50 and P90 from day to day. Elasticities that are estimated are drawn for each path.

        Returns
        -------
        FloatArray of shape (n_targets, n_paths, n_days)
            Targets that share a driver share its path.
        """
        days = self.origin_day + np.arange(n_days)
        scores = rng.standard_normal((len(self.curves), n_paths, 1))
        drawn = rng.standard_normal((len(self.targets), n_paths, len(self.curves)))
        moved = np.repeat(_moved(self.curves, days, self.origin_day)[:, None], n_paths, axis=1)
        for row, curve in enumerate(self.curves):
            down, up = curve.log_spread(days)
            moved[row] += np.where(scores[row] > 0, up, down) * scores[row] / NORMAL_Q90
        errors = np.einsum("tjk,tpk->tpj", _roots(self.covariance), drawn)
        return _bounded(np.einsum("tpj,jpd->tpd", self.elasticity[:, None] + errors, moved))


def fit_drivers(
    demand: DailyDemand, drivers: Drivers, relations: Sequence[Relation], *, as_of_day: int, source: str
) -> DriverModel:
    """What drivers explain of demand, by what was known of them at a date.

    Parameters
    ----------
    demand : DailyDemand
        Whole days before as-of.
    drivers : Drivers
    relations : sequence of Relation
        Without any, every group follows every driver, with elasticities to be estimated. A pool with a relation of
        its own is no part of its group's.
    as_of_day : int
        Epoch day of the decision.
    source : str
        Name of the file that declares the relations.

    Raises
    ------
    InputError
        If a relation names what is not there, or a driver of a relation has no row before as-of.
    """
    declared = tuple(relations) or (Relation(elasticities=tuple((name, None) for name in drivers.names)),)
    groups = sorted(set(demand.group_of_pool))
    problems = relation_problems(declared, drivers=drivers.names, groups=groups, pools=demand.pools)
    if problems:
        raise InputError(source, problems)
    used = {name for relation in declared for name, _ in relation.elasticities}
    curves = drivers.visible_at(as_of_day, sorted(used))
    model = DriverModel(
        targets=("",),
        row_of_pool=np.zeros(len(demand.pools), dtype=np.int64),
        curves=curves,
        elasticity=np.zeros((1, len(curves))),
        covariance=np.zeros((1, len(curves), len(curves))),
        first_day=demand.first_day,
        origin_day=demand.origin_day,
        assumptions=(),
    )
    own_pools = {pool for relation in declared for pool in relation.pools}
    for relation in declared:
        model = _with_relation(model, relation, demand, own_pools=own_pools)
    return model


def driver_assumptions(model: DriverModel, *, end_day: int) -> tuple[str, ...]:
    """Sentences about drivers for a reader of a forecast up to `end_day` (exclusive)."""
    return (*model.assumptions, *carried_sentences(model.curves, end_day=end_day))


def _with_relation(model: DriverModel, relation: Relation, demand: DailyDemand, *, own_pools: set[str]) -> DriverModel:
    """Model with the targets of one more relation, in front of the last."""
    members = _members(relation, demand, own_pools)
    if not members:
        return model
    given = np.zeros(len(model.curves))
    wanted = []
    for name, elasticity in relation.elasticities:
        position = [curve.name for curve in model.curves].index(name)
        given[position] = elasticity or 0.0
        wanted += [position] if elasticity is None else []
    n_before, n_new = len(model.targets) - 1, len(members)
    mean = np.repeat(given[None], n_new, axis=0)
    covariance = np.zeros((n_new, len(given), len(given)))
    told: list[str] = []
    if wanted:
        units = np.stack([demand.units[pools].sum(axis=0) for _, pools in members])
        fitted = _estimated(units, model, given, wanted)
        mean[:, wanted] = fitted.mean
        covariance[np.ix_(range(n_new), wanted, wanted)] = fitted.covariance
        names = ", ".join(f"'{model.curves[position].name}'" for position in wanted)
        told = [_judged(f"{name} ({names})", fitted, row) for row, (name, _) in enumerate(members)]
    row_of_pool = np.where(model.row_of_pool == n_before, n_before + n_new, model.row_of_pool)
    for row, (_, pools) in enumerate(members):
        row_of_pool[pools] = n_before + row
    return replace(
        model,
        targets=(*model.targets[:-1], *(name for name, _ in members), ""),
        row_of_pool=row_of_pool,
        elasticity=np.concatenate([model.elasticity[:-1], mean, model.elasticity[-1:]]),
        covariance=np.concatenate([model.covariance[:-1], covariance, model.covariance[-1:]]),
        assumptions=(*model.assumptions, *told),
    )


def _members(relation: Relation, demand: DailyDemand, own_pools: set[str]) -> list[tuple[str, list[int]]]:
    """Name and pools of each target of a relation."""
    if relation.pools:
        return [(f"pool '{name}'", [demand.pools.index(name)]) for name in relation.pools]
    free = [row for row, pool in enumerate(demand.pools) if pool not in own_pools]
    groups = relation.groups or tuple(sorted(set(demand.group_of_pool)))
    members = [(name, [row for row in free if demand.group_of_pool[row] == name]) for name in groups]
    return [(f"group '{name}'" if name else "all pools", rows) for name, rows in members if rows]


def _estimated(units: FloatArray, model: DriverModel, given: FloatArray, wanted: list[int]) -> Elasticities:
    """Elasticities of targets of shape (n_targets, n_days) to the wanted drivers, the given ones' part taken off."""
    moved = _moved(model.curves, np.arange(model.first_day, model.origin_day), model.origin_day)
    weekly_units, weekly = weekly_means(units), weekly_means(moved)
    logs = np.where(weekly_units > 0, np.log(np.where(weekly_units > 0, weekly_units, 1.0)), np.nan)
    return estimated_elasticities(logs - given @ weekly, weekly[wanted])


def _judged(target: str, fitted: Elasticities, row: int) -> str:
    """Sentence that says whether estimated drivers of a target are used."""
    ratio = float(fitted.miss_ratio[row])
    if not np.isfinite(ratio):
        return f"Drivers of {target}: not used, as it takes {NEEDED_WEEKS} weeks of history to judge them."
    miss = f"at the history's own rolling origins forecasts miss by {percent(ratio, 0)} of what they do without"
    if fitted.is_used[row]:
        return f"Drivers of {target}: used, {miss}, the drivers taken as known."
    return f"Drivers of {target}: not used, {miss}, which chance may explain."


def _moved(curves: Sequence[DriverCurve], days: IntArray, origin_day: int) -> FloatArray:
    """Log of each driver relative to the last day of history. Shape (n_drivers, n_days)."""
    last = np.array([origin_day - 1])
    return np.stack([curve.log_values(days) - curve.log_values(last) for curve in curves])


def _bounded(logs: FloatArray) -> FloatArray:
    """Log factors within what drivers may do."""
    bounded: FloatArray = np.clip(logs, -MAX_LOG_FACTOR, MAX_LOG_FACTOR)
    return bounded


def _roots(covariance: FloatArray) -> FloatArray:
    """Square roots of covariances, which may be singular. Shape as given."""
    values, vectors = np.linalg.eigh(covariance)
    roots: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return roots
