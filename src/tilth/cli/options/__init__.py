"""The options that several commands share.

In: nothing. Out: annotations for a command's parameters, each with its name, type, help and completion. An option that
a second command takes moves into `shared.py`; one that a single command has is declared where the command is.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cli.options.shared import DEFAULT, Config, Dash, Json, Rows, RunName, Runs, Sets, TaskName

__getattr__, __dir__ = lazy_exports(__name__)
