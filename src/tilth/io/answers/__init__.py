"""What people answered, on its way into the table.

In: the file of answers, filled queues. Out: columns of the table (`apply_answers`), and what the answers did, for
`run.json`.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.io.answers.annotator_agreement import agreement
    from tilth.io.answers.applying import apply_answers
    from tilth.io.answers.reading import StoredAnswers, read_answers

__all__ = ["StoredAnswers", "agreement", "apply_answers", "read_answers"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "annotator_agreement": ("agreement",),
        "applying": ("apply_answers",),
        "reading": ("StoredAnswers", "read_answers"),
    },
)
