"""Exports that would give a wrong sum: each is refused with its place and the way out, or read rightly."""

import gzip
from dataclasses import replace

import pytest

from forecasting.errors import InputError
from forecasting.usage.imported import ImportRequest, import_export

M5 = "aws/us-east-1/m5.large"


def request(*paths, name="cur", **options):
    return ImportRequest(name=name, paths=paths, recovers=False, threads=1, **options)


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture
def day(cur_text, at):
    """A day of two machines."""
    rows = [at(hour) | {"line_item_resource_id": name} for hour in range(24) for name in ("i-1", "i-2")]
    return cur_text(*rows)


def test_a_gzip_cut_short_is_refused(tmp_path, day):
    whole = gzip.compress(day.encode(), mtime=0)
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(InputError, match=r"gzip is cut short: its end is missing\. Fetch the file again"):
        import_export(request(path))


def test_a_gzip_with_a_changed_byte_is_refused(tmp_path, day):
    whole = bytearray(gzip.compress(day.encode(), mtime=0))
    whole[-6] ^= 1  # its checksum
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(whole)
    with pytest.raises(InputError, match="gzip is damaged"):
        import_export(request(path))


def test_a_gzip_of_two_parts_is_read_whole(tmp_path, day, units_of):
    header, _, rest = day.partition("\n")
    path = tmp_path / "parts.csv.gz"
    path.write_bytes(gzip.compress((header + "\n").encode()) + gzip.compress(rest.encode()))
    assert sum(units_of(import_export(request(path))).values()) == 48.0


def test_a_file_cut_inside_a_row_is_refused(tmp_path, day):
    wide = "".join(f"{line},{'note' if number == 0 else 'x'}\n" for number, line in enumerate(day.splitlines()))
    path = write(tmp_path / "cut.csv", wide[: len(wide) - 60])
    with pytest.raises(InputError, match=r"Line: 49.*Expected Number of Columns"):
        import_export(request(path))


def test_a_file_cut_inside_its_last_cell_is_refused_if_that_cell_is_read(tmp_path):
    names = "line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code"
    names += ",line_item_usage_type,line_item_operation,line_item_currency_code,product_region_code"
    names += ",line_item_usage_amount,line_item_unblended_cost\n"
    row = (
        "Usage,2024-03-01T00:00:00Z,2024-03-01T01:00:00Z,AmazonEC2,BoxUsage:m5.large,RunInstances,USD,us-east-1,1,12.34"
    )
    assert f"{import_export(request(write(tmp_path / 'a.csv', names + row + chr(10)))).billed:.2f}" == "12.34"
    with pytest.raises(InputError, match="last line must end with a newline"):
        import_export(request(write(tmp_path / "b.csv", names + row[:-1])))


def test_mixed_currencies_are_refused(read_cur):
    with pytest.raises(InputError, match="must be in one currency, got EUR, USD"):
        read_cur({}, {"line_item_currency_code": "EUR", "line_item_resource_id": "i-2"})


def test_the_same_file_twice_is_refused(tmp_path, day):
    path = write(tmp_path / "a.csv", day)
    with pytest.raises(InputError, match="is the same file as"):
        import_export(request(path, path))


def test_two_exports_with_the_same_hours_are_refused(tmp_path, day, cur_text, at):
    first = write(tmp_path / "a.csv", day)
    later = write(tmp_path / "b.csv", cur_text(*(at(hour) for hour in range(23, 30))))
    with pytest.raises(InputError, match=r"must not overlap, got 1 lines both in .*a.csv.* and in .*b.csv.* Give one"):
        import_export(request(first, later))


def test_a_month_restated_with_other_amounts_is_refused_beside_the_older_export(tmp_path, day):
    first = write(tmp_path / "a.csv", day)
    restated = write(tmp_path / "b.csv", day.replace("0.0960000000", "0.0950000000"))
    with pytest.raises(InputError, match="the newest, which has its corrections"):
        import_export(request(first, restated))
    assert import_export(request(restated)).n_rows == 48


def test_rows_given_twice_in_one_file_are_refused(tmp_path, day):
    body = day.partition("\n")[2]
    with pytest.raises(InputError, match="lines must be there once, got 48 more than once"):
        import_export(request(write(tmp_path / "a.csv", day + body)))


def test_exports_without_resources_that_repeat_each_other_are_refused(tmp_path, day):
    nameless = day.replace("i-1", "").replace("i-2", "")
    paths = write(tmp_path / "a.csv", nameless), write(tmp_path / "b.csv", nameless)
    with pytest.raises(InputError, match="must not overlap"):
        import_export(request(*paths))


def test_parts_of_one_export_are_added_up(tmp_path, cur_text, at, units_of):
    first = write(tmp_path / "a.csv", cur_text(*(at(hour) for hour in range(5))))
    second = write(tmp_path / "b.csv", cur_text(*(at(hour) | {"line_item_resource_id": "i-2"} for hour in range(5))))
    assert set(units_of(import_export(request(first, second))).values()) == {2.0}


def test_columns_in_another_order_and_two_hundred_of_them_change_nothing(tmp_path, day, units_of):
    rows = [line.split(",") for line in day.splitlines()]
    mixed = [
        [*row[::-1], *(f"x{number}" if place == 0 else "" for number in range(180))] for place, row in enumerate(rows)
    ]
    path = write(tmp_path / "wide.csv", "".join(",".join(row) + "\n" for row in mixed))
    plain = write(tmp_path / "plain.csv", day)
    assert units_of(import_export(request(path))) == units_of(import_export(request(plain)))


def test_all_missing_columns_come_in_one_error(tmp_path):
    path = write(tmp_path / "a.csv", "lineItem/UsageStartDate,lineItem/UsageAmout\n2024-01-01,1\n")
    with pytest.raises(InputError) as caught:
        import_export(request(path))
    missing = {problem.column for problem in caught.value.problems}
    assert {"line_item_usage_amount", "line_item_unblended_cost", "line_item_currency_code"} <= missing
    assert "Got columns lineItem/UsageStartDate, lineItem/UsageAmout" in str(caught.value)


def test_a_column_that_is_there_twice_is_refused(tmp_path, day):
    header, _, rest = day.partition("\n")
    twice = header.replace("line_item_line_item_description", "lineItem/UnblendedCost")
    with pytest.raises(InputError, match="must be there once, got line_item_unblended_cost, lineItem/UnblendedCost"):
        import_export(request(write(tmp_path / "a.csv", twice + "\n" + rest)))


def test_daily_lines_are_refused_with_what_to_switch_on_and_spread_when_told(read_cur, stamp, units_of):
    line = {
        "line_item_usage_start_date": stamp(0),
        "line_item_usage_end_date": stamp(24),
        "line_item_usage_amount": "12",
    }
    with pytest.raises(InputError, match=r"got 1 that last up to 24 hours. In AWS .*HOURLY.* --daily spread"):
        read_cur(line)
    found = read_cur(line, spreads_days=True)
    assert set(units_of(found).values()) == {0.5}
    assert len(units_of(found)) == 24
    assert any("spread evenly" in sentence for sentence in found.assumptions)


def test_cells_that_are_no_numbers_or_times_are_named_with_their_rows(read_cur):
    with pytest.raises(InputError) as caught:
        read_cur({}, {"line_item_unblended_cost": "1,5"}, {"line_item_usage_start_date": "yesterday"})
    shown = str(caught.value)
    assert "column 'line_item_unblended_cost', row 2: must be a number, got '1,5'" in shown
    assert "column 'line_item_usage_start_date', row 3: must be a time" in shown


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"line_item_unblended_cost": ""}, "1 lines have no cost"),
        ({"line_item_usage_amount": ""}, "1 lines are of machines and have no quantity"),
        ({"line_item_usage_end_date": ""}, "1 lines are of machines and have no start or end"),
        ({"line_item_usage_end_date": "2024-02-01"}, "1 lines are of machines and end before they start"),
        (
            {"line_item_availability_zone": "", "line_item_usage_type": "XYZ9-BoxUsage:m5.large"},
            "the region of a machine",
        ),
    ],
    ids=["cost", "quantity", "end", "backward", "region"],
)
def test_cells_that_must_not_be_empty_or_strange_are_refused(read_cur, cells, said):
    with pytest.raises(InputError, match=said):
        read_cur({}, cells)


def test_amounts_of_any_size_are_summed_exactly(read_cur):
    found = read_cur(
        {"line_item_unblended_cost": "123456789012.12345678901"},
        {"line_item_unblended_cost": "-123456789012.0", "line_item_line_item_type": "Credit"},
        {"line_item_unblended_cost": "1E-9", "line_item_resource_id": "i-2"},
    )
    assert f"{found.billed:.12f}" == "0.123456790010"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"PK\x03\x04zip", "is a zip archive"),
        ("a.csv", b"\xff\xfea\x00", "UTF-16"),
        ("a.csv", b"one\n1\n", "separated by commas"),
        ("a.csv", b"\n\n", "must start with its header|the file is empty"),
        ("a.csv", b'"a,b\n1,2\n', "quote that is not closed"),
        ("a.csv", b"a\xff,b\n1,2\n", "must be UTF-8"),
        ("a.parquet", b"a,b\n", "is named Parquet"),
        ("a.parquet", b"PAR1xxxx", "cannot be read as Parquet"),
        ("a.json", b'{"a": 1}\n', "got JSON"),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        import_export(request(path))


def test_missing_files_and_directories_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        import_export(request(tmp_path / "none.csv"))
    with pytest.raises(InputError, match="must be a file, got a directory"):
        import_export(request(tmp_path))


def test_signs_in_a_path_are_not_patterns(tmp_path, day):
    path = write(tmp_path / "a[1]*'x'.csv", day)
    write(tmp_path / "a1zz'x'.csv", day)
    assert import_export(request(path)).n_rows == 48


def test_the_result_does_not_depend_on_threads_or_the_order_of_files(tmp_path, cur_text, at):
    amounts = [str(0.1 + 0.37 * (number % 7)) for number in range(300)]
    texts = [
        cur_text(
            *(
                at(hour % 24) | {"line_item_resource_id": f"i-{part}-{hour}", "line_item_usage_amount": amounts[hour]}
                for hour in range(300)
            )
        )
        for part in range(3)
    ]
    paths = tuple(write(tmp_path / f"{part}.csv", text) for part, text in enumerate(texts))
    one = import_export(request(*paths))
    other = import_export(replace(request(*paths[::-1]), threads=2))
    assert one.usage.equals(other.usage)
    assert one.parts == other.parts


def test_a_header_with_a_carriage_return_in_it_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\rc,d\n1,2,3\n")
    with pytest.raises(InputError, match="the header must stand on one line"):
        import_export(request(path))


def test_bytes_that_are_no_text_are_refused_in_whatever_pass_reads_them(tmp_path, day):
    path = tmp_path / "a.csv"
    path.write_bytes(day.encode().replace(b"i-2", b"i\xff2", 1))
    with pytest.raises(InputError, match="Invalid unicode"):
        import_export(request(path))
