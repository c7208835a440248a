"""What every command does around its job: progress on a terminal, every user's mistake to one message and an exit code.

Not here: options (`optimizer.commands.options`).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer
from rich.console import Console
from rich.text import Text

from forecasting.errors import ForecastingError
from optimizer.errors import CertificateError, OptimizerError
from optimizer.jobs.solve import Tell

EXIT_USER = 2
EXIT_DEFECT = 3


@contextmanager
def clear_errors() -> Iterator[None]:
    """Turn errors of ours, and what the machine cannot do, into one message on standard error and an exit code."""
    try:
        yield
    except CertificateError as error:
        _say_error(str(error))
        raise typer.Exit(EXIT_DEFECT) from None
    except (ForecastingError, OptimizerError) as error:
        _say_error(str(error))
        raise typer.Exit(EXIT_USER) from None
    except MemoryError:
        _say_error("the memory of this machine is too small for these inputs. Take fewer pools, or a shorter time.")
        raise typer.Exit(EXIT_USER) from None
    except OSError as error:
        _forget_output()
        _say_error(f"the system says: {error.strerror or error}. What is printed above may be cut short.")
        raise typer.Exit(EXIT_USER) from None


def _forget_output() -> None:
    """Drop what standard output still holds: a disk that is full refuses it again at the end of the program."""
    with suppress(OSError, ValueError, AttributeError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _say_error(message: str) -> None:
    """Print an error as plain text: names in it are never markup."""
    text = "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in message)
    Console(stderr=True, soft_wrap=True).print(Text(f"error: {text}"), highlight=False, emoji=False)


@contextmanager
def progress() -> Iterator[Tell]:
    """Show the step that runs, on a terminal only, on standard error."""
    console = Console(stderr=True)
    if not console.file.isatty():
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield lambda line: status.update(Text(line))
