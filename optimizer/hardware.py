"""Hardware of one's own: when it serves which pools, and what it can be sold for.

Not here: reading it from a price list (`optimizer.hardware_rows`), what it costs a plan (`optimizer.hardware_cost`).
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from forecasting.hours import HOURS_PER_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBand:
    """A stretch of the life in which the same pools are served.

    Attributes
    ----------
    start_age_hours, end_age_hours : int
        Hours in service, end exclusive.
    places : tuple of int
        Places of its pools among the pools of the offer.
    """

    start_age_hours: int
    end_age_hours: int
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What hardware has that other offers have not.

    Attributes
    ----------
    lead_hours : int
        From the order, which pays for it, to the first hour of service, which starts its life. [h]
    salvage_usd : tuple of float, or None
        What one unit of hardware can be sold for after 1, 2, 3... years of service; 0 after the last of them; None
        where nothing is declared. [USD/unit]
    from_hours, until_hours : tuple of int
        Age at which each pool of the offer is served first, and from which it no longer is. [h]
    """

    lead_hours: int = 0
    salvage_usd: tuple[float, ...] | None = None
    from_hours: tuple[int, ...] = ()
    until_hours: tuple[int, ...] = ()

    @property
    def is_sold(self) -> bool:
        """Whether a value is declared that it can be sold for."""
        return self.salvage_usd is not None

    def serving_nothing(self) -> "Hardware":
        """The same hardware where none of its pools is known: it costs what it costs."""
        return replace(self, from_hours=(), until_hours=())

    def salvage_at(self, age_hours: float) -> float:
        """What one unit can be sold for at an age: linear between the years, before the first as after it. [USD/unit]

        Parameters
        ----------
        age_hours : float
            Hours in service.

        Examples
        --------
        >>> sold = Hardware(salvage_usd=(600.0, 400.0))
        >>> [sold.salvage_at(years * 8760) for years in (0.5, 1, 1.5, 2.5, 4)]
        [600.0, 600.0, 500.0, 200.0, 0.0]
        """
        if not self.salvage_usd:
            return 0.0
        values = (*self.salvage_usd, 0.0)
        years = max(age_hours / HOURS_PER_YEAR, 1.0)
        place = int(years) - 1
        if place >= len(values) - 1:
            return 0.0
        part = years - 1 - place
        return (1.0 - part) * values[place] + part * values[place + 1]

    def age_bands(self, life_hours: int) -> tuple[AgeBand, ...]:
        """Stretches of the life, from the first hour of service to its end, by what is served in them.

        Parameters
        ----------
        life_hours : int
            Useful life. [h]

        Examples
        --------
        >>> moved = Hardware(from_hours=(0, 8760), until_hours=(8760, 26280))
        >>> [(band.end_age_hours, band.places) for band in moved.age_bands(26280)]
        [(8760, (0,)), (26280, (1,))]
        """
        edges = {0, life_hours, *self.from_hours, *self.until_hours}
        ages = sorted(age for age in edges if 0 <= age <= life_hours)
        bands: list[AgeBand] = []
        for start, end in pairwise(ages):
            places = tuple(
                place
                for place, (first, last) in enumerate(zip(self.from_hours, self.until_hours, strict=True))
                if first <= start and end <= last
            )
            if bands and bands[-1].places == places:
                start = bands.pop().start_age_hours
            bands.append(AgeBand(start_age_hours=start, end_age_hours=end, places=places))
        return tuple(bands)
