"""Out-of-fold predictions by stiff heads, of the tasks of whose labels many may be wrong."""

from __future__ import annotations

from dataclasses import replace

from scipy.special import softmax

from tilth.learn import OutOfFold
from tilth.samples import Task
from tilth.stage import Resources
from tilth.training.heads import fit_stiff_head
from tilth.training.inputs import TrainingSet


def with_stiff_predictions(training_set: TrainingSet, resources: Resources) -> TrainingSet:
    """The same, with such predictions in place of a loose probe's: the night's model has stiff heads, too."""
    found = {
        name: _predictions(training_set, task, resources)
        for task in training_set.tasks
        if (name := task.name) in training_set.noisy
    }
    return replace(training_set, out_of_fold={**training_set.out_of_fold, **found})


def _predictions(training_set: TrainingSet, task: Task, resources: Resources) -> OutOfFold:
    vectors = resources.evidence.focused(training_set.focuses[task.name])
    codes, noisy = training_set.codes[task.name], training_set.noisy[task.name]
    rows = codes >= 0
    head, logits = fit_stiff_head(
        task, vectors[rows], codes[rows], training_set.weights[task.name][rows], noisy.folds[rows]
    )
    probabilities = head.probabilities(vectors)
    probabilities[rows] = softmax(logits, axis=1)
    labeled = training_set.out_of_fold[task.name].labeled
    return OutOfFold(probabilities=probabilities, labeled=labeled, temperature=1.0)
