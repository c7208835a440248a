import numpy as np
import pytest

from forecasting.daily import daily_history
from forecasting.found_events import group_shifts, shift_effects, shift_events
from forecasting.parts import HistoryParts, history_parts, is_organic
from forecasting.roadmap import Event, EventKind, RampShape
from forecasting.succession import Succession, SuccessionState

N_DAYS = 400


def fleet(make_history, *, n_days=N_DAYS, seed=0, pools=("r/a", "r/b", "s/c")):
    """Three pools of two groups with days, weeks and noise."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(n_days), 24)
    week = np.where(day % 7 < 5, 1.0, 0.7)
    hours = 1 + 0.4 * np.sin(2 * np.pi * np.arange(24 * n_days) / 24)
    noise = np.exp(rng.normal(0, 0.03, (3, 24 * n_days)))
    return make_history(np.array([[80.0], [40.0], [100.0]]) * week * hours * noise, pools=pools)


def event(history, kind, day, n_days=1, **fields):
    start = history.start_hour + 24 * day
    return Event(**({"name": str(kind), "kind": kind, "start_hour": start, "end_hour": start + 24 * n_days} | fields))


def split(history, events=(), **fields) -> HistoryParts:
    daily = daily_history(history, events, as_of_hour=history.end_hour)
    given = {"holidays": [""] * daily.n_days, "shifts": group_shifts(daily, [""] * daily.n_days)}
    return history_parts(daily, events, **(given | fields))


def parts_of(made, series):
    (found,) = [one for one in made.series if one.series == series]
    return dict(zip(found.names, found.units, strict=True))


def check_sums(made, history):
    """Every series adds up, and the total's parts are the sums of the groups' parts."""
    demand = dict(zip(history.pools, history.units, strict=True))
    groups = {}
    for pool, units in demand.items():
        groups[pool.partition("/")[0]] = groups.get(pool.partition("/")[0], 0.0) + units
    for series in made.series:
        expected = {"pool": demand, "group": groups, "total": {"total": history.units.sum(axis=0)}}[series.scope]
        scale = max(expected[series.series].max(), 1e-300)
        np.testing.assert_allclose(series.units.sum(axis=0) / scale, expected[series.series] / scale, atol=1e-12)


def migration(history, **fields):
    given = {"from_pools": ("r/a",), "to_shares": (("r/b", 1.0),), "shape": RampShape.LINEAR}
    return event(history, EventKind.MIGRATION, 200, 20, **(given | fields))


@pytest.fixture
def busy(make_history):
    """History in which something of everything happens, and its events."""
    history = fleet(make_history)
    units = history.units.copy()
    done = np.clip((np.arange(units.shape[1]) - 24 * 200) / 480, 0, 1)
    units[1] += units[0] * done
    units[0] -= units[0] * done
    units[2, 24 * 300 : 24 * 303] *= 1.5
    units[2, 24 * 150 :] *= 1.6
    units[2, 24 * 350 + 3 : 24 * 350 + 7] *= 2.5
    history = make_history(units, pools=history.pools)
    promotion = event(
        history, EventKind.PROMOTION, 300, 3, multiply=1.5, to_shares=(("s/c", 1.0),), shape=RampShape.PULSE
    )
    return history, (migration(history), promotion)


def test_parts_add_up_to_every_hour_of_every_series(busy):
    history, events = busy
    check_sums(split(history, events), history)


def test_each_cause_gets_its_own_part(busy):
    history, events = busy
    made = split(history, events)
    total, pool, source = parts_of(made, "total"), parts_of(made, "s/c"), parts_of(made, "r/a")
    promoted = pool["event: promotion"]
    np.testing.assert_allclose(promoted[24 * 300 : 24 * 303], history.units[2, 24 * 300 : 24 * 303] / 3, rtol=1e-6)
    assert not promoted[: 24 * 300].any()
    assert not promoted[24 * 303 :].any()
    (shift,) = [name for name in total if name.startswith("level shift s ")]
    np.testing.assert_allclose(total[shift][24 * 200 :].mean(), 100 * 0.6 * 32 / 35, rtol=0.1)
    assert not total[shift][: 24 * 149].any()
    np.testing.assert_allclose(source["event: migration"][24 * 230 :].mean(), -80 * 32 / 35, rtol=0.05)
    np.testing.assert_allclose(source["level_and_trend"], 80 * 32 / 35, rtol=0.1)  # as if it had stayed
    assert "event: migration" not in total  # what one pool lost the other gained
    assert pool["spikes"].max() > 160
    assert abs(total["noise"]).mean() < 0.06 * history.units.sum(axis=0).mean()


def test_days_and_weeks_are_told_apart(make_history):
    history = fleet(make_history)
    parts = parts_of(split(history), "s/c")
    day, week = parts["day_season"].reshape(-1, 24), parts["week_season"].reshape(-1, 24)
    middle = slice(70, 330)
    np.testing.assert_allclose(day[middle].mean(axis=1), 0, atol=0.5)
    np.testing.assert_allclose(day[middle].max(axis=1) / (100 * 32 / 35), 0.38, atol=0.14)
    np.testing.assert_allclose(np.diff(week[70:77].mean(axis=1)).min(), -27.0, atol=4.0)
    assert "year_season" not in parts
    assert "holidays" not in parts


def test_two_years_show_a_season_of_the_year(make_history):
    n_hours = 24 * 1100
    wave = 1 + 0.3 * np.sin(2 * np.pi * np.arange(n_hours) / 24 / 365.25)
    noise = np.exp(np.random.default_rng(0).normal(0, 0.02, n_hours))
    parts = parts_of(split(make_history([100 * wave * noise])), "total")
    np.testing.assert_allclose(np.ptp(parts["year_season"]), 60, rtol=0.25)
    np.testing.assert_allclose(parts["level_and_trend"], 100, rtol=0.15)


def test_holidays_have_their_part(make_history):
    history = fleet(make_history)
    units = history.units.copy()
    is_off = np.arange(N_DAYS) % 30 == 12
    units[:, np.repeat(is_off, 24)] *= 0.5
    made = split(make_history(units, pools=history.pools), holidays=["off" if off else "" for off in is_off])
    by_day = parts_of(made, "total")["holidays"].reshape(-1, 24).mean(axis=1)
    assert np.all(by_day[~is_off] == 0)
    np.testing.assert_allclose(by_day[is_off].mean(), -0.5 * 220 * 32 / 35, rtol=0.1)


def test_a_succession_moves_demand_between_pools_and_shows_in_no_group(make_history):
    n_hours = 24 * N_DAYS
    done = np.clip((np.arange(n_hours) - 24 * 250) / (24 * 50), 0, 1)
    history = make_history(np.array([60 * (1 - done), 40 + 60 * done]), pools=("r/a", "r/b"))
    day = history.start_hour // 24
    moved = Succession(
        losing=0,
        gaining=(1,),
        gained_fractions=(1.0,),
        start_day=day + 250,
        moved_fraction=1.0,
        state=SuccessionState.FINISHED,
        end_days=(day + 300,) * 3,
    )
    made = split(history, successions=[moved])
    check_sums(made, history)
    np.testing.assert_allclose(parts_of(made, "r/a")["succession"], -60 * done, atol=1e-9)
    np.testing.assert_allclose(parts_of(made, "r/b")["succession"], 60 * done, atol=1e-9)
    np.testing.assert_allclose(parts_of(made, "r/a")["level_and_trend"], 60)
    assert "succession" not in parts_of(made, "r")


def test_a_shutdown_is_seen_against_the_weeks_before(make_history):
    history = fleet(make_history)
    units = history.units.copy()
    units[0, 24 * 300 :] = 0.0
    history = make_history(units, pools=history.pools)
    made = split(history, [event(history, EventKind.SHUTDOWN, 300, from_pools=("r/a",), size=1.0)])
    check_sums(made, history)
    gone = parts_of(made, "r/a")["event: shutdown"][24 * 300 :]
    np.testing.assert_allclose(gone.mean(), -80 * 32 / 35, rtol=0.05)
    assert parts_of(made, "total")["event: shutdown"][: 24 * 300].max() == 0


def test_an_event_from_before_the_data_has_no_part(make_history):
    history = fleet(make_history)
    old = event(history, EventKind.LAUNCH, -30, add_units=20.0, to_shares=(("s/c", 1.0),))
    assert "event: launch" not in parts_of(split(history, [old]), "s/c")


@pytest.mark.parametrize(
    "units",
    [
        np.ones((1, 24 * 50)),
        np.where(np.arange(24 * 60) % 170 == 5, 4.0, 0.0)[None],
        np.vstack([np.zeros(24 * 60), np.repeat([0.0, 1e9], 24 * 30)]),
        np.vstack([np.repeat([5.0, 0.0], 24 * 30), np.repeat([0.0, 3.0], [24 * 59, 24])]),
    ],
    ids=["constant", "intermittent", "born in between", "died and born yesterday"],
)
def test_odd_histories_add_up_too(make_history, units):
    history = make_history(units)
    made = split(history)
    check_sums(made, make_history(units, pools=history.pools))
    assert all(np.isfinite(series.units).all() for series in made.series)


def test_the_frame_has_a_row_for_each_hour_series_and_part(busy):
    history, events = busy
    made = split(history, events)
    frame = made.frame()
    assert list(frame.columns) == ["hour_utc", "group", "part", "units"]
    assert len(frame) == sum(series.units.size for series in made.series)
    total = frame[frame["group"] == "total"].groupby("hour_utc")["units"].sum()
    np.testing.assert_allclose(total.to_numpy(), history.units.sum(axis=0))
    assert str(frame["hour_utc"].iloc[0]) == "2023-01-02 00:00:00+00:00"
    assert {"total", "r", "s", *history.pools} == set(frame["group"])
    without = split(history, events, with_pools=False)
    assert [series.scope for series in without.series] == ["total", "group", "group"]


def test_which_parts_are_organic():
    assert is_organic("noise")
    assert is_organic("week_season")
    assert not is_organic("spikes")
    assert not is_organic("event: noise")


def test_found_shifts_are_events_and_effects_of_their_size(busy):
    history, events = busy
    daily = daily_history(history, events, as_of_hour=history.end_hour)
    shifts = group_shifts(daily, [""] * daily.n_days)
    (found,), (effect,) = shift_events(daily, shifts), shift_effects(daily, shifts)
    assert found.name == effect.name == "level shift s 2023-06-01"
    np.testing.assert_allclose(found.multiply, 1.6, rtol=0.06)
    np.testing.assert_allclose(effect.fraction, found.multiply - 1)
    np.testing.assert_allclose(effect.units, effect.fraction * effect.base_units)
    assert effect.low_units < effect.units < effect.high_units
    assert (effect.source, effect.declared_fraction, effect.pools) == ("found", None, ("s/c",))
