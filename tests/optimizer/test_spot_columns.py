from pathlib import Path

import pytest

from forecasting.errors import InputError
from optimizer.pools import read_pools

HEADER = "pool,spot_availability,spot_outage_hours,spot_correlation,deadline_window_hours,deadline_work_hours\n"


def read(folder: Path, *rows: str) -> object:
    path = folder / "pools.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return read_pools(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "a,,6,,,",
            "'spot_availability', row 1: must be > 0 and < 1 where spot_outage_hours is declared, it is empty.",
        ),
        ("a,1,6,,,", "'spot_availability', row 1: must be > 0 and < 1 where spot_outage_hours is declared, got 1."),
        ("a,0,6,,,", "must be > 0 and < 1 where spot_outage_hours is declared, got 0. Declare both, or neither."),
        ("a,0.8,1.2,,,", "'spot_outage_hours', row 1: must be >= 1 / spot_availability = 1.25, got 1.2."),
        ("a,0.8,,0.5,,", "'spot_correlation', row 1: needs spot_outage_hours, which is empty."),
        ("a,0.8,6,,4,", "'deadline_window_hours', row 1: needs deadline_work_hours, which is empty."),
        ("a,0.8,6,,,3", "'deadline_work_hours', row 1: needs deadline_window_hours, which is empty."),
        ("a,0.8,6,,4.5,3", "'deadline_window_hours', row 1: must be a whole number from 1 to 168, got 4.5."),
        ("a,0.8,6,,169,3", "must be a whole number from 1 to 168, got 169. Round it down."),
        ("a,0.8,6,,4,0", "'deadline_work_hours', row 1: must be > 0 and <= deadline_window_hours 4, got 0."),
        ("a,0.8,6,,4,5", "must be > 0 and <= deadline_window_hours 4, got 5. Other work can never end in time."),
        ("a,0.8,,,4,3", "'deadline_window_hours', row 1: needs spot_outage_hours, which is empty."),
    ],
)
def test_columns_that_contradict_each_other_are_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, row)
    assert message in str(caught.value)


def test_all_rows_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is refused, 3 problems") as caught:
        read(tmp_path, "a,0.8,1,,,", "b,0.8,6,0.5,4,3", "c,,6,,4,")
    assert "row 2" not in str(caught.value)


def test_what_fits_together_is_read(tmp_path: Path) -> None:
    pools = read(tmp_path, "a,0.8,1.25,0,168,168", "b,0.5,,,,", "c,0.5,,1,,")
    assert (pools["a"].spot_correlation, pools["a"].deadline_window_hours) == (0.0, 168.0)
    assert (pools["b"].spot_outage_hours, pools["b"].spot_correlation) == (None, 1.0)
