import numpy as np
import pytest

from forecasting.cliffs import CrossingDemand, QuarterChance, capacity_cliffs, cliff_dates
from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.roadmap import Event, EventKind
from forecasting.scenarios import Scenarios

AS_OF = hour_of_date("2024-03-01")
HOURS = np.arange(AS_OF, hour_of_date("2024-12-31"), 24)
WEIGHTS = np.array([0.5, 0.3, 0.2])


def cliff(threshold=10.0, start="2020-01-01", name="shards", pools=("r1/a",)):
    return Event(
        name=name,
        kind=EventKind.CAPACITY_CLIFF,
        to_shares=tuple((pool, 1 / len(pools)) for pool in pools),
        start_hour=hour_of_date(start),
        end_hour=hour_of_date(start) + 24,
        threshold_units=threshold,
    )


def step_at(*dates):
    """One path for each date, 5 units before it and 20 from it on; None never steps."""
    first = [hour_of_date(date) if date else HOURS[-1] + 1 for date in dates]
    return np.where(HOURS[None] >= np.array(first)[:, None], 20.0, 5.0)


def dated(event, *dates, past=5.0):
    return cliff_dates(
        event,
        CrossingDemand(
            past_hours=np.arange(AS_OF - 48, AS_OF),
            past_units=np.full(48, past),
            hours=HOURS,
            units=step_at(*dates),
            weights=WEIGHTS,
        ),
    )


def test_the_date_of_a_cliff_is_a_distribution_over_the_scenarios():
    found = dated(cliff(), "2024-08-15", "2024-05-01", None)
    assert (found.p10_hour, found.p50_hour, found.p90_hour) == (
        hour_of_date("2024-05-01"),
        hour_of_date("2024-08-15"),
        None,
    )
    np.testing.assert_allclose(found.probability, 0.8)
    assert [(chance.quarter, round(chance.probability, 12)) for chance in found.quarters] == [
        ("2024-Q1", 0.0),
        ("2024-Q2", 0.3),
        ("2024-Q3", 0.5),
        ("2024-Q4", 0.0),
        ("", 0.2),
    ]
    assert found.likeliest_quarter == QuarterChance(quarter="2024-Q3", probability=0.5)
    assert found.already_crossed_hour is None


def test_demand_at_the_threshold_has_not_crossed_it():
    assert dated(cliff(threshold=20.0), "2024-08-15", None, None).probability == 0.0
    assert dated(cliff(threshold=19.9), "2024-08-15", None, None).probability == 0.5


def test_the_chances_of_the_quarters_and_of_none_sum_to_one():
    found = dated(cliff(), "2024-03-01", "2024-12-01", None)
    np.testing.assert_allclose(sum(chance.probability for chance in found.quarters), 1.0)


def test_a_higher_threshold_is_crossed_later():
    rng = np.random.default_rng(2)
    units = np.cumsum(rng.random((3, len(HOURS))), axis=1)
    low, high = (
        cliff_dates(
            cliff(threshold=threshold),
            CrossingDemand(past_hours=HOURS[:0], past_units=np.zeros(0), hours=HOURS, units=units, weights=WEIGHTS),
        )
        for threshold in (20.0, 60.0)
    )
    assert low.p50_hour < high.p50_hour
    assert low.probability >= high.probability


def test_a_threshold_that_was_crossed_before_says_so():
    found = dated(cliff(), None, None, None, past=11.0)
    assert found.already_crossed_hour == AS_OF - 1
    assert found.probability == 0.0


def test_before_its_start_a_threshold_does_not_hold():
    found = dated(cliff(start="2024-10-01"), "2024-08-15", "2024-05-01", "2024-11-05", past=11.0)
    assert (found.p10_hour, found.p90_hour) == (hour_of_date("2024-10-01"), hour_of_date("2024-11-05"))
    assert found.already_crossed_hour is None


def test_rows_of_a_cliff_are_its_quarters():
    rows = dated(cliff(), "2024-08-15", "2024-05-01", None).to_rows()
    assert rows[1] == {
        "event": "shards",
        "threshold_units": 10.0,
        "last_crossed_date": None,
        "probability": pytest.approx(0.8),
        "p10_date": "2024-05-01",
        "p50_date": "2024-08-15",
        "p90_date": None,
        "quarter": "2024-Q2",
        "quarter_probability": pytest.approx(0.3),
    }
    assert rows[-1]["quarter"] == "not within the horizon"


def test_the_cliffs_of_a_roadmap_watch_the_sum_of_their_pools():
    past = History(pools=("r1/a", "r1/b"), start_hour=AS_OF - 2, units=np.array([[6.0, 1.0], [6.0, 1.0]]))
    units = np.stack([step_at("2024-08-15", None, None), step_at("2024-05-01", None, None)], axis=1)
    scenarios = Scenarios(
        pools=("r1/a", "r1/b"), hours=HOURS, hour_weights=np.full(len(HOURS), 24.0), weights=WEIGHTS, units=units
    )
    launch = Event(name="x", kind=EventKind.LAUNCH, start_hour=AS_OF, end_hour=AS_OF + 24, multiply=2.0)
    events = [cliff(pools=("r1/a", "r1/b")), launch, cliff(name="other", pools=("r1/b", "r1/gone"))]
    both, one = capacity_cliffs(events, past, scenarios)
    assert (both.already_crossed_hour, both.p50_hour) == (AS_OF - 2, hour_of_date("2024-05-01"))
    assert (one.name, one.already_crossed_hour, one.p50_hour) == ("other", None, hour_of_date("2024-05-01"))
