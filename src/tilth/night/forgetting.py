"""Forget rows for good: all that nights kept of them, and the pages that showed them."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from pathlib import Path

from markupsafe import escape

from tilth import reports, store
from tilth.errors import RequestError, TilthError, did_you_mean
from tilth.store import Forgotten, Workspace
from tilth.store.answers import forget_answers

_PAGES = ("report.html", "report.json", "report")


def forget(
    workspace: Workspace, row_ids: Sequence[str], *, known: Sequence[str] = (), dry_run: bool = False
) -> Forgotten:
    """Remove rows, their paraphrases, and all that came of them; call it under the workspace's lock only.

    Args:
        workspace: whose rows.
        row_ids: which ones.
        known: ids of the input as it is now, where that can be read.
        dry_run: find and count all, and remove nothing.

    Raises:
        RequestError: a row stands nowhere; nothing was removed.
    """
    forgotten = store.find_everywhere(workspace, row_ids)
    if workspace.answers is not None:
        _, seen, texts = forget_answers(workspace.answers, forgotten.ids, dry_run=True)
        forgotten.seen |= seen
        forgotten.texts |= texts
    _require_known(forgotten, row_ids, {*known}, store.tombstones(workspace.data))
    if not dry_run:
        store.add_tombstones(workspace.data, row_ids)  # first, so that whoever is killed here begins again
    touched = store.forget_tables(workspace, forgotten, dry_run=dry_run)
    if workspace.answers is not None:
        for what, count in forget_answers(workspace.answers, forgotten.ids, dry_run=dry_run)[0].items():
            forgotten.add(what, count)
    store.forget_caches(workspace, forgotten, dry_run=dry_run)
    for folder in _with_pages(workspace, touched, forgotten):
        forgotten.add("report pages, written again without them", 1)
        if not dry_run:
            _write_anew(folder)
    return forgotten


def _require_known(forgotten: Forgotten, row_ids: Sequence[str], there: set[str], before: Set[str]) -> None:
    """Whether each row stands somewhere, or was forgotten before: who asks twice is told that nothing is left."""
    found = [row_id in there or row_id in forgotten.seen or store.digest(row_id) in before for row_id in row_ids]
    strange = [row_id for row_id, known in zip(row_ids, found, strict=True) if not known]
    if strange:
        near = did_you_mean(strange[0], there) if len(there) < 10_000 else "see the column id of the input"
        raise RequestError(f'no row "{strange[0]}" in the input, in any night or in the answers; {near}')


def _with_pages(workspace: Workspace, touched: Sequence[Path], forgotten: Forgotten) -> list[Path]:
    """The nights whose page showed a row, or may have: those with a table that held it, and what names it."""
    folders = []
    for run in store.all_runs(workspace.runs):
        pages = [path for name in _PAGES[:2] if (path := run.path / name).exists()]
        named = any(_shows(page, forgotten) for page in pages)
        if pages and (run.path in touched or named):
            folders.append(run.path)
    return folders


def _shows(page: Path, forgotten: Forgotten) -> bool:
    """Whether a page names one of the rows or shows its text."""
    content = page.read_text(encoding="utf-8", errors="replace")
    return any(_is_whole(row_id, content) for row_id in forgotten.ids) or any(
        _is_shown(text, content) for text in forgotten.texts if text
    )


def _is_shown(text: str, content: str) -> bool:
    """Whether a text stands in a page as HTML or JSON spells it."""
    spellings = (text, str(escape(text)), json.dumps(text, ensure_ascii=False)[1:-1])
    return any(one in content if len(text) >= store.KNOWN_LETTERS else _is_whole(one, content) for one in spellings)


def _is_whole(word: str, content: str) -> bool:
    return f">{word}<" in content or f'"{word}"' in content


def _write_anew(folder: Path) -> None:
    """The page from what the night's folder holds now; where `tilth clean` removed the tables, without rows."""
    for name in _PAGES:
        if (folder / name).exists():
            store.discard(folder / name)
    try:
        reports.write(folder)
    except TilthError:  # with neither a record nor a table there is no page
        return
