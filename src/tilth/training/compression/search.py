"""Which shapes are worth making in full: Optuna looks at many by cheap measures.

Size is counted, speed estimated, and what a shape can still tell apart measured without distillation: a ridge
regression from the vectors of the student, as it is cut out, to the full model's, and how often it leads to the full
model's answer. Several goals at once, by a sampler that models them (TPE, Ozaki et al. 2020).
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from tilth.learn.encoder import Tokens
from tilth.progress import report
from tilth.samples import evenly_spaced
from tilth.training.compression.candidate import build_student
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.cost import Costs
from tilth.training.compression.full_model import FullModel
from tilth.training.compression.student import Bits, Shape, read_texts
from tilth.training.heads import predict_probabilities

log = logging.getLogger(__name__)

_HEADS, _CHANNELS = (1.0, 0.67, 0.5, 0.34), (1.0, 0.7, 0.5, 0.3)
_KEPT_CHANNELS = 0.7
"""With half of the layers and four bits they are 20 times smaller and some 5.9 times as fast, for half a point on the
average of three data sets (benchmarks/results/compression.md), and so are looked at in any case."""
_PLACES = ("spread", "first", "ends")
_TEXTS = 384
"""Texts that a shape is judged by: two thirds fit the regression, a third is answered."""
_RIDGE = 1e-2


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A shape, by cheap measures.

    Attributes:
        shape: which one.
        megabytes: of its files.
        throughput: the smaller of those at batch 1 and 32.
        agreement: share of texts that lead to the full model's answer before any distillation.
    """

    shape: Shape
    megabytes: float
    throughput: float
    agreement: float


def search(
    full: FullModel,
    costs: Costs,
    contract: ContractConfig,
    *,
    seed: int,
    known: Sequence[Shape] = (),
    agreement: Callable[[Shape], float] | None = None,
) -> list[Looked]:
    """Look at shapes, and give each once, in the order of the search.

    Args:
        full: the night's model.
        costs: what shapes are weighed by.
        contract: how many are looked at.
        seed: of the sampler.
        known: shapes to look at first.
        agreement: measures a shape; by default as the module says.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    measured: dict[Shape, float] = {}
    looked: dict[Shape, Looked] = {}
    read = agreement or _Agreement(full).of

    def goals(trial: optuna.Trial) -> tuple[float, float, float]:
        shape = _suggest(trial, full.layers)
        encoder = Shape(layers=shape.layers, heads=shape.heads, channels=shape.channels)
        if encoder not in measured:
            measured[encoder] = read(encoder)
        found = weighed(shape, costs, measured[encoder])
        looked[shape] = found
        report("looking at shapes", trial.number + 1, contract.trials)
        return found.megabytes, 1 / found.throughput, 1 - found.agreement

    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(contract.trials // 3, 1))
    study = optuna.create_study(directions=["minimize"] * 3, sampler=sampler)
    half = spread(full.layers, math.ceil(full.layers / 2))
    for shape in [*known, Shape(layers=half, channels=_KEPT_CHANNELS), Shape(layers=half)]:
        study.enqueue_trial(_parameters(shape, full.layers), skip_if_exists=True)
    study.optimize(goals, n_trials=contract.trials)
    return list(looked.values())


def order(looked: Sequence[Looked], contract: ContractConfig, eager_ms: float | None, costs: Costs) -> list[Shape]:
    """Shapes in the order in which to make them in full.

    First those that keep size and speed, the most agreeing first; where none does, those that miss them by least.

    Args:
        looked: by cheap measures.
        contract: what they are to keep.
        eager_ms: of the call that `latency_ms` is of, by the full model; None where it is not set.
        costs: what latency is weighed by.
    """

    def rank(one: Looked) -> tuple[float, float, float]:
        return excess(one, contract, eager_ms, costs), -one.agreement, one.megabytes

    return [one.shape for one in sorted(looked, key=rank)]


def weighed(shape: Shape, costs: Costs, agreement: float) -> Looked:
    """A shape by what is known of it before it is made."""
    return Looked(shape=shape, megabytes=costs.megabytes(shape), throughput=costs.slowest(shape), agreement=agreement)


def excess(one: Looked, contract: ContractConfig, eager_ms: float | None, costs: Costs) -> float:
    """By how much a shape misses size and speed together, as a share of what they allow; 0 where it keeps them.

    Args:
        one: the shape, as it would be.
        contract: what it is to keep.
        eager_ms: as of `order`.
        costs: what it is weighed by.
    """
    over = 0.0
    if contract.size_mb is not None:
        over += max(one.megabytes / contract.size_mb - 1, 0)
    if contract.throughput is not None:
        over += max(contract.throughput / one.throughput - 1, 0)
    if contract.latency_ms is not None and eager_ms is not None:
        milliseconds = eager_ms / costs.throughput(one.shape, contract.batch)
        over += max(milliseconds / contract.latency_ms - 1, 0)
    return over


def look_at_wording(full: FullModel, costs: Costs) -> Looked:
    """The wording alone by its measures, which need no estimate."""
    rows, shape = full.held_out, Shape(layers=(), meaning=False)
    alone = replace(rows, wording=full.wording_alone)
    uniform = {task.name: np.full((len(rows.texts), len(task.labels)), 1 / len(task.labels)) for task in rows.tasks}
    pooled = alone.wording.normalized(alone.wording.mix_held_out(rows.texts, uniform))
    same = [(pooled[task.name].argmax(1) == rows.codes[task.name]).mean() for task in rows.tasks]
    return weighed(shape, costs, float(np.mean(same)))


def front(looked: Sequence[Looked]) -> list[Looked]:
    """The shapes that no other one beats in size, speed and agreement, the smallest first (Pareto)."""

    def beaten(one: Looked, other: Looked) -> bool:
        pairs = [
            (one.megabytes, other.megabytes),
            (1 / one.throughput, 1 / other.throughput),
            (-one.agreement, -other.agreement),
        ]
        return all(b <= a for a, b in pairs) and any(b < a for a, b in pairs)

    kept = [one for one in looked if not any(beaten(one, other) for other in looked)]
    return sorted(kept, key=lambda one: one.megabytes)


def spread(layers: int, count: int) -> tuple[int, ...]:
    """So many of the layers, evenly spaced, the first and the last among them.

    >>> spread(6, 3), spread(12, 1), spread(6, 0)
    ((0, 2, 5), (0,), ())
    """
    if count <= 1:
        return (0,)[:count]
    return tuple(int(place * (layers - 1) / (count - 1)) for place in range(count))


def _layers(place: str, layers: int, count: int) -> tuple[int, ...]:
    if place == "first":
        return tuple(range(count))
    if place == "ends":
        return (*range(count - count // 2), *range(layers - count // 2, layers))
    return spread(layers, count)


def _suggest(trial: optuna.Trial, layers: int) -> Shape:
    count = trial.suggest_int("layers", 0, layers)
    place = str(trial.suggest_categorical("place", list(_PLACES)))
    heads = float(trial.suggest_categorical("heads", list(_HEADS)))
    channels = float(trial.suggest_categorical("channels", list(_CHANNELS)))
    cut = bool(trial.suggest_categorical("cut_vocabulary", [True, False]))
    bits: Bits = 4 if trial.suggest_categorical("bits", [4, 8]) == 4 else 8
    if not count:
        heads = channels = 1.0
    return Shape(layers=_layers(place, layers, count), heads=heads, channels=channels, cut_vocabulary=cut, bits=bits)


def _parameters(shape: Shape, layers: int) -> dict[str, Any]:
    count = len(shape.layers)
    place = next((name for name in _PLACES if _layers(name, layers, count) == shape.layers), "spread")
    values = shape.to_json()
    same = ("heads", "channels", "cut_vocabulary", "bits")
    return {"layers": count, "place": place, **{name: values[name] for name in same}}


class _Agreement:
    """What a student can still tell apart, before it is taught."""

    def __init__(self, full: FullModel) -> None:
        self._full = full
        # a shape is looked at by these texts alone: to tokenize all of them for each would cost more than the rest
        self._some = full.transfer.at(evenly_spaced(len(full.transfer.texts), _TEXTS))
        self._fits = np.arange(len(self._some.texts)) % 3 > 0
        self._answers = {task: values.argmax(1) for task, values in self._some.probabilities.items()}

    def of(self, shape: Shape) -> float:
        """Between 0 and 1, the mean of the tasks."""
        with tempfile.TemporaryDirectory(dir=self._full.scratch) as folder:
            student = build_student(self._full, shape, Path(folder) / "tokenizer", self._some, batches=2)
            tokens = Tokens.load(student.folder)
        found = read_texts(student.trunk, tokens, self._some.texts, self._full.limit)[0]
        known = found[self._fits]
        ridge = known.T @ known + _RIDGE * np.eye(known.shape[1])
        mapped = found[~self._fits] @ np.linalg.solve(ridge, known.T @ self._some.vectors[self._fits])
        mapped = (mapped / np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-9)).astype(np.float32)
        same = [
            (values.argmax(1) == self._answers[task][~self._fits]).mean()
            for task, values in predict_probabilities(self._full.heads, mapped).items()
        ]
        return float(np.mean(same))
