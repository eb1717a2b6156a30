"""Given labels of which cleaning cannot tell whether they are wrong, and by which a person settles it for all others.

How many labels are wrong is known within an interval alone (`tilth.cleaning`). Labels that would be likelier wrong than
right at its upper end, but are not flagged, are those on which it hangs. Some answers tell which end is right, and the
next night flags others like them, or none.
"""

from __future__ import annotations

import numpy as np

from tilth.active_learning.queue.candidates import Doubts, QueueInputs
from tilth.samples import Action, Task, evenly_spaced

ANSWERS = 20
"""Rows asked a night. So many answers settle whether such labels are wrong (benchmarks/real_errors.py), and where they
do not, the next night asks again."""
_AMONG = 2
"""They are taken from so many times as many of the likeliest: the surest alone would not say how far the doubts go."""


def possible_errors(inputs: QueueInputs, task: Task) -> Doubts:
    """The rows of one task, evenly spaced among the likeliest; doubted half-way between estimate and upper end.

    So many answers as are asked for set right what is wrong among all the likeliest, each its part.
    """
    at_most = inputs.numbers(f"{task.name}_wrong_at_most", 0.0)
    kept = (inputs.words(f"{task.name}_action") == Action.KEEP) & ~inputs.flags(f"is_{task.name}_issue")
    rows = np.flatnonzero(inputs.open(task) & kept & (at_most >= 0.5))
    likeliest = rows[np.argsort(-at_most[rows], kind="stable")][: _AMONG * ANSWERS]
    chosen = likeliest[evenly_spaced(len(likeliest), ANSWERS)]
    given, right = inputs.words(f"{task.name}_given"), inputs.numbers(f"{task.name}_given_confidence", 0.5)

    def reason(row: int) -> str:
        likely = f"{100 * (1 - right[row]):.0f}% to {100 * at_most[row]:.0f}% likely"
        return (
            f'tilth cannot tell whether labels such as the given {task.name} "{given[row]}" are wrong ({likely}): '
            "some twenty answers like yours settle it for all of them"
        )

    doubt = (1 - right + at_most) / 2
    return Doubts(
        rows=chosen,
        doubt=doubt[chosen],
        reason=reason,
        task=task.name,
        believed=inputs.words(f"{task.name}_suggested")[chosen],
        besides=float(doubt[likeliest].sum()) / ANSWERS,
    )
