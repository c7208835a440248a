"""What the tests of all families of models share."""

import numpy as np
import pytest

from forecasting.models.lines import Training
from forecasting.origins import rolling_origins


@pytest.fixture(scope="session")
def training_of():
    """Training on some log demand, from every rolling origin."""
    return lambda logs: Training(logs=np.asarray(logs, dtype=np.float64), origins=rolling_origins(len(logs)))


def _check_no_look_ahead(family, logs, cut, *, atol=1e-10):
    """Fail unless the lines at the origins up to `cut` stay where all days from `cut` on are altered."""
    origins = rolling_origins(len(logs))
    for altered in (9.0 - logs, np.full(len(logs), 99.0)):
        changed = np.where(np.arange(len(logs)) < cut, logs, altered)
        one, other = (family(Training(logs=values, origins=origins)) for values in (logs, changed))
        before = origins <= cut
        assert before.any()
        np.testing.assert_allclose(one.level[before], other.level[before], rtol=0, atol=atol)
        np.testing.assert_allclose(one.slope[before], other.slope[before], rtol=0, atol=atol)


@pytest.fixture(scope="session")
def check_no_look_ahead():
    """Check that a family reads nothing after an origin."""
    return _check_no_look_ahead
