from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from datasets import Dataset

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tests.tiny_denoiser import tiny_denoiser
from tests.unit.augmentation.llm.tiny_large import save_diffusion_gemma
from tilth.augmentation import Config, check
from tilth.augmentation.diffusion.adaptation import adaptation, held_out
from tilth.augmentation.diffusion.checkpoints import RECORD, load_paraphraser
from tilth.errors import ConfigError, TilthError
from tilth.learn.shared_features import Evidence
from tilth.samples import from_pandas, to_pandas
from tilth.stage.contract import Resources, StageResult
from tilth.stage.registry import external_cache_inputs, perform
from tilth.store import Cache

ROOT = Path(__file__).resolve().parents[3]
LOOSE = {"low": -1.0, "high": 1.0, "content": -1.0, "agreement": 0.0, "grammar": 99.0, "growth": 20.0}
QUICK: dict[str, Any] = {
    "sources": 4, "share": 1.0, "candidates": 2, "inference_steps": 2, "max_heldout_loss": 50.0, "grammar": "denoiser",
    "adapt": {"steps": 2, "low": 0.2}, "gate": LOOSE,
}  # fmt: skip


def resources(samples: Dataset, folder: Path, carried: Path | None = None) -> Resources:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    return Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=scratch, carried=carried)


def quick(**changes: Any) -> Config:
    return Config(**{"denoiser": tiny_denoiser(), **QUICK, **changes})


def night(samples: Dataset, folder: Path, carried: Path | None = None, **changes: Any) -> StageResult:
    return perform("augmentation", samples, quick(**changes), resources(samples, folder, carried))


def added(result: StageResult) -> pd.DataFrame:
    frame = to_pandas(result.samples)
    return frame[frame["source"] == "paraphrase"].astype({"accepted": bool, "used": bool})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the first night."""
    return tmp_path_factory.mktemp("first")


@pytest.fixture(scope="module")
def first(home: Path) -> StageResult:
    return night(make_table(), home)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> StageResult:
    """A night that uses whatever it accepts."""
    gate = {**LOOSE, "changed": 0.0, "novelty": 0.0}
    return night(make_table(), tmp_path_factory.mktemp("used"), when="always", gate=gate)


def test_every_candidate_is_a_row_with_its_scores(first: StageResult) -> None:
    rows = added(first)
    assert len(rows) == first.metrics["candidates"] == 8
    assert set(rows["split"]) == {"train"}
    assert rows["parent_id"].isin([row[0] for row in ROWS if row[2] == "train"]).all()
    assert rows[["frame", "noise_level", "similarity", "label_agreement", "novelty", "accepted"]].notna().all(axis=None)
    assert (rows["accepted"] == (rows["status"] == "active")).all()
    assert rows.loc[~rows["accepted"], "reason"].notna().all()
    assert not rows.loc[~rows["accepted"], "used"].any()
    assert rows["weight"].notna().tolist() == rows["used"].tolist()
    assert sum(first.metrics["rejected"].values()) + first.metrics["accepted"] == 8


def test_the_report_says_how_examples_read(first: StageResult) -> None:
    shown = next(figure.data for figure in first.figures if figure.title == "Paraphrases")
    rows = [dict(zip(shown["columns"], row, strict=True)) for row in shown["rows"]]
    looked_at = [row for row in rows if row["verdict"] in ("accepted", "rejected: budget")]
    assert looked_at
    assert all(0 <= row["reads well"] <= 1 for row in looked_at)
    assert all(
        row["reads well"] is None for row in rows if row["verdict"] in ("rejected: similarity", "rejected: frame")
    )


def test_labels_are_inherited(first: StageResult) -> None:
    frame = to_pandas(first.samples).set_index("id")
    for _, row in added(first).iterrows():
        assert row["intent"] == frame.loc[row["parent_id"], "intent"]
        assert row["intent_origin"] == "inherited"


def test_a_second_night_over_the_same_rows_is_the_same(first: StageResult, tmp_path: Path) -> None:
    again = night(make_table(), tmp_path, carried=first.carried)
    pd.testing.assert_frame_equal(to_pandas(again.samples), to_pandas(first.samples))
    assert again.metrics["steps"] == 0
    assert again.metrics["start"] == "carried, unchanged"


def test_a_new_row_makes_the_night_learn_again_from_where_it_was(first: StageResult, tmp_path: Path) -> None:
    rows = [*ROWS, ("n1", "the bill is wrong and I want a refund", "unlabeled", None, None)]
    again = night(make_table(rows), tmp_path, carried=first.carried)
    assert again.metrics["start"] == "carried"
    assert again.metrics["steps"] == 1  # a tenth of the texts are new, so that it is given the least share of steps


def test_few_new_rows_leave_the_weights_and_the_old_paraphrases_as_they_are(first: StageResult, tmp_path: Path) -> None:
    config = {"adapt": {**QUICK["adapt"], "renew": 0.5}}
    before = night(make_table(), tmp_path / "first", **config)
    cache = tmp_path / "first" / "cache" / "paraphrases"
    assert before.metrics["sources_drawn"] == before.metrics["sources"] == len(list(cache.iterdir()))
    shutil.copytree(tmp_path / "first" / "cache", tmp_path / "second" / "cache")
    rows = [*ROWS, ("n1", "the bill is wrong and I want a refund", "unlabeled", None, None)]
    again = night(make_table(rows), tmp_path / "second", carried=before.carried, **config)
    assert (again.metrics["start"], again.metrics["sources_drawn"]) == ("carried, unchanged", 0)
    bare = night(make_table(rows), tmp_path / "third", carried=before.carried, **config)
    assert bare.metrics["sources_drawn"] == bare.metrics["sources"]
    assert added(again)["text"].tolist() == added(bare)["text"].tolist() == added(before)["text"].tolist()


def test_a_damaged_file_of_paraphrases_is_generated_again(first: StageResult, home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "cache", tmp_path / "cache")
    files = list((tmp_path / "cache" / "paraphrases").iterdir())
    for file in files:
        file.write_text("{", encoding="utf-8")
    again = night(make_table(), tmp_path, carried=None)
    assert again.metrics["sources_drawn"] == first.metrics["sources"] == len(files)
    assert added(again)["text"].tolist() == added(first)["text"].tolist()


def test_another_base_denoiser_is_not_mixed_with_the_carried_one(first: StageResult, tmp_path: Path) -> None:
    assert first.carried is not None
    record = json.loads((first.carried / RECORD).read_text())
    other = tmp_path / "carried"
    other.mkdir()
    (other / RECORD).write_text(json.dumps({**record, "base": "another"}))
    assert night(make_table(), tmp_path / "night", carried=other).metrics["start"] == tiny_denoiser()


def test_a_carried_record_from_before_the_early_end_is_taken_up(first: StageResult, tmp_path: Path) -> None:
    assert first.carried is not None
    older = tmp_path / "older"
    shutil.copytree(first.carried, older)
    record = json.loads((older / RECORD).read_text())
    del record["ended_early"]
    (older / RECORD).write_text(json.dumps({**record, "key": "of another config"}))
    again = night(make_table(), tmp_path / "night", carried=older)
    assert again.metrics["start"] == "carried"
    assert again.metrics["steps"] == 1  # all texts are known: the least share


def test_where_no_group_s_loss_is_low_enough_the_stage_ends_and_says_so(tmp_path: Path) -> None:
    table = make_table()
    result = night(table, tmp_path, max_heldout_loss=0.001)
    assert result.samples.num_rows == table.num_rows
    assert (result.metrics["accepted"], result.metrics["steps"], result.metrics["good_enough"]) == (0, 0, False)
    assert result.skipped is not None
    assert f"a loss of {result.metrics['groups']['losses']['all']:.2f} at best, 0.001 at most" in result.skipped
    shown = next(figure for figure in result.figures if figure.title == "Where the paraphraser knows the language")
    assert shown.data["rows"][0][-1] == "left out"


def test_adaptation_ends_early_where_its_loss_cannot_come_below_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptation, "_EPOCHS", 4)  # so few texts would be gone over in one step
    changes: dict[str, Any] = {"adapt": {"steps": 3, "low": 0.2}}
    whole = night(make_table(), tmp_path / "b", max_heldout_loss=50.0, **changes)
    assert whole.metrics["steps"] == 2
    within_reach = whole.metrics["heldout_loss_before"] - 0.9  # at most a nat is learned, and one step learns less
    ended = night(make_table(), tmp_path / "a", max_heldout_loss=within_reach, **changes)
    assert ended.metrics["steps"] == 1  # a third of two
    again = night(make_table(), tmp_path / "c", carried=ended.carried, max_heldout_loss=50.0, **changes)
    assert again.metrics["steps"] == 2  # the limit was raised: what was left out is learned now


def test_only_rows_of_groups_below_the_limit_are_paraphrased(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the demo's channels: in one all ask the same, in the other each message has words of its own."""
    monkeypatch.setattr(held_out, "_DRAWN", 64)  # a group's examples are noised twice
    inbox = pd.read_csv(ROOT / "data/raw/inbox.csv", dtype=str, keep_default_na=False)
    widget = inbox[inbox["channel"].eq("widget") & inbox["intent"].eq("refund_status")].head(30)
    mail = inbox[inbox["channel"].eq("email") & inbox["area"].eq("broadband")].head(30)
    rows = [
        (f"{channel}{k}", text, "train", *labels)
        for channel, texts, labels in (
            ("chat", widget["text"], ("billing", "refund")),
            ("mail", mail["text"], ("network", "slow")),
        )
        for k, text in enumerate(texts)
    ]
    frame = to_pandas(make_table(rows))
    frame["meta.channel"] = frame["id"].str[:4]
    table = from_pandas(frame, TASKS)
    changes: dict[str, Any] = {"adapt": {"steps": 0, "heldout": 0.49}, "gate": {**LOOSE, "readable": 0}}
    changes["when"] = "always"  # a probe gets all of these rows right
    changes["denoiser"] = "pretrained"  # which has read much of what people ask
    none = night(table, tmp_path / "a", **{**changes, "max_heldout_loss": 0.001})
    losses = none.metrics["groups"]["losses"]
    assert none.metrics["groups"]["by"] == "channel"
    assert losses["chat"] < losses["mail"] - 0.5
    result = night(table, tmp_path / "b", max_heldout_loss=losses["chat"], **changes)
    assert result.metrics["sources"] > 0
    assert result.metrics["sources_skipped"]["high_loss"] > 0
    assert set(added(result)["parent_id"].str[:4]) == {"chat"}
    shown = next(figure for figure in result.figures if figure.title == "Where the paraphraser knows the language")
    assert [[row[0], row[1], row[-1]] for row in shown.data["rows"]] == [
        ["chat", 30, "paraphrased"],
        ["mail", 30, "left out"],
    ]


def test_all_accepted_ones_are_used_where_the_config_says_so(used: StageResult) -> None:
    accepted = added(used)["accepted"]
    assert accepted.any()
    assert used.metrics["used"] == accepted.sum()
    assert {"macro_f1_without", "macro_f1_with"} <= set(used.metrics)


def test_none_is_generated_where_the_config_says_never(tmp_path: Path) -> None:
    samples = make_table()
    result = night(samples, tmp_path, when="never")
    assert result.skipped == '[augmentation] when = "never"'
    assert result.samples.num_rows == samples.num_rows


def test_a_row_and_its_paraphrases_count_as_one(used: StageResult) -> None:
    rows, frame = added(used), to_pandas(used.samples)
    together = rows[rows["used"]].groupby("parent_id")["weight"].sum()
    shares = [weight / (1 + weight) for weight in Config().weights]
    assert len(together)
    assert all(any(total == pytest.approx(share, abs=1e-5) for share in shares) for total in together)
    own = frame[frame["source"] == "input"].set_index("id")["weight"].dropna()
    assert set(own.index) == set(together.index)
    assert (own + together).to_numpy() == pytest.approx(1, abs=1e-5)


def test_gold_texts_are_neither_learned_nor_repeated(first: StageResult) -> None:
    assert first.carried is not None
    from tilth.text import digest

    learned = set(json.loads((first.carried / RECORD).read_text())["texts"])
    assert learned == {digest(row[1]) for row in ROWS if row[2] != "gold"}
    gold = {row[1] for row in ROWS if row[2] == "gold"}
    assert not gold & set(added(first).loc[added(first)["accepted"], "text"])


@pytest.mark.parametrize(("texts", "sources"), [(300, 36), (1999, 240), (2000, 240), (10_003, 240), (0, 0)])
def test_of_few_texts_a_share_is_paraphrased(texts: int, sources: int) -> None:
    assert Config().of_texts(texts).sources == sources


def test_a_table_of_few_texts_has_few_sources(tmp_path: Path) -> None:
    assert night(make_table(), tmp_path, share=0.25).metrics["sources"] == 3  # of its ten texts that are not gold


def test_where_every_text_is_too_long_no_paraphraser_is_adapted(tmp_path: Path) -> None:
    rows = [(row[0], f"{row[1]} {'and so on ' * 20}", *row[2:]) for row in ROWS]
    result = night(make_table(rows), tmp_path)
    assert result.skipped == "every text is longer than the 48 tokens of a paraphrase's source"
    assert result.metrics == {"accepted": 0, "used": 0}
    assert not result.artifacts


def test_no_labels_is_said(tmp_path: Path) -> None:
    rows = [(row[0], row[1], "unlabeled", None, None) for row in ROWS]
    result = night(make_table(rows), tmp_path)
    assert result.skipped is not None
    assert result.skipped.startswith("no labels")


def test_odd_rows_do_not_stop_the_night(tmp_path: Path) -> None:
    odd = ["", "refund", "word " * 500, "😀 😀 😀 😀", "où est ma facture détaillée s'il vous plaît", "�� \u200b"]
    rows = [*ROWS, *((f"o{k}", text, "train", "billing", "refund") for k, text in enumerate(odd))]
    result = night(make_table(rows), tmp_path, sources=50, candidates=1)
    skipped = result.metrics["sources_skipped"]
    assert sum(skipped.values()) - skipped["label_doubted"] == len(odd)
    assert not added(result)["parent_id"].str.startswith("o").any()


def test_of_a_row_with_a_doubted_label_no_paraphrase_is_accepted(tmp_path: Path) -> None:
    doubted = ("x1", "my refund from the bank is still missing", "train", "network", "slow")
    result = night(make_table([*ROWS, doubted]), tmp_path, sources=50)
    rows = added(result)
    assert rows["accepted"].any()
    assert not rows.loc[rows["parent_id"] == "x1", "accepted"].any()


def test_a_task_of_one_class_doubts_no_source(first: StageResult, tmp_path: Path) -> None:
    """No model can tell its label from another; the other task's models decide."""
    table = make_table()
    frame = to_pandas(table)
    frame[TASKS[0].name] = TASKS[0].labels[0]
    one = table.remove_columns(TASKS[0].name).add_column(TASKS[0].name, frame[TASKS[0].name].tolist())
    result = night(one.select_columns(table.column_names).cast(table.features), tmp_path)
    assert result.metrics["sources"] >= first.metrics["sources"] > 0
    assert "label_doubted" not in result.metrics["sources_skipped"]


def test_one_row_in_all(tmp_path: Path) -> None:
    result = night(make_table([ROWS[0]]), tmp_path)
    assert result.metrics["accepted"] == 0
    assert set(added(result)["reason"]) <= {"label_agreement", "novelty"}  # no model can confirm its label


def test_one_row_a_class_and_no_text_without_a_label(tmp_path: Path) -> None:
    rows = [ROWS[0], ROWS[3], ROWS[6], ROWS[10], ROWS[11]]  # a refund, a slow one, an outage and gold
    result = night(make_table(rows), tmp_path, when="always", sources=3, candidates=3)
    assert result.skipped is None
    assert result.metrics["sources"] == 3  # where no label can be held out, none can be doubted
    assert set(added(result)["parent_id"]) <= {row[0] for row in rows[:3]}
    assert "macro_f1_with" not in result.metrics  # nor can a gain be measured


def test_a_table_without_another_text_than_the_labeled_ones(tmp_path: Path) -> None:
    result = night(make_table([row for row in ROWS if row[2] != "unlabeled"]), tmp_path)
    assert result.skipped is None
    assert result.metrics["sources"] == 4
    assert len(added(result))


def test_a_result_rests_on_the_files_of_a_denoiser_of_ones_own(first: StageResult, tmp_path: Path) -> None:
    assert first.carried is not None
    shutil.copytree(first.carried / "denoiser", tmp_path / "own")
    config = Config(denoiser=str(tmp_path / "own"), grammar="denoiser")
    before = external_cache_inputs("augmentation", config)
    assert (
        external_cache_inputs("augmentation", config)
        == before
        != external_cache_inputs("augmentation", Config(grammar="denoiser"))
        == []
    )
    weights = next((tmp_path / "own").rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert external_cache_inputs("augmentation", config) != before


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is the accelerator that is asked for")
def test_no_accelerator_where_one_is_asked_for_is_an_error_before_the_night_begins() -> None:
    with pytest.raises(ConfigError, match=r'augmentation\.device = "cuda", and PyTorch .* finds 0 device.*to "auto"'):
        check(Config(device="cuda"))


def test_an_accelerator_without_memory_is_named_with_the_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nprocess 1 has 79 GiB")

    monkeypatch.setattr("tilth.augmentation.stage.augment", full)
    wanted = r'^the accelerator.* full \(CUDA out of memory. Tried to allocate 2 GiB.\).*device = "cpu"'
    with pytest.raises(TilthError, match=wanted):  # the night says which stage it was
        night(make_table(), tmp_path)


def test_a_missing_denoiser_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="save_pretrained"):
        night(make_table(), tmp_path, denoiser=str(tmp_path / "none"))


def test_a_large_backend_paraphrases_in_the_denoisers_place(tmp_path: Path) -> None:
    folder = save_diffusion_gemma(tmp_path / "model")
    large = {"model": str(folder), "device": "cpu", "dtype": "float32", "inference_steps": 2}
    result = night(make_table(), tmp_path, backend="diffusion_gemma", large=large, max_heldout_loss=0.001)
    assert result.metrics["sources_drawn"] == result.metrics["sources"]
    assert len(added(result)) == result.metrics["sources"] * QUICK["candidates"]
    assert "untrained" not in result.metrics["rejected"]  # the denoiser's own loss is no matter


def test_config_is_checked() -> None:
    with pytest.raises(ValueError, match=r"gate\.low must be below gate.high"):
        Config(gate={"low": 0.9, "high": 0.8})
    with pytest.raises(ValueError, match="noise must hold shares"):
        Config(noise=(0.0,))
    with pytest.raises(ValueError, match="weights must lie"):
        Config(weights=(0.3, 2.0))


def test_the_shipped_denoiser_loads_from_the_package() -> None:
    assert load_paraphraser("pretrained", "confidence").denoiser.config.layers == 4
