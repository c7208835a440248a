import csv
import io
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from optimizer.cells import FORMULA_STARTS
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.plan import Plan
from optimizer.portfolio import Commitment, read_commitments
from optimizer.report.tables import PURCHASE_HEADER, allocation_parquet, purchases_csv


def catalog_of(plan: Plan) -> Catalog:
    """Price list with the offers that the plan buys."""
    offers = tuple(
        Offer(
            offer_id=offer_id,
            kind=OfferKind.RESERVED_STANDARD,
            provider="aws",
            region="r",
            pools=("p",),
            draw=[1.0],
            hourly_usd=1.0,
            upfront_usd=0.0,
            term_months=12,
            payment_option="none",
        )
        for offer_id in sorted({purchase.offer_id for purchase in (*plan.purchases, *plan.schedule)})
    )
    return Catalog(pools=("p",), on_demand_usd=[2.0], spot_usd=[float("nan")], offers=offers)


@pytest.mark.parametrize("which", ["purchases", "schedule"])
def test_our_own_reader_reads_purchases_back_to_the_last_bit(plan: Plan, tmp_path: Path, which: str) -> None:
    purchases = getattr(plan, which)
    path = tmp_path / "purchases.csv"
    path.write_bytes(purchases_csv(purchases))
    assert read_commitments(path, catalog_of(plan), prices="prices.csv") == tuple(
        Commitment(
            commitment_id=purchase.commitment_id,
            offer_id=purchase.offer_id,
            quantity=purchase.quantity,
            start_hour=purchase.start_hour,
            end_hour=purchase.end_hour,
        )
        for purchase in purchases
    )


def test_no_purchases_are_a_file_with_a_header_that_is_read_back(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "purchases.csv"
    path.write_bytes(purchases_csv(()))
    assert path.read_text() == ",".join(PURCHASE_HEADER) + "\n"
    assert read_commitments(path, catalog_of(plan), prices="prices.csv") == ()


def test_no_cell_of_a_csv_starts_a_formula(plan: Plan) -> None:
    rows = list(csv.reader(io.StringIO(purchases_csv(plan.purchases).decode())))
    assert len(rows) == len(plan.purchases) + 1
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS)]


def test_dates_are_utc_and_of_the_form_the_contract_names(plan: Plan) -> None:
    first = next(csv.DictReader(io.StringIO(purchases_csv(plan.schedule).decode())))
    assert (first["decision_date"], first["start_utc"]) == ("2025-04-01", "2025-04-01T00:00:00Z")
    assert first["end_utc"] == "2026-04-01T00:00:00Z"


def test_the_allocation_comes_back_as_it_was(plan: Plan) -> None:
    table = parquet.read_table(io.BytesIO(allocation_parquet(plan.allocation)))
    assert table.schema.names == ["month", "pool", "kind", "units", "usd"]
    assert [str(kind) for kind in table.schema.types] == ["string", "string", "string", "double", "double"]
    assert list(zip(*table.to_pydict().values(), strict=True)) == [
        (row.month, row.pool, row.kind, row.units, row.usd) for row in plan.allocation
    ]


def test_an_empty_allocation_keeps_its_columns() -> None:
    table = parquet.read_table(io.BytesIO(allocation_parquet(())))
    assert (table.num_rows, table.schema.names[0]) == (0, "month")
