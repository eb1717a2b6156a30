"""Answers as columns of the table: above everything that stages say, and what they changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tilth.config import TaskConfig
from tilth.errors import did_you_mean
from tilth.io.answers.annotator_agreement import agreement, agreement_in_words
from tilth.io.answers.consensus import NONE, Consensus, consensus
from tilth.io.answers.detector_record import detector_record, detectors_in_words
from tilth.io.answers.gold_corrections import correct_gold
from tilth.io.answers.reading import StoredAnswers
from tilth.notes import Notes, listed, many, place
from tilth.samples import Reason, Split, Status, escalate_status
from tilth.store.answers import Verdict
from tilth.text import digest

DIFFER, CHANGED = "people_differ", "text_changed"
"""Why a row comes back to people, in the column `ask_again`."""


def apply_answers(
    frame: pd.DataFrame, stored: StoredAnswers, tasks: Sequence[TaskConfig], notes: Notes
) -> dict[str, Any]:
    """Write what people said into a frame of input rows that the caller owns; an answer is about one id and one text.

    Args:
        frame: rows with `id`, `text`, `split` and the given labels.
        stored: what people said.
        tasks: what is classified, parents before children.
        notes: where it is said what the answers did, and which are not applied.

    Returns:
        What they did, as plain JSON, for `run.json`.
    """
    fresh, done = _about_these(frame, stored.current, tasks, notes)
    frame["ask_again"] = frame["id"].map(dict.fromkeys(done.pop("changed_ids"), CHANGED)).astype(object)
    done |= {"people": stored.people, "tasks": {}}
    _set_junk_aside(frame, fresh, done)
    done["wrong_paraphrases"] = _refuse_paraphrases(frame, stored.current)
    nobody = pd.Series(False, index=frame.index)
    refused = pd.Series(False, index=frame.index)
    gold: list[dict[str, Any]] = []
    for task in tasks:
        mine = fresh[fresh["task"].eq(task.name)]
        people = consensus(mine)
        done["tasks"][task.name] = _apply_task(frame, task, people, refused, mine)
        gold += correct_gold(frame, task.name, people.labels, mine)
        if task.name in {other.parent for other in tasks}:  # no class of the parent's fits: then none below it does
            refused = frame[f"{task.name}_none"]
        nobody |= frame["id"].map({row: who >= set(stored.people) for row, who in people.unclear.items()}).eq(True)
        frame.loc[frame["id"].isin(people.differ), "ask_again"] = DIFFER
    frame["nobody_to_ask"] = nobody & ~frame["ask_again"].notna()
    done["gold"] = {"corrected": gold}
    done["detectors"] = {task.name: detector_record(frame, task.name) for task in tasks}
    _note_answers(frame, done, notes)
    return done


def _about_these(
    frame: pd.DataFrame, current: pd.DataFrame, tasks: Sequence[TaskConfig], notes: Notes
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The answers that are about rows as they stand, and the count of all others, which are kept for a later night."""
    texts = frame.set_index("id")["text"]
    place_of = pd.Series(current["row_id"].map(dict(zip(texts.index, range(len(texts)), strict=True))))
    # A paraphrase is no row of the input; it is known by its source.
    paraphrase = current["verdict"].eq(Verdict.WRONG_PARAPHRASE)
    known = place_of.notna() & ~paraphrase
    now = pd.Series(None, index=current.index, dtype=object)
    now[known] = [digest(text) for text in texts.to_numpy()[place_of[known].to_numpy(dtype=np.int64)]]
    fresh = known & current["text_digest"].eq(now)
    stale = known & ~fresh
    answered = set(current.loc[fresh, "row_id"])  # who confirms an answer gives it again, of the text as it is now
    changed = list(dict.fromkeys(row for row in current.loc[stale, "row_id"] if row not in answered))
    _note(frame, changed, "answers_on_changed_texts", "changed after people answered on them: asked again", notes)
    gone = current[~known & ~paraphrase]
    if len(gone):
        message = f"{many(len(gone), 'answer')} of people are about rows that are not in this input: kept"
        notes.add("answers_on_rows_gone", len(gone), message, f"row {gone['row_id'].iloc[0]}")
    names = {task.name for task in tasks}
    other = fresh & current["task"].ne("") & ~current["task"].isin(names)
    if other.any():
        tasks_of_them = listed(current["task"][other].unique())
        message = f"{many(int(other.sum()), 'answer')} of people are of other tasks, {tasks_of_them}: kept"
        notes.add("answers_of_other_tasks", int(other.sum()), message, f"row {current['row_id'][other].iloc[0]}")
    strange = _of_no_class(frame, current[fresh & ~other], tasks, notes)
    applied = current[fresh & ~other & ~current["seq"].isin(strange)]
    counts = {
        "applied": len(applied),
        "rows_gone": len(gone),
        "other_tasks": int(other.sum()),
        "no_class": len(strange),
    }
    return applied, {**counts, "text_changed": len(changed), "changed_ids": changed}


def _of_no_class(frame: pd.DataFrame, answers: pd.DataFrame, tasks: Sequence[TaskConfig], notes: Notes) -> list[int]:
    """Places of the answers with a label that is none of the declared classes."""
    refused: list[int] = []
    for task in tasks:
        bad = answers["task"].eq(task.name) & answers["label"].notna() & ~answers["label"].isin(task.labels)
        if task.labels and bad.any():
            labels = answers.loc[bad, "label"]
            _note(
                frame,
                list(answers.loc[bad, "row_id"]),
                "answers_of_no_class",
                f'have an answer of task "{task.name}" that is none of its classes, {listed(labels.unique())}: '
                f"not applied, but kept; {did_you_mean(labels.iloc[0], task.labels)} (tilth labels rename)",
                notes,
            )
            refused += answers.loc[bad, "seq"].tolist()
    return refused


def _refuse_paraphrases(frame: pd.DataFrame, current: pd.DataFrame) -> int:
    """Write beside each source the texts that people refused as its paraphrases; they are no rows of the input."""
    refused: dict[str, set[str]] = {}
    for shown, text in current.loc[
        current["verdict"].eq(Verdict.WRONG_PARAPHRASE), ["shown", "text_digest"]
    ].to_numpy():
        refused.setdefault(str(json.loads(shown).get("parent_id")), set()).add(text)
    there = {row_id: json.dumps(sorted(texts)) for row_id, texts in refused.items()}
    frame["wrong_paraphrases"] = frame["id"].map(there).astype(object)
    frame["wrong_paraphrases"] = frame["wrong_paraphrases"].where(frame["wrong_paraphrases"].notna(), None)
    return sum(len(refused[row_id]) for row_id in frame["id"][frame["wrong_paraphrases"].notna()])


def _set_junk_aside(frame: pd.DataFrame, fresh: pd.DataFrame, done: dict[str, Any]) -> None:
    """Set aside what most people call junk; where as many gave an answer to the row, it comes back."""
    junk = fresh[fresh["verdict"].eq(Verdict.JUNK)].groupby("row_id")["who"].nunique()
    others = fresh[fresh["task"].ne("") & fresh["row_id"].isin(junk.index)].groupby("row_id")["who"].nunique()
    others = others.reindex(junk.index, fill_value=0)
    rows = frame["id"].isin(junk.index[junk > others])
    frame.loc[frame["id"].isin(junk.index[junk == others]), "ask_again"] = DIFFER
    escalate_status(frame, rows.to_numpy(dtype=bool), Status.QUARANTINED, Reason.ANSWERED_JUNK)
    done["junk"] = int(rows.sum())


def _apply_task(
    frame: pd.DataFrame, task: TaskConfig, people: Consensus, refused: pd.Series, answers: pd.DataFrame
) -> dict[str, Any]:
    """Write one task's columns of people's answers."""
    name = task.name
    value = frame["id"].map(dict(people.labels)).astype(object)
    label = value.where(value.notna() & value.ne(NONE), None)
    none = value.eq(NONE) | (refused & value.isna())
    given = frame[f"{name}_given"]
    frame[f"{name}_answer"], frame[f"{name}_none"] = label, none
    frame[f"{name}_answers"] = frame["id"].map({row: _as_json(ballot) for row, ballot in people.ballots.items()})
    frame[f"{name}_answers"] = frame[f"{name}_answers"].astype(object).where(frame[f"{name}_answers"].notna(), None)
    first = answers.drop_duplicates("row_id").set_index("row_id")["shown"]
    shown = frame["id"].map(first).astype(object)
    frame[f"{name}_shown"] = shown.where(value.notna(), None)
    train = frame["split"].ne(Split.GOLD)
    there = train & label.notna()
    return {
        "labels": int(there.sum()),
        "new": int((there & given.isna()).sum()),
        "changed": int((there & given.notna() & label.ne(given)).sum()),
        "confirmed": int((there & label.eq(given)).sum()),
        "none_of_these": int((train & none).sum()),
        "unclear": len(people.unclear),
        "differ": len(people.differ),
        "agreement": agreement(list(people.ballots.values())) if people.ballots else None,
        "skill": dict(people.skill),
    }


def _as_json(ballot: dict[str, str]) -> str:
    plain = {who: Verdict.NONE_OF_THESE.value if label == NONE else label for who, label in ballot.items()}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True)


def _note_answers(frame: pd.DataFrame, done: dict[str, Any], notes: Notes) -> None:
    """One sentence on what was applied, and one on each thing that a person has to know."""
    parts = []
    for task, counts in done["tasks"].items():
        words = [f"{counts[key]} {text}" for key, text in _WORDS.items() if counts[key]]
        parts += [f"{task}: {', '.join(words)}"] if words else []
    if done["junk"]:
        parts.append(f"{many(done['junk'], 'row')} set aside as junk")
    if done["applied"]:
        people = many(len(done["people"]), "person").replace("persons", "people")
        message = f"{many(done['applied'], 'answer')} of {people} are applied ({'; '.join(parts) or 'no label'})"
        rows = frame[[f"{task}_answer" for task in done["tasks"]]].notna().any(axis=1)
        notes.add(
            "answers_applied", done["applied"], message, place(frame[rows].iloc[0]) if rows.any() else "labels.sqlite"
        )
    for task, record in done["detectors"].items():
        for sentence in detectors_in_words(task, record):
            notes.add("detectors_checked", done["applied"], sentence, "labels.sqlite")
    for task, counts in done["tasks"].items():
        if counts["agreement"] is not None:
            sentence = agreement_in_words(task, counts["agreement"], counts["skill"])
            notes.add("answers_agreement", counts["agreement"]["rows"], sentence, "labels.sqlite")
    corrected = [one["id"] for one in done["gold"]["corrected"]]
    _note(frame, corrected, "gold_corrected", "of gold have a label that people corrected", notes)
    differ = list(frame.loc[frame["ask_again"].eq(DIFFER), "id"])
    _note(frame, differ, "answers_differ", "have answers that differ, none with a sure majority: asked again", notes)


_WORDS = {
    "new": "labels of rows that had none",
    "changed": "labels changed",
    "confirmed": "confirmed",
    "none_of_these": "none of these",
    "unclear": "unclear",
}


def _note(frame: pd.DataFrame, ids: Sequence[str], kind: str, rest: str, notes: Notes) -> None:
    notes.rows(kind, frame, frame["id"].isin(set(ids)), "row", rest)
