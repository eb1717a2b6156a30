from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tilth.augmentation.diffusion.checkpoints import load_paraphraser, save_paraphraser
from tilth.augmentation.diffusion.masking import Canvas
from tilth.augmentation.diffusion.pipeline import ParaphrasePipeline
from tilth.augmentation.diffusion.scheduler import make_scheduler
from tilth.errors import ConfigError
from tilth.store import digest_tree

TEXT = "I didn't get $20 back from Ann on 3 May, why is that?"


def sample(pipeline: ParaphrasePipeline, texts: list[str], seed: int = 0, **options: Any) -> list[list[str]]:
    options = {"candidates": 3, "num_inference_steps": 3, **options}
    return pipeline(texts, generator=torch.Generator().manual_seed(seed), **options).texts


def test_shape_and_repeatability(pipeline: ParaphrasePipeline) -> None:
    texts = [TEXT, "where is my card", "how do i pay"]
    found = sample(pipeline, texts)
    assert [len(row) for row in found] == [3, 3, 3]
    assert sample(pipeline, texts) == found
    assert sample(pipeline, texts, seed=1) != found


@pytest.mark.parametrize("name", ["confidence", "absorbing", "block_refinement", "amused"])
def test_a_text_with_its_own_generator_does_not_depend_on_those_it_is_denoised_with(
    pipeline: ParaphrasePipeline, name: str
) -> None:
    other = ParaphrasePipeline(pipeline.denoiser, pipeline.tokenizer, make_scheduler(name))
    other.set_progress_bar_config(disable=True)
    texts = [TEXT, "", "where is my card", "how do i pay for the new card that you sent me", "word " * 500]

    def made(chosen: list[int], batch_size: int) -> list[list[str]]:
        own = [torch.Generator().manual_seed(number) for number in chosen]
        picked = [texts[number] for number in chosen]
        return other(picked, candidates=3, casing={}, generator=own, batch_size=batch_size).texts

    together = made([0, 1, 2, 3, 4], 5)
    assert together == made([0, 1, 2, 3, 4], 2)
    assert [together[3], together[0]] == made([3, 0], 1)


@pytest.mark.parametrize("name", ["confidence", "block_refinement"])
def test_as_many_texts_at_a_time_as_there_are_cores_come_out_the_same(
    pipeline: ParaphrasePipeline, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    other = ParaphrasePipeline(pipeline.denoiser, pipeline.tokenizer, make_scheduler(name))
    other.set_progress_bar_config(disable=True)
    texts = [TEXT, "where is my card", "how do i pay", "when will the new card come"]
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(sample(other, texts))
    assert found[0] == found[1]


def test_on_a_processor_texts_are_denoised_together_where_none_is_padded_for_another(
    pipeline: ParaphrasePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, denoise = list[dict[int, int]](), pipeline._denoise

    def watched(batch: Sequence[Canvas], *rest: Any) -> Any:
        longest = dict[int, int]()
        for canvas in batch:
            longest[canvas.row] = max(longest.get(canvas.row, 0), len(canvas.ids))
        batches.append(longest)
        return denoise(batch, *rest)

    monkeypatch.setattr(pipeline, "_denoise", watched)
    texts = [f"where is my {word} card" for word in ("new", "old", "red", "blue", "green", "other", "lost", "first")]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # so that they come in order
    sample(pipeline, texts, candidates=1)
    lengths = [set(batch.values()) for batch in batches]
    assert all(len(length) == 1 for length in lengths)
    assert sorted(row for batch in batches for row in batch) == list(range(8))
    assert len(batches) == len(set.union(*lengths)) < 8
    assert [min(length) for length in lengths] == sorted(min(length) for length in lengths)


def test_slots_are_never_masked(pipeline: ParaphrasePipeline) -> None:
    for text in sample(pipeline, [TEXT], noise_level=1.0, candidates=8)[0]:
        assert all(slot in text for slot in ("idn't", "$20", "Ann", "3 May"))  # a first word gets its capital


def test_little_noise_keeps_more_than_much(pipeline: ParaphrasePipeline) -> None:
    text = "please tell me where the new card is"

    def kept(level: float) -> int:
        found = sample(pipeline, [text], noise_level=level, candidates=8)[0]
        return sum(word in one.split() for one in found for word in text.split())

    assert kept(0.2) > kept(1.0)


@pytest.mark.parametrize("text", ["", "   ", "😀😀😀", "$20", "word " * 500])
def test_what_cannot_be_rephrased_gives_nothing(pipeline: ParaphrasePipeline, text: str) -> None:
    assert sample(pipeline, [text, "where is my card"])[0] == ["", "", ""]


@pytest.mark.parametrize("name", ["absorbing", "block_refinement", "amused"])
def test_other_schedulers(pipeline: ParaphrasePipeline, name: str) -> None:
    other = ParaphrasePipeline(pipeline.denoiser, pipeline.tokenizer, make_scheduler(name))
    other.set_progress_bar_config(disable=True)
    assert all(sample(other, ["where is my new card"])[0])
    assert "[MASK]" not in " ".join(sample(other, ["where is my new card"])[0])


def test_a_callback_sees_each_step_and_may_change_it(pipeline: ParaphrasePipeline) -> None:
    seen: list[int] = []

    def callback(pipe: Any, step: int, timestep: int, values: dict[str, Any]) -> dict[str, Any]:
        seen.append(step)
        return values

    sample(pipeline, ["where is my card"], callback_on_step_end=callback)
    assert seen == [0, 1, 2]


def quiet(pipeline: ParaphrasePipeline) -> ParaphrasePipeline:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_a_pipeline_goes_on_as_it_was_saved(pipeline: ParaphrasePipeline, tmp_path: Path) -> None:
    save_paraphraser(pipeline, tmp_path / "one")
    read, again = (quiet(load_paraphraser(str(tmp_path / "one"), "confidence")) for _ in range(2))
    assert sample(read, [TEXT]) == sample(again, [TEXT])
    assert load_paraphraser(str(tmp_path / "one"), "absorbing").scheduler.config.commit == "random"


def test_what_is_saved_names_no_module_and_no_place(pipeline: ParaphrasePipeline, tmp_path: Path) -> None:
    save_paraphraser(pipeline, tmp_path / "one")
    save_paraphraser(load_paraphraser(str(tmp_path / "one"), "confidence"), tmp_path / "two")
    for folder in ("one", "two"):
        assert {part.name for part in (tmp_path / folder).iterdir()} == {"denoiser", "tokenizer"}
        config = json.loads((tmp_path / folder / "denoiser/config.json").read_text(encoding="utf-8"))
        assert not any("tilth" in str(value) or str(tmp_path) in str(value) for value in config.values())
    # Equal weights have equal files, wherever they were read from: the cache of paraphrases goes by their digest.
    assert digest_tree(tmp_path / "one/denoiser") == digest_tree(tmp_path / "two/denoiser")


@pytest.mark.parametrize(
    "modules",
    [
        ("tilth.augmentation.denoiser", "tilth.augmentation.scheduler"),  # before modules had rooms
        ("tilth.augmentation.diffusion.denoiser", "tilth.augmentation.diffusion.scheduler"),
    ],
)
def test_a_folder_whose_index_names_modules_that_are_gone_still_loads(
    pipeline: ParaphrasePipeline, tmp_path: Path, modules: tuple[str, str]
) -> None:
    save_paraphraser(pipeline, tmp_path / "new")
    half = load_paraphraser(str(tmp_path / "new"), "confidence")
    half.save_pretrained(str(tmp_path / "old"))  # as every folder was written: all parts and an index
    index = {
        "_class_name": "ParaphrasePipeline",
        "_diffusers_version": "0.42.1",
        "denoiser": [modules[0], "Denoiser"],
        "scheduler": [modules[1], "AbsorbingScheduler"],
        "tokenizer": ["transformers", "BertTokenizer"],
    }
    (tmp_path / "old/model_index.json").write_text(json.dumps(index), encoding="utf-8")
    config = tmp_path / "old/denoiser/config.json"
    before = {**json.loads(config.read_text(encoding="utf-8")), "_name_or_path": "/elsewhere/augmentation/pretrained"}
    config.write_text(json.dumps(before), encoding="utf-8")
    read = quiet(load_paraphraser(str(tmp_path / "old"), "confidence"))
    assert sample(read, [TEXT]) == sample(quiet(half), [TEXT])
    save_paraphraser(read, tmp_path / "next")
    assert digest_tree(tmp_path / "next/denoiser") == digest_tree(tmp_path / "new/denoiser")


def test_it_moves_to_a_device(pipeline: ParaphrasePipeline) -> None:
    assert pipeline.to("cpu").device == torch.device("cpu")


def test_a_folder_without_a_denoiser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds neither denoiser/config"):
        load_paraphraser(str(tmp_path), "confidence")
