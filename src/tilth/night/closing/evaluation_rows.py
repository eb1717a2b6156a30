"""What a night is measured by, and what earlier nights answer of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth import store
from tilth.errors import RequestError
from tilth.learn import Labels
from tilth.samples import Split
from tilth.store import HELD_OUT, Cache, Run


class NotComparable(Exception):  # noqa: N818 - no error: the night goes on without this comparison
    """A night that cannot be compared with this one; the message says why."""


@dataclass(frozen=True, kw_only=True)
class EvaluationRows:
    """The rows by which a night is measured, and its own model's answers.

    Attributes:
        kind: `gold` or `held_out`.
        truth: the labels, by task.
        ours: the answers of this night.
        answers: what another night answers: the positions of the rows that may be compared, and its labels of those.
    """

    kind: str
    truth: Labels
    ours: Labels
    answers: Callable[[Run], tuple[np.ndarray, Labels]]


def evaluation_rows(run: Run, tasks: Sequence[str], cache: Cache) -> EvaluationRows | None:
    """The gold rows and what the exported model says of them; without gold, the held-out train rows.

    See `tilth.training.evaluation.held_out` for what the answers to the latter are. None where there are neither, or
    no model.
    """
    frame = table.to_pandas(store.read_table(store.newest_table(run.path)))
    truth = {task: table.label_array(table.gold_labels(frame, task)) for task in tasks}
    rows = np.any([[label is not None for label in labels] for labels in truth.values()], axis=0)
    if rows.any():
        if not (run.path / "model").is_dir():
            return None
        texts = frame["text"][rows].tolist()
        truth = {task: labels[rows] for task, labels in truth.items() if any(label is not None for label in labels)}
        pictures = _pictures(frame[rows], run)
        gold = _Gold(texts=texts, pictures=pictures, tasks=tuple(truth), learned=_learned(run), cache=cache)
        return EvaluationRows(kind="gold", truth=truth, ours=gold.model(run.path / "model"), answers=gold.answers)
    if (run.path / HELD_OUT).exists():
        held = _held_out(run)
        known = [task for task in tasks if task in held]
        return EvaluationRows(
            kind="held_out",
            truth={task: table.label_array(held[task]) for task in known},
            ours={task: table.label_array(held[f"{task}_predicted"]) for task in known},
            answers=lambda other: _shared_rows(held, _held_out(other), known),
        )
    return None


@dataclass(frozen=True, kw_only=True)
class _Gold:
    """Gold rows, which any model can be asked about that has not learned from them.

    Attributes:
        texts: of these rows.
        pictures: of these rows, the digest of each one's content and where it stands, None where a row has none; None
            where no row has any.
        tasks: for which any of them has a label.
        learned: digests of the texts, and of the pictures, that this night learned from.
        cache: where models' answers are kept.
    """

    texts: list[str]
    pictures: list[tuple[str, Path] | None] | None
    tasks: tuple[str, ...]
    learned: frozenset[str]
    cache: Cache

    def answers(self, other: Run) -> tuple[np.ndarray, Labels]:
        """What another night's exported model says; a row that one of both learned from, and one not, is left out."""
        predicted = self.model(other.path / "model")
        digests, other_rows = [store.digest(text) for text in self.texts], _learned(other)
        if self.pictures is not None:  # of a picture alone the text says nothing
            rows_read = zip(self.texts, digests, self.pictures, strict=True)
            digests = [known if text or shown is None else shown[0] for text, known, shown in rows_read]
        fair = np.array([(digest in other_rows) == (digest in self.learned) for digest in digests], dtype=bool)
        if not fair.any():
            raise NotComparable("it learned from all rows that are gold now")
        rows = np.flatnonzero(fair)
        return rows, {task: labels[rows] for task, labels in predicted.items()}

    def model(self, folder: Path) -> Labels:
        """The labels that an exported model gives to the rows, of every task that is measured."""
        from tilth.training import cached_answers  # loads ONNX Runtime

        tasks = _declared(folder)
        if missing := sorted({*self.tasks} - {*tasks}):
            raise NotComparable(f"its model does not answer {', '.join(missing)}")
        try:
            codes = cached_answers(folder, self.texts, self.cache, self.pictures).codes
        except RequestError as error:
            if self.pictures is None:
                raise
            raise NotComparable(f"a picture can no longer be read ({error})") from error
        return {task: np.array([*tasks[task], None], dtype=object)[codes[task]] for task in self.tasks}


def _pictures(frame: pd.DataFrame, run: Run) -> list[tuple[str, Path] | None] | None:
    """The pictures of rows; None where none has one."""
    if "picture_digest" not in frame or not frame["picture_digest"].notna().any():
        return None
    root = Path(str((run.record.get("workspace") or {}).get("root") or "."))
    pairs = zip(frame["picture_digest"], frame["picture_path"], strict=True)
    return [(one, root / path) if isinstance(one, str) else None for one, path in pairs]


def _declared(folder: Path) -> dict[str, list[str]]:
    """The tasks of a model folder, with their labels."""
    if not folder.exists():
        raise NotComparable("it trained no model")
    try:
        return {task["name"]: list(task["labels"]) for task in store.read_json(folder / "tilth.json")["tasks"]}
    except (FileNotFoundError, KeyError, TypeError) as error:
        raise RequestError(f"{folder} holds no whole model ({type(error).__name__}: {error})") from error


def _learned(run: Run) -> frozenset[str]:
    """Digests of a night's texts and pictures that were not gold; none where `tilth clean` has removed its tables."""
    path = run.path / "0-input.parquet"
    if not path.exists():
        return frozenset()
    texts, splits = ((value for part in store.read_column(path, name) for value in part) for name in ("text", "split"))
    learned = {store.digest(text) for text, split in zip(texts, splits, strict=True) if split != Split.GOLD}
    if any(store.read_column(path, "picture_digest")):
        shown = pd.read_parquet(path, columns=["picture_digest", "split"])
        learned |= set(shown["picture_digest"][shown["split"].ne(Split.GOLD)].dropna())
    return frozenset(learned)


def _held_out(run: Run) -> pd.DataFrame:
    if not (run.path / HELD_OUT).exists():
        raise NotComparable("it kept no answers to held-out rows")
    return table.to_pandas(store.read_table(run.path / HELD_OUT))


def _shared_rows(
    ours: pd.DataFrame, other_rows: pd.DataFrame, tasks: Sequence[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The rows of ours that the other holds too, with the same text, and what it answers."""
    if missing := [task for task in tasks if f"{task}_predicted" not in other_rows]:
        raise NotComparable(f"its model does not answer {', '.join(missing)}")
    known = pd.MultiIndex.from_frame(other_rows[["id", "text_digest"]])
    place = known.get_indexer(pd.MultiIndex.from_frame(ours[["id", "text_digest"]]))
    rows = np.flatnonzero(place >= 0)
    if not len(rows):
        raise NotComparable("it held out none of tonight's rows")
    return rows, {task: table.label_array(other_rows[f"{task}_predicted"])[place[rows]] for task in tasks}
