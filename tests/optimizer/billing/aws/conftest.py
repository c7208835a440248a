"""Reserved Instances to change: one in us-east-1, a year long, half of it over at `HALF_YEAR`."""

from collections.abc import Callable

import pytest

from optimizer.billing.aws.instances import Instances
from optimizer.billing.aws.reserved import OfferingClass, Payment, ReservedInstances

YEAR = 365 * 24 * 3600
HALF_YEAR = YEAR // 2


@pytest.fixture(scope="session")
def half_year() -> int:
    return HALF_YEAR


@pytest.fixture(scope="session")
def owned() -> Callable[..., ReservedInstances]:
    """Makes a reservation; attributes of its instances may be given next to its own."""
    return _owned


def _owned(instance_type: str = "m5.xlarge", count: int = 1, **changes: object) -> ReservedInstances:
    place = {name: changes.pop(name) for name in ("account", "zone", "platform", "tenancy") if name in changes}
    region = changes.pop("region", "us-east-1")
    defaults = {
        "reservation_id": "ri",
        "offering_class": OfferingClass.STANDARD,
        "payment": Payment.PARTIAL,
        "start_second": 0,
        "end_second": YEAR,
        "hourly_usd": 0.1,
        "upfront_usd": 876.0,
    }
    instances = Instances(instance_type=instance_type, region=region, **place)
    return ReservedInstances(instances=instances, count=count, **{**defaults, **changes})
