from dataclasses import replace

import numpy as np
import pytest

from forecasting.declared_relations import Relation
from forecasting.driver_events import with_driver_amounts
from forecasting.drivers import ALWAYS_KNOWN_DAY, Drivers
from forecasting.errors import InputError
from forecasting.relations import DailyDemand, fit_drivers
from forecasting.roadmap import Event, EventKind, RampShape

FIRST_DAY, N_DAYS = 19_000, 60
ORIGIN_HOUR = (FIRST_DAY + N_DAYS) * 24
POOLS = ("r1/a", "r1/b", "r2/c")
DRIVERS = Drivers(
    source="drivers.csv",
    names=("dau", "price"),
    codes=[0, 1, 0],
    days=[FIRST_DAY, FIRST_DAY, FIRST_DAY + N_DAYS + 10],
    known_days=[ALWAYS_KNOWN_DAY] * 3,
    values=[100.0, 4.0, 100.0],
    lows=[100.0, 4.0, 100.0],
    highs=[100.0, 4.0, 100.0],
)
LAUNCH = Event(
    name="shop",
    kind=EventKind.LAUNCH,
    to_shares=(("r1/a", 0.5), ("r1/b", 0.5)),
    start_hour=ORIGIN_HOUR + 240,
    end_hour=ORIGIN_HOUR + 480,
    add_drivers=(("dau", 50.0), ("price", 4.0)),
    probability=0.5,
    line=3,
)


def model_of(elasticities=(("dau", 1.0), ("price", -0.5)), groups=("r1",)):
    demand = DailyDemand(pools=POOLS, group_of_pool=("r1", "r1", "r2"), first_day=FIRST_DAY, units=np.ones((3, N_DAYS)))
    relation = Relation(groups=groups, elasticities=elasticities)
    return fit_drivers(demand, DRIVERS, [relation], as_of_day=FIRST_DAY + N_DAYS, source="roadmap.yaml")


def translated(event, model=None):
    (made,), told = with_driver_amounts([event], model or model_of(), POOLS, source="roadmap.yaml")
    return made, told


def test_a_launch_multiplies_demand_by_what_it_adds_to_the_drivers():
    made, told = translated(LAUNCH)
    np.testing.assert_allclose(made.multiply, 1.5 * 2.0**-0.5)
    assert made == replace(LAUNCH, add_drivers=(), multiply=made.multiply)
    assert told == ()


def test_a_finished_launch_is_in_the_measured_drivers():
    made, _ = translated(replace(LAUNCH, start_hour=ORIGIN_HOUR - 480, end_hour=ORIGIN_HOUR))
    assert made.multiply == 1.0


def test_of_a_launch_under_way_the_rest_comes():
    event = replace(LAUNCH, start_hour=ORIGIN_HOUR - 99, end_hour=ORIGIN_HOUR + 101, shape=RampShape.LINEAR)
    made, _ = translated(replace(event, add_drivers=(("dau", 50.0),)))
    np.testing.assert_allclose(made.multiply, 1 + 0.5 * (1 - 98 / 200))  # 98 of 200 hours show in the last hour
    assert (made.start_hour, made.probability, made.shape) == (ORIGIN_HOUR, 1.0, RampShape.LINEAR)


def test_a_pulse_under_way_lasts_until_its_end():
    made, _ = translated(replace(LAUNCH, start_hour=ORIGIN_HOUR - 24, shape=RampShape.PULSE))
    np.testing.assert_allclose(made.multiply, 1.5 * 2.0**-0.5)
    assert (made.start_hour, made.end_hour, made.shape) == (ORIGIN_HOUR, LAUNCH.end_hour, RampShape.PULSE)


def test_other_events_stay_as_they_are():
    plain = replace(LAUNCH, add_drivers=(), multiply=3.0)
    assert with_driver_amounts([plain], None, POOLS, source="r") == ((plain,), ())


def test_drivers_that_explain_nothing_change_nothing_and_the_reader_is_told():
    made, told = translated(LAUNCH, model_of(elasticities=(("dau", None), ("price", None))))
    assert made.multiply == 1.0
    assert told == ("Event 'shop' is given in drivers that explain no demand: it changes none.",)


@pytest.mark.parametrize(
    ("event", "model", "part"),
    [
        pytest.param(LAUNCH, None, "must have drivers to add to, and none are given. Give --drivers", id="no drivers"),
        pytest.param(
            replace(LAUNCH, to_shares=(("r1/z", 1.0),)), model_of(), "pool 'r1/z' must be in the usage", id="pool"
        ),
        pytest.param(
            replace(LAUNCH, to_shares=(("r2/c", 1.0),)),
            model_of(),
            "follow one relation to drivers, got none",
            id="none",
        ),
        pytest.param(
            replace(LAUNCH, to_shares=(("r1/a", 0.5), ("r2/c", 0.5))), model_of(), "got several", id="two relations"
        ),
        pytest.param(
            replace(LAUNCH, add_drivers=(("dua", 1.0),)),
            model_of(),
            "add_drivers must name drivers of a relation, got 'dua'. Did you mean 'dau'?",
            id="driver",
        ),
    ],
)
def test_an_event_that_no_relation_translates_is_refused(event, model, part):
    with pytest.raises(InputError) as caught:
        with_driver_amounts([event], model, POOLS, source="roadmap.yaml")
    assert "column 'events 'shop'', row 3: " in str(caught.value)
    assert part in str(caught.value)
