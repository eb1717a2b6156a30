from __future__ import annotations

import dataclasses
import errno
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from tests.small_table import TASKS, make_table
from tests.unit.training.tiny_encoder import FolderEncoder, resources
from tilth import samples as table
from tilth import stage
from tilth.errors import StageError
from tilth.store import read_json, write_json
from tilth.training import Config
from tilth.training.compression import compressor, full_model
from tilth.training.compression.candidate import Candidate
from tilth.training.compression.compressor import _Attempt, compress
from tilth.training.compression.config import ContractConfig
from tilth.training.compression.contract import nearest, settle, slower_here, uncertain_points
from tilth.training.compression.cost import Costs
from tilth.training.compression.held_out import CrossValidated, HeldOut
from tilth.training.compression.student.shape import Shape
from tilth.training.export import Predictor
from tilth.training.export.graphs import onnx_graphs
from tilth.training.exporting import Exporter, exporting
from tilth.training.views.view_pooling import Wording

WORDS = ("my", "the", "again", "at", "night", "very", "so", "two", "box", "bank")
ROWS = [
    (f"{kind}{first}{second}", f"{about} {first} {second}", "train", area, kind)
    for kind, about, area in (
        ("refund", "refund is late", "billing"),
        ("slow", "internet slow", "network"),
        ("outage", "red light", "network"),
    )
    for first in WORDS
    for second in WORDS
] + [("u1", "refund again", "unlabeled", None, None), ("g1", "so slow", "gold", "network", "slow")]


def night(folder: Path, tmp_path: Path, **contract: Any) -> tuple[Any, Any]:
    samples = make_table(ROWS)
    config = Config.model_validate({"trunk": "frozen", "wording": "never", "contract": contract or True})
    made = resources(samples, FolderEncoder(folder), tmp_path)
    return stage.perform("training", samples, config, made), made


def test_a_clock_that_contradicts_the_estimate_is_reported() -> None:
    contract = ContractConfig(throughput=5.8)
    assert slower_here(contract, {"1": 6.0, "32": 5.8}) is None
    assert slower_here(ContractConfig(size_mb=5), {"1": 1.0, "32": 1.0}) is None
    found = slower_here(contract, {"1": 6.0, "32": 4.5})
    assert found is not None
    assert "6.0 at batch 1 and 4.5 at batch 32 times the throughput, where 5.8 is asked for" in found


def test_the_default_contract_exports_a_smaller_model_that_answers_every_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    embed = Predictor.embed

    def noting(model: Predictor, texts: Sequence[str]) -> np.ndarray:
        read.extend(texts)
        return embed(model, texts)

    monkeypatch.setattr(Predictor, "embed", noting)
    result, _ = night(folder, tmp_path)
    found = result.metrics["compression"]
    frame = table.to_pandas(result.samples)
    model = result.artifacts["model"]
    assert found["answer"] == "refused"  # six times as fast without a layer less: no
    assert found["why"].endswith("at least 5.8 is asked for")
    assert found["contract"] == {**found["contract"], "size_mb": 7.5, "throughput": 5.8, "points_lost": 1.0}
    assert found["chosen"]["points_lost"] <= 1
    assert set(found["chosen"]["throughput"]) == {"1", "32"}
    assert [figure.title for figure in result.figures if "maller" in figure.title] == ["Smaller models"]
    assert found["gold"]["rows"] == 1
    assert read.count(*frame.loc[frame["split"] == "gold", "text"]) == 1  # for the loss on gold and the answers
    assert found["gold"]["flipped"] == {"area": 0, "intent": 0}
    assert len(found["tried"]) == 1  # eight bits would be larger and no faster
    assert result.carried is None  # the next night starts from a winner alone
    assert result.metrics["export"]["weights"] == "packed"
    assert result.metrics["export"]["bytes"] == sum(path.stat().st_size for path in model.iterdir())
    codes = Predictor.load(model).answers(frame["text"].tolist()).codes["intent"]
    assert TASKS[1].decoded(codes).tolist() == frame["intent_predicted"].tolist()
    assert (frame["intent_predicted"] == frame["intent_given"])[:-2].mean() > 0.9


def test_a_held_out_text_is_counted_as_a_vocabulary_reads_it_that_was_cut_without_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[HeldOut, np.ndarray]] = []
    answers = CrossValidated.answers

    def noting(rows: CrossValidated, vectors: np.ndarray) -> Any:
        counted.append((rows.rows, vectors))
        return answers(rows, vectors)

    monkeypatch.setattr(CrossValidated, "answers", noting)
    own = "refund is late everything"  # no other text has that word, and the tiny tokenizer no letters to read it by
    samples = make_table([*ROWS, ("own", own, "train", "billing", "refund")])
    config = Config.model_validate({"trunk": "frozen", "wording": "never", "contract": {"size_mb": 9}})
    made = resources(samples, FolderEncoder(folder), tmp_path)
    result = stage.perform("training", samples, config, made)
    rows, vectors = counted[-1]
    texts = list(rows.texts)
    assert sorted(rows.rows.tolist()) == [*range(301), 302]  # few labels: all rows but gold are compared, in their fold
    assert texts == [table.to_pandas(samples)["text"][row] for row in rows.rows]
    assert result.metrics["compression"]["chosen"]["measured_rows"] == 301
    model, place = Predictor.load(result.artifacts["model"]), texts.index(own)
    seen, unseen = model.embed([own, "refund is late zzz"])
    assert np.abs(vectors[place] - unseen).max() < 1e-5
    assert np.abs(vectors[place] - seen).max() > 1e-2
    other = (place + 1) % len(texts)
    assert np.abs(vectors[other] - model.embed([texts[other]])[0]).max() < 1e-5


def test_what_forms_of_one_encoder_share_is_made_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for module, name in ((full_model, "share_products"), (onnx_graphs, "quantize"), (exporting, "fit_scope")):
        call = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *some, call=call, name=name: made.append(name) or call(*some))
    tried = night(folder, tmp_path, throughput=100, points_lost=0)[0].metrics["compression"]["tried"]
    assert len(tried) == 4  # no form is sure to lose nothing
    assert sorted(made) == ["fit_scope"] * 2 + ["quantize", "share_products"]  # for the forms, and for what is exported


@pytest.mark.parametrize("tries", [1, 2])
def test_the_wording_alone_takes_no_place_of_a_shape_that_is_distilled(tries: int) -> None:
    attempt: Any = SimpleNamespace(_contract=ContractConfig(tries=tries), _full=SimpleNamespace(layers=6), _last=None)
    wording = Shape(layers=(), meaning=False)
    half, third = Shape(layers=(0, 2, 5)), Shape(layers=(0, 5))
    found = list(_Attempt._within_tries(attempt, [wording, WHOLE, half, third]))
    assert found == [wording, half, third][: 1 + tries]


FILES = ["compression.json", "student.json", "student.safetensors", "texts.npy"]
CONTRACT = {"steps": 60, "throughput": 4.2, "points_lost": 30, "trials": 6}


@pytest.mark.slow
def test_the_model_for_the_edge_reads_by_the_same_cut_vocabulary(folder: Path, tmp_path: Path) -> None:
    samples = make_table(ROWS)
    config = Config.model_validate({"trunk": "frozen", "wording": "never", "edge": True})
    result = stage.perform("training", samples, config, resources(samples, FolderEncoder(folder), tmp_path))
    assert result.metrics["compression"]["chosen"]["shape"]["cut_vocabulary"]
    texts = [row[1] for row in ROWS]
    codes = [Predictor.load(result.artifacts[name]).answers(texts).codes["intent"] for name in ("model", "edge")]
    assert (codes[0] == codes[1]).mean() > 0.95


@pytest.mark.slow
def test_the_wording_alone_is_the_far_end(folder: Path, tmp_path: Path) -> None:
    samples = make_table(ROWS)
    contract = {"throughput": 12, "points_lost": 5, "steps": 0}
    config = Config.model_validate({"trunk": "frozen", "wording": "always", "contract": contract})
    made = resources(samples, FolderEncoder(folder), tmp_path)
    result = stage.perform("training", samples, config, made)
    found = result.metrics["compression"]
    assert found["chosen"]["in_words"] == "wording alone"
    assert found["chosen"]["points_lost"] <= 5
    model = Predictor.load(result.artifacts["model"])
    assert model("refund is late my box")["intent"]["label"] == "refund"
    assert model.settings["dimensions"] == 1


@pytest.mark.slow
def test_a_night_distils_and_meets_its_contract_and_the_next_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = night(folder, tmp_path, **CONTRACT)
    found = result.metrics["compression"]
    assert found["answer"] == "met"
    assert min(found["chosen"]["throughput"].values()) > 1
    assert result.carried is not None
    won = read_json(result.carried / "compression.json")
    assert won == found["chosen"]["shape"]
    again = resources(make_table(ROWS), FolderEncoder(folder), tmp_path / "b")
    config = Config.model_validate({"trunk": "frozen", "wording": "never", "contract": CONTRACT})
    samples = make_table(ROWS)
    monkeypatch.delattr("tilth.training.compression.full_model.read_texts")  # the full encoder reads nothing again
    second = stage.perform("training", samples, config, dataclasses.replace(again, carried=result.carried))
    assert second.metrics["compression"]["looked_at"] == 0  # no search: last night's winner keeps the contract
    assert second.metrics["compression"]["chosen"]["shape"] == won
    (tried,) = second.metrics["compression"]["tried"]  # one shape is made anew, in a fifth of the steps
    assert (found["chosen"]["steps"], tried["steps"]) == (60, 12)
    assert tried["loss"] < found["chosen"]["loss"]
    assert second.carried is not None
    assert sorted(path.name for path in second.carried.iterdir()) == FILES


def test_a_full_disk_is_said(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tilth.training.compression.compressor.make_candidate", full)
    with pytest.raises(StageError, match=r"the disk is full: the model could not be written in .*scratch"):
        night(folder, tmp_path)


def test_a_shape_that_onnx_runtime_refuses_is_given_up_and_the_next_one_is_made(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, asked = compressor.make_candidate, []

    def failing_first(full: Any, shape: Shape, *rest: Any) -> Candidate:
        asked.append(shape)
        if len(asked) == 1:  # a real one: no file is an invalid graph
            onnxruntime.InferenceSession(b"no graph")
        return make(full, shape, *rest)

    monkeypatch.setattr(compressor, "make_candidate", failing_first)
    result, _ = night(folder, tmp_path, size_mb=9)
    found = result.metrics["compression"]
    (why,) = found["given_up"]
    assert why.startswith(f"{asked[0]}: [ONNXRuntimeError] : ")
    assert len(asked) > 1
    assert found["chosen"]["shape"] == asked[-1].to_json()


class Beside:
    """Nine megabytes of a model of pictures."""

    bytes = 9_000_000

    def write(self, folder: Path) -> dict[str, Any]:
        assert folder.name == "model"
        return {"weights": "int8"}


def test_the_files_of_a_model_of_pictures_count(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exporter, "_picture_side", Beside())
    result, _ = night(folder, tmp_path, size_mb=8)
    found = result.metrics["compression"]
    assert found["answer"] == "refused"
    assert found["why"].endswith("MB, at most 8 are asked for")
    files = sum(path.stat().st_size for path in result.artifacts["model"].iterdir())
    assert result.metrics["export"]["bytes"] == 9_000_000 + files
    assert result.metrics["export"]["pictures"] == {"weights": "int8"}


def test_without_a_contract_nothing_is_looked_at() -> None:
    nothing: Any = None
    found = compress(nothing, ContractConfig(enabled=False))
    assert found.candidate is None
    assert found.facts == {"answer": "none asked for"}


HELD = HeldOut(
    tasks=TASKS[:1],
    rows=np.arange(40),
    texts=["a"] * 40,
    truth={"area": np.array([0] * 20 + [1] * 20)},
    wording=Wording(),
    codes={"area": np.array([0] * 20 + [1] * 20)},
)


def test_points_are_counted_in_the_mean_and_in_the_worst_class() -> None:
    """Five of the second class's twenty answered wrongly: F1 of 40/45 and of 30/35 for 1 and 1."""
    loss = HELD.loss({"area": np.array([0] * 25 + [1] * 15)})
    assert loss.points == pytest.approx(100 * (1 - (40 / 45 + 30 / 35) / 2))
    assert loss.worst_points == pytest.approx(100 * (1 - 30 / 35))
    assert loss.worst_class == "network"
    # Each right row moves the worse model's macro-F1 by 1/405 or 1/245, each wrong one by -(8/9/45 + 6/7/35) / 2.
    moved = 20 / 405**2 + 15 / 245**2 + 5 * ((8 / 9 / 45 + 6 / 7 / 35) / 2) ** 2
    assert loss.interval[1] - loss.points == pytest.approx(196 * (moved + 1 / 40**2) ** 0.5)
    assert loss.flips["area"].tolist() == [20, 21, 22, 23, 24]


def test_who_guesses_is_no_better_than_chance() -> None:
    """One label for all of two classes of 20: F1 of 40/60 and 0. Answers that stand anywhere: 0.5, give or take."""
    assert 0.55 < HELD.chance() < 0.8 < HELD.macro_f1(HELD.codes)
    alike = dataclasses.replace(HELD, codes={"area": np.zeros(40, dtype=int)})
    assert alike.chance() == pytest.approx((40 / 60 + 0) / 2) == alike.macro_f1(alike.codes)
    guessed = {"area": np.tile([0, 1], 20)}
    assert HELD.macro_f1(guessed) == pytest.approx(0.5)  # more than one label for all has
    assert dataclasses.replace(HELD, codes=guessed).chance() > 0.5


def test_a_teacher_no_better_than_chance_and_few_held_out_rows_are_refused(folder: Path, tmp_path: Path) -> None:
    labels = [row[3:] for row in ROWS[:300]]
    order = np.random.default_rng(0).permutation(300).tolist()
    guessing = [(*row[:3], *labels[place]) for row, place in zip(ROWS, order, strict=False)]
    for name, rows, why in (
        ("chance", guessing, "the model itself is no better than chance on held-out rows"),
        ("few", ROWS[::3], "19 held-out rows, 50 are needed"),
    ):
        config = Config.model_validate({"trunk": "frozen", "wording": "never"})
        samples = make_table(rows)
        made = resources(samples, FolderEncoder(folder), tmp_path / name)
        result = stage.perform("training", samples, config, made)
        found = result.metrics["compression"]
        assert (found["answer"], "chosen" in found) == ("refused", False)
        assert why in found["why"]
        assert result.metrics["export"]["weights"] != "packed"  # the full model


def test_what_all_layers_keep_is_not_searched_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("tilth.training.compression.compressor.search")
    found = night(folder, tmp_path, size_mb=9, steps=20)[0].metrics["compression"]
    assert (found["answer"], found["steps"], found["looked_at"]) == ("met", 20, 0)
    assert [one["in_words"] for one in found["tried"]] == ["layers 1; cut vocabulary; 4 bits"]


def test_last_nights_winner_is_tried_before_smaller_forms(folder: Path, tmp_path: Path) -> None:
    won = Shape(layers=(0,), bits=8)
    carried = tmp_path / "carried"
    carried.mkdir()
    write_json(carried / "compression.json", won.to_json())
    samples = make_table(ROWS)
    config = Config.model_validate({"trunk": "frozen", "wording": "never", "contract": {"size_mb": 9}})
    made = resources(samples, FolderEncoder(folder), tmp_path / "night")
    result = stage.perform("training", samples, config, dataclasses.replace(made, carried=carried))
    tried = result.metrics["compression"]["tried"]
    assert [one["shape"] for one in tried] == [won.to_json()]
    assert result.metrics["compression"]["answer"] == "met"


def test_a_class_with_two_held_out_rows_says_nothing_of_the_worst() -> None:
    few = dataclasses.replace(HELD, rows=np.arange(4), texts=["a"] * 4, truth={"area": np.array([0, 0, 1, 1])})
    few = dataclasses.replace(few, codes={"area": np.array([0, 0, 1, 1])})
    assert few.loss({"area": np.array([0, 0, 0, 0])}).worst_points is None


COSTS = Costs(
    layers=6, width=384, channels=1536, pieces=30_522, kept_pieces=5_000, positions=512, tokenizer_bytes=466_000,
    other_bytes=1_000_000,
)  # fmt: skip


def candidate(size: float, codes: np.ndarray, shape: Shape) -> Candidate:
    loss = HELD.loss({"area": codes})
    made: Any = Candidate
    return made(shape=shape, model=None, folder=Path(), graph=Path(), size=int(size * 1e6), loss=loss, facts={})  # type: ignore[no-any-return]


RIGHT, WRONG = np.array([0] * 20 + [1] * 20), np.array([0] * 25 + [1] * 15)
SMALL, WHOLE = Shape(layers=(0, 5)), Shape(layers=tuple(range(6)))


def test_a_contract_is_met_or_says_by_how_much_it_is_not() -> None:
    asked = ContractConfig(size_mb=3.0, throughput=5.8, points_lost=1.0, points_lost_worst_class=2.0)
    assert settle(asked, candidate(2.5, RIGHT, SMALL), COSTS).met
    missed = settle(asked, candidate(4.5, WRONG, WHOLE), COSTS)
    assert missed.misses[0] == "4.50 MB, at most 3 are asked for"
    assert missed.misses[1].endswith("at least 5.8 is asked for")
    assert missed.misses[2] == "12.70 points lost (1.2 to 24.2), at most 1 are allowed"
    assert missed.misses[3] == '14.3 points lost in "network", at most 2 are allowed'


def test_the_nearest_keeps_the_points() -> None:
    asked = ContractConfig(size_mb=1.0, points_lost=1.0)
    tried = [candidate(2, WRONG, SMALL), candidate(4, RIGHT, WHOLE), candidate(3, RIGHT, WHOLE)]
    pairs = [(one, settle(asked, one, COSTS)) for one in tried]
    chosen = nearest(pairs)
    assert chosen is not None
    assert chosen[0] is tried[2]
    assert nearest(pairs[:1]) is None


def test_a_refused_contract_exports_what_surely_keeps_the_points() -> None:
    """One of 40 rows flipped: 2.5 points, up to 9.4 by the interval; none flipped: 0, up to 4.9."""
    asked, one = ContractConfig(size_mb=1.0, points_lost=5.0), np.array([0] * 21 + [1] * 19)
    tried = [candidate(size, codes, WHOLE) for size, codes in ((2, one), (4, RIGHT), (3, RIGHT))]
    pairs = [(some, settle(asked, some, COSTS)) for some in tried]
    assert [verdict.surely for _, verdict in pairs] == [False, True, True]
    assert nearest(pairs) == pairs[2]
    assert nearest(pairs[:1]) == pairs[0]  # better than none
    larger = ContractConfig(size_mb=2.0, points_lost=5.0)
    met = settle(larger, tried[0], COSTS)
    assert met.met  # a contract is decided by the estimate
    assert nearest([*pairs, (tried[0], met)]) == (tried[0], met)
    assert uncertain_points(larger, tried[0].loss) is not None
    assert "2.5 points are lost on 40 held-out rows" in str(uncertain_points(larger, tried[0].loss))
    assert uncertain_points(larger, tried[1].loss) is None


def test_size_is_counted_by_what_is_left() -> None:
    """Tables of 5,512 rows and six layers of 1,769,472 weights, half a byte each, deflated by a twenty-fifth."""
    tokenizer = 466_000 * 5_000 / 30_522
    assert COSTS.megabytes(WHOLE) == pytest.approx(
        ((5_512 * 384 + 6 * 1_769_472) / 2 * 0.96 + tokenizer + 1_000_000) / 1e6
    )
    assert COSTS.throughput(SMALL) > COSTS.throughput(WHOLE)
    three = Shape(layers=(0, 2, 5))  # clocked at 5.3, and at 6.0 with fewer channels
    assert COSTS.slowest(three) < 5.8 < COSTS.slowest(dataclasses.replace(three, channels=0.7))
    assert COSTS.throughput(Shape(layers=(0, 5), channels=0.5)) > COSTS.throughput(SMALL)


def test_contracts_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="enabled = false asks for no contract"):
        ContractConfig(enabled=False, size_mb=3)
    with pytest.raises(ValueError, match="batch, threads say what latency_ms is of"):
        ContractConfig(batch=4, threads=2)
    with pytest.raises(ValueError, match=r"no model is smaller than 0.05"):
        ContractConfig(size_mb=0.01)
    assert not Config.model_validate({"contract": False}).contract.enabled
    assert ContractConfig(size_mb=3).filled().points_lost == 1.0
