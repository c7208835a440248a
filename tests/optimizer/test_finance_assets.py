import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.finance_assets import Asset, asset_books, book_value_usd, straight_line_usd

ASSETS = st.builds(
    Asset,
    cost_usd=st.floats(1e3, 1e8),
    life_years=st.floats(0.3, 8.0),
    salvage_usd=st.floats(0.0, 1e3),
    running_usd_per_year=st.floats(0.0, 1e6),
    dropped_after_quarters=st.none() | st.integers(1, 40),
    recovered_usd=st.floats(0.0, 1e8),
)


@given(st.floats(1.0, 1e8), st.floats(0.0, 1.0), st.floats(0.1, 10.0))
def test_straight_line_sums_to_cost_less_salvage(cost, part, life):
    parts = straight_line_usd(cost_usd=cost, salvage_usd=part * cost, life_years=life)
    assert_allclose(parts.sum(), cost - part * cost, rtol=1e-9, atol=1e-6)
    assert np.all(parts >= 0.0)
    assert_allclose(parts[:-1], parts[0], rtol=1e-12)


@given(ASSETS)
def test_ebitda_less_what_is_written_down_is_ebit(asset: Asset):
    books = asset_books(asset)
    written = books.depreciation_usd + books.impairment_usd - books.disposal_gain_usd
    assert_allclose(books.ebitda_usd - written, books.ebit_usd, rtol=1e-12)


@given(ASSETS)
def test_over_the_whole_life_the_books_say_what_the_cash_says(asset: Asset):
    books = asset_books(asset)
    assert_allclose(books.ebit_usd.sum(), books.cash_usd.sum(), rtol=1e-9, atol=1e-3)


@given(ASSETS)
def test_what_is_dropped_early_is_written_off_to_what_it_is_sold_for(asset: Asset):
    books = asset_books(asset)
    used = asset.dropped_after_quarters
    if used is None or used >= asset.life_quarters:
        assert not books.impairment_usd.any()
        return
    book = book_value_usd(asset, after_quarters=used)
    assert_allclose(books.book_value_usd[-1], book, rtol=1e-9)
    assert_allclose(
        books.impairment_usd[-1] - books.disposal_gain_usd[-1], book - asset.recovered_usd, rtol=1e-9, atol=1e-3
    )


def test_salvage_and_running_cost_are_cash_of_their_quarters():
    books = asset_books(Asset(cost_usd=100.0, life_years=0.5, salvage_usd=20.0, running_usd_per_year=8.0))
    assert books.cash_usd.tolist() == [-100.0, -2.0, 18.0]
    assert books.ebitda_usd.tolist() == [-2.0, -2.0]
    assert books.ebit_usd.tolist() == [-42.0, -42.0]
    assert books.book_value_usd.tolist() == [100.0, 60.0, 20.0]
