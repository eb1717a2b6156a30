"""Who asks: each source finds the rows that it would ask about, how much it doubts them, and says why.

A source's name is what the queue shows as `detector`, and by what its hits are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from tilth.active_learning.queue.candidates import Doubts, QueueInputs
from tilth.active_learning.queue.possible_errors import possible_errors
from tilth.errors import ConfigError, did_you_mean
from tilth.samples import Action, Reason, Source, Status, Task
from tilth.stage import Question, register_source, registered_sources
from tilth.text import digest

Find: TypeAlias = Callable[[QueueInputs], Iterator[Doubts]]
_SOURCES: dict[str, Find] = {}
YES_OR_NO, CHOICE = 5.0, 8.0
"""Seconds beyond reading: to accept or refuse one label, and to choose among many. Assumed until answers are timed."""
RANDOM = "random"
_WRONG = (Action.SET_ASIDE, Action.SUGGEST, Action.CORRECT)
"""What cleaning does with labels that it judged wrong."""


def source(name: str, *, seconds: float) -> Callable[[Find], Find]:
    """Register a source of this night's queue, a function from `QueueInputs` to `Doubts`, under a name.

    Raises:
        ValueError: the name is taken.
    """

    def register(find: Find) -> Find:
        register_source(name, seconds=seconds)
        _SOURCES[name] = find
        return find

    return register


def sources() -> Mapping[str, Find]:
    """The sources of this night, by name."""
    return _SOURCES


def check_sources(names: Sequence[str]) -> None:
    """Whether all of these may ask.

    Raises:
        ConfigError: one is not registered; naming the nearest one.
    """
    known = registered_sources()
    for name in names:
        if name not in known:
            raise ConfigError(f'active_learning.sources names "{name}", which is unknown; {did_you_mean(name, known)}')


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _action(inputs: QueueInputs, task: Task, *actions: Action) -> np.ndarray:
    return np.asarray(inputs.open(task) & np.isin(inputs.words(f"{task.name}_action").astype(str), list(actions)))


@source("ask_again", seconds=CHOICE)
def answers_to_repeat(inputs: QueueInputs) -> Iterator[Doubts]:
    """Rows whose answer does not stand: people differ, the text has changed since, or the label was split."""
    why = inputs.words("ask_again")
    rows = np.flatnonzero(inputs.eligible & (why != None))  # noqa: E711 - elementwise
    words = {"people_differ": "People answered differently", "text_changed": "The text has changed since its answer"}
    believed = inputs.words(inputs.task.name)[rows]
    doubt = np.ones(len(rows))

    def reason(row: int) -> str:
        return words.get(why[row], f"Its answer does not stand ({str(why[row]).replace('_', ' ')})")

    yield Doubts(rows=rows, doubt=doubt, reason=reason, task=inputs.task.name, believed=believed, first=True)


@source("suspect", seconds=YES_OR_NO)
def suspects(inputs: QueueInputs) -> Iterator[Doubts]:
    """Given labels that cleaning judged wrong, and set aside or corrected."""
    for task in inputs.tasks:
        rows = np.flatnonzero(_action(inputs, task, *_WRONG))
        given, suggested = inputs.words(f"{task.name}_given"), inputs.words(f"{task.name}_suggested")
        right = inputs.numbers(f"{task.name}_given_confidence", 0.5)
        corrected = inputs.words(f"{task.name}_action") == Action.CORRECT
        in_force_right = np.where(corrected, inputs.numbers(f"{task.name}_suggested_confidence", 0.5), right)

        def reason(row: int, task: Task = task, given: np.ndarray = given, right: np.ndarray = right) -> str:
            return f'The given {task.name} "{given[row]}" looks wrong: {_percent(right[row])} likely to be right'

        yield Doubts(rows=rows, doubt=1 - in_force_right[rows], reason=reason, task=task.name, believed=suggested[rows])


@source("label_review", seconds=YES_OR_NO)
def reviews(inputs: QueueInputs) -> Iterator[Doubts]:
    """Given labels that are a toss-up: learned from at the probability that they are right, until a person says."""
    for task in inputs.tasks:
        rows = np.flatnonzero(_action(inputs, task, Action.REVIEW))
        given, right = inputs.words(f"{task.name}_given"), inputs.numbers(f"{task.name}_given_confidence", 0.5)

        def reason(row: int, task: Task = task, given: np.ndarray = given, right: np.ndarray = right) -> str:
            return f'The given {task.name} "{given[row]}" may be wrong: {_percent(right[row])} likely to be right'

        believed = inputs.words(f"{task.name}_suggested")[rows]
        yield Doubts(rows=rows, doubt=1 - right[rows], reason=reason, task=task.name, believed=believed)


@source("possible_error", seconds=YES_OR_NO)
def possible_suspects(inputs: QueueInputs) -> Iterator[Doubts]:
    """Given labels of which nobody can say whether they are wrong: a few answers settle it for the others."""
    for task in inputs.tasks:
        yield possible_errors(inputs, task)


@source("dispute", seconds=YES_OR_NO)
def disputes(inputs: QueueInputs) -> Iterator[Doubts]:
    """Given labels that the labeling functions and the texts together contradict."""
    for task in inputs.tasks:
        rows = np.flatnonzero(inputs.open(task) & inputs.flags(f"{task.name}_disputed"))
        given, voted = inputs.words(f"{task.name}_given"), inputs.words(f"{task.name}_weak")
        sure = inputs.numbers(f"{task.name}_weak_confidence", 0.5)

        def reason(
            row: int,
            task: Task = task,
            given: np.ndarray = given,
            voted: np.ndarray = voted,
            sure: np.ndarray = sure,
        ) -> str:
            instead = f'say "{voted[row]}"' if voted[row] else "say otherwise"
            return f'Labeling functions {instead} ({_percent(sure[row])} sure); the given {task.name} is "{given[row]}"'

        yield Doubts(rows=rows, doubt=sure[rows], reason=reason, task=task.name, believed=voted[rows])


@source("conflicting_copies", seconds=CHOICE)
def conflicts(inputs: QueueInputs) -> Iterator[Doubts]:
    """Copies of one text that came with different labels."""
    for task in inputs.tasks:
        copied = inputs.words(f"{task.name}_reason") == Reason.CONFLICTING_COPIES
        rows = np.flatnonzero(inputs.open(task) & copied)
        label, confidence = inputs.words(task.name), inputs.numbers(f"{task.name}_confidence", 0.5)

        def reason(row: int, task: Task = task, label: np.ndarray = label, confidence: np.ndarray = confidence) -> str:
            most = (
                f'{_percent(confidence[row])} of them say "{label[row]}"' if label[row] else "no label has most of them"
            )
            return f"Copies of this text have different labels for {task.name}: {most}"

        doubt = np.where(label[rows] == None, 1.0, 1 - confidence[rows])  # noqa: E711 - elementwise
        yield Doubts(rows=rows, doubt=doubt, reason=reason, task=task.name, believed=label[rows])


@source("uncertain", seconds=CHOICE)
def uncertain(inputs: QueueInputs) -> Iterator[Doubts]:
    """Rows without a sure label of the finest task, in the order of the strategy; those it did not pick come after."""
    rest = np.setdiff1d(np.arange(len(inputs.pool)), inputs.picks)
    places = np.concatenate([inputs.picks, rest]).astype(np.int64)
    elsewhere = _action(inputs, inputs.task, *_WRONG, Action.REVIEW, Action.CONFLICT)
    elsewhere |= inputs.flags(f"{inputs.task.name}_disputed")
    places = places[~elsewhere[inputs.pool[places]]]
    rows, probabilities = inputs.pool[places], inputs.probabilities[places]
    best = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, dtype=np.int64)
    place_of = {int(row): place for place, row in enumerate(rows)}

    def reason(row: int) -> str:
        if not inputs.learned:
            return "Nothing has a label yet; this text stands in the midst of others like it"
        one, two = np.argsort(-probabilities[place_of[row]], kind="stable")[:2]
        mine = probabilities[place_of[row]]
        likely = [f'"{inputs.task.labels[code]}" ({_percent(mine[code])})' for code in (one, two)]
        return f"It has no sure {inputs.task.name}: the model wavers between {' and '.join(likely)}"

    yield Doubts(
        rows=rows,
        doubt=1 - probabilities.max(axis=1) if len(probabilities) else np.zeros(0),
        reason=reason,
        task=inputs.task.name,
        believed=inputs.task.decoded(best if inputs.learned else np.full(len(rows), -1)),
        ordered=True,
    )


@source("paraphrase", seconds=YES_OR_NO)
def paraphrases(inputs: QueueInputs) -> Iterator[Doubts]:
    """Paraphrases that training takes, by how far models doubt that they mean what their source does."""
    frame = inputs.frame
    made = frame["source"].eq(Source.PARAPHRASE) & frame["status"].eq(Status.ACTIVE)
    rows = np.flatnonzero(made.to_numpy(dtype=bool) & inputs.flags("used"))
    texts = frame["text"].to_numpy(dtype=object)
    place = {row_id: number for number, row_id in enumerate(frame["id"])} if len(rows) else {}
    parents = inputs.words("parent_id")

    def reason(row: int) -> str:
        written = texts[place[parents[row]]] if parents[row] in place else "a row that is gone"
        return f'tilth wrote this as a paraphrase of "{written}"; does it mean the same?'

    doubt = 1 - np.clip(inputs.numbers("label_agreement", 1.0)[rows], 0, 1)
    believed = inputs.words(inputs.task.name)[rows]
    yield Doubts(rows=rows, doubt=doubt, reason=reason, task=None, believed=believed)


def questions_of_last_night(inputs: QueueInputs) -> Iterator[tuple[str, Doubts]]:
    """What stages left for this night's queue, by detector; rows that are gone, changed or answered are left out."""
    place = {row_id: number for number, row_id in enumerate(inputs.frame["id"])} if inputs.questions else {}
    tasks = {task.name: task for task in inputs.tasks}
    for detector, task in sorted({(one.detector, one.task) for one in inputs.questions}, key=str):
        if task is not None and task not in tasks:
            continue
        asking = [one for one in inputs.questions if (one.detector, one.task) == (detector, task)]
        open_rows = inputs.open(tasks[task]) if task else inputs.eligible
        yield detector, _still_open(inputs.frame["text"], place, asking, open_rows, task)


def _still_open(
    texts: pd.Series, place: Mapping[str, int], asking: Sequence[Question], open_rows: np.ndarray, task: str | None
) -> Doubts:
    kept: dict[int, Question] = {}
    for one in asking:
        row = place.get(one.row_id)
        if row is not None and open_rows[row] and digest(texts.iloc[row]) == one.text_digest:
            kept[row] = one

    def reason(row: int) -> str:
        return kept[row].reason

    return Doubts(
        rows=np.array(list(kept), dtype=np.int64),
        doubt=np.array([one.doubt for one in kept.values()]),
        reason=reason,
        task=task,
        believed=np.array([one.belief for one in kept.values()], dtype=object),
        seconds=np.array([one.seconds for one in kept.values()]),
    )


register_source(RANDOM, seconds=CHOICE)  # rows by lot have no doubt: `selection` draws them
