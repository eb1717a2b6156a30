"""Nights on a schedule: a deployment that Prefect fires, with a local server where none is configured."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from prefect.client.schemas.schedules import CronSchedule

import nightly
import server
from tilth.cli import terminal


def main() -> int:
    """Serve the nightly flow until stopped; returns 2 where the schedule is none."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--cron", required=True, help='for example "0 2 * * *"')
    parser.add_argument("--config", required=True, type=Path, help="the workspace's tilth.toml")
    arguments = parser.parse_args()
    server.end_with(server.input_is_closed)
    try:
        CronSchedule(cron=arguments.cron)
    except ValueError:
        sys.stderr.write(
            f'tilth: --cron "{arguments.cron}" is no schedule; expected minute hour day month weekday, '
            'for example "0 2 * * *" for each night at two\n'
        )
        return 2
    with server.running(arguments.config.parent / "data" / "prefect") as url:
        terminal.say(f"nights at {arguments.cron}; their page: {url.removesuffix('/api')}; stop with Ctrl-C")
        nightly.nightly.serve(
            name="tilth",
            cron=arguments.cron,
            parameters={"workspace": str(arguments.config)},
            # Prefect pauses a schedule when serve stops; ours should be there again when it starts
            pause_on_shutdown=False,
            print_starting_message=False,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
