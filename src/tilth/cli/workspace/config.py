"""`tilth config`: what a night would go by."""

from __future__ import annotations

from tilth.cli import options
from tilth.cli.terminal import say


def config(
    *,
    sets: options.Sets = (),
    config: options.Config = None,
    as_json: options.Json = False,
) -> int:
    """Print the current config as TOML, each key with its meaning, its limits and its default.

    For example:

        tilth config
        tilth config --set training.mode=probe > tilth.toml
    """
    from tilth import night, store
    from tilth.config import config_toml, parse_override

    workspace = store.locate(config, anywhere=True)
    overrides = dict(parse_override(text) for text in sets)
    settings = night.Request(workspace=workspace, overrides=overrides).settings
    say(settings.model_dump_json(indent=2) if as_json else config_toml(settings).rstrip())
    return 0
