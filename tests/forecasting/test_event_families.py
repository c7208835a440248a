import numpy as np
import pytest

from forecasting.event_families import GUESSED_SD, LEARNED_SD, Seen, beliefs, family_key
from forecasting.roadmap import Event, EventKind


def sale(name, *, kind=EventKind.PROMOTION, pool="g/a", **fields):
    return Event(name=name, kind=kind, to_shares=((pool, 1.0),), start_hour=0, end_hour=24, **fields)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Super Bowl 2010", "super-bowl-2011"),
        ("Black Friday (Nov 2022)", "black friday, November 24th 2023"),
        ("Q3 push", "q4 PUSH"),
        ("FY23 sale", "sale FY24"),
    ],
)
def test_names_that_differ_by_dates_are_one_family(one, other):
    assert family_key(sale(one)) == family_key(sale(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (sale("spring sale"), sale("autumn sale")),
        (sale("sale 1"), sale("sale 2", pool="g/b")),
        (sale("sale 1"), sale("sale 2", kind=EventKind.LAUNCH)),
        (sale("2022"), sale("2023")),
        (sale("a", recurring="x"), sale("a", recurring="y")),
    ],
)
def test_other_names_pools_kinds_and_labels_are_other_families(one, other):
    assert family_key(one) != family_key(other)


def test_a_label_joins_what_names_do_not():
    assert family_key(sale("Berlin", recurring="fair")) == family_key(sale("Paris", recurring="fair"))


def test_a_lone_event_is_believed_as_declared_within_the_guess():
    (belief,) = beliefs([sale("one", add_units=10.0)], [None])
    assert (belief.mean, belief.n_seen) == (1.0, 0)
    np.testing.assert_allclose(belief.sd, GUESSED_SD)


def test_a_declared_range_replaces_the_guess():
    (belief,) = beliefs([sale("one", add_units=10.0, size_range=(0.9, 1.1))], [None])
    np.testing.assert_allclose(belief.sd, 0.1 / 1.2815515655446004)


def test_many_alike_occurrences_outweigh_the_declaration():
    events = [sale(f"sale {number}", add_units=10.0) for number in range(41)]
    belief = beliefs(events, [*[Seen(score=1.8, sd=0.01)] * 40, None])[-1]
    np.testing.assert_allclose(belief.mean, 1.8, atol=0.02)
    assert belief.n_seen == 40
    assert belief.sd < 0.15


def test_occurrences_that_differ_leave_the_next_uncertain():
    events = [sale(f"sale {number}", add_units=10.0) for number in range(31)]
    scores = np.random.default_rng(0).normal(1.5, 0.6, 30)
    belief = beliefs(events, [*(Seen(score=score, sd=0.01) for score in scores), None])[-1]
    np.testing.assert_allclose(belief.sd, 0.6, rtol=0.25)


def test_an_occurrence_does_not_speak_for_itself():
    events = [sale("sale 1", add_units=10.0), sale("sale 2", add_units=10.0)]
    first, second = beliefs(events, [Seen(score=3.0, sd=0.01), Seen(score=1.0, sd=0.01)])
    assert first.mean == pytest.approx(1.0)
    assert second.mean > 1.5


def test_effects_without_a_declared_size_are_learned_from_none():
    events = [sale(str(number), recurring="fair") for number in range(10)]
    nothing = beliefs(events[:1], [None])[0]
    assert nothing.mean == 0
    assert nothing.sd > LEARNED_SD
    learned = beliefs(events, [*[Seen(score=1.2, sd=0.05)] * 9, None])[-1]
    np.testing.assert_allclose(learned.mean, 1.2, atol=0.05)


def test_a_kind_whose_sizes_came_far_off_widens_the_belief_in_the_next():
    launches = [
        sale(f"{name} it", kind=EventKind.LAUNCH, add_units=5.0) for name in ("alpha", "beta", "gamma", "delta")
    ]
    wide = beliefs(launches, [*[Seen(score=2.5, sd=0.05)] * 3, None])[-1]
    narrow = beliefs(launches, [*[Seen(score=1.0, sd=0.05)] * 3, None])[-1]
    assert narrow.sd < GUESSED_SD < wide.sd
    assert narrow.mean == wide.mean == 1.0
