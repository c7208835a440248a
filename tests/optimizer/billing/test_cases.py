import copy
import json
from collections.abc import Iterator

import pytest

from forecasting.errors import InputError
from optimizer.billing.cases import KINDS, Status, main, read_cases, run_case


def numbers_of(value, path=()) -> Iterator[tuple]:
    """Paths of the numbers inside an expected object."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(item, int | float):
            yield (*path, key)
        yield from numbers_of(item, (*path, key))


def test_every_published_case_of_these_kinds_passes_and_fails_when_any_expected_number_is_changed(
    shared_data, tmp_path
):
    content = json.loads((shared_data / "billing_cases.json").read_text(encoding="utf-8"))
    supported = [case for case in content["cases"] if (case["provider"], case["kind"]) in KINDS]
    wrong, expected_status = [], []
    for case in supported:
        for path in [None, *numbers_of(case["expected"])]:
            changed = copy.deepcopy(case)
            if path is not None:
                target = changed["expected"]
                for key in path[:-1]:
                    target = target[key]
                target[path[-1]] += 0.01
            wrong.append(changed)
            expected_status.append(Status.PASSED if path is None else Status.FAILED)
    file = tmp_path / "changed.json"
    file.write_text(json.dumps({**content, "cases": wrong}), encoding="utf-8")
    assert len(supported) >= 12
    assert [run_case(case).status for case in read_cases(file)] == expected_status


def test_the_report_ends_with_the_totals_and_the_exit_code_says_whether_all_passed(tmp_path, capsys):
    metric = {"id": "u", "provider": "aws", "kind": "metric", "inputs": {"committed": 4, "used": 3}}
    good = {**metric, "expected": {"utilisation": 0.75}}
    bad = {**metric, "id": "v", "expected": {"utilisation": 0.5}}
    other = {**good, "id": "w", "provider": "azure"}
    path = tmp_path / "cases.json"
    for cases, code, last in (
        ([good], 0, "1 passed, 0 failed, 0 not supported"),
        ([good, other], 1, "1 passed, 0 failed, 1 not supported"),
        ([good, bad, other], 1, "1 passed, 1 failed, 1 not supported"),
    ):
        path.write_text(json.dumps({"cases": cases}), encoding="utf-8")
        assert main([str(path)]) == code
        printed = capsys.readouterr().out.splitlines()
        assert printed[-1] == last
    assert "failed: v (metric)" in printed
    assert "  - utilisation: expected 0.5, got 0.75" in printed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"must be JSON, got .* at line 1, column 2"),
        (b"[]", r"the file must be an object, got \[\]"),
        (b"{}", "must have a list 'cases' with at least one case"),
        (b'{"cases": []}', "must have a list 'cases' with at least one case"),
        (b'{"cases": [1]}', r"cases\[0\] must be an object, got 1"),
        (b'{"cases": [{"id": "a", "provider": "aws"}]}', r"cases\[0\].kind must be given"),
        (
            b'{"cases": [{"id": "a", "provider": "aws", "kind": "metric", "expected": {}}]}',
            "inputs must be an object, got None",
        ),
        (b'{"cases": "\xff"}', "must be UTF-8, got .* at byte 11"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=["broken", "list", "empty", "no cases", "number", "no kind", "no inputs", "latin", "deep"],
)
def test_a_file_of_another_format_is_refused(tmp_path, capsys, content, message):
    path = tmp_path / "cases.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_cases(path)
    assert main([str(path)]) == 2
    assert str(path) in capsys.readouterr().err


def test_a_missing_file_and_a_missing_argument_exit_with_2(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere.json")]) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: check_billing_cases FILE")
    assert main(["--help"]) == 0
