"""Code that others wrote, run in processes of its own, within limits.

In: functions without arguments, and `Limits`. Out: an `Outcome` for each, whatever it did: its value, or the error or
the limit that ended it.

To add a limit: a field of `Limits`, its check in `worker` (the side of the guarded process) or in `supervisor` (the
side of the night), and the sentence that names it in `supervisor`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.weak_supervision.isolation.descendants import end_children_at_exit
    from tilth.weak_supervision.isolation.limits import Limits, Outcome
    from tilth.weak_supervision.isolation.supervisor import AnswerFunction, run_guarded, why_not_isolated
    from tilth.weak_supervision.isolation.worker import ask_parent, enter_step, in_guarded_process, run_captured

__getattr__, __dir__ = lazy_exports(__name__)
