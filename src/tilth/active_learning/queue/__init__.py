"""The rows that are worth a minute of a person's time, from all that is in doubt, in one list under one budget.

In: the table, the model of the labels in force, and the questions that the last night left. Out: the queue's rows in
order, each with who asks and why (`build_queue`), and `queue.csv` (`queue_sheet`). Every source finds the rows that it
would ask about and how much it doubts what stands there; one estimate, in rows that are set right a minute, ranks
them all (`gains`). To add a source of this night, decorate a function of `sources.py` with `source`; one of the next
night calls `tilth.stage.register_source` and hands back `StageResult.questions`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.active_learning.queue.candidates import Doubts, QueueInputs, askable, unanswered, without_sure_label
    from tilth.active_learning.queue.left_out import as_if_kept
    from tilth.active_learning.queue.selection import Queue, build_queue
    from tilth.active_learning.queue.sheet import queue_sheet
    from tilth.active_learning.queue.sources import check_sources, source

__getattr__, __dir__ = lazy_exports(__name__)
