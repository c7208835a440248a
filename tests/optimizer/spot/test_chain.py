import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.pools import Pool
from optimizer.spot.chain import SpotChain, chain_of, shared_part

CHAINS = st.builds(
    lambda a, stretch: SpotChain(availability=a, outage_hours=stretch / a),
    st.floats(0.05, 0.95),
    st.floats(1.0, 30.0),
)


def hourly(chain: SpotChain) -> np.ndarray:
    """Chances of going from (gone, there) to (gone, there) in an hour, by the rates at which outages end and begin."""
    ends = 1.0 / chain.outage_hours
    begins = (1.0 - chain.availability) / (chain.availability * chain.outage_hours)
    return np.array([[1.0 - ends, ends], [begins, 1.0 - begins]])


@given(CHAINS, st.integers(1, 40))
def test_some_hours_on_are_the_power_of_one_hour(chain: SpotChain, n_hours: int) -> None:
    from_there, from_gone = chain.out_after(np.array(chain.memory**n_hours))
    power = np.linalg.matrix_power(hourly(chain), n_hours)
    np.testing.assert_allclose([from_gone, from_there], power[:, 0], atol=1e-9)


@given(CHAINS)
def test_the_long_run_balance_stays(chain: SpotChain) -> None:
    balance = np.array([1.0 - chain.availability, chain.availability])
    np.testing.assert_allclose(balance @ hourly(chain), balance, atol=1e-12)


@given(CHAINS, st.floats(0.0, 1.0), st.integers(1, 9))
def test_a_correlation_stays_as_it_is_whatever_the_step(chain: SpotChain, correlation: float, n_hours: int) -> None:
    """One step of two chains alike, by all their joint states: a common number, or two of their own."""
    memory = np.array(chain.memory**n_hours)
    common = float(shared_part(correlation, memory))
    from_there, from_gone = (float(p) for p in chain.out_after(memory))
    gone = 1.0 - chain.availability
    spread = gone * (1.0 - gone)
    both = gone**2 + correlation * spread
    joint = {(1, 1): both, (1, 0): gone - both, (0, 1): gone - both, (0, 0): 1 - 2 * gone + both}
    chance = {1: from_gone, 0: from_there}
    then = sum(
        p * (common * min(chance[x], chance[y]) + (1 - common) * chance[x] * chance[y]) for (x, y), p in joint.items()
    )
    assert (then - gone**2) / spread == pytest.approx(correlation, abs=1e-6)


def test_a_pool_that_knows_no_length_of_outages_has_no_chain() -> None:
    assert chain_of(Pool(name="web", spot_availability=0.9)) is None
    pool = Pool(name="web", spot_availability=0.8, spot_outage_hours=2.5)
    assert chain_of(pool) == SpotChain(availability=0.8, outage_hours=2.5)
