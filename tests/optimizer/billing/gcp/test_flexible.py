import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from optimizer.billing.gcp.flexible import FlexibleCommitment, FlexibleModel, flexible_commitment, model_at

PUBLISHED = FlexibleCommitment(on_demand_usd=100.0, discount_fraction=0.46)


def test_the_published_commitment_under_both_models():
    """cloud.google.com/docs/cuds-spend-based, docs.cloud.google.com/docs/cuds-multiprice"""
    assert_allclose(PUBLISHED.fee_usd(100.0, FlexibleModel.CREDITS), 54.0)
    assert_allclose(PUBLISHED.credit_usd(100.0, FlexibleModel.CREDITS), -100.0)
    assert_allclose(PUBLISHED.stated_usd(FlexibleModel.CREDITS), 100.0)
    assert_allclose(PUBLISHED.stated_usd(FlexibleModel.MULTIPRICE), 54.0)
    assert PUBLISHED.credit_usd(100.0, FlexibleModel.MULTIPRICE) == 0.0
    assert_allclose(PUBLISHED.fee_usd(100.0, FlexibleModel.MULTIPRICE), 0.0, atol=1e-12)


@given(
    committed=st.floats(0.0, 1e4), discount=st.sampled_from([0.0, 0.28, 0.46]), used=st.floats(0.0, 2e4), data=st.data()
)
def test_both_models_cost_the_same(committed, discount, used, data):
    model = data.draw(st.sampled_from(list(FlexibleModel)))
    found = flexible_commitment(
        FlexibleCommitment(on_demand_usd=committed, discount_fraction=discount).stated_usd(model), discount, model
    )
    expected = found.discounted_usd + max(used - committed, 0.0)
    for each in FlexibleModel:
        assert_allclose(found.total_usd(used, each), expected, rtol=1e-9, atol=1e-9)


def test_the_model_changes_on_2026_01_21():
    assert model_at(hour_of_date("2026-01-21") - 1) == FlexibleModel.CREDITS
    assert model_at(hour_of_date("2026-01-21")) == FlexibleModel.MULTIPRICE


def test_a_discount_of_all_is_refused():
    with pytest.raises(ValueError, match=r"discount_fraction must be in \[0, 1\), got 1"):
        flexible_commitment(1.0, 1.0, FlexibleModel.MULTIPRICE)
