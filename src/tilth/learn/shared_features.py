"""What several stages need of the same rows, once: their features, and out-of-fold probabilities of their labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from tilth.learn.models import (
    VIEWS,
    CarriedProbes,
    FittedProbe,
    OutOfFold,
    cross_validate,
    fit_self_trained,
    predict_by_folds,
    predict_self_trained,
)
from tilth.learn.named_classes import NamedClasses, is_few, predict_with_names, with_measure
from tilth.learn.neighbors import NEAREST
from tilth.learn.passages import Focus, choose_focus, pooled
from tilth.learn.row_features import RowFeatures
from tilth.samples import Task
from tilth.store import digest


class Evidence(RowFeatures):
    """What several stages need to know of one table's rows beyond the table itself.

    These are the rows' embeddings, their nearest rows, and predictions of their labels by models that did not learn
    from them: evidence for and against a label, whichever stage weighs it. Each is computed once and cached; what the
    methods return is aligned with the table's rows. `pictures` are theirs, where the workspace has any, else None.
    """

    def focus(self, task: Task, labels: Sequence[str | None]) -> Focus:
        """How the passages of long texts are weighed by what tells a task's labels apart; see `choose_focus`.

        Args:
            task: its `labels` are the classes.
            labels: one a row, as in `out_of_fold`.
        """
        return self._focus(task, self._codes(task, labels))

    def _focus(self, task: Task, codes: np.ndarray) -> Focus:
        if (passages := self.passages) is None:
            return Focus()
        key, classes = digest(self._key(task, codes), "passages"), len(task.labels)

        def compute() -> dict[str, np.ndarray]:
            return choose_focus(
                passages, self.embeddings(), codes, self.folds, classes=classes, fold_count=self._folds
            ).to_arrays()

        return Focus.from_arrays(self.cache.arrays("focus", key, compute))

    def focused(self, focus: Focus) -> np.ndarray:
        """The rows' vectors by such weights, or `embeddings` where there are none."""
        if focus.weights is None or self.passages is None:
            return self.embeddings()
        return pooled(self.passages, focus.weights)

    def out_of_fold(self, task: Task, labels: Sequence[str | None], view: str = "meaning") -> OutOfFold:
        """Calibrated probabilities of a view's model for every row, from the labels given.

        Args:
            task: its `labels` order the columns.
            labels: one a row; None (or NaN) takes no part. Gold rows never take part, whatever is passed.
            view: a name of `views.VIEWS`; `meaning` is the linear probe of the embeddings.

        Returns:
            Probabilities for all rows; see `OutOfFold`.
        """
        return self._cross_validated(task, self._codes(task, labels), view)

    def named(self, task: Task, labels: Sequence[str | None]) -> NamedClasses:
        """Texts of a task's classes that are to be learned from, for held-out labels are likelier by it.

        Of a class without a labeled row there are some only where they are always learned from.

        Args:
            task: its `labels` are the classes.
            labels: one a row, as in `out_of_fold`.
        """
        return self._named(task, self._codes(task, labels))

    def _named(self, task: Task, codes: np.ndarray) -> NamedClasses:
        given = self.class_texts.get(task.name)
        if given is None or not is_few(codes):
            return NamedClasses()
        if not given.always:
            given = given.of_classes(codes)
        if not len(given):
            return NamedClasses()
        named = NamedClasses(texts=given.texts, vectors=self.encoder.encode(list(given.texts)), codes=given.codes)
        rows = self.focused(self._focus(task, codes))

        def compute() -> dict[str, np.ndarray]:
            return predict_with_names(named, rows, codes, self.folds, len(task.labels), self._folds).to_arrays()

        arrays = self.cache.arrays("out_of_fold", digest(self._key(task, codes), given.fingerprint), compute)
        found = OutOfFold.from_arrays(arrays, codes)
        alone = self._cross_validated(task, codes)
        return with_measure(named, found, alone, rows, codes, self.folds, always=given.always)

    def self_trained(self, task: Task, labels: Sequence[str | None], unlabeled: np.ndarray) -> OutOfFold:
        """As `out_of_fold`, by probes that learn from rows without a label too.

        So are the texts of the classes, where they are to be (`named`), each as one more row of every fold's training.
        In each fold, and once with all labels, first models predict the unlabeled rows: a probe of the labels alone,
        the labels spread over the graph of nearest rows, which knows more the fewer labels a class has, and, beside
        names with a label a class at most, means of the classes that move to where the rows are. Their mean gives the
        pseudo-labels that a second probe learns from beside the labels, each row at the weight of its probability
        (self-training, Yarowsky 1995). No row is predicted by a model that its own label reached; the temperatures
        alone are fitted to all labels.

        Args:
            task: its `labels` order the columns.
            labels: one a row, as in `out_of_fold`.
            unlabeled: boolean, shape (rows,): rows without a label that may be learned from.

        Returns:
            Probabilities for all rows; those without a label are predicted by the second probe of all labels, which
            with few labels a class knows more than probes of four fifths of them.
        """
        codes, unlabeled = self._codes(task, labels), unlabeled & ~self._gold
        named = self._named(task, codes)
        alone = named.out_of_fold or self._cross_validated(task, codes)
        reuse = self._focus(task, codes).weights is None and not named.texts

        def fit() -> dict[str, np.ndarray]:
            part = np.flatnonzero(unlabeled | (codes >= 0))
            return fit_self_trained(
                named.vectors_beside(self.embeddings()),
                named.codes_beside(codes),
                named.folds_beside(self.folds),
                np.concatenate([unlabeled, np.zeros(len(named.codes), dtype=bool)]),
                named.neighbors_beside(self.neighbors(NEAREST, among=part), self.embeddings()[part]),
                classes=len(task.labels),
                fold_count=self._folds,
                temperature=alone.temperature,
                probes=self._fold_probes(task, codes) if reuse else (),
                named=bool(named.texts),
            )

        probes = self.probes.take(
            f"{task.name}: self-trained probes",
            unlabeled | (codes >= 0),
            codes,
            fit,
            task.labels,
            f"self-trained {named.fingerprint}".strip(),
            weights=np.array([alone.temperature]),
        )
        return predict_self_trained(probes, self.embeddings(), codes, self.folds)

    @cached_property
    def probes(self) -> CarriedProbes:
        """Linear probes of the embeddings, which go on from night to night."""
        return CarriedProbes(
            fits=self.fits,
            vectors=self.embeddings,
            row_keys=self.row_keys,
            learnable=~self._gold,
            folds=self.folds,
            fold_count=self._folds,
            basis=self._basis,
        )

    def _fold_probes(self, task: Task, codes: np.ndarray) -> list[FittedProbe]:
        return self.probes.by_fold(f"{task.name}: linear probes of the folds", codes, task.labels)

    def _cross_validated(self, task: Task, codes: np.ndarray, view: str = "meaning") -> OutOfFold:
        focus = self._focus(task, codes) if view == "meaning" else Focus()
        if view == "meaning" and focus.weights is None:
            return predict_by_folds(self._fold_probes(task, codes), self.embeddings(), codes, self.folds)

        def compute() -> dict[str, np.ndarray]:
            return cross_validate(
                self.features(view) if focus.weights is None else self.focused(focus),
                codes,
                self.folds,
                classes=len(task.labels),
                fold_count=self._folds,
                model=VIEWS[view].fit_predict,
                lowest=VIEWS[view].lowest,
                by_blocks=VIEWS[view].by_blocks and focus.weights is None,
            ).to_arrays()

        key = digest(self._key(task, codes), view)
        return OutOfFold.from_arrays(self.cache.arrays("out_of_fold", key, compute), codes)

    def _codes(self, task: Task, labels: Sequence[str | None]) -> np.ndarray:
        codes = task.codes(labels)
        codes[self._gold] = -1
        return codes

    def _key(self, task: Task, codes: np.ndarray) -> str:
        return digest(self._content, codes.tobytes(), "\x1f".join(task.labels), f"folds={self._folds}")
