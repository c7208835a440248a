"""Declared relations between drivers and demand, as data: read from the `relations` of roadmap.yaml.

Not here: what a relation makes of drivers (`forecasting.relations`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from forecasting.columns import check_name, did_you_mean
from forecasting.documents import Section, shown
from forecasting.errors import Problem
from forecasting.keys import Keys, is_number

ESTIMATE = "estimate"
MAX_ELASTICITY = 10.0  # in size; twice the driver, a thousand times the demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Demand = constant x product of driver ** elasticity x what the drivers do not explain.

    Attributes
    ----------
    groups : tuple of str
        Groups whose sum follows the drivers; with no `pools` either, every group, each for itself.
    pools : tuple of str
        Pools that follow the drivers, each for itself.
    elasticities : tuple of (str, float or None)
        Elasticity of each driver; None: to be estimated.
    line : int or None
        Line of the file, for messages.
    """

    groups: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    elasticities: tuple[tuple[str, float | None], ...]
    line: int | None = None


def read_relations(keys: Keys) -> tuple[Relation, ...]:
    """Relations of a roadmap; what is wrong with them is added to the problems of `keys`."""
    entries = keys.section.get("relations") or []
    if not isinstance(entries, list):
        keys.refuse("relations", f"must be a list of relations, got {shown(entries)}.")
        return ()
    relations = []
    for index, entry in enumerate(entries):
        place = f"relations[{index}]"
        if not isinstance(entry, Section):
            keys.problems.append(Problem(column=place, message=f"must be a mapping with drivers, got {shown(entry)}."))
            continue
        inner = Keys(entry, place=place)
        relations.append(_read_relation(inner))
        keys.problems += inner.problems
    return tuple(relations)


def relation_problems(
    relations: Iterable[Relation], *, drivers: Collection[str], groups: Collection[str], pools: Collection[str]
) -> list[Problem]:
    """Names in relations that the drivers or the usage do not have, and what follows two relations at once."""
    problems = []
    taken: set[tuple[str, str]] = set()
    for relation in relations:
        named = [("driver", name, drivers) for name, _ in relation.elasticities]
        named += [("group", name, groups) for name in relation.groups]
        named += [("pool", name, pools) for name in relation.pools]
        for what, name, known in named:
            if name not in known:
                where = "driver file" if what == "driver" else "usage before the decision date"
                rule = f"{what} {name!r} must be in the {where}, and is not."
                problems.append(_relation_problem(relation, f"{rule}{did_you_mean(name, known)}"))
        for target in _targets(relation, groups):
            if target in taken:
                message = f"{target[0]} {target[1]!r} must follow one relation, got two. Join their drivers in one."
                problems.append(_relation_problem(relation, message))
            taken.add(target)
    return problems


def _targets(relation: Relation, groups: Collection[str]) -> list[tuple[str, str]]:
    """What follows a relation: groups or pools, by name."""
    if relation.pools:
        return [("pool", name) for name in relation.pools]
    return [("group", name) for name in relation.groups or groups]


def _relation_problem(relation: Relation, message: str) -> Problem:
    """Problem of a relation as a whole."""
    return Problem(column="relations", row=relation.line, message=message)


def _read_relation(keys: Keys) -> Relation:
    """One relation; what is wrong is noted."""
    keys.check_known(("groups", "pools", "drivers"), of_what="a relation")
    if "groups" in keys and "pools" in keys:
        keys.refuse("pools", "must not stand beside `groups`. Write two relations.")
    return Relation(
        groups=keys.names("groups", of_what="group") if "groups" in keys else (),
        pools=keys.names("pools") if "pools" in keys else (),
        elasticities=_read_elasticities(keys),
        line=keys.section.line,
    )


def _read_elasticities(keys: Keys) -> tuple[tuple[str, float | None], ...]:
    """Elasticity of each driver, None where it shall be estimated."""
    section = keys.section.get("drivers")
    if not isinstance(section, Section) or not section:
        rule = "must map drivers to elasticities, like {dau: 1.0, price: estimate}"
        keys.refuse("drivers", f"{rule}, got {shown(section)}.")
        return ()
    for driver, line in section.repeated.items():
        keys.refuse("drivers", f"must name each driver once, got {driver!r} again in line {line}.")
    read: list[tuple[str, float | None]] = []
    for driver, value in section.items():
        wrong = check_name(driver)
        if wrong:
            keys.refuse("drivers", f"a driver {wrong}, got {driver!r}.")
        elif value == ESTIMATE:
            read.append((driver, None))
        elif is_number(value) and abs(value) <= MAX_ELASTICITY:
            read.append((driver, float(value)))
        else:
            rule = f"must be a number from {-MAX_ELASTICITY:g} to {MAX_ELASTICITY:g}, or {ESTIMATE}"
            keys.refuse("drivers", f"the elasticity of {driver!r} {rule}, got {shown(value)}.")
    return tuple(read)
