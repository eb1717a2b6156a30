"""Models that did not learn from a row, which say whether the row's paraphrases keep its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tilth import learn
from tilth.learn import Evidence, FittedProbe, apply_temperature, calibrate, knowable
from tilth.samples import Source, Task, settled

_KEEP_LABEL = 0.75  # share of paraphrases that do before any gate: benchmarks/paraphrases.py, rounded down


@dataclass(frozen=True)
class LabelAgreementModels:
    """One task's linear probes, one a fold, and their probabilities for the rows held out from them.

    Attributes:
        task: What they classify.
        codes: The current label as an index (rows,), -1 where nothing is learned from a row.
        folds: Each row's fold (rows,).
        models: A fitted probe a fold, or None where its training rows have fewer than two classes.
        all_rows_model: A probe of all rows, or None; it stands in where a class has no row outside the fold.
        held_out_probabilities: By the probe that did not see the row (rows, labels); zero rows where codes < 0.
        temperature: What makes `held_out_probabilities` calibrated.
    """

    task: Task
    codes: np.ndarray
    folds: np.ndarray
    models: tuple[FittedProbe | None, ...]
    all_rows_model: FittedProbe | None
    held_out_probabilities: np.ndarray
    temperature: float

    @property
    def classes(self) -> int:
        """How many labels the task has."""
        return len(self.task.labels)

    def agreement(self, parents: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability that each paraphrase kept its parent's label, by the probe that did not see the parent.

        A probe spreads its probability over all classes, so that of 77 a fifth may be a clear first choice; but it
        does not know where the text comes from. By Bayes' rule its probability is weighed with that: most paraphrases
        keep their label before any gate, and those that lose it may get any other.

        Where that probe knows no row of the class, as with one label a class, the probe of all rows says which label
        it prefers, the parent's or the strongest rival: better than nothing, though it saw the parent.

        Args:
            parents: The parents' rows (paraphrases,).
            vectors: The paraphrases' embeddings (paraphrases, dimensions).

        Returns:
            Probabilities (paraphrases,), NaN where the parent has no label; whether the label is the
            probe's first choice (true where there is no label).
        """
        return agreement_by_models(
            self.codes[parents],
            self.folds[parents],
            dict(enumerate(self.models)),
            self.all_rows_model,
            vectors,
            self.classes,
            self.temperature,
        )

    def recall(self) -> dict[tuple[str, str], float]:
        """Share of each class's rows that the probes predict without having seen them."""
        labeled = self.codes >= 0
        correct = self.held_out_probabilities.argmax(axis=1) == self.codes
        return {
            (self.task.name, label): float(correct[labeled & (self.codes == code)].mean())
            for code, label in enumerate(self.task.labels)
            if (labeled & (self.codes == code)).any()
        }


def agreement_by_models(
    labels: np.ndarray,
    parts: np.ndarray,
    models: Mapping[int, FittedProbe | None],
    all_rows_model: FittedProbe | None,
    vectors: np.ndarray,
    classes: int,
    temperature: float,
) -> tuple[np.ndarray, np.ndarray]:
    """As `LabelAgreementModels.agreement`, by any models.

    Args:
        labels: The parents' labels as codes, -1 for none (paraphrases,).
        parts: Which of the models predicts each of them (paraphrases,).
        models: Those models, each None where its training rows have fewer than two classes.
        all_rows_model: The one that stands in where that one does not know the class.
        vectors: The paraphrases' embeddings (paraphrases, dimensions).
        classes: How many there are.
        temperature: What makes the models' probabilities calibrated.
    """
    agreement, first_choice = np.full(len(labels), np.nan), np.ones(len(labels), dtype=bool)
    class_is_known = np.zeros(len(labels), dtype=bool)
    for part, model in models.items():
        of_part = (parts == part) & (labels >= 0) & np.isin(labels, _classes(model))
        rows = np.flatnonzero(of_part)
        if len(rows):
            probabilities = apply_temperature(probe_probabilities(model, vectors[rows], classes), temperature)
            parent_label = probabilities[np.arange(len(rows)), labels[rows]]
            agreement[rows] = _label_is_kept(parent_label, (1 - parent_label) / max(classes - 1, 1))
            first_choice[rows] = probabilities.argmax(axis=1) == labels[rows]
        class_is_known |= of_part
    rows = np.flatnonzero((labels >= 0) & ~class_is_known)
    if len(rows):
        probabilities = probe_probabilities(all_rows_model, vectors[rows], classes)
        parent_label = probabilities[np.arange(len(rows)), labels[rows]].copy()
        probabilities[np.arange(len(rows)), labels[rows]] = 0
        agreement[rows] = _label_is_kept(parent_label, probabilities.max(axis=1))
        first_choice[rows] = (parent_label > probabilities.max(axis=1)) & (all_rows_model is not None)
    return agreement, first_choice


def _label_is_kept(parent_label: np.ndarray, rival: np.ndarray) -> np.ndarray:
    """Posterior of the parent's label from a probe's probability of it and of each (or the strongest) other one."""
    kept = _KEEP_LABEL * parent_label
    return np.asarray(kept / np.maximum(kept + (1 - _KEEP_LABEL) * rival, 1e-12))


def combine_tasks(agreements: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Several tasks' agreement as one: the smallest probability, NaN without any label, and whether all come first."""
    by_task = np.array([agreement for agreement, _ in agreements])
    smallest = np.where(np.isnan(by_task).all(axis=0), np.nan, np.nan_to_num(by_task, nan=1.0).min(axis=0))
    return smallest, np.all([first_choice for _, first_choice in agreements], axis=0)


def multiclass_tasks(models: Sequence[LabelAgreementModels]) -> list[LabelAgreementModels]:
    """The tasks that have two classes to tell apart; all where none has, so that no model agrees with any label."""
    return [task for task in models if len(np.unique(task.codes[task.codes >= 0])) > 1] or list(models)


def fit_label_agreement(frame: pd.DataFrame, task: Task, evidence: Evidence) -> LabelAgreementModels:
    """Fits a probe for each fold to the rows outside it whose label is settled."""
    codes = task.codes(frame[task.name])
    codes[~settled(frame, task.name)] = -1
    codes[(frame["source"] != Source.INPUT).to_numpy(dtype=bool)] = -1
    vectors, folds, labeled = evidence.embeddings(), evidence.folds, codes >= 0
    probabilities = np.zeros((len(codes), len(task.labels)), dtype=np.float32)
    name = f"{task.name}: label agreement"
    models = [_of_two_classes(probe) for probe in evidence.probes.by_fold(name, codes, task.labels)]
    for fold, model in enumerate(models):
        held_out = labeled & (folds == fold)
        if held_out.any():
            probabilities[held_out] = probe_probabilities(model, vectors[held_out], len(task.labels))
    predictable = knowable(codes, folds)
    temperature = calibrate(probabilities[predictable], codes[predictable])
    # A probe of all rows costs one more fit, so that it is made only where a class would have none.
    some_class_unknown = any(
        not np.isin(codes[labeled & (folds == fold)], _classes(model)).all() for fold, model in enumerate(models)
    )
    all_rows_model = None
    if some_class_unknown:
        [probe] = evidence.probes.fit(f"{name}, all rows", codes, [labeled], task.labels)
        all_rows_model = _of_two_classes(probe)
    return LabelAgreementModels(
        task, codes, np.asarray(folds), tuple(models), all_rows_model, probabilities, temperature
    )


def fit_probe(vectors: np.ndarray, codes: np.ndarray, classes: int) -> FittedProbe | None:
    """A linear probe, or None where there are fewer than two classes to tell apart."""
    return _of_two_classes(learn.fit_probe(vectors, codes, classes))


def _of_two_classes(probe: FittedProbe) -> FittedProbe | None:
    return probe if len(probe.known) > 1 else None


def _classes(model: FittedProbe | None) -> np.ndarray:
    return np.zeros(0, dtype=np.int64) if model is None else model.known


def probe_probabilities(model: FittedProbe | None, vectors: np.ndarray, classes: int) -> np.ndarray:
    """A probe's probabilities of all classes (rows, classes); even odds where there is no probe."""
    if model is None:
        return np.full((len(vectors), classes), 1 / classes, dtype=np.float32)
    return model.probabilities(vectors)
