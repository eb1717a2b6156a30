"""What people answered: `data/labels.sqlite`, the one file that no night can compute again.

In: answers, each with the text that it is about, who gave it, and what was shown. Out: the answers in force, their
history, leases that keep two people off one row, dated backups. Answers are only ever added: to undo one, or to change
one's mind, adds another. A new verdict is a line of `Verdict`; a change of the file's tables is a step of
`schema.MIGRATIONS`, with a test.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.store.answers.answer import OF_TEXT, Answer, Verdict
    from tilth.store.answers.answer_file import Answers
    from tilth.store.answers.backups import back_up, forget_answers, newest_backup

__getattr__, __dir__ = lazy_exports(__name__)
