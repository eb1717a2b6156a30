"""`tilth clean`: remove what the policy in `[store]` does not keep, and say what that was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilth.cli.terminal import say


def clean(
    config: Path | None, out: Path | None, overrides: Mapping[str, Any], *, dry_run: bool = False, as_json: bool = False
) -> int:
    """Clean the workspace here, or with `dry_run` say what would be removed.

    Raises:
        WorkspaceBusyError: a night is at work.
    """
    from tilth import night, store
    from tilth.store import retention

    workspace = store.locate(config, out, anywhere=True)
    settings = night.Request(workspace=workspace, overrides=overrides).settings
    with workspace.lock(put_right=False):
        found = retention.clean(workspace, settings.store, dry_run=dry_run).to_json()
    if as_json:
        say(json.dumps({"dry_run": dry_run, **found}, indent=2))
        return 0
    for line in retention.lines(found, dry_run=dry_run):
        say(line)
    return 0
