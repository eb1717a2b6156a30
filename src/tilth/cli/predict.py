"""`tilth predict`: a run's model answers."""

from __future__ import annotations

from tilth.cli import desk, options
from tilth.cli.terminal import lines, say
from tilth.errors import RequestError


def predict(*texts: str, run: options.RunName = "latest") -> int:
    """Labels for texts, as JSON lines.

    For example:

        tilth predict "where is my refund"
        tilth predict < messages.txt

    Args:
        texts: texts; none: one a line from standard input
    """
    import json

    found = desk.run(run)
    if not (found.path / "model").is_dir():
        raise RequestError(f"run {found.path.name} holds no model; name one that trained: tilth predict --run RUN")
    from tilth.training.predictor import Predictor

    asked = list(texts) or [line.rstrip("\r\n") for line in lines()]
    for answer in Predictor.load(found.path / "model")(asked):
        say(json.dumps(answer, ensure_ascii=False))
    return 0
