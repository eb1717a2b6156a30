"""The promise's first line: hand labels and processor time to a plain fine-tune's score on all right labels.

Nobody's labels are wrong here: a person answers, and the data set's label is the answer. Both ways start from the same
texts without a label.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _rivals_peers import LABELS_A_NIGHT, Model, encoder_folder, fine_tune
from training_modes import night

from tilth import active_learning, weak_supervision
from tilth import samples as table
from tilth.config import EncoderConfig
from tilth.learn import Evidence
from tilth.learn.encoder import Encoder
from tilth.samples import Task
from tilth.stage import Resources, perform
from tilth.store import Cache
from tilth.training import Config as TrainingConfig

MOST, LIKE_ALL = 800, 4
"""Labels at which the nights end, and epochs of all rows that every plain fine-tune's steps amount to."""


def all_labeled(folder: Path, seed: int) -> Model:
    """A plain fine-tune on every row's right label."""
    return _plain(folder, seed, 1.0)


def fifth_labeled(folder: Path, seed: int) -> Model:
    """The same number of steps on a fifth of the rows, drawn by lot."""
    return _plain(folder, seed, 0.2)


def _plain(folder: Path, seed: int, share: float) -> Model:
    rows = pd.read_csv(folder / "truth.csv")
    some = rows.sample(frac=share, random_state=seed)
    steps = LIKE_ALL * -(-len(rows) // 32)
    texts, labels = some["text"].tolist(), some["label"].tolist()
    model = fine_tune(texts, labels, encoder_folder(), folder / "model", seed, steps=steps)
    return Model(predict=model.predict, size=model.size, said={"labels": float(len(some))})


class Nights:
    """Nights that ask for `LABELS_A_NIGHT` labels each, and learn from them and from the texts without one."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed, self.home = seed, folder
        self.rows, self.gold = pd.read_csv(folder / "truth.csv"), pd.read_csv(folder / "gold.csv")
        self.encoder = Encoder(EncoderConfig(), Cache(folder / "cache"))
        self.task = Task(name="label", labels=tuple(sorted(self.rows["label"].unique())))
        self.known = np.zeros(len(self.rows), dtype=bool)

    def ask(self) -> None:
        """One night's queue, and the answers to it: the rows' true labels."""
        frame = pd.DataFrame({"id": [f"r{place}" for place in range(len(self.rows))], "text": self.rows["text"]})
        frame["split"] = np.where(self.known, "train", "unlabeled")
        frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
        frame["label_given"] = self.rows["label"].where(self.known).astype(object).where(self.known, None)
        samples = table.from_pandas(table.resolve(frame, [self.task]), [self.task])
        if self.known.any():
            samples = perform(
                "weak_supervision", samples, weak_supervision.Config(), self._resources(samples, "weak")
            ).samples
        config = active_learning.Config(batch=LABELS_A_NIGHT, sources=("uncertain",))
        found = perform("active_learning", samples, config, self._resources(samples, "queue"))
        asked = table.to_pandas(found.samples)["acquisition_rank"].notna().to_numpy()
        if not (asked & ~self.known).any():
            raise RuntimeError(f"the queue asks for nothing new: {found.skipped}")
        self.known |= asked

    def learn(self) -> dict[str, Any]:
        """Gold scores of what training makes of the answers and of the other texts."""
        some, rest = self.rows[self.known], self.rows.loc[~self.known, "text"].tolist()
        config = TrainingConfig.model_validate({"mode": "probe"})
        return night(some, self.gold, rest, config, self.seed, self.encoder, self.home)

    def _resources(self, samples: Any, name: str) -> Resources:
        scratch = self.home / f"{name}{time.monotonic_ns()}"
        scratch.mkdir()
        evidence = Evidence(samples, encoder=self.encoder, cache=self.encoder._cache)
        return Resources(tasks=(self.task,), seed=self.seed, evidence=evidence, scratch=scratch)


def queue_labels(folder: Path, seed: int) -> dict[str, Any]:
    """Labels, gold macro-F1 and seconds of processor so far, night by night.

    The seconds at a number of labels are those of all queues until there, and of the one training there.
    """
    nights, queues = Nights(folder, seed), 0.0
    curve: dict[str, list[float]] = {"labels": [], "macro_f1": [], "seconds": []}
    while nights.known.sum() < min(MOST, len(nights.rows)):
        begun = time.process_time()
        nights.ask()
        queues += time.process_time() - begun
        begun = time.process_time()
        found = nights.learn()["macro_f1"]
        curve["labels"].append(int(nights.known.sum()))
        curve["macro_f1"].append(round(found, 4))
        curve["seconds"].append(round(queues + time.process_time() - begun, 1))
    return curve
