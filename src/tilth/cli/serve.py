"""`tilth serve`: nights on a schedule, until stopped."""

from __future__ import annotations

from tilth.cli import child, options, terminal


def serve(*, cron: str, config: options.Config = None) -> int:
    """Put nights on a schedule, until stopped.

    For example:

        tilth serve --cron "0 2 * * *"

    Args:
        cron: when: minute, hour, day of the month, month, day of the week
    """
    from tilth import store

    workspace = store.locate(config)
    # the workspace's own flows/serve.py, or the one that comes with tilth
    process = child.start(
        child.flow_file(workspace.root, "serve.py"),
        ["--cron", cron, "--config", str(workspace.config)],
        terminal.environment(),
        cwd=workspace.root,
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        child.stop(process)
        raise
