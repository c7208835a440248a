import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.report.charts import MAX_LABEL, chart_script, dates, index_axis, label, shown


@given(st.text(max_size=60))
def test_no_label_holds_a_tag_or_a_bare_entity(text: str) -> None:
    made = label(text)
    assert not set(made) & {"<", ">"}
    assert made.count("&") == sum(made.count(entity) for entity in ("&amp;", "&lt;", "&gt;"))


@given(st.text(st.sampled_from("ab<>&/"), max_size=MAX_LABEL), st.text(st.sampled_from("ab<>&/"), max_size=MAX_LABEL))
def test_short_names_that_differ_have_labels_that_differ(one: str, other: str) -> None:
    assert (label(one) == label(other)) == (one == other)


@given(st.text(max_size=40))
def test_the_json_of_a_chart_can_neither_end_its_script_nor_change(text: str) -> None:
    script = chart_script({"name": text})
    assert not set(script) & {"<", ">", "&"}
    assert script.isascii()
    assert json.loads(script) == {"name": text}


def test_long_names_that_start_and_end_alike_keep_their_own_places() -> None:
    names = ["us-east-1/" + "x" * 90 + str(index) + "y" * 90 for index in range(3)]
    axis = index_axis(names)
    assert axis["tickvals"] == [0, 1, 2]
    assert len(set(axis["ticktext"])) == 1  # which is why the places are numbers


def test_numbers_of_a_chart_have_seven_digits_and_holes_where_not_finite() -> None:
    assert shown([1 / 3, float("nan"), np.inf, 1234567.89]) == [0.3333333, None, None, 1234568.0]


def test_a_figure_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        chart_script({"y": [float("nan")]})


def test_days_become_dates() -> None:
    assert dates(np.array([0, 19_000])) == ["1970-01-01", "2022-01-08"]
