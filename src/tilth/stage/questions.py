"""Rows that a stage would have a person look at: in this night's queue, or, where it is too late for that, the next's.

The queue is made before the model is trained. What only the exported model can say, that a row is out of scope or that
a paraphrase flips its answer, waits for the next night: a stage hands it back as `StageResult.questions`, the night
keeps it in the carried state, and active learning finds it in `Resources.questions`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tilth.errors import ContractError
from tilth.store import read_json, write_json
from tilth.text import digest

FILE = "questions.json"
_SOURCES: dict[str, float] = {}


def register_source(name: str, *, seconds: float) -> None:
    """Register who asks, under the name that a queue's column `detector` shows.

    Args:
        name: one word, for example `out_of_scope`.
        seconds: what an answer takes a person beyond reading the text, until answers are timed.

    Raises:
        ValueError: the name is taken, or the seconds are not above 0.
    """
    if name in _SOURCES:
        raise ValueError(f'a source of questions named "{name}" is registered already; choose another name')
    if not seconds > 0:
        raise ValueError(f'source "{name}": an answer takes {seconds} seconds; expected more than 0')
    _SOURCES[name] = seconds


def registered_sources() -> tuple[str, ...]:
    """The names of all sources that are registered, in the order in which they were."""
    return tuple(_SOURCES)


def answer_seconds(name: str) -> float:
    """What an answer to a source's question takes beyond reading the text.

    Raises:
        ContractError: no source of that name is registered.
    """
    if name not in _SOURCES:
        raise ContractError(f'no source of questions is named "{name}"; call tilth.stage.register_source first')
    return _SOURCES[name]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One row that is worth a person's look.

    Attributes:
        row_id: the row's id.
        text_digest: of the row's text (`tilth.text.digest`): a row whose text has changed is not asked about.
        task: what is in doubt; None for a doubt about the text.
        detector: the name of a registered source.
        reason: why the row is asked, a sentence in plain words.
        doubt: probability that what stands now is wrong, 0 to 1.
        belief: the label that tilth believes, if any.
        seconds: what an answer takes beyond reading the text.
    """

    row_id: str
    text_digest: str
    task: str | None
    detector: str
    reason: str
    doubt: float
    belief: str | None = None
    seconds: float

    @classmethod
    def about(
        cls,
        row_id: str,
        text: str,
        *,
        detector: str,
        reason: str,
        doubt: float,
        task: str | None,
        belief: str | None = None,
    ) -> Question:
        """A question of a registered source about a row.

        Raises:
            ContractError: no source of that name is registered, or the doubt is no probability.
        """
        if not (math.isfinite(doubt) and 0 <= doubt <= 1):
            raise ContractError(f'source "{detector}", row "{row_id}": doubt is {doubt}; expected 0 to 1')
        return cls(
            row_id=row_id,
            text_digest=digest(text),
            task=task,
            detector=detector,
            reason=reason,
            doubt=float(doubt),
            belief=belief,
            seconds=answer_seconds(detector),
        )


def write_questions(folder: Path, questions: Iterable[Question]) -> None:
    """Write questions as the carried state keeps them, in a folder that is there."""
    write_json(folder / FILE, [asdict(question) for question in questions])


def read_questions(folders: Sequence[Path]) -> tuple[Question, ...]:
    """The questions of several folders, in their order."""
    return tuple(Question(**entry) for folder in folders for entry in read_json(folder / FILE))
