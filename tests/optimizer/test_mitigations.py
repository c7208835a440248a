import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.hours import hour_of_date
from optimizer.expected_loss import EventLoss
from optimizer.headroom_policy import MitigationPart
from optimizer.mitigations import PoolMonth, decide_mitigations, work_usd
from optimizer.shortage import ClassPeaks, LossCurve, loss_curve

START = hour_of_date("2026-01-01")
YEAR = 8_760
NAMES = ("probability_factor", "blast_factor", "affected_factor")


def _months(seed: int, pools: str) -> list[PoolMonth]:
    """Two months of each pool with random peaks and losses."""
    rng = np.random.default_rng(seed)
    out = []
    for pool, month in itertools.product(pools, (START, START + 744)):
        curve = loss_curve(
            ClassPeaks(factors=np.array([1.0]), units=rng.uniform(10, 50, (1, 4))),
            rng.dirichlet(np.ones(4)),
            EventLoss(direct_usd=float(rng.uniform(0, 200)), liability_usd=float(rng.uniform(0, 100))),
            unit_usd=float(rng.uniform(0.5, 10)),
            free_units=20.0,
        )
        out.append(PoolMonth(pool=pool, start_hour=month, curve=curve, base_probability=0.2))
    return out


def _least_usd(months: list[PoolMonth], parts: tuple[MitigationPart, ...]) -> float:
    """Holding cost and loss with some work done, month by month and level by level."""
    total = 0.0
    for one in months:
        direct, liability = one.curve.direct_usd, one.curve.liability_usd
        for part in parts:
            if one.pool in part.pools and (part.start is None or hour_of_date(part.start) <= one.start_hour):
                direct = direct * part.probability_factor * part.blast_factor * part.duration_factor
                liability = liability * part.probability_factor * part.affected_factor
        total += float(np.min(one.curve.holding_usd + direct + liability))
    return total


def _parts(seed: int) -> tuple[MitigationPart, ...]:
    """Three pieces of work that touch each other, one that starts in the second month, and one apart."""
    rng = np.random.default_rng(seed)

    def part(name: str, pools: str, start: str | None = None) -> MitigationPart:
        """Work with random factors and a cost of the order of what it saves."""
        factors = dict(zip(NAMES, rng.uniform(0, 0.99, 3).tolist(), strict=True))
        return MitigationPart(name=name, pools=tuple(pools), cost_usd=float(rng.uniform(0, 60)), start=start, **factors)

    return part("cells", "ab"), part("shed", "b"), part("queue", "bc", "2026-01-15"), part("alone", "d")


@given(seed=st.integers(0, 10**6))
@settings(max_examples=12)
def test_what_is_done_costs_least_of_every_choice(seed: int):
    months, parts = _months(seed, "abcd"), _parts(seed)
    rows = decide_mitigations(parts, months, start_hour=START, end_hour=START + YEAR)
    assert [row.name for row in rows] == ["cells", "shed", "queue", "alone"]
    done = tuple(part for part, row in zip(parts, rows, strict=True) if row.verdict == "mitigate")
    told = _least_usd(months, done) + sum(part.cost_usd for part in done)
    choices = [chosen for n in range(5) for chosen in itertools.combinations(parts, n)]
    best = min(_least_usd(months, chosen) + sum(part.cost_usd for part in chosen) for chosen in choices)
    assert_allclose(told, best, rtol=1e-9)
    for part, row in zip(parts, rows, strict=True):
        others = tuple(one for one in done if one is not part)
        saved = _least_usd(months, others) - _least_usd(months, (*others, part))
        assert_allclose(row.saved_usd, saved, rtol=1e-9, atol=1e-9)
        assert (row.verdict == "mitigate") == (saved > part.cost_usd)
        spent = row.holding_usd + row.loss_usd - row.mitigated_holding_usd - row.mitigated_loss_usd
        assert_allclose(spent, saved, rtol=1e-9, atol=1e-9)


def _single(chance: float, *, levels: int = 1) -> list[PoolMonth]:
    """One month whose peak passes what is firm with a chance, at a loss of 50 M USD."""
    curve = LossCurve(
        units=np.array([120.0, 150.0]),
        holding_usd=np.array([0.0, 20e6]),
        probability=np.array([chance, 0.0]),
        direct_usd=np.array([chance * 50e6, 0.0]),
        liability_usd=np.zeros(2),
    )
    return [PoolMonth(pool="a", start_hour=START, curve=curve.levels(0, levels), base_probability=chance)]


@pytest.mark.parametrize(("chance", "verdict"), [(0.05, "accept"), (0.0999, "accept"), (0.11, "mitigate")])
def test_work_that_removes_the_loss_pays_above_its_cost_over_the_loss(chance: float, verdict: str):
    part = MitigationPart(name="m", pools=("a",), cost_usd=5e6, probability_factor=0.0)
    (row,) = decide_mitigations([part], _single(chance), start_hour=START, end_hour=START + YEAR)
    assert row.verdict == verdict
    flip = row.flip_above_probability if verdict == "accept" else row.flip_below_probability
    assert_allclose(flip, 0.1, rtol=1e-9)
    assert_allclose(row.saved_usd, chance * 50e6, rtol=1e-12)


def test_where_headroom_is_the_cheaper_way_the_work_is_worth_no_more_than_it():
    part = MitigationPart(name="m", pools=("a",), cost_usd=19e6, blast_factor=0.0)
    (row,) = decide_mitigations([part], _single(0.9, levels=2), start_hour=START, end_hour=START + YEAR)
    assert row.verdict == "mitigate"
    assert_allclose([row.saved_usd, row.holding_usd, row.mitigated_holding_usd], [20e6, 20e6, 0.0], atol=1e-6)
    assert_allclose(row.flip_below_probability, 19e6 / 50e6, rtol=1e-9)
    assert row.flip_above_factor is None
    dearer = part.model_copy(update={"cost_usd": 21e6})
    (row,) = decide_mitigations([dearer], _single(0.9, levels=2), start_hour=START, end_hour=START + YEAR)
    assert (row.verdict, row.flip_above_factor, row.flip_below_factor) == ("accept", None, None)


def test_what_is_decided_has_no_figures():
    part = MitigationPart(name="m", pools=("a",), blast_factor=0.5, decided=True)
    (row,) = decide_mitigations([part], _single(0.5), start_hour=START, end_hour=START + YEAR)
    assert (row.verdict, row.cost_usd, row.saved_usd) == ("decided", None, None)


def test_work_on_pools_without_a_declared_loss_saves_nothing():
    part = MitigationPart(name="m", pools=("b",), blast_factor=0.5)
    (row,) = decide_mitigations([part], _single(0.5), start_hour=START, end_hour=START + YEAR)
    assert (row.verdict, row.saved_usd, row.probability) == ("accept", 0.0, 0.0)


@pytest.mark.parametrize(
    ("start", "usd"), [(None, 140.0), ("2025-06-01", 140.0), ("2026-07-02", 80.16), ("2027-01-01", 20.0)]
)
def test_yearly_costs_count_from_the_day_the_work_is_there(start: str | None, usd: float):
    part = MitigationPart(name="m", pools=("a",), cost_usd=20.0, cost_usd_per_year=120.0, blast_factor=0.5, start=start)
    assert_allclose(work_usd(part, start_hour=START, end_hour=START + YEAR), usd, atol=0.01)
