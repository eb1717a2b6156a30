"""Given labels of which cleaning cannot tell whether they are wrong, and by which a person settles it for all others.

How many labels are wrong is known within an interval alone (`tilth.cleaning`). Where it is wide, the labels on which it
hangs are those that are not flagged, but would be likelier wrong than right at its upper end. Some answers tell which
end is right, and the next night flags others like them, or none. Where it is not wide, answers on what is flagged do.
"""

from __future__ import annotations

import numpy as np

from tilth.active_learning.queue.candidates import Doubts, QueueInputs
from tilth.samples import Action, Task, answered, evenly_spaced

ANSWERS = 20
"""Rows asked a night at most. So many answers settle whether such labels are wrong (benchmarks/possible_errors.py), and
where they do not, the next night asks again."""
WIDE = 7.0
"""How many times as large as by the estimate the odds of an error are at the upper end of a wide interval: its standard
deviation is then one of the log-odds, twice what it is taken for at least."""
_HALF = 4
"""Answers that halve the variance of the log-odds: one answer tells a quarter of what a variance of one leaves open."""
_AMONG = 2
"""They are taken from so many times as many of the likeliest: the surest alone would not say how far the doubts go."""


def possible_errors(inputs: QueueInputs, task: Task) -> Doubts:
    """The rows of one task, evenly spaced among the likeliest; doubted half-way between estimate and upper end.

    The answers set right what is wrong among all the likeliest, each the part by which it narrows the interval: the
    first tells most, and the last of them hardly more than what is like its own row. So other questions take their turn
    where they are worth more, and those that are asked lie as evenly as all of them.
    """
    at_most = inputs.numbers(f"{task.name}_wrong_at_most", 0.0)
    given, right = inputs.words(f"{task.name}_given"), inputs.numbers(f"{task.name}_given_confidence", 0.5)
    kept = (inputs.words(f"{task.name}_action") == Action.KEEP) & ~inputs.flags(f"is_{task.name}_issue")
    wide = at_most * right >= WIDE * (1 - at_most) * (1 - right)
    rows = np.flatnonzero(inputs.open(task) & kept & wide & (at_most >= 0.5))
    likeliest = rows[np.argsort(-at_most[rows], kind="stable")][: _AMONG * ANSWERS]
    chosen = likeliest[evenly_spaced(len(likeliest), ANSWERS)]

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
        besides=float(doubt[likeliest].sum()) * _narrowed(len(chosen), _answers(inputs, task)),
    )


def _answers(inputs: QueueInputs, task: Task) -> int:
    """How many given labels people have confirmed or overturned, by which the interval is as narrow as it is."""
    known = answered(inputs.frame, task.name)
    return sum("given" in shown for shown in known["shown"])


def _narrowed(count: int, before: int) -> np.ndarray:
    """By what share of its width each of so many evenly spaced answers narrows the interval, shape (count,).

    Multiples of the golden ratio say which comes first: however many are asked, they are spread over all.
    """
    turn = before + np.argsort(np.argsort(np.arange(count) * (5**0.5 - 1) / 2 % 1))
    return np.asarray(_HALF / ((_HALF + turn) * (_HALF + turn + 1)))
