from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from tests.conftest import ROWS, TASKS, HashingEncoder, make_table
from tilth import samples as table
from tilth import stage, training
from tilth.errors import RequestError
from tilth.learn.encoder.tokenizer import Tokens
from tilth.learn.encoder.trunk import Trunk, encode_with_trunk
from tilth.learn.hierarchy import decide
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache, Run, digest_tree
from tilth.training.config import Config
from tilth.training.export import onnx_graphs
from tilth.training.export.predictor import Predictor
from tilth.training.fine_tuning import TuningRows, tune
from tilth.training.fitting import _calibrated_heads
from tilth.training.heads import fit_head, predict_probabilities
from tilth.training.training_set import training_set_of

FROZEN = Config(trunk="frozen", agreement=0.5)
TUNED = Config(trunk="tuned", steps=24, passes=20, batch_size=4, learning_rate=1e-3, agreement=0.0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bert")
    words = sorted({word.strip(",") for row in ROWS for word in row[1].split()} | {"a"})
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(6)  # as many published tokenizers do; nothing of a text may be lost by it
    tokenizer.save(str(path / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=64, initializer_range=0.5,
        )  # fmt: skip
        BertModel(config).save_pretrained(path)
    return path


class FolderEncoder:
    dimensions, fingerprint = 32, "tiny"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def encode(self, texts: Any, progress: Any = None) -> np.ndarray:
        return encode_with_trunk(Trunk(self.folder).eval(), self.folder, list(texts), 64, 64)


def resources(samples: Any, encoder: Any, tmp_path: Path, tasks: tuple[Task, ...] = TASKS) -> stage.Resources:
    (tmp_path / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=encoder, cache=Cache(tmp_path / "cache"))
    return stage.Resources(tasks=tasks, seed=0, evidence=evidence, scratch=tmp_path / "scratch")


def test_stage_keeps_the_contract_and_writes_a_model_that_answers_alike(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    result = stage.perform("training", samples, FROZEN, resources(samples, FolderEncoder(folder), tmp_path))
    frame = table.to_pandas(result.samples)
    assert result.metrics["gold_rows"] == 2
    assert set(result.metrics["gold"]) == {"area", "intent"}
    assert result.metrics["trunk"]["chosen"] == "frozen"
    assert result.metrics["export"]["bytes"] < result.metrics["export"]["bytes_float"]
    assert frame["out_of_scope_score"].between(0, 1).all()
    predictor = Predictor.load(result.artifacts["model"])
    said = predictor(frame["text"].tolist())
    assert predictor(frame["text"].tolist()[:1]) == said[:1]  # no text's answer depends on its neighbors
    assert [answer["intent"]["label"] for answer in said] == frame["intent_predicted"].tolist()
    assert [TASKS[1].parent_of[label] for label in frame["intent_predicted"]] == frame["area_predicted"].tolist()
    assert result.metrics["export"]["agreement"][result.metrics["export"]["weights"]] >= 0.75


def test_a_run_folder_is_as_good_as_its_model_and_a_string_is_one_text(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    model = training.run(samples, FROZEN, resources(samples, FolderEncoder(folder), tmp_path)).artifacts["model"]
    run = Run.create(tmp_path / "runs", {})
    shutil.copytree(model, run.path / "model")
    run.promote()
    predictor = Predictor.load(tmp_path / "runs/latest")
    one = predictor("refund still missing")
    assert one == Predictor.load(model)(["refund still missing"])[0]
    assert set(one) == {"area", "intent"}
    assert set(one["intent"]) == {"label", "confidence"}
    assert repr(predictor) == (f"<Predictor of area (2 labels), intent (3 labels): {tmp_path / 'runs/latest/model'}>")
    for wrong, found in (
        (pd.DataFrame({"text": ["a"]}), "found DataFrame; of a table give"),
        ({"text": "a"}, "found dict"),
        (["a", None], "found None at place 1"),
    ):
        with pytest.raises(RequestError, match=found):
            predictor(wrong)
    bare = Run.create(tmp_path / "runs", {})
    with pytest.raises(RequestError, match="give the folder of a run that trained a model, such as data/runs/latest"):
        Predictor.load(bare.path)


def test_a_paraphrase_counts_by_its_weight(tmp_path: Path) -> None:
    frame = table.to_pandas(make_table())
    twin = frame.iloc[[0]].assign(
        id="p", source="paraphrase", parent_id=frame["id"][0], label_agreement=0.8, used=True, weight=0.25
    )
    samples = table.from_pandas(table.resolve(pd.concat([frame, twin], ignore_index=True), TASKS), TASKS)
    rows = training_set_of(table.to_pandas(samples), TASKS, resources(samples, HashingEncoder(), tmp_path))
    assert rows.labeled[-1]
    assert rows.weights["intent"][-1] == pytest.approx(0.25 * 0.8)
    assert rows.weights["intent"][0] == 1


def test_float_export_equals_the_trunk_and_long_texts_are_averaged_by_tokens(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    own = resources(samples, FolderEncoder(folder), tmp_path)
    result = training.run(samples, Config(trunk="frozen", quantize=False, max_tokens=64), own)
    model = result.artifacts["model"]
    texts = samples["text"][:]
    np.testing.assert_allclose(Predictor.load(model).embed(texts), own.evidence.encoder.encode(texts), atol=0.02)
    frame, vectors = table.to_pandas(samples), own.evidence.embeddings()
    fitted = _calibrated_heads(training_set_of(frame, TASKS, own), vectors, None)
    for task, expected in predict_probabilities(fitted, vectors).items():
        np.testing.assert_allclose(Predictor.load(model).answers(texts).probabilities[task], expected, atol=0.03)
    settings = json.loads((model / "tilth.json").read_text())
    (model / "tilth.json").write_text(json.dumps({**settings, "max_tokens": 5}))  # 3 words a chunk
    predictor = Predictor.load(model)
    whole, first, second = predictor.embed(["refund slow internet red", "refund slow internet", "red"])
    mixed = 3 * first + 1 * second
    np.testing.assert_allclose(whole, mixed / np.linalg.norm(mixed), atol=1e-5)


def test_of_a_very_long_text_an_export_reads_the_chunks_that_the_encoder_reads(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    own = resources(samples, FolderEncoder(folder), tmp_path)
    model = training.run(samples, Config(trunk="frozen", quantize=False), own).artifacts["model"]
    settings = json.loads((model / "tilth.json").read_text())
    (model / "tilth.json").write_text(json.dumps({**settings, "max_tokens": 5, "max_chunks": 2}))  # 3 words a chunk
    words = "refund slow internet red red red my refund late"  # the second of three chunks is left out
    whole, first, third = Predictor.load(model).embed([words, "refund slow internet", "my refund late"])
    np.testing.assert_allclose(whole, (first + third) / np.linalg.norm(first + third), atol=1e-5)


def test_tuned_trunk_learns_is_repeatable_and_leaves_global_randomness_alone(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    before = torch.random.get_rng_state()
    found = [training.run(samples, TUNED, resources(samples, FolderEncoder(folder), tmp_path / name)) for name in "ab"]
    assert torch.equal(before, torch.random.get_rng_state())
    first, second = (result.metrics["trunk"] for result in found)
    assert first == second
    assert first["chosen"] == "tuned"
    assert set(first["held_out"]) == {"frozen", "tuned"}
    losses = next(figure for figure in found[0].figures if figure.kind == "line").data["y"]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_few_rows_take_more_passes(folder: Path) -> None:
    texts = [row[1] for row in ROWS[:4]]
    codes = np.arange(4) % 2
    vectors = encode_with_trunk(Trunk(folder), folder, texts, 64, 1)
    head = fit_head(Task(name="t", labels=("a", "b")), vectors, codes, np.ones(4), uses_parent=False)
    lessons = TuningRows(texts=texts, codes={"t": codes}, weights={"t": np.ones(4)})
    for steps, config in {150: Config(), 7: Config(steps=7)}.items():
        assert len(tune(folder, lessons, [head], config, 0)[1]) == steps


@pytest.mark.parametrize(
    ("texts", "config", "steps"),
    [
        (240, Config(), 90),  # as 12 passes over 240 rows in batches of 32 take
        (400, Config(), 150),
        (10_000, Config(), 150),
        (240, Config(steps=7), 7),
        (240, Config(passes=20), 150),
        (4, Config(batch_size=2, passes=1.5), 3),
    ],
)
def test_a_table_of_few_texts_takes_few_steps(texts: int, config: Config, steps: int) -> None:
    assert config.of_texts(texts).steps == steps


def test_steps_end_with_the_passes_over_all_texts_that_are_not_gold(folder: Path, tmp_path: Path) -> None:
    config = TUNED.model_copy(update={"passes": 2})
    result = training.run(make_table(), config, resources(make_table(), FolderEncoder(folder), tmp_path))
    losses = next(figure for figure in result.figures if figure.kind == "line").data["y"]
    assert len(losses) == 5  # ten texts, labeled or not, twice, in batches of four


def test_propagated_labels_teach_the_heads_and_no_trunk(folder: Path, tmp_path: Path) -> None:
    frame = table.to_pandas(make_table())
    more = frame[frame["split"] == "train"].assign(split="unlabeled", area_given=None, intent_given=None)
    more = more.assign(id=[f"p{row}" for row in more["id"]], text=[f"my {text}" for text in more["text"]])
    more["area"], more["intent"] = more["area"].iloc[::-1].tolist(), more["intent"].iloc[::-1].tolist()  # mistakes
    for name in ("area", "intent"):
        more[f"{name}_origin"], more[f"{name}_confidence"] = "propagated", 0.9
    both = pd.concat([frame, more], ignore_index=True)
    found = {}
    for name, rows in (("without", frame), ("with", both)):
        samples = table.from_pandas(rows, TASKS)
        given = resources(samples, FolderEncoder(folder), tmp_path / name)
        found[name] = training.run(samples, TUNED, given).metrics["trunk"]
        frozen = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path / f"{name}-frozen"))
        assert frozen.metrics["rows"] == int((rows["intent"].notna() & (rows["split"] != "gold")).sum())
    assert found["with"]["chosen"] == "tuned"
    assert found["with"]["held_out_rows"] == found["without"]["held_out_rows"] > 0
    assert found["with"]["held_out"]["tuned"] == found["without"]["held_out"]["tuned"]


def test_gold_labels_change_nothing_but_gold_figures(tmp_path: Path) -> None:
    turned_labels = {"g1": ("network", "outage"), "g2": ("billing", "refund")}
    turned = [(*row[:3], *turned_labels.get(row[0], row[3:])) for row in ROWS]
    one, two = make_table(), make_table(turned)
    a = training.run(one, FROZEN, resources(one, HashingEncoder(), tmp_path / "a"))
    b = training.run(two, FROZEN, resources(two, HashingEncoder(), tmp_path / "b"))
    assert a.samples["intent_predicted"][:] == b.samples["intent_predicted"][:]
    assert a.metrics["gold"]["intent"] == {"macro_f1": 1.0, "accuracy": 1.0}
    assert b.metrics["gold"]["intent"]["accuracy"] == 0.0


def test_without_gold_the_figures_are_cross_validated(tmp_path: Path) -> None:
    samples = make_table([row for row in ROWS if row[2] != "gold"])
    result = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path))
    assert "gold" not in result.metrics
    assert set(result.metrics["cross_validated"]) == {"area", "intent"}


def test_rows_of_one_class_have_no_score_but_a_reason(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[2] != "gold" and row[3] in ("network", None)]
    samples = make_table(rows)
    result = training.run(samples, FROZEN, resources(samples, HashingEncoder(), tmp_path / "held"))
    why = 'every row to measure it by (5) has the label "network"; a score needs two classes'
    found = result.metrics["cross_validated"]
    assert found["area"] == {"macro_f1": None, "accuracy": None, "why": why}
    assert found["intent"]["macro_f1"] is not None
    assert not [figure for figure in result.figures if figure.title.startswith("area")]
    gold = make_table([*[row for row in ROWS if row[2] != "gold"], ROWS[-1]])
    result = training.run(gold, FROZEN, resources(gold, HashingEncoder(), tmp_path / "gold"))
    why = 'every row to measure it by (1) has the label "slow"; a score needs two classes'
    assert result.metrics["gold"]["intent"] == {"macro_f1": None, "accuracy": None, "why": why}


def test_no_labels_is_a_skip_and_an_untaught_task_has_no_answer(tmp_path: Path) -> None:
    bare = make_table([(*row[:2], "unlabeled", None, None) for row in ROWS])
    assert training.run(bare, FROZEN, resources(bare, HashingEncoder(), tmp_path / "a")).skipped == "no labels"
    half = make_table([(*row[:4], None) for row in ROWS])
    result = training.run(half, FROZEN, resources(half, HashingEncoder(), tmp_path / "b"))
    assert set(result.samples["intent_predicted"]) == {None}
    assert None not in result.samples["area_predicted"]


def test_one_class_and_two_classes_and_a_class_without_rows() -> None:
    task = Task(name="t", labels=("a", "b", "c"))
    features, ones = np.eye(3, dtype=np.float32), np.ones(3)
    one = fit_head(task, features, np.array([1, 1, 1]), ones, uses_parent=False)
    assert one.probabilities(features).argmax(1).tolist() == [1, 1, 1]
    two = fit_head(task, features, np.array([2, 0, 0]), ones, uses_parent=False)
    assert two.probabilities(features).argmax(1).tolist() == [2, 0, 0]
    assert two.probabilities(features)[:, 1].max() < 1e-9


def test_decide_takes_the_child_by_joint_probability_and_its_parent_with_it() -> None:
    tasks = [task.to_json() for task in TASKS]
    # joint: refund 0.6 × 0.4 = 0.24, slow 0.4 × 0.35 = 0.14, outage 0.4 × 0.25 = 0.10
    found = decide(tasks, {"area": np.array([[0.6, 0.4]]), "intent": np.array([[0.4, 0.35, 0.25]])})
    assert found["intent"][0].tolist() == [0]
    assert found["area"][0].tolist() == [0]
    # 0.6 × 0.3 = 0.18 against 0.4 × 0.6 = 0.24: the parent follows the child against its own first choice
    found = decide(tasks, {"area": np.array([[0.6, 0.4]]), "intent": np.array([[0.3, 0.6, 0.1]])})
    assert (found["intent"][0].tolist(), found["area"][0].tolist()) == ([1], [1])
    assert found["area"][1].tolist() == pytest.approx([0.4])


def test_decide_gives_no_child_where_the_parent_has_none() -> None:
    area = Task(name="area", labels=("billing", "other"))
    intent = Task(name="intent", labels=("refund",), parent="area", parent_of={"refund": "billing"})
    found = decide([area.to_json(), intent.to_json()], {"area": np.array([[0.2, 0.8]]), "intent": np.array([[1.0]])})
    assert (found["area"][0].tolist(), found["intent"][0].tolist()) == ([1], [-1])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model\.onnx"):
        Predictor.load(tmp_path)


def test_truncation_of_the_tokenizer_file_is_replaced_by_ours(folder: Path) -> None:
    assert len(Tokens.load(folder).tokenizer.encode("refund " * 20).ids) == 22


def test_a_folder_without_a_tokenizer_file_is_read_by_transformers(folder: Path, tmp_path: Path) -> None:
    BertModel.from_pretrained(folder).save_pretrained(tmp_path / "model")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    lines = "".join(f"{word}\n" for word in sorted(words, key=words.__getitem__))
    (tmp_path / "model/vocab.txt").write_text(lines, encoding="utf-8")
    one, two = Tokens.load(folder), Tokens.load(tmp_path / "model")
    assert (one.prefix, one.suffix) == (two.prefix, two.suffix) == ([2], [3])
    assert one.chunks(["refund slow internet"], 5, 2) == two.chunks(["refund slow internet"], 5, 2)


def test_a_tuned_trunk_reads_long_texts_as_its_export_does(folder: Path, tmp_path: Path) -> None:
    samples = make_table()
    words = "refund slow internet red red red my refund late"
    own = resources(samples, FolderEncoder(folder), tmp_path)
    config = Config(trunk="frozen", quantize=False)
    model = training.run(samples, config, own).artifacts["model"]
    settings = json.loads((model / "tilth.json").read_text())
    (model / "tilth.json").write_text(json.dumps({**settings, "max_tokens": 5, "max_chunks": 2}))
    ours = encode_with_trunk(Trunk(folder).eval(), folder, [words, "red"], 5, 2)
    np.testing.assert_allclose(Predictor.load(model).embed([words, "red"]), ours, atol=0.02)


def test_a_trunk_that_is_the_same_every_night_is_traced_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, traced = make_table(), []
    trace = onnx_graphs._trace
    monkeypatch.setattr(onnx_graphs, "_trace", lambda *given: (traced.append(given), trace(*given)))
    nights = []
    for name in "abc":
        if name == "c":  # what is damaged is made again
            for file in (tmp_path / "cache" / "onnx").rglob("*.onnx"):
                file.write_bytes(file.read_bytes()[:1000])
        own = resources(samples, FolderEncoder(folder), tmp_path / name)
        shared = Evidence(samples, encoder=own.evidence.encoder, cache=Cache(tmp_path / "cache"))
        nights.append(training.run(samples, FROZEN, dataclasses.replace(own, evidence=shared)))
    assert len(traced) == 2
    assert len({digest_tree(night.artifacts["model"]) for night in nights}) == 1
    assert nights[0].metrics["export"] == nights[1].metrics["export"] == nights[2].metrics["export"]
