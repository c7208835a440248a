from pathlib import Path

import numpy as np
import pytest

from forecasting.errors import InputError
from forecasting.hours import hour_of_date
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.portfolio import (
    Commitment,
    commitments_frame,
    owned_offer_ids,
    read_commitments,
    read_optional_commitments,
)

HEADER = "commitment_id,offer_id,quantity,start_utc,end_utc"
GOOD = "c1,ri,10,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z"
CATALOG = Catalog(
    pools=("web",),
    on_demand_usd=np.array([1.0]),
    spot_usd=np.array([0.3]),
    offers=(
        Offer(
            offer_id="ri",
            kind=OfferKind.RESERVED_STANDARD,
            provider="aws",
            region="us",
            pools=("web",),
            draw=np.array([1.0]),
            hourly_usd=0.6,
            upfront_usd=0.0,
            term_months=12,
            payment_option="none",
        ),
    ),
)


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "commitments.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_commitments(path, CATALOG, prices="prices.csv")
    assert "commitments.csv is refused" in str(caught.value)
    return str(caught.value)


def test_a_commitment_arrives_with_cautious_values_where_nothing_is_declared(tmp_path):
    assert read_commitments(write(tmp_path, GOOD), CATALOG, prices="prices.csv") == (
        Commitment(
            commitment_id="c1",
            offer_id="ri",
            quantity=10.0,
            start_hour=hour_of_date("2024-01-01"),
            end_hour=hour_of_date("2025-01-01"),
        ),
    )


def test_dates_mean_midnight_utc(tmp_path):
    dated = write(tmp_path, GOOD.replace("T00:00:00Z", ""))
    (owned,) = read_commitments(dated, CATALOG, prices="prices.csv")
    assert (owned.start_hour, owned.end_hour) == (hour_of_date("2024-01-01"), hour_of_date("2025-01-01"))


def test_what_is_written_is_read_back(tmp_path):
    owned = (
        Commitment(
            commitment_id="=c",
            offer_id="ri",
            quantity=0.1 + 0.2,
            start_hour=473_000,
            end_hour=481_760,
            account="a",
            zone="z",
            scope="zonal",
            exchangeable=True,
            resalable=True,
        ),
        Commitment(commitment_id="d", offer_id="ri", quantity=0.0, start_hour=1, end_hour=2),
    )
    for name in ("c.csv", "c.parquet"):
        path = tmp_path / name
        frame = commitments_frame(owned)
        frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
        assert read_commitments(path, CATALOG, prices="prices.csv") == owned


def test_nothing_owned_is_written_and_read_back(tmp_path):
    path = tmp_path / "c.csv"
    commitments_frame(()).to_csv(path, index=False)
    assert read_commitments(path, CATALOG, prices="prices.csv") == ()
    assert read_optional_commitments(None, CATALOG, prices="prices.csv") == ()
    assert read_optional_commitments(path, CATALOG, prices="prices.csv") == ()


def test_purchases_of_a_plan_are_commitments(tmp_path):
    header = "commitment_id,decision_date,start_utc,end_utc,offer_id,quantity"
    row = "b1,2024-01-01,2024-01-01T00:00:00Z,2024-12-31T00:00:00Z,ri,3.5"
    (owned,) = read_commitments(write(tmp_path, row, header=header), CATALOG, prices="prices.csv")
    assert (owned.quantity, owned.end_hour - owned.start_hour) == (3.5, 8760)


def test_the_offers_that_are_owned_are_known_before_the_catalog(tmp_path):
    assert owned_offer_ids(None) == frozenset()
    assert owned_offer_ids(write(tmp_path, GOOD, GOOD.replace("c1,ri", "c2,other"))) == {"ri", "other"}
    with pytest.raises(InputError, match="column 'quantity', row 1"):
        owned_offer_ids(write(tmp_path, GOOD.replace("10", "x")))


@pytest.mark.parametrize(
    ("row", "part"),
    [
        pytest.param(
            GOOD.replace("ri", "rii"), "'offer_id', row 2: must be an offer of prices.csv", id="unknown offer"
        ),
        pytest.param(GOOD.replace("ri", "rii"), "got 'rii'. Did you mean 'ri'?", id="near offer"),
        pytest.param(
            GOOD.replace("ri", "od:web"), "can be owned (not on_demand or spot), got 'od:web'", id="on-demand"
        ),
        pytest.param(
            GOOD.replace("2025", "2024"), "'end_utc', row 2: must be after start_utc 2024-01-01", id="end = start"
        ),
        pytest.param(
            GOOD.replace("2025", "2023"), "'end_utc', row 2: must be after start_utc 2024-01-01", id="end first"
        ),
        pytest.param(GOOD.replace("10", "-1"), "column 'quantity', row 2: must be >= 0, got '-1'", id="negative"),
        pytest.param(GOOD.replace("10", "inf"), "column 'quantity', row 2: must be a finite number", id="infinite"),
        pytest.param(
            GOOD.replace("2025-01-01T00:00:00Z", "2025-01-01T00:00:00"), "row 2: must name its zone", id="zone"
        ),
        pytest.param(GOOD, "column 'commitment_id', row 2: must be there once, got 'c1' in row 1 too", id="twice"),
    ],
)
def test_a_bad_commitment_is_refused_with_its_place(tmp_path, row, part):
    message = refusal(write(tmp_path, GOOD, row if row == GOOD else row.replace("c1", "c2")))
    assert part in message


def test_all_problems_of_a_commitments_file_come_at_once(tmp_path):
    message = refusal(write(tmp_path, GOOD.replace("2025", "2023"), GOOD.replace("ri", "x"), GOOD.replace("10", "-1")))
    for place in ("'end_utc', row 1", "'commitment_id', row 2", "'offer_id', row 2", "'quantity', row 3"):
        assert place in message
