"""Versions of the program and of what its numbers depend on, for the record of a run.

Not here: anything about the machine.
"""

import platform
from importlib import metadata

RECORDED = ("plimsoll", "numpy", "pandas", "scipy", "pulp", "highspy", "pyarrow", "duckdb", "holidays")


def versions() -> tuple[tuple[str, str], ...]:
    """Names and versions, the program first."""
    found = [(name, metadata.version(name)) for name in RECORDED]
    return (*found, ("python", platform.python_version()))
