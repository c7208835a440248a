from dataclasses import replace

import numpy as np
import pytest

from forecasting.daily import DailyHistory, daily_history
from forecasting.history import History
from forecasting.hours import HOURS_PER_DAY, hour_of_date
from forecasting.succession import Succession, SuccessionState
from optimizer.jobs.forecast_successions import succession_effects

N_DAYS = 100
FIRST_DAY = hour_of_date("2024-01-01") // HOURS_PER_DAY
OVER = Succession(
    losing=0,
    gaining=(1,),
    gained_fractions=(1.0,),
    start_day=FIRST_DAY + 50,
    moved_fraction=0.6,
    state=SuccessionState.FINISHED,
    end_days=(FIRST_DAY + 80,) * 3,
)
UNDER_WAY = replace(
    OVER,
    state=SuccessionState.RUNNING,
    end_days=tuple(FIRST_DAY + day for day in (120, 150, 200)),
    logit=0.5,
    daily_slope=0.05,
    slope_log_sd=0.3,
)


@pytest.fixture(scope="module")
def daily() -> DailyHistory:
    """One pool of 10 units that loses 6 of them to another."""
    before = np.arange(N_DAYS * HOURS_PER_DAY) < 50 * HOURS_PER_DAY
    units = np.stack([np.where(before, 10.0, 4.0), np.where(before, 5.0, 11.0), np.ones(len(before))])
    history = History(pools=("g/a", "g/b", "g/c"), start_hour=FIRST_DAY * HOURS_PER_DAY, units=units)
    return daily_history(history, (), as_of_hour=history.end_hour)


def test_one_that_is_over_did_what_was_seen(daily: DailyHistory) -> None:
    (effect,) = succession_effects(daily, [OVER])
    assert (effect.name, effect.kind, effect.source, effect.pools) == ("g/a to g/b", "succession", "found", ("g/a",))
    assert (effect.fraction, effect.low_fraction, effect.high_fraction) == (-0.6, -0.6, -0.6)
    np.testing.assert_allclose([effect.base_units, effect.units], [10.0, -6.0])
    assert effect.note == ""


def test_one_under_way_takes_at_least_what_it_has_taken_and_at_most_all(daily: DailyHistory) -> None:
    (effect,) = succession_effects(daily, [UNDER_WAY])
    assert -1.0 <= effect.low_fraction <= effect.fraction <= effect.high_fraction <= -0.6
    assert effect.note == "Under way: 60 % has gone; if all goes, over between 2024-04-30 and 2024-07-19."


def test_a_pool_that_went_without_a_successor_ended(daily: DailyHistory) -> None:
    (alone,) = succession_effects(daily, [replace(OVER, gaining=(), gained_fractions=())])
    assert alone.name == "end of g/a"


def test_many_that_gain_are_counted(daily: DailyHistory) -> None:
    many = replace(OVER, gaining=(1, 2, 1, 2, 1), gained_fractions=(0.2,) * 5)
    assert succession_effects(daily, [many])[0].name == "g/a to g/b, g/c, g/b and 2 more"


def test_one_from_before_the_data_has_no_base(daily: DailyHistory) -> None:
    (early,) = succession_effects(daily, [replace(OVER, start_day=FIRST_DAY)])
    assert early.base_units == early.units == 0.0
