import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from optimizer.billing.gcp.sustained_use import (
    UP_TO_20_PERCENT,
    UP_TO_30_PERCENT,
    charged_fraction,
    discount_fractions,
    effective_discount,
    series_of,
)

FEBRUARY = np.arange(hour_of_date("2023-02-01"), hour_of_date("2023-03-01"))
TOLERANCE = 1e-12


def naive_month_usd(units, n_month_hours, tiers):
    """Charge of whole units at 1 USD, unit by unit, hour by hour: the k-th unit runs where at least k do."""
    total = 0.0
    for unit in range(1, int(max(units)) + 1):
        n_run = sum(value >= unit for value in units)
        for hour in range(n_run):
            begin, end = hour / n_month_hours, (hour + 1) / n_month_hours
            at = 0.0
            for part, rate in tiers:
                total += rate * max(min(end, at + part) - max(begin, at), 0.0) * n_month_hours
                at += part
    return total


@pytest.mark.parametrize(
    ("fraction", "tiers", "discount"),
    [
        (0.25, UP_TO_30_PERCENT, 0.0),
        (0.5, UP_TO_30_PERCENT, 0.1),
        (0.75, UP_TO_30_PERCENT, 0.2),
        (1.0, UP_TO_30_PERCENT, 0.3),
        (1.0, UP_TO_20_PERCENT, 0.1998),
        (0.0, UP_TO_20_PERCENT, 0.0),
    ],
)
def test_published_discounts(fraction, tiers, discount):
    """cloud.google.com/compute/docs/sustained-use-discounts; N2's 0.8002 a month is what price lists give."""
    assert_allclose(effective_discount(fraction, tiers), discount, atol=TOLERANCE)


@pytest.mark.parametrize("tiers", [UP_TO_20_PERCENT, UP_TO_30_PERCENT])
@pytest.mark.parametrize("n_run", [1, 168, 169, 336, 500, 672])
def test_one_machine_in_part_of_a_month_has_the_closed_form(tiers, n_run):
    usd = np.zeros(len(FEBRUARY))
    usd[np.random.default_rng(n_run).permutation(len(usd))[:n_run]] = 3.0
    found = discount_fractions(usd, FEBRUARY, np.ones(len(usd)), tiers)
    assert_allclose(found, effective_discount(n_run / len(usd), tiers), atol=TOLERANCE)


@given(data=st.data(), tiers=st.sampled_from([UP_TO_20_PERCENT, UP_TO_30_PERCENT]))
def test_units_that_come_and_go_are_charged_as_a_loop_over_units_and_hours_says(data, tiers):
    seed = data.draw(st.integers(0, 1_000))
    n_seen = data.draw(st.integers(1, len(FEBRUARY)))
    rng = np.random.default_rng(seed)
    units = rng.integers(0, 4, n_seen).astype(float)
    found = discount_fractions(units, FEBRUARY[:n_seen], np.ones(n_seen), tiers)
    expected = naive_month_usd(units, len(FEBRUARY), tiers)
    assert_allclose(float(((1.0 - found) * units).sum()), expected, atol=1e-9)


def test_each_month_stands_by_itself():
    hours = np.arange(hour_of_date("2024-01-20"), hour_of_date("2024-04-01"))
    usd = np.random.default_rng(0).gamma(2.0, 1.0, len(hours))
    whole = discount_fractions(usd, hours, np.ones(len(hours)), UP_TO_30_PERCENT)
    march = hours >= hour_of_date("2024-03-01")
    alone = discount_fractions(usd[march], hours[march], np.ones(march.sum()), UP_TO_30_PERCENT)
    assert_allclose(whole[march], alone, rtol=1e-12)
    assert len(np.unique(whole.round(12))) == 3


@given(seed=st.integers(0, 200))
def test_two_pools_together_never_earn_less_than_apart(seed):
    rng = np.random.default_rng(seed)
    usd = rng.gamma(1.0, 1.0, (2, len(FEBRUARY))) * (rng.random((2, len(FEBRUARY))) < 0.5)
    ones = np.ones(len(FEBRUARY))
    apart = sum(float(discount_fractions(row, FEBRUARY, ones, UP_TO_30_PERCENT) @ row) for row in usd)
    together = float(discount_fractions(usd.sum(axis=0), FEBRUARY, ones, UP_TO_30_PERCENT) @ usd.sum(axis=0))
    assert together >= apart - 1e-9


def test_hours_that_stand_for_several_are_counted_by_their_weight():
    every_third = FEBRUARY[::3]
    usd = np.full(len(every_third), 2.0)
    found = discount_fractions(usd, every_third, np.full(len(usd), 3.0), UP_TO_30_PERCENT)
    assert_allclose(found, 0.3, atol=TOLERANCE)


def test_weights_that_overrun_the_month_make_no_hour_free():
    every_fifth = FEBRUARY[::5]
    usd = np.ones(len(every_fifth))
    assert len(usd) * 5.0 > len(FEBRUARY)
    found = discount_fractions(usd, every_fifth, np.full(len(usd), 5.0), UP_TO_30_PERCENT)
    assert_allclose(found, 0.3, atol=TOLERANCE)


def test_the_discount_never_grows_beyond_the_tiers_and_never_turns_negative():
    found = charged_fraction(np.linspace(0.0, 1.0, 101), UP_TO_20_PERCENT)
    assert np.all(np.diff(found) > 0.0)
    assert_allclose(found[-1], 0.8002, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("family", "series"),
    [("n1-standard", "n1"), ("N2D", "n2d"), ("c2_standard_8", "c2"), (" e2 ", "e2"), ("", "")],
)
def test_the_machine_series_is_read_from_a_family(family, series):
    assert series_of(family) == series
