from dataclasses import replace

from optimizer.plan import Plan
from optimizer.report.markup import joined
from optimizer.report.spot_parts import spot_parts


def test_pools_are_told_with_their_rates_outages_and_deadlines(plan: Plan) -> None:
    text = joined(*spot_parts(plan))
    for told in ("0.0660", "0.0786", "89.6 %", "28.5", "not declared", "3 in 4", "87.2 %", "23.0 %", "1,410"):
        assert told in text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_without_deadlines_there_is_no_table_of_them_and_without_spot_nothing(plan: Plan) -> None:
    assert "Deadlines" in joined(*spot_parts(plan))
    alone = replace(plan, spot=tuple(row for row in plan.spot if row.deadline is None))
    assert "Deadlines" not in joined(*spot_parts(alone))
    assert spot_parts(replace(plan, spot=())) == ()
