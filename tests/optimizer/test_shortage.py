import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.expected_loss import CalendarFactor, EventLoss, flip_probability
from optimizer.pools import Pool
from optimizer.shortage import (
    ClassPeaks,
    LossCurve,
    class_peaks,
    declares_loss,
    flip_down,
    flip_up,
    loss_curve,
    shortage_loss,
)

HOURS = np.arange(48)
CALENDAR = (
    CalendarFactor(name="evening", factor=100.0, hours=(18, 19)),
    CalendarFactor(name="night", factor=0.5, hours=(0, 1, 2, 3)),
)


def _month(seed: int) -> tuple[np.ndarray, np.ndarray, EventLoss, dict[str, float]]:
    """Demand of five scenarios over two days, weights, loss of an ordinary shortage, cost of holding."""
    rng = np.random.default_rng(seed)
    units = np.round(rng.uniform(5.0, 50.0, (5, 48)), 1)
    loss = EventLoss(direct_usd=float(rng.uniform(0, 100)), liability_usd=float(rng.uniform(0, 100)))
    return units, rng.dirichlet(np.ones(5)), loss, {"unit_usd": float(rng.uniform(0.1, 20)), "free_units": 25.0}


def _total_usd(units: float, month: tuple[np.ndarray, np.ndarray, EventLoss, dict[str, float]]) -> float:
    """Holding cost and expected loss of one capacity, hour by hour."""
    demand, weights, loss, costs = month
    total = costs["unit_usd"] * max(units - costs["free_units"], 0.0)
    for scenario, weight in zip(demand, weights, strict=True):
        above = [hour for hour in HOURS if scenario[hour] > units]
        factors = [100.0 if hour % 24 in (18, 19) else 0.5 if hour % 24 < 4 else 1.0 for hour in above]
        if factors:
            total += weight * (loss.direct_usd * max(factors) + loss.liability_usd)
    return total


@given(seed=st.integers(0, 10**6))
def test_the_best_capacity_is_the_cheapest_of_a_fine_grid_hour_by_hour(seed: int):
    month = _month(seed)
    curve = loss_curve(class_peaks(month[0], HOURS, CALENDAR), month[1], month[2], **month[3])
    for place in (0, curve.best, -1):
        told = curve.holding_usd[place] + curve.loss_usd[place]
        assert_allclose(told, _total_usd(curve.units[place], month), rtol=1e-9, atol=1e-9)
    best = _total_usd(float(curve.units[curve.best]), month)
    grid = np.concatenate([np.linspace(0.0, 60.0, 60), np.unique(month[0])[::4]])
    assert best <= min(_total_usd(float(units), month) for units in grid) + 1e-9


@given(seed=st.integers(0, 10**6), more=st.floats(1.0, 50.0))
def test_a_higher_impact_never_asks_for_less(seed: int, more: float):
    units, weights, loss, costs = _month(seed)
    peaks = class_peaks(units, HOURS, CALENDAR)
    dearer = EventLoss(direct_usd=loss.direct_usd * more, liability_usd=loss.liability_usd)
    one, two = (loss_curve(peaks, weights, each, **costs) for each in (loss, dearer))
    assert two.units[two.best] >= one.units[one.best]


def _curve(chance: float, *, loss_usd: float = 50e6, liability_usd: float = 0.0) -> LossCurve:
    """120 % of the peak at no cost, 150 % for 5 M USD; traffic passes 125 % with a chance."""
    peaks = ClassPeaks(factors=np.array([1.0]), units=np.array([[120.0, 150.0]]))
    loss = EventLoss(direct_usd=loss_usd, liability_usd=liability_usd)
    return loss_curve(peaks, np.array([1 - chance, chance]), loss, unit_usd=5e6 / 30.0, free_units=120.0)


@pytest.mark.parametrize(("chance", "units"), [(0.06, 120.0), (0.0999, 120.0), (0.1001, 150.0), (0.2, 150.0)])
def test_the_peak_event_is_worth_headroom_above_a_chance_of_a_tenth(chance: float, units: float):
    curve = _curve(chance)
    assert curve.units[curve.best] == units
    flip = flip_up(curve) if units == 120.0 else flip_down(curve)
    assert flip is not None
    assert flip.units == (150.0 if units == 120.0 else 120.0)
    assert_allclose(flip.probability, 0.1, rtol=1e-12)
    assert_allclose(flip.probability, flip_probability(cost_usd=5e6, loss_usd=50e6), rtol=1e-12)
    assert_allclose(flip.impact_factor, 0.1 / chance, rtol=1e-12)  # credits are not scaled, and there are none


def test_no_flip_where_nothing_is_left_to_save_or_holding_is_free():
    assert flip_up(_curve(0.2)) is None
    assert flip_down(_curve(0.05)) is None


def test_credits_that_alone_are_worth_the_headroom_leave_no_impact_to_flip_at():
    curve = _curve(0.2, loss_usd=1e6, liability_usd=50e6)
    down = flip_down(curve)
    assert down is not None
    assert down.impact_factor is None
    assert down.probability < 0.1


@given(seed=st.integers(0, 10**6))
def test_the_advice_changes_at_the_flips_and_not_before(seed: int):
    units, weights, loss, costs = _month(seed)
    peaks = class_peaks(units, HOURS, CALENDAR)
    curve = loss_curve(peaks, weights, loss, **costs)
    best = curve.units[curve.best]

    def advised(direct: float, liability: float) -> float:
        """Best capacity with both parts of the loss scaled."""
        scaled = EventLoss(direct_usd=loss.direct_usd * direct, liability_usd=loss.liability_usd * liability)
        found = loss_curve(peaks, weights, scaled, **costs)
        return float(found.units[found.best])

    up, down = flip_up(curve), flip_down(curve)
    if up is not None:
        assert advised(up.factor * 1.0001, up.factor * 1.0001) >= up.units
        near = 1 + (up.factor - 1) * 0.999
        assert advised(near, near) == best
        if up.impact_factor is not None:
            assert advised(up.impact_factor * 1.0001, 1.0) > best
    if down is not None:
        assert advised(down.factor * 0.9999, down.factor * 0.9999) <= down.units
        near = 1 - (1 - down.factor) * 0.999
        assert advised(near, near) == best
        if down.impact_factor is not None:
            assert advised(down.impact_factor * 0.9999, 1.0) < best


def test_the_shortage_falls_in_the_dearest_hour_above_capacity():
    night, evening = 2, 18
    units = np.full((1, 48), 10.0)
    units[0, night], units[0, evening] = 30.0, 20.0
    curve = loss_curve(
        class_peaks(units, HOURS, CALENDAR),
        np.ones(1),
        EventLoss(direct_usd=7.0, liability_usd=3.0),
        unit_usd=0.0,
        free_units=0.0,
        also=(15.0, 25.0),
    )
    loss = dict(zip(curve.units.tolist(), curve.loss_usd.tolist(), strict=True))
    assert_allclose([loss[15.0], loss[25.0], loss[30.0]], [703.0, 6.5, 0.0])


def test_a_pool_says_what_a_shortage_costs_by_impact_or_by_credits():
    impact = Pool(name="a", impact_usd_per_hour=4e5, blast_radius_fraction=0.4, detect_hours=1.0, repair_hours=3.0)
    credits = Pool(name="a", sla_affected_fraction=0.4, sla_monthly_bill_usd=9e6, sla_credit_fraction=0.1)
    assert declares_loss(impact)
    assert declares_loss(credits)
    assert not declares_loss(Pool(name="a"))
    assert_allclose([shortage_loss(impact).direct_usd, shortage_loss(impact).liability_usd], [640_000.0, 0.0])
    assert_allclose([shortage_loss(credits).direct_usd, shortage_loss(credits).liability_usd], [0.0, 360_000.0])


def test_hours_before_and_after_a_date_are_ordinary():
    day = int((dt.datetime(2024, 11, 29) - dt.datetime(1970, 1, 1)).total_seconds()) // 3600
    friday = CalendarFactor(name="friday", factor=9.0, start_hour=day, end_hour=day + 24)
    units = np.arange(72.0)[None]
    found = class_peaks(units, day - 24 + np.arange(72), [friday])
    assert found.factors.tolist() == [9.0, 1.0]
    assert found.units.tolist() == [[47.0], [71.0]]
