import numpy as np
import pandas as pd
import pytest

from forecasting.errors import HistoryError
from forecasting.forecast import ForecastRequest, ForecastSettings, forecast_demand
from forecasting.history import History
from forecasting.hours import hour_of_date
from forecasting.quantiles import weighted_quantiles
from forecasting.roadmap import Event, EventKind, RampShape, Roadmap

DAY = 24
WEEK_WAVE = 1 + 0.3 * np.sin(2 * np.pi * np.arange(168) / 24) + 0.1 * (np.arange(168) < 120)


def waves(n_days):
    return np.tile(WEEK_WAVE, n_days // 7 + 1)[: DAY * n_days]


def noisy(n_days, seed=0, n_pools=2):
    rng = np.random.default_rng(seed)
    level = np.exp(np.cumsum(0.01 * rng.standard_normal((n_pools, n_days)), axis=1))
    return 50 * np.repeat(level, DAY, axis=1) * waves(n_days) * rng.gamma(50, 1 / 50, (n_pools, DAY * n_days))


def migration(start_hour, **fields):
    given_fields = {
        "name": "m",
        "kind": EventKind.MIGRATION,
        "from_pools": ("g/a",),
        "to_shares": (("g/new", 1.0),),
        "start_hour": start_hour,
        "end_hour": start_hour + DAY * 20,
        "shape": RampShape.LINEAR,
    }
    return Event(**(given_fields | fields))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(make_history, make_forecast):
    past = make_history(noisy(200))
    one, again, other = (make_forecast(past, seed=seed) for seed in (1, 1, 2))
    assert one.scenarios.units.tobytes() == again.scenarios.units.tobytes()
    assert one.scenarios.weights.tobytes() == again.scenarios.weights.tobytes()
    assert one.assumptions == again.assumptions
    assert one.scenarios.units.tobytes() != other.scenarios.units.tobytes()


def test_nothing_at_or_after_as_of_is_read(make_history, make_forecast):
    units = np.concatenate([noisy(260), np.zeros((1, DAY * 260))])
    as_of_hour = make_history(units).start_hour + DAY * 200
    future = units.copy()
    future[:, DAY * 200 :] = 1e6  # a third pool is born, the others explode
    known = make_forecast(make_history(units[:2, : DAY * 200]), as_of_hour=as_of_hour)
    hidden = migration(as_of_hour + DAY, known_from_hour=as_of_hour + 1)
    for past, events in ((make_history(units), ()), (make_history(future), (hidden,))):
        made = make_forecast(past, as_of_hour=as_of_hour, events=events)
        assert made.scenarios.pools == known.scenarios.pools
        assert made.scenarios.units.tobytes() == known.scenarios.units.tobytes()
        assert made.decomposition == known.decomposition
        assert made.assumptions == known.assumptions


def test_sampled_hours_are_the_same_scenarios_at_fewer_hours(make_history):
    past = make_history(noisy(200))
    hours = np.arange(past.end_hour, past.end_hour + DAY * 100)

    def made(some):
        request = ForecastRequest(as_of_hour=past.end_hour, hours=some, hour_weights=np.ones(len(some)))
        return forecast_demand(past, Roadmap(), request, np.random.default_rng(0)).scenarios

    np.testing.assert_array_equal(made(hours[::5]).units, made(hours).units[:, :, ::5])


def test_a_steady_week_is_forecast_hour_by_hour(make_history, make_forecast, expected):
    made = make_forecast(make_history(100 * waves(210)), n_days=70, holiday_country="")
    np.testing.assert_allclose(expected(made)[0], 100 * waves(70), rtol=1e-6)


def test_growth_goes_on_and_flattens(make_history, make_forecast):
    rng = np.random.default_rng(0)
    daily = 100 * np.exp(0.002 * np.arange(400)) * np.exp(0.02 * rng.standard_normal(400))
    made = make_forecast(make_history(np.repeat(daily, DAY)), n_days=365, holiday_country="")
    median = weighted_quantiles(made.scenarios.units[:, 0], made.scenarios.weights, [0.5])[:, 0]
    true = 100 * np.exp(0.002 * np.arange(400, 765))
    first_quarter = median[: DAY * 90].mean() / true[:90].mean()
    assert 0.93 < first_quarter < 1.03
    level_now = 100 * np.exp(0.002 * 400)
    assert level_now * 1.2 < median[-DAY * 28 :].mean() < true[-28:].mean() * 1.02


def test_a_season_of_the_year_comes_back(make_history, make_forecast, expected):
    rng = np.random.default_rng(3)
    days = np.arange(1_100)
    season = np.exp(0.25 * np.sin(2 * np.pi * days / 365.25))
    daily = 100 * season[:735] * np.exp(0.02 * rng.standard_normal(735))
    made = make_forecast(make_history(np.repeat(daily, DAY)), n_days=365, holiday_country="")
    monthly = expected(made)[0][: DAY * 360].reshape(12, -1).mean(axis=1)
    true = 100 * season[735 : 735 + 360].reshape(12, 30).mean(axis=1)
    assert np.corrcoef(monthly, true)[0, 1] > 0.95
    np.testing.assert_allclose(monthly, true, rtol=0.12)


def test_a_holiday_seen_before_is_forecast(make_history, make_forecast, expected):
    start = hour_of_date("2021-06-07")
    dates = pd.date_range("2021-06-07", periods=660, freq="D")
    low = (
        ((dates.month == 7) & (dates.day == 4))
        | ((dates.month == 12) & (dates.day >= 24))
        | ((dates.month == 1) & (dates.day == 1))
    )
    rng = np.random.default_rng(1)
    daily = np.where(low[:570], 60.0, 100.0) * np.exp(0.01 * rng.standard_normal(570))
    made = make_forecast(make_history(np.repeat(daily, DAY), start_hour=start), n_days=20)
    forecast_days = expected(made)[0].reshape(20, DAY).mean(axis=1)
    new_year = int(np.flatnonzero((dates[570:590].month == 1) & (dates[570:590].day == 1))[0])
    assert forecast_days[new_year] < 0.8 * forecast_days[new_year + 8]


@pytest.mark.parametrize(("size", "conversion"), [(1.0, 1.0), (0.6, 0.5)], ids=["all", "part"])
def test_a_declared_migration_moves_exactly_its_units(make_history, make_forecast, size, conversion):
    past = make_history(noisy(200))
    event = migration(past.end_hour + DAY * 10, size=size, conversion=conversion)
    nothing = migration(past.end_hour + DAY * 10, size=0.0)  # so that the same pools are exempt from replacement
    without = make_forecast(past, n_paths=40, events=[nothing])  # as many scenarios as paths: nothing is reduced
    made = make_forecast(past, n_paths=40, events=[event])
    assert made.scenarios.pools == ("g/a", "g/b", "g/new")
    ramp = np.clip((made.scenarios.hours - event.start_hour) / (DAY * 20), 0, 1)
    a, b = without.scenarios.units[:, 0], without.scenarios.units[:, 1]
    np.testing.assert_allclose(made.scenarios.units[:, 0], a * (1 - size * ramp), atol=1e-9)
    np.testing.assert_allclose(made.scenarios.units[:, 1], b)
    np.testing.assert_allclose(made.scenarios.units[:, 2], a * size * ramp * conversion, atol=1e-9)


def test_a_migration_half_done_is_finished_from_what_is_seen(make_history, make_forecast, expected):
    n_days = 300
    done = np.clip((np.arange(DAY * n_days) - DAY * 290) / (DAY * 20), 0, 1)
    past = make_history(np.stack([100 * (1 - done), 40 + 100 * done]))
    event = migration(past.start_hour + DAY * 290, to_shares=(("g/b", 1.0),))
    made = make_forecast(past, events=[event], holiday_country="")
    future = np.clip((np.arange(DAY * 60) + DAY * 10) / (DAY * 20), 0, 1)
    median = weighted_quantiles(made.scenarios.units, made.scenarios.weights, [0.5])[..., 0]
    # Half-way nobody can know that all will move: it may stop short, and a replacement of the rest may begin.
    np.testing.assert_allclose(median[0], 100 * (1 - future), atol=5)
    np.testing.assert_allclose(median[1], 40 + 100 * future, atol=5)
    assert 0 <= expected(made)[0, -1] < 12


def test_who_keeps_a_roadmap_vouches_that_nothing_else_is_replaced_within_a_quarter(make_history):
    past = make_history(noisy(400, n_pools=3))
    hours = np.arange(past.end_hour, past.end_hour + DAY * 120)
    request = ForecastRequest(as_of_hour=past.end_hour, hours=hours, hour_weights=np.ones(len(hours)))
    event = migration(past.end_hour + DAY * 10, from_pools=("g/a",), to_shares=(("g/b", 1.0),))
    kept, loose, declared = (
        forecast_demand(past, roadmap, request, np.random.default_rng(0))
        for roadmap in (Roadmap(is_kept=True), Roadmap(), Roadmap(is_kept=True, events=(event,)))
    )
    starts = kept.every.draws.mix.start_days
    assert starts.min() == 91.0
    assert np.isfinite(starts).all()
    assert loose.every.draws.mix.start_days.min() < 10.0
    # what is declared is no less declared for it: pool a, emptied by day 30, stays so
    assert declared.mix.blocked_days.tolist() == [91, 91, 91]
    assert declared.scenarios.units[:, 0, DAY * 30 :].max() == 0.0
    unnamed = [made.unnamed_units.mean() / made.scenarios.units.sum(axis=1).mean() for made in (kept, loose)]
    assert unnamed[0] < 0.5 * unnamed[1]


def test_an_event_with_a_chance_splits_the_scenarios(make_history, make_forecast):
    past = make_history(noisy(200))
    launch = Event(
        name="launch",
        kind=EventKind.LAUNCH,
        to_shares=(("g/new", 1.0),),
        add_units=500.0,
        start_hour=past.end_hour + DAY * 10,
        end_hour=past.end_hour + DAY * 11,
        probability=0.3,
    )
    made = make_forecast(past, events=[launch]).scenarios
    new = made.units[:, made.pools.index("g/new")]
    assert not new[:, : DAY * 10].any()
    assert set(np.unique(new[:, DAY * 10 :])) == {0.0, 500.0}
    np.testing.assert_allclose(made.weights @ (new[:, -1] > 0), 0.3, atol=0.08)


def test_reduction_keeps_the_expected_demand(make_history, make_forecast, expected):
    past = make_history(noisy(300))
    every = expected(make_forecast(past, n_paths=200, n_scenarios=200)).mean(axis=1)
    np.testing.assert_allclose(expected(make_forecast(past)).mean(axis=1), every, rtol=0.02)


CASES = {
    "constant": np.full(DAY * 120, 7.0),
    "just long enough": np.full(DAY * 42, 7.0),
    "born yesterday": np.stack([np.full(DAY * 90, 50.0), np.repeat(np.arange(90) >= 89, DAY) * 5.0]),
    "only pool born yesterday": np.repeat(np.arange(60) >= 59, DAY) * 5.0,
    "died": np.stack([np.full(DAY * 90, 50.0), np.repeat(np.arange(90) < 60, DAY) * 5.0]),
    "all died": np.repeat(np.arange(90) < 60, DAY) * 5.0,
    "rare whole numbers": np.random.default_rng(0).poisson(0.02, DAY * 200),
    "few whole numbers": np.random.default_rng(0).poisson([[0.05], [3.0]], (2, DAY * 200)),
    "huge and tiny": np.stack([np.full(DAY * 90, 1e12), np.full(DAY * 90, 1e-9)]),
    "an outage": np.where((np.arange(DAY * 200) // DAY - 100) // 10 == 0, 0.0, 10.0),
    "a spike on the last day": np.where(np.arange(DAY * 100) // DAY == 99, 500.0, 5.0),
}


@pytest.mark.parametrize("units", CASES.values(), ids=CASES.keys())
def test_odd_histories_give_finite_and_sensible_demand(units, make_history, make_forecast, expected):
    past = make_history(units)
    made = make_forecast(past, n_days=120)
    units_then = expected(made)  # Scenarios itself refuses what is negative or not finite
    assert units_then.max() <= 3 * past.units.max()
    np.testing.assert_allclose(made.scenarios.weights.sum(), 1.0)


def test_dead_pools_stay_dead_and_newborn_pools_stay_alive(make_history, make_forecast, expected):
    died = expected(make_forecast(make_history(CASES["died"])))
    assert not died[1].any()
    np.testing.assert_allclose(died[0].mean(), 50, rtol=0.15)
    born = expected(make_forecast(make_history(CASES["born yesterday"])))
    assert 4 < born[1].mean() < 20  # it may ramp, as pools born yesterday do
    np.testing.assert_allclose(expected(make_forecast(make_history(CASES["an outage"])))[0].mean(), 9.5, rtol=0.1)


def test_rare_whole_numbers_keep_their_mean(make_history, make_forecast, expected):
    units = np.random.default_rng(4).poisson(0.03, DAY * 400).astype(float)
    made = expected(make_forecast(make_history(units), n_days=90))
    np.testing.assert_allclose(made.mean(), units[-DAY * 28 :].mean(), rtol=0.3)


def test_demand_of_all_zeros_is_refused(make_history, make_forecast):
    with pytest.raises(HistoryError, match="got zero units in every hour"):
        make_forecast(make_history(np.zeros(DAY * 100)))


def test_hours_before_as_of_are_refused():
    with pytest.raises(ValueError, match=r"strictly increasing from as-of \(100\) on, got \[99\]"):
        ForecastRequest(as_of_hour=100, hours=np.array([99, 101]), hour_weights=np.ones(2))
    with pytest.raises(ValueError, match="strictly increasing"):
        ForecastRequest(as_of_hour=100, hours=np.array([101, 101]), hour_weights=np.ones(2))


def test_more_scenarios_than_paths_are_refused():
    with pytest.raises(ValueError, match=r"n_scenarios must be between 1 and n_paths \(10\), got 40"):
        ForecastSettings(n_paths=10)


def test_assumptions_name_what_is_dead_short_and_under_way(make_history, make_forecast):
    past = make_history(CASES["died"])
    event = migration(past.end_hour - DAY)
    told = "\n".join(make_forecast(past, events=[event]).assumptions)
    assert "none forecast: g/b." in told
    assert "Event 'm' is under way: only the rest of it acts." in told
    assert "takes two years of history" in told
    assert "History is short" not in "".join(make_forecast(make_history(noisy(200))).assumptions)
    short = make_forecast(make_history(CASES["just long enough"])).assumptions
    assert any("History is short" in sentence for sentence in short)
    patchy = make_forecast(make_history(CASES["rare whole numbers"])).assumptions
    assert any("intermittent" in sentence for sentence in patchy)


@pytest.mark.slow
def test_the_band_of_mean_demand_covers_as_often_as_it_says(make_history, make_forecast):
    inside = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        noise = np.zeros(560)
        for day in range(1, 560):
            noise[day] = 0.97 * noise[day - 1] + 0.02 * rng.standard_normal()
        daily = 100 * np.exp(noise)
        made = make_forecast(make_history(np.repeat(daily[:500], DAY)), n_days=60, holiday_country="").scenarios
        low, high = weighted_quantiles(made.units[:, 0].mean(axis=1), made.weights, [0.1, 0.9])
        inside.append(low <= daily[500:].mean() <= high)
    assert 0.62 <= np.mean(inside) <= 0.95  # 2.7 standard errors of 40 at 80 %


@pytest.mark.slow
def test_the_real_trace_is_forecast_near_what_came(shared_data):
    rows = pd.read_parquet(shared_data / "trace" / "usage_r1.parquet")
    table = rows.pivot_table(index="hour_utc", columns="pool", values="units").fillna(0.0)
    past = History(pools=tuple(table.columns), start_hour=hour_of_date("2021-02-01"), units=table.to_numpy().T)
    as_of_hour = hour_of_date("2022-11-01")
    hours = np.arange(as_of_hour, as_of_hour + 8_760)
    request = ForecastRequest(as_of_hour=as_of_hour, hours=hours, hour_weights=np.ones(8_760))
    made = forecast_demand(past, Roadmap(), request, np.random.default_rng(0))
    total = (made.scenarios.units.sum(axis=1) + made.unnamed_units.sum(axis=1)).mean(axis=1)
    low, high = weighted_quantiles(total, made.scenarios.weights, [0.05, 0.95])
    came = past.units[:, as_of_hour - past.start_hour :][:, :8_760].sum(axis=0).mean()
    assert low <= came <= high


@pytest.mark.slow
@pytest.mark.parametrize("n_days", [21, 42])
def test_a_short_history_knows_the_noise_of_its_days(make_history, make_forecast, n_days):
    inside = []
    for seed in range(12):
        daily = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.2, n_days + 14))
        past = make_history(np.repeat(daily[:n_days], DAY))
        made = make_forecast(past, n_days=14, n_paths=200, n_scenarios=200, holiday_country="").scenarios
        days = made.units[:, 0].reshape(200, 14, DAY).mean(axis=2)
        low, high = np.quantile(days, [0.05, 0.95], axis=0)
        inside.append(np.mean((low <= daily[n_days:]) & (daily[n_days:] <= high)))
    assert 0.65 < np.mean(inside) < 0.97


@pytest.mark.parametrize("n_days", [30, 42, 48])
def test_an_outage_in_a_short_history_is_no_surge_of_all_other_paths(make_history, make_forecast, n_days):
    daily = 100 * np.exp(np.random.default_rng(0).normal(0, 0.03, n_days))
    daily[n_days - 6] *= 0.1
    made = make_forecast(make_history(np.repeat(daily, DAY)), n_days=14, holiday_country="").scenarios
    assert np.median(made.units[:, 0].max(axis=1)) < 150
