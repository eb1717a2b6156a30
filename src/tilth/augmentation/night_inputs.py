"""What a night knows before anything is drawn: its rows, the models of their labels, and the budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from tilth.augmentation.config import Config
from tilth.augmentation.selection import (
    CrossFitting,
    LabelAgreementModels,
    class_budgets,
    class_sizes,
    fit_label_agreement,
    multiclass_tasks,
)
from tilth.augmentation.text import WorkspaceTexts, workspace_texts
from tilth.stage import Resources


@dataclass(frozen=True)
class NightInputs:
    """What the stage has before it draws.

    Attributes:
        frame: The table.
        corpus: What people wrote in it.
        models: Label-agreement models, one a task.
        sizes: Labeled rows of each class.
        budgets: Accepted paraphrases of each class at most.
        cross_fitting: The models again, without the parts that are held out.
        config: `[augmentation]`, for a table of this size.
        resources: The night's.
    """

    frame: pd.DataFrame
    corpus: WorkspaceTexts
    models: Sequence[LabelAgreementModels]
    sizes: Mapping[tuple[str, str], int]
    budgets: Mapping[tuple[str, str], int]
    cross_fitting: CrossFitting
    config: Config
    resources: Resources


def prepare(frame: pd.DataFrame, config: Config, resources: Resources) -> NightInputs | None:
    """The table with models of its labels, or None where no row has one."""
    models = multiclass_tasks([fit_label_agreement(frame, task, resources.evidence) for task in resources.tasks])
    if not any((task.codes >= 0).any() for task in models):
        return None
    corpus, sizes = workspace_texts(frame), class_sizes(frame, resources.tasks)
    recall = {name: share for task in models for name, share in task.recall().items()}
    return NightInputs(
        frame=frame,
        corpus=corpus,
        models=models,
        sizes=sizes,
        budgets=class_budgets(sizes, recall, config.gate),
        cross_fitting=CrossFitting(models, resources.evidence.embeddings(), config.gate),
        config=config.of_texts(len(corpus.texts)),
        resources=resources,
    )
