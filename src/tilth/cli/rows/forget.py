"""`tilth forget`: a row goes, with all that came of it, for a customer who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilth.cli import options
from tilth.cli.terminal import say, say_json
from tilth.cli.workspace import open_workspace
from tilth.errors import RequestError, TilthError

if TYPE_CHECKING:
    from tilth.cli.workspace import WorkspaceData


def forget(
    *row_ids: str,
    dry_run: bool = False,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Remove rows and all that came of them: tables, caches, answers, paraphrases, report pages.

    Your input files stay as they are; a row that still stands there is read no more. Models that learned from it
    stay until nights without it take their place.

    For example:

        tilth forget m00042 --dry-run
        tilth forget m00042 m00043

    Args:
        row_ids: the ids of the rows
        dry_run: say what would be removed, and remove nothing
    """
    from tilth import night

    if not row_ids:
        raise RequestError("which rows? tilth forget ID…")
    data = open_workspace(config)
    try:
        known = data.frame["id"].tolist()
    except TilthError:  # the input may be gone with the row
        known = []
    workspace = data.workspace
    with workspace.lock(put_right=not dry_run):
        forgotten = night.forget(workspace, row_ids, known=known, dry_run=dry_run)
    holding = _files_with(data, row_ids) if known else []
    if as_json:
        say_json({"dry_run": dry_run, "removed": forgotten.counts, "input_still_holds": bool(holding)})
        return 0
    verb = "would remove" if dry_run else "removed"
    for what, count in forgotten.counts.items():
        say(f"{verb} {what}: {count:,}")
    if not forgotten.counts:
        say(f"nothing of {'them' if len(row_ids) > 1 else 'it'} was kept anywhere")
    if holding:
        there = sorted(set(row_ids) & set(known))
        them = "it" if len(there) == 1 else "them"
        say(
            f"the input still holds {', '.join(there)}, which each night leaves out: remove {them} from "
            f"{' or '.join(holding)}"
        )
    if data.settings.store.address:
        say(f"the copy at {data.settings.store.address} is not reached: remove there what it holds of such rows")
    say("models that learned from such a row stay: the next tilth run trains without it, tilth clean removes old ones")
    return 0


def _files_with(data: WorkspaceData, row_ids: Sequence[str]) -> list[str]:
    """The input's files that hold some of the rows, as far as gold and the others tell them apart."""
    from tilth.samples import Split

    gold = set(data.frame.loc[data.frame["id"].isin(row_ids), "split"].eq(Split.GOLD))
    files = [*(data.settings.data.input if False in gold else ()), *([data.settings.data.gold] if True in gold else ())]
    return sorted(name for name in files if name)
