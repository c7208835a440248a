"""What the page says of spot: rates and outages of each pool, and what its deadlines cost.

Not here: how the numbers are found (`optimizer.jobs.spot`).
"""

from collections.abc import Sequence

from forecasting.numerals import percent
from optimizer.plan import Plan
from optimizer.report.markup import Heading, Html, element, name_text, table, words
from optimizer.report.numbers import column, number
from optimizer.report.sections import paragraph
from optimizer.report.words import period
from optimizer.spot.rows import SpotDeadline, SpotRow

NOT_DECLARED = "not declared"
TOLD = (
    "Displaced: what would run on spot in hours without it. Extra on demand: the highest hour on spot, which an outage "
    "moves there at most; beside it the highest hour on demand if all spot were gone. Spot is never firm capacity."
)
TOLD_OF_DEADLINES = (
    "The work runs on spot while it is there and goes on demand in time, at the least expected cost. Without the "
    "promise it would wait for spot, and miss the deadline as often as told."
)


def spot_parts(plan: Plan) -> tuple[Html, ...]:
    """Heading and tables; nothing where no pool uses spot."""
    if not plan.spot:
        return ()
    due = [(row, row.deadline) for row in plan.spot if row.deadline is not None]
    return (
        element("h3", "Spot"),
        _rate_table(plan, plan.spot),
        _outage_table(plan.spot),
        paragraph(TOLD, css="under"),
        *((_deadline_table(plan, due), paragraph(TOLD_OF_DEADLINES, css="under")) if due else ()),
    )


def _rate_table(plan: Plan, rows: Sequence[SpotRow]) -> Html:
    """Rates and use."""
    used, displaced = column([row.spot_units for row in rows]), column([row.displaced_units for row in rows])
    cells = [
        [
            name_text(row.pool),
            percent(row.eligible_fraction),
            percent(row.availability if row.drawn_availability is None else row.drawn_availability),
            *(number(usd, 4) for usd in (row.spot_usd, row.rate_usd, row.on_demand_usd)),
            used[index],
            displaced[index],
        ]
        for index, row in enumerate(rows)
    ]
    headings = (
        words("Pool"),
        Heading(title="May run on spot"),
        Heading(title="Spot is there"),
        Heading(title="Spot rate", unit="USD/unit-hour"),
        Heading(title="Expected rate", unit="USD/unit-hour"),
        Heading(title="On demand", unit="USD/unit-hour"),
        Heading(title="On spot", unit="units, mean"),
        Heading(title="Displaced", unit="units, mean"),
    )
    return table(f"Spot from {period(plan)}; rates have rework in them", headings, cells)


def _outage_table(rows: Sequence[SpotRow]) -> Html:
    """What an outage does."""
    extra = column([row.outage_extra_units for row in rows])
    on_demand = column([row.outage_on_demand_units for row in rows])
    cells = [
        [
            name_text(row.pool),
            NOT_DECLARED if row.outage_hours is None else _hours(row.outage_hours),
            NOT_DECLARED if row.correlation is None else f"{row.correlation:g}",
            extra[index],
            on_demand[index],
            NOT_DECLARED if row.quota_units is None else number(row.quota_units),
            "not known" if row.over_quota_units is None else number(row.over_quota_units),
        ]
        for index, row in enumerate(rows)
    ]
    headings = (
        words("Pool"),
        Heading(title="Mean outage", unit="h"),
        Heading(title="Correlation in its region"),
        Heading(title="Extra on demand", unit="units, highest hour"),
        Heading(title="On demand without spot", unit="units, highest hour"),
        Heading(title="Quota", unit="units"),
        Heading(title="Above the quota", unit="units"),
    )
    return table("What an outage asks for, at the policy's quantile", headings, cells)


def _hours(hours: float) -> str:
    """Hours as they were declared."""
    return f"{hours:g}"


def _deadline_table(plan: Plan, due: Sequence[tuple[SpotRow, SpotDeadline]]) -> Html:
    """What each promise does and costs."""
    costs = column([deadline.promise_usd for _, deadline in due])
    cells = [
        [
            name_text(row.pool),
            f"{_hours(deadline.work_hours)} in {_hours(deadline.window_hours)}",
            percent(deadline.spot_fraction),
            percent(deadline.fallback_probability),
            percent(deadline.miss_probability),
            str(deadline.patience_hours),
            number(row.rate_usd, 4),
            number(deadline.waiting_usd, 4),
            costs[index],
        ]
        for index, (row, deadline) in enumerate(due)
    ]
    headings = (
        words("Pool"),
        Heading(title="Work in window", unit="h"),
        Heading(title="Work on spot"),
        Heading(title="Goes on demand", unit="% of pieces"),
        Heading(title="Misses without the promise", unit="% of pieces"),
        Heading(title="Waits at most", unit="h"),
        Heading(title="Rate, promise kept", unit="USD/unit-hour"),
        Heading(title="Rate, waiting", unit="USD/unit-hour"),
        Heading(title="Cost of the promise", unit="USD, expected"),
    )
    return table(f"Deadlines of work on spot, {period(plan)}", headings, cells)
