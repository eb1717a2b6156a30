"""`tilth rollback`: an earlier night is the latest again."""

from __future__ import annotations

from tilth.cli import options
from tilth.cli.terminal import say, say_json


def rollback(
    run: str | None = None,
    /,
    *,
    dry_run: bool = False,
    out: options.Runs = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Make an earlier promoted night the latest again.

    Its model is data/runs/latest then, and the next night goes on from what it left. Nothing is removed: the nights
    after it stay, are marked, and come back by name.

    For example:

        tilth rollback --dry-run
        tilth rollback
        tilth rollback 20260101-020000

    Args:
        run: the night's id (default: the promoted night before the latest)
        dry_run: say what would change, and change nothing
    """
    from tilth import night, reports, store

    workspace = store.locate(config, out, anywhere=True)
    with workspace.lock(put_right=not dry_run):
        done = night.roll_back(workspace, run, dry_run=dry_run)
        if not dry_run:
            reports.write_index(workspace.runs)
    if as_json:
        found = {"latest": done.latest.path.name, "before": done.before.path.name, "marked": list(done.marked)}
        say_json({"dry_run": dry_run, **found})
        return 0
    verb = "would be" if dry_run else "is"
    say(f"run {done.latest.path.name} {verb} the latest, in place of {done.before.path.name}")
    if done.marked:
        say(f"of the nights after it {', '.join(done.marked)} {'would count' if dry_run else 'count'} no longer")
    if not dry_run:
        say(f"to take it back: tilth rollback {done.before.path.name}")
    return 0
