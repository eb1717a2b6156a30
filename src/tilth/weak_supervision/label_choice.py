"""The label model that does best on one task's votes, chosen now or on an earlier night, and its labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from tilth import samples as table
from tilth.samples import Origin, Status, Task
from tilth.store import digest, row_digests
from tilth.weak_supervision.functions import LoadedFunction
from tilth.weak_supervision.models import (
    MIN_LABELED_ROWS,
    TEXT_MODEL,
    Choice,
    LabelModelInputs,
    choose_label_model,
    held_out_probabilities,
    select_texts,
)
from tilth.weak_supervision.night_inputs import NightInputs
from tilth.weak_supervision.voting import ABSTAIN

MANY = 5000
"""Labels from which on functions need not beat a text model fitted to the labels alone: it costs a fit for each fold,
and so many labels need no functions."""

_PERSON_OR_INPUT = (Origin.ANNOTATOR.value, Origin.CORRECTED.value, Origin.GIVEN.value)


@dataclass(frozen=True, kw_only=True)
class Labels:
    """A label model's answers on the rows that are not gold, arrays of shape (rows,).

    Attributes:
        codes: the labels, -1 where there is none.
        confidence: their probabilities, NaN where there is no label.
        choice: the label model.
    """

    codes: np.ndarray
    confidence: np.ndarray
    choice: Choice


def known_labels(frame: pd.DataFrame, task: Task) -> np.ndarray:
    """Current labels that came from people or the input, as codes, -1 for none; never gold, never weak."""
    known = frame[f"{task.name}_origin"].isin(_PERSON_OR_INPUT).to_numpy(dtype=bool)
    return np.where(known & table.settled(frame, task.name), task.codes(frame[task.name]), -1)


def labels_of_votes(
    inputs: NightInputs,
    matrix: np.ndarray,
    truth: np.ndarray,
    task: Task,
    functions: Sequence[LoadedFunction],
    text_is_refused: Callable[[], bool],
) -> Labels:
    """The labels of the label model that does best, on the rows that are not quarantined.

    Args:
        inputs: the night's.
        matrix: votes, int64, shape (rows, functions), -1 abstains.
        truth: known labels as codes, shape (rows,), -1 for none.
        task: whose labels.
        functions: that voted.
        text_is_refused: asked where the text alone does best, which labels nothing here: whether it labels no row.
    """
    codes, confidence = np.full(len(matrix), ABSTAIN), np.full(len(matrix), np.nan)
    # Quarantined rows would be a class of their own.
    places = np.flatnonzero(inputs.rows["status"].ne(Status.QUARANTINED).to_numpy(dtype=bool))
    voting = np.flatnonzero((matrix[places] >= 0).any(axis=0))
    votes = matrix[places][:, voting]
    if not votes.size or len(task.labels) < 2:
        choice = Choice(name="majority", by="no votes to weigh")
        return Labels(codes=codes, confidence=confidence, choice=choice)
    given = task.codes(inputs.rows[f"{task.name}_given"])
    model_inputs = LabelModelInputs(
        votes=votes,
        known=truth[places],
        given=np.where(truth >= 0, truth, given)[places],
        text=select_texts(inputs.texts, places),
        folds=inputs.resources.evidence.folds[inputs.free][places],
        classes=len(task.labels),
        epochs=inputs.config.epochs,
        seed=inputs.resources.seed,
        text_probabilities=_text_probabilities(inputs, task, places),
    )
    voted = [functions[place] for place in voting.tolist()]
    choice = _carried_choice(inputs, task, places, model_inputs, voted)
    if choice.name == TEXT_MODEL and text_is_refused():
        choice = choice.of_functions()
    if choice.name != TEXT_MODEL:
        temperature = choice.temperatures.get(choice.name, 1.0)
        probabilities = held_out_probabilities(choice.name, model_inputs, temperature)
        known = np.isfinite(probabilities[:, 0])
        codes[places[known]] = probabilities[known].argmax(axis=1)
        confidence[places[known]] = probabilities[known].max(axis=1)
    return Labels(codes=codes, confidence=confidence, choice=choice)


def _carried_choice(
    inputs: NightInputs,
    task: Task,
    places: np.ndarray,
    model_inputs: LabelModelInputs,
    functions: Sequence[LoadedFunction],
) -> Choice:
    """The label model, which is compared with others, and its temperature: an earlier night's, or chosen now."""
    evidence = inputs.resources.evidence
    rows = row_digests(evidence.row_keys[inputs.free][places], model_inputs.given)
    votes = (f"{function.name}={function.key or function.fingerprint}" for function in functions)
    basis = {"functions": digest("\x1f".join(votes)), "classes": digest("\x1f".join(task.labels))}

    def choose() -> dict[str, Any]:
        return asdict(choose_label_model(model_inputs, inputs.config.label_model))

    return Choice(**evidence.fits.facts(f"{task.name}: label model", rows, choose, basis=basis))


def _text_probabilities(inputs: NightInputs, task: Task, places: np.ndarray) -> np.ndarray | None:
    """Out-of-fold probabilities of a text model fitted to the labels alone, on the free rows at `places`.

    None where it is not to be compared with the functions.
    """
    truth, config = known_labels(inputs.frame, task), inputs.config
    labeled = truth >= 0
    if config.label_model != "auto" or config.propagate == "never":
        return None
    if not MIN_LABELED_ROWS <= labeled.sum() < MANY or len(np.unique(truth[labeled])) < 2:
        return None
    labels = task.decoded(truth).tolist()
    return inputs.resources.evidence.out_of_fold(task, labels).probabilities[inputs.free][places]
