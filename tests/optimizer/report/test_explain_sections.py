import csv
import dataclasses
import io
import json

from optimizer.explanation import Explanation
from optimizer.jobs.forecast_causes import Causes
from optimizer.plan import Plan
from optimizer.report.explain_json import FRONTIER_HEADER, FRONTIER_NAME, frontier_csv
from optimizer.report.explain_sections import why_section
from optimizer.report.files import plan_files
from optimizer.report.frontier_section import frontier_section, frontier_sentence
from optimizer.report.plan_json import plan_json


def test_the_page_shows_what_purchases_save_and_where_the_advice_flips(plan: Plan):
    text = why_section(plan)
    for shown in ("20,146", "-1,200", "91.2 %", "63.0 %", "2025-07-28", "held for capacity"):
        assert shown in text
    for shown in ("-16.0 %", "+23.4 %", "none in range", "167 days later", "chance 25.0 %", "its date"):
        assert shown in text


def test_the_page_shows_late_events_regrets_and_reasons_against(plan: Plan):
    text = why_section(plan)
    for shown in ("-21,046", "900", "not used enough", "dearer than another", "Savings do not add up."):
        assert shown in text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_plan_without_reasons_says_so(plan: Plan):
    assert "Not computed for this plan." in why_section(dataclasses.replace(plan, explanation=None))
    nothing = why_section(dataclasses.replace(plan, explanation=Explanation()))
    assert "Nothing is bought now." in nothing


def test_the_frontier_names_its_ends_its_knee_and_the_plan(plan: Plan):
    assert plan.frontier is not None
    text = frontier_sentence(plan.frontier)
    for shown in ("12 plans", "1,200,000 USD", "1,020,000 USD and strands 900.00 USD", "1,013,000 USD"):
        assert shown in text
    page = frontier_section(plan.frontier)
    assert "3, knee" in page
    assert "This plan" in page
    assert "plimsoll plan --frontier finds it" in frontier_section(None)


def test_the_frontier_file_has_every_plan_of_the_document_and_the_plan_itself(plan: Plan, causes: Causes):
    assert plan.frontier is not None
    rows = list(csv.DictReader(io.StringIO(frontier_csv(plan.frontier).decode())))
    document = json.loads(plan_json(plan, causes))["frontier"]
    assert tuple(rows[0]) == FRONTIER_HEADER
    assert [row["plan"] for row in rows] == [*(str(place) for place in range(12)), "this plan"]
    assert [place for place, row in enumerate(rows) if row["is_knee"] == "true"] == [document["knee"]]
    for row, point in zip(rows, [*document["points"], document["plan"]], strict=True):
        for key in FRONTIER_HEADER[2:-1]:
            assert (float(row[key]) if row[key] else None) == point[key]
        bought = dict(part.split("=") for part in row["committed_now"].split(";") if part)
        assert {kind: float(usd) for kind, usd in bought.items()} == {
            entry["kind"]: entry["usd"] for entry in point["committed_now_usd"]
        }


def test_the_frontier_file_is_there_only_where_the_frontier_is(plan: Plan, causes: Causes):
    assert FRONTIER_NAME in plan_files(plan, causes)
    assert FRONTIER_NAME not in plan_files(dataclasses.replace(plan, frontier=None), causes)
