"""Tables as files: purchases as a commitments file (CSV), the allocation as Parquet; same rows, same bytes.

Not here: pages for people.
"""

import csv
import io
from collections.abc import Sequence

from forecasting.hours import iso_of_hour
from optimizer.calendar_dates import moment_text
from optimizer.cells import escape_cell
from optimizer.plan import AllocationRow, Purchase

PURCHASE_HEADER = ("commitment_id", "decision_date", "start_utc", "end_utc", "offer_id", "quantity")


def purchases_csv(purchases: Sequence[Purchase]) -> bytes:
    """Purchases as a valid commitments file, quantities to the last bit.

    Names that a spreadsheet would take for a formula get a leading apostrophe (`optimizer.cells`).

    Returns
    -------
    bytes
        UTF-8, comma separated, lines end with a line feed.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(PURCHASE_HEADER)
    for purchase in purchases:
        writer.writerow(
            (
                escape_cell(purchase.commitment_id),
                moment_text(purchase.decision_hour),
                iso_of_hour(purchase.start_hour),
                iso_of_hour(purchase.end_hour),
                escape_cell(purchase.offer_id),
                repr(float(purchase.quantity)),
            )
        )
    return stream.getvalue().encode()


def allocation_parquet(rows: Sequence[AllocationRow]) -> bytes:
    """Allocation as Parquet: month, pool, kind (text), units, usd (float64); no index, no time of writing.

    Returns
    -------
    bytes
    """
    import pyarrow as pa  # here, so that reading a plan for the terminal does not wait for it
    import pyarrow.parquet as parquet

    table = pa.table(
        {
            "month": pa.array([row.month for row in rows], type=pa.string()),
            "pool": pa.array([row.pool for row in rows], type=pa.string()),
            "kind": pa.array([row.kind for row in rows], type=pa.string()),
            "units": pa.array([row.units for row in rows], type=pa.float64()),
            "usd": pa.array([row.usd for row in rows], type=pa.float64()),
        }
    )
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()
