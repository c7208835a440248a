import numpy as np
import pytest
from numpy.testing import assert_allclose

from optimizer.jobs.backtest.decisions import Decision, Replay
from optimizer.jobs.backtest.hindsight import applied_usd, hindsight
from optimizer.jobs.backtest.regret import STEPS, freedom_ladder, regret_parts
from optimizer.jobs.backtest.request import Setting
from optimizer.jobs.backtest.score import lock_in_usd, on_demand_figures, stranded_ahead, track_of
from optimizer.portfolio import Commitment

TERM = 730
BATCH, RESERVED = "west/<b>batch", "=ri:west/<b>batch"


def _replay(setting: Setting, *quantities: float) -> Replay:
    """Reservations of west/batch on each date, by quantity."""
    decisions = []
    for date, quantity in zip(setting.dates.tolist(), quantities, strict=True):
        bought = Commitment(
            commitment_id=f"{date}", offer_id=RESERVED, quantity=quantity, start_hour=date, end_hour=date + TERM
        )
        decisions.append(Decision(date_hour=date, bought=(bought,)))
    return Replay(name="x", title="X", decisions=tuple(decisions))


def test_a_track_is_what_a_plain_loop_over_the_hours_bills(tiny_setting: Setting):
    market = tiny_setting.market(frozenset())
    track = track_of(_replay(tiny_setting, 12.0, 9.0), tiny_setting, market)
    came, rates = tiny_setting.came, {"east/old": 1.0, "east/new": 0.9, BATCH: 0.5}
    total = committed = stranded = 0.0
    for column in range(came.units.shape[1]):
        hour = tiny_setting.start_hour + column
        held = sum(
            quantity
            for quantity, date in zip((12.0, 9.0), tiny_setting.dates.tolist(), strict=True)
            if date <= hour < date + TERM
        )
        committed += 0.3 * held
        total += 0.3 * held
        for row, pool in enumerate(came.pools):
            units = came.units[row, column]
            covered = min(units, held) if pool == BATCH else 0.0
            total += (units - covered) * rates[pool]
            stranded += 0.3 * (held - covered) if pool == BATCH else 0.0
    assert_allclose(track.whole.total_usd, total)
    assert_allclose(track.whole.committed_usd, committed)
    assert_allclose(track.whole.stranded_usd, stranded)
    assert_allclose(sum(period.total_usd for period in track.periods), total)
    assert_allclose(track.daily_usd.sum(), total)


def test_lock_in_is_what_is_still_owed_for_what_was_bought_by_then(tiny_setting: Setting):
    market = tiny_setting.market(frozenset())
    first, second = tiny_setting.dates.tolist()
    track = track_of(_replay(tiny_setting, 12.0, 9.0), tiny_setting, market)
    rest = max(0, first + TERM - second)
    assert_allclose(track.lock_in_usd, (0.3 * 12 * TERM, 0.3 * (9 * TERM + 12 * rest)))
    assert lock_in_usd((), market, first) == 0.0


def test_stranding_ahead_leaves_later_purchases_out(tiny_setting: Setting):
    market = tiny_setting.market(frozenset())
    replay = _replay(tiny_setting, 12.0, 9_000.0)
    first, second = tiny_setting.dates.tolist()
    alone = stranded_ahead(replay, tiny_setting, market, date_hour=first, end_hour=tiny_setting.end_hour)
    assert_allclose(alone.committed_usd, 0.3 * 12 * TERM)
    both = stranded_ahead(replay, tiny_setting, market, date_hour=second, end_hour=tiny_setting.end_hour)
    assert both.stranded_fraction > 0.9


def test_the_optimum_of_one_purchase_is_the_break_even_quantile_of_its_hours(tiny_setting: Setting):
    market, first = tiny_setting.market(frozenset()), int(tiny_setting.dates[0])
    found = hindsight(tiny_setting, market, tell=lambda _: None, batches={(RESERVED, first)})
    span = tiny_setting.came.units[tiny_setting.came.pools.index(BATCH), :TERM]
    costs = [0.3 * level * TERM + 0.5 * np.maximum(span - level, 0.0).sum() for level in span]
    whole = on_demand_figures(tiny_setting, market, start_hour=first, end_hour=tiny_setting.end_hour).total_usd
    assert [one.offer_id for one in found.bought] == [RESERVED]
    assert_allclose(found.cost_usd, whole - 0.5 * span.sum() + min(costs), rtol=1e-5)


def test_more_freedom_never_costs_more_and_the_parts_sum_to_the_regret(tiny_setting: Setting):
    market = tiny_setting.market(frozenset())
    replay = _replay(tiny_setting, 12.0, 9.0)
    billed = track_of(replay, tiny_setting, market).whole.total_usd
    ladder = freedom_ladder(replay, tiny_setting, market, tell=lambda _: None)
    costs = (
        ladder.applied_usd,
        ladder.same_purchases.cost_usd,
        ladder.same_offers.cost_usd,
        ladder.clairvoyant.cost_usd,
    )
    assert_allclose(ladder.applied_usd, billed)  # one reservation: there is only one order
    assert list(costs) == sorted(costs, reverse=True)
    assert ladder.clairvoyant.lower_bound_usd <= ladder.clairvoyant.cost_usd * (1 + 1e-9)
    parts = regret_parts(billed, (billed, billed, *costs))
    assert [part.name for part in parts] == [name for name, _, _ in STEPS]
    assert_allclose(sum(part.usd for part in parts), billed - ladder.clairvoyant.cost_usd)
    assert parts[-1].usd > 0  # plans and the other pools were never bought
    assert min(part.usd for part in parts) >= -1e-6 * billed


def test_the_optimum_of_the_same_purchases_is_no_dearer_than_any_scaling_of_them(tiny_setting: Setting):
    market = tiny_setting.market(frozenset())
    replay = _replay(tiny_setting, 12.0, 9.0)
    best = freedom_ladder(replay, tiny_setting, market, tell=lambda _: None).same_purchases.cost_usd
    scaled = [
        applied_usd(tiny_setting, market, _replay(tiny_setting, 12.0 * a, 9.0 * b).bought)
        for a in (0.5, 1.0, 1.5)
        for b in (0.5, 1.0, 1.5)
    ]
    assert best <= min(scaled) * (1 + 1e-9)


@pytest.mark.parametrize("costs", [(), (1.0,)])
def test_a_chain_of_another_length_is_refused(costs: tuple[float, ...]):
    with pytest.raises(ValueError, match="zip"):
        regret_parts(1.0, costs)
