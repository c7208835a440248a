"""The two-state Markov chain of spot capacity: there or not there, from hour to hour, alone and beside another pool.

Not here: drawing it (`optimizer.spot.outages`), what it costs (`optimizer.spot.rates`, `optimizer.spot.deadline`).
"""

from dataclasses import dataclass

import numpy as np

from forecasting.arrays import FloatArray
from optimizer.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotChain:
    """Spot capacity of one pool from hour to hour, in its long-run balance.

    Attributes
    ----------
    availability : float
        Part of all hours in which spot is there, above 0 and below 1.
    outage_hours : float
        Mean length of a stretch without spot, at least 1 / availability: so long are stretches of hours that know
        nothing of each other. [h]

    Notes
    -----
    With availability a and mean outage L an outage ends with 1 / L an hour, and begins with (1 - a) / (a L) an hour
    where spot is there. What is known of the state fades by the factor 1 - 1 / (a L) an hour.

    Examples
    --------
    >>> SpotChain(availability=0.8, outage_hours=2.5).memory
    0.5
    """

    availability: float
    outage_hours: float

    @property
    def memory(self) -> float:
        """Part of what is known of the state in an hour that is still known in the next, in [0, 1)."""
        return max(0.0, 1.0 - 1.0 / (self.availability * self.outage_hours))

    def out_after(self, memory: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Chance that spot is gone some hours after it was there, and after it was gone.

        Parameters
        ----------
        memory : FloatArray
            `memory` to the power of the hours between; 0 where nothing is known.
        """
        out = 1.0 - self.availability
        return out * (1.0 - memory), out + (1.0 - out) * memory


def shared_part(correlation: float, memory: FloatArray) -> FloatArray:
    """How often two chains alike must follow one draw in common, for their outages to have that correlation.

    Each step of a chain compares one uniform number with the chance of being out. Where two chains alike follow one
    number in common with probability q, and numbers of their own else, the correlation k of their states moves to
    q + ... with the fixed point k = q / (1 + m (1 - q)), m the memory of the step. Solved for q:
    q = k (1 + m) / (1 + k m). A correlation that holds at first so holds in every hour, whatever the steps.

    Parameters
    ----------
    correlation : float
        Of "spot is gone in this hour" between the two, in [0, 1].
    memory : FloatArray
        Of each step; 0 where nothing is known.
    """
    part: FloatArray = np.minimum(correlation * (1.0 + memory) / (1.0 + correlation * memory), 1.0)
    return part


def chain_of(pool: Pool) -> SpotChain | None:
    """Chain that a pool declares; None where it does not say how long outages are."""
    if pool.spot_outage_hours is None:
        return None
    return SpotChain(availability=pool.spot_availability, outage_hours=pool.spot_outage_hours)
