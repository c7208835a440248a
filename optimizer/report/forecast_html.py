"""The page of a forecast: its sections in their order.

Not here: what the sections say (`optimizer.report.forecast_sections`, `optimizer.report.forecast_causes`).
"""

from optimizer.jobs.forecast_answer import ForecastAnswer
from optimizer.report.forecast_causes import chance_section, cliff_section, event_section, growth_section
from optimizer.report.forecast_sections import anomaly_section, daily_section, headline, peak_section, period
from optimizer.report.markup import element
from optimizer.report.page_frame import contents, page_bytes
from optimizer.report.run_record import again, assumption_list, record_tables
from optimizer.report.sections import paragraph, section
from optimizer.report.words import day

CONTENTS = (
    ("peaks", "Highest hour"),
    ("daily", "Daily peaks"),
    ("growth", "Growth"),
    ("events", "Events"),
    ("replacement", "Replacement"),
    ("anomalies", "Anomalies"),
)
CLIFFS = ("cliffs", "Capacity cliffs")
RUN = ("run", "Assumptions and inputs")


def forecast_html(answer: ForecastAnswer) -> bytes:
    """The page. The same forecast gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    as_of = day(answer.order.as_of_hour)
    causes = answer.causes
    title = f"Demand forecast from {as_of}"
    listed = (*CONTENTS, *([CLIFFS] if causes.cliffs else []), RUN)
    sections = (
        peak_section(answer),
        daily_section(answer),
        growth_section(answer),
        event_section(answer),
        chance_section("5. Chance of replacement", causes.chances),
        anomaly_section("6. Anomalies", causes.anomalies),
        *([cliff_section(f"7. {CLIFFS[1]}", causes.cliffs)] if causes.cliffs else []),
        section(
            RUN[0],
            f"{len(listed)}. {RUN[1]}",
            assumption_list(answer.assumptions),
            record_tables(answer.inputs, answer.versions),
            again(
                "plimsoll forecast",
                options=f"--as-of {as_of} --horizon-days {answer.order.horizon_days} --seed {answer.seed}",
                versions=answer.versions,
            ),
        ),
    )
    under = paragraph(f"Nothing from {as_of} on was read. Horizon {period(answer)}, hours in UTC.", css="under")
    header = (element("h1", title), under, headline(answer), contents(listed))
    footer = "Demand is in units, hours are UTC. Charts need scripts, the tables do not."
    return page_bytes(title, header=header, sections=sections, footer=footer)
