"""Chains that do not wait for each other, in processes of their own, which fill the store.

What they leave out is made afterwards by the run itself: they only save time, and change no byte. Not here: chains.
"""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from optimizer.jobs.backtest.replay import Chain, missing, replayed
from optimizer.jobs.backtest.request import BacktestRequest, Setting, read_setting
from optimizer.jobs.backtest.store import DecisionStore, state_key
from optimizer.jobs.solve import Tell

POLL_SECONDS = 0.25
FEWEST_DECISIONS = 6  # to be made, for a process to be worth its start


def fill_store(
    groups: Sequence[Sequence[Chain]], setting: Setting, store: DecisionStore, *, n_processes: int, tell: Tell
) -> None:
    """Let processes replay chains until all are done or given up.

    Parameters
    ----------
    groups : sequence of sequences of Chain
        Each for one process, the longest first.
    setting : Setting
    store : DecisionStore
    n_processes : int
        At most; below 2 nothing is done here.
    tell : callable
        Given a line on progress.
    """
    waiting = [group for group in groups if missing(group, setting, store)]
    chains = [chain for group in waiting for chain in group]
    if min(n_processes, len(waiting)) < 2 or missing(chains, setting, store) < FEWEST_DECISIONS:
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of solvers in mid-air
    running: list[BaseProcess] = []
    n_all, began = missing(chains, setting, store), time.monotonic()
    left = list(waiting)
    try:
        while left or running:
            running = [process for process in running if process.is_alive()]
            while left and len(running) < n_processes:
                args = (setting.request, left.pop(0), store.folder.parent, os.getpid())
                running.append(_started(context.Process(target=_fill, args=args, daemon=True)))
            tell(progress_line(n_all - missing(chains, setting, store), n_all, time.monotonic() - began))
            time.sleep(POLL_SECONDS)
    finally:
        for process in running:
            process.terminate()
            process.join()


def progress_line(n_done: int, n_all: int, seconds: float) -> str:
    """Decisions made, and how long the rest may take.

    Examples
    --------
    >>> progress_line(0, 8, 2.0), progress_line(4, 8, 90.0)
    ('0 of 8 decisions', '4 of 8 decisions, about 90 s to go')
    """
    estimate = f", about {seconds / n_done * (n_all - n_done):.0f} s to go" if n_done else ""
    return f"{n_done} of {n_all} decisions{estimate}"


def _started(process: BaseProcess) -> BaseProcess:
    """Start a process."""
    process.start()
    return process


def _fill(request: BacktestRequest, chains: Sequence[Chain], out_dir: Path, parent: int) -> None:
    """Replay some chains into the store, until done, or the run itself is gone, or an error that it will meet too."""

    def stop_if_alone(_title: str, _date: int, _known: bool) -> None:
        if os.getppid() != parent:
            raise SystemExit(0)

    with contextlib.suppress(Exception):
        setting = read_setting(request)
        store = DecisionStore(out_dir, state_key(setting))
        for chain in chains:
            replayed(chain, setting, store, on_step=stop_if_alone)
