from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tilth.learn.encoder import Tokens, Trunk, encode_with_trunk
from tilth.training.compression.student import Student, layers_of, pooled_states
from tilth.training.compression.student.pruning import prune
from tilth.training.compression.student.static import static_trunk
from tilth.training.compression.student.vocabulary import cut_vocabulary

IDS, MASK = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])


def test_layers_are_removed_from_the_copy_alone(trunk: Trunk, deep: Path) -> None:
    student = Student.of(trunk, deep).with_layers((0, 2))
    assert len(layers_of(student.trunk)) == 2
    assert len(layers_of(trunk)) == 3
    assert student.layers == (0, 2)
    assert student.with_layers((1,)).layers == (2,)  # it was the teacher's third
    kept = layers_of(student.trunk)[0].intermediate.dense.weight
    assert torch.equal(kept, layers_of(trunk)[2].intermediate.dense.weight)


def test_states_are_the_means_of_each_layer(trunk: Trunk) -> None:
    vectors, states = pooled_states(trunk, IDS, MASK)
    assert states.shape == (3, 2, 32)
    hidden = trunk.model(input_ids=IDS, attention_mask=MASK, output_hidden_states=True).hidden_states
    assert torch.allclose(states[1][1], hidden[2][1, :3].mean(0), atol=1e-5)
    assert torch.allclose(torch.nn.functional.normalize(states[2], dim=1), vectors, atol=1e-5)


def test_a_cut_vocabulary_gives_the_same_vectors(trunk: Trunk, deep: Path, tmp_path: Path) -> None:
    texts = ["refund is slow", "the light is red"]
    vocabulary = cut_vocabulary(deep, texts)
    assert vocabulary is not None
    student = Student.of(trunk, deep).with_vocabulary(vocabulary, tmp_path / "cut")
    before = encode_with_trunk(trunk, deep, texts, 64, 4)
    assert np.allclose(encode_with_trunk(student.trunk, student.folder, texts, 64, 4), before, atol=1e-6)
    assert student.trunk.model.get_input_embeddings().num_embeddings == len(vocabulary.kept) < vocabulary.size


def test_pruning_makes_matrices_smaller_and_leaves_what_matters(trunk: Trunk, deep: Path) -> None:
    """Half of the channels and heads are made to change nothing: they are the ones that go, and no answer changes."""
    student = Student.of(trunk, deep)
    with torch.no_grad():
        for layer in layers_of(student.trunk):
            layer.output.dense.weight[:, ::2] = 0  # every other channel
            layer.attention.output.dense.weight[:, :16] = 0  # the first two heads of eight columns each
    before = student.trunk(IDS, MASK).detach()
    kept = prune(student.trunk, heads=0.5, channels=0.5, losses=lambda: [student.trunk(IDS, MASK)[:, :3].sum()])
    assert kept == {"heads": 2, "channels": 32}
    layer = layers_of(student.trunk)[1]
    assert layer.intermediate.dense.weight.shape == (32, 32)
    assert layer.output.dense.weight.shape == (32, 32)
    assert layer.attention.self.query.weight.shape == (16, 32)
    assert layer.attention.output.dense.weight.shape == (32, 16)
    assert torch.allclose(student.trunk(IDS, MASK), before, atol=1e-5)


def test_an_unknown_kind_of_layer_is_left_and_said(trunk: Trunk) -> None:
    for layer in layers_of(trunk):
        del layer.attention.self.query
        del layer.intermediate.dense
    kept = prune(trunk, heads=0.5, channels=0.5, losses=list)
    assert kept["heads"] == "all: this encoder's attention is of no kind that can be cut"
    assert str(kept["channels"]).startswith("all")


def test_a_static_model_starts_as_the_mean_of_its_pieces(trunk: Trunk, deep: Path) -> None:
    found = static_trunk(trunk, deep)
    tokens = Tokens.load(deep)
    alone = trunk(torch.tensor([[*tokens.prefix, 5, *tokens.suffix]]), torch.ones((1, 3), dtype=torch.long))
    assert torch.allclose(found.pieces.weight[5], alone[0], atol=1e-5)
    apart = found(torch.tensor([[5, 0]]), torch.tensor([[1, 0]]))
    assert torch.allclose(apart[0], alone[0], atol=1e-5)  # padding counts nothing
