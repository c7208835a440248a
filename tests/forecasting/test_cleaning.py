import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.cleaning import raise_by_spikes, spike_processes, without_group_spikes
from forecasting.daily import daily_history
from forecasting.spikes import hourly_baseline, spike_hours

DAY = 24
N_DAYS = 84
POOLS = ("g/a", "g/b", "h/c")
SPIKE = slice(DAY * 50 + 10, DAY * 50 + 14)
OUTAGE = slice(DAY * 30 + 3, DAY * 30 + 6)


def demand():
    """Two pools with days of their own and a third in another group."""
    rng = np.random.default_rng(0)
    wave = 1 + 0.3 * np.sin(2 * np.pi * np.arange(DAY * N_DAYS) / DAY)
    return np.array([[30.0], [10.0], [20.0]]) * wave * np.exp(0.02 * rng.standard_normal((3, DAY * N_DAYS)))


def daily_of(make_history, units, pools=POOLS):
    past = make_history(units, pools=pools)
    return daily_history(past, (), as_of_hour=past.end_hour)


@pytest.fixture
def spiked(make_history):
    units = demand()
    units[0, SPIKE] *= 4.0
    units[:2, OUTAGE] = 0.0
    return daily_of(make_history, units)


def hourly(daily):
    return daily.restated.reshape(len(daily.pools), -1)


def test_pools_sum_to_the_baseline_of_their_group_inside_a_spike(spiked):
    cleaned, found = without_group_spikes(spiked)
    inside = spike_hours(found[0], start_hour=spiked.first_day * DAY, n_hours=DAY * N_DAYS)
    assert np.flatnonzero(inside).tolist() == [*range(OUTAGE.start, OUTAGE.stop), *range(SPIKE.start, SPIKE.stop)]
    total = hourly(spiked)[:2].sum(axis=0)
    np.testing.assert_allclose(hourly(cleaned)[:2, inside].sum(axis=0), hourly_baseline(total)[inside])
    own = np.stack([hourly_baseline(units)[inside] for units in hourly(spiked)[:2]])
    np.testing.assert_allclose(hourly(cleaned)[0, inside] / hourly(cleaned)[1, inside], own[0] / own[1])


def test_hours_outside_spikes_and_observed_demand_stay_as_they_are(spiked):
    cleaned, found = without_group_spikes(spiked)
    inside = spike_hours(found[0], start_hour=spiked.first_day * DAY, n_hours=DAY * N_DAYS)
    np.testing.assert_array_equal(hourly(cleaned)[:, ~inside], hourly(spiked)[:, ~inside])
    np.testing.assert_array_equal(cleaned.observed, spiked.observed)
    assert found[1] == ()
    np.testing.assert_array_equal(cleaned.restated[2], spiked.restated[2])


def test_a_spike_taken_out_leaves_about_what_would_have_been(spiked):
    cleaned, _ = without_group_spikes(spiked)
    usual = demand()
    np.testing.assert_allclose(hourly(cleaned)[:2], usual[:2], rtol=0.12)


def test_what_only_moves_between_pools_is_no_spike_of_the_group(make_history):
    units = demand()
    units[1, SPIKE] += 0.8 * units[0, SPIKE]
    units[0, SPIKE] *= 0.2
    daily = daily_of(make_history, units)
    cleaned, found = without_group_spikes(daily)
    assert found == ((), ())
    np.testing.assert_array_equal(cleaned.restated, daily.restated)


def test_cleaning_twice_is_cleaning_once(spiked):
    cleaned, _ = without_group_spikes(spiked)
    again, found = without_group_spikes(cleaned)
    assert found == ((), ())
    np.testing.assert_array_equal(again.restated, cleaned.restated)


@pytest.mark.parametrize(
    "units",
    [
        np.full((3, DAY * N_DAYS), 5.0),
        np.random.default_rng(0).poisson(0.02, (3, DAY * N_DAYS)) + np.eye(3, DAY * N_DAYS),
        np.where(np.arange(DAY * N_DAYS) == 900, 1e9, np.full((3, 1), 1e-6)),
    ],
    ids=["constant", "rare", "one huge hour"],
)
def test_odd_demand_stays_finite_and_never_goes_below_zero(make_history, units):
    daily = daily_of(make_history, units)
    cleaned, found = without_group_spikes(daily)
    assert np.isfinite(cleaned.restated).all()
    assert cleaned.restated.min() >= 0.0
    for process in spike_processes(daily, cleaned, found, np.random.default_rng(0)):
        assert np.isfinite(process.excess_fractions).all()


def test_each_group_has_a_process_of_its_own_spikes(spiked):
    cleaned, found = without_group_spikes(spiked)
    one, other = spike_processes(spiked, cleaned, found, np.random.default_rng(0))
    assert one.rate_shape > other.rate_shape
    assert one.as_of_hour == other.as_of_hour == spiked.origin_hour


@given(seed=st.integers(0, 10**6))
def test_raising_by_spikes_never_lowers_and_reaches_the_spike(seed):
    rng = np.random.default_rng(seed)
    units = rng.gamma(1.0, size=(3, 5, 8)) * (rng.random((3, 5, 8)) < 0.8)
    usual = rng.gamma(1.0, size=(3, 8))
    spiked = usual * np.where(rng.random((3, 8)) < 0.5, 1.0 + rng.gamma(1.0, size=(3, 8)), 1.0)
    rows = np.array([0, 3, 4])
    before = units.copy()
    raise_by_spikes(units, rows, spiked, usual)
    assert np.all(units >= before)
    np.testing.assert_array_equal(units[:, [1, 2]], before[:, [1, 2]])
    total = before[:, rows].sum(axis=1)
    wanted = np.where((spiked > usual) & (total > 0), np.maximum(total, spiked), total)
    np.testing.assert_allclose(units[:, rows].sum(axis=1), wanted)
    shares = before[:, rows] / np.maximum(total, 1e-300)[:, None]
    np.testing.assert_allclose(units[:, rows], shares * wanted[:, None], atol=1e-12)


def test_raising_twice_is_raising_once():
    units = np.array([[[1.0, 2.0], [3.0, 0.0]]])
    for _ in range(2):
        raise_by_spikes(units, np.array([0, 1]), np.array([[8.0, 2.0]]), np.array([[4.0, 2.0]]))
        np.testing.assert_allclose(units, [[[2.0, 2.0], [6.0, 0.0]]])
