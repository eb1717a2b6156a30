"""What a person sees of tilth at work: a line a finished stage, warnings of tilth, and nothing of the libraries."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

from tilth import progress
from tilth.errors import RequestError
from tilth.text import CONTROL

VERBOSE = "TILTH_VERBOSE"
"""Set in the environment of a night whose person asked for -v."""

CHANNEL = "TILTH_CHANNEL"
"""Set in the environment of a night that is watched: the number of the pipe that it writes to."""

_NO_MATTER = "Please consider to run pre-processing before quantization"  # onnxruntime says it of every export


class _Ours(logging.Filter):
    """Passes tilth's warnings, and of the libraries what stopped them; of Prefect, which repeats ours, nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a person wants to read this, and has not just read it (a damaged file is met again and again)."""
        name = record.name.partition(".")[0]
        if name == "prefect" or record.levelno < (logging.WARNING if name == "tilth" else logging.ERROR):
            return False
        before, self._last = self._last, record.getMessage()
        return self._last != before


def quiet() -> None:
    """Keep the libraries' messages off the terminal of this process, unless it was asked to be verbose."""
    is_verbose = bool(os.environ.get(VERBOSE))
    root = logging.getLogger()
    handler: logging.Handler = _Through(channel) if (channel := _channel()) else logging.StreamHandler(sys.stderr)
    # Prefect leaves a root logger alone whose handler has a formatter, so that this one stands.
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s" if is_verbose else "tilth: %(message)s"))
    root.handlers = [handler]
    logging.getLogger("tilth").setLevel(logging.INFO)  # Prefect's page shows what the terminal does not
    if is_verbose:
        return
    handler.addFilter(_Ours())
    warnings.simplefilter("ignore")
    root.addFilter(lambda record: not record.getMessage().startswith(_NO_MATTER))
    # torch gives its loggers a handler of their own, which no filter of ours sees, and
    # resets the levels of the broader ones when it is imported.
    # The others speak where torchao is installed, which transformers and diffusers then import.
    torchao = ("torch.utils._pytree", "diffusers.quantizers.torchao.torchao_quantizer")
    for name in ("torch.onnx._internal.exporter._registration", *torchao):
        logging.getLogger(name).setLevel(logging.ERROR)


def verbose() -> bool:
    """Whether -v was given, or this is the night of somebody who gave it."""
    return logging.getLogger().isEnabledFor(logging.INFO)


def environment() -> dict[str, str]:
    """The environment of a process that runs nights: ours, with what it has to find before it imports anything."""
    is_verbose = verbose()
    silent = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}  # whatever ours says
    own = {
        "PREFECT_LOGGING_LEVEL": "INFO" if is_verbose else "WARNING",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "tilth",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    if sys.platform == "darwin":  # else its runtime ends a guarded process, which is forked, at its first framework
        own["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    if is_verbose:
        return {**own, **os.environ, **silent, VERBOSE: "1"}
    bars = {"PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return {**own, **bars, **os.environ, **silent}


def say(text: str) -> None:
    """Write one line for a person, at once; what a row's columns hold commands no terminal."""
    sys.stdout.write(CONTROL.sub("\N{REPLACEMENT CHARACTER}", text) + "\n")
    sys.stdout.flush()


def say_json(record: Any) -> None:
    """Write a record for a program, indented, at once."""
    say(json.dumps(record, indent=2, ensure_ascii=False))


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


def note(text: str) -> None:
    """Write one line for a person on standard error, so that standard output holds what was asked for alone."""
    sys.stderr.write(f"tilth: {text}\n")
    sys.stderr.flush()


def tell(text: str) -> None:
    """Write one line of a night, which goes on where its reader, `head` for one, has seen enough."""
    if (channel := _channel()) is not None:
        channel.send("line", text)
        return
    try:
        say(text)
    except BrokenPipeError:
        unread()


def unread() -> None:
    """Send standard output nowhere from here on, so that nothing breaks on a pipe that its reader has closed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextlib.contextmanager
def working(name: str) -> Iterator[None]:
    """Whoever watches the night sees that a step is at work, and how far it is; elsewhere nothing."""
    channel = _channel()
    if channel is None:
        yield
        return
    channel.send("begin", name)
    with progress.listening(channel.count):
        yield


class Channel:
    """What a night, in a process of its own, has to show to the process that watches over it: JSON, a line each."""

    PAUSE = 0.1
    """Seconds between two counts of one piece of work."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # what a night starts has nothing to show
        self._pipe = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._counted = 0.0

    def send(self, *words: Any) -> None:
        """Send one message, whole, from whatever thread; nobody may be there any more to read it."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.write(json.dumps(words) + "\n")

    def count(self, what: str, done: int, of: int) -> None:
        """Send how far a piece of work is, a few times a second and at its end."""
        now = time.monotonic()
        if done >= of or now - self._counted > self.PAUSE:
            self._counted = now
            self.send("count", what, done, of)


@functools.cache
def _channel() -> Channel | None:
    """The channel of this process, where the one that started it watches."""
    number = os.environ.pop(CHANNEL, None)
    return Channel(int(number)) if number else None


class _Through(logging.Handler):
    """Messages for whoever watches, who writes them where they are in nobody's way."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self._channel.send("warn", self.format(record))
