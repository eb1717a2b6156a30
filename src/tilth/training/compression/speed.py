"""How fast a smaller model answers beside the full one in eager PyTorch: in turns, by the processor's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tilth.learn import decide
from tilth.learn.encoder import Tokens, Trunk
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.held_out import WordingModel
from tilth.training.heads import Head, predict_probabilities

Answer = Callable[[Sequence[str]], object]

_ROUNDS = {1: 12, 32: 3}
"""Rounds by batch: in each, every model answers the same texts once."""
_CALLS = 9
"""Calls by which a latency is clocked."""


@dataclass(frozen=True, kw_only=True)
class EagerModel:
    """The full model as PyTorch runs it eagerly: padded batches, sorted by length, float32.

    Attributes:
        trunk, heads, wording: the model's.
        source: the folder of its tokenizer.
        limit: tokens of a text; of longer ones the beginning is read.
    """

    trunk: Trunk
    heads: Sequence[Head]
    wording: WordingModel
    source: Path
    limit: int

    def answerer(self) -> Answer:
        """A function from texts to their answers, with the tokenizer loaded."""
        tokens = Tokens.load(self.source)

        def answer(texts: Sequence[str]) -> object:
            encoded = tokens.chunks(texts, self.limit, 1)[1]
            with torch.inference_mode():
                vectors = self.trunk(*tokens.batch(encoded)).numpy()
            mixed = self.wording.mix(texts, predict_probabilities(self.heads, vectors))
            return decide([head.task.to_json() for head in self.heads], self.wording.normalized(mixed))

        return answer


def seconds(models: Mapping[str, Answer], texts: Sequence[str], batch: int) -> dict[str, float]:
    """Each model's seconds of processor time for a text, the median of rounds in which all take turns.

    One thread each; a machine that is busy with other work slows every model alike.

    Args:
        models: by name; each is called with `batch` texts.
        texts: to draw from; those of a call are of like length.
        batch: texts in a call.
    """
    rounds = _ROUNDS.get(batch, 5)
    ordered = sorted(texts, key=len)
    starts = np.linspace(0, max(len(ordered) - batch, 0), rounds).astype(int)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    measured: dict[str, list[float]] = {name: [] for name in models}
    try:
        for answer in models.values():  # what is prepared at the first call is no call's
            answer(list(ordered[:batch]))
        for start in starts:
            some = [ordered[(start + place) % len(ordered)] for place in range(batch)]
            for name, answer in models.items():
                begun = time.process_time()
                answer(some)
                measured[name].append((time.process_time() - begun) / batch)
    finally:
        torch.set_num_threads(threads)
    return {name: float(np.median(values)) for name, values in measured.items()}


class Clock:
    """Clocks models beside the full one in eager PyTorch.

    Args:
        eager: the full model.
        texts: of the night, to draw from.
    """

    def __init__(self, eager: EagerModel, texts: Sequence[str]) -> None:
        self._eager, self._texts = eager, texts

    def throughput(self, answer: Answer) -> dict[str, float]:
        """Texts a second for one of the full model, by batch: 1 and 32."""
        models = {"full": self._eager.answerer(), "smaller": answer}
        found = {}
        for batch in _ROUNDS:
            times = seconds(models, self._texts, batch)
            found[f"{batch}"] = round(times["full"] / max(times["smaller"], 1e-9), 2)
        return found

    def milliseconds(self, answer: Answer, contract: ContractConfig) -> float:
        """Of the call that a contract's `latency_ms` is of, the median of several."""
        texts = self._call(contract)
        clock = time.process_time if contract.threads == 1 else time.perf_counter
        answer(texts)
        times = []
        for _ in range(_CALLS):
            begun = clock()
            answer(texts)
            times.append(clock() - begun)
        return float(np.median(times)) * 1000

    def eager_milliseconds(self, contract: ContractConfig) -> float:
        """The same of the full model."""
        return self.milliseconds(self._eager.answerer(), contract)

    def _call(self, contract: ContractConfig) -> list[str]:
        """Texts of so many tokens, put together from those of the night."""
        tokenizer, wanted = Tokens.load(self._eager.source).tokenizer, contract.length
        whole = tokenizer.encode(" ".join([*self._texts] * wanted), add_special_tokens=False)
        return [tokenizer.decode(whole.ids[:wanted])] * contract.batch
