"""A forecast laid out block by block: what is the same of it throughout, and its hours one stretch after the other.

Hours are made when they are asked for and not kept. With an external forecast, which needs every path whole, they are
slices of one array. Not here: what is gathered from the blocks (`optimizer.jobs.forecast_blocks`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from forecasting.arrays import FloatArray, IntArray, frozen_floats
from forecasting.decompose import Decomposition
from forecasting.external import ExternalForecast
from forecasting.forecast import ForecastRequest, forecast_demand, prepare_forecast
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY
from forecasting.mix import MixModel
from forecasting.past import Past
from forecasting.prepared import in_blocks
from forecasting.roadmap import Roadmap
from optimizer.jobs.forecast_external import following

MAX_BLOCK_CELLS = 4_000_000  # paths x rows x hours that are made at once: 32 MB, and some ten copies of them
MAX_WHOLE_CELLS = 40_000_000  # the same where all hours are held: 0.3 GB, and several copies

Blocks = Iterator[tuple[IntArray, FloatArray]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """A forecast whose hours can be gone through once.

    Attributes
    ----------
    pools : tuple of str
        Of the first rows of demand.
    groups : tuple of str
        Of the rows after them: what each has in pools that nobody has named.
    weights : FloatArray of shape (n_paths,)
        Sum to 1.
    blocks : iterator of (IntArray, FloatArray)
        Epoch hours, and demand of shape (n_paths, n_pools + n_groups, n_block_hours). [units]
    past : Past
    mix : MixModel
    growth : Decomposition
    assumptions : tuple of str
    """

    pools: tuple[str, ...]
    groups: tuple[str, ...]
    weights: FloatArray
    blocks: Blocks
    past: Past
    mix: MixModel
    growth: Decomposition
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        """Freeze the array."""
        object.__setattr__(self, "weights", frozen_floats(self.weights))


def laid_out(
    history: History,
    roadmap: Roadmap,
    request: ForecastRequest,
    external: ExternalForecast | None,
    rng: np.random.Generator,
) -> Layout:
    """Forecast with every path kept; errors as of `forecast_demand` and `following`."""
    if external is not None:
        return _whole(history, roadmap, request, external, rng)
    made = prepare_forecast(history, roadmap, request, rng)
    daily = made.past.daily
    n_rows = len(daily.pools) + len(daily.groups)

    def blocks() -> Blocks:
        for hours in in_blocks(request.hours, n_days=_block_days(len(made.prepared.weights) * n_rows)):
            yield hours, made.prepared.hourly(hours)

    return Layout(
        pools=daily.pools,
        groups=daily.groups,
        weights=made.prepared.weights,
        blocks=blocks(),
        past=made.past,
        mix=made.prepared.baseline.mix,
        growth=made.growth(),
        assumptions=made.assumptions,
    )


def paths_that_fit(request: ForecastRequest, *, n_rows: int) -> ForecastRequest:
    """Same request with as many paths as can be held whole."""
    settings = request.settings
    n_paths = max(1, min(settings.n_paths, MAX_WHOLE_CELLS // (n_rows * len(request.hours))))
    return replace(request, settings=replace(settings, n_paths=n_paths, n_scenarios=n_paths))


def _whole(
    history: History,
    roadmap: Roadmap,
    request: ForecastRequest,
    external: ExternalForecast,
    rng: np.random.Generator,
) -> Layout:
    """Forecast that follows another one."""
    forecast = following(forecast_demand(history, roadmap, request, rng), external)
    scenarios = forecast.scenarios
    n_rows = len(scenarios.pools) + len(forecast.groups)

    def blocks() -> Blocks:
        for hours in in_blocks(scenarios.hours, n_days=_block_days(scenarios.n_scenarios * n_rows)):
            at = slice(*np.searchsorted(scenarios.hours, [hours[0], hours[-1] + 1]).tolist())
            yield hours, np.concatenate([scenarios.units[:, :, at], forecast.unnamed_units[:, :, at]], axis=1)

    return Layout(
        pools=scenarios.pools,
        groups=forecast.groups,
        weights=scenarios.weights,
        blocks=blocks(),
        past=forecast.past,
        mix=forecast.mix,
        growth=forecast.decomposition,
        assumptions=forecast.assumptions,
    )


def _block_days(n_cells: int) -> int:
    """Days of a block, for so many paths x rows."""
    return max(1, MAX_BLOCK_CELLS // (n_cells * HOURS_PER_DAY))
