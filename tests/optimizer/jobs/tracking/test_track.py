"""Whole reviews from files: each table is worked out by hand in its test."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from optimizer.expected import ExpectedEvent
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.tracking.answer import Review
from optimizer.jobs.tracking.track import TrackRequest, track

HOURS = 30 * 24


def steady(a: float, b: float, n_days: int = 30) -> list[list[float]]:
    """Two pools that stand still."""
    return [[a] * n_days, [b] * n_days]


def review(folder: Path, **changes: object) -> Review:
    """Review of the files of a case."""
    paths = {"usage": folder / "usage.csv", "prices": folder / "prices.csv"}
    paths |= {role: path for role, path in changes.items() if role in ("prices", "commitments", "pools")}
    request = TrackRequest(
        plan=folder / "plan.json",
        paths=InputPaths(**paths),
        plan_prices=changes.get("plan_prices"),
        options=RunOptions(),
        flag_fraction=changes.get("flag_fraction", 0.1),
        with_purchases=bool(changes.get("with_purchases", False)),
    )
    return track(request, tell=lambda _: None)


def test_a_variance_is_split_as_by_hand(track_case):
    """Expected 100 and 50 units, came 50 and 80, and the second pool costs 2.2 in place of 2 USD/h.

    An hour was to cost 60 x 0.6 + 40 x 1 + 50 x 2 = 176 USD for 200 USD on demand: k = 0.88. Volume 0.88 x (210 - 200)
    = 8.8; 50 x 0.6 + 80 x 2 = 190 serve, so mix 190 - 176 - 8.8 = 5.2; 10 reservations idle: waste 6; rate 80 x 0.2 =
    16. In sum 36 = (190 + 6 + 16) - 176.
    """
    folder = track_case(expected=steady(100, 50), actual=steady(50, 80))
    newer = folder / "newer.csv"
    newer.write_text((folder / "prices.csv").read_text().replace("none,2.0,0", "none,2.2,0"))
    found = review(folder, prices=newer, plan_prices=folder / "prices.csv")
    total = found.variance.total
    assert_allclose(total.expected_usd, 176 * HOURS)
    assert_allclose(total.actual_usd, 212 * HOURS)
    assert_allclose(total.parts_usd, np.array([8.8, 0.0, 0.0, 5.2, 6.0, 16.0]) * HOURS, atol=1e-6)
    assert_allclose(total.variance_fraction, 36 / 176)
    assert found.is_flagged(total)
    a, b = found.variance.pools
    assert_allclose(a.parts_usd, np.array([-44.0, 0.0, 0.0, -46.0 + 44.0, 0.0, 0.0]) * HOURS, atol=1e-6)
    assert_allclose(b.parts_usd, np.array([52.8, 0.0, 0.0, 60.0 - 52.8, 0.0, 16.0]) * HOURS, atol=1e-6)
    assert_allclose(found.variance.pool_mix_usd, ((0.76 - 0.88) * -50 + (1.0 - 0.88) * 60) * HOURS)
    measures = {measure.name: measure for measure in found.measures}
    assert_allclose(measures["esr"].planned, 1 - 176 / 200)
    assert_allclose(measures["esr"].actual, 1 - 212 / (50 + 80 * 2.2))
    assert_allclose(measures["utilization"].actual, 50 / 60)
    assert_allclose(measures["stranded_usd"].actual, 6 * HOURS)
    assert_allclose(measures["coverage"].actual, 50 / (50 + 80 * 2.2))
    assert_allclose(measures["locked_in_usd"].actual, 24 * 36 * 335)
    assert_allclose(measures["locked_in_usd"].planned, measures["locked_in_usd"].actual)
    assert [(month.month, month.actual_usd) for month in found.months] == [
        ("2024-03", pytest.approx(212 * 24 * 28)),
        ("2024-04", pytest.approx(212 * 24 * 2)),
    ]


@pytest.mark.parametrize(("units", "is_flagged"), [(109.0, False), (112.0, True), (88.0, True)])
def test_spend_more_than_a_tenth_off_the_forecast_is_flagged(track_case, units, is_flagged):
    folder = track_case(expected=steady(100, 0), actual=steady(units, 0), bought=0.0)
    found = review(folder)
    assert found.is_flagged(found.variance.total) is is_flagged
    assert not review(folder, flag_fraction=0.2).is_flagged(found.variance.total)


def test_what_comes_as_expected_has_no_variance_and_teaches_nothing(track_case):
    found = review(track_case(expected=steady(100, 50), actual=steady(100, 50)))
    assert_allclose(found.variance.total.parts_usd, 0.0, atol=1e-6)
    assert_allclose(found.variance.total.actual_usd, found.variance.total.expected_usd)
    assert found.lessons.widening_factor == 1.0
    assert found.calibration.total.coverage_fraction == 1.0
    assert found.not_bought == ()
    assert found.anomalies == ()


def test_a_demand_review_widens_the_next_intervals(track_case):
    """Forecast +20 %, within 10 units; actual +50 %: 30 units off, three times the half width."""
    expected, actual = steady(100, 0, 42), steady(100, 0, 42)
    expected[0][21:] = [120.0] * 21
    actual[0][21:] = [150.0] * 21
    found = review(track_case(expected=expected, actual=actual))
    assert_allclose(found.lessons.widening_factor, 3.0)
    assert_allclose(found.calibration.total.bias_fraction, 110 / 125 - 1)
    assert_allclose(found.calibration.total.organic_fraction, 125 / 110 - 1)
    assert found.calibration.total.coverage_fraction == 0.5
    assert not found.calibration.total.is_inside
    assert "widen the intervals of the next plan 3.00 times" in found.lessons.sentences[0]
    assert "50 % of the days of all pools together" in found.lessons.sentences[0]


def test_a_demand_review_tells_the_bias_of_an_event_from_the_rest(track_case):
    """A launch was to add 20 % from the 21st day on; it added 50 %: 2.5 times as much, all of it the event's."""
    launch = ExpectedEvent(name="launch", pools=("east/a",), units=np.array([[0.0] * 21 + [20.0] * 21]))
    expected, actual = steady(100, 0, 42), steady(100, 0, 42)
    expected[0][21:] = [120.0] * 21
    actual[0][21:] = [150.0] * 21
    found = review(track_case(expected=expected, actual=actual, events=[launch]))
    (event,) = found.events
    assert_allclose((event.factor, event.factor_error), (2.5, 0.0), atol=1e-6)
    assert (event.lag_days, event.is_seen) == (0, True)
    assert_allclose((event.expected_units, event.actual_units), (10.0, 25.0))
    price = found.variance.total.expected_usd / (24 * 21 * (100 + 120))  # expected USD per on-demand USD
    assert_allclose(found.variance.total.event_usd, price * 24 * 30 * 21, rtol=1e-6)
    assert_allclose(found.variance.total.volume_usd, 0.0, atol=1e-3)
    assert_allclose(found.variance.by_event_usd, [found.variance.total.event_usd])
    assert_allclose(found.calibration.total.organic_fraction, 0.0, atol=1e-9)
    assert found.lessons.widening_factor == 1.0
    (lesson,) = found.lessons.events
    assert_allclose(lesson.size_factor, 2.5)
    assert "multiply its size by 2.50" in lesson.text


def test_a_late_event_has_its_dates_put_back(track_case):
    launch = ExpectedEvent(name="launch", pools=("east/a",), units=np.array([[0.0] * 14 + [50.0] * 56]))
    expected, actual = steady(100, 0, 70), steady(100, 0, 70)
    expected[0][14:] = [150.0] * 56
    actual[0][28:] = [150.0] * 42
    found = review(track_case(expected=expected, actual=actual, events=[launch]))
    (event,) = found.events
    assert event.lag_days == 14
    assert_allclose(event.factor, 1.0, atol=1e-6)
    assert "14 days later" in found.lessons.events[0].text
    assert_allclose(found.variance.total.volume_usd, 0.0, atol=1e-3)
    assert found.variance.total.event_usd < 0


def test_an_anomaly_is_flagged_and_kept_out_of_organic_demand(track_case):
    """Spend is 60 % off its baseline for a day: 60 units x 24 h x 0.76 USD of an on-demand USD."""
    actual = steady(100, 0)
    actual[0][20] = 160.0
    found = review(track_case(expected=steady(100, 0), actual=actual, past_days=28))
    kept = [one.found for one in found.anomalies if one.is_kept_out]
    assert [(one.group, one.start_hour, one.n_hours, one.kind) for one in kept] == [
        ("east/a", hour_of_date("2024-03-24"), 24, "spike")
    ]
    assert_allclose(kept[0].deviation_fraction, 0.6)
    assert {one.found.group for one in found.anomalies} == {"total", "east/a"}
    assert_allclose(found.variance.total.anomaly_usd, 60 * 24 * 0.76)
    assert_allclose(found.variance.total.volume_usd, 0.0, atol=1e-3)
    assert_allclose(found.calibration.total.organic_fraction, 0.0, atol=1e-12)
    assert found.lessons.widening_factor == 1.0


def test_an_event_that_explains_a_day_is_no_anomaly(track_case):
    pulse = ExpectedEvent(name="sale", pools=("east/a",), units=np.array([[0.0] * 20 + [60.0] + [0.0] * 9]))
    both = steady(100, 0)
    both[0][20] = 160.0
    found = review(track_case(expected=both, actual=both, past_days=28, events=[pulse]))
    assert not any(one.is_kept_out for one in found.anomalies)
    assert_allclose(found.events[0].factor, 1.0)
    assert_allclose(found.variance.total.anomaly_usd, 0.0)


def test_a_pool_that_came_since_is_all_unexpected(track_case):
    folder = track_case(expected=steady(100, 0), actual=steady(100, 0))
    usage = (
        (folder / "usage.csv").read_text().replace('"east/b",0.0', '"east/c",7.0').replace('"east/b",0', '"east/c",7')
    )
    (folder / "usage.csv").write_text(usage)
    newer = folder / "newer.csv"
    newer.write_text((folder / "prices.csv").read_text() + "od:c,on_demand,aws,east,east/c,0,none,3.0,0\n")
    found = review(folder, prices=newer, plan_prices=folder / "prices.csv")
    c = found.variance.pools[-1]
    assert (c.pool, c.expected_usd) == ("east/c", 0.0)
    assert_allclose(c.actual_usd, 21 * HOURS)
    assert_allclose(sum(c.parts_usd), 21 * HOURS)
    assert found.is_flagged(c)
    assert c.rate_usd == 0.0
    assert any("east/c" in note for note in found.notes)


def test_a_price_alone_is_rate_and_demand_alone_is_volume_where_all_runs_on_demand(track_case):
    """Steady demand: +10 % of price is all rate, +10 % of demand all volume, a plan of nothing none of either's mix."""
    folder = track_case(expected=steady(100, 50), actual=steady(100, 50), bought=0.0)
    newer = folder / "newer.csv"
    newer.write_text((folder / "prices.csv").read_text().replace("none,1.0,0", "none,1.1,0"))
    dearer = review(folder, prices=newer, plan_prices=folder / "prices.csv")
    assert_allclose(dearer.variance.total.parts_usd, np.array([0, 0, 0, 0, 0, 10.0]) * HOURS, atol=1e-6)
    more = review(track_case(expected=steady(100, 50), actual=steady(110, 55), bought=0.0))
    assert_allclose(more.variance.total.parts_usd, np.array([20.0, 0, 0, 0, 0, 0]) * HOURS, atol=1e-6)
    unplanned = review(track_case(expected=steady(0, 0), actual=steady(10, 0), bought=0.0))
    assert_allclose(unplanned.variance.total.parts_usd, np.array([10.0, 0, 0, 0, 0, 0]) * HOURS, atol=1e-6)


def test_demand_that_goes_leaves_its_commitment_to_waste_and_demand_that_moves_is_mix(track_case):
    """60 reservations at 0.6 USD/h. Idle: k = 36/60, 36 USD/h less volume, 36 more waste. Moved: as much on demand."""
    idle = review(track_case(expected=steady(60, 0), actual=steady(0, 0)))
    assert_allclose(idle.variance.total.parts_usd, np.array([-36.0, 0, 0, 0, 36.0, 0]) * HOURS, atol=1e-6)
    moved = review(track_case(expected=steady(160, 50), actual=steady(140, 60)))
    assert_allclose(moved.variance.total.parts_usd, 0.0, atol=1e-6)  # 20 USD/h on demand either way: nothing changes
    moved = review(track_case(expected=steady(60, 50), actual=steady(40, 60)))
    assert_allclose(moved.variance.total.parts_usd, np.array([0, 0, 0, 8.0, 12.0, 0]) * HOURS, atol=1e-6)


def test_a_commitment_billed_at_another_price_than_the_plans_is_told(track_case):
    folder = track_case(expected=steady(100, 50), actual=steady(100, 50))
    newer = folder / "newer.csv"
    newer.write_text((folder / "prices.csv").read_text().replace("none,0.6,0", "none,0.5,0"))
    found = review(folder, prices=newer, plan_prices=folder / "prices.csv")
    assert_allclose(found.variance.total.rate_usd, -6 * HOURS)
    assert any("What is owned of ri:a is billed at today's list" in note for note in found.notes)
    same = review(folder)
    assert not any("today's list" in note for note in same.notes)


def test_what_was_not_bought_is_told(track_case):
    folder = track_case(expected=steady(100, 0), actual=steady(100, 0))
    other = folder / "owned.csv"
    other.write_text(
        "commitment_id,offer_id,quantity,start_utc,end_utc\nmine,ri:a,30,2024-03-04,2025-03-04\n", encoding="utf-8"
    )
    found = review(folder, commitments=other)
    assert found.not_bought == found.advised == ("advised",)
    assert_allclose(found.variance.total.mix_usd, 30 * 0.4 * HOURS)
    both = review(folder, commitments=other, with_purchases=True)
    assert both.not_bought == ()
    assert_allclose(both.variance.total.variance_usd, -30 * 0.4 * HOURS)


def break_schema(document: dict) -> None:
    document["schema_version"] = 99


def break_purchase(document: dict) -> None:
    del document["purchases"][0]["quantity"]


def break_hash(document: dict) -> None:
    document["expected"]["sha256"] = "0" * 64


def break_expected(document: dict) -> None:
    document["expected"] = None


def had_pools(document: dict) -> None:
    document["inputs"] += [{"role": role, "name": role, "sha256": "1"} for role in ("pools", "commitments")]


def other_prices(document: dict) -> None:
    document["inputs"][0]["sha256"] = "2" * 64


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_schema, "schema version 2, got '99'"),
        (break_purchase, "as `plimsoll plan` writes it; KeyError at 'quantity'"),
        (break_hash, "is another plan's"),
        (break_expected, "must name its expected.parquet"),
        (had_pools, r"--pools': must be given(.|\n)*--commitments': must be given"),
        (other_prices, "--prices': must be the price list that plan.json names by its hash"),
    ],
)
def test_files_that_do_not_belong_to_the_plan_are_refused(track_case, spoil: Callable[[dict], None], message: str):
    folder = track_case(expected=steady(100, 50), actual=steady(50, 80))
    document = json.loads((folder / "plan.json").read_text())
    spoil(document)
    (folder / "plan.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=message):
        review(folder)


def test_a_plan_without_its_expectations_or_that_is_no_json_is_refused(track_case):
    folder = track_case(expected=steady(100, 50), actual=steady(50, 80))
    (folder / "expected.parquet").unlink()
    with pytest.raises(InputError, match=r"expected\.parquet(.|\n)*there is no such file"):
        review(folder)
    (folder / "plan.json").write_text("[1")
    with pytest.raises(InputError, match="must be a JSON document"):
        review(folder)


@pytest.mark.parametrize(
    ("drop", "message"),
    [("2024-03-04", "must begin at or before 2024-03-04"), ("2024-03-04T23", "must have a whole day after")],
)
def test_usage_without_a_whole_day_of_the_plan_is_refused(track_case, drop: str, message: str):
    folder = track_case(expected=steady(100, 50), actual=steady(50, 80))
    lines = (folder / "usage.csv").read_text().splitlines()
    kept = [line for line in lines[1:] if (line[:10] > drop if len(drop) == 10 else line < drop)]
    (folder / "usage.csv").write_text("\n".join([lines[0], *kept]) + "\n")
    with pytest.raises(InputError, match=message):
        review(folder)


def test_a_purchase_that_is_owned_already_is_not_billed_twice(track_case):
    folder = track_case(expected=steady(100, 0), actual=steady(100, 0))
    owned = folder / "owned.csv"
    owned.write_text("commitment_id,offer_id,quantity,start_utc,end_utc\nadvised,ri:a,60,2024-03-04,2025-03-04\n")
    with pytest.raises(InputError, match="'advised' must count once"):
        review(folder, commitments=owned, with_purchases=True)
    assert review(folder, commitments=owned).not_bought == ()


def test_a_ramp_under_way_is_off_in_size_or_pace(track_case):
    """The plan was to move 1 unit a day over 60 days; in the 42 tracked ones 2 a day came."""
    ramp = np.arange(42, dtype=float)
    move = ExpectedEvent(name="ramp", pools=("east/a",), units=ramp[None])
    folder = track_case(
        expected=[(100.0 + ramp).tolist(), [100.0] * 42],
        actual=[(100.0 + 2 * ramp).tolist(), [100.0] * 42],
        events=[move],
    )
    document = json.loads((folder / "plan.json").read_text())
    document["events"] = [
        {"name": "ramp", "kind": "launch", "start_utc": "2024-03-04T00:00:00Z", "end_utc": "2024-05-03T00:00:00Z"}
    ]
    (folder / "plan.json").write_text(json.dumps(document))
    (lesson,) = review(folder).lessons.events
    assert lesson.is_under_way
    assert "check its size and, as its ramp goes on, its dates" in lesson.text
