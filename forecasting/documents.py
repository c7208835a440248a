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


def _construct_number(loader: _Loader, node: yaml.ScalarNode) -> float:
    """Decimal number, whole or with `1e-3` as one; a leading zero does not make it octal."""
    text = str(loader.construct_scalar(node)).lower().replace(".inf", "inf").replace(".nan", "nan")
    try:
        return int(text) if node.tag == TAG + "int" else float(text)
    except ValueError:
        reason = f"must be a number, got {shown(text)}"
        raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark) from None


def _construct_bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    """Read true or false; a tag can claim that of any text."""
    text = str(loader.construct_scalar(node)).lower()
    if text not in {"true", "false"}:
        reason = f"must be true or false, got {shown(text)}"
        raise yaml.constructor.ConstructorError(None, None, reason, node.start_mark)
    return text == "true"


_Loader.yaml_constructors = {  # no others: a set, bytes or a timestamp is an object like any
    TAG + "null": yaml.SafeLoader.construct_yaml_null,
    TAG + "bool": _construct_bool,
    TAG + "int": _construct_number,
    TAG + "float": _construct_number,
    TAG + "str": yaml.SafeLoader.construct_yaml_str,
    TAG + "seq": yaml.SafeLoader.construct_yaml_seq,
    TAG + "map": _construct_section,
    None: yaml.SafeLoader.construct_undefined,
}


class _Short(reprlib.Repr):
    """Text of a value that stays short although aliases may make a few lines hold billions of values."""

    def repr_Section(self, value: Section, level: int) -> str:  # noqa: N802  # reprlib finds it by this name
        """Show a section as the mapping it is."""
        return self.repr_dict(dict(value), level)


_SHORT = _Short()
_SHORT.maxlevel = 2
MAX_SHOWN = 120  # characters of a value in a message


def shown(value: object) -> str:
    """Value for a message, short whatever it holds.

    Examples
    --------
    >>> shown({"a": 1})
    "{'a': 1}"
    >>> shown([[[[1]]]])
    '[[[...]]]'
    """
    text = _SHORT.repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


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
    text = read_text(path, needs="Write {} for the defaults, or leave the file out.")
    try:
        value = yaml.load(text, Loader=_Loader)  # the loader is a SafeLoader
    except yaml.constructor.ConstructorError as error:
        raise InputError(str(path), [_construct_problem(error)]) from error
    except yaml.MarkedYAMLError as error:
        message = f"is no valid YAML: {error.problem or error.context}. Check quotes and indents."
        raise InputError(str(path), [Problem(row=_line(error), message=message)]) from error
    except yaml.reader.ReaderError as error:
        row = 1 + text.count("\n", 0, error.position)
        raise refuse(path, f"must not hold control characters, got {chr(error.character)!r}.", row=row) from None
    except RecursionError:
        raise refuse(path, "is nested too deeply to be read.") from None
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
