"""Google's table of subscriptions: what it tells of flexible commitments, and what it leaves open."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from forecasting.usage.commitment_lines import Recovered, UnrecoveredCommitment
from forecasting.usage.engine import open_engine
from forecasting.usage.gcp_subscriptions import read_subscriptions, with_subscriptions
from forecasting.usage.offer_names import offer_name

ROW = {
    "billing_account_id": "010101-F0FFF0-10XX01",
    "cud_product": {"id": "d1", "display_name": "Flexible CUD", "type": "Spend-Based"},
    "consumption_model": {"id": "5515-81A8-03A2", "description": "Compute Flexible CUDs - 1 Year"},
    "subscription": {"entitlement_scope": "billingAccounts/010101", "instance_id": "s-1", "display_name": "first"},
    "region": "global",
    "commitent_amount": {"unit": "$/hr", "value": 12.5},
    "term": "P1Y",
    "start_time": "2026-02-01 18:08:20 UTC",
    "end_time": "2027-02-01 18:08:20 UTC",
    "state": "Active",
}


def json_table(folder, *rows):
    path = folder / "cud_subscriptions_export.json"
    path.write_text("".join(json.dumps(ROW | row) + "\n" for row in rows))
    return path


def read(*paths):
    with open_engine(threads=1) as engine:
        return read_subscriptions(engine, paths)


def flat(row, joint):
    """The same row with nested columns as columns of their own."""
    return {
        name if not isinstance(value, dict) else f"{name}{joint}{key}": part
        for name, value in (ROW | row).items()
        for key, part in (value.items() if isinstance(value, dict) else [("", value)])
    }


def test_a_flexible_commitment_is_told_whole(tmp_path):
    (owned,) = read(json_table(tmp_path, {})).commitments
    assert offer_name(owned.offer) == "gcp/global/compute_savings_plan/any/12m/none"
    assert (owned.commitment_id, owned.quantity) == ("s-1", 12.5)
    start = hour_of_date("2026-02-01") + 18
    assert (owned.start_hour, owned.end_hour) == (start, start + 8_760)


@pytest.mark.parametrize("joint", [".", "_"])
def test_csv_parquet_and_json_tell_the_same(tmp_path, joint):
    rows = [{}, {"term": "P3Y", "subscription": {"instance_id": "s-2"}, "end_time": "2029-01-31 18:08:20 UTC"}]
    plain = read(json_table(tmp_path, *rows))
    assert len(plain.commitments) == 2
    nested = tmp_path / "nested.parquet"
    parquet.write_table(pa.Table.from_pylist([ROW | row for row in rows]), nested)
    table = tmp_path / "table.csv"
    with table.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(flat({}, joint)))
        writer.writeheader()
        writer.writerows(flat(row, joint) for row in rows)
    assert read(nested) == plain
    assert read(table) == plain


def test_snapshots_of_many_days_are_one_commitment(tmp_path):
    found = read(json_table(tmp_path, {}, {}, {"state": "Expired"}))
    assert [one.commitment_id for one in found.commitments] == ["s-1"]


def test_commitments_of_other_products_are_counted_and_left_out(tmp_path):
    other = {
        "cud_product": {"display_name": "Cloud SQL CUD"},
        "consumption_model": {"id": "x", "description": "Cloud SQL CUD - 1 Year"},
    }
    found = read(json_table(tmp_path, other))
    assert (found.commitments, found.unrecovered, found.n_foreign) == ((), (), 1)


@pytest.mark.parametrize(
    ("row", "lacks"),
    [
        ({"commitent_amount": {"unit": "vCPU", "value": 8}}, "an amount in $/hr"),
        ({"commitent_amount": {"unit": "$/hr", "value": "many"}}, "the amount"),
        ({"term": "soon"}, "the term"),
        ({"start_time": "soon"}, "the start and the end"),
        ({"end_time": "2026-01-01 00:00:00 UTC"}, "the start and the end"),
        ({"state": "Cancelled"}, "the hour it was cancelled"),
        ({"consumption_model": {}}, "in on-demand USD"),
        ({"subscription": {}}, "subscription.instance_id"),
    ],
    ids=["unit", "amount", "term", "start", "end", "cancelled", "model", "name"],
)
def test_what_the_table_leaves_open_is_not_guessed(tmp_path, row, lacks):
    found = read(json_table(tmp_path, row))
    assert found.commitments == ()
    (open_one,) = found.unrecovered
    assert lacks in open_one.lacks


def test_snapshots_that_contradict_each_other_are_not_guessed(tmp_path):
    (open_one,) = read(json_table(tmp_path, {}, {"commitent_amount": {"unit": "$/hr", "value": 10}})).unrecovered
    assert open_one.lacks == "one amount (snapshots differ)"


def test_another_table_is_refused_with_all_that_is_missing(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("term,region\nP1Y,global\n")
    with pytest.raises(InputError, match="table of subscriptions") as refused:
        read(path)
    for name in ("start_time", "end_time", "subscription.instance_id", "commitent_amount.value"):
        assert name in str(refused.value)


def test_fees_that_the_table_explains_are_no_longer_open(tmp_path):
    names = ("Commitment - dollar based v1: GCE for 1 year", "Commitment v1: N1 Cpu in Americas for 1 Year", "s-1")
    rest = tuple(UnrecoveredCommitment(commitment_id=name, lacks="all", known="") for name in names)
    found = with_subscriptions(Recovered(unrecovered=rest, n_foreign=2), read(json_table(tmp_path, {})))
    assert [one.commitment_id for one in found.commitments] == ["s-1"]
    assert [one.commitment_id for one in found.unrecovered] == [names[1]]
    assert found.n_foreign == 2
