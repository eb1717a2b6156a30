"""A short adaptation of a trunk's windows to its own full attention, on a workspace's long texts."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tilth.descent import Descent
from tilth.devices import on_device, resolve_device
from tilth.learn.encoder.attention import LongReader
from tilth.learn.encoder.piece_reader import load_model
from tilth.learn.encoder.tokenizer import Tokens
from tilth.learn.encoder.windowed_trunk import LongTexts
from tilth.progress import report
from tilth.store import atomic

log = logging.getLogger(__name__)

STRETCH = 1024
"""Tokens that are read at once, by full attention too: more would cost its square."""
HELD_OUT = 8
"""Stretches that are measured before and after, and never learned."""
_RATE, _RISING = 5e-5, 0.1
RECORD = "adaptation.json"


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What an adaptation did.

    Attributes:
        steps: of training, a stretch of a text each.
        before, after: of held-out stretches, the squared distance of the windows' states from full attention's, as a
            share of the latter's square; `after` is no larger, for weights that did worse are not kept.
    """

    steps: int
    before: float
    after: float


def adapt_windows(
    source: Path, target: Path, texts: Sequence[str], long_texts: LongTexts, steps: int, *, seed: int, device: str
) -> Adaptation:
    """Train a model so that its windows give the states that its full attention gave, and write it as a folder.

    The teacher is the model as it came, by full attention over stretches that it can afford, with the same positions;
    the student is the same model by dynamic windows. Every weight but the embeddings learns, without dropout, so that
    the same texts and seed give the same weights on one machine.

    Args:
        source: the model's folder.
        target: where the adapted one is published, whole or not at all.
        texts: long ones, more than `HELD_OUT` of them.
        long_texts: how these are read.
        steps: of training.
        seed: of the order of texts and of where stretches begin.
        device: as in `encoder.device`.

    Raises:
        FloatingPointError: the loss is not a finite number.
    """
    where = resolve_device(device, "encoder.device")
    with torch.random.fork_rng(), on_device(where):
        torch.manual_seed(seed)
        pair = _Pair(source, long_texts, where)
        pieces = pair.pieces(texts)
        held_out = [pair.stretch(piece, np.random.default_rng([seed, 0])) for piece in pieces[:HELD_OUT]]
        before = pair.distance(held_out)
        weights = {name: value.clone() for name, value in pair.student.state_dict().items()}
        pair.train(pieces[HELD_OUT:], steps, np.random.default_rng([seed, 1]))
        after = pair.distance(held_out)
        if not after < before:
            pair.student.load_state_dict(weights)
    found = Adaptation(steps=steps, before=before, after=min(before, after))
    log.info("the encoder's windows, adapted in %d steps: %.4f from full attention, before %.4f", steps, after, before)
    with atomic(target) as folder:
        others = shutil.ignore_patterns("*.safetensors", "*.bin", "*.onnx", ".git*")
        shutil.copytree(source, folder, ignore=others)
        pair.student.cpu().save_pretrained(folder)
        shutil.copyfile(source / "config.json", folder / "config.json")
        (folder / RECORD).write_text(json.dumps(asdict(found)) + "\n", encoding="utf-8")
    return found


class _Pair:
    """A model by windows, and by full attention as it came."""

    def __init__(self, source: Path, long_texts: LongTexts, device: str) -> None:
        self.student, teacher = (load_model(source).to(device) for _ in range(2))
        self._tokens = Tokens.load(source)
        options: dict[str, Any] = {"window": long_texts.window, "span": long_texts.span}
        self._by_windows = LongReader(self.student, **options)
        self._in_full = LongReader(teacher, rule="full", **options)
        self._around = long_texts.around
        embeddings = getattr(self.student, "embeddings", None)
        if embeddings is not None:
            embeddings.requires_grad_(False)

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """The texts' tokens, without special ones."""
        return [one.ids for one in self._tokens.tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def stretch(self, piece: Sequence[int], random: np.random.Generator) -> list[int]:
        """A part of a text, special tokens around it."""
        room = STRETCH - sum(self._around)
        start = int(random.integers(max(len(piece) - room, 0) + 1))
        return [*self._tokens.prefix, *piece[start : start + room], *self._tokens.suffix]

    def loss(self, ids: Sequence[int]) -> torch.Tensor:
        """How far the states of a stretch's tokens are apart."""
        with torch.no_grad():
            expected = self._in_full.states(ids, self._around)
        apart = (self._by_windows.states(ids, self._around) - expected).square().sum()
        return apart / expected.square().sum()

    def distance(self, stretches: Sequence[Sequence[int]]) -> float:
        """The mean of that."""
        with torch.no_grad():
            return float(np.mean([float(self.loss(ids)) for ids in stretches]))

    def train(self, pieces: Sequence[Sequence[int]], steps: int, random: np.random.Generator) -> None:
        """Take the steps, over all texts in turn; the rate rises and falls linearly."""
        learning = [p for p in self.student.parameters() if p.requires_grad]
        descent = Descent(
            [(learning, _RATE)], lambda step: min((step + 1) / max(1, steps * _RISING), (steps - step) / steps)
        )
        order: list[int] = []
        for step in range(steps):
            order = order or random.permutation(len(pieces)).tolist()
            descent.step(self.loss(self.stretch(pieces[order.pop()], random)))
            report("adapting the encoder to long texts", step + 1, steps)
