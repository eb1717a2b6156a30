"""Pool what a row's picture shows with what its text says: a view like wording, and the only one of a picture alone.

How far pictures count beside texts is chosen on rows that neither view learned from.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tilth.learn import OutOfFold, macro_f1, why_no_score
from tilth.samples import Task
from tilth.training.export import PackedPictures, PictureHead
from tilth.training.heads import class_prototypes
from tilth.training.inputs import Config, PictureRows, TrainingSet, balance_task
from tilth.training.views.picture_heads import fit_picture_head, fit_picture_scope, out_of_fold
from tilth.training.views.pooling_share import FEWEST, SURE, UNMEASURED, Prior, choose_share, informative_nats

log = logging.getLogger(__name__)

_FEWEST_OF_ALL = 20
"""Rows with both views by which a share is chosen where every labeled row takes part."""
_PRIOR = Prior(UNMEASURED, 0.15)
"""Of 45 rows the likeliest share is a guess. Found on train rows of emoji that were not learned from, of eight draws of
five labels a class: macro-F1 0.633, by the likeliest share where it is sure 0.618, by the text alone 0.598; 0.636 and
0.632 with deviations of 0.1 and 0.2."""


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """The picture heads of a night's model, and how they were measured.

    Attributes:
        packed: what is exported; None where there are no pictures to learn from.
        rows: the pictures of the table's rows; None with it.
        facts: for each task, the share and the held-out scores of either view and of both, for `run.json`.
        held_out: for each task, out-of-fold predictions by pictures alone.
        refit: the same view by other vectors of the labeled rows' pictures, shape (rows, dimensions).
    """

    packed: PackedPictures | None = None
    rows: PictureRows | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    held_out: Mapping[str, OutOfFold] = field(default_factory=dict)
    refit: Callable[[np.ndarray], PictureView] | None = None

    @property
    def codes(self) -> Mapping[str, np.ndarray]:
        """For each task that they answer, the class of each row whose picture is learned from, −1 for none."""
        return {} if self.rows is None else {task: self.rows.codes[task] for task in self.held_out}

    def macro_f1(self) -> float:
        """By pictures alone, out of fold, the mean of the tasks', of rows whose label is sure."""
        if self.rows is None:
            return 0.0
        found = []
        for name, predicted in self.held_out.items():
            rows = self.rows.settled[name]
            classes = predicted.probabilities.shape[1]
            found.append(macro_f1(self.rows.codes[name][rows], predicted.predicted[rows], classes))
        return float(np.mean(found))

    def measured(self, task: Task) -> np.ndarray | None:
        """Rows of a picture alone that a task is measured by, out of fold, boolean, shape (rows,); None without any."""
        if self.rows is None or task.name not in self.held_out:
            return None
        return self.rows.seen.alone & self.rows.settled[task.name]

    def pool_held_out(self, texts: Mapping[str, np.ndarray], places: np.ndarray) -> dict[str, np.ndarray]:
        """Each task's probabilities of some rows, pooled with those by pictures that did not learn from them.

        Args:
            texts: calibrated probabilities by texts, shape (places, classes).
            places: of the rows in the table, ascending.
        """
        pooled = dict(texts)
        if self.packed is None or self.rows is None:
            return pooled
        there = self.rows.there[places]
        for task, head in self.packed.heads.items():
            logits = np.log(np.maximum(self.held_out[task].probabilities[places], 1e-12))
            both = head.pool(texts[task], logits, self.rows.has_text[places])
            pooled[task] = np.where(there[:, None], both, texts[task])
        return pooled


def fit_pictures(
    rows: PictureRows | None,
    training_set: TrainingSet,
    by_text: Mapping[str, np.ndarray],
    config: Config,
    *,
    text_is_frozen: Mapping[str, bool],
    seed: int,
) -> PictureView:
    """Fit the picture heads, and choose how far each counts beside the texts.

    Rare classes are freed of their shares as far as the pictures' own predictions gain by it, as those of texts are.
    That makes labels less likely, so that how far pictures count is chosen before.

    Args:
        rows: see `picture_rows`.
        training_set: what the texts teach.
        by_text: for each task, the probabilities by text of the rows in `training_set.measured(task)`, by models that
            were fitted without them, wording pooled in, shape (measured rows, classes).
        config: `[training]`.
        text_is_frozen: for each task, whether its text side is nothing but heads on the encoder as it came, so that its
            out-of-fold predictions are those of the model.
        seed: of the interval by which rare classes are judged.
    """
    if rows is None:
        why = 'pictures = "never"' if config.pictures == "never" else "no row has a picture"
        return PictureView(facts={"why": why})
    tasks = [
        task for task in training_set.tasks if len(np.unique(rows.codes[task.name][rows.codes[task.name] >= 0])) > 1
    ]
    if not tasks:
        return PictureView(facts={"why": "no task has labeled pictures of two classes"})
    held_out = dict[str, OutOfFold]()
    alone = tuple(task.name for task in tasks if not (training_set.codes[task.name] >= 0).any())
    facts, heads = dict[str, Any](), dict[str, PictureHead]()
    for task in tasks:
        fact: dict[str, Any] = {"share": 1.0, "temperature": 1.0, "why": "no text teaches it"}
        by_picture = out_of_fold(rows, task)
        if task.name not in alone:
            is_frozen = text_is_frozen[task.name]
            fact = _choose(rows, training_set, task, by_text.get(task.name), by_picture, is_frozen=is_frozen)
            fact["temperature"] *= training_set.softening[task.name]
        counts = fact["share"] > 0 and fact.get("picture_nats", 0) > SURE
        kept = config.pictures == "always" or counts or task.name in alone
        learned = (rows.codes[task.name], rows.weights[task.name])
        held_out[task.name], taken, balanced = balance_task(task, by_picture, *learned, config, seed)
        labeled = int((rows.codes[task.name] >= 0).sum())
        facts[task.name] = {**fact, "kept": kept, "labeled_pictures": labeled, "balance": balanced}
        heads[task.name] = fit_picture_head(rows, task, held_out[task.name].temperature, taken, fact, kept=kept)
    log.info("pictures are pooled with texts: %s", {name: head.share for name, head in heads.items()})
    packed = PackedPictures(
        heads=heads,
        by_pictures_alone=alone,
        prototypes=class_prototypes(rows.vectors, {task.name: rows.codes[task.name] for task in tasks}),
        scope=fit_picture_scope(rows, training_set, tasks, held_out, config),
    )

    def refit(vectors: np.ndarray) -> PictureView:
        other = replace(rows, vectors=vectors)
        return fit_pictures(other, training_set, by_text, config, text_is_frozen=text_is_frozen, seed=seed)

    return PictureView(packed=packed, rows=rows, facts={"tasks": facts}, held_out=held_out, refit=refit)


def _choose(
    rows: PictureRows,
    training_set: TrainingSet,
    task: Task,
    by_text: np.ndarray | None,
    by_picture: OutOfFold,
    *,
    is_frozen: bool,
) -> dict[str, Any]:
    """How far a task's pictures count beside its texts.

    By the held-out fifth where it has enough rows of both, for there the whole text side is known; else by every
    labeled row, whose text the frozen encoder's probe predicts out of fold.
    """
    both = rows.there & rows.has_text & rows.settled[task.name]
    measured = training_set.measured(task)
    of_fifth = both & measured
    if by_text is not None and not is_frozen and of_fifth.sum() >= FEWEST:
        chosen, texts = of_fifth, by_text[of_fifth[measured]]
    else:
        chosen = both & training_set.out_of_fold[task.name].labeled
        texts = training_set.out_of_fold[task.name].probabilities[chosen]
    truth = rows.codes[task.name][chosen]
    if len(truth) < _FEWEST_OF_ALL or why_no_score(truth.tolist()) is not None:
        why = f"{len(truth)} labeled rows with text and picture, {_FEWEST_OF_ALL} are needed to choose a share"
        return {"share": UNMEASURED, "temperature": 1.0, "why": why}
    logits = np.log(np.maximum(by_picture.probabilities[chosen], 1e-12))
    chosen_share = choose_share(task, truth, texts, logits, ("text", "picture"), prior=_PRIOR)
    return {**chosen_share, "picture_nats": round(informative_nats(logits, truth), 2)}


def cross_validated(training_set: TrainingSet, pictures: PictureView, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Classes of rows that no model learned from, and what their texts, or a picture alone, predicts; codes.

    Of a row with both, the text alone is asked: how the two are pooled is measured on rows that are held out.
    """
    by_text = training_set.out_of_fold[task.name]
    truth = [training_set.codes[task.name][by_text.labeled]]
    predicted = [by_text.predicted[by_text.labeled]]
    alone = pictures.measured(task)
    if alone is not None and pictures.rows is not None:
        truth.append(pictures.rows.codes[task.name][alone])
        predicted.append(pictures.held_out[task.name].predicted[alone])
    return np.concatenate(truth), np.concatenate(predicted)
