"""How acceptable a sentence is: the encoder in the wheel with low-rank changes, trained to tell mistakes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from tilth.devices import autocast
from tilth.learn.encoder import WHEEL, wheel_path

WEIGHTS = Path(__file__).parents[1] / "pretrained" / "acceptability.safetensors"
MAX_TOKENS = 64
"""Tokens that are read of a text."""
_BATCH = 64


class Acceptability(nn.Module):
    """Scores sentences; high = wrong.

    Every linear map of the encoder gets a change of low rank (Hu et al. 2022, LoRA), each token's last state a score,
    and a sentence the log of the sum of their exponentials: one bad spot is enough.

    Args:
        rank: Of the changes.
    """

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.encoder: Any = AutoModel.from_pretrained(str(wheel_path(WHEEL)), local_files_only=True)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(wheel_path(WHEEL)), local_files_only=True)
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(False)
        for layer in self.encoder.encoder.layer:
            for owner, name in _linear_maps(layer):
                setattr(owner, name, LowRank(getattr(owner, name), rank))
            for norm in (layer.attention.output.LayerNorm, layer.output.LayerNorm):
                norm.requires_grad_(True)
        self.score = nn.Linear(self.encoder.config.hidden_size, 1)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Scores of the texts (texts,)."""
        batch = self.tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt")
        batch = batch.to(self.score.weight.device)
        ids, mask = batch["input_ids"], batch["attention_mask"]
        with autocast(ids.device.type):
            states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return torch.logsumexp(self.score(states.float())[..., 0].masked_fill(mask == 0, -1e4), dim=1)

    def trained(self) -> dict[str, Tensor]:
        """What training changes, by name: all that has to be saved."""
        wanted = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {name: tensor for name, tensor in self.state_dict().items() if name in wanted}

    @torch.inference_mode()
    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Scores of the texts (texts,), in batches of like length."""
        self.eval()
        probabilities, order = np.zeros(len(texts)), np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            probabilities[rows] = self([texts[row] for row in rows]).cpu().numpy()
        return probabilities


class LowRank(nn.Module):
    """A frozen linear map with a change of low rank, which is nothing at first; one map where nothing is learned."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) * linear.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        self._joined: tuple[Tensor, Tensor | None] | None = None

    def train(self, mode: bool = True) -> LowRank:
        """As for any module; weights that were joined are joined anew after it."""
        self._joined = None
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """`x` (…, in) to (…, out)."""
        if not self.training and torch.is_inference_mode_enabled():
            if self._joined is None:
                kind, bias = x.device.type, self.linear.bias
                dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.linear.weight.dtype
                weight = self.linear.weight + 2 * (self.up.float() @ self.down.float())
                self._joined = weight.to(dtype), None if bias is None else bias.to(dtype)
            return functional.linear(x, *self._joined)
        return self.linear(x) + 2 * (x @ self.down.T) @ self.up.T


def _linear_maps(layer: Any) -> list[tuple[Any, str]]:
    """The linear maps of a BERT layer, each with its owner and its name there."""
    attention = layer.attention
    parts = (attention.output, layer.intermediate, layer.output)
    return [*((attention.self, name) for name in ("query", "key", "value")), *((part, "dense") for part in parts)]


def load_acceptability(weights: Path = WEIGHTS) -> tuple[Acceptability, dict[str, Any]]:
    """The trained model, and its record: the JSON beside it."""
    facts: dict[str, Any] = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):
        model = Acceptability(facts["rank"])
    trained = {name: tensor.float() for name, tensor in load_file(weights).items()}
    unknown = model.load_state_dict(trained, strict=False).unexpected_keys
    if unknown or set(trained) != set(model.trained()):
        raise ValueError(f"{weights} does not fit the model: {sorted(set(trained) ^ set(model.trained()))[:3]}")
    return model.eval(), facts


def save_acceptability(model: Acceptability, facts: Mapping[str, Any], weights: Path) -> None:
    """Writes what training changed in bf16, and its record as the JSON beside it, for `load_acceptability`."""
    weights.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.bfloat16().contiguous() for name, tensor in model.trained().items()}, weights)
    weights.with_suffix(".json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


class AcceptabilityChecker:
    """The acceptability model as a checker.

    A text whose score is no higher than most good ones' has no problem; beyond that, the unit is such that of real
    pairs with one meaning, one in a hundred is called worse by the gate's default (`acceptability.json`, held out).

    Args:
        weights: A file by training, with its record beside it.
        device: Where it runs, by PyTorch's name.
    """

    name = "acceptability"

    def __init__(self, weights: Path = WEIGHTS, device: str = "cpu") -> None:
        self._weights, self.device = weights, device
        self._scored: dict[str, float] = {}

    @cached_property
    def _loaded(self) -> tuple[Acceptability, dict[str, Any]]:
        model, facts = load_acceptability(self._weights)
        return model.to(self.device), facts

    def problems(self, texts: Sequence[str]) -> np.ndarray:
        """Problems in each text (texts,), a continuous figure."""
        facts = self._loaded[1]
        return np.asarray(np.maximum(0.0, self._scores(texts) - facts["floor"]) / facts["unit"])

    def change(self, sources: Sequence[str], paraphrases: Sequence[str]) -> np.ndarray:
        """By how much each paraphrase's score is above its source's; high = reads worse (texts,)."""
        return np.asarray(self._scores(paraphrases) - self._scores(sources))

    def _scores(self, texts: Sequence[str]) -> np.ndarray:
        new = sorted(set(texts) - set(self._scored))
        self._scored |= dict(zip(new, self._loaded[0].scores(new).tolist(), strict=True))
        return np.array([self._scored[text] for text in texts], dtype=float)
