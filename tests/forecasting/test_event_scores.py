from dataclasses import replace

import numpy as np
import pytest

from forecasting.event_scores import (
    bounded_score,
    declared_score,
    declared_sd,
    effect_fraction,
    has_score,
    log_effect,
    primary_pools,
    with_score,
)
from forecasting.events import NORMAL_Q90, Change, apply_change
from forecasting.roadmap import Event, EventKind, RampShape

PROMOTION = Event(
    name="sale", kind=EventKind.PROMOTION, to_shares=(("g/a", 1.0),), multiply=1.5, start_hour=0, end_hour=24
)
LAUNCH = Event(
    name="launch",
    kind=EventKind.LAUNCH,
    to_shares=(("g/a", 0.4), ("g/b", 0.6)),
    add_units=30.0,
    start_hour=0,
    end_hour=24,
)
SAVING = Event(name="saving", kind=EventKind.EFFICIENCY, from_pools=("g/b", "g/a"), size=0.4, start_hour=0, end_hour=24)
BONUS = replace(LAUNCH, name="bonus", shape=RampShape.PULSE)
ALL = pytest.mark.parametrize("event", [PROMOTION, LAUNCH, SAVING, BONUS], ids=lambda event: event.name)


@ALL
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.7])
def test_the_log_effect_is_what_applying_the_event_does(event, factor):
    score = declared_score(event) * factor
    sized = with_score(event, score, score, score)
    done = np.array([0.0, 0.2, 0.7, 1.0])
    units = np.full((1, 2, 4), 50.0)
    change = Change(before=np.zeros((1, 1)), after=done[None], size=np.full((1, 1), sized.size))
    rows = [("g/a", "g/b").index(pool) for pool in primary_pools(event)]
    base = float(units[0, rows, 0].sum())
    apply_change(units, ("g/a", "g/b"), sized, change)
    after = units[0, rows].sum(axis=0)  # what a launch is seen against, as it lasts
    effect, _ = log_effect(event, score, done, base_units=np.full(4, base) if event is BONUS else after)
    np.testing.assert_allclose(np.exp(effect), units[0, rows].sum(axis=0) / base)
    np.testing.assert_allclose(
        effect_fraction(event, score, base_units=base), units[0, rows, -1].sum() / base - 1, atol=1e-12
    )


@ALL
def test_the_derivative_is_that_of_the_log_effect(event):
    done = np.array([0.0, 0.3, 1.0])
    ends = [log_effect(event, 0.6 + step, done, base_units=np.full(3, 90.0))[0] for step in (-1e-6, 1e-6)]
    _, slope = log_effect(event, 0.6, done, base_units=np.full(3, 90.0))
    np.testing.assert_allclose(slope, (ends[1] - ends[0]) / 2e-6, atol=1e-6)


@ALL
def test_an_event_of_its_declared_score_is_as_declared(event):
    score = declared_score(event)
    again = with_score(event, score, score - 0.1, score + 0.1)
    assert (again.multiply, again.add_units, again.size) == pytest.approx((event.multiply, event.add_units, event.size))
    np.testing.assert_allclose(declared_sd(again), 0.1 / NORMAL_Q90)


def test_no_pool_loses_more_than_all_and_nothing_is_added_below_zero():
    assert with_score(SAVING, 9.0, -1.0, 10.0).size_range == (0.0, 1.0)
    assert bounded_score(LAUNCH, -2.0) == 0
    assert with_score(LAUNCH, -2.0, -3.0, 1.0).add_units == 0


def test_what_has_no_size_has_no_score():
    assert not has_score(Event(name="c", kind=EventKind.CAPACITY_CLIFF, start_hour=0, end_hour=24))
    assert not has_score(Event(name="d", kind=EventKind.LAUNCH, add_drivers=(("dau", 1.0),), start_hour=0, end_hour=24))
    assert has_score(Event(name="e", kind=EventKind.PROMOTION, recurring="e", start_hour=0, end_hour=24))
    assert declared_sd(SAVING) is None
