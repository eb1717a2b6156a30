"""What a person sees of a command at work.

In: lines, warnings, how far a night is. Out: standard output for what was asked for, standard error for the rest; no
library speaks there. What a new command prints goes through `say` (asked for) or `note` (said besides).
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.cli.terminal.output import CHANNEL, environment, lines, note, quiet, say, say_json, tell, unread, working
    from tilth.cli.terminal.progress import CLOSING, READING, STARTING, Steps, show_share, show_steps

__getattr__, __dir__ = lazy_exports(__name__)
