"""Keys of one section of a document, read one by one with every problem noted.

Not here: which keys there are (`forecasting.roadmap`), nor YAML itself (`forecasting.documents`).
"""

import math
from collections.abc import Iterable

from forecasting.columns import check_name, did_you_mean, has_control_characters
from forecasting.documents import Section, shown
from forecasting.errors import Problem
from forecasting.hours import FIRST_DATE, LAST_DATE, hour_of_date, hour_of_plan_date


class Keys:
    """Reader of one section that gathers problems instead of raising the first.

    Parameters
    ----------
    section : Section
        What the file holds.
    place : str
        Where it stands, in front of the key in messages.
    """

    def __init__(self, section: Section, *, place: str) -> None:
        self.section = section
        self.place = place
        self.problems: list[Problem] = []

    def __contains__(self, key: str) -> bool:
        """Whether the key is there and holds something."""
        return self.section.get(key) is not None

    def refuse(self, key: str, message: str) -> None:
        """Note a problem of a key."""
        column = f"{self.place}.{key}" if self.place else key
        self.problems.append(
            Problem(column=column, row=self.section.lines.get(key, self.section.line), message=message)
        )

    def check_known(self, known: Iterable[str], *, of_what: str) -> None:
        """Note keys that do not belong here, and keys that are there twice."""
        known = list(known)
        for key in self.section:
            if key not in known:
                hint = did_you_mean(key, known)
                self.refuse(key, f"is not a key of {of_what}.{hint} Known are {', '.join(known)}.")
        for key, line in self.section.repeated.items():
            self.refuse(key, f"must be there once, got it again in line {line}.")

    def text(self, key: str) -> str:
        """Text that is not empty; "" with a problem otherwise."""
        value = self.section.get(key)
        if not isinstance(value, str) or not value.strip() or has_control_characters(value):
            quote = " Put it in quotes." if isinstance(value, int | float) else ""
            self.refuse(key, f"must be a text without control characters, got {shown(value)}.{quote}")
            return ""
        return value

    def choice(self, key: str, options: Iterable[str], *, default: str | None = None) -> str | None:
        """One of `options`; `default` where the key is absent, None with a problem where it is wrong."""
        options = [str(option) for option in options]
        if key not in self and default is not None:
            return default
        value = self.section.get(key)
        if value in options:
            return str(value)
        hint = did_you_mean(value, options) if isinstance(value, str) else ""
        self.refuse(key, f"must be one of {', '.join(options)}, got {shown(value)}.{hint}")
        return None

    def date_hour(self, key: str, *, is_of_plan: bool = False) -> int | None:
        """Epoch hour of a date at 00:00 UTC, perhaps one that a plan can be about; None with a problem otherwise."""
        value = self.section.get(key)
        try:
            return (hour_of_plan_date if is_of_plan else hour_of_date)(value if isinstance(value, str) else "")
        except ValueError:
            bounds = f" between {FIRST_DATE} and {LAST_DATE}" if is_of_plan else ""
            self.refuse(key, f"must be a date like 2024-01-31{bounds}, got {shown(value)}.")
            return None

    def number(self, key: str, *, default: float | None, low: float = 0.0, high: float = math.inf) -> float | None:
        """Finite number in [low, high]; `default` where the key is absent."""
        if key not in self:
            return default
        value = self.section[key]
        if is_number(value) and low <= value <= high:
            return float(value)
        self.refuse(key, f"must be {range_text(low, high)}, got {shown(value)}.")
        return None

    def ordered(self, key: str, n_values: int, *, high: float = math.inf) -> tuple[float, ...] | None:
        """List of `n_values` rising numbers in [0, high]; None where the key is absent or wrong."""
        if key not in self:
            return None
        values = self.section[key]
        if isinstance(values, list) and len(values) == n_values and all(is_number(value) for value in values):
            numbers = tuple(float(value) for value in values)
            if list(numbers) == sorted(numbers) and numbers[0] >= 0.0 and numbers[-1] <= high:
                return numbers
        rule = f"must be a list of {n_values} numbers that do not fall, each {range_text(0.0, high)}"
        self.refuse(key, f"{rule}, got {shown(values)}.")
        return None

    def names(self, key: str, *, of_what: str = "pool") -> tuple[str, ...]:
        """List of different names, of pools or of something else, at least one; empty with a problem otherwise."""
        values = self.section.get(key)
        if not isinstance(values, list) or not values:
            self.refuse(key, f"must be a list of {of_what}s like [web, api], got {shown(values)}.")
            return ()
        names = tuple(value for value in values if self._is_name(key, value, of_what=of_what))
        if len(set(names)) < len(names):
            self.refuse(key, f"must name each {of_what} once, got {shown(values)}.")
        return names

    def shares(self, key: str, *, tolerance: float) -> tuple[tuple[str, float], ...]:
        """Mapping of pools to shares that sum to 1; empty with a problem otherwise."""
        section = self.section.get(key)
        if not isinstance(section, Section) or not section:
            self.refuse(key, f"must map pools to shares, like {{web: 0.6, api: 0.4}}, got {shown(section)}.")
            return ()
        for pool, line in section.repeated.items():
            self.refuse(key, f"must name each pool once, got {pool!r} again in line {line}.")
        shares = [(pool, value) for pool, value in section.items() if self._is_name(key, pool)]
        if not all(is_number(value) and 0.0 <= value <= 1.0 for _, value in shares):
            self.refuse(key, f"must hold shares between 0 and 1, got {shown(section)}.")
            return ()
        total = math.fsum(value for _, value in shares)
        if abs(total - 1.0) > tolerance:
            self.refuse(key, f"must hold shares that sum to 1, got a sum of {total:g}.")
        return tuple((pool, float(value)) for pool, value in shares)

    def amounts(self, key: str, *, high: float = math.inf) -> tuple[tuple[str, float], ...]:
        """Mapping of drivers to amounts in [0, high], at least one of them; empty with a problem otherwise."""
        section = self.section.get(key)
        if not isinstance(section, Section) or not section:
            self.refuse(key, f"must map drivers to amounts, like {{dau: 50000}}, got {shown(section)}.")
            return ()
        for driver, line in section.repeated.items():
            self.refuse(key, f"must name each driver once, got {driver!r} again in line {line}.")
        known = [(driver, value) for driver, value in section.items() if self._is_name(key, driver, of_what="driver")]
        if not all(is_number(value) and 0.0 <= value <= high for _, value in known):
            self.refuse(key, f"must hold amounts, each {range_text(0.0, high)}, got {shown(section)}.")
            return ()
        return tuple((driver, float(value)) for driver, value in known)

    def _is_name(self, key: str, value: object, *, of_what: str = "pool") -> bool:
        """Whether a value is the name of a pool (or of something else), with a problem if not."""
        if not isinstance(value, str):
            self.refuse(key, f"must hold names of {of_what}s, got {shown(value)}. Put names in quotes.")
            return False
        wrong = check_name(value)
        if wrong:
            self.refuse(key, f"a {of_what} {wrong}, got {value!r}.")
        return wrong is None


def is_number(value: object) -> bool:
    """Whether a value of a document is a finite number.

    Examples
    --------
    >>> is_number(1), is_number(True), is_number(float("inf"))
    (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def range_text(low: float, high: float) -> str:
    """Range in words.

    Examples
    --------
    >>> range_text(0, 1), range_text(0, math.inf)
    ('a number from 0 to 1', 'a number >= 0')
    """
    return f"a number >= {low:g}" if math.isinf(high) else f"a number from {low:g} to {high:g}"
