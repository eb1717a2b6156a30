"""The commands as one program, by cyclopts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from tilth.cli import COMMANDS, options

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


def launch(tokens: Sequence[str]) -> int:
    """Run one command and return its exit status; 2 where the words of the request are wrong."""
    if not tokens or set(tokens) & set(app.help_flags):
        app.resolved_commands()  # a list of commands takes a line out of each one's docstring
    try:
        return int(app.meta(tokens, exit_on_error=False, print_error=False, result_action="return_value") or 0)
    except CycloptsError as error:
        sys.stderr.write(f"tilth: {_reason(error)}\n")
        return 2


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
