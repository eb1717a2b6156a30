"""`tilth explain`: why one row is what it is."""

from __future__ import annotations

from tilth.cli import options, terminal
from tilth.cli.terminal import say, say_json
from tilth.cli.workspace import find_run


def explain(row: str, /, *, run: options.RunName = "latest", as_json: options.Json = False) -> int:
    """Say where a row came from, what each stage made of it and why, and what would change that.

    For example:

        tilth explain m00042
        tilth explain "where is my refund" --run 20260101-020000
        tilth explain m00042 --json | jq .tasks.intent.votes

    Args:
        row: its id, how its id begins, or its text in quotes
    """
    from tilth import reports

    terminal.quiet()
    folder = find_run(run).path
    story = reports.story(folder, reports.find_row(folder, row))
    if as_json:
        say_json(story)
        return 0
    for line in reports.story_lines(story):
        say(line)
    if story["why_not_nearest"]:
        terminal.note(f"no similar rows are shown: {story['why_not_nearest']}")
    return 0
