from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from optimizer.contract_offers import ContractOffers, read_contract_offers

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "contract_offers.yaml"

GOOD = """currency: USD
offers:
  - name: one
    provider: aws
    commitments_usd: [100]
    discount_fraction: 0.1
    basis: net
    counting: {savings_plans: true, reservations: true, upfront: when_paid}
    discounts_commitments: true
    shortfall: {rule: paid}
"""


def _read(tmp_path: Path, text: str) -> ContractOffers:
    path = tmp_path / "offers.yaml"
    path.write_text(text)
    return read_contract_offers(path)


def test_the_shipped_offers_are_valid():
    offers = read_contract_offers(FIXTURE)
    assert len(offers.offers) == 3
    assert_allclose(offers.offers[1].annual_usd, [7_500_000.0, 7_875_000.0, 8_268_750.0], rtol=1e-12)


def test_an_offer_without_its_optional_clauses_has_none(tmp_path):
    (offer,) = _read(tmp_path, GOOD).offers
    assert offer.annual_usd == (100.0,)
    assert (offer.support, offer.marketplace, offer.move_to_next_year_fraction) == (None, None, 0.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("currency: USD", "currency: EUR", r"column 'currency', row 1: must be 'USD', got 'EUR'"),
        ("    discount_fraction: 0.1\n", "", r"discount_fraction', row 3: is missing"),
        ("discount_fraction: 0.1", "discount_fraction: 10", r"must be less than or equal to 0.95, got 10"),
        ("basis: net", "basis: nett", r"must be 'net' or 'gross', got 'nett'"),
        ("rule: paid", "rule: prepayment", r"months must be given with rule prepayment, and only there"),
        ("rule: paid", "rule: paid, used_after_end: true", r"used_after_end must be false"),
        ("commitments_usd: [100]", "years: 3", r"must have either commitments_usd, or first_year_usd with years"),
        ("commitments_usd: [100]", "commitments_usd: [1, 2, 3, 4, 5, 6]", r"at most 5 items"),
        ("commitments_usd: [100]", "commitments_usd: [100]\n    years: 2", r"must have either commitments_usd"),
        ("basis: net", "basis: net\n    rollover: 1", r"is not a key of a file of offers at this place"),
        (
            "basis: net",
            "basis: net\n    support: {counts: true, already_paid: true, tiers: [{up_to_usd: 5, fee_fraction: 0.1}]}",
            r"up_to_usd must rise from tier to tier, and be null in the last one",
        ),
        (
            "offers:",
            "other_spend: [{name: x, provider: aws, usd_per_year: 1, growth_fraction: [0.2, 0.1, 0.3]}]\noffers:",
            r"P10, P50 and P90 must not fall",
        ),
    ],
)
def test_refuses_what_it_cannot_stand_for(tmp_path, old: str, new: str, message: str):
    assert old in GOOD
    with pytest.raises(InputError, match=message):
        _read(tmp_path, GOOD.replace(old, new))


def test_names_all_problems_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        _read(tmp_path, GOOD.replace("basis: net", "basis: x").replace("rule: paid", "rule: lost"))
    assert "2 problems" in str(caught.value)


def test_refuses_a_name_that_is_there_twice(tmp_path):
    second = GOOD.partition("offers:\n")[2]
    with pytest.raises(InputError, match=r"offers\[2\].name': must be unique, got 'one' again"):
        _read(tmp_path, GOOD + second)
