"""A forecast that follows another model's, brought by the user as a file.

Not here: reading the file (`forecasting.external`), what it does to sample paths (`forecasting.remapping`).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from forecasting.daily import group_name
from forecasting.external import ExternalForecast, external_rows
from forecasting.forecast import Forecast
from forecasting.remapping import with_external
from forecasting.scenarios import Scenarios


def following(forecast: Forecast, external: ExternalForecast) -> Forecast:
    """Same forecast with demand as the external one says, for the pools, groups or the total that it is about.

    Raises
    ------
    InputError
        If the external forecast names what is not there, or has no hour of the horizon.
    """
    ours = forecast.scenarios
    n_pools = len(ours.pools)
    row_groups = (*map(group_name, ours.pools), *forecast.groups)
    rows_of = external_rows(external, row_pools=(*ours.pools, *(None for _ in forecast.groups)), row_groups=row_groups)
    every_row = Scenarios(
        pools=row_groups,
        hours=ours.hours,
        hour_weights=ours.hour_weights,
        weights=ours.weights,
        units=np.concatenate([ours.units, forecast.unnamed_units], axis=1),
    )
    units = with_external(every_row, external, rows_of)
    names = ", ".join(f"'{name}'" for name in external.names)
    told = (
        f"Demand of {names} follows the external forecast {Path(external.source).name}; growth over the horizon is "
        "told as it would be without it."
    )
    return replace(
        forecast,
        scenarios=replace(ours, units=units[:, :n_pools]),
        unnamed_units=units[:, n_pools:],
        assumptions=(*forecast.assumptions, told),
        every=None,  # the external forecast is put on the scenarios, not on the paths that they stand for
    )
