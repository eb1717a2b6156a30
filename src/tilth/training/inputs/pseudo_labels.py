"""Rows that a model labeled, labeled anew by the vectors of an encoder that was trained on the labels of people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tilth.learn import NamedClasses, pseudo_label
from tilth.samples import evenly_spaced
from tilth.training.inputs.training_set import TrainingSet

MOST = 20_000
"""Rows that are labeled anew at most, evenly spaced: the search for the nearest of them sets what it costs."""


def propagated_rows(training_set: TrainingSet) -> np.ndarray:
    """Boolean, shape (rows,): the propagated rows of any task that teach the heads of a trained encoder."""
    propagated = [marks & (training_set.codes[name] >= 0) for name, marks in training_set.propagated.items()]
    places = np.flatnonzero(np.any(propagated, axis=0))
    chosen = np.zeros(len(training_set.original), dtype=bool)
    chosen[places[evenly_spaced(len(places), MOST)]] = True
    return chosen


def relabeled(training_set: TrainingSet, embeddings: np.ndarray, rows: np.ndarray, known: np.ndarray) -> TrainingSet:
    """The same with the propagated labels replaced by those that these vectors give, each at its probability.

    `benchmarks/unlabeled_texts.py` measures what that brings, and that to train the encoder on them brings less.

    Args:
        training_set: with propagated labels.
        embeddings: by the trained encoder, shape (rows, dimensions).
        rows: boolean, shape (rows,): the propagated rows that teach; the others lose their labels.
        known: boolean, shape (rows,): whose own labels are learned from.
    """
    codes, weights = dict(training_set.codes), dict(training_set.weights)
    for task in training_set.tasks:
        propagated = training_set.propagated[task.name]
        own = np.where(propagated, -1, codes[task.name])
        known_rows, wanted = known & (own >= 0), propagated & rows
        if wanted.any() and known_rows.any():
            part = np.flatnonzero(known_rows | wanted)
            labels = np.where(known_rows, own, -1)[part]
            named = training_set.named.get(task.name, NamedClasses()).of_classes(labels)
            vectors, codes_beside = named.vectors_beside(embeddings[part]), named.codes_beside(labels)
            probabilities = pseudo_label(vectors, codes_beside, len(task.labels))
            places = part[labels < 0]
            own[places] = probabilities.argmax(axis=1)
            weights[task.name] = weights[task.name].copy()
            weights[task.name][places] = np.maximum(probabilities.max(axis=1), 1e-3)
        codes[task.name] = own
    return replace(training_set, codes=codes, weights=weights)
