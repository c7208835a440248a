"""Documents: a YAML file becomes plain values that remember their lines, and nothing else.

Only text, numbers, true, false, null, lists and mappings come out; dates stay text. Not here: what the keys mean.
"""

import re
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from forecasting.errors import InputError, Problem
from forecasting.files import read_text, refuse

TAG = "tag:yaml.org,2002:"
_DIGITS = "-+.0123456789"
_RESOLVERS = (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", _DIGITS),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", _DIGITS),
)


class Section(dict[str, Any]):
    """A mapping of the file that knows where its keys stand.

    Attributes
    ----------
    lines : dict of str to int
        1-based line of each key.
    line : int
        Line where the mapping starts.
    repeated : dict of str to int
        Keys that are there twice, with the line of the second.
    """

    __slots__ = ("line", "lines", "repeated")

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.repeated: dict[str, int] = {}


class _Loader(yaml.SafeLoader):
    """Loader of the YAML 1.2 core types: `no` and `2024-01-31` stay text."""


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_first))


def _construct_section(loader: _Loader, node: yaml.MappingNode) -> Iterator[Section]:
    """Mapping with the lines of its keys; filled after it is handed out, as aliases need."""
    section = Section(node.start_mark.line + 1)
    yield section
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            reason = f"a key must be text, got {shown(key)}; put it in quotes"
            raise yaml.constructor.ConstructorError(None, None, reason, key_node.start_mark)
        if key in section:
            section.repeated[key] = line
        section[key] = loader.construct_object(value_node, deep=True)
        section.lines[key] = line


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    """Decimal whole number; a leading zero does not make it octal."""
    return int(loader.construct_scalar(node))


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    """Decimal number, with `1e-3` as one."""
    return float(str(loader.construct_scalar(node)).lower().replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor(TAG + "map", _construct_section)
_Loader.add_constructor(TAG + "int", _construct_int)
_Loader.add_constructor(TAG + "float", _construct_float)


def shown(value: object) -> str:
    """Value for a message, short whatever it holds.

    Examples
    --------
    >>> shown({"a": 1})
    "{'a': 1}"
    """
    return reprlib.repr(dict(value) if isinstance(value, Section) else value)


def read_document(path: Path) -> Section:
    """Top-level mapping of a YAML file; empty where the file holds only comments.

    Parameters
    ----------
    path : Path
        UTF-8 text.

    Raises
    ------
    InputError
        If the file cannot be read, is no YAML, asks for an object, or is not a mapping.
    """
    text = read_text(path)
    try:
        value = yaml.load(text, Loader=_Loader)  # the loader is a SafeLoader
    except yaml.constructor.ConstructorError as error:
        raise InputError(str(path), [_construct_problem(error)]) from error
    except yaml.MarkedYAMLError as error:
        message = f"is no valid YAML: {error.problem or error.context}. Check quotes and indents."
        raise InputError(str(path), [Problem(row=_line(error), message=message)]) from error
    except yaml.YAMLError as error:
        raise refuse(path, f"is no valid YAML: {str(error).splitlines()[0]}.") from error
    except RecursionError:
        raise refuse(path, "is nested too deeply to be read.") from None
    except ValueError as error:
        raise refuse(path, f"holds a value that YAML cannot read: {error}.") from error
    if value is None:
        return Section()
    if not isinstance(value, Section):
        raise refuse(path, f"must be a mapping of keys to values, got {shown(value)}.", row=1)
    return value


def _construct_problem(error: yaml.constructor.ConstructorError) -> Problem:
    """Problem of a value that the loader refuses to make."""
    reason = str(error.problem)
    if "could not determine a constructor" in reason:
        tag = reason.rsplit("'", 2)[-2]
        reason = f"asks for an object ({tag}). Only text, numbers, true, false, null, lists and mappings are read"
    return Problem(row=_line(error), message=f"{reason}.")


def _line(error: yaml.MarkedYAMLError) -> int | None:
    """1-based line of an error."""
    mark = error.problem_mark or error.context_mark
    return None if mark is None else mark.line + 1
