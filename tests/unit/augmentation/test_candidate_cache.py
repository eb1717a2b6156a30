from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tilth import engine
from tilth.augmentation.candidate_cache import generate
from tilth.augmentation.config import Config
from tilth.augmentation.diffusion.pipeline import ParaphraseOutput, ParaphrasePipeline
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


class Pickling:
    """Workers that get what they are sent as Dask's do."""

    blocks = 0

    def map_blocks(self, function: Any, blocks: Any, shared: Any) -> Any:
        loaded = pickle.loads(pickle.dumps(shared))  # noqa: S301 - as Dask does
        for block in blocks:
            self.blocks += 1
            yield function(pickle.loads(pickle.dumps(block)), loaded)  # noqa: S301


def test_the_denoiser_goes_to_the_workers_block_by_block_and_draws_the_same(
    pipeline: ParaphrasePipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilth.augmentation.candidate_cache._BLOCK", 2)
    texts = ["where is my card", "the app is slow today", "no money came"]
    workers, config = Pickling(), CONFIG.model_copy(update={"inference_steps": 2})
    alone = generated(pipeline, texts, tmp_path / "a", config=config)  # type: ignore[arg-type]
    with engine.computed_by(workers):
        assert generated(pipeline, texts, tmp_path / "b", config=config) == alone  # type: ignore[arg-type]
        generated(Counting(), texts, tmp_path / "c")  # another one stays here
    assert workers.blocks == 2
    assert len({text for candidates in alone[0] for text in candidates}) > 3
