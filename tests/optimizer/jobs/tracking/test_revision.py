import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from forecasting.quantiles import weighted_quantiles
from optimizer.jobs.tracking.revision import read_lessons, spread_units

AS_OF = hour_of_date("2024-06-01")


@given(seed=st.integers(0, 10_000), factor=st.floats(1.0, 2.0))
def test_quantiles_of_daily_means_lie_a_factor_further_from_the_median(seed: int, factor: float):
    rng = np.random.default_rng(seed)
    units = rng.uniform(80.0, 120.0, (9, 3, 72))
    weights = rng.dirichlet(np.ones(9))
    spread = spread_units(units, weights, np.arange(72) // 24, factor)
    before, after = (
        weighted_quantiles(values.reshape(9, 3, 3, 24).mean(axis=3), weights, [0.1, 0.5, 0.9])
        for values in (units, spread)
    )
    assert_allclose(after[..., 1], before[..., 1])
    assert_allclose(after[..., 2] - after[..., 1], factor * (before[..., 2] - before[..., 1]), atol=1e-9)
    assert_allclose(after[..., 1] - after[..., 0], factor * (before[..., 1] - before[..., 0]), atol=1e-9)


def test_a_day_keeps_its_shape_and_demand_never_falls_below_zero():
    units = np.array([[[1.0, 3.0]], [[10.0, 30.0]], [[12.0, 36.0]]])
    spread = spread_units(units, np.full(3, 1 / 3), np.zeros(2, dtype=int), 3.0)
    assert_allclose(spread, [[[0.0, 0.0]], [[10.0, 30.0]], [[16.0, 48.0]]])


def write(folder: Path, **changes: Any) -> Path:
    """A track.json, as far as a plan reads it."""
    document = {
        "schema_version": 1,
        "kind": "track",
        "end_utc": "2024-05-31T00:00:00Z",
        "lessons": {"widening_factor": 1.5},
    }
    path = folder / "track.json"
    path.write_text(json.dumps(document | changes))
    return path


def test_lessons_are_read_back(tmp_path: Path):
    found = read_lessons(write(tmp_path), as_of_hour=AS_OF)
    assert (found.name, found.widening_factor, found.end_hour) == ("track.json", 1.5, hour_of_date("2024-05-31"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 2}, "must be a review of schema version 1"),
        ({"kind": "plan"}, "must be a review of schema version 1"),
        ({"end_utc": "2024-06-02T00:00:00Z"}, "must have seen nothing at or after --as-of 2024-06-01"),
        ({"lessons": {"widening_factor": 11.0}}, "must be from 1 to 10, got 11.0"),
        ({"lessons": {"widening_factor": float("nan")}}, "must be from 1 to 10, got nan"),
        ({"lessons": {}}, "must be a track.json that `plimsoll track` wrote"),
        ({"end_utc": "soon"}, "must be a track.json that `plimsoll track` wrote"),
    ],
)
def test_what_is_no_review_or_knows_the_future_is_refused(tmp_path: Path, changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        read_lessons(write(tmp_path, **changes), as_of_hour=AS_OF)


def test_what_is_no_json_is_refused(tmp_path: Path):
    (tmp_path / "track.json").write_text("not json")
    with pytest.raises(InputError, match="wrote, and is not"):
        read_lessons(tmp_path / "track.json", as_of_hour=AS_OF)


def test_a_review_that_is_not_there_is_named(tmp_path: Path):
    for path in (tmp_path / "track.json", tmp_path):
        with pytest.raises(InputError, match="must be a file, and there is none") as refused:
            read_lessons(path, as_of_hour=AS_OF)
        assert str(path) in str(refused.value)
