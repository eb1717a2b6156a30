"""`tilth restore`: an empty workspace gets the nights of its copy at an address."""

from __future__ import annotations

from tilth.cli import options
from tilth.cli.terminal import say, say_json
from tilth.errors import RequestError


def restore(address: str | None = None, /, *, config: options.Config = None, as_json: options.Json = False) -> int:
    """Fill a workspace that has no nights yet from the copy that [store] address holds.

    The next night goes on from there: people's answers, what nights carry over, and the nights that it is held
    against. The cache is no part of a copy, and is computed again.

    For example:

        tilth restore
        tilth restore s3://bucket/inbox

    Args:
        address: where the copy is (default: [store] address)
    """
    from tilth import stage, store
    from tilth.config import load
    from tilth.io import fetch_nights

    workspace = store.locate(config)
    overrides = {} if address is None else {"store.address": address}
    place = load(workspace.config, overrides, stage.configs()).store.address
    if place is None:
        raise RequestError("[store] address is not set; name where the copy is: tilth restore s3://bucket/inbox")
    with workspace.lock():
        nights = fetch_nights(workspace, place)
    if as_json:
        say_json({"address": place, "nights": nights})
        return 0
    say(
        f"{len(nights)} night{'s' if len(nights) > 1 else ''} from {place}, the last one {nights[-1]}: {workspace.runs}"
    )
    return 0
