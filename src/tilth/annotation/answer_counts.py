"""What the answers since a night have done: labels that are new, changed or confirmed, and how many rows each has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from tilth.store.answers import Verdict


class AnswerCounts:
    """Counts of answers; of one person's several on a row and task only the last one counts.

    Of tasks above others nothing is counted, for their labels follow.
    """

    def __init__(self, leaves: Collection[str]) -> None:
        self._leaves = leaves
        self._kinds: Counter[str] = Counter()
        self._acts: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)  # step → kind, oldest first
        self._rows: dict[str, Counter[str]] = defaultdict(Counter)

    @property
    def gain(self) -> dict[str, int]:
        """Kind of answer → how many."""
        return {kind: count for kind, count in self._kinds.items() if kind and count}

    def rows_answered_by(self, who: str) -> int:
        """How many rows a person has answered."""
        return len(self._rows[who])

    def add(self, step: str, row_id: str, task: str, who: str, kind: str) -> None:
        """Count an answer, one task's of an act; `task` is "" for one about the text."""
        self._change(row_id, task, who, {step: kind if not task or task in self._leaves else ""})
        self._rows[who][row_id] += 1

    def remove(self, step: str, row_id: str, task: str, who: str) -> None:
        """Count an answer no more."""
        if step in self._acts[row_id, task, who]:
            self._change(row_id, task, who, {}, without=step)
            self._rows[who] -= Counter({row_id: 1})

    def _change(self, row_id: str, task: str, who: str, new: Mapping[str, str], without: str = "") -> None:
        acts = self._acts[row_id, task, who]
        self._kinds.subtract(list(acts.values())[-1:])
        acts |= new
        acts.pop(without, None)
        self._kinds.update(list(acts.values())[-1:])


def kind_of_answer(verdict: str, label: str | None, shown: Mapping[str, Any]) -> str:
    """What an answer did, by what was shown beside the row: `new`, `confirmed`, `changed`, or its verdict."""
    if verdict != Verdict.LABEL:
        return str(verdict)
    before = shown.get("label", shown.get("given"))  # one that was set aside came from somebody, too
    if before is None:
        return "new"
    return "confirmed" if before == label else "changed"
