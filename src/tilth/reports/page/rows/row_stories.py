"""What `tilth explain` knows beyond the row itself, for the rows that matter most: it is read from other tables."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tilth.errors import TilthError
from tilth.reports.explain import stories
from tilth.reports.page.files import RunFiles
from tilth.reports.page.rows.verdicts import reason_in_words

log = logging.getLogger(__name__)

MOST = 400
"""Rows that get it in the page; of every other one `tilth explain` says the same."""
_NEAREST, _LONGEST_TEXT = 3, 100


def add_stories(run: RunFiles, facts: Sequence[dict[str, Any]]) -> None:
    """Give the first `MOST` rows a field `e`, in place; none where the run's files do not say it.

    `from` file and row; `passage`, what the model went by in a long text; `nights` what became of it on earlier nights,
    only where something changed; for each task under `k`: `near` (id, label, cosine and text of the nearest labeled
    rows), `weight` in training, `change` (what would change the label); `change` (what would change the verdict on the
    text).
    """
    chosen = facts[:MOST]
    try:
        stories_of = stories(run.folder, [fact["i"] for fact in chosen])
    except (TilthError, OSError, KeyError, ValueError, TypeError):  # an older tilth's files, or some that are gone
        log.info("no further stories", exc_info=True)
        return
    for fact, story in zip(chosen, stories_of, strict=True):
        fact["e"] = _extract(story)


def _extract(story: Mapping[str, Any]) -> dict[str, Any]:
    place = story["came_from"]
    extract: dict[str, Any] = {
        "from": f"{place['file']}, row {place['row']}" if place["file"] else None,
        "change": story["would_change"],
        "passage": story["passage"],
        "nights": list(_nights(story["nights"])),
        "k": [_of_task(task) for task in story["tasks"].values()],
    }
    return {key: value for key, value in extract.items() if value}


def _of_task(task: Mapping[str, Any]) -> dict[str, Any]:
    near = [
        [one["id"], one["label"], round(one["cosine"], 2), " ".join(one["text"].split())[:_LONGEST_TEXT]]
        for one in task["nearest"][:_NEAREST]
    ]
    extract = {"near": near, "weight": task["weight"], "change": task["would_change"]}
    return {key: value for key, value in extract.items() if value}


def _nights(nights: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for the first night and for each at which something changed."""
    before: object = None
    for night in nights:
        labels = {name: one["label"] for name, one in night["labels"].items()}
        now = (night["status"], night["reason"], labels)
        if now != before:
            why = f", {reason_in_words(night['reason'])}" if night["reason"] else ""
            words = ", ".join(f"{name} {label or 'without a label'}" for name, label in labels.items())
            yield f"{night['run_id']}: {words} ({night['status']}{why})"
        before = now
