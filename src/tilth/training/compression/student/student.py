"""The encoder that is made smaller: a copy of the night's, and where its layers and weights stand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from tilth.learn.encoder import Tokens, Trunk
from tilth.training.compression.student.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class Student:
    """An encoder of its own, with the folder of its tokenizer.

    Attributes:
        trunk: the module; nobody else holds it.
        folder: with `tokenizer.json` and `config.json`.
        layers: of the teacher, that each of its layers was.
    """

    trunk: Trunk
    folder: Path
    layers: tuple[int, ...]

    @classmethod
    def of(cls, trunk: Trunk, folder: Path) -> Student:
        """A copy of the whole teacher."""
        own = copy.deepcopy(trunk).eval()
        return cls(trunk=own, folder=folder, layers=tuple(range(len(layers_of(own)))))

    def with_vocabulary(self, vocabulary: Vocabulary, folder: Path) -> Student:
        """The same with the kept pieces' embeddings alone; the folder gets the new tokenizer."""
        vocabulary.write(self.folder, folder)
        table = self.trunk.model.get_input_embeddings()
        weight = table.weight.detach()[torch.from_numpy(vocabulary.kept)]
        pad = Tokens.load(folder).pad if table.padding_idx is not None else None
        self.trunk.model.set_input_embeddings(nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=pad))
        return replace(self, folder=folder)

    def with_layers(self, kept: Sequence[int]) -> Student:
        """The same with some of the layers, which the others were between (Sanh et al. 2019, DistilBERT)."""
        whole = layers_of(self.trunk)
        owner, name = _home(self.trunk.model, whole)
        setattr(owner, name, nn.ModuleList(whole[place] for place in kept))
        self.trunk.model.config.num_hidden_layers = len(kept)
        return replace(self, layers=tuple(self.layers[place] for place in kept))


def layers_of(trunk: Trunk) -> nn.ModuleList:
    """The encoder's layers: its longest list of modules.

    Raises:
        ValueError: it has none.
    """
    lists = [module for module in trunk.model.modules() if isinstance(module, nn.ModuleList)]
    if not lists:
        raise ValueError(f"{type(trunk.model).__name__} keeps its layers in no list, so that none can be removed")
    return max(lists, key=len)


def pooled_states(trunk: nn.Module, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch's vectors, shape (rows, dimensions), and each layer's mean state, shape (layers, rows, dimensions)."""
    weights = mask.unsqueeze(-1).float()
    states: list[torch.Tensor] = []

    def note(module: nn.Module, given: object, result: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
        hidden = result[0] if isinstance(result, tuple) else result
        states.append((hidden.float() * weights).sum(1) / weights.sum(1))

    layers = layers_of(trunk) if isinstance(trunk, Trunk) else ()  # a static model has none
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        vectors = trunk(ids, mask)
    finally:
        for hook in hooks:
            hook.remove()
    return vectors, torch.stack(states) if states else vectors.new_zeros((0, *vectors.shape))


def _home(model: nn.Module, wanted: nn.ModuleList) -> tuple[nn.Module, str]:
    """The module that holds a list of layers, and under which name."""
    return next((owner, name) for owner in model.modules() for name, child in owner.named_children() if child is wanted)
