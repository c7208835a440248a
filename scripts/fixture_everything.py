"""The second set of files of the fixture: every instrument and every limit at once, for the same usage and roadmap.

Not here: the files it starts from (`make_fixtures.py`, `fixture_prices.py`).
"""

from collections.abc import Iterable, Iterator

from fixture_prices import PRICE_HEADER, Row, price_rows

EVERYTHING_PRICE_HEADER = (
    *PRICE_HEADER,
    "guarantees_capacity",
    "lot_quantity",
    "minimum_quantity",
    "lead_time_days",
    "salvage_usd",
    "from_year",
    "until_year",
    "served_units",
)
# Of the ways to pay for each kind one or two, so that a plan takes minutes; and what is owned.
SOLD = {
    "reserved_standard": ((12, "none"), (36, "partial")),
    "reserved_convertible": (),
    "instance_savings_plan": ((12, "partial"),),
    "compute_savings_plan": ((12, "none"), (36, "partial")),
}
ALSO_SOLD = ("ri-std-36-none:us-east-1/m5", "ri-conv-36-all:us-east-1/r5")
# Lot and minimum of an offer: of the compute plans a minimum, of one reservation both.
RULES = {
    "csp-12-none": ("", 0.001),
    "csp-36-partial": ("", 0.001),
    "ri-std-36-partial:eu-west-1/c6i": (2, 10),
}
# Serves ranking while it is new, then the batch jobs; can be sold as it ages.
GPU_HOSTS = ("hw:gpu-hosts", "owned_hardware", "colocation", "us-east-1")
GPU_PRICE = (48, "all", 0.08, 7500.0)
GPU_RESALE = "5000;3400;2200;1200"
# Bought together with the databases that it runs, of two sizes; nobody declared what it could be sold for.
DATABASE_HOSTS = ("hw:database-hosts", "owned_hardware", "colocation", "us-east-1")
DATABASE_PRICE = (36, "all", 0.04, 3600.0)

EVERYTHING_COMMITMENTS = (("gpu-hosts-2023", "hw:gpu-hosts", 12, "2023-10-01T00:00:00Z", "2027-09-30T00:00:00Z"),)

EVERYTHING_POOL_COLUMNS = (
    "spot_outage_hours",
    "spot_correlation",
    "deadline_window_hours",
    "deadline_work_hours",
    "sla_affected_fraction",
    "sla_monthly_bill_usd",
    "sla_credit_fraction",
    "failover_group",
)
_OF_POOL: dict[str, dict[str, Row]] = {
    "us-east-1/c6i.2xlarge": {"spot": (4, 0.8, 8, 5)},  # batch jobs: eight hours for five hours of work
    "eu-west-1/c6i.2xlarge": {"spot": (3, 0.5, "", ""), "sla": (0.4, 900000, 0.1), "group": ("web",)},
    "us-east-1/m6i.xlarge": {"sla": (0.3, 2000000, 0.1), "group": ("storefront",)},
    "us-east-1/m5.xlarge": {"group": ("storefront",)},
    "us-east-1/g5.xlarge": {"sla": (0.5, 600000, 0.1)},
}

EVERYTHING_POLICY = """\
# Every limit at once, each of which can be met.
discount_rate_yearly: 0.08
cadence_months: 12
terms_months: [12, 36]
risk: {lambda: 0.1, level: 0.9}
stranded: {expected_fraction: 0.03, cvar_fraction: 0.08}
headroom: {fraction: 0.1, quantile: 0.95, by: expected_loss}
coverage: {min_fraction: 0.5, max_fraction: 0.98}
upfront_usd_per_quarter: 1500000
purchase_usd_per_date: 4400000
concentration: {offer_fraction: 0.6, family_fraction: 0.2, term_fraction: 0.8}
spot_share_max: 0.06
increments: {units: 1, usd_per_hour: 0.1}
"""


def everything_price_rows() -> Iterator[Row]:
    """Price list: the offers of `SOLD` out of the first one's, with lots and minima, and owned hardware."""
    no_hardware = ("",) * 5
    for row in price_rows():
        offer_id, kind, term_months, payment = str(row[0]), str(row[1]), row[5], row[6]
        if kind not in SOLD or (term_months, payment) in SOLD[kind] or offer_id in ALSO_SOLD:
            yield (*row, "", *RULES.get(offer_id, ("", "")), *no_hardware)
    for pool, from_year, until_year, served in (("us-east-1/g5.xlarge", 1, 2, 1), ("us-east-1/c6i.2xlarge", 3, 4, 1)):
        yield (*GPU_HOSTS, pool, *GPU_PRICE, "true", "", "", 60, GPU_RESALE, from_year, until_year, served)
    for pool, served in (("us-east-1/r5.xlarge", 2), ("us-east-1/r5.2xlarge", 1)):
        yield (*DATABASE_HOSTS, pool, *DATABASE_PRICE, "", 2, 2, 90, "", "", "", served)


def everything_pool_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """Pools as declared for the first set, with what spot outages, deadlines, credits and failover ask for."""
    for row in rows:
        more = _OF_POOL.get(str(row[0]), {})
        spot, sla, group = more.get("spot", ("",) * 4), more.get("sla", ("",) * 3), more.get("group", ("",))
        yield (*row, *spot, *sla, *group)
