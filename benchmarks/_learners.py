"""What the benchmark of few labels trains on them, and on the rows that each way adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _augmenters import Given
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from tilth.learn import fit_predict, scores
from tilth.learn.encoder import Encoder
from tilth.learn.encoder.trunk import encode_with_trunk
from tilth.training.heads import fit_head
from tilth.training.inputs.config import Config as Training
from tilth.training.trainer import TuningRows, tune

QUICK, TRUNK = ("linear probe", "TF-IDF and linear"), "fine-tuned trunk"


@dataclass(frozen=True)
class Added:
    """Rows beside the labeled ones: texts, classes as codes, weights, and what each row of the table counts then."""

    texts: list[str]
    codes: np.ndarray
    weights: np.ndarray
    own: np.ndarray | None = None


@dataclass(frozen=True)
class Learners:
    """What is trained on the labeled rows and on what was added.

    Attributes:
        encoder: Of the linear probe, and where fine-tuning starts.
        tuned: Whether the encoder is fine-tuned too, which takes minutes on a core.
    """

    encoder: Encoder
    tuned: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of the models."""
        return (*QUICK, TRUNK) if self.tuned else QUICK

    def scored(self, given: Given, places: np.ndarray, added: Added, seed: int) -> list[float]:
        """Rows added, and each model's gold macro-F1, trained on the labeled rows at `places` and what was added."""
        texts = [*(given.texts[place] for place in places), *added.texts]
        codes = np.concatenate([given.truth[places], added.codes])
        own = np.ones(len(places)) if added.own is None else added.own[places]
        weights = np.concatenate([own, added.weights])
        gold, truth = given.gold
        names = np.array(given.task.labels, dtype=object)

        def probe_predictions(vectors: np.ndarray, asked: np.ndarray) -> np.ndarray:
            return np.asarray(fit_predict(vectors, codes, asked, len(names), weights).argmax(axis=1))

        found = [
            probe_predictions(self.encoder.encode(texts), self.encoder.encode(gold)),
            _by_words(texts, codes, weights, gold),
        ]
        if self.tuned:
            found.append(probe_predictions(*self._tuned(given, texts, codes, weights, seed)))
        return [float(len(added.texts)), *(scores(truth, names[one].tolist())["macro_f1"] for one in found)]

    def _tuned(
        self, given: Given, texts: list[str], codes: np.ndarray, weights: np.ndarray, seed: int
    ) -> list[np.ndarray]:
        """Vectors of the texts and of the gold rows by the encoder, fine-tuned as a night does it."""
        name, folder, config = given.task.name, self.encoder.folder, Training()  # of any rows as many steps
        rows = TuningRows(texts=texts, codes={name: codes}, weights={name: weights})
        start = fit_head(given.task, self.encoder.encode(texts), codes, weights, uses_parent=False)
        model = tune(folder, rows, [start], config, seed).trunk
        most = self.encoder.config.max_chunks
        return [encode_with_trunk(model, folder, some, config.max_tokens, most) for some in (texts, given.gold[0])]


def _by_words(texts: list[str], codes: np.ndarray, weights: np.ndarray, gold: list[str]) -> np.ndarray:
    """The classes of the gold rows by a linear model on words."""
    linear = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=300)
    )
    with threadpool_limits(limits=1):  # as the linear probe: two pools of threads get into each other's way
        return np.asarray(linear.fit(texts, codes, logisticregression__sample_weight=weights).predict(gold))
