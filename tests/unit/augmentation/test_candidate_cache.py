from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from tilth.augmentation.candidate_cache import generate
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion.pipeline import ParaphraseOutput
from tilth.store import Cache

CONFIG = Config(candidates=2, noise=(0.5,))


class Counting:
    """Gives back its source with a number by the source's own generator, and records its sources."""

    def __init__(self) -> None:
        self.sources: list[list[str]] = []

    def __call__(
        self, texts: Sequence[str], *, candidates: int, casing: Any, generator: Sequence[torch.Generator], **_: Any
    ) -> ParaphraseOutput:
        self.sources.append(list(texts))
        made = [
            [f"{text} {casing.get('visa', 'visa')}? {int(torch.randint(9**9, (1,), generator=own))}" for _ in "ab"]
            for text, own in zip(texts, generator, strict=True)
        ]
        return ParaphraseOutput(made, [[0.5] * candidates for _ in texts])


def generated(one: Counting, texts: list[str], folder: Path, **changes: Any) -> tuple[list[list[str]], int]:
    options: dict[str, Any] = {"keep": [[] for _ in texts], "casing": {}, "config": CONFIG, "seed": 0, **changes}
    output, new = generate(one, options.pop("fingerprint", "w"), texts, cache=Cache(folder), **options)
    return output.texts, new


def test_only_new_sources_are_generated_and_none_depends_on_the_others(tmp_path: Path) -> None:
    one = Counting()
    first, new = generated(one, ["a", "b"], tmp_path)
    assert new == 2
    second, new = generated(one, ["c", "b", "a"], tmp_path)
    assert new == 1
    assert one.sources == [["a", "b"], ["c"]]
    assert second[1:] == first[::-1]
    assert generated(Counting(), ["b"], tmp_path / "empty")[0] == [first[1]]


def test_what_shapes_a_paraphrase_is_part_of_its_key(tmp_path: Path) -> None:
    one = Counting()
    generated(one, ["a"], tmp_path)
    for change in (
        {"fingerprint": "other weights"},
        {"seed": 1},
        {"keep": [["a"]]},
        {"config": CONFIG.model_copy(update={"temperature": 0.1})},
    ):
        assert generated(one, ["a"], tmp_path, **change)[1] == 1
    assert generated(one, ["a"], tmp_path)[1] == 0


def test_a_word_that_the_corpus_spells_otherwise_now_is_written_anew(tmp_path: Path) -> None:
    one = Counting()
    before, _ = generated(one, ["a"], tmp_path)
    assert generated(one, ["a"], tmp_path, casing={"ann": "Ann"})[1] == 0
    after, new = generated(one, ["a"], tmp_path, casing={"visa": "Visa"})
    assert new == 1
    assert after == [[text.replace("visa", "Visa") for text in before[0]]]
