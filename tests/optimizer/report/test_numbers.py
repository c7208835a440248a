import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.numerals import NOT_KNOWN
from optimizer.report.numbers import column, number, quantity, units, usd

AMOUNTS = st.floats(-1e12, 1e12, allow_subnormal=False)


def read(text: str) -> float:
    """Number that a person would read in a text without its unit."""
    return float(text.replace(",", ""))


@given(AMOUNTS)
def test_a_number_reads_within_five_percent_of_what_it_is(value: float) -> None:
    np.testing.assert_allclose(read(number(value)), value, rtol=0.05)


@given(AMOUNTS)
def test_only_zero_reads_as_zero(value: float) -> None:
    for text in (number(value), number(value, 1), quantity(value), usd(value).removesuffix(" USD")):
        assert (read(text) == 0.0) == (value == 0.0)


@given(st.lists(AMOUNTS, min_size=1, max_size=6))
def test_a_column_shows_no_amount_as_zero_unless_it_is(values: list[float]) -> None:
    assert [read(text) == 0.0 for text in column(values)] == [value == 0.0 for value in values]


@pytest.mark.parametrize("write", [number, usd, units], ids=lambda write: write.__name__)
def test_what_is_not_finite_reads_as_not_known(write: object) -> None:
    assert callable(write)
    assert {write(value) for value in (None, math.nan, math.inf, -math.inf)} == {NOT_KNOWN}


def test_the_decimals_of_a_column_follow_its_largest_number() -> None:
    assert column([12_345.678, 7.25, -3.0, None]) == ["12,346", "7", "-3", NOT_KNOWN]
    assert column([0.0123, 0.5]) == ["0.01", "0.50"]
    assert column([]) == []


def test_a_quantity_to_buy_keeps_four_decimals() -> None:
    assert [quantity(value) for value in (0.0, 3.0, 1250.5, 40.9455897)] == ["0", "3", "1,250.5", "40.9456"]
