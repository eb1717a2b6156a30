"""Queues as tasks of Label Studio and records of Argilla, and what people answered there as rows of a filled queue.

Label Studio's formats are those of its documentation ("Import pre-annotated data", "Raw JSON format of completed
labels", JSON_MIN); Argilla's are the records of `argilla.Dataset.records.to_json` of its version 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from tilth.errors import InputError
from tilth.io.answers import group_ids
from tilth.samples import Task

VERDICTS = ("none of these", "unclear", "junk")
"""Choices beside a task's classes."""
_BESIDE = ("picture", "detector", "reason", "belief", "rank", "score")
_ID = "tilth_id"
"""The row's id among a task's data; Label Studio has an `id` of its own."""


def write_label_studio(queue: pd.DataFrame, tasks: list[Task], target: Path) -> None:
    """Tasks with tilth's belief as a prediction; import them into a project whose interface is `labeling_config`."""
    entries = []
    for row in queue.astype(object).where(queue.notna(), None).to_dict("records"):
        data = {_ID: str(row["id"]), "text": str(row["text"]), "group": list(group_ids(row.get("group")))}
        data |= {name: str(row[name]) for name in _BESIDE if row.get(name) not in (None, "")}
        result = [
            {
                "from_name": task.name,
                "to_name": "text",
                "type": "choices",
                "value": {"choices": [row[f"{task.name}_suggested"]]},
            }
            for task in tasks
            if row.get(f"{task.name}_suggested")
        ]
        score = row.get(f"{tasks[-1].name}_confidence")
        prediction = {"model_version": "tilth", "result": result, **({"score": float(score)} if score else {})}
        entries.append({"data": data, "predictions": [prediction] if result else []})
    target.write_text(json.dumps(entries, ensure_ascii=False, indent=1), encoding="utf-8")


def labeling_config(tasks: Sequence[Task], *, paraphrases: bool = False) -> str:
    """The labeling interface of a Label Studio project that takes these tasks and answers as tilth reads them.

    Args:
        tasks: what is classified, a question each.
        paraphrases: whether some rows are paraphrases, of which a person may say that they are wrong.
    """
    verdicts = (*VERDICTS, "wrong paraphrase") if paraphrases else VERDICTS
    choices = "".join(
        f'  <Header value={quoteattr(task.name)}/>\n  <Choices name={quoteattr(task.name)} toName="text" '
        'choice="single" showInline="true">\n'
        + "".join(f"    <Choice value={quoteattr(label)}/>\n" for label in (*task.labels, *verdicts))
        + "  </Choices>\n"
        for task in tasks
    )
    return (
        '<View>\n  <Text name="text" value="$text"/>\n  <Header value="$reason" size="6"/>\n'
        + choices
        + '  <TextArea name="note" toName="text" placeholder="note" rows="1" maxSubmissions="1"/>\n</View>\n'
    )


def write_argilla(queue: pd.DataFrame, tasks: list[Task], target: Path) -> None:
    """Records with tilth's belief as suggestions, for `rg.Dataset.records.from_json`."""
    records = []
    for row in queue.astype(object).where(queue.notna(), None).to_dict("records"):
        suggestions = {}
        for task in tasks:
            if label := row.get(f"{task.name}_suggested"):
                score = row.get(f"{task.name}_confidence")
                suggestions[task.name] = {
                    "value": label,
                    "score": float(score) if score else None,
                    "agent": "tilth",
                }
        metadata = {name: str(row[name]) for name in _BESIDE if row.get(name) not in (None, "")}
        if group := group_ids(row.get("group")):
            metadata["group"] = json.dumps(group, ensure_ascii=False)
        records.append(
            {
                "id": str(row["id"]),
                "fields": {"text": str(row["text"])},
                "metadata": metadata,
                "suggestions": suggestions,
                "responses": {},
                "vectors": {},
            }
        )
    target.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")


def filled_elsewhere(entries: object, name: str) -> pd.DataFrame:
    """The answers of an export of Label Studio (JSON or JSON_MIN) or of Argilla, as rows of a filled queue.

    Args:
        entries: what the file holds.
        name: of the file, for messages.

    Returns:
        `id`, `text`, a column `<task>_answer` for each task that was answered, `annotator`, `note`, `group`, and
        what the queue showed; one row a row and annotator.

    Raises:
        InputError: it is neither, or its tasks were not made by `tilth queue export`.
    """
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise InputError(f"{name}: expected a list of tasks or records, as Label Studio and Argilla export them")
    if not entries:
        raise InputError(f"{name} is an empty list; export the annotated tasks of the project")
    if all("fields" in one for one in entries):
        rows = [row for one in entries for row in _of_argilla(one)]
    elif all("data" in one for one in entries):
        rows = [row for place, one in enumerate(entries, 1) for row in _of_task(one, name, place)]
    elif all(_ID in one for one in entries):
        rows = [_of_minimal(one) for one in entries]
    else:
        raise InputError(
            f'{name}: its entries have {sorted(entries[0])[:8]}; expected tasks of Label Studio with "data" (or, in '
            f'JSON_MIN, "{_ID}"), or records of Argilla with "fields", made by tilth queue export'
        )
    columns = ["id", "text", "annotator", "note", "group"]
    frame = pd.DataFrame(rows)
    if frame.empty:
        raise InputError(f"{name}: nobody has answered any of its {len(entries):,} rows yet")
    return frame.reindex(columns=[*columns, *(column for column in frame if column not in columns)])


def _of_task(task: Mapping[str, Any], name: str, place: int) -> Iterator[dict[str, Any]]:
    data = task["data"]
    if not isinstance(data, dict) or _ID not in data:
        raise InputError(f'{name}, task {place}: no "{_ID}" in its data; import tasks that tilth queue export wrote')
    for annotation in task.get("annotations") or []:
        if annotation.get("was_cancelled"):  # skipped
            continue
        row = _row(data)
        for part in annotation.get("result") or []:
            value = part.get("value") or {}
            if choices := value.get("choices"):
                row[f"{part['from_name']}_answer"] = _one(choices, name, data[_ID])
            elif part.get("from_name") == "note" and value.get("text"):
                row["note"] = _joined(value["text"])
        by = annotation.get("completed_by")
        row["annotator"] = str(by.get("email") or by.get("id")) if isinstance(by, dict) else _person(by)
        if any(key.endswith("_answer") for key in row):
            yield row


def _of_minimal(task: Mapping[str, Any]) -> dict[str, Any]:
    """JSON_MIN: data and answers side by side, the answers under their names in the labeling interface."""
    known = {_ID, "text", "id", "group", "note", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"}
    row = {**_row(task), "annotator": _person(task.get("annotator"))}
    if task.get("note"):
        row["note"] = _joined(task["note"])
    answers = {key: value for key, value in task.items() if key not in known and key not in _BESIDE}
    return row | {f"{key}_answer": value for key, value in answers.items() if isinstance(value, str)}


def _of_argilla(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    people: dict[str, dict[str, Any]] = {}
    metadata = record.get("metadata") or {}
    for question, responses in (record.get("responses") or {}).items():
        for response in responses:
            if response.get("status", "submitted") != "submitted":  # a draft, or discarded
                continue
            who = _person(response.get("user_id"))
            row = people.setdefault(who, {**_row({**metadata, "text": record["fields"].get("text")}), "annotator": who})
            row["id"] = str(record["id"])
            row["note" if question == "note" else f"{question}_answer"] = response.get("value")
    yield from people.values()


def _row(data: Mapping[str, Any]) -> dict[str, Any]:
    row = {"id": str(data.get(_ID, "")), "text": data.get("text")}
    group = data.get("group")
    row["group"] = json.dumps(group, ensure_ascii=False) if isinstance(group, list) and group else group or None
    return row | {name: data[name] for name in _BESIDE if name in data}


def _one(choices: Sequence[str], name: str, row_id: str) -> str:
    if len(choices) > 1:
        raise InputError(f'{name}: row "{row_id}" has several choices, {list(choices)}; expected one a task')
    return choices[0]


def _joined(text: object) -> str:
    return " ".join(map(str, text)) if isinstance(text, list) else str(text)


def _person(number: object) -> str:
    return "" if number is None else f"annotator {number}" if isinstance(number, int) else str(number)
