import numpy as np
import pytest

from forecasting.daily import MAX_STALE_DAYS, NEEDED_HISTORY_DAYS, daily_history, group_name
from forecasting.errors import HistoryError
from forecasting.roadmap import Event, EventKind, RampShape


def test_groups_are_what_stands_before_the_first_slash():
    assert [group_name(pool) for pool in ("r1/a/b", "web", "/x")] == ["r1", "", ""]


def test_pools_of_a_provider_are_grouped_by_region():
    pools = ("aws/us-east-1/m5.large", "aws/us-east-1/m5.large/windows", "azure/westeurope/d4", "gcp/us-central1/n2")
    groups = ["aws/us-east-1", "aws/us-east-1", "azure/westeurope", "gcp/us-central1"]
    assert [group_name(pool) for pool in pools] == groups
    # no region, or no provider
    assert [group_name(pool) for pool in ("aws/m5.large", "aws", "awsome/x/y", "aws//x")] == [
        "aws",
        "",
        "awsome",
        "aws/",
    ]


def test_only_whole_days_before_as_of_are_kept(make_history):
    past = make_history(np.arange(24 * 60, dtype=float) + 1)
    late = make_history(past.units[:, 5:], start_hour=past.start_hour + 5)
    daily = daily_history(late, (), as_of_hour=past.start_hour + 24 * 50 + 7)
    assert (daily.first_day * 24, daily.n_days) == (past.start_hour + 24, 49)
    np.testing.assert_allclose(daily.observed[0].ravel(), past.units[0, 24 : 24 * 50])


def test_pools_are_those_used_before_as_of_and_those_that_receive(make_history):
    units = np.zeros((3, 24 * 60))
    units[0] = 1.0
    units[1, 24 * 55 :] = 1.0
    event = Event(
        name="m",
        kind=EventKind.MIGRATION,
        from_pools=("g/a",),
        to_shares=(("h/new", 1.0),),
        start_hour=10**7,
        end_hour=10**7 + 24,
    )
    past = make_history(units)
    daily = daily_history(past, (event,), as_of_hour=past.start_hour + 24 * 50)
    assert daily.pools == ("g/a", "h/new")
    assert daily.groups == ("g", "h")
    assert daily.group_of.tolist() == [0, 1]
    np.testing.assert_allclose(daily.restated, daily.observed)


def test_a_finished_migration_is_restated_as_if_it_had_always_been(make_history):
    start = make_history(np.ones(24)).start_hour
    n_hours = 24 * 80
    event = Event(
        name="m",
        kind=EventKind.MIGRATION,
        from_pools=("g/a",),
        to_shares=(("g/b", 1.0),),
        conversion=0.5,
        start_hour=start + 24 * 30,
        end_hour=start + 24 * 40,
        shape=RampShape.STEP,
    )
    moved = np.arange(n_hours) >= 24 * 30
    units = np.stack([np.where(moved, 0.0, 10.0), np.where(moved, 7.0, 2.0)])
    daily = daily_history(make_history(units), (event,), as_of_hour=start + n_hours)
    np.testing.assert_allclose(daily.restated[0], 0.0)
    np.testing.assert_allclose(daily.restated[1], 7.0)
    np.testing.assert_allclose(daily.observed.reshape(2, -1), units)


def test_a_short_history_is_refused_with_what_it_needs(make_history):
    past = make_history(np.ones(24 * (NEEDED_HISTORY_DAYS - 1)))
    with pytest.raises(HistoryError, match=r"at least 21 whole UTC days before 2023-01-22, got 20"):
        daily_history(past, (), as_of_hour=past.end_hour)


def test_history_may_end_a_month_before_as_of_and_no_longer(make_history):
    past = make_history(np.ones(24 * 60))
    daily = daily_history(past, (), as_of_hour=past.end_hour + 24 * MAX_STALE_DAYS)
    assert daily.origin_hour == past.end_hour
    with pytest.raises(HistoryError, match=r"within 31 days of 2023-04-04, got 2023-03-02 as its last day"):
        daily_history(past, (), as_of_hour=past.end_hour + 24 * MAX_STALE_DAYS + 24)


def test_a_history_without_demand_is_refused(make_history):
    past = make_history(np.zeros(24 * 60))
    with pytest.raises(HistoryError, match="must hold demand before 2023-03-03, got zero units"):
        daily_history(past, (), as_of_hour=past.end_hour)
