"""Pool what a text means with how it is worded: models of the two err apart, and together beat either.

How far the wording counts is chosen on held-out train rows, by a wording head that was fitted without them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from tilth.learn import fit_temperature, why_no_score
from tilth.samples import Task
from tilth.training.export import PackedHead, PackedWording, mix_tasks, pool_tasks, pool_views
from tilth.training.heads import Head, NGramFeatures, choose_ngrams, fit_stiff_head
from tilth.training.inputs import Config, TrainingSet, fit_head_of_rows
from tilth.training.views.pooling_share import FEWEST, SURE, UNMEASURED, choose_share, share_by_noisy

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The wording heads of a night's model, and how they were measured.

    Attributes:
        packed: what is exported; None where no task gains by it.
        facts: for each task, the share and the held-out scores of either view and of both, for `run.json`.
        held_out_logits: for texts of held-out rows, each pooled task's logits by heads that did not learn from them.
        softening: as `TrainingSet` has it.
    """

    packed: PackedWording | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    held_out_logits: Callable[[Sequence[str]], dict[str, np.ndarray]] = lambda _: {}
    softening: Mapping[str, float] = field(default_factory=dict)

    def mix(self, texts: Sequence[str], meaning: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Each task's log probabilities by both views, as the exported model mixes them."""
        return (self.packed or PackedWording.none()).mix(texts, meaning)

    def mix_held_out(self, texts: Sequence[str], meaning: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same for held-out rows, by heads that were fitted without them."""
        return mix_tasks(self._heads, meaning, self.held_out_logits(texts))

    def normalized(self, mixed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Each task's calibrated probabilities of what was mixed."""
        return pool_tasks(self._heads, mixed)

    def measured_by(self, trial: WordingTrial) -> Wording:
        """The same, with held-out rows answered by the heads of a trial: those that did not learn from its own."""
        kept = self.pooled

        @lru_cache(maxsize=2)  # the same rows are asked of every smaller model
        def logits(texts: tuple[str, ...]) -> dict[str, np.ndarray]:
            return {task: of for task, of in _logits(trial.fitted, texts).items() if task in kept}

        return replace(self, held_out_logits=lambda texts: logits(tuple(texts)) if kept else {})

    def alone(self, texts: Sequence[str], truth: Mapping[str, np.ndarray]) -> Wording | None:
        """The same for a model without an encoder, calibrated on held-out rows; None where a task has no head.

        Args:
            texts: of held-out rows.
            truth: for each task their codes, −1 where a row has none, shape (rows,).
        """
        if self.packed is None or set(truth) - set(self.packed.heads):
            return None
        logits, heads = self.held_out_logits(texts), {}
        for task, codes in truth.items():
            known = codes >= 0
            temperature = fit_temperature(logits[task][known], codes[known], 0.2, 5.0) if known.any() else 1.0
            temperature *= self.softening.get(task, 1.0)
            heads[task] = replace(self.packed.heads[task], share=1.0, temperature=temperature)
        return replace(self, packed=PackedWording(self.packed.names, self.packed.idf, heads))

    @property
    def pooled(self) -> frozenset[str]:
        """The tasks that it counts in."""
        return frozenset(self._heads)

    @property
    def _heads(self) -> Mapping[str, PackedHead]:
        return self.packed.heads if self.packed is not None else {}


class WordingTrial:
    """Wording heads that did not learn from the held-out rows: whether, and how far, the wording is to count.

    Labels that a model of the embeddings propagated teach no wording: it would learn to say what the meaning says.

    Args:
        texts: of all rows.
        training_set: the rows to learn from.
        config: `[training]`.
    """

    def __init__(self, texts: Sequence[str], training_set: TrainingSet, config: Config) -> None:
        self.texts, self.known, self.mode = texts, training_set.without_propagated(), config.wording

    @cached_property
    def fitted(self) -> tuple[NGramFeatures, list[Head]]:
        """Features, and a head a task."""
        return _fit(self.texts, self.known, self.known.outside_hold_out)

    @cached_property
    def _held_out_logits(self) -> dict[str, np.ndarray]:
        """For each task, of its held-out rows, shape (measured rows, classes)."""
        rows = {task.name: self.known.measured(task) for task in self.known.tasks}
        return {name: _logits(self.fitted, _at(self.texts, held))[name] for name, held in rows.items()}

    def chosen(self, held_out: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
        """How far each task's wording counts beside its meaning: the share by which held-out labels are likeliest.

        Args:
            held_out: for each task, the probabilities by meaning of the rows in `training_set.measured(task)`, by heads
                fitted without them, shape (measured rows, classes).
        """
        found = {task.name: self._choose(task, held_out.get(task.name)) for task in self.known.tasks}
        always = self.mode == "always"
        return {
            name: {
                **fact,
                "temperature": fact["temperature"] * self.known.softening[name],
                "kept": fact["share"] > 0 and (always or fact.get("likelihood_gain", 0) > SURE),
            }
            for name, fact in found.items()
        }

    def pooled(self, held_out: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same probabilities, pooled with the wording where it is to count beside them."""
        if self.mode == "never":
            return dict(held_out)
        chosen = self.chosen(held_out)
        return {
            name: pool_views(meaning, self._held_out_logits[name], chosen[name]["share"], chosen[name]["temperature"])
            if chosen[name]["kept"]
            else meaning
            for name, meaning in held_out.items()
        }

    def _choose(self, task: Task, meaning: np.ndarray | None) -> dict[str, Any]:
        truth = self.known.codes[task.name][self.known.measured(task)]
        if meaning is None or len(truth) < FEWEST or why_no_score(truth.tolist()) is not None:
            why = f"{len(truth)} held-out rows, {FEWEST} are needed to choose a share"
            return {"share": UNMEASURED, "temperature": 1.0, "why": why}
        views = (task, truth, meaning, self._held_out_logits[task.name], ("meaning", "wording"))
        if task.name not in self.known.noisy:
            return choose_share(*views)
        share, nats = self._shares_by_noisy[task.name]
        return {**choose_share(*views, shares=np.array([share])), "likelihood_gain": round(nats, 2)}

    @cached_property
    def _shares_by_noisy(self) -> dict[str, tuple[float, float]]:
        """Of tasks with noisy labels, how far the wording counts beside the encoder as it came, and what that gains.

        All labels as they arrived say so: those in force are what models of the meaning left of them.
        """
        found = {}
        for task in self.known.tasks:
            if (noisy := self.known.noisy.get(task.name)) is None:
                continue
            codes = self.known.codes[task.name]
            rows = np.flatnonzero((codes >= 0) & (noisy.codes >= 0))
            values = self.fitted[0].transform([self.texts[row] for row in rows.tolist()])
            weights = self.known.weights[task.name][rows]
            _, logits = fit_stiff_head(task, values, codes[rows], weights, noisy.folds[rows])
            meaning = self.known.out_of_fold[task.name].probabilities[rows]
            found[task.name] = share_by_noisy(noisy, rows, meaning, logits)
        return found

    def noisy_nats(self, task: Task, rows: np.ndarray, meaning: np.ndarray) -> float:
        """The log-likelihood of held-out labels as they arrived, of a task with noisy ones, by meaning and wording.

        Args:
            task: one with noisy labels.
            rows: places of held-out rows with such a label.
            meaning: their probabilities, shape (these rows, classes).
        """
        if self.mode != "never":
            logits = _logits(self.fitted, [self.texts[row] for row in rows.tolist()])[task.name]
            meaning = pool_views(meaning, logits, self._shares_by_noisy[task.name][0], 1.0)
        likely = self.known.noisy[task.name].likelihood(rows, meaning)
        return float(np.log(likely + 1e-9).sum())


def fit_wording(trial: WordingTrial, held_out: Mapping[str, np.ndarray]) -> Wording:
    """Fit the wording heads to all rows, and keep those by which held-out rows gain.

    Args:
        trial: the same without the held-out rows.
        held_out: as for `WordingTrial.chosen`.
    """
    if trial.mode == "never":
        return Wording(facts={"why": 'wording = "never"'})
    chosen = trial.chosen(held_out)
    kept = {task: fact["share"] for task, fact in chosen.items() if fact["kept"]}
    facts = {"tasks": chosen}
    if not kept:
        return Wording(facts=facts)
    features, heads = _fit(trial.texts, trial.known, trial.known.labeled)
    packed = {
        head.task.name: PackedHead.pack(
            head.weight, head.bias, kept[head.task.name], chosen[head.task.name]["temperature"]
        )
        for head in heads
        if head.task.name in kept
    }
    log.info("wording is pooled with meaning: %s", kept)
    found = Wording(
        packed=PackedWording(features.names, features.idf, packed),
        facts={**facts, "ngrams": len(features)},
        softening=trial.known.softening,
    )
    return found.measured_by(trial)


def _fit(texts: Sequence[str], training_set: TrainingSet, rows: np.ndarray) -> tuple[NGramFeatures, list[Head]]:
    """Features and one head a task, from the rows in a mask and the texts of the classes."""
    places, (named, codes_named) = np.flatnonzero(rows), training_set.named_texts()
    own = {task.name: training_set.codes[task.name][places] for task in training_set.tasks}
    codes = {name: np.concatenate([of, codes_named[name]]) for name, of in own.items()}
    chosen = [*_at(texts, rows), *named]
    features = choose_ngrams(chosen, codes, sum(len(task.labels) for task in training_set.tasks))
    values, heads = features.transform(chosen), []
    for task in training_set.tasks:
        known, beside = own[task.name] >= 0, codes_named[task.name] >= 0
        texts_of_classes = (values[len(places) :][beside], codes_named[task.name][beside])
        of_rows = values[: len(places)][known]
        heads.append(fit_head_of_rows(training_set, task, of_rows, places[known], beside=texts_of_classes))
    return features, heads


def _at(texts: Sequence[str], rows: np.ndarray) -> list[str]:
    """The texts of the rows in a mask."""
    return [texts[place] for place in np.flatnonzero(rows).tolist()]


def _logits(fitted: tuple[NGramFeatures, list[Head]], texts: Sequence[str]) -> dict[str, np.ndarray]:
    features, heads = fitted
    values = features.transform(texts)
    return {head.task.name: head.logits(values) for head in heads}
