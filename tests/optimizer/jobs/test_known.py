"""The optimum for known demand: against a closed form, the bill, the other method, and the real trace."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from forecasting.errors import InputError
from forecasting.hours import hour_of_date, iso_of_hour
from optimizer.jobs.bill import BillRequest, bill_usage
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.known import KnownAnswer, KnownRequest, optimize_known

START = hour_of_date("2024-01-01")
TRACE_OPTIMUM_USD = 2_765_698.2  # r1, 2022-02-01 to 2023-02-01, one date, 1-year reservations and compute plan
HEADER = "offer_id,kind,provider,region,pool,term_months,payment_option,hourly_usd,upfront_usd\n"
ONE_OFFER = HEADER + "od,on_demand,aws,r,p,0,none,1.0,0\nri,reserved_standard,aws,r,p,12,partial,0.3,2628\n"


def _optimum(  # noqa: PLR0913  # each is a part of the request that some test sets
    folder: Path,
    *,
    demand: Path,
    prices: Path,
    dates: tuple[str, ...] = ("2024-01-01",),
    start: str | None = None,
    end: str | None = None,
    commitments: Path | None = None,
    policy: str = "{}\n",
    terms: tuple[int, ...] = (12,),
    method: str = "auto",
) -> KnownAnswer:
    (folder / "policy.yaml").write_text(policy)
    request = KnownRequest(
        paths=InputPaths(usage=demand, prices=prices, commitments=commitments, policy=folder / "policy.yaml"),
        options=RunOptions(terms_months=terms),
        date_hours=tuple(hour_of_date(date) for date in dates),
        start_hour=None if start is None else hour_of_date(start),
        end_hour=None if end is None else hour_of_date(end),
        method=method,
    )
    return optimize_known(request, tell=lambda _: None)


def _write_demand(path: Path, units: np.ndarray, pool: str = "p") -> Path:
    hours = [iso_of_hour(START + hour) for hour in range(len(units))]
    pd.DataFrame({"hour_utc": hours, "pool": pool, "units": units}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("method", ["extensive", "cuts"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_offer_is_bought_at_the_break_even_quantile(tmp_path: Path, method: str, seed: int):
    units = np.random.default_rng(seed).gamma(2.0, 10.0, 499).round(3)
    prices = tmp_path / "prices.csv"
    prices.write_text(ONE_OFFER)
    demand = _write_demand(tmp_path / "demand.csv", units)
    rate = 0.3 + 2628 / 8760  # a fee of 0.6: worth it for the units used in more than 60 % of the hours
    answer = _optimum(tmp_path, demand=demand, prices=prices, method=method)
    quantity = np.quantile(units, 1 - rate, method="inverted_cdf")
    cost = rate * quantity * len(units) + np.maximum(units - quantity, 0).sum()
    assert_allclose(answer.purchases[0].quantity, quantity, rtol=1e-3)
    assert_allclose(answer.summaries[0].mean_usd, cost, rtol=1e-6)
    assert_allclose(answer.certificate.lower_bound_usd, cost, rtol=1e-6)
    assert_allclose(answer.summaries[1].mean_usd, units.sum(), rtol=1e-12)


@pytest.mark.parametrize("with_commitments", [False, True], ids=["nothing-owned", "something-owned"])
def test_both_methods_and_the_bill_agree(
    small_fleet: Path, tmp_path: Path, plimsoll: Callable[..., Result], *, with_commitments: bool
):
    owned = small_fleet / "commitments.csv" if with_commitments else None
    usage, prices = small_fleet / "usage.csv", small_fleet / "prices.csv"
    found = [
        _optimum(
            tmp_path,
            demand=usage,
            prices=prices,
            dates=("2024-03-01", "2024-03-08"),
            end="2024-03-15",
            commitments=owned,
            terms=(1,),
            method=method,
        )
        for method in ("extensive", "cuts")
    ]
    reference, fast = found
    assert reference.certificate.gap_fraction <= 1e-9
    assert_allclose(fast.summaries[0].mean_usd, reference.summaries[0].mean_usd, rtol=2e-6)
    assert_allclose(fast.certificate.lp_usd, fast.certificate.billed_usd, rtol=1e-9)
    args = ["--demand", usage, "--prices", prices, "--dates", "2024-03-01,2024-03-08", "--end", "2024-03-15"]
    args += ["--commitments", owned] if owned else []
    result = plimsoll("optimize", *args, "--terms", "1", "--out", tmp_path / "optimum")
    assert result.exit_code == 0, result.output
    total = json.loads((tmp_path / "optimum" / "plan.json").read_text())["total_usd"]
    assert_allclose(total, fast.summaries[0].mean_usd, rtol=2e-6)
    bought = pd.read_csv(tmp_path / "optimum" / "purchases.csv").drop(columns="decision_date")
    everything = pd.concat([bought, pd.read_csv(owned)]) if owned else bought
    everything.to_csv(tmp_path / "all.csv", index=False)
    billed = plimsoll(
        *("bill", "--usage", usage, "--prices", prices, "--commitments", tmp_path / "all.csv"),
        *("--start", "2024-03-01", "--end", "2024-03-15", "--out", tmp_path / "bill"),
    )
    assert billed.exit_code == 0, billed.output
    assert_allclose(json.loads((tmp_path / "bill" / "bill.json").read_text())["total_usd"], total, rtol=1e-12)


def test_the_optimum_is_no_dearer_than_its_rivals_and_than_random_purchases(small_fleet: Path, tmp_path: Path):
    usage, prices = small_fleet / "usage.csv", small_fleet / "prices.csv"
    answer = _optimum(tmp_path, demand=usage, prices=prices, dates=("2024-03-01",), end="2024-03-31", terms=(1,))
    optimum = answer.summaries[0].mean_usd
    assert all(optimum <= rival.mean_usd for rival in answer.summaries[1:])
    rng = np.random.default_rng(11)
    best = {purchase.offer_id: purchase.quantity for purchase in answer.purchases}
    for number in range(6):
        rows = [
            f"c{place},{offer},{quantity * rng.uniform(0.8, 1.25)!r},2024-03-01,2024-03-31"
            for place, (offer, quantity) in enumerate(best.items())
        ]
        path = tmp_path / f"random-{number}.csv"
        path.write_text("\n".join(["commitment_id,offer_id,quantity,start_utc,end_utc", *rows]) + "\n")
        request = BillRequest(
            paths=InputPaths(usage=usage, prices=prices, commitments=path),
            options=RunOptions(),
            start_hour=hour_of_date("2024-03-01"),
            end_hour=hour_of_date("2024-03-31"),
        )
        assert bill_usage(request).bill.total_usd >= optimum * (1 - 1e-9)


@pytest.mark.parametrize(
    ("dates", "start", "end", "match"),
    [
        (("2024-03-01", "2024-03-01"), None, None, "must differ from each other"),
        (("2023-12-31",), None, None, "must lie inside the demand, 2024-01-01 to 2024-03-31"),
        (("2024-03-01",), None, "2024-05-01", "must lie inside the demand"),
        (("2024-03-01",), "2024-03-02", None, "--dates.*must lie inside the window, 2024-03-02"),
        (("2024-03-01",), None, "2024-03-01", "must end after it starts"),
    ],
    ids=["twice", "too-early", "too-late", "before-the-window", "empty-window"],
)
def test_dates_that_do_not_fit_the_demand_are_refused(
    small_fleet: Path,
    tmp_path: Path,
    dates: tuple[str, ...],
    start: str | None,
    end: str | None,
    match: str,
):
    with pytest.raises(InputError, match=match):
        _optimum(
            tmp_path,
            demand=small_fleet / "usage.csv",
            prices=small_fleet / "prices.csv",
            dates=dates,
            start=start,
            end=end,
        )


@pytest.mark.slow
@pytest.mark.parametrize("method", ["extensive", "cuts"])
def test_the_trace_has_its_known_optimum_and_the_bill_confirms_it(
    shared_data: Path, tmp_path: Path, plimsoll: Callable[..., Result], method: str
):
    trace = shared_data / "trace"
    prices = ["--prices", trace / "prices_r1.csv", "--terms", "12", "--missing-hours", "zero"]
    window = ["--start", "2022-02-01", "--end", "2023-02-01"]
    demand = ["--demand", trace / "usage_r1.parquet", "--dates", "2022-02-01", "--method", method]
    result = plimsoll("optimize", *demand, *prices, *window, "--out", tmp_path / "optimum")
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "optimum" / "plan.json").read_text())
    assert document["certificate"]["method"] == method
    assert_allclose(document["total_usd"], TRACE_OPTIMUM_USD, rtol=1e-4)
    usage = ["--usage", trace / "usage_r1.parquet", "--commitments", tmp_path / "optimum" / "purchases.csv"]
    billed = plimsoll("bill", *usage, *prices, *window, "--out", tmp_path / "bill")
    assert billed.exit_code == 0, billed.output
    assert_allclose(
        json.loads((tmp_path / "bill" / "bill.json").read_text())["total_usd"], document["total_usd"], rtol=1e-9
    )
