from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tilth.training.export import PackedHead, PackedWording, pool_tasks, pool_views

NAMES = {"words": ["pay", "späte gebühr"], "characters": ["ay "]}
WEIGHT = np.array([[0.7, -1.4, 0.0], [0.1, 0.4, 0.3], [-0.7, 0.2, 0.21]])  # three classes, three n-grams


def packed(share: float = 0.5, temperature: float = 1.0) -> PackedHead:
    return PackedHead.pack(WEIGHT, np.array([0.0, 1.0, -1.0]), share, temperature)


def test_weights_are_rounded_to_a_seventh_of_the_largest_of_their_ngram() -> None:
    head = packed()
    assert head.packed.shape == (3, 2)  # two of the three classes share a byte
    assert head.scale.tolist() == pytest.approx([0.1, 0.2, 0.3 / 7], rel=1e-3)
    logits = head.logits(np.array([0, 2]), np.array([1.0, 2.0], dtype=np.float32))
    # 0.7, 0.1, -0.7 are 7, 1, -7 tenths; 0, 0.3, 0.21 are 0, 7, 5 parts of 0.3 / 7, counted twice
    assert logits.tolist() == pytest.approx([0.7, 1 + 0.1 + 0.6, -1 - 0.7 + 2 * 5 * 0.3 / 7], abs=2e-3)


def test_a_text_without_a_known_ngram_gets_the_bias() -> None:
    none = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    assert packed().logits(*none).tolist() == [0.0, 1.0, -1.0]


def test_views_are_pooled_by_their_log_probabilities() -> None:
    meaning, wording = np.array([[0.8, 0.2]]), np.log(np.array([[0.5, 0.5]])) + 3  # logits may be off by a constant
    odds = (0.8 / 0.2) ** 0.75
    assert pool_views(meaning, wording, 0.25, 1.0)[0, 0] == pytest.approx(odds / (1 + odds))
    assert pool_views(meaning, wording, 0.25, 2.0)[0, 0] == pytest.approx(math.sqrt(odds) / (1 + math.sqrt(odds)))
    assert pool_views(meaning, wording, 0.0, 1.0)[0].tolist() == pytest.approx([0.8, 0.2])


def test_a_file_says_the_same_as_what_was_saved(tmp_path: Path) -> None:
    before = PackedWording(NAMES, np.array([1.0, 2.0, 1.5]), {"intent / ä": packed(0.35, 0.6)})
    before.save(tmp_path / "wording.npz")
    after = PackedWording.load(tmp_path / "wording.npz")
    texts = ["Pay my späte Gebühr", "", "nothing that is known"]
    meaning = {"intent / ä": np.full((3, 3), 1 / 3), "other": np.full((3, 2), 0.5)}
    assert after.names == NAMES
    one, other = (pool_tasks(model.heads, model.mix(texts, meaning)) for model in (before, after))
    assert np.allclose(one["intent / ä"], other["intent / ä"], atol=1e-4)
    assert abs(one["intent / ä"][0] - one["intent / ä"][1]).max() > 0.1  # what is known of the first text counts
    assert other["other"] == pytest.approx(meaning["other"])  # a task without a wording head goes by the meaning


def test_no_text_has_no_answer() -> None:
    model = PackedWording(NAMES, np.ones(3), {"intent": packed()})
    assert model.mix([], {"intent": np.zeros((0, 3))})["intent"].shape == (0, 3)
