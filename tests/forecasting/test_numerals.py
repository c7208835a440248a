"""Percentages as people read them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.numerals import NOT_KNOWN, percent


def read(text: str) -> float:
    """Number that a person would read."""
    return float(text.removesuffix(" %").replace(",", ""))


@given(st.floats(1e-9, 3.0), st.integers(1, 3))
def test_a_percentage_reads_within_five_percent_of_what_it_is(fraction: float, decimals: int) -> None:
    np.testing.assert_allclose(read(percent(fraction, decimals)), 100 * fraction, rtol=0.05)


@given(st.floats(1e-9, 0.5), st.integers(0, 3))
def test_only_the_whole_reads_as_a_hundred_percent_and_only_nothing_as_none(missing: float, decimals: int) -> None:
    assert read(percent(1.0 - missing, decimals)) != 100.0
    assert read(percent(missing, decimals)) != 0.0
    assert (percent(1.0, decimals), percent(0.0, decimals)) == ("100 %", "0 %")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_finite_reads_as_not_known(value: float | None) -> None:
    assert percent(value) == NOT_KNOWN


def test_decimals_are_as_asked_where_they_say_enough() -> None:
    assert [percent(0.6612, decimals) for decimals in range(3)] == ["66 %", "66.1 %", "66.12 %"]
