"""`tilth label`: the page on which people answer the queue."""

from __future__ import annotations

import getpass
from typing import Annotated

from cyclopts import Parameter, validators

from tilth.cli import options, terminal
from tilth.cli.terminal import say
from tilth.notes import many


def label(
    *,
    run: str | None = None,
    annotator: str | None = None,
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 0,
    no_browser: bool = False,
    config: options.Config = None,
) -> int:
    """Answer a night's queue on a page of this machine, by keyboard; the next night learns from the answers.

    For example:

        tilth label
        tilth label --annotator ann --port 8765
        tilth label --no-browser

    Args:
        run: the night that asks (default: the newest one that asks something)
        annotator: who answers (default: your name on this machine); the page can change it
        port: of 127.0.0.1; 0: one that is free
        no_browser: print the address, and open nothing
    """
    import secrets

    from tilth import annotation, io, night, store
    from tilth.annotation import Desk
    from tilth.errors import RequestError
    from tilth.io.answers import run_with_queue
    from tilth.store.answers import Answers

    terminal.quiet()
    workspace = store.locate(config)
    if workspace.answers is None:
        raise RequestError("answers are kept in a workspace; make one with: tilth init DIR")
    night_run = run_with_queue(workspace.runs, run)
    mapping = io.LabelMapping(store.LabelChanges.read(workspace.data))
    definitions = mapping.definitions(night.Request(workspace=workspace).settings)
    who, token = annotator or getpass.getuser(), secrets.token_urlsafe(24)
    with Answers.open(workspace.answers) as answers, annotation.open_port(port) as listening:
        before = answers.last()
        try:
            desk = Desk(annotation.read_night_rows(night_run), answers)
            app = annotation.create_app(desk, annotation.Evidence(night_run), token, who, definitions)
            left = desk.progress(who)["left"]
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/?token={token}"
            asks = many(left, "row") + " to answer" if left else "every row is answered and may be found and changed"
            say(f"run {night_run.path.name}: {asks}, as {who}; stop with Ctrl-C")
            say(url)
            annotation.serve(app, listening, url, browser=not no_browser)
        except KeyboardInterrupt:  # the usual end
            say("")
        given = answers.last() - before
        say(f"stopped; {given} entries were added to {workspace.answers}")
        if given:
            say("the next tilth run takes them above everything else")
    return 0
