"""The page of a backtest: its sections in their order.

Not here: what the sections say (`optimizer.report.backtest_sections`, `optimizer.report.backtest_proof`).
"""

from optimizer.jobs.backtest.answer import BacktestAnswer
from optimizer.report.backtest_proof import calibration_section, regret_section, run_section, worth_section
from optimizer.report.backtest_sections import headline, purchase_section, result_section, use_section
from optimizer.report.markup import element
from optimizer.report.page_frame import contents, page_bytes
from optimizer.report.sections import paragraph
from optimizer.report.words import counted, day

CONTENTS = (
    ("result", "Result"),
    ("purchases", "Purchases"),
    ("calibration", "Calibration"),
    ("regret", "Regret"),
    ("worth", "What knowing is worth"),
    ("use", "Use over time"),
    ("run", "Method and inputs"),
)


def backtest_html(answer: BacktestAnswer) -> bytes:
    """The page of a backtest. The same answer gives the same bytes.

    Returns
    -------
    bytes
        UTF-8.
    """
    title = f"Backtest {day(answer.start_hour)} to {day(answer.end_hour - 1)}"
    under = (
        f"{counted(len(answer.date_hours), 'decision')}, each with what was known on its date, billed for what came. "
        "Hours in UTC."
    )
    header = (element("h1", title), paragraph(under, css="under"), headline(answer), contents(CONTENTS))
    sections = (
        result_section(answer),
        purchase_section(answer),
        calibration_section(answer),
        regret_section(answer),
        worth_section(answer),
        use_section(answer),
        run_section(answer),
    )
    footer = "Costs are amortized and in USD; hours are UTC. Charts need scripts, the tables do not."
    return page_bytes(title, header=header, sections=sections, footer=footer)
