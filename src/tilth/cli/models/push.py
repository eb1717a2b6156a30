"""`tilth push`: a run's model, to the Hub."""

from __future__ import annotations

import json
from dataclasses import asdict

from tilth.cli import options
from tilth.cli.terminal import say
from tilth.cli.workspace import find_run


def push(
    repository: str,
    /,
    *,
    run: options.RunName = "latest",
    public: bool = False,
    message: str | None = None,
    as_json: options.Json = False,
) -> int:
    """Upload a run's model to a repository of the Hugging Face Hub, private unless you say otherwise.

    The repository is made where there is none. The model's card is its README. The token is that of `hf auth login`, or
    of the variable HF_TOKEN.

    For example:

        tilth push my-team/intents
        tilth push my-team/intents --run 20260101-020000 --message "January 1"
        tilth push my-team/intents --public

    Args:
        repository: OWNER/NAME
        run: its id or its folder
        public: let everybody read it: the model holds words of your rows
        message: of the commit (default: the run's id)
        as_json: print what was pushed as JSON, and nothing else, on standard output
    """
    from tilth.training import push_model

    pushed = push_model(find_run(run).path / "model", repository, public=public, message=message)
    if as_json:
        say(json.dumps(asdict(pushed), ensure_ascii=False))
    else:
        say(f"{pushed.files} files, {'private' if pushed.private else 'public'}: {pushed.address}")
    return 0
