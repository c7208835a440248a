"""A small fleet whose bill is known: machines by the hour, prices and commitments, as the billing engine takes them.

`fleet(first_day, n_days, seed)` gives the same fleet each time. Prices are illustrative, near AWS's list of 2025.
Not here: the lines a bill has (`export_lines.py`), the columns of an export (`export_formats.py`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.hours import hour_of_date, term_hours
from forecasting.usage.offer_names import parse_offer_name
from forecasting.usage.pool_names import PoolKey, parse_pool_name, pool_name
from optimizer.billing.aws.instances import normalization_factor
from optimizer.offers import Catalog, Offer, OfferKind
from optimizer.pools import Pool
from optimizer.portfolio import Commitment

EAST, WEST = "us-east-1", "eu-west-1"
ON_DEMAND_USD = {
    "aws/eu-west-1/c5.xlarge": 0.192,
    "aws/us-east-1/g5.xlarge": 1.006,
    "aws/us-east-1/m5.2xlarge": 0.384,
    "aws/us-east-1/m5.large": 0.096,
    "aws/us-east-1/m5.large/windows": 0.188,
    "aws/us-east-1/m5.xlarge": 0.192,
    "aws/us-east-1/r5.large": 0.126,
}
SPOT_USD = {"aws/eu-west-1/c5.xlarge": 0.071}
# offer, quantity (units, normalized units, USD per hour), first day, fee: USD/h and upfront USD per unit of quantity
OWNED = (
    ("aws/us-east-1/reserved_standard/m5/12m/none", 20.0, "2024-09-01", 0.015, 0.0),
    ("aws/us-east-1/reserved_standard/g5.xlarge/12m/partial", 1.0, "2025-01-15", 0.3, 2628.0),
    ("aws/us-east-1/reserved_convertible/m5.large/windows/36m/all", 1.0, "2024-03-01", 0.0, 3679.2),
    ("aws/us-east-1/instance_savings_plan/r5/12m/partial", 0.2, "2025-01-10", 0.0, 0.0),
    ("aws/global/compute_savings_plan/any/36m/none", 0.4, "2023-06-01", 0.0, 0.0),
)
PLAN_RATE_FRACTION = {OfferKind.INSTANCE_SAVINGS_PLAN: 0.63, OfferKind.COMPUTE_SAVINGS_PLAN: 0.58}
UPFRONT_SHARE = {"none": 0.0, "partial": 0.5, "all": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine.

    Attributes
    ----------
    name, account, zone, team : str
        The team is its tag; empty where it has none.
    pool : str
    is_spot : bool
    shape : str
        always, day, week, night or short: when it runs.
    """

    name: str
    account: str
    zone: str
    team: str
    pool: str
    is_spot: bool = False
    shape: str = "always"

    @property
    def key(self) -> PoolKey:
        """What its pool's name says."""
        found = parse_pool_name(self.pool)
        if found is None:
            msg = f"{self.pool!r} must be the name of a pool."
            raise ValueError(msg)
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """Machines, what they run, and what is owned for them.

    Attributes
    ----------
    start_hour : int
        Epoch hour.
    machines : tuple of Machine
    units : array of shape (n_machines, n_hours)
        Part of the hour that each ran, with ten decimals as in an export. [units]
    catalog : Catalog
    pools : dict of str to Pool
    commitments : tuple of Commitment
        Each on an offer of its own.
    """

    start_hour: int
    machines: tuple[Machine, ...]
    units: np.ndarray
    catalog: Catalog
    pools: dict[str, Pool]
    commitments: tuple[Commitment, ...]

    @property
    def hours(self) -> np.ndarray:
        """Epoch hours. Shape (n_hours,)."""
        return np.arange(self.start_hour, self.start_hour + self.units.shape[1])

    def units_of_pools(self, *, is_spot: bool) -> np.ndarray:
        """Units by pool, on spot or not. Shape (n_pools, n_hours)."""
        out = np.zeros((len(self.catalog.pools), self.units.shape[1]))
        for row, machine in enumerate(self.machines):
            if machine.is_spot == is_spot:
                out[self.catalog.pools.index(machine.pool)] += self.units[row]
        return out


def fleet(first_day: str, n_days: int, seed: int = 0) -> Fleet:
    """The fleet from a day on."""
    machines = tuple(_machines())
    start = hour_of_date(first_day)
    hours = np.arange(start, start + 24 * n_days)
    rng = np.random.default_rng(seed)
    units = np.array([_runs(machine.shape, hours, rng) for machine in machines]).reshape(len(machines), len(hours))
    names = tuple(sorted(ON_DEMAND_USD))
    return Fleet(
        start_hour=start,
        machines=machines,
        units=units,
        catalog=Catalog(
            pools=names,
            on_demand_usd=np.array([ON_DEMAND_USD[name] for name in names]),
            spot_usd=np.array([SPOT_USD.get(name, np.nan) for name in names]),
            offers=tuple(_offer(owned, names) for owned in OWNED),
        ),
        pools={name: _pool(name) for name in names},
        commitments=tuple(_commitment(position, owned) for position, owned in enumerate(OWNED)),
    )


def _machines() -> list[Machine]:
    """Machines of two accounts and three teams; some without a tag."""
    plan = [
        ("m5.large", EAST, "linux", "always", 3, "shop"),
        ("m5.large", EAST, "linux", "day", 2, "shop"),
        ("m5.large", EAST, "linux", "short", 1, ""),
        ("m5.xlarge", EAST, "linux", "week", 2, "ads"),
        ("m5.2xlarge", EAST, "linux", "day", 1, "ads"),
        ("m5.large", EAST, "windows", "week", 1, "office"),
        ("r5.large", EAST, "linux", "always", 2, "shop"),
        ("r5.large", EAST, "linux", "day", 1, "ads"),
        ("g5.xlarge", EAST, "linux", "day", 1, "ads"),
        ("c5.xlarge", WEST, "linux", "day", 2, "shop"),
    ]
    machines = []
    for item, region, platform, shape, count, team in plan:
        pool = pool_name(PoolKey(provider="aws", region=region, item=item, platform=platform))
        for _ in range(count):
            number = len(machines)
            account = "111111111111" if number % 3 else "222222222222"
            zone = f"{region}{'ab'[number % 2]}"
            machines.append(
                Machine(name=f"i-{number:017x}", account=account, zone=zone, team=team, pool=pool, shape=shape)
            )
    spot = [("night", "ads"), ("short", "ads")]
    for shape, team in spot:
        machines.append(
            Machine(
                name=f"i-{len(machines):017x}",
                account="111111111111",
                zone=f"{WEST}a",
                team=team,
                pool="aws/eu-west-1/c5.xlarge",
                is_spot=True,
                shape=shape,
            )
        )
    return machines


def _runs(shape: str, hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Part of each hour that a machine ran, in whole seconds."""
    of_day, of_week = hours % 24, ((hours + 72) % 168) // 24
    full = {
        "always": np.ones(len(hours), dtype=bool),
        "day": (of_day >= 7) & (of_day < 20),
        "week": of_week < 5,
        "night": (of_day < 5) | (of_day >= 22),
        "short": np.zeros(len(hours), dtype=bool),
    }[shape]
    seconds = np.where(full, 3600, 0)
    starts = np.flatnonzero(np.diff(full.astype(int), prepend=int(full[0])) > 0)
    seconds[starts] = rng.integers(60, 3600, len(starts))
    if shape == "short":
        seconds = np.where(rng.random(len(hours)) < 0.3, rng.integers(60, 3600, len(hours)), 0)
    return np.round(seconds / 3600, 10)


def _offer(owned: tuple[str, float, str, float, float], pools: tuple[str, ...]) -> Offer:
    """Offer that a commitment was bought from."""
    offer_id, _, _, hourly_usd, upfront_usd = owned
    key = parse_offer_name(offer_id)
    if key is None:
        msg = f"{offer_id!r} must be the name of an offer."
        raise ValueError(msg)
    kind = OfferKind(key.kind)
    eligible = tuple(pool for pool in pools if _is_eligible(pool, key.region, key.item))
    share = UPFRONT_SHARE[key.payment]
    is_plan = kind in PLAN_RATE_FRACTION
    if is_plan:
        draw = [round(PLAN_RATE_FRACTION[kind] * ON_DEMAND_USD[pool], 5) for pool in eligible]
        hourly_usd, upfront_usd = 1.0 - share, share * term_hours(key.term_months)
    else:
        is_flexible = "." not in key.item
        draw = [_factor(pool) if is_flexible else 1.0 for pool in eligible]
    return Offer(
        offer_id=offer_id,
        kind=kind,
        provider="aws",
        region="" if key.region == "global" else key.region,
        pools=eligible,
        draw=np.array(draw),
        hourly_usd=hourly_usd,
        upfront_usd=upfront_usd,
        term_months=key.term_months,
        payment_option=key.payment,
        is_size_flexible=not is_plan and "." not in key.item,
    )


def _is_eligible(pool: str, region: str, item: str) -> bool:
    """Whether an offer of a region on an item covers a pool."""
    _, place, tail = pool.split("/", 2)
    if region == "global":
        return True
    is_family = "." not in item and tail.startswith(f"{item}.") and "/" not in tail
    return place == region and (tail == item or is_family)


def _factor(pool: str) -> float:
    """Normalized units of one unit of a pool."""
    return normalization_factor(pool.split("/")[2]) or float("nan")


def _pool(name: str) -> Pool:
    """What is declared of a pool."""
    item = name.split("/")[2]
    family, _, size = item.partition(".")
    return Pool(name=name, family=family, size=size, normalization_factor=_factor(name))


def _commitment(position: int, owned: tuple[str, float, str, float, float]) -> Commitment:
    """Commitment with the name AWS would give it."""
    offer_id, quantity, first_day, _, _ = owned
    key = parse_offer_name(offer_id)
    if key is None:
        msg = f"{offer_id!r} must be the name of an offer."
        raise ValueError(msg)
    is_plan = key.kind.endswith("savings_plan")
    region = "" if key.region == "global" else key.region
    service = "savingsplans::111111111111:savingsplan" if is_plan else f"ec2:{region}:111111111111:reserved-instances"
    start = hour_of_date(first_day)
    return Commitment(
        commitment_id=f"arn:aws:{service}/{position:08x}-0000-4000-8000-000000000000",
        offer_id=offer_id,
        quantity=quantity,
        start_hour=start,
        end_hour=start + term_hours(key.term_months),
        account="111111111111",
        scope="" if is_plan else "regional",
    )
