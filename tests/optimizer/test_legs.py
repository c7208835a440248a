import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from optimizer.legs import Succession, legs_of

N_INSTRUMENTS = 4
HOURS = np.arange(-5, 60)


def _instrument_at(row: int, age: int, succession: Succession) -> int:
    """Plain loop: which instrument a batch is at an age."""
    while succession.next_row[row] >= 0 and age >= succession.after_hours[row]:
        age -= int(succession.after_hours[row])
        row = int(succession.next_row[row])
    return row


@given(
    next_rows=st.tuples(*(st.sampled_from([-1, *range(row + 1, N_INSTRUMENTS)]) for row in range(N_INSTRUMENTS))),
    after=st.tuples(*(st.integers(1, 15) for _ in range(N_INSTRUMENTS))),
    batches=st.lists(
        st.tuples(st.integers(0, N_INSTRUMENTS - 1), st.integers(-5, 20), st.integers(1, 40)), min_size=1, max_size=5
    ),
)
def test_every_hour_of_a_batch_lies_in_the_one_leg_of_its_age(
    next_rows: tuple[int, ...], after: tuple[int, ...], batches: list[tuple[int, int, int]]
):
    succession = Succession(next_row=np.array(next_rows), after_hours=np.array(after))
    rows, starts, lengths = (np.array(column) for column in zip(*batches, strict=True))
    legs = legs_of(rows, start_hour=starts, end_hour=starts + lengths, succession=succession)
    assert_array_equal(np.sort(legs.batch), legs.batch)
    active = legs.active(HOURS)
    for batch, (row, start, length) in enumerate(batches):
        for column, hour in enumerate(HOURS.tolist()):
            found = legs.instrument[active[:, column] & (legs.batch == batch)].tolist()
            is_held = start <= hour < start + length
            assert found == ([_instrument_at(row, hour - start, succession)] if is_held else [])


def test_where_nothing_goes_on_each_batch_is_one_leg():
    rows, starts, ends = np.array([2, 0]), np.array([1, 5]), np.array([9, 7])
    legs = legs_of(rows, start_hour=starts, end_hour=ends, succession=None)
    assert_array_equal(legs.batch, [0, 1])
    assert_array_equal(legs.instrument, rows)
    assert_array_equal(legs.start_hour, starts)
    assert_array_equal(legs.end_hour, ends)


def test_no_batches_have_no_legs():
    none = np.zeros(0, dtype=np.int64)
    succession = Succession(next_row=np.array([1, -1]), after_hours=np.array([3, 0]))
    assert len(legs_of(none, start_hour=none, end_hour=none, succession=succession).batch) == 0
