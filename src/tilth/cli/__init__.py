"""The command line: thin, and quick to say what is wrong with a request.

The commands stand by what they are about: `workspace/`, `nights/`, `reports/`, `rows/`, `labeling/`, `models/`; what
they show and share is in `terminal/` and `options/`.

**To add a command**, write a function in a module of one of these rooms, and one line in `COMMANDS` below:

    def clean(*, dry_run: bool = False, config: options.Config = None) -> int:
        ...  # its docstring is the help page, with examples and a line an argument: see `rows/export.py`
        from tilth import store  # what is heavy loads here, so that `tilth --help` stays fast

- Its name is the command's (`dry_run` is `--dry-run`); positional arguments stand before `/` or as `*names`, options
  after `*`. Types are read from the annotations: `bool` is a flag, `list[str]` an option that may be repeated.
- Options that several commands share, and their help, are in `options/`.
- The examples of a help page have to parse: `tests/unit/cli/test_help.py` tries each of them.
- It returns its exit status (0 done, 1 a stage failed, 3 a gate is not met) or raises a `TilthError`, which knows
  its own (`RequestError`: 2). Output goes through `terminal.say`.
- A group of commands is an `App` (see `labeling/lf.py`), registered by one line all the same.

A module is imported when its command is called, or when `tilth --help` lists it.
"""

from __future__ import annotations

import errno
import importlib.util
import logging
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tilth.cli import terminal
from tilth.cli.models import LIBRARY, launch_bare
from tilth.errors import TilthError, error_in_words
from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cli.application import app

log = logging.getLogger(__name__)

COMMANDS = (
    "tilth.cli.rows.audit:audit",
    "tilth.cli.workspace.init:init",
    "tilth.cli.nights.run:run",
    "tilth.cli.reports.runs:runs",
    "tilth.cli.reports.report:report",
    "tilth.cli.reports.diff:diff",
    "tilth.cli.reports.explain:explain",
    "tilth.cli.rows.export:export",
    "tilth.cli.labeling.label:label",
    "tilth.cli.labeling.queue:queue",
    "tilth.cli.labeling.labels:labels",
    "tilth.cli.models.predict:predict",
    "tilth.cli.models.push:push",
    "tilth.cli.reports.drift:drift",
    "tilth.cli.labeling.lf:lf",
    "tilth.cli.models.paraphraser:paraphraser",
    "tilth.cli.nights.rollback:rollback",
    "tilth.cli.nights.restore:restore",
    "tilth.cli.nights.clean:clean",
    "tilth.cli.rows.forget:forget",
    "tilth.cli.nights.serve:serve",
    "tilth.cli.workspace.config:config",
    "tilth.cli.nights.doctor:doctor",
)
"""Where each command is, in the order of `tilth --help`; its name is the last word."""


__getattr__, __dir__ = lazy_exports(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 a stage failed, 2 a wrong request, 3 a gate not met."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    stopped = _Stopped()
    before = signal.signal(signal.SIGTERM, stopped)
    try:
        if importlib.util.find_spec(LIBRARY) is None:
            return launch_bare(tokens)
        from tilth.cli.application import launch

        return launch(tokens)
    except TilthError as error:
        log.info("the traceback:", exc_info=True)  # with -v alone
        sys.stderr.write(f"tilth: {error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("tilth: stopped; what was finished is kept, and the same command goes on from there\n")
        return 128 + stopped.signal
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        terminal.unread()
        return 0
    except OSError as error:  # no room, no right to write, a name that is too long: the system's own words say it best
        log.info("the traceback:", exc_info=True)
        sys.stderr.write(f"tilth: {_system_error(error)}\n")
        return 1
    finally:  # whoever calls this from Python goes on
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _system_error(error: OSError) -> str:
    """The system's words and the file; of something unfinished the folder, for its own name says nothing to anybody."""
    from tilth.store import folder_of_unfinished

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error_in_words(error)
    name, words = str(error.filename or ""), error.strerror or str(error)
    if (folder := folder_of_unfinished(name)) is not None:
        return f"nothing can be written in {folder} ({words})"
    return f"{words}: {name}" if name else words


class _Stopped:
    """A request to end is answered as Ctrl-C is, and its number remembered for the exit status."""

    signal = signal.SIGINT.value

    def __call__(self, number: int, _frame: Any) -> None:
        self.signal = number
        raise KeyboardInterrupt
