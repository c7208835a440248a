"""`plimsoll assess`: the worked examples of the practice come out as printed, from the files that are shipped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

EXAMPLES = Path(__file__).resolve().parents[1] / "fixtures" / "examples"
FILES = ("projects.yaml", "build_or_buy.yaml", "assets.yaml", "risks.yaml", "usage.yaml")
MILLION = 1e6


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory, plimsoll: Callable[..., Result]) -> dict[str, Any]:
    """Every case of every shipped file by name, as the command writes it."""
    cases = {}
    for name in FILES:
        out = tmp_path_factory.mktemp("assessed")
        result = plimsoll("assess", EXAMPLES / name, "--out", out)
        assert result.exit_code == 0, result.output
        cases |= {case["name"]: case for case in json.loads((out / "assess.json").read_text())["cases"]}
        assert (out / "assess.html").read_bytes().startswith(b"<!doctype html>")
    return cases


def rows(case: dict[str, Any], table: str, key: str) -> list[Any]:
    return [row[key] for row in case["tables"][table]]


def test_every_example_that_is_shipped_is_read_here():
    assert sorted(path.name for path in EXAMPLES.glob("*.yaml")) == sorted(FILES)


def test_peak_event_headroom(assessed):
    case = assessed["peak-event headroom"]
    wanted = "Buy 150 % of peak if P(traffic > 125 %) > 0.10, else 120 % of peak."
    assert case["statement"] == wanted
    assert case["flip_points"] == [wanted]
    assert case["facts"]["flip_probability"] == 0.1
    assert assessed["peak-event headroom, chance known"]["verdict"] == "150 % of peak"


def test_stranded_commitment(assessed):
    case = assessed["stranded commitment"]
    assert case["facts"]["stranded_usd_per_month"] == 2 * MILLION
    assert_allclose(case["facts"]["stranded_fraction"], 0.2)
    assert case["statement"] == "Stranded 2,000,000 USD/month, 20 % of 10,000,000 USD/month."


def test_spot_refactor_with_a_flat_bill(assessed):
    case = assessed["spot refactor, flat bill"]
    assert case["verdict"] == "no-go"
    assert_allclose([case["facts"]["saved_usd_per_year"], case["facts"]["effort_usd"]], [168_000, 150_000])
    assert case["statement"].startswith("no-go: payback 10.7 months, hurdle 6 months.")
    assert_allclose(case["facts"]["break_even_bill_usd"], 150_000 / (6 * 0.7))
    assert case["flip_points"][0] == "Go from a bill of 35,714 USD/month on."


def test_spot_refactor_with_a_bill_that_grows(assessed):
    case = assessed["spot refactor, bill grows"]
    assert case["verdict"] == "go"
    assert case["statement"].startswith("go: payback 1.1 months at the larger bill")
    assert "At today's bill the payback is 10.7 months" in case["statement"]
    along = assessed["spot refactor, growing within a year"]
    assert 1.1 < along["facts"]["payback_months"] < 10.7


def test_large_spot_refactor(assessed):
    case = assessed["spot refactor, large"]
    assert case["verdict"] == "go"
    assert case["statement"].startswith("go: payback 3 months")


def test_buy_or_build(assessed):
    case = assessed["buy or build"]
    assert "build breaks even with buy in year 3 (2.5 years)" in case["statement"]
    assert rows(case, "options", "payback_years") == [None, 2.5]
    assert rows(case, "options", "total_usd") == [25 * MILLION, 15 * MILLION]
    best = {key: name for key, name in case["facts"].items() if key.startswith("best_by")}
    assert best == {
        "best_by_npv": "build",
        "best_by_ebitda": "build",
        "best_by_free_cash_flow": "buy",
        "best_by_payback": "buy",
    }


def test_build_buy_or_open_source_over_four_years(assessed):
    case = assessed["build, buy or open source"]
    yearly = [1_200_000 * 1.25**year for year in range(4)]
    present = sum(usd / 1.08 ** (year + 0.5) for year, usd in enumerate(yearly))
    assert_allclose(rows(case, "options", "present_usd")[0], present)
    for row in case["tables"]["options"]:
        own = [one for one in case["tables"]["years"] if one["name"] == row["name"]]
        assert_allclose(-sum(one["cash_usd"] for one in own), row["total_usd"])
        assert_allclose(sum(one["ebitda_usd"] for one in own), row["ebitda_usd"])


def test_owned_hardware_in_the_books(assessed):
    case = assessed["owned hardware"]
    assert rows(case, "years", "cash_usd") == [-10 * MILLION, 0, 0, 0, 0]
    assert rows(case, "years", "ebitda_usd") == [0, 0, 0, 0, 0]
    assert "-0.0" not in json.dumps(case)  # nor on the page
    assert rows(case, "years", "ebit_usd") == [0, *[-2.5 * MILLION] * 4]
    assert rows(case, "years", "rented_ebitda_usd") == [0, *[-2.5 * MILLION] * 4]
    assert "The same spent on demand is all in EBITDA: -10,000,000 USD" in case["statement"]


def test_capitalized_then_written_off(assessed):
    case = assessed["capitalized then written off"]
    assert case["facts"]["impairment_usd"] == 15 * MILLION
    assert case["facts"]["impairment_quarter"] == "2026-Q1"
    assert rows(case, "quarters", "impairment_usd") == [0, 0, 0, 0, 15 * MILLION]
    assert "15,000,000 USD undepreciated: 15,000,000 USD impairment in 2026-Q1" in case["statement"]


def test_cascade_of_use_with_salvage(assessed):
    case = assessed["cascade of use"]
    assert rows(case, "years", "rented_ebitda_usd") == [
        0,
        -5.2 * MILLION,
        -5.2 * MILLION,
        -2.3 * MILLION,
        -2.3 * MILLION,
    ]
    times = [(quarter + 0.5) / 4 for quarter in range(16)]
    gains = [5.2 * MILLION / 4] * 8 + [2.3 * MILLION / 4] * 8
    present = sum((gain - 0.7 * MILLION / 4) / 1.08**time for gain, time in zip(gains, times, strict=True))
    assert_allclose(case["facts"]["net_present_usd"], present + 0.8 * MILLION / 1.08 ** times[-1] - 10 * MILLION)


def test_infrastructure_demand_and_peak(assessed):
    case = assessed["infrastructure demand"]
    assert_allclose(case["facts"]["capacity_units"], 2_000_000 * 0.05 * 1.2)
    assert case["facts"]["capacity_p10_units"] < case["facts"]["capacity_units"] < case["facts"]["capacity_p90_units"]
    peak = assessed["peak, not average"]
    assert peak["facts"]["capacity_units"] == 500_000
    assert "sized on the peak of 500,000, not on the average of 100,000" in peak["statement"]


def test_unit_economics(assessed):
    case = assessed["cost per order"]
    assert case["verdict"] == "sub-linear"
    assert case["facts"]["elasticity_high"] < 1
    assert_allclose(rows(case, "periods", "amortized_unit_usd")[0], 0.25)
    assert_allclose(rows(case, "periods", "on_demand_equivalent_unit_usd")[0], 0.3475)
    assert_allclose(rows(case, "periods", "cash_unit_usd")[0], 0.3125)
    assert_allclose(rows(case, "glide_path", "unit_cost_usd")[-1], 0.18)


def test_availability(assessed):
    assert assessed["availability"]["statement"] == "99.9 % allows 8.76 h, 99.999 % allows 5.3 min a year."


def test_sla_credits(assessed):
    case = assessed["region down, with credits"]
    assert_allclose(case["facts"]["liability_usd"], 0.4 * 9 * MILLION * 0.1)
    assert_allclose(case["facts"]["expected_loss_usd"], 0.05 * (400_000 * 0.4 * 4 + 360_000))
    assert case["verdict"] == "accept"
    assert_allclose(case["facts"]["flip_probability"], 60_000 / (0.8 * MILLION))


def test_hour_dependent_impact(assessed):
    case = assessed["impact by hour"]
    assert "A minute of 'yearly peak' is worth 100 ordinary ones." in case["statement"]
    by_hours = {row["hours"]: row for row in case["tables"]["calendar"]}
    assert by_hours["yearly peak"]["impact_usd_per_minute"] == 100 * by_hours["ordinary"]["impact_usd_per_minute"]
    assert sum(row["n_hours"] for row in by_hours.values()) == 8_760
    parts = sum(row["expected_loss_usd"] for row in by_hours.values())
    assert_allclose(parts, case["facts"]["expected_loss_usd"])


def test_expected_loss_against_mitigation(assessed):
    case = assessed["database failover"]
    assert case["verdict"] == "mitigate"
    assert_allclose(case["facts"]["expected_loss_usd"], 0.2 * 100_000 * 0.5 * 4)
    assert case["flip_points"][0] == "Mitigate if the probability is above 15 %, else accept."


def test_it_prints_without_writing(plimsoll: Callable[..., Result], tmp_path: Path):
    result = plimsoll("assess", EXAMPLES / "risks.yaml")
    assert result.exit_code == 0
    assert "1. peak-event headroom (peak_headroom)" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_same_file_gives_the_same_bytes(plimsoll: Callable[..., Result], tmp_path: Path):
    for name in ("one", "two"):
        assert plimsoll("assess", EXAMPLES / "usage.yaml", "--out", tmp_path / name).exit_code == 0
    for name in ("assess.json", "assess.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_names_are_data(plimsoll: Callable[..., Result], tmp_path: Path):
    cases = tmp_path / "cases.yaml"
    hostile = "<script>alert(1)</script> [red]x[/red]"
    cases.write_text(
        f'cases:\n  - {{name: "{hostile}", kind: stranded, committed_usd_per_month: 1, usage_usd_per_month: 2}}\n'
    )
    result = plimsoll("assess", cases, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert hostile in result.stdout
    page = (tmp_path / "out/assess.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: []", "column 'cases', row 1: must have at least 1 of them, got []"),
        ("{}", "column 'cases': is missing. Add it."),
        ("cases:\n  - {name: a, kind: nope}", "must have a kind out of 'project'"),
        ("cases:\n  - {name: a, kind: availability, levels: [99.9]}", "A fraction: 15 % is 0.15."),
        (
            "cases:\n  - name: a\n    kind: asset\n    cost_usd: 10\n    life_years: 4\n    salvage: 1",
            "column 'cases[1].salvage', row 6: is not a key of a file of cases at this place. Did you mean",
        ),
        (
            "cases:\n  - {name: a, kind: project, one_off_usd: 5}",
            "must give monthly_bill_usd and saved_fraction, or else saved_usd_per_year",
        ),
        (
            "cases:\n  - {name: a, kind: stranded, committed_usd_per_month: 1, usage_usd_per_month: 1}\n"
            "  - {name: a, kind: availability, levels: [0.9]}",
            "names of cases must differ, 'a' is there twice",
        ),
        (
            "cases:\n  - name: a\n    kind: peak_headroom\n    options:\n"
            "      - {name: x, cost_usd: 0, fails_above_fraction: 1.1, loss_usd: 5}\n"
            "      - {name: y, cost_usd: 1, fails_above_fraction: 1.2, loss_usd: 5}\n",
            "exceedance must give the probability of passing 1.1, 1.2",
        ),
        (
            "cases:\n  - {name: a, kind: asset, cost_usd: 8, life_years: 2, dropped_after_quarters: 8}",
            "dropped_after_quarters must lie before the end of life_years",
        ),
        (
            "cases:\n  - {name: a, kind: project, saved_usd_per_year: 9, saved_fraction: 0.5}",
            "must give monthly_bill_usd and saved_fraction, or else saved_usd_per_year",
        ),
        ("cases:\n  - {name: a, kind: availability, kind: availability, levels: [0.9]}", "must be there once"),
        ('cases:\n  - {name: "a\\tb", kind: availability, levels: [0.9]}', "must not hold control characters"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    plimsoll: Callable[..., Result], tmp_path: Path, text: str, message: str
):
    cases = tmp_path / "cases.yaml"
    cases.write_text(text + "\n")
    result = plimsoll("assess", cases, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_all_problems_come_at_once(plimsoll: Callable[..., Result], tmp_path: Path):
    cases = tmp_path / "cases.yaml"
    cases.write_text("cases:\n  - {name: a, kind: availability, levels: [2], x: 1}\n  - {kind: capacity}\n")
    result = plimsoll("assess", cases)
    assert "is refused, 5 problems" in result.stderr
