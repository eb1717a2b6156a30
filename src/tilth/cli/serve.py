"""`tilth serve`: nights on a schedule, until stopped."""

from __future__ import annotations

import argparse

from tilth.cli import child


def serve(options: argparse.Namespace) -> int:
    """Start the workspace's own `flows/serve.py` and wait until it is stopped."""
    from tilth import store
    from tilth.cli.terminal import environment

    workspace = store.locate(options.config)
    process = child.start(
        child.flow_file(workspace.root, "serve.py"),
        ["--cron", options.cron, "--config", str(workspace.config)],
        environment(verbose=options.verbose),
        cwd=workspace.root,
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        child.stop(process)
        raise
