from pathlib import Path

import pytest

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from forecasting.roadmap import EventKind, RampShape, Roadmap, check_roadmap, read_roadmap

MIGRATION = """
missing_hours: zero
events:
  - name: graviton
    kind: migration
    from: [r1/A]
    to: {r1/B: 0.25, r1/C: 0.75}
    conversion: 0.8
    start: 2022-06-01
    end: 2023-01-01
    shape: logistic
    size: 0.9
    slip_days: [0, 30, 90]
    size_range: [0.8, 1.0]
    probability: 0.9
    known_from: 2021-12-01
"""
LAUNCH = """
events:
  - name: shop
    kind: launch
    pools: [web, api]
    add_units: 120
    start: 2022-06-01
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "roadmap.yaml"
    path.write_text(text)
    return path


def read(folder: Path, text: str, as_of: str | None = None) -> Roadmap:
    return read_roadmap(write(folder, text), as_of_hour=None if as_of is None else hour_of_date(as_of))


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    assert "roadmap.yaml is refused" in str(caught.value)
    return str(caught.value)


def test_every_key_of_an_event_arrives(tmp_path):
    roadmap = read(tmp_path, MIGRATION)
    (event,) = roadmap.events
    assert roadmap.missing_hours == "zero"
    assert (event.name, event.kind, event.shape) == ("graviton", EventKind.MIGRATION, RampShape.LOGISTIC)
    assert event.from_pools == ("r1/A",)
    assert event.to_shares == (("r1/B", 0.25), ("r1/C", 0.75))
    assert (event.conversion, event.size, event.probability) == (0.8, 0.9, 0.9)
    assert event.slip_days == (0.0, 30.0, 90.0)
    assert event.size_range == (0.8, 1.0)
    assert event.start_hour == hour_of_date("2022-06-01")
    assert event.known_from_hour == hour_of_date("2021-12-01")
    assert event.line == 4


def test_the_last_day_of_a_ramp_counts(tmp_path):
    (event,) = read(tmp_path, MIGRATION).events
    assert event.end_hour == hour_of_date("2023-01-02")


def test_dates_in_quotes_are_the_same_dates(tmp_path):
    quoted = MIGRATION.replace("start: 2022-06-01", 'start: "2022-06-01"')
    assert read(tmp_path, quoted).events == read(tmp_path, MIGRATION).events


def test_a_launch_spreads_over_its_pools_equally(tmp_path):
    (event,) = read(tmp_path, LAUNCH).events
    assert event.to_shares == (("web", 0.5), ("api", 0.5))
    assert (event.add_units, event.multiply) == (120.0, None)
    assert event.end_hour == event.start_hour + 24


def test_a_capacity_cliff_has_pools_and_a_threshold(tmp_path):
    text = "events:\n- {name: c, kind: capacity_cliff, pools: [web], threshold_units: 5, start: 2022-01-01}\n"
    (event,) = read(tmp_path, text).events
    assert (event.to_shares, event.threshold_units) == ((("web", 1.0),), 5.0)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param("", 1.0, id="neither"),
        pytest.param("    size_range: [0.2, 0.6]\n", 0.4, id="middle of the range"),
        pytest.param("    size_range: [0.2, 0.6]\n    size: 0.3\n", 0.3, id="size"),
    ],
)
def test_the_median_size_is_the_size_or_the_middle_of_its_range(tmp_path, sizes, expected):
    text = MIGRATION.replace("    size: 0.9\n", "").replace("    size_range: [0.8, 1.0]\n", sizes)
    (event,) = read(tmp_path, text).events
    assert event.size == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [("# nothing yet\n", False), ("events:\n", True), ("events: []\n", True), ("missing_hours:\n", False)],
)
def test_a_roadmap_may_hold_nothing_and_vouches_for_that_only_where_it_names_events(tmp_path, text, is_kept):
    assert read(tmp_path, text) == Roadmap(is_kept=is_kept)
    path = tmp_path / "roadmap.yaml"
    assert not read_roadmap(path, with_events=False).is_kept
    assert read_roadmap(path).visible_at(0).is_kept == is_kept


def test_names_that_yaml_1_1_reads_as_something_else_stay_names(tmp_path):
    (event,) = read(tmp_path, LAUNCH.replace("[web, api]", "[no, on, 2022-01-01, 1e3x]")).events
    assert [pool for pool, _ in event.to_shares] == ["no", "on", "2022-01-01", "1e3x"]


def test_an_event_known_later_is_left_out(tmp_path):
    assert read(tmp_path, MIGRATION, as_of="2021-11-30").events == ()
    assert len(read(tmp_path, MIGRATION, as_of="2021-12-01").events) == 1
    assert read(tmp_path, MIGRATION).visible_at(hour_of_date("2021-11-30")).events == ()


def test_an_event_known_later_is_not_even_checked(tmp_path):
    broken = MIGRATION + "  - {name: 1, kind: nonsense, foo: [], foo: 2, known_from: 2030-01-01}\n"
    assert len(read(tmp_path, broken, as_of="2022-01-01").events) == 1
    with pytest.raises(InputError, match="must be one of launch"):
        read(tmp_path, broken, as_of="2030-01-01")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        pytest.param("2021-12-01", "soon", ["events[0].known_from', row 16: must be a date"], id="known_from"),
        pytest.param("migration", "migratoin", ["events[0].kind', row 5", "Did you mean 'migration'"], id="kind"),
        pytest.param("shape:", "shap:", ["'events[0].shap', row 11: is not a key", "Did you mean 'shape'"], id="key"),
        pytest.param(
            "name: graviton", "name: 2024", ["events[0].name', row 4: must be a text", "in quotes"], id="name"
        ),
        pytest.param("name: graviton", "name:", ["events[0].name', row 4: must be a text"], id="no name"),
        pytest.param("[r1/A]", "r1/A", ["events[0].from', row 6: must be a list of pools"], id="from no list"),
        pytest.param("[r1/A]", "[]", ["events[0].from', row 6: must be a list of pools"], id="from empty"),
        pytest.param("[r1/A]", "[r1/A, r1/A]", ["must name each pool once"], id="from twice"),
        pytest.param("[r1/A]", "[7]", ["events[0].from', row 6: must hold names of pools, got 7"], id="from number"),
        pytest.param(
            "[r1/A]", '["a\\\\b"]', ["events[0].from', row 6: a pool must not hold a backslash"], id="backslash"
        ),
        pytest.param("[r1/A]", "[../x]", ["events[0].from', row 6: a pool must not have a '..' part"], id="dots"),
        pytest.param("[r1/A]", "[/x]", ["events[0].from', row 6: a pool must not start with '/'"], id="slash"),
        pytest.param("[r1/A]", "[r1/B]", ["events[0].to', row 7: must not hold a pool of `from`"], id="from and to"),
        pytest.param(
            "0.75", "0.85", ["events[0].to', row 7: must hold shares that sum to 1, got a sum of 1.1"], id="sum"
        ),
        pytest.param("0.75", "many", ["events[0].to', row 7: must hold shares between 0 and 1"], id="share"),
        pytest.param("r1/C: 0.75", "r1/B: 0.75", ["must name each pool once, got 'r1/B' again"], id="to twice"),
        pytest.param("{r1/B: 0.25, r1/C: 0.75}", "[r1/B]", ["events[0].to', row 7: must map pools to shares"], id="to"),
        pytest.param("2022-06-01", "2022-02-30", ["events[0].start', row 9: must be a date"], id="no such day"),
        pytest.param("2022-06-01", "06/01/2022", ["events[0].start', row 9: must be a date"], id="other date"),
        pytest.param("2023-01-01", "2022-05-31", ["events[0].end', row 10: must not be before start"], id="end first"),
        pytest.param("    end: 2023-01-01\n", "", ["events[0].end', row 4: must be a date"], id="no end"),
        pytest.param("logistic", "sigmoid", ["events[0].shape', row 11: must be one of step, linear"], id="shape"),
        pytest.param("size: 0.9", "size: 1.2", ["events[0].size', row 12: must be a number from 0 to 1"], id="size"),
        pytest.param("size: 0.9", "size: .nan", ["events[0].size', row 12: must be a number"], id="size nan"),
        pytest.param("size: 0.9", "size: true", ["events[0].size', row 12: must be a number"], id="size bool"),
        pytest.param(
            "size: 0.9", "size: 0.5", ["events[0].size_range', row 14: must hold size 0.5"], id="size outside"
        ),
        pytest.param(
            "[0.8, 1.0]", "[1.0, 0.8]", ["events[0].size_range', row 14: must be a list of 2"], id="range falls"
        ),
        pytest.param(
            "[0.8, 1.0]", "[0.8, 1.1]", ["events[0].size_range', row 14: must be a list of 2"], id="range high"
        ),
        pytest.param(
            "[0, 30, 90]", "[0, 90, 30]", ["events[0].slip_days', row 13: must be a list of 3"], id="slip falls"
        ),
        pytest.param(
            "[0, 30, 90]", "[-5, 0, 30]", ["events[0].slip_days', row 13: must be a list of 3"], id="slip early"
        ),
        pytest.param("[0, 30, 90]", "30", ["events[0].slip_days', row 13: must be a list of 3"], id="slip number"),
        pytest.param("probability: 0.9", "probability: 90", ["'events[0].probability', row 15"], id="probability"),
        pytest.param(
            "conversion: 0.8", "conversion: -1", ["events[0].conversion', row 8: must be a number from 0"], id="gain"
        ),
        pytest.param(
            "conversion: 0.8", "add_units: 5", ["events[0].add_units', row 8: is not a key of"], id="other kind"
        ),
        pytest.param(
            "    size: 0.9", "    size: 0.9\n    size: 0.8", ["must be there once, got it again"], id="repeated"
        ),
        pytest.param(
            "missing_hours: zero", "missing_hours: maybe", ["'missing_hours', row 2: must be one of"], id="missing"
        ),
        pytest.param("missing_hours: zero", "missing_hour: zero", ["Did you mean 'missing_hours'"], id="top key"),
    ],
)
def test_a_bad_event_is_refused_with_its_key_and_line(tmp_path, old, new, parts):
    assert old in MIGRATION
    message = refusal(tmp_path, MIGRATION.replace(old, new))
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        pytest.param(
            "add_units: 120",
            "add_units: 1\n    multiply: 2",
            "'events[0].add_units', row 6: an event of kind launch must have exactly one of add_units, multiply, "
            "add_drivers, got add_units and multiply.",
            id="both",
        ),
        pytest.param(
            "add_units: 120",
            "probability: 1",
            "'events[0].kind', row 4: an event of kind launch must have exactly one of add_units, multiply, "
            "add_drivers, got none. Give one, or a label as `recurring`",
            id="neither",
        ),
        pytest.param(
            "add_units: 120",
            "multiply: 2\n    add_drivers: {dau: 5}\n    recurring: sale",
            "got multiply and add_drivers.",
            id="recurring with two sizes",
        ),
        pytest.param("add_units: 120", "recurring: 7", "events[0].recurring', row 6: must be a text", id="label"),
        pytest.param("add_units: 120", "recurring: ''", "events[0].recurring', row 6: must be a text", id="no label"),
        pytest.param(
            "add_units: 120",
            "recurring: sale\n    size_range: [0.5, 2]",
            "events[0].size_range', row 7: must stand beside one of add_units",
            id="range of what is learned",
        ),
        pytest.param(
            "add_units: 120", "add_drivers: 5", "events[0].add_drivers', row 6: must map drivers", id="no drivers"
        ),
        pytest.param("add_units: 120", "add_drivers: {}", "must map drivers to amounts", id="empty drivers"),
        pytest.param(
            "add_units: 120", "add_drivers: {dau: -1}", "must hold amounts, each a number from 0", id="negative driver"
        ),
        pytest.param(
            "add_units: 120", "add_drivers: {dau: many}", "must hold amounts, each a number from 0", id="driver word"
        ),
        pytest.param("add_units: 120", "add_drivers: {/a: 1}", "a driver must not start with '/'", id="driver name"),
        pytest.param("add_units: 120", "add_drivers: {a: 1, a: 2}", "must name each driver once, got 'a'", id="twice"),
        pytest.param(
            "add_units: 120", "add_units: -1", "events[0].add_units', row 6: must be a number from 0", id="negative"
        ),
        pytest.param("add_units: 120", "multiply: x", "events[0].multiply', row 6: must be a number from 0", id="word"),
        pytest.param("start:", "size_range: [80, 150]\n    start:", "must hold the factor 1", id="absolute range"),
        pytest.param("start:", "to: {web: 1}\n    start:", "must not stand beside `to`", id="pools and to"),
        pytest.param("start:", "from: [web]\n    start:", "'events[0].from', row 7: is not a key", id="from"),
        pytest.param("    pools: [web, api]\n", "", "events[0].to', row 3: must map pools to shares", id="no pools"),
        pytest.param("launch", "capacity_cliff", "events[0].threshold_units', row 3: must be given", id="cliff"),
    ],
)
def test_a_bad_launch_is_refused_with_its_key_and_line(tmp_path, old, new, part):
    assert old in LAUNCH
    assert part in refusal(tmp_path, LAUNCH.replace(old, new))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("", "the file is empty", id="empty"),
        pytest.param("events: 7\n", "column 'events', row 1: must be a list of events, got 7", id="no list"),
        pytest.param("events: [7]\n", "column 'events[0]': must be a mapping", id="no mapping"),
        pytest.param("- a\n", "row 1: must be a mapping of keys to values", id="list"),
        pytest.param("events: [\n", "row 2: is no valid YAML", id="syntax"),
        pytest.param("a: 1\n b: 2\n", "row 2: is no valid YAML", id="indent"),
        pytest.param("events: !!python/object/apply:os.system [ls]\n", "row 1: asks for an object", id="python object"),
        pytest.param("events: !!python/name:os.system\n", "row 1: asks for an object", id="python name"),
        pytest.param("events: !event {}\n", "row 1: asks for an object (!event)", id="own tag"),
        pytest.param("a: !!timestamp 2022-02-30\n", "row 1: asks for an object", id="timestamp"),
        pytest.param("1: 2\n", "row 1: a key must be text, got 1", id="number as key"),
        pytest.param("a: &a [*a]\n", "row 1: found unconstructable recursive node", id="recursion"),
        pytest.param("a: \x07\n", "row 1: must not hold control characters", id="bell"),
        pytest.param("[" * 20_000, "nested too deeply", id="deep"),
    ],
)
def test_a_file_that_is_no_roadmap_is_refused(tmp_path, text, part):
    assert part in refusal(tmp_path, text)


def test_all_problems_of_all_visible_events_come_at_once(tmp_path):
    text = MIGRATION.replace("0.75", "0.5").replace("size: 0.9", "size: 3") + LAUNCH.replace("events:\n", "").replace(
        "120", "x"
    )
    message = refusal(tmp_path, text)
    assert "3 problems" in message
    assert "events[1].add_units" in message


def test_two_visible_events_of_one_name_are_refused(tmp_path):
    entry = LAUNCH.replace("\nevents:\n", "")
    assert "events[1].name" in refusal(tmp_path, LAUNCH + entry)


def test_an_event_must_take_from_pools_of_the_usage(tmp_path):
    roadmap = read(tmp_path, MIGRATION)
    check_roadmap(roadmap, {"r1/A"}, {"r1/A", "r1/B", "r1/C"}, source="roadmap.yaml")
    with pytest.raises(
        InputError, match=r"(?s)roadmap.yaml.*'graviton'', row 4: pool 'r1/A' must be in the usage.*'r1/B'"
    ):
        check_roadmap(roadmap, {"r1/B"}, None, source="roadmap.yaml")


def test_a_new_pool_of_an_event_must_have_an_on_demand_price(tmp_path):
    roadmap = read(tmp_path, MIGRATION)
    with pytest.raises(InputError, match="pool 'r1/C' must have an on-demand price"):
        check_roadmap(roadmap, {"r1/A"}, {"r1/A", "r1/B"}, source="roadmap.yaml")


def test_what_is_multiplied_must_be_in_the_usage(tmp_path):
    roadmap = read(tmp_path, LAUNCH.replace("add_units: 120", "multiply: 2"))
    with pytest.raises(InputError, match="pool 'api' must be in the usage"):
        check_roadmap(roadmap, {"web"}, {"web", "api"}, source="roadmap.yaml")


def test_a_recurring_event_may_leave_its_size_to_the_past(tmp_path):
    (event,) = read(tmp_path, LAUNCH.replace("add_units: 120", "recurring: sale")).events
    assert (event.recurring, event.add_units, event.multiply, event.add_drivers) == ("sale", None, None, ())
    assert event.is_to_be_learned
    (sized,) = read(tmp_path, LAUNCH.replace("add_units: 120", "recurring: sale\n    multiply: 2")).events
    assert not sized.is_to_be_learned


def test_a_launch_may_be_given_in_drivers(tmp_path):
    (event,) = read(tmp_path, LAUNCH.replace("add_units: 120", "add_drivers: {dau: 50000, price: 0}")).events
    assert event.add_drivers == (("dau", 50000.0), ("price", 0.0))
    assert not event.is_to_be_learned


ENTRY = "  - {{name: {name}, kind: promotion, pools: [web], recurring: sale, start: {start}, shape: step{more}}}\n"
TO_LEARN = ENTRY.format(name="next", start="2023-06-01", more="")


@pytest.mark.parametrize(
    ("other", "is_fine"),
    [
        pytest.param("", False, id="alone"),
        pytest.param(ENTRY.format(name="last", start="2022-06-01", more=""), True, id="seen before"),
        pytest.param(ENTRY.format(name="last", start="2023-05-01", more=""), False, id="at the decision"),
        pytest.param(ENTRY.format(name="last", start="2021-06-01", more=""), False, id="before history"),
        pytest.param(ENTRY.format(name="last", start="2024-06-01", more=", multiply: 2"), True, id="with a size"),
        pytest.param(
            ENTRY.format(name="last", start="2022-06-01", more="").replace("sale", "fair"), False, id="another label"
        ),
    ],
)
def test_an_event_without_a_size_needs_one_of_its_label_that_tells_it(tmp_path, other, is_fine):
    roadmap = read(tmp_path, "events:\n" + TO_LEARN + other)
    seen = range(hour_of_date("2022-01-01"), hour_of_date("2023-05-01"))
    if is_fine:
        check_roadmap(roadmap, {"web"}, None, source="roadmap.yaml", seen_hours=seen)
        return
    with pytest.raises(InputError, match="'next'', row 2: an event of label 'sale' must have a size, or come after"):
        check_roadmap(roadmap, {"web"}, None, source="roadmap.yaml", seen_hours=seen)


@pytest.mark.parametrize("amount", ["recurring: sale", "add_drivers: {dau: 5}"])
def test_what_scales_its_pools_must_be_in_the_usage(tmp_path, amount):
    roadmap = read(tmp_path, LAUNCH.replace("add_units: 120", amount))
    with pytest.raises(InputError, match="pool 'api' must be in the usage"):
        check_roadmap(roadmap, {"web"}, {"web", "api"}, source="roadmap.yaml")


def test_the_roadmaps_of_the_real_trace_are_read(shared_data):
    roadmap = read_roadmap(shared_data / "trace" / "roadmap_r1.yaml")
    assert [event.name for event in roadmap.events] == ["A-to-B", "I-to-L"]
    assert roadmap.missing_hours == "zero"


def test_a_cliff_may_stand_on_a_pool_that_only_another_event_brings(tmp_path):
    path = tmp_path / "roadmap.yaml"
    launch = "{name: new, kind: launch, to: {r/new: 1.0}, add_units: 5, start: 2024-05-01}"
    cliff = "{name: wall, kind: capacity_cliff, pools: [r/new], threshold_units: 3, start: 2024-05-01}"
    path.write_text(f"events: [{launch}, {cliff}]\n")
    check_roadmap(read_roadmap(path), {"r/old"}, {"r/old", "r/new"}, source="roadmap.yaml")
    path.write_text(f"events: [{cliff}]\n")
    with pytest.raises(InputError, match="'r/new' must be in the usage"):
        check_roadmap(read_roadmap(path), {"r/old"}, None, source="roadmap.yaml")
