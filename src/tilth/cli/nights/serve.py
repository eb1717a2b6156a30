"""`tilth serve`: nights on a schedule, until stopped."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from tilth.cli import options
from tilth.cli.nights import flow_process
from tilth.errors import RequestError


def serve(
    *,
    cron: str | None = None,
    timezone: str | None = None,
    port: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=65535))] = None,
    config: options.Config = None,
) -> int:
    """Put nights on a schedule, until stopped.

    For example:

        tilth serve
        tilth serve --cron "0 2 * * *"
        tilth serve --cron "30 1 * * mon-fri" --timezone Europe/Berlin

    Args:
        cron: when: minute, hour, day of the month, month, day of the week (default: [schedule] cron of tilth.toml)
        timezone: by which clock, for example America/New_York (default: [schedule] timezone, else this machine's)
        port: of the page that shows the nights (default: 4207, or a free one where that is taken)
    """
    from tilth import night, store

    workspace = store.locate(config)
    schedule = night.Request(workspace=workspace).settings.schedule
    cron, timezone = cron or schedule.cron, timezone or schedule.timezone
    if cron is None:
        raise RequestError('when? give --cron "0 2 * * *", or cron = "0 2 * * *" under [schedule] in tilth.toml')
    night.check_addresses(schedule)
    flow_process.ask_server()
    arguments = ["--cron", cron, "--config", str(workspace.config)]
    arguments += ["--timezone", timezone] if timezone is not None else []
    arguments += ["--port", str(port)] if port is not None else []
    # the workspace's own flows/serve.py, or the one that comes with tilth
    process = flow_process.start(
        flow_process.flow_file(workspace.root, "serve.py"),
        arguments,
        flow_process.environment(workspace),
        cwd=workspace.root,
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        flow_process.stop(process)
        raise
