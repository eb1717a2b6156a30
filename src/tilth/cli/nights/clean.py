"""`tilth clean`: remove what the policy in `[store]` does not keep, and say what that was."""

from __future__ import annotations

from tilth.cli import options
from tilth.cli.terminal import say, say_json


def clean(
    *,
    dry_run: bool = False,
    sets: options.Sets = (),
    out: options.Runs = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Remove tables and models of old nights, and of the cache what no night needs.

    The record and the report of every night stay, and the models of promoted ones; so do your answers and whatever
    tilth did not write. [store] in tilth.toml says how much is kept.

    For example:

        tilth clean --dry-run
        tilth clean --set store.keep_runs=10
        tilth clean --set store.max_cache_gb=0

    Args:
        dry_run: say what would be removed, and remove nothing
    """
    from tilth import night, store
    from tilth.config import parse_override

    workspace = store.locate(config, out, anywhere=True)
    overrides = dict(parse_override(text) for text in sets)
    settings = night.Request(workspace=workspace, overrides=overrides).settings
    with workspace.lock(put_right=False):
        removed = store.clean_workspace(workspace, settings.store, dry_run=dry_run).to_json()
    if as_json:
        say_json({"dry_run": dry_run, **removed})
        return 0
    for line in store.cleaning_in_words(removed, dry_run=dry_run):
        say(line)
    return 0
