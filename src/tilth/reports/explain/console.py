"""A row's story as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tilth.reports.drawing import shorten

_WIDTH = 15
_REASONS = {"untrained": "training gains nothing by it tonight"}


def story_lines(story: Mapping[str, Any]) -> list[str]:
    """The story that `stories` gives, the verdict first."""
    head = [f"{story['id']}  {shorten(story['text'], 300)}", *_verdict(story)]
    parts = [_origin(story), _family(story), _answers(story), _checks(story), _passage(story)]
    tasks = [list(_task(name, task)) for name, task in story["tasks"].items()]
    return [*head, *(line for part in [*parts, *tasks, _nights(story)] for line in part)]


def _line(name: str, words: str) -> str:
    return f"{name:<{_WIDTH}}{words}"


def _verdict(story: Mapping[str, Any]) -> Iterator[str]:
    why = "" if story["reason"] is None else f": {_words(story['reason'])}"
    learned = [name for name, task in story["tasks"].items() if task["weight"] is not None]
    learned_from = f"; training learns {', '.join(learned)} from it" if learned else "; training learns nothing from it"
    gold = "; a gold row, which nothing learns from" if story["split"] == "gold" else learned_from
    yield _line("verdict", f"{story['status']}{why}{gold}")
    for condition in story["would_change"]:
        yield _line("  would change", condition)


def _origin(story: Mapping[str, Any]) -> Iterator[str]:
    place = story["came_from"]
    where = f"{place['file']}, row {place['row']}" if place["file"] else f"a paraphrase of {story['parent']['id']}"
    columns = ", ".join(
        f"{name}: {shorten(str(value), 40)}" for name, value in story["input"].items() if value is not None
    )
    yield _line("came from", f"{where} ({story['split']}){f' · {columns}' if columns else ''}")
    if story.get("picture"):
        yield _line("picture", str(story["picture"]))
    if story["parent"]:
        measured = [f"{_words(name)} {_number(value)}" for name, value in story["gate"].items() if value is not None]
        yield _line("source", shorten(story["parent"]["text"], 200))
        yield _line("measured", ", ".join(measured))


def _family(story: Mapping[str, Any]) -> Iterator[str]:
    if story["duplicate_of"]:
        yield _line("copy of", story["duplicate_of"])
    if story["copies"]:
        yield _line("copies", _some(story["copies"]))
    if children := story["paraphrases"]:
        used = sum(child.get("used") is True for child in children)
        yield _line(
            "paraphrases", f"{len(children)}, of which training uses {used}: {_some([one['id'] for one in children])}"
        )


def _answers(story: Mapping[str, Any]) -> Iterator[str]:
    for one in story["answers"]:
        what = one["label"] or _words(one["verdict"])
        about = f"{one['task']}: " if one["task"] else ""
        note = f" ({shorten(one['note'], 80)})" if one["note"] else ""
        yield _line("answered", f"{about}{what}{note}, by {one['who']}, {one['at']}")


def _checks(story: Mapping[str, Any]) -> Iterator[str]:
    bad = [f"{_words(one['check'])} {_number(one['score'])}" for one in story["checks"] if one["issue"]]
    shades = [
        f"{_words(one['check'])} {_number(one['score'])}"
        for one in story["checks"]
        if not one["issue"] and one["score"] not in (None, 1.0)
    ]
    if bad or shades:
        parts = [f"failed: {', '.join(bad)}"] if bad else []
        yield _line("checks", "; ".join([*parts, *([f"passed: {', '.join(shades)}"] if shades else [])]))
    if story["out_of_scope_score"] is not None:
        yield _line("scope", f"{_number(story['out_of_scope_score'])} (0: unlike any training row, 1: like many)")


def _passage(story: Mapping[str, Any]) -> Iterator[str]:
    if story["passage"] is not None:
        yield _line("model read", f'"{shorten(story["passage"], 300)}"')


def _task(name: str, task: Mapping[str, Any]) -> Iterator[str]:
    label = "no label" if task["label"] is None else f"{task['label']} ({task['origin']}{_sure(task['confidence'])})"
    why = f": {_words(task['reason'])}" if task["reason"] else ""
    yield _line(name, f"{label}{why}")
    if task["given"] is not None:
        suggested = task["suggested"]
        rather = f"; the models suggest {suggested}{_sure(task['suggested_confidence'])}" if task["issue"] else ""
        fit = "" if task["quality"] is None else f", quality {task['quality']:.0%}"
        yield _line("  came as", f"{task['given']}{fit}{_sure(task['given_confidence'])}{rather}")
    if task["answer"] is not None:
        yield _line("  answer", f"{task['answer']}, of a person")
    if task["annotations"]:
        votes = [f"{one.get('annotator')}: {one.get('label')}" for one in task["annotations"]]
        yield _line("  annotators", _some(votes))
    for vote in task["votes"]:
        agrees = f" (agrees with {vote['agree']} of {vote['labeled_votes']} labels)" if vote["labeled_votes"] else ""
        yield _line("  vote", f"{vote['function']}: {vote['label']}{agrees}")
    if task["weak_confidence"] is not None:
        yield _line("  votes say", f"{task['weak'] or 'nothing for sure'}{_sure(task['weak_confidence'])}")
    if task["predicted"] is not None:
        yield _line("  model says", f"{task['predicted']}{_sure(task['predicted_confidence'])}")
    for near in task["nearest"]:
        yield _line(
            "  near",
            f"{near['label']}: {shorten(' '.join(near['text'].split()), 90)} ({near['id']}, {near['cosine']:.2f})",
        )
    if task["weight"] is not None:
        yield _line("  weight", f"{_number(task['weight'])} in training")
    for condition in task["would_change"]:
        yield _line("  would change", condition)


def _nights(story: Mapping[str, Any]) -> Iterator[str]:
    """The nights at which something changed, and the first."""
    before: tuple[Any, ...] | None = None
    for night in story["nights"]:
        labels = {name: (one["label"], one["origin"]) for name, one in night["labels"].items()}
        now = (night["status"], night["reason"], labels)
        if now == before:
            continue
        labels_then = ", ".join(
            f"{name} {'none' if label is None else f'{label} ({origin})'}" for name, (label, origin) in labels.items()
        )
        why = f": {_words(night['reason'])}" if night["reason"] else ""
        yield _line("night" if before is None else "then", f"{night['run_id']}: {night['status']}{why}; {labels_then}")
        before = now
    if len(story["nights"]) > 1:
        yield _line("", f"{len(story['nights'])} nights have this row; those at which nothing changed are left out")


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else f", {100 * confidence:.3g}% sure"


def _words(name: str) -> str:
    return _REASONS.get(name, name.replace("_", " "))


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else f"{value:.3g}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
