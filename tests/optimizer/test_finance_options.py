import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.finance_options import OptionCosts, break_even_years, option_totals, rankings

AMOUNTS = st.floats(0.0, 1e6)


def costs(name: str, upfront: float, yearly: list[float], *, is_capital: bool = False) -> OptionCosts:
    return OptionCosts(name=name, upfront_usd=upfront, is_capital=is_capital, yearly_usd=np.array(yearly))


@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=6), st.booleans())
def test_at_rate_zero_the_present_cost_is_all_cash_and_all_of_ebit(upfront, yearly, is_capital):
    (only,) = option_totals([costs("a", upfront, yearly, is_capital=is_capital)], rate_yearly=0.0)
    whole = upfront + sum(yearly)
    assert_allclose([only.total_usd, only.present_usd], whole, rtol=1e-9, atol=1e-6)
    assert_allclose([-only.cash_usd.sum(), -only.ebit_usd.sum()], whole, rtol=1e-9, atol=1e-6)
    kept = sum(yearly) if is_capital else whole
    assert_allclose(-only.ebitda_usd.sum(), kept, rtol=1e-9, atol=1e-6)


@given(AMOUNTS, st.floats(1.0, 1e5), st.floats(1.0, 1e5))
def test_the_break_even_is_where_the_straight_lines_cross(upfront, buy, run):
    n_years = 5
    first, second = option_totals(
        [costs("buy", 0.0, [buy] * n_years), costs("build", upfront, [run] * n_years)], rate_yearly=0.0
    )
    assert math.isnan(first.payback_years)
    crossing = upfront / (buy - run) if buy > run else (0.0 if upfront == 0.0 and buy == run else math.inf)
    found = break_even_years(second)
    if crossing > n_years * (1 + 1e-9):
        assert found is None
    elif crossing < n_years * (1 - 1e-9):
        assert found is not None
        assert_allclose(found[1], crossing, rtol=1e-6, atol=1e-9)


def test_each_goal_has_its_own_best_option():
    options = [
        costs("rent", 0.0, [10.0, 10.0, 10.0, 10.0]),
        costs("own", 26.0, [1.0, 1.0, 1.0, 1.0], is_capital=True),
        costs("script", 12.0, [6.0, 6.0, 6.0, 6.0]),
        costs("swift", 4.0, [6.0, 8.0, 9.0, 9.0]),
    ]
    totals = option_totals(options, rate_yearly=0.0)
    best = {ranking.goal: ranking.names for ranking in rankings(totals, hurdle_months=24.0)}
    assert best["npv"][0] == "own"
    assert best["ebitda"][0] == "own"
    assert best["free_cash_flow"][0] == "rent"
    assert best["payback"] == ("swift", "rent", "own", "script")  # 12 months; 2.9 and 3 years are past the hurdle
    assert all(sorted(names) == ["own", "rent", "script", "swift"] for names in best.values())
