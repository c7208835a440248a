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
from optimizer.billing.case_values import Case, as_fields
from optimizer.jobs.bill import BillRequest, bill_usage
from optimizer.jobs.inputs import InputPaths, RunOptions
from optimizer.jobs.known import KnownAnswer, KnownRequest, optimize_known
from optimizer.jobs.planning_case import PlanningCase
from optimizer.offers import Catalog
from optimizer.pools import pool_table
from optimizer.portfolio import read_commitments
from optimizer.prices import build_catalog, read_price_rows

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
    charge: str = "window",
) -> KnownAnswer:
    (folder / "policy.yaml").write_text(policy)
    request = KnownRequest(
        paths=InputPaths(usage=demand, prices=prices, commitments=commitments, policy=folder / "policy.yaml"),
        options=RunOptions(terms_months=terms),
        date_hours=tuple(hour_of_date(date) for date in dates),
        start_hour=None if start is None else hour_of_date(start),
        end_hour=None if end is None else hour_of_date(end),
        method=method,
        charge=charge,
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


@pytest.mark.parametrize("method", ["extensive", "cuts"])
def test_a_full_term_is_bought_where_the_use_in_the_window_alone_pays_for_all_of_it(tmp_path: Path, method: str):
    """A quarter of the year lies in the window: a unit must save 4 x its fee in its hours of use."""
    units = np.random.default_rng(3).gamma(2.0, 10.0, 2190).round(3)
    demand = _write_demand(tmp_path / "demand.csv", units)
    prices = tmp_path / "prices.csv"
    for fee, is_bought in ((0.2, True), (0.26, False)):
        prices.write_text(HEADER + f"od,on_demand,aws,r,p,0,none,1.0,0\nri,reserved_standard,aws,r,p,12,none,{fee},0\n")
        answer = _optimum(tmp_path, demand=demand, prices=prices, method=method, charge="full-term")
        quantity = np.quantile(units, 1 - 4 * fee, method="inverted_cdf") if is_bought else 0.0
        cost = fee * 8760 * quantity + np.maximum(units - quantity, 0).sum()
        assert_allclose(sum(p.quantity for p in answer.purchases), quantity, rtol=1e-3)
        assert_allclose(answer.total_usd, cost, rtol=1e-6)
        assert_allclose(answer.certificate.lower_bound_usd, cost, rtol=1e-6)
        assert_allclose(answer.beyond_window_usd, fee * (8760 - 2190) * quantity, rtol=1e-3)
        assert_allclose(answer.certificate.lp_usd + answer.certificate.tail_usd, answer.certificate.upper_bound_usd)


def test_purchases_in_every_hour_in_whole_units_with_terms_in_hours_are_those_of_a_published_kind_of_case(
    tmp_path: Path, plimsoll: Callable[..., Result]
):
    """The command line on files, against the runner of cases on the same figures."""
    demand = {"hour": list(range(1, 9)), "a": [1, 4, 4, 5, 2, 2, 6, 6], "b": [3, 3, 0, 0, 2, 5, 5, 5]}
    tables = {
        "on_demand": {"instance": ["a", "b"], "hourly_price": [1.0, 1.7]},
        "reserved": {
            "instance": ["a", "b"],
            "hourly_price": [0.5, 0.8],
            "upfront_price": [0.4, 0.0],
            "duration": [3, 4],
        },
        "demand": demand,
    }
    case = Case(
        case_id="c",
        provider="generic",
        kind="planning_optimum",
        title="",
        inputs=as_fields(tables, "inputs"),
        expected={},
        tolerance=1e-6,
    )
    rows = [f"{iso_of_hour(START + h)},{name},{demand[name][h]}" for h in range(8) for name in ("a", "b")]
    (tmp_path / "demand.csv").write_text("\n".join(["hour_utc,pool,units", *rows]) + "\n")
    offers = [
        "od:a,on_demand,aws,r,a,0,none,1.0,0,",
        "od:b,on_demand,aws,r,b,0,none,1.7,0,",
        "ra,reserved_standard,aws,r,a,0,partial,0.5,0.4,3",
        "rb,reserved_standard,aws,r,b,0,none,0.8,0,4",
    ]
    (tmp_path / "prices.csv").write_text("\n".join([HEADER.strip() + ",term_hours", *offers]) + "\n")
    (tmp_path / "policy.yaml").write_text("increments: {units: 1}\n")
    result = plimsoll(
        *("optimize", "--demand", tmp_path / "demand.csv", "--prices", tmp_path / "prices.csv"),
        *("--dates", "every-hour", "--charge", "full-term", "--policy", tmp_path / "policy.yaml"),
        *("--out", tmp_path / "out"),
    )
    assert result.exit_code == 0, result.output
    assert "After the window the purchases cost" in result.output
    document = json.loads((tmp_path / "out" / "plan.json").read_text())
    assert_allclose(document["total_usd"], PlanningCase(case).found.objective_usd, rtol=1e-9)
    assert document["charge"] == "full-term"
    whole = document["certificate"]["whole_steps"]
    assert_allclose(whole["upper_bound_usd"], document["total_usd"], rtol=1e-9)
    assert whole["gap_fraction"] <= 1e-6
    assert all(purchase["quantity"] == round(purchase["quantity"]) for purchase in document["purchases"])
    bought = read_commitments(
        tmp_path / "out" / "purchases.csv", _catalog(tmp_path / "prices.csv"), prices="prices.csv"
    )  # names of purchases within one day differ
    assert len(bought) == len(document["purchases"]) > 2


def _catalog(prices: Path) -> Catalog:
    return build_catalog(
        read_price_rows(prices), pools=("a", "b"), pool_table=pool_table(("a", "b"), {}), source="prices.csv"
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
