import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from optimizer.plan import Plan
from optimizer.report.terminal import MAX_PURCHASES, print_plan, say


def printed(plan: Plan, width: int = 100, **where: object) -> str:
    """What a terminal of some width shows."""
    stream = io.StringIO()
    print_plan(plan, Console(file=stream, width=width), **where)  # type: ignore[arg-type]  # out_dir, files
    return stream.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 240])
def test_no_line_is_wider_than_the_terminal_or_a_hundred_columns(plan: Plan, width: int) -> None:
    assert max(len(line) for line in printed(plan, width).splitlines()) <= min(width, 100)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_amount_is_cut_however_narrow_the_terminal(plan: Plan, width: int) -> None:
    text = printed(plan, width)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    for summary in plan.summaries:
        assert f" {summary.mean_usd:,.0f} " in text


def test_columns_that_do_not_fit_are_left_out_whole_and_named(plan: Plan) -> None:
    wide, narrow = printed(plan, 100), printed(plan, 80)
    assert "utilized" in wide
    assert "(no room for:" not in wide
    assert "(no room for: coverage, utilized)" in narrow


def test_amounts_that_need_more_than_a_hundred_columns_get_them_where_there_is_room(plan: Plan) -> None:
    huge = tuple(
        dataclasses.replace(s, **{key: 1e12 * getattr(s, key) for key in ("mean_usd", "p10_usd", "p90_usd")})
        for s in plan.summaries
    )
    large = dataclasses.replace(plan, summaries=huge)
    assert "(no room for:" in printed(large, 100)
    text = printed(large, 400)
    assert "(no room for:" not in text
    assert 100 < max(len(line) for line in text.splitlines()) < 200
    assert f" {huge[0].mean_usd:,.0f} " in text


def test_names_are_shown_as_they_are_and_never_read_as_markup(plan: Plan) -> None:
    text = printed(plan)
    for name in ("[red]x[/red]", "=1+1", "<script>alert(1)</script>"):
        assert name in text
    stream = io.StringIO()
    say(Console(file=stream, width=100, force_terminal=True), "[link=http://x]:smile:[/] \x1b[31mred\x07")
    assert stream.getvalue() == "[link=http://x]:smile:[/] \N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}\n"


def test_the_answer_is_there_in_short(plan: Plan) -> None:
    text = " ".join(printed(plan, out_dir=Path("out/plan"), files=("purchases.csv", "plan.json")).split())
    assert "Buy now (2025-01-01): 15 commitments" in text
    assert "Expected at later dates: 3 purchases" in text
    assert "New purchases strand 3.0 % of what they commit in expectation, 5.3 % in the worst cases" in text
    assert "(gap 0.00021 %)" in text
    assert "the optimizer says 742,305 USD, a difference of 5.24 USD (0.00071 %)" in text
    assert "Written to out/plan: purchases.csv, plan.json" in text


def test_a_long_list_of_purchases_is_cut_and_says_so(plan: Plan) -> None:
    many = plan.purchases * 2
    text = printed(dataclasses.replace(plan, purchases=many))
    assert f"And {len(many) - MAX_PURCHASES} smaller ones, all in purchases.csv." in text
    total = sum(purchase.committed_usd for purchase in many)
    assert f"Committed over the terms {total:,.0f} USD" in text


def test_many_limits_that_bind_are_cut_and_counted(plan: Plan) -> None:
    text = printed(dataclasses.replace(plan, limits=plan.limits[:1] * 11))
    assert "- and 3 more on the page" in text


def test_nothing_to_buy_is_said_with_its_reason(plan: Plan) -> None:
    text = printed(dataclasses.replace(plan, purchases=(), schedule=(), limits=(), peaks=(), next_units=()))
    assert "Nothing to buy now: no offer that the policy allows" in text
    assert "No limit of the policy binds." in text
    assert "later dates" not in text
    assert "Highest month" not in text


def test_a_pool_named_total_stands_beside_all_pools(plan: Plan) -> None:
    firsts = [line.partition("2025-12 ")[0].strip() for line in printed(plan).splitlines() if "  2025-12  " in line]
    assert firsts[0] == "All pools"
    assert firsts.count("total") == 1


def test_undeclared_firm_capacity_is_said_and_not_shown_as_a_number(plan: Plan) -> None:
    line = next(line for line in printed(plan).splitlines() if line.startswith("  [red]x[/red]") and "2025-12" in line)
    assert line.split()[-1] == "undeclared"


@pytest.mark.parametrize("width", [72, 80, 100])
def test_names_of_ways_of_buying_stay_readable_beside_large_amounts(plan: Plan, width: int) -> None:
    summaries = tuple(
        dataclasses.replace(s, **{key: 1_000.0 * getattr(s, key) for key in ("mean_usd", "p10_usd", "p90_usd")})
        for s in plan.summaries
    )
    text = printed(dataclasses.replace(plan, summaries=summaries), width)
    assert "  All on demand " in text
    assert "  This plan " in text


def test_the_certificate_says_what_the_reduction_changes(plan: Plan) -> None:
    assert plan.reduction.statement in printed(plan).replace("\n", " ").replace("  ", " ")
