"""A new file with one labeling function, which already votes where there are labeled rows to learn a phrase from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.errors import RequestError
from tilth.samples import Task
from tilth.weak_supervision.functions.phrase_mining import (
    MINED_FILE_HEADER,
    function_source,
    quoted,
    suggest_functions,
)

_PLACEHOLDER = "the words that give it away"


def new_function_file(name: str, task: Task, label: str | None, texts: Sequence[str], codes: np.ndarray) -> str:
    """Source of a file that passes its own check.

    Args:
        name: of the function.
        task: what it votes on.
        label: what it votes for; None: the label whose phrases reach the most new rows.
        texts: of rows that are not gold.
        codes: their labels by place, -1 where there is none.

    Raises:
        RequestError: the task has no label.
    """
    if not task.labels:
        raise RequestError(f"task {task.name} has no label yet; give it labels = […] in tilth.toml")
    covered = np.zeros(len(texts), dtype=bool)
    for precision in (0.9, 0.75):
        for suggestion in suggest_functions(texts, codes, task, covered, precision=precision):
            if label in (None, suggestion.label):
                code = task.labels.index(suggestion.label)
                header = MINED_FILE_HEADER.format(task=task.name)
                return header + function_source(suggestion, texts, codes, code, name)
    return _empty(name, task, label or task.labels[0])


def _empty(name: str, task: Task, label: str) -> str:
    """A file for a label that no phrase gives away."""
    head = MINED_FILE_HEADER.format(task=task.name).partition("\n")[2]  # all but the first line, its docstring
    return (
        f'"""{label}: say here what gives it away."""\n{head}\n\n'
        f'@tilth.examples(hits=["a text with {_PLACEHOLDER}"], misses=["a text without"])\n'
        "@labeling_function()\n"
        f"def {name}(x: SimpleNamespace) -> str | None:\n"
        f"    return {quoted(label)} "
        f'if re.search(r"\\b({_PLACEHOLDER})\\b", x.text, re.IGNORECASE) else None\n'
    )
