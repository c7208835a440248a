"""The workbook agrees with plan.json to the cent, by formulas that an independent reader computes; names stay text."""

import datetime as dt
import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from numpy.testing import assert_allclose
from typer.testing import Result

from forecasting.hours import hour_of_date
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import Plan
from optimizer.report.plan_json import plan_json
from optimizer.report.workbook import SHEET_NAMES, plan_xlsx
from optimizer.report.workbook_cells import MAX_TEXT, Book, Cell, Column

SPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
CENT = 0.005
REFERENCE = re.compile(r"(?:'([^']+)'!)?\b([A-Z]{1,3}\d+)(?::([A-Z]{1,3}\d+))?\b")
ALL_ROLES = ("commitments", "policy")
TOP_LINE = "Expected cost: This plan"

Held = str | float | None


@dataclass(frozen=True)
class Found:
    """What one cell holds: the value that is stored, the formula if it has one, its style."""

    stored: Held
    formula: str
    style: int


class Read:
    """Reader of a workbook that computes its formulas from scratch."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            self.parts = {name: archive.read(name) for name in archive.namelist()}
        for name, part in self.parts.items():
            ElementTree.fromstring(part)  # every part is well formed
            assert name.endswith((".xml", ".rels"))
        texts = ElementTree.fromstring(self.parts["xl/sharedStrings.xml"])
        self.texts = [_text_of(entry) for entry in texts.findall("x:si", SPACE)]
        self.names = re.findall(r'<sheet name="([^"]+)"', self.parts["xl/workbook.xml"].decode())
        self.cells = {
            (name, cell): found
            for place, name in enumerate(self.names)
            for cell, found in self._cells(self.parts[f"xl/worksheets/sheet{place + 1}.xml"])
        }

    def _cells(self, part: bytes) -> Iterator[tuple[str, Found]]:
        for cell in ElementTree.fromstring(part).iterfind(".//x:c", SPACE):
            value, formula = cell.find("x:v", SPACE), cell.find("x:f", SPACE)
            held: Held = None
            if value is not None and value.text is not None:
                kind = cell.get("t", "n")
                held = self.texts[int(value.text)] if kind == "s" else value.text
                held = float(value.text) if kind == "n" else held
            yield (
                cell.attrib["r"],
                Found(held, "" if formula is None else formula.text or "", int(cell.get("s", 0))),
            )

    def value(self, sheet: str, cell: str) -> Held:
        """Value of a cell, its formula computed."""
        found = self.cells.get((sheet, cell))
        if found is None or not found.formula:
            return None if found is None else found.stored
        return self._computed(sheet, found.formula)

    def _computed(self, sheet: str, formula: str) -> Held:
        def python(match: re.Match[str]) -> str:
            at = match[1] or sheet
            return f"REF({at!r},{match[2]!r})" if match[3] is None else f"AREA({at!r},{match[2]!r},{match[3]!r})"

        names: dict[str, object] = {
            "REF": lambda at, cell: self.value(at, cell) or 0.0,
            "AREA": self._area,
            "SUM": lambda area: sum(_numbers(area)),
            "COUNT": lambda area: float(len(_numbers(area))),
            "MIN": lambda area: min(_numbers(area)),
            "MAX": lambda *parts: max(_numbers(parts[0])) if len(parts) == 1 else max(parts),
            "SUMPRODUCT": lambda left, right: sum(a * b for a, b in zip(left, right, strict=True)),
            "ABS": abs,
            "ROUND": lambda number, digits: round(number, digits),
            "IF": lambda test, yes, no: (yes if test else no)(),
        }
        lazy = re.sub(r"IF\((.+),(.+),(.+)\)$", r"IF(\1,lambda:\2,lambda:\3)", formula)
        result: Held = eval(REFERENCE.sub(python, lazy), {"__builtins__": {}, **names})
        return result

    def _area(self, sheet: str, first: str, last: str) -> list[Held]:
        (left, top), (right, bottom) = _place(first), _place(last)
        rows, columns = range(top, bottom + 1), range(left, right + 1)
        assert len(rows) == 1 or len(columns) == 1
        return [self.value(sheet, f"{_letters(column)}{row}") for row in rows for column in columns]

    def rows(self, sheet: str) -> list[list[Held]]:
        """Computed values of the rows of a sheet, by their first cell."""
        places = [_place(cell) for name, cell in self.cells if name == sheet]
        widest = max(column for column, _ in places)
        return [
            [self.value(sheet, f"{_letters(column)}{row}") for column in range(1, widest + 1)]
            for row in range(1, max(row for _, row in places) + 1)
        ]

    def row(self, sheet: str, first: str) -> list[Held]:
        """The one row of a sheet whose first cell says so."""
        (found,) = [row for row in self.rows(sheet) if row[0] == first]
        return found


def _text_of(entry: ElementTree.Element) -> str:
    """Text of a shared string, escapes of the format undone."""
    (part,) = entry.findall("x:t", SPACE)  # plain text, never runs of rich text
    return re.sub("_x005F_", "_", part.text or "")


def _numbers(area: list[Held]) -> list[float]:
    return [value for value in area if isinstance(value, float)]


def _place(cell: str) -> tuple[int, int]:
    letters, row = re.fullmatch(r"([A-Z]+)(\d+)", cell).groups()
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    return column, int(row)


def _letters(column: int) -> str:
    return (chr(64 + (column - 1) // 26) if column > 26 else "") + chr(65 + (column - 1) % 26)


@pytest.fixture(scope="module")
def read(plan: Plan) -> Read:
    return Read(plan_xlsx(plan))


@pytest.fixture(scope="module")
def document(plan: Plan, causes: Causes) -> dict:
    return json.loads(plan_json(plan, causes))


@pytest.fixture(scope="module")
def planned(
    small_fleet: Path,
    tmp_path_factory: pytest.TempPathFactory,
    plimsoll: Callable[..., Result],
    fleet_args: Callable[..., list[str]],
) -> tuple[Read, dict]:
    """Workbook and document of a small run of the command."""
    out = tmp_path_factory.mktemp("workbook") / "out"
    result = plimsoll(*fleet_args(small_fleet, *ALL_ROLES), "--out", out)
    assert result.exit_code == 0, result.output
    return Read((out / "plan.xlsx").read_bytes()), json.loads((out / "plan.json").read_text())


def check_formulas(read: Read) -> None:
    """Every stored value is what its formula gives."""
    formulas = {place: found for place, found in read.cells.items() if found.formula}
    assert len(formulas) > 60
    for (sheet, cell), found in formulas.items():
        if isinstance(found.stored, str):
            assert read.value(sheet, cell) == found.stored
        else:
            assert_allclose(read.value(sheet, cell), found.stored, rtol=1e-12, atol=1e-6, err_msg=f"{sheet}!{cell}")


def check_totals(read: Read, document: dict) -> None:
    """Totals by formula against plan.json, to the cent."""
    expected = read.row("Scenarios", "Expected")
    assert_allclose(expected[1], 1.0, atol=1e-9)
    means = [summary["mean_usd"] for summary in document["summaries"]]
    assert_allclose(expected[2:], means, rtol=0, atol=CENT)
    assert_allclose(read.row("Summary", TOP_LINE)[1:3], [document["total_usd"]] * 2, rtol=0, atol=CENT)
    for sheet, key in (("Purchases", "purchases"), ("Schedule", "schedule")):
        committed, upfront = (sum(one[name] for one in document[key]) for name in ("committed_usd", "upfront_usd"))
        assert_allclose(read.row(sheet, "Sum")[10:13], [committed, upfront, committed - upfront], rtol=0, atol=CENT)
        title = "Now" if key == "purchases" else "Later, expected"
        found = read.row("Summary", title)[1:5]
        assert_allclose(found, [committed, upfront, committed - upfront, len(document[key])], rtol=0, atol=CENT)
    check_quarters(read, document["money"])
    proof = document["certificate"]
    assert_allclose(read.row("Certificate", "By the billing rules")[1], proof["billed_usd"], rtol=0, atol=CENT)


def check_quarters(read: Read, money: dict) -> None:
    """Books and cash of every quarter, and their sums."""
    lines = {
        "Cost in profit and loss": "cost_usd",
        "EBITDA": "ebitda_usd",
        "EBIT": "ebit_usd",
        "Cash paid": "cash_usd",
        "Free cash flow": "free_cash_flow_usd",
        "All on demand, cost and cash": "all_on_demand_usd",
    }
    for title, key in lines.items():
        stated = [quarter[key] for quarter in money["quarters"]]
        assert_allclose(read.row("Cash by quarter", title)[1:], [*stated, sum(stated)], rtol=0, atol=CENT, err_msg=key)
    cash = sum(quarter["cash_usd"] for quarter in money["quarters"])
    assert_allclose(read.row("Summary", "Cash paid")[1], cash, rtol=0, atol=CENT)


def test_stored_values_are_what_the_formulas_give(read: Read):
    check_formulas(read)


def test_totals_agree_with_plan_json_to_the_cent(read: Read, document: dict):
    check_totals(read, document)


@pytest.mark.slow
def test_a_plan_of_the_command_agrees_with_itself_to_the_cent(planned: tuple[Read, dict]):
    read, document = planned
    check_formulas(read)
    check_totals(read, document)
    states = [row[4] for row in read.rows("Summary") if row[4] in {"agrees", "differs"}]
    assert states == ["agrees"] * (len(document["summaries"]) + 2)
    proof = document["certificate"]
    gaps = [row[4] for row in read.rows("Certificate") if row[0] in {"Any quantities", "Whole steps"}]
    stated = [proof["gap_fraction"]] + ([proof["whole_steps"]["gap_fraction"]] if proof["whole_steps"] else [])
    assert_allclose(gaps, stated, rtol=1e-9, atol=1e-12)


def test_hardware_that_is_sold_is_cash(plan: Plan):
    first, second = plan.money.quarters
    sold = replace(second, salvage_usd=7_000.5, cash_usd=second.cash_usd - 7_000.5)
    sold = replace(sold, free_cash_flow_usd=-sold.cash_usd)
    money = replace(plan.money, quarters=(first, sold))
    read = Read(plan_xlsx(replace(plan, money=money)))
    check_formulas(read)
    assert read.row("Cash by quarter", "Cash paid")[1:] == [400_000.0, 392_999.5, 792_999.5]


def test_a_figure_that_disagrees_is_said_to_differ(plan: Plan):
    off = replace(plan.summary, mean_usd=plan.summary.mean_usd + 0.01)
    read = Read(plan_xlsx(replace(plan, summaries=(off, *plan.summaries[1:]))))
    assert read.row("Summary", TOP_LINE)[4] == "differs"
    assert read.row("Summary", "Expected cost: All on demand")[4] == "agrees"
    check_formulas(read)


def test_the_same_plan_gives_the_same_bytes_at_another_time_and_zone(plan: Plan, monkeypatch: pytest.MonkeyPatch):
    first = plan_xlsx(plan)
    try:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Pacific/Kiritimati")
            patch.setattr(time, "time", lambda: 4e9)
            time.tzset()
            assert plan_xlsx(replace(plan)) == first
    finally:
        time.tzset()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    core = Read(first).parts["docProps/core.xml"].decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core)) == {"2025-01-01T00:00:00Z"}


def test_the_sheets_are_those_of_the_program_and_every_part_has_its_type(read: Read):
    assert tuple(read.names) == SHEET_NAMES
    types = read.parts["[Content_Types].xml"].decode()
    for name in read.parts:
        assert name.endswith(".rels") or name == "[Content_Types].xml" or f'PartName="/{name}"' in types
    assert 'Extension="rels"' in types
    assert 'fullCalcOnLoad="1"' in read.parts["xl/workbook.xml"].decode()


HOSTILE = (
    *("=1+1", "+1", "-1+2", "@SUM(A1)", '=HYPERLINK("http://x.example","x")', "http://x.example", "mailto:a@b.example"),
    *("<r><t>x</t></r>", "</t></si>", "_x0041_", "{column}{row}", "a\x00b\x1bc\n\td", "half \udcff", "end \uffff"),
    *("turned \u202e around", "&A&P", "  spaced  ", "\U0001f600" * 20_000),
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_text(plan: Plan, name: str):
    odd = replace(plan.purchases[0], commitment_id=name, offer_id=name, pools=(name,), reason=name, quantity_unit=name)
    event = replace(plan.events[0], name=name, kind=name, text=name)
    record = replace(plan.inputs[0], name=name)
    limit = replace(plan.limits[0], name=name, text=name, unit=name)
    read = Read(
        plan_xlsx(replace(plan, title=name, purchases=(odd,), events=(event,), inputs=(record,), limits=(limit,)))
    )
    stored = [found.stored for (sheet, _), found in read.cells.items() if sheet == "Purchases" and not found.formula]
    shown = re.sub("[\x00-\x1f\u202e\udcff\uffff]", "\ufffd", name)
    if shown.startswith("<r>"):
        shown += " "
    if len(shown) > MAX_TEXT:
        shown = next(text for text in stored if str(text).startswith(shown[:100]))
        assert len(shown) == MAX_TEXT
        assert shown.endswith("whole in plan.json)")
    assert stored.count(shown) == 5
    formulas = {found.formula for found in read.cells.values() if found.formula}
    assert not [text for text in formulas if name in text]
    assert not [part for part in read.parts if "hyperlink" in read.parts[part].decode().lower() and ".rels" in part]
    assert b"<hyperlink" not in b"".join(read.parts.values())
    assert tuple(read.names) == SHEET_NAMES
    check_formulas(read)


def test_text_that_looks_like_a_formula_stays_text_when_it_is_edited(read: Read):
    styles = ElementTree.fromstring(read.parts["xl/styles.xml"]).findall("x:cellXfs/x:xf", SPACE)
    texts = [found for found in read.cells.values() if isinstance(found.stored, str) and not found.formula]
    risky = [found for found in texts if found.stored.startswith(("=", "+", "-", "@"))]
    assert len(risky) >= 3
    assert {styles[found.style].get("quotePrefix") for found in risky} == {"1"}
    plain = [found for found in texts if found.stored.isalnum()]
    assert {styles[found.style].get("quotePrefix") for found in plain} == {None}


def test_dates_are_dates_with_their_time_where_they_have_one(plan: Plan):
    late = replace(plan.purchases[0], start_hour=hour_of_date("2025-03-01") + 7)
    read = Read(plan_xlsx(replace(plan, purchases=(late,))))
    row = read.row("Purchases", late.commitment_id)
    epoch = dt.datetime(1899, 12, 30)
    assert epoch + dt.timedelta(days=row[5]) == dt.datetime(2025, 1, 1)
    assert_allclose(row[6], (dt.datetime(2025, 3, 1, 7) - epoch) / dt.timedelta(days=1), rtol=1e-15)
    styles = read.parts["xl/styles.xml"].decode()
    assert 'formatCode="yyyy-mm-dd"' in styles
    assert 'formatCode="yyyy-mm-dd hh:mm"' in styles


def test_long_sheets_keep_their_headings_on_screen_and_paper(read: Read):
    for name in ("Purchases", "Schedule", "Cash by quarter", "Scenarios", "Limits", "Assumptions"):
        part = read.parts[f"xl/worksheets/sheet{SHEET_NAMES.index(name) + 1}.xml"].decode()
        assert 'state="frozen"' in part
        assert 'orientation="landscape"' in part
        assert 'fitToHeight="0"' in part
        assert (
            f"'{name}'!$" in read.parts["xl/workbook.xml"].decode()
            or f">{name}!$" in read.parts["xl/workbook.xml"].decode()
        )


def test_a_plan_that_buys_nothing_without_money_is_whole(plan: Plan):
    bare = replace(plan, purchases=(), schedule=(), limits=(), events=(), money=None, next_units=())
    read = Read(plan_xlsx(bare))
    assert read.row("Purchases", "Sum")[10:13] == [0.0, 0.0, 0.0]
    assert read.row("Summary", "Sum")[1:5] == [0.0, 0.0, 0.0, 0.0]
    assert read.row("Cash by quarter", "Not computed for this plan.")
    assert not [row for row in read.rows("Summary") if row[0] == "Cash paid"]
    assert read.row("Summary", TOP_LINE)[4] == "agrees"


def test_a_number_that_is_not_known_is_text_and_so_is_what_is_made_from_it():
    book = Book(("Only",), created=dt.datetime(2025, 1, 1), footer="")
    columns = (Column(key="a", title="A", style="usd"), Column(key="b", title="B", style="usd"))
    nothing = float("nan")
    table = book.sheets["Only"].table(
        columns, [[nothing, Cell(formula="={a}{row}*2", value=nothing)], [2.0, Cell(formula="={a}{row}*2", value=4.0)]]
    )
    read = Read(book.content())
    assert read.rows("Only") == [["A", "B"], ["n/a", "n/a"], [2.0, 4.0]]
    assert (table.at("b", 1), table.total("a")) == ("'Only'!B3", "'Only'!A4")
