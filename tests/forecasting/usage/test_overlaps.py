"""Hours that stand twice are found in large exports too, of which a part is searched."""

import datetime as dt

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as parquet
import pytest

from forecasting.errors import InputError
from forecasting.usage import overlaps
from forecasting.usage.imported import ImportRequest, import_export

FEW = 20  # of rows searched, so that small exports count as large


def rows(hours, name):
    start = dt.datetime(2024, 3, 1)
    return pa.table(
        {
            "line_item_line_item_type": ["Usage"] * len(hours),
            "line_item_usage_start_date": [start + dt.timedelta(hours=hour) for hour in hours],
            "line_item_usage_end_date": [start + dt.timedelta(hours=hour + 1) for hour in hours],
            "line_item_product_code": ["AmazonEC2"] * len(hours),
            "line_item_usage_type": ["BoxUsage:m5.large"] * len(hours),
            "line_item_operation": ["RunInstances"] * len(hours),
            "line_item_availability_zone": ["us-east-1a"] * len(hours),
            "line_item_resource_id": [name] * len(hours),
            "line_item_usage_amount": [1.0] * len(hours),
            "line_item_unblended_cost": [0.1] * len(hours),
            "line_item_currency_code": ["USD"] * len(hours),
        }
    )


def read(*paths):
    return import_export(ImportRequest(name="cur", paths=paths, recovers=False, threads=1))


@pytest.mark.parametrize("zone", [None, "UTC"], ids=["no zone", "zone"])
@pytest.mark.parametrize("searched", [overlaps.SEARCHED_ROWS, FEW], ids=["all", "a part"])
def test_an_overlap_of_a_single_hour_is_found(tmp_path, monkeypatch, searched, zone):
    monkeypatch.setattr(overlaps, "SEARCHED_ROWS", searched)
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    for path, hours in ((first, range(200)), (second, range(199, 400))):
        table = rows(hours, "i-1")
        for place in (1, 2):
            typed = table.column(place).cast(pa.timestamp("ms", tz=zone))
            table = table.set_column(place, table.column_names[place], typed)
        parquet.write_table(table, path)
    with pytest.raises(InputError, match="exports must not overlap, got 1 lines"):
        read(first, second)
    assert read(second).n_rows == 201


def test_an_export_pasted_twice_into_a_large_file_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(overlaps, "SEARCHED_ROWS", FEW)
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.concat_tables([rows(range(300), "i-1"), rows(range(100, 200), "i-1")]), path)
    with pytest.raises(InputError, match="lines must be there once"):
        read(path)


def test_files_of_two_kinds_are_one_export(tmp_path, units_of):
    first, second = tmp_path / "a.parquet", tmp_path / "b.csv"
    parquet.write_table(rows(range(5), "i-1"), first)
    pyarrow.csv.write_csv(rows(range(5), "i-2"), second)
    assert set(units_of(read(first, second)).values()) == {2.0}
