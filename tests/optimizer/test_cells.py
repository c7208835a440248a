from hypothesis import example, given
from hypothesis import strategies as st

from optimizer.cells import FORMULA_STARTS, escape_cell, unescape_cell

TEXT = st.text(st.sampled_from("'=+-@ab1\t\r\n\uff1d"), max_size=8) | st.text(max_size=20)


@given(TEXT)
@example("")
@example("'")
@example("''=x")
def test_an_escaped_cell_is_read_back_as_the_same_text(text: str) -> None:
    assert unescape_cell(escape_cell(text)) == text


@given(TEXT)
def test_no_escaped_cell_starts_a_formula(text: str) -> None:
    assert not escape_cell(text).startswith(FORMULA_STARTS)


@given(TEXT)
def test_text_that_needs_no_escape_is_left_alone_both_ways(text: str) -> None:
    if not text.lstrip("'").startswith(FORMULA_STARTS):
        assert escape_cell(text) == text
        assert unescape_cell(text) == text
