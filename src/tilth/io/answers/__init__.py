"""What people answered, on its way into the table.

In: the file of answers, filled queues. Out: columns of the table (`apply_answers`), and what the answers did, for
`run.json`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.answers.annotator_agreement import agreement
    from tilth.io.answers.applying import apply_answers
    from tilth.io.answers.earlier_rows import QUEUE, known_rows, run_with_queue
    from tilth.io.answers.filled_rows import group_ids
    from tilth.io.answers.importing import KnownRows, import_answers, report_in_words
    from tilth.io.answers.reading import read_answers
    from tilth.io.answers.shown import shown_of_rows

__getattr__, __dir__ = lazy_exports(__name__)
