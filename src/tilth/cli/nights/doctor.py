"""`tilth doctor`: what a night needs, what of it is here, and the command for what is not."""

from __future__ import annotations

from dataclasses import asdict

from tilth.cli import options
from tilth.cli.nights.doctor_checks import CHECKS, Place
from tilth.cli.terminal import say, say_json
from tilth.errors import TilthError


def doctor(*, config: options.Config = None, as_json: options.Json = False) -> int:
    """Say what is installed, what is missing, and the command for each; status 1 if something needed is missing.

    For example:

        tilth doctor
        tilth doctor --json
    """
    from tilth import night, store

    workspace, settings, config_error = store.locate(config, anywhere=True), None, ""
    try:
        settings = night.Request(workspace=workspace).settings
    except TilthError as error:
        config_error = str(error)
    place = Place(workspace, settings, config_error)
    findings = {name: finding for name, look in CHECKS.items() if (finding := look(place)) is not None}
    good = all(finding.state != "missing" for finding in findings.values())
    if as_json:
        say_json({"ok": good, "checks": {name: asdict(one) for name, one in findings.items()}})
        return 0 if good else 1
    for name, finding in findings.items():
        say(f"{finding.state:<8}  {name:<15} {finding.found}")
        if finding.fix:
            say(f"{'':<26}{finding.fix}")
    say("all that a night needs is here" if good else "something that a night needs is missing")
    return 0 if good else 1
