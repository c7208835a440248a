"""Who else in the organisation a commitment serves once its owner's usage is served, and in which turn.

Not here: the order of commitments within a turn (`optimizer.billing.aws.order`).

References
----------
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/ri-turn-off.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class SharingMode(StrEnum):
    """How far a commitment is shared."""

    ORGANIZATION = "organization"
    PRIORITIZED_GROUPS = "prioritized_groups"
    RESTRICTED_GROUPS = "restricted_groups"
    OFF = "off"


class SharingTurn(IntEnum):
    """When an account has its turn at a commitment."""

    OWNER = 0
    GROUP = 1
    ORGANIZATION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """The preference of the management account.

    Attributes
    ----------
    mode : SharingMode
        `prioritized_groups`: the owner's group before the rest of the organisation; `restricted_groups`: the owner's
        group and nobody else.
    group_of : Mapping of str to str
        Group of an account; an account without one is alone.
    opted_out : frozenset of str
        Accounts whose sharing is off: they neither give nor take.
    """

    mode: SharingMode = SharingMode.ORGANIZATION
    group_of: Mapping[str, str] = field(default_factory=dict)
    opted_out: frozenset[str] = frozenset()

    def turn(self, owner: str, runner: str) -> SharingTurn | None:
        """Turn of an account's usage at a commitment of `owner`; None where it may not be served.

        An owner that is not declared has no usage of its own, unless nothing is shared.

        Examples
        --------
        >>> restricted = Sharing(mode=SharingMode.RESTRICTED_GROUPS, group_of={"a": "retail", "b": "retail"})
        >>> restricted.turn("a", "a").name, restricted.turn("a", "b").name, restricted.turn("a", "c")
        ('OWNER', 'GROUP', None)
        """
        if owner == runner and (owner != "" or self.mode == SharingMode.OFF):
            return SharingTurn.OWNER
        if self.mode == SharingMode.OFF or not self.opted_out.isdisjoint((owner, runner)):
            return None
        if self.mode == SharingMode.ORGANIZATION:
            return SharingTurn.ORGANIZATION
        if self._is_one_group(owner, runner):
            return SharingTurn.GROUP
        return SharingTurn.ORGANIZATION if self.mode == SharingMode.PRIORITIZED_GROUPS else None

    def _is_one_group(self, owner: str, runner: str) -> bool:
        """Whether both accounts are of the same group."""
        return owner in self.group_of and self.group_of[owner] == self.group_of.get(runner)


ORGANIZATION = Sharing()
NOT_SHARED = Sharing(mode=SharingMode.OFF)


def final_sharing(changes: Sequence[tuple[int, Sharing]], month_end_second: int) -> Sharing:
    """Preference that a month's final bill uses for all of its hours: the last one set before the month ended, UTC.

    Parameters
    ----------
    changes : sequence of (int, Sharing)
        Epoch second at which each preference was set, in any order.
    month_end_second : int
        Epoch second of 00:00 UTC on the first day of the next month.

    Examples
    --------
    >>> final_sharing([(50, NOT_SHARED), (100, ORGANIZATION)], 100).mode.value
    'off'
    >>> final_sharing([], 100).mode.value
    'organization'
    """
    in_time = [(second, row) for row, (second, _) in enumerate(changes) if second < month_end_second]
    return changes[max(in_time)[1]][1] if in_time else ORGANIZATION
