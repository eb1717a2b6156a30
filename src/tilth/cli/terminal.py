"""What a person sees of tilth at work: a line a finished stage, warnings of tilth, and nothing of the libraries."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

from tilth.errors import RequestError

VERBOSE = "TILTH_VERBOSE"
"""Set in the environment of a night whose person asked for -v."""

_NO_MATTER = "Please consider to run pre-processing before quantization"  # onnxruntime says it of every export


class _Ours(logging.Filter):
    """Passes tilth's warnings, and of the libraries what stopped them; of Prefect, which repeats ours, nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a person wants to read this."""
        name = record.name.partition(".")[0]
        return name != "prefect" and record.levelno >= (logging.WARNING if name == "tilth" else logging.ERROR)


def quiet() -> None:
    """Keep the libraries' messages off the terminal of this process, unless it was asked to be verbose."""
    verbose = bool(os.environ.get(VERBOSE))
    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stderr)
    # Prefect leaves a root logger alone whose handler has a formatter, so that this one stands.
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s" if verbose else "tilth: %(message)s"))
    root.handlers = [handler]
    logging.getLogger("tilth").setLevel(logging.INFO)  # Prefect's page shows what the terminal does not
    if verbose:
        return
    handler.addFilter(_Ours())
    warnings.simplefilter("ignore")
    root.addFilter(lambda record: not record.getMessage().startswith(_NO_MATTER))
    # torch gives its loggers a handler of their own, which no filter of ours sees, and
    # resets the levels of the broader ones when it is imported.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)


def environment() -> dict[str, str]:
    """The environment of a process that runs nights: ours, with what it has to find before it imports anything."""
    verbose = logging.getLogger().isEnabledFor(logging.INFO)  # as -v sets it
    silent = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}  # whatever ours says
    own = {
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "WARNING",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tilth",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    if verbose:
        return {**own, **os.environ, **silent, VERBOSE: "1"}
    bars = {"PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return {**own, **bars, **os.environ, **silent}


def say(text: str) -> None:
    """Write one line for a person, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def lines() -> Iterator[str]:
    """The lines of standard input, which is UTF-8 whatever the terminal's own encoding.

    Raises:
        RequestError: A line is not.
    """
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RequestError(
                f"line {number} of standard input is not UTF-8 (byte 0x{line[error.start]:02x})"
            ) from None


def tell(text: str) -> None:
    """Write one line of a night, which goes on where its reader, `head` for one, has seen enough."""
    try:
        say(text)
    except BrokenPipeError:
        unread()


def unread() -> None:
    """Send standard output nowhere from here on, so that nothing breaks on a pipe that its reader has closed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def working(name: str) -> Iterator[None]:
    """On a terminal, show that a stage is at work and for how long; elsewhere nothing, so that lines stay lines."""
    if not sys.stdout.isatty():
        yield
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<17}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        progress.add_task(name, total=None)
        yield
