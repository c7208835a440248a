"""An asset in the books, and a commitment that usage no longer fills, assessed.

Not here: the arithmetic (`optimizer.finance_assets`, `optimizer.metrics`).
"""

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.assessment import CaseAnswer, Cell, Fact, FactTable
from optimizer.assessment_cases import AssetCase, StrandedCase
from optimizer.finance import payback_time, present_value_usd
from optimizer.finance_assets import QUARTERS_PER_YEAR, Asset, AssetBooks, asset_books
from optimizer.jobs.assess.words import count_text, share_text, usd_text
from optimizer.metrics import stranded_fraction


def asset_answer(case: AssetCase) -> CaseAnswer:
    """EBITDA, EBIT and cash of an asset by year and quarter, impairment when dropped, against renting the same."""
    asset = Asset(
        cost_usd=case.cost_usd,
        life_years=case.life_years,
        salvage_usd=case.salvage_usd,
        running_usd_per_year=case.running_usd_per_year,
        dropped_after_quarters=case.dropped_after_quarters,
        recovered_usd=case.recovered_usd,
    )
    books = asset_books(asset)
    rented = _rented_usd(case, len(books.ebitda_usd), is_dropped=_is_dropped(asset, books))
    net = books.cash_usd + np.concatenate([[0.0], rented])
    times = np.concatenate([[0.0], (np.arange(len(rented)) + 0.5) / QUARTERS_PER_YEAR])
    facts = [
        Fact(key="cash_year_0_usd", title="Cash at the purchase", value=float(books.cash_usd[0]), unit="USD"),
        Fact(key="ebitda_usd", title="EBITDA, all years", value=float(books.ebitda_usd.sum()), unit="USD"),
        Fact(
            key="depreciation_usd_per_year",
            title="Depreciation a year",
            value=(case.cost_usd - case.salvage_usd) / case.life_years,
            unit="USD/year",
        ),
        Fact(key="ebit_usd", title="EBIT, all years", value=float(books.ebit_usd.sum()), unit="USD"),
        Fact(key="rented_ebitda_usd", title="EBITDA of renting the same", value=-float(rented.sum()), unit="USD"),
        Fact(
            key="net_present_usd",
            title="Present value against renting",
            value=present_value_usd(net, times, rate_yearly=case.discount_rate_yearly),
            unit="USD",
        ),
        Fact(
            key="payback_years",
            title="Payback against renting",
            unit="years",
            value=payback_time(np.cumsum(net), np.arange(len(net)) / QUARTERS_PER_YEAR),
        ),
    ]
    if _is_dropped(asset, books):
        written_off = float(books.impairment_usd.sum())
        facts.append(Fact(key="impairment_usd", title="Impairment", value=written_off, unit="USD"))
        facts.append(
            Fact(
                key="impairment_quarter",
                title="Quarter of the impairment",
                value=_quarter(case, len(books.ebitda_usd) - 1),
            )
        )
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict="impaired" if _is_dropped(asset, books) else "depreciated",
        statement=_asset_sentence(case, asset, books, rented),
        facts=tuple(facts),
        tables=(_year_table(books, rented), _quarter_table(case, books, rented)),
        flip_points=_asset_flips(net, times, case),
    )


def _is_dropped(asset: Asset, books: AssetBooks) -> bool:
    """Whether it ends before its life does."""
    used = asset.dropped_after_quarters
    return used is not None and len(books.ebitda_usd) == used + 1


def _rented_usd(case: AssetCase, n_quarters: int, *, is_dropped: bool) -> FloatArray:
    """What renting the same would cost in each quarter: as declared, else the cost spread over the life. [USD]"""
    edges = np.minimum(np.arange(n_quarters + 1) / QUARTERS_PER_YEAR, case.life_years)
    if case.cascade:
        ends = np.concatenate([[0.0], np.cumsum([part.years for part in case.cascade])])
        worth = np.concatenate([[0.0], np.cumsum([part.years * part.replaces_usd_per_year for part in case.cascade])])
        out: FloatArray = np.diff(np.interp(edges, ends, worth))
    else:
        yearly = case.cost_usd / case.life_years if case.rented_usd_per_year is None else case.rented_usd_per_year
        out = np.diff(edges) * yearly
    if is_dropped:
        out[-1] = 0.0
    return out


def _asset_sentence(case: AssetCase, asset: Asset, books: AssetBooks, rented: FloatArray) -> str:
    """Cash, EBITDA, EBIT, what is written off, and what the same costs rented."""
    yearly = (case.cost_usd - case.salvage_usd) / case.life_years
    running = f"EBITDA {usd_text(-case.running_usd_per_year)} a year"
    text = (
        f"Cash {usd_text(-case.cost_usd)} in year 0, {running if case.running_usd_per_year else 'EBITDA 0'}, "
        f"EBIT {usd_text(-case.running_usd_per_year - yearly)} a year over {count_text(case.life_years, 'year')}."
    )
    if _is_dropped(asset, books):
        written_off = float(books.impairment_usd[-1])
        text += (
            f" Dropped after {count_text(case.dropped_after_quarters or 0, 'quarter')} with "
            f"{usd_text(float(books.book_value_usd[-1]))} undepreciated: {usd_text(written_off)} impairment in "
            f"{_quarter(case, len(rented) - 1)}."
        )
    else:
        text += f" The same spent on demand is all in EBITDA: {usd_text(-float(rented.sum()))} over these years."
    return text


def _quarter(case: AssetCase, place: int) -> str:
    """Name of a quarter since the asset went into service."""
    if case.first_quarter is None:
        return f"quarter {place + 1}"
    year, number = int(case.first_quarter[:4]), int(case.first_quarter[-1]) - 1 + place
    return f"{year + number // QUARTERS_PER_YEAR}-Q{number % QUARTERS_PER_YEAR + 1}"


def _year_table(books: AssetBooks, rented: FloatArray) -> FactTable:
    """Year 0 is the purchase."""
    starts = np.arange(0, len(rented), QUARTERS_PER_YEAR)
    sums = [np.add.reduceat(part, starts) for part in (books.cash_usd[1:], books.ebitda_usd, books.ebit_usd, rented)]
    rows: list[tuple[Cell, ...]] = [(0, float(books.cash_usd[0]), 0.0, 0.0, 0.0)]
    rows += [
        (year + 1, *(float(part[year]) for part in sums[:3]), 0.0 - float(sums[3][year])) for year in range(len(starts))
    ]
    return FactTable(
        key="years",
        title="Year by year, cost below zero; year 0 is the moment of the purchase",
        columns=(
            ("year", "Year", ""),
            ("cash_usd", "Cash", "USD"),
            ("ebitda_usd", "EBITDA", "USD"),
            ("ebit_usd", "EBIT", "USD"),
            ("rented_ebitda_usd", "EBITDA of renting the same", "USD"),
        ),
        rows=tuple(rows),
    )


def _quarter_table(case: AssetCase, books: AssetBooks, rented: FloatArray) -> FactTable:
    """Depreciation, impairment and book value of each quarter."""
    return FactTable(
        key="quarters",
        title="Quarter by quarter",
        columns=(
            ("quarter", "Quarter", ""),
            ("depreciation_usd", "Depreciation", "USD"),
            ("impairment_usd", "Impairment", "USD"),
            ("ebit_usd", "EBIT", "USD"),
            ("cash_usd", "Cash", "USD"),
            ("book_value_usd", "Book value at its end, before a write-off", "USD"),
        ),
        rows=tuple(
            (
                _quarter(case, place),
                float(books.depreciation_usd[place]),
                float(books.impairment_usd[place]),
                float(books.ebit_usd[place]),
                float(books.cash_usd[place + 1]),
                float(books.book_value_usd[place + 1]),
            )
            for place in range(len(rented))
        ),
    )


def _asset_flips(net_usd: FloatArray, times: FloatArray, case: AssetCase) -> tuple[str, ...]:
    """Price at which owning and renting cost the same; nothing where no rent was declared to compare with."""
    if case.rented_usd_per_year is None and not case.cascade:
        return ()
    value = present_value_usd(net_usd, times, rate_yearly=case.discount_rate_yearly)
    price = case.cost_usd + value
    if price <= 0.0:
        return ("No price makes owning as cheap as renting.",)
    return (f"Owning and renting cost the same at a price of {usd_text(price)} (before salvage changes with it).",)


def stranded_answer(case: StrandedCase) -> CaseAnswer:
    """What of a commitment no usage consumes, and the usage at which it stops paying."""
    stranded = max(case.committed_usd_per_month - case.usage_usd_per_month, 0.0)
    share = stranded_fraction(stranded_usd=stranded, committed_usd=case.committed_usd_per_month) or 0.0
    facts = [
        Fact(key="stranded_usd_per_month", title="Stranded", value=stranded, unit="USD/month"),
        Fact(key="stranded_fraction", title="Part of the commitment", value=share, unit="fraction"),
        Fact(key="utilization_fraction", title="Utilization", value=1.0 - share, unit="fraction"),
    ]
    text = (
        f"Stranded {usd_text(stranded)}/month, {share_text(share)} of {usd_text(case.committed_usd_per_month)}/month."
    )
    if case.months_left is not None:
        total = stranded * case.months_left
        facts.append(Fact(key="stranded_usd", title="Stranded until the end", value=total, unit="USD"))
        text += f" {usd_text(total)} until it ends in {count_text(case.months_left, 'month')}."
    flips = [f"Nothing is stranded from a usage of {usd_text(case.committed_usd_per_month)}/month on."]
    if case.discount_fraction is not None:
        pays = case.committed_usd_per_month * (1.0 - case.discount_fraction)
        facts.append(
            Fact(key="break_even_usage_usd_per_month", title="Usage at which it pays", value=pays, unit="USD/month")
        )
        flips.append(
            f"At {share_text(case.discount_fraction)} off on-demand it costs less than on-demand from a usage of "
            f"{usd_text(pays)}/month at committed rates on."
        )
    return CaseAnswer(
        name=case.name,
        kind=case.kind,
        note=case.note,
        verdict="stranded" if stranded > 0.0 else "fully used",
        statement=text,
        facts=tuple(facts),
        flip_points=tuple(flips),
    )
