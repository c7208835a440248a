from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.hardware import Hardware
from optimizer.offers import Offer, OfferKind

YEAR = 8760


@pytest.mark.parametrize(
    ("years", "usd"),
    [(0, 6000), (1, 6000), (1.25, 5500), (2, 4000), (2.5, 3250), (3, 2500), (3.5, 1250), (4, 0), (9, 0)],
)
def test_resale_values_are_linear_between_years_and_never_above_the_first(years: float, usd: float):
    hardware = Hardware(salvage_usd=(6000.0, 4000.0, 2500.0, 0.0))
    assert_allclose(hardware.salvage_at(years * YEAR), usd)


def test_what_is_not_declared_is_worth_nothing():
    assert Hardware().salvage_at(YEAR) == 0.0
    assert not Hardware().is_sold
    assert Hardware(salvage_usd=(0.0,)).is_sold
    assert_allclose(Hardware(salvage_usd=(100.0,)).salvage_at(1.5 * YEAR), 50.0)
    assert Hardware(salvage_usd=(100.0,)).salvage_at(2 * YEAR) == 0.0


spans = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), max_size=4)


@given(spans=spans, life=st.integers(1, 20))
def test_bands_tile_the_life_and_serve_each_pool_in_its_years_alone(spans: list[tuple[int, int]], life: int):
    ages = [(first, min(first + length, life)) for first, length in spans]
    hardware = Hardware(from_hours=tuple(a for a, _ in ages), until_hours=tuple(b for _, b in ages))
    bands = hardware.age_bands(life)
    assert bands[0].start_age_hours == 0
    assert bands[-1].end_age_hours == life
    for age in range(life):
        (band,) = (band for band in bands if band.start_age_hours <= age < band.end_age_hours)
        assert band.places == tuple(place for place, (first, last) in enumerate(ages) if first <= age < last)
    for here, there in pairwise(bands):
        assert here.end_age_hours == there.start_age_hours
        assert here.places != there.places


def _offer(**changes: object) -> Offer:
    given = {
        "offer_id": "rack",
        "kind": OfferKind.OWNED_HARDWARE,
        "provider": "own",
        "region": "",
        "pools": ("a",),
        "draw": np.array([1.0]),
        "hourly_usd": 0.1,
        "upfront_usd": 10_000.0,
        "term_months": 48,
        "payment_option": "all",
    }
    return Offer(**(given | changes))


def test_the_fee_is_straight_line_depreciation_less_the_last_resale_value_and_the_running_cost():
    hardware = Hardware(salvage_usd=(6000.0, 4000.0, 2500.0, 1240.0), from_hours=(0,), until_hours=(4 * YEAR,))
    assert_allclose(_offer(hardware=hardware).effective_hourly_usd, 0.1 + 8760.0 / (4 * YEAR))
    assert_allclose(_offer().effective_hourly_usd, 0.1 + 10_000.0 / (4 * YEAR))


def test_an_offer_that_is_no_hardware_has_one_band_and_no_lead_time():
    offer = _offer(kind=OfferKind.RESERVED_STANDARD)
    assert offer.lead_hours == 0
    assert [(band.end_age_hours, band.places) for band in offer.age_bands] == [(4 * YEAR, (0,))]


def test_hardware_must_say_of_each_pool_when_it_is_served():
    with pytest.raises(ValueError, match="hardware of 'rack' must have an age for each of 1 pools, got 0"):
        _offer(hardware=Hardware())
