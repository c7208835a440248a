import numpy as np
import pytest

from forecasting.roadmap import Event, EventKind, RampShape


def migration(start_hour, **fields):
    given_fields = {
        "name": "a to b",
        "kind": EventKind.MIGRATION,
        "from_pools": ("g/a",),
        "to_shares": (("g/b", 1.0),),
        "start_hour": start_hour,
        "end_hour": start_hour + 24 * 10,
        "shape": RampShape.LINEAR,
    }
    return Event(**(given_fields | fields))


def parts_of(made, window, pool):
    return {p.name: p.units for p in made.decomposition.parts if p.window == window and p.pool == pool}


@pytest.fixture(scope="module")
def fleet(make_history):
    """A pool of 100 moves to a new one over ten days, 60 days before the end; both grow by nothing else."""
    done = np.clip((np.arange(24 * 500) - 24 * 440) / 240, 0, 1)
    return make_history(np.stack([100 * (1 - done), 20 + 100 * done]))


def test_a_declared_migration_is_all_of_the_growth_of_its_pools(fleet, make_forecast):
    made = make_forecast(fleet, events=[migration(fleet.start_hour + 24 * 440)])
    for window in ("last 90 days", "last 365 days"):
        np.testing.assert_allclose(parts_of(made, window, "g/a")["a to b"], -100)
        np.testing.assert_allclose(parts_of(made, window, "g/b")["a to b"], 100)
        np.testing.assert_allclose(parts_of(made, window, "g/a")["organic"], 0, atol=1e-9)
        np.testing.assert_allclose(parts_of(made, window, "g/b")["organic"], 0, atol=1e-9)
        np.testing.assert_allclose(made.decomposition.growth_units(window), 0, atol=1e-9)


def test_an_undeclared_migration_counts_as_organic(fleet, make_forecast):
    made = make_forecast(fleet)
    assert parts_of(made, "last 90 days", "g/b") == {"organic": pytest.approx(100)}


def test_parts_add_up_to_the_growth_of_every_pool_and_of_the_total(make_history, make_forecast):
    rng = np.random.default_rng(0)
    past = make_history(rng.gamma(20, [[2.0], [1.0]], (2, 24 * 450)) * np.exp(np.arange(24 * 450) / 24 / 900))
    events = [
        migration(past.start_hour + 24 * 420, size=0.7, conversion=0.8),
        Event(
            name="launch",
            kind=EventKind.LAUNCH,
            to_shares=(("g/b", 1.0),),
            add_units=10.0,
            start_hour=past.end_hour + 24 * 5,
            end_hour=past.end_hour + 24 * 6,
            probability=0.5,
        ),
    ]
    made = make_forecast(past, n_days=90, events=events)
    units = past.units.reshape(2, 450, 24).mean(axis=2)
    weights, future = made.scenarios.weights, made.scenarios.units[:, :, -24 * 28 :].mean(axis=2)
    grown = {
        "last 90 days": units[:, -28:].mean(axis=1) - units[:, -118:-90].mean(axis=1),
        "last 365 days": units[:, -28:].mean(axis=1) - units[:, -393:-365].mean(axis=1),
        "horizon": weights @ future - units[:, -28:].mean(axis=1),
    }
    for window, growth in grown.items():
        for row, pool in enumerate(("g/a", "g/b")):
            np.testing.assert_allclose(sum(parts_of(made, window, pool).values()), growth[row], rtol=1e-9)
        np.testing.assert_allclose(sum(parts_of(made, window, None).values()), growth.sum(), rtol=1e-9)
        by_kind = [made.decomposition.growth_units(window, kind=kind) for kind in ("organic", "inorganic")]
        np.testing.assert_allclose(sum(by_kind), made.decomposition.growth_units(window), rtol=1e-9)
    np.testing.assert_allclose(
        parts_of(made, "horizon", "g/b")["launch"], 10 * 0.5, atol=2.5
    )  # half of the paths, give or take


def test_windows_that_history_does_not_hold_are_left_out(make_history, make_forecast):
    made = make_forecast(make_history(np.ones(24 * 117)))
    assert {p.window for p in made.decomposition.parts} == {"horizon"}
    made = make_forecast(make_history(np.ones(24 * 118)))
    assert {p.window for p in made.decomposition.parts} == {"last 90 days", "horizon"}
