from hypothesis import given
from hypothesis import strategies as st

from optimizer.relaxation import Relaxation, relaxation_message


def _shown_limit(relaxation: Relaxation) -> float:
    return float(str(relaxation).split(" to ")[1].split()[0].replace(",", ""))


@given(to=st.floats(0.0, 1e9), is_floor=st.booleans())
def test_the_limit_shown_is_rounded_to_the_side_that_can_be_met(to: float, is_floor: bool):
    shown = _shown_limit(Relaxation(label="Q1", unit="USD", is_floor=is_floor, by=1.0, to=to))
    slack = abs(to) * 1e-5
    if is_floor:
        assert to - slack <= shown <= to
    else:
        assert to <= shown <= to + slack


def test_the_message_has_a_line_for_each_limit():
    ceiling = Relaxation(label="upfront cash from 2024-01-01", unit="USD", is_floor=False, by=250.0, to=10250.0)
    floor = Relaxation(label="headroom of web", unit="units", is_floor=True, by=2.0, to=5.0)
    assert relaxation_message([ceiling, floor]).splitlines() == [
        "the limits cannot all be met. The smallest change found that makes them meetable:",
        "  - raise upfront cash from 2024-01-01 to 10,250 USD (by 250)",
        "  - lower headroom of web to 5 units (by 2)",
    ]
