"""State of a backtest on disk: each decision as soon as it is made, so that a run that was killed goes on.

A decision is found again only by the same inputs, options, program and libraries. Not here: the answer's own files
(`optimizer.outputs`).
"""

import contextlib
import hashlib
import json
import os
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path

from optimizer.errors import OutputError
from optimizer.jobs.backtest.decisions import Decision, decision_of, decision_text
from optimizer.jobs.backtest.request import BacktestRequest, Setting
from optimizer.jobs.versions import versions

FOLDER = ".backtest"
PACKAGES = ("forecasting", "optimizer")


class DecisionStore:
    """Decisions of one setting, one small file each.

    Parameters
    ----------
    out_dir : Path
        Directory of the answer; the state lies in a hidden folder of it.
    key : str
        Of `state_key`.
    """

    def __init__(self, out_dir: Path, key: str) -> None:
        self.folder = out_dir / FOLDER
        self.key = key
        self.used: set[str] = set()

    def load(self, chain: str, date_hour: int) -> Decision | None:
        """Decision of a chain on a date; None where it is not there, or is no longer what was written."""
        place = self._place(chain, date_hour)
        try:
            text = place.read_text(encoding="utf-8")
            head, _, body = text.partition("\n")
            if head != hashlib.sha256(body.encode()).hexdigest():
                return None
            return decision_of(body)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, chain: str, decision: Decision) -> None:
        """Keep a decision; a reader sees all of it or nothing.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        place = self._place(chain, decision.date_hour)
        body = decision_text(decision)
        staged = place.with_suffix(f".{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            staged.write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}", encoding="utf-8")
            os.replace(staged, place)
        except OSError as error:
            msg = f"--out {str(self.folder)!r}: {error.strerror or error}. Choose another --out."
            raise OutputError(msg) from error

    def has(self, chain: str, date_hour: int) -> bool:
        """Whether there is something for a chain and a date."""
        return self._place(chain, date_hour).exists()

    def prune(self) -> None:
        """Delete what no chain of this run asked for: states of other inputs, options and versions."""
        if not self.folder.is_dir():
            return
        for place in sorted(self.folder.iterdir()):
            if place.name not in self.used:
                with contextlib.suppress(OSError):
                    place.unlink()

    def _place(self, chain: str, date_hour: int) -> Path:
        """File of a decision: its name is a hash, whatever the chain is called."""
        name = f"{hashlib.sha256(f'{self.key}/{chain}/{date_hour}'.encode()).hexdigest()[:40]}.json"
        self.used.add(name)
        return self.folder / name


def state_key(setting: Setting) -> str:
    """Hash of everything that a decision depends on but its chain and its date."""
    request: BacktestRequest = setting.request
    parts = {
        "inputs": [asdict(record) | {"name": ""} for record in request.paths.records()],
        "options": asdict(request.options),
        "policy": setting.policy.model_dump(mode="json"),
        "window": [request.start_hour, request.end_hour],
        "method": request.method,
        "versions": versions(),
        "program": _program_hash(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def _program_hash() -> str:
    """Hash of the sources: a decision of another program is not this one's."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        with resources.as_file(resources.files(package)) as folder:
            for source in sorted(folder.rglob("*.py")):
                digest.update(source.relative_to(folder).as_posix().encode())
                digest.update(source.read_bytes())
    return digest.hexdigest()
