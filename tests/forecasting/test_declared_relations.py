import pytest

from forecasting.declared_relations import Relation, relation_problems
from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from forecasting.roadmap import read_roadmap


def read(folder, text):
    path = folder / "roadmap.yaml"
    path.write_text(text)
    return read_roadmap(path).relations


def test_every_key_of_a_relation_arrives(tmp_path):
    one, two, three = read(
        tmp_path,
        "relations:\n- {groups: [r1, r2], drivers: {dau: 1, price: -0.5}}\n- {pools: [a/b], drivers: {dau: estimate}}\n"
        "- {drivers: {dau: 1}}\n",
    )
    assert one == Relation(groups=("r1", "r2"), elasticities=(("dau", 1.0), ("price", -0.5)), line=2)
    assert two == Relation(pools=("a/b",), elasticities=(("dau", None),), line=3)
    assert three == Relation(elasticities=(("dau", 1.0),), line=4)


def test_relations_are_visible_whatever_the_date(tmp_path):
    path = tmp_path / "roadmap.yaml"
    path.write_text("relations: [{drivers: {dau: 1}}]\n")
    assert len(read_roadmap(path).visible_at(hour_of_date("1980-01-01")).relations) == 1
    assert len(read_roadmap(path, with_events=False).relations) == 1  # they say nothing of the future


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("relations: 7", "'relations', row 1: must be a list of relations, got 7", id="no list"),
        pytest.param("relations: [7]", "'relations[0]': must be a mapping with drivers", id="no mapping"),
        pytest.param("relations: [{}]", "'relations[0].drivers', row 1: must map drivers", id="empty"),
        pytest.param("relations: [{drivers: {}}]", "'relations[0].drivers', row 1: must map drivers", id="no driver"),
        pytest.param("relations: [{drivers: [dau]}]", "must map drivers to elasticities", id="list"),
        pytest.param("relations: [{driver: {dau: 1}}]", "'relations[0].driver', row 1: is not a key", id="key"),
        pytest.param("relations: [{drivers: {dau: x}}]", "must be a number from -10 to 10, or estimate", id="word"),
        pytest.param("relations: [{drivers: {dau: 11}}]", "the elasticity of 'dau' must be a number", id="high"),
        pytest.param("relations: [{drivers: {dau: .nan}}]", "the elasticity of 'dau' must be a number", id="nan"),
        pytest.param("relations: [{drivers: {dau: 1, dau: 2}}]", "must name each driver once", id="twice"),
        pytest.param("relations: [{drivers: {a/../b: 1}}]", "a driver must not have a '..' part", id="name"),
        pytest.param("relations: [{groups: [], drivers: {a: 1}}]", "must be a list of groups like", id="no groups"),
        pytest.param(
            "relations: [{groups: [a], pools: [b], drivers: {a: 1}}]", "must not stand beside `groups`", id="both"
        ),
    ],
)
def test_a_bad_relation_is_refused_with_its_key_and_line(tmp_path, text, part):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text + "\n")
    assert part in str(caught.value)


def test_names_that_nobody_has_and_two_relations_of_one_group_are_all_found():
    relations = [
        Relation(elasticities=(("dua", 1.0),)),
        Relation(groups=("r1",), elasticities=(("dau", 1.0),)),
        Relation(pools=("r1/B",), elasticities=(("dau", 1.0),)),
    ]
    messages = [
        problem.message
        for problem in relation_problems(relations, drivers={"dau"}, groups={"r1", "r2"}, pools={"r1/A"})
    ]
    assert messages == [
        "driver 'dua' must be in the driver file, and is not. Did you mean 'dau'?",
        "group 'r1' must follow one relation, got two. Join their drivers in one.",
        "pool 'r1/B' must be in the usage before the decision date, and is not. Did you mean 'r1/A'?",
    ]
