import math
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import OutputError
from optimizer.jobs.backtest.decisions import Decision, Expectation, decision_of, decision_text, own_names
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.store import DecisionStore, state_key
from optimizer.portfolio import Commitment

BOUGHT = Commitment(commitment_id="<b>/=1", offer_id="=x", quantity=0.1 + 0.2, start_hour=1, end_hour=9)
EXPECTED = Expectation(
    cost_usd=1 / 3,
    cost_low_usd=0.1,
    cost_high_usd=1e300,
    stranded_usd=0.0,
    committed_usd=0.0,
    stranded_low_fraction=math.nan,
    stranded_high_fraction=math.nan,
    year_stranded_usd=2.0,
    year_committed_usd=5.0,
    year_end_hour=77,
    gap_fraction=1e-5,
    forecast_loss=math.nan,
)
DECISION = Decision(date_hour=1, bought=(BOUGHT,), expected=EXPECTED)


def test_a_decision_comes_back_to_the_last_bit(tmp_path: Path):
    store = DecisionStore(tmp_path, "key")
    store.save("chain", DECISION)
    loaded = store.load("chain", 1)
    assert decision_text(loaded) == decision_text(DECISION)
    assert loaded.bought == DECISION.bought
    assert decision_of(decision_text(Decision(date_hour=3, bought=()))) == Decision(date_hour=3, bought=())


def test_another_key_chain_or_date_is_another_decision(tmp_path: Path):
    DecisionStore(tmp_path, "key").save("chain", DECISION)
    assert DecisionStore(tmp_path, "other").load("chain", 1) is None
    assert DecisionStore(tmp_path, "key").load("other", 1) is None
    assert DecisionStore(tmp_path, "key").load("chain", 2) is None


@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:-5], lambda text: text.replace("0.1", "0.2"), lambda _: ""],
    ids=["cut short", "changed", "empty"],
)
def test_a_state_that_is_not_what_was_written_is_made_again(tmp_path: Path, damage):
    store = DecisionStore(tmp_path, "key")
    store.save("chain", DECISION)
    (place,) = store.folder.iterdir()
    place.write_text(damage(place.read_text()))
    assert store.load("chain", 1) is None


def test_pruning_keeps_what_this_run_asked_for(tmp_path: Path):
    DecisionStore(tmp_path, "old").save("chain", DECISION)
    store = DecisionStore(tmp_path, "new")
    store.save("chain", DECISION)
    store.prune()
    assert DecisionStore(tmp_path, "new").load("chain", 1) is not None
    assert DecisionStore(tmp_path, "old").load("chain", 1) is None


def test_a_place_that_cannot_hold_state_is_told(tmp_path: Path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="Choose another --out"):
        DecisionStore(tmp_path / "out", "key").save("chain", DECISION)


def test_the_key_is_of_content_options_and_window_but_not_of_file_names(
    tiny: Path, tiny_setting: Setting, setting_of, tmp_path: Path
):
    for name in ("usage.csv", "prices.csv", "roadmap.yaml"):
        (tmp_path / name).write_bytes((tiny / name).read_bytes())
    same = setting_of(tmp_path)
    assert state_key(same) == state_key(tiny_setting)
    seeded = replace(same.request, options=replace(same.request.options, seed=1))
    assert state_key(replace(same, request=seeded)) != state_key(same)
    assert state_key(setting_of(tmp_path, end="2024-04-09")) != state_key(same)
    with (tmp_path / "prices.csv").open("a") as stream:
        stream.write("od:z,on_demand,aws,,z,0,none,1,0\n")
    assert state_key(setting_of(tmp_path)) != state_key(tiny_setting)


def test_purchases_get_names_that_nothing_else_has():
    (renamed,) = own_names((BOUGHT,), frozenset({"<b>/=1", "<b>/=1+"}))
    assert renamed == replace(BOUGHT, commitment_id="<b>/=1++")
    assert own_names((BOUGHT,), frozenset()) == (BOUGHT,)
