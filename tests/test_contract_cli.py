"""`plimsoll contract` on the small fleet: files, their sums, the page, and the messages of bad offers."""

import csv
import hashlib
import json

import pytest

OFFERS = """currency: USD
other_spend:
  - {name: "storage", provider: aws, usd_per_year: 50000, growth_fraction: [0.0, 0.1, 0.2]}
offers:
  - name: "=one <b>year</b>"
    provider: aws
    commitments_usd: [450000]
    discount_fraction: 0.08
    basis: net
    counting: {savings_plans: true, reservations: true, upfront: when_paid}
    discounts_commitments: true
    marketplace: {usd_per_year: 20000, counted_fraction: 0.5, cap_fraction: 0.25}
    support: {counts: false, already_paid: true}
    shortfall: {rule: paid}
"""


def _args(fleet_args, small_fleet, *roles: str) -> list[str]:
    return ["contract", *fleet_args(small_fleet, *roles)[1:]]


@pytest.fixture(scope="module")
def answered(plimsoll, fleet_args, small_fleet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract")
    (folder / "offers.yaml").write_text(OFFERS)
    args = [*_args(fleet_args, small_fleet, "commitments", "pools"), "--offers", folder / "offers.yaml"]
    result = plimsoll(*args, "--out", folder / "out", "--store", folder / "runs.duckdb")
    assert result.exit_code == 0, result.stderr
    return folder / "out", result.stdout


@pytest.mark.slow
def test_writes_the_answer_the_rows_and_the_brief(answered):
    folder, printed = answered
    assert sorted(path.name for path in folder.iterdir()) == ["contract.csv", "contract.html", "contract.json"]
    document = json.loads((folder / "contract.json").read_text())
    (offer,) = document["offers"]
    parts = ("spend_usd", "shortfall_usd", "support_usd", "after_usd")
    assert offer["cost_usd"] == pytest.approx(sum(offer[part] for part in parts))
    assert offer["cost_usd"] <= offer["sequential_usd"]
    assert offer["lower_bound_usd"] <= offer["cost_usd"]
    assert offer["saving_usd"] == pytest.approx(offer["no_contract_usd"] - offer["cost_usd"])
    assert offer["curve"][0]["month"] == "2024-03"
    assert len(offer["curve"]) == 12
    assert {record["role"] for record in document["inputs"]} >= {"usage", "prices", "offers"}
    assert "Against no contract" in printed


@pytest.mark.slow
def test_the_run_is_kept_in_the_store_under_the_hash_of_its_document(answered, plimsoll):
    folder, _ = answered
    listed = plimsoll("history", "--store", folder.parent / "runs.duckdb", "--out", folder.parent / "history")
    assert listed.exit_code == 0, listed.stderr
    (run,) = json.loads((folder.parent / "history" / "history.json").read_text())["runs"]
    document = (folder / "contract.json").read_bytes()
    assert (run["kind"], run["run_id"]) == ("contract", hashlib.sha256(document).hexdigest())
    assert (run["start_utc"], run["end_utc"]) == ("2024-03-11T00:00:00Z", "2025-03-11T00:00:00Z")
    (offer,) = json.loads(document)["offers"]
    figures = {one["name"]: one["value"] for one in run["figures"]}
    is_taken = json.loads(document)["recommended"] is not None
    assert figures["total_usd"] == offer["cost_usd" if is_taken else "no_contract_usd"]
    assert figures["saving_usd"] == offer["saving_usd"]


@pytest.mark.slow
def test_names_of_offers_are_data_in_every_file(answered):
    folder, _ = answered
    rows = list(csv.DictReader((folder / "contract.csv").read_text().splitlines()))
    assert [row["offer"] for row in rows] == ["'=one <b>year</b>"]
    page = (folder / "contract.html").read_text()
    assert "one &lt;b&gt;year&lt;/b&gt;" in page
    assert "one <b>year</b>" not in page
    assert "Not official" in page


def test_refuses_a_provider_pool_or_region_that_no_price_names(plimsoll, fleet_args, small_fleet, tmp_path):
    text = OFFERS.replace("provider: aws\n", "provider: gcp\n").replace(
        "    basis: net\n", "    basis: net\n    excluded: {pools: [east/wbe], regions: [north]}\n"
    )
    (tmp_path / "offers.yaml").write_text(text)
    result = plimsoll(*_args(fleet_args, small_fleet), "--offers", tmp_path / "offers.yaml", "--out", tmp_path / "out")
    assert result.exit_code == 2
    for part in ("3 problems", "offers[1].provider", "got 'gcp'", "got 'east/wbe'", "Did you mean", "got 'north'"):
        assert part in result.stderr
    assert not (tmp_path / "out").exists()
