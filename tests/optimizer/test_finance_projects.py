import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from optimizer.finance_projects import (
    Project,
    break_even_bill_usd,
    flat_payback_months,
    path_payback_months,
    saved_within_usd,
)

POSITIVE = st.floats(1.0, 1e6)


@given(POSITIVE, st.floats(0.01, 1.0), POSITIVE, st.floats(1.0, 60.0), st.floats(0.0, 0.9))
def test_at_the_break_even_bill_the_payback_is_the_hurdle(bill, saved, effort, hurdle, delayed):
    project = Project(monthly_bill_usd=bill, saved_fraction=saved, effort_usd=effort, delay_months=delayed * hurdle)
    flip = break_even_bill_usd(project, hurdle_months=hurdle)
    assert_allclose(flat_payback_months(project, bill_usd=flip), hurdle, rtol=1e-9)


def test_along_a_growing_bill_the_months_are_summed_up():
    project = Project(
        monthly_bill_usd=20_000.0, saved_fraction=0.7, effort_usd=150_000.0, later_bill_usd=200_000.0, growth_months=12
    )
    saved, months = 0.0, 0
    while True:
        part = 0.7 * (20_000.0 + (months + 0.5) / 12 * 180_000.0)
        if saved + part >= 150_000.0:
            break
        saved, months = saved + part, months + 1
    assert_allclose(path_payback_months(project), months + (150_000.0 - saved) / part, rtol=1e-9)


@given(POSITIVE, st.floats(0.05, 1.0), st.floats(1.0, 1e5), st.floats(1.0, 36.0))
def test_a_bill_that_grows_never_pays_later_than_one_that_stays(bill, saved, effort, grows):
    flat = Project(monthly_bill_usd=bill, saved_fraction=saved, effort_usd=effort)
    rising = Project(
        monthly_bill_usd=bill, saved_fraction=saved, effort_usd=effort, later_bill_usd=2 * bill, growth_months=grows
    )
    assert path_payback_months(rising) <= flat_payback_months(flat, bill_usd=bill) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        (Project(monthly_bill_usd=1.0, saved_fraction=0.0, effort_usd=5.0), math.inf),
        (Project(monthly_bill_usd=1.0, saved_fraction=0.5, effort_usd=0.0), 0.0),
    ],
    ids=["nothing saved", "nothing to do"],
)
def test_the_ends_of_payback(project, expected):
    assert flat_payback_months(project, bill_usd=project.monthly_bill_usd) == expected
    assert break_even_bill_usd(project, hurdle_months=6.0) == expected


@given(POSITIVE, st.floats(0.05, 1.0), st.floats(1.0, 5.0), st.floats(1.0, 36.0), st.floats(1.0, 48.0))
def test_what_is_saved_within_the_payback_is_the_cost_of_the_work(bill, saved, factor, grows, hurdle):
    project = Project(
        monthly_bill_usd=bill, saved_fraction=saved, effort_usd=1.0, later_bill_usd=factor * bill, growth_months=grows
    )
    worth = saved_within_usd(project, hurdle)
    assert_allclose(path_payback_months(replace(project, effort_usd=worth)), hurdle, rtol=1e-6)
