"""The command line: thin, and quick to say what is wrong with a request.

**To add a command**, write a function in a module of this package, and one line in `COMMANDS` below:

    def clean(*, dry_run: bool = False, config: options.Config = None) -> int:
        ...  # its docstring is the help page, with examples and a line an argument: see `export.py`
        from tilth import store  # what is heavy loads here, so that `tilth --help` stays fast

- Its name is the command's (`dry_run` is `--dry-run`); positional arguments stand before `/` or as `*names`, options
  after `*`. Types are read from the annotations: `bool` is a flag, `list[str]` an option that may be repeated.
- Options that several commands share, and their help, are in `options.py`.
- The examples of a help page have to parse: `tests/unit/cli/test_help.py` tries each of them.
- It returns its exit status (0 done, 1 a stage failed, 3 a gate is not met) or raises a `TilthError`, which knows
  its own (`RequestError`: 2). Output goes through `terminal.say`.
- A group of commands is an `App` (see `lf.py`), registered by one line all the same.

A module is imported when its command is called, or when `tilth --help` lists it.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from tilth.cli import options, terminal
from tilth.errors import TilthError

__all__ = ["app", "main"]

log = logging.getLogger(__name__)

COMMANDS = (
    "tilth.cli.audit:audit",
    "tilth.cli.init:init",
    "tilth.cli.run:run",
    "tilth.cli.runs:runs",
    "tilth.cli.report:report",
    "tilth.cli.diff:diff",
    "tilth.cli.explain:explain",
    "tilth.cli.export:export",
    "tilth.cli.label:label",
    "tilth.cli.queue:queue",
    "tilth.cli.labels:labels",
    "tilth.cli.predict:predict",
    "tilth.cli.drift:drift",
    "tilth.cli.lf:lf",
    "tilth.cli.paraphraser:paraphraser",
    "tilth.cli.clean:clean",
    "tilth.cli.forget:forget",
    "tilth.cli.serve:serve",
    "tilth.cli.config:config",
    "tilth.cli.doctor:doctor",
)
"""Where each command is, in the order of `tilth --help`; its name is the last word."""


_HELP = """A better data set every night.

For example:

    tilth audit rows.csv    what is wrong with a labeled file
    tilth init inbox        a workspace with a demo in it
    tilth run               a night in the workspace here
    tilth COMMAND --help    the options of a command, with examples
"""


def _version() -> str:
    from importlib.metadata import version

    return f"tilth {version('tilth')}"


app = App(
    name="tilth",
    help=_HELP,
    help_format="plaintext",
    version=_version,
    default_parameter=options.DEFAULT,
)
for order, place in enumerate(COMMANDS):
    app.command(place, name=place.rpartition(":")[2], sort_key=order)
app.register_install_completion_command(help="Complete commands and options on Tab in this shell from now on.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 a stage failed, 2 a wrong request, 3 a gate not met."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    if not tokens or set(tokens) & set(app.help_flags):
        app.resolved_commands()  # a list of commands takes a line out of each one's docstring
    stopped = _Stopped()
    before = signal.signal(signal.SIGTERM, stopped)
    try:
        return int(app.meta(tokens, exit_on_error=False, print_error=False, result_action="return_value") or 0)
    except CycloptsError as error:
        sys.stderr.write(f"tilth: {_reason(error)}\n")
        return 2
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
        where = f": {error.filename}" if error.filename else ""
        sys.stderr.write(f"tilth: {error.strerror or error}{where}\n")
        return 1
    finally:  # whoever calls this from Python goes on
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


app.meta.default_parameter = options.DEFAULT
app.meta.suppress_keyboard_interrupt = False  # `main` answers it


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    verbose: Annotated[bool, Parameter(alias="-v", help="say what is being done, with tracebacks")] = False,
) -> int:
    logging.basicConfig(format="tilth: %(message)s")
    logging.getLogger().setLevel(logging.INFO if verbose else logging.WARNING)
    command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    status = command(*bound.args, **bound.kwargs)
    return 2 if command.__name__ == "help_print" and not set(tokens) & set(app.help_flags) else int(status or 0)


def _reason(error: CycloptsError) -> str:
    """What is wrong with the words of a request, and where the right ones are listed."""
    chain = " ".join(["tilth", *(error.command_chain or ())])
    return f"{' '.join(str(error).split())} (see: {chain} --help)"


class _Stopped:
    """A request to end is answered as Ctrl-C is, and its number remembered for the exit status."""

    signal = signal.SIGINT.value

    def __call__(self, number: int, _frame: Any) -> None:
        self.signal = number
        raise KeyboardInterrupt
