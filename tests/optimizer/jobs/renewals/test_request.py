"""What is asked on the command line, and how a mistake in it is told."""

import pytest

from forecasting.errors import InputError
from optimizer.jobs.renewals.request import parse_resale_prices, parse_within


def test_days_are_days():
    assert [parse_within(text) for text in ("1d", " 180d ", "1095d")] == [1, 180, 1095]


@pytest.mark.parametrize("text", ["180", "0d", "1096d", "-3d", "half a year", "", "1.5d", "6m"])
def test_anything_else_is_refused(text):
    with pytest.raises(InputError, match=r"(?s)--within.*whole days from 1d to 1095d, such as 180d, got"):
        parse_within(text)


def test_prices_belong_to_commitments(owned):
    assert parse_resale_prices(["old=1500"], [owned(1.0, 4)]) == {"old": 1500.0}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["old"], "a commitment and a price >= 0"),
        (["old=-1"], "a commitment and a price >= 0"),
        (["old=nan"], "a commitment and a price >= 0"),
        (["older=5"], "must name a commitment of --commitments"),
        (["old=5", "old=6"], "must name each commitment once"),
    ],
)
def test_a_wrong_price_is_refused(owned, texts, reason):
    with pytest.raises(InputError, match=reason):
        parse_resale_prices(texts, [owned(1.0, 4)])


def test_all_wrong_prices_are_told_at_once(owned):
    with pytest.raises(InputError, match="2 problems"):
        parse_resale_prices(["old", "x=1"], [owned(1.0, 4)])
