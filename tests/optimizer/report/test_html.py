import base64
import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import Plan
from optimizer.report.files import plan_files
from optimizer.report.html import CONTENTS, report_html

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Page as a browser sees it: elements in order, scripts, visible text, and how elements nest."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)

    def with_tag(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element of a tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def code(self) -> list[str]:
        """Scripts that a browser would run."""
        return [source for attributes, source in self.scripts if attributes.get("type") is None]

    @property
    def figures(self) -> list[str]:
        """Charts as JSON."""
        return [source for attributes, source in self.scripts if attributes.get("type") == "application/json"]


@pytest.fixture(scope="module")
def page(plan: Plan, causes: Causes) -> Page:
    """The page of the whole plan."""
    return Page(report_html(plan, causes).decode())


def hostile_names(plan: Plan) -> set[str]:
    """Names that would be markup if they were not escaped."""
    offers = {purchase.offer_id for purchase in plan.purchases}
    events = {event.name for event in plan.events}
    pools = {row.pool for row in plan.peaks if row.pool is not None}
    return {name for name in offers | events | pools if set(name) & set("<>&\"'")}


def test_every_element_is_closed_where_it_should_be(page: Page) -> None:
    assert page.open == []


def test_the_only_scripts_are_the_two_that_the_policy_names_by_hash(page: Page) -> None:
    policy = next(str(meta["content"]) for meta in page.with_tag("meta") if meta.get("http-equiv"))
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    assert [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in page.code] == hashes
    assert len(hashes) == 2
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "unsafe-eval" not in policy


def test_nothing_is_loaded_and_no_link_leaves_the_page(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base", "form", "svg"}
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "srcset", "data"}}
        assert str(attributes.get("href", "#")).startswith("#")


def test_hostile_names_are_shown_as_text(plan: Plan, page: Page) -> None:
    names = hostile_names(plan)
    assert len(names) >= 5
    assert names <= set(page.texts)
    assert not [tag for tag, _ in page.elements if tag in {"b", "i"}]


def test_a_pool_named_total_has_its_own_peaks_beside_those_of_all_pools(page: Page) -> None:
    heads = "".join(page.texts)
    assert heads.count("All poolshighest P99") == heads.count("totalhighest P99") == 1


def test_no_string_of_a_chart_holds_a_name_that_plotly_would_read_as_markup(plan: Plan, page: Page) -> None:
    names = [name for name in hostile_names(plan) if "<" in name]
    for figure in page.figures:
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', figure)
        plain = [json.loads(f'"{string}"') for string in strings]
        assert not [text for text in plain for name in names if name in text]
        assert not set("<>&") & set(figure)


def test_every_chart_has_its_data_a_heading_a_caption_and_a_text_for_readers(page: Page) -> None:
    charts = [attributes for attributes in page.with_tag("div") if attributes.get("class") == "chart"]
    assert [f"{chart['id']}-data" for chart in charts] == [
        attributes["id"] for attributes, _ in page.scripts if attributes.get("type")
    ]
    assert len({chart["id"] for chart in charts}) == len(charts) == len(page.with_tag("figcaption")) == 12
    assert all(chart["role"] == "img" and len(str(chart["aria-label"])) > 40 for chart in charts)
    for figure in page.figures:
        assert {"data", "layout"} == set(json.loads(figure))


def test_every_table_has_a_caption_and_every_heading_a_scope(page: Page) -> None:
    assert len(page.with_tag("caption")) == len(page.with_tag("table")) > 15
    assert {heading.get("scope") for heading in page.with_tag("th")} == {"col", "row"}


def test_the_contents_lead_to_every_section_in_order(page: Page) -> None:
    sections = [attributes["id"] for attributes in page.with_tag("section")]
    assert sections == [anchor for anchor, _ in CONTENTS]
    assert [attributes["href"] for attributes in page.with_tag("a")] == [f"#{anchor}" for anchor in sections]
    levels = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert levels.count(2) == len(sections)


def test_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_numbers_that_decide_are_there_with_their_units(plan: Plan, page: Page) -> None:
    text = "".join(page.texts)
    committed = sum(purchase.committed_usd for purchase in plan.purchases)
    assert f"Buy 15 commitments now: {committed:,.0f} USD committed over their terms" in text
    assert f"Expected cost {plan.summary.mean_usd:,.0f} USD" in text
    assert "0.00021 %" in text
    assert "5.24 USD" not in text  # the parts of the difference are shown, not their sum
    assert "4.00 USD" in text
    assert "1.24 USD" in text
    for record in plan.inputs:
        assert record.sha256 in text
    assert plan.reduction.statement in text
    assert "CVaR at 90 %" in text
    for shown in ("742,307", "745,001", "2,695", "-2,116", "0.36 %"):  # on the scenarios, on all paths, differences
        assert shown in text


def test_the_same_plan_gives_the_same_bytes_of_every_file(plan: Plan, causes: Causes) -> None:
    files = plan_files(plan, causes)
    assert list(files) == [
        *("purchases.csv", "schedule.csv", "plan.json", "allocation.parquet", "expected.parquet"),
        *("frontier.csv", "report.html", "plan.xlsx"),
    ]
    assert plan_files(dataclasses.replace(plan), causes) == files


def empty(plan: Plan) -> Plan:
    """A plan of a user who declared, owns and may buy nothing."""
    return dataclasses.replace(
        plan,
        purchases=(),
        schedule=(),
        peaks=(),
        expiries=(),
        limits=(),
        next_units=(),
        allocation=(),
        bands=(),
        events=(),
        assumptions=(),
        inputs=(),
        reduction=dataclasses.replace(
            plan.reduction, n_paths=None, measures=(), standard_error_usd=float("nan"), statement="Nothing to compare."
        ),
    )


def undeclared(plan: Plan) -> Plan:
    """A plan without headroom, quota and comparison."""
    peaks = tuple(
        dataclasses.replace(row, headroom_fraction=None, required_units=None, firm_units=None) for row in plan.peaks
    )
    return dataclasses.replace(plan, peaks=peaks, summaries=plan.summaries[:1])


def large(plan: Plan) -> Plan:
    """A plan with more limits, offers and groups than the page shows at once."""
    return dataclasses.replace(
        plan,
        limits=plan.limits * 15,
        next_units=plan.next_units * 3,
        bands=plan.bands * 4,
        purchases=tuple(dataclasses.replace(purchase, pools=purchase.pools * 40) for purchase in plan.purchases),
    )


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (
            empty,
            (
                "Nothing to buy now",
                "No purchase is expected at a later date",
                "No commitment ends inside the window.",
                "The policy sets no limits.",
                "No declared event is visible",
                "No peaks were computed.",
                "There is no demand in the window.",
                "No pool shares its group with another one",
                "has 0 episodes",
                "Nothing to compare.",
            ),
        ),
        (undeclared, ("not declared", "not set", "This plan")),
        (large, ("5 smaller groups not drawn.", "limits that do not bind", "more offers", "30 limits of 45 bind.")),
    ],
    ids=["empty", "undeclared", "large"],
)
def test_pages_of_unusual_plans_are_whole(
    plan: Plan, causes: Causes, change: Callable[[Plan], Plan], sentences: tuple[str, ...]
) -> None:
    found = Causes() if change is empty else causes
    page = Page(report_html(change(plan), found).decode())
    assert page.open == []
    assert [attributes["id"] for attributes in page.with_tag("section")] == [anchor for anchor, _ in CONTENTS]
    text = "".join(page.texts)
    assert not [sentence for sentence in sentences if sentence not in text]
    assert "None" not in text
    assert "nan" not in text.split()


def test_a_file_name_that_is_not_text_does_not_stop_the_page(plan: Plan, causes: Causes) -> None:
    odd = dataclasses.replace(plan.inputs[0], name="usage\udcff.csv")
    files = plan_files(dataclasses.replace(plan, inputs=(odd,)), causes)
    assert b"usage&#56575;.csv" in files["report.html"]
    assert json.loads(files["plan.json"])["inputs"][0]["name"] == odd.name
