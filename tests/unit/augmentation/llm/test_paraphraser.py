"""Large backends on tiny random checkpoints; the real ones need an accelerator and are not tested here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import BlockRefinementScheduler
from pydantic import ValidationError
from transformers.utils import hub

from tests.unit.augmentation.llm import tiny_large
from tilth.augmentation.llm.checkpoints import check_large, fingerprint_large, load_large
from tilth.augmentation.llm.config import LargeConfig
from tilth.augmentation.llm.paraphraser import MAX_SOURCE_TOKENS, PromptedParaphraser, _block_mask
from tilth.errors import ConfigError

BACKENDS = ("llada2", "diffusion_gemma")
TEXTS = ["where is my card", "", "$20", "why is the refund late"]
COMMIT = "0123456789012345678901234567890123456789"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("large")
    return {
        "llada2": tiny_large.save_llada2(root / "llada2"),
        "diffusion_gemma": tiny_large.save_diffusion_gemma(root / "diffusion_gemma"),
    }


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint's own code is copied to a folder of the test's."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path))  # puts sys.path back afterwards


def tiny(folder: Path, **changed: Any) -> LargeConfig:
    return LargeConfig(
        **{"model": str(folder), "device": "cpu", "dtype": "float32", "trust_remote_code": True, **changed}
    )


@pytest.fixture(params=BACKENDS)
def paraphraser(request: pytest.FixtureRequest, folders: dict[str, Path]) -> PromptedParaphraser:
    made = load_large(request.param, tiny(folders[request.param]))
    made.set_progress_bar_config(disable=True)
    return made


def ask(paraphraser: PromptedParaphraser, texts: list[str], generator: Any, **changed: Any) -> list[list[str]]:
    options = {"candidates": 4, "noise_level": (0.7, 1.0), "num_inference_steps": 4, "temperature": 1.0, "top_k": 50}
    return paraphraser(texts, generator=generator, **{**options, **changed}).texts


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_each_source_gets_its_candidates_and_one_without_free_words_gets_none(paraphraser: PromptedParaphraser) -> None:
    texts = [*TEXTS, "card " * (MAX_SOURCE_TOKENS + 1)]
    output = paraphraser(
        texts, candidates=5, noise_level=(0.7, 0.85, 1.0), num_inference_steps=4, temperature=1.0, top_k=50,
        keep=[["card"], [], [], [], []], casing={}, generator=seeded(0),
    )  # fmt: skip
    assert [len(row) for row in output.texts] == [5] * 5
    assert output.noise_levels[0] == output.noise_levels[3] == [0.7, 0.85, 1.0, 0.7, 0.85]
    for row in (1, 2, 4):
        assert output.texts[row] == [""] * 5
        assert output.noise_levels[row] == [0.0] * 5
    written = {word for row in (0, 3) for text in output.texts[row] for word in text.split()}
    assert len(written) > 3
    assert written <= set(tiny_large.WORDS)


def test_the_same_seed_gives_the_same_texts_and_another_seed_others(paraphraser: PromptedParaphraser) -> None:
    first = ask(paraphraser, TEXTS, seeded(3))
    assert ask(paraphraser, TEXTS, seeded(3)) == first
    assert ask(paraphraser, TEXTS, seeded(4)) != first
    assert len(set(first[0])) > 1


def test_a_text_with_its_own_generator_does_not_depend_on_the_others(paraphraser: PromptedParaphraser) -> None:
    both = ask(paraphraser, [TEXTS[0], TEXTS[3]], [seeded(1), seeded(2)])
    assert ask(paraphraser, [TEXTS[3]], [seeded(2)]) == both[1:]
    assert ask(paraphraser, [TEXTS[3]], [seeded(1)]) != both[1:]
    with pytest.raises(ValueError, match="found 1 for 2 texts"):
        ask(paraphraser, [TEXTS[0], TEXTS[3]], [seeded(1)])


@pytest.mark.parametrize("backend", BACKENDS)
def test_neither_loading_nor_asking_touches_the_global_generator(backend: str, folders: dict[str, Path]) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    made = load_large(backend, tiny(folders[backend]))  # type: ignore[arg-type]
    made.set_progress_bar_config(disable=True)
    ask(made, TEXTS[:1], seeded(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_temperature_and_top_k_reach_the_sampler(
    paraphraser: PromptedParaphraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    draw = BlockRefinementScheduler._sample_from_logits

    def watched(logits: torch.Tensor, **options: Any) -> Any:
        seen.add((options["temperature"], options["top_k"]))
        return draw(logits, **options)

    monkeypatch.setattr(BlockRefinementScheduler, "_sample_from_logits", staticmethod(watched))
    ask(paraphraser, TEXTS[:1], seeded(0), temperature=0.5, top_k=7)
    ask(paraphraser, TEXTS[:1], seeded(0), temperature=0.25, top_k=3)
    assert seen == {(0.5, 7), (0.25, 3)}


def test_answers_are_read_styled_and_placed() -> None:
    scripted = tiny_large.Scripted("please tell me where is the bank <eos> money money")
    made = PromptedParaphraser(scripted, "llada2", "", batch_size=1)
    output = made(["Where is my Bank?"], candidates=3, noise_level=(0.7, 1.0), casing={"bank": "Bank"})
    assert output.texts == [["Please tell me where is the Bank."] * 3]
    assert [len(asked["messages"]) for asked in scripted.asked] == [1, 1, 1]
    first, second, third = (asked["messages"][0][0]["content"] for asked in scripted.asked)
    assert first == second != third
    assert "<message>Where is my Bank?</message>" in third
    assert '"Bank"' in third
    assert scripted.asked[0]["gen_length"] == 2 * 5 + 16


def test_an_answer_that_was_cut_off_is_no_paraphrase_and_a_turn_may_end_in_another_token() -> None:
    assert PromptedParaphraser(tiny_large.Scripted("where is the"), "llada2", "")(["my card"]).texts == [[""] * 4]
    ended = PromptedParaphraser(tiny_large.Scripted("where is it <pad> card"), "llada2", "")
    assert ended(["my card"]).texts == [["where is it"] * 4]


def test_a_block_sees_itself_and_what_was_before_but_no_padding() -> None:
    present = torch.ones(1, 64, dtype=torch.long)
    present[0, 60:] = 0
    model = torch.nn.Module()
    model.dtype = torch.float32
    _, given = _block_mask(model, (), {"attention_mask": present})
    seen = given["attention_mask"][0, 0] == 0
    assert given["attention_mask"].shape == (1, 1, 64, 64)
    assert seen[0].nonzero().flatten().tolist() == list(range(32))
    assert seen[31].tolist() == seen[0].tolist()
    assert seen[32].nonzero().flatten().tolist() == list(range(60))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is the accelerator that is asked for")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_no_accelerator_where_one_is_asked_for_is_an_error_before_the_model_is_looked_for(device: str) -> None:
    with pytest.raises(ConfigError, match=rf'device = "{device}", and PyTorch .* finds 0 device') as raised:
        check_large("llada2", LargeConfig(model="/nowhere", device=device))
    assert 'backend = "tilth"' in str(raised.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the default is there")
def test_the_default_is_an_accelerator() -> None:
    with pytest.raises(ConfigError, match="device"):
        check_large("diffusion_gemma", LargeConfig())


def test_an_unknown_device_is_no_config() -> None:
    with pytest.raises(ValidationError, match="device"):
        LargeConfig(device="tpu")


@pytest.mark.parametrize(
    ("backend", "library", "name"),
    [
        ("llada2", "diffusers", "LLaDA2Pipeline"),
        ("diffusion_gemma", "diffusers", "DiffusionGemmaPipeline"),
        ("diffusion_gemma", "transformers", "DiffusionGemmaForBlockDiffusion"),
    ],
)
def test_a_class_that_is_missing_is_named_with_its_library(
    backend: Any, library: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{library}.{name}", None)
    with pytest.raises(ConfigError, match=rf"{library} \S+ has no {name}; python -m pip install --upgrade {library}"):
        check_large(backend, LargeConfig(model="/nowhere", device="cpu"))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["/nowhere/at/all", "tilth-nobody/no-such-model"])
def test_a_model_that_is_not_to_be_had_is_named(backend: Any, model: str) -> None:
    with pytest.raises(ConfigError, match=rf'model = "{model}" is not available: .*Give a folder'):
        check_large(backend, LargeConfig(model=model, device="cpu"))


def test_another_kind_of_model_is_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match='of type "llada2_moe", and this backend runs "diffusion_gemma"'):
        check_large("diffusion_gemma", tiny(folders["llada2"]))
    with pytest.raises(ConfigError, match='of type "diffusion_gemma", and this backend runs "llada2_moe"'):
        check_large("llada2", tiny(folders["diffusion_gemma"]))


def test_a_models_own_code_runs_only_where_it_is_trusted(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(ran)!r}).touch()\n{tiny_large.LLADA2_CODE}"
    folder = tiny_large.save_llada2(tmp_path / "own", code)
    with pytest.raises(ConfigError, match=r"augmentation\.large\.trust_remote_code = true"):
        load_large("llada2", tiny(folder, trust_remote_code=False))
    assert not ran.exists()
    check_large("llada2", tiny(folder))
    assert ran.exists()


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("from transformers.utils.import_utils import is_torch_fx_no_more", "ImportError"),
        ("from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS\nROPE_INIT_FUNCTIONS['none']", "KeyError"),
    ],
)
def test_own_code_that_does_not_run_here_is_found_before_the_weights_are_loaded(
    tmp_path: Path, broken: str, error: str
) -> None:
    folder = tiny_large.save_llada2(tmp_path / "old", f"{broken}\n{tiny_large.LLADA2_CODE}")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=rf"own code does not run with transformers \S+ \({error}: "):
        check_large("llada2", tiny(folder))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_folder_without_weights_or_chat_template_cannot_be_loaded(
    backend: Any, folders: dict[str, Path], tmp_path: Path
) -> None:
    bare = shutil.copytree(folders[backend], tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match="no chat template"):
        load_large(backend, tiny(bare))
    (bare / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="is not available"):
        load_large(backend, tiny(bare))


def test_a_tokenizer_without_a_mask_cannot_fill_masks(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["llada2"], tmp_path / "maskless")
    tokenizer = tiny_large.tokenizer()
    tokenizer.mask_token = None
    tokenizer.save_pretrained(str(folder))
    with pytest.raises(ConfigError, match="does not say which token is the mask"):
        load_large("llada2", tiny(folder))


def test_the_fingerprint_follows_the_files_and_what_they_are_run_with(
    folders: dict[str, Path], tmp_path: Path, paraphraser: PromptedParaphraser
) -> None:
    backend: Any = paraphraser.backend
    folder = tiny(folders[backend])
    copied = shutil.copytree(folders[backend], tmp_path / "elsewhere")
    assert paraphraser.fingerprint == fingerprint_large(backend, folder) == fingerprint_large(backend, tiny(copied))
    (copied / "generation_config.json").write_text("{}")
    others = {
        fingerprint_large(backend, tiny(copied)),
        fingerprint_large(backend, tiny(folders[backend], dtype="bfloat16")),
        fingerprint_large(backend, tiny(folders[backend], device="cuda")),
    }
    assert len(others | {paraphraser.fingerprint}) == 4
    assert fingerprint_large(backend, tiny(folders[backend], device="cuda:1")) in others


def test_a_hub_name_is_known_by_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    root = tmp_path / "models--owner--name"
    for commit in (COMMIT, COMMIT[::-1]):
        (root / "snapshots" / commit).mkdir(parents=True)
        (root / "snapshots" / commit / "config.json").write_text('{"model_type": "diffusion_gemma"}')
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(COMMIT)
    named = LargeConfig(model="owner/name", device="cpu")
    check_large("diffusion_gemma", named)
    before = fingerprint_large("diffusion_gemma", named)
    assert before == fingerprint_large("diffusion_gemma", named.model_copy(update={"revision": COMMIT}))
    (root / "refs" / "main").write_text(COMMIT[::-1])
    assert fingerprint_large("diffusion_gemma", named) != before
