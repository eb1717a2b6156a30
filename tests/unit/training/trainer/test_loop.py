"""Fine-tuning: what it learns, and for how many steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.small_table import ROWS, make_table
from tests.unit.training.tiny_encoder import TUNED, FolderEncoder, resources
from tilth import training
from tilth.errors import ConfigError, StageError
from tilth.learn.encoder.tokenizer import Tokens
from tilth.learn.encoder.trunk import Trunk, encode_with_trunk
from tilth.samples import Task
from tilth.training.heads import Head, fit_head
from tilth.training.inputs.config import Config
from tilth.training.trainer import TuningRows, checkpoint, loop, tune, tuning
from tilth.training.trainer.batches import plan_batches, rate


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
        assert len(tune(folder, lessons, [head], config, 0).losses) == steps


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


SMALL = Config(steps=12, batch_size=4, learning_rate=1e-3, precision="float32", device="cpu")


def problem(folder: Path) -> tuple[TuningRows, Head]:
    """Eight texts of two classes, of which one has no label, and a head to start from."""
    texts = [row[1] for row in ROWS[:8]]
    codes = np.arange(8) % 2
    codes[3] = -1
    vectors = encode_with_trunk(Trunk(folder), folder, texts, 64, 1)
    known = codes >= 0
    head = fit_head(Task(name="t", labels=("a", "b")), vectors[known], codes[known], np.ones(7), uses_parent=False)
    return TuningRows(texts=texts, codes={"t": codes}, weights={"t": np.linspace(0.5, 1, 8)}), head


def by_hand(folder: Path, rows: TuningRows, head: Head, config: Config, seed: int) -> list[float]:
    """The losses of a plain loop of torch alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        trunk, tokens = Trunk(folder).train(), Tokens.load(folder)
        linear = torch.nn.Linear(head.weight.shape[1], 2)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(head.weight))
            linear.bias.copy_(torch.from_numpy(head.bias))
        encoded = tokens.chunks(rows.texts, config.max_tokens, 1)[1]
        lengths = [len(ids) for ids in encoded]
        plan = plan_batches(lengths, config.batch_size, config.steps, torch.Generator().manual_seed(seed))
        groups = [{"params": trunk.parameters()}, {"params": linear.parameters(), "lr": 100 * config.learning_rate}]
        optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate(len(plan), config.warmup))
        losses = []
        for batch in plan:
            codes = torch.from_numpy(rows.codes["t"][batch])
            weights = torch.from_numpy(rows.weights["t"][batch]).float() * (codes >= 0)
            logits = linear(trunk(*tokens.batch([encoded[row] for row in batch])))
            each = torch.nn.functional.cross_entropy(logits, codes.clamp(min=0), reduction="none")
            loss = (each * weights).sum() / weights.sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trunk.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
    return losses


def same(one: Trunk, other: Trunk) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_losses_are_those_of_a_plain_loop(folder: Path) -> None:
    rows, head = problem(folder)
    found = tune(folder, rows, [head], SMALL, 3)
    assert found.losses == pytest.approx(by_hand(folder, rows, head, SMALL, 3), abs=1e-5)
    means = dict.fromkeys(("tf32", "compile", "int8_products", "cudnn_benchmark"), False)
    done = {"steps": 12, "halved_rate": 0, "resumed_at": 0}
    assert found.facts == {"device": "cpu", "head": "linear", "precision": "float32", **means, **done}


def test_a_slow_disk_gets_fewer_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One a minute, and of one that took twenty seconds the next after three."""
    now = [0.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint, "save", lambda *_: now.append(now.pop() + 20))
    module = torch.nn.Linear(1, 1)
    kept, progress = checkpoint.Snapshot(module, torch.optim.SGD(module.parameters())), checkpoint.Progress([])
    checkpoints, due = checkpoint.Checkpoints(tmp_path, None), {}
    for second in (59, 60):
        now[0] = second
        due[second] = checkpoints.due()
    checkpoints.save(kept, progress)  # until second 80
    for second in (140, 259, 260):
        now[0] = second
        due[second] = checkpoints.due()
    assert due == {59: False, 60: True, 140: False, 259: False, 260: True}


def test_a_killed_run_ends_with_the_weights_of_a_whole_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, head = problem(folder)
    whole = tune(folder, rows, [head], SMALL, 3)
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)  # a checkpoint at every step
    monkeypatch.setattr(checkpoint, "REST", 0.0)
    steps = loop.Run._step

    def dies(run: loop.Run, step: int, slowed: int) -> float:
        if step == 7:
            raise KeyboardInterrupt
        return steps(run, step, slowed)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Run, "_step", dies)
        with pytest.raises(KeyboardInterrupt):
            tune(folder, rows, [head], SMALL, 3, tmp_path / "checkpoint")
    resumed = tune(folder, rows, [head], SMALL, 3, tmp_path / "checkpoint")
    assert resumed.facts["resumed_at"] == 7
    assert resumed.losses == whole.losses
    assert same(resumed.trunk, whole.trunk)
    again = tune(folder, rows, [head], SMALL, 3, tmp_path / "checkpoint")  # killed later in its stage
    assert again.facts["resumed_at"] == len(again.losses) == len(whole.losses)
    assert same(again.trunk, whole.trunk)


@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_a_damaged_checkpoint_is_no_checkpoint(folder: Path, tmp_path: Path, damage: str) -> None:
    rows, head = problem(folder)
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    if damage != "gone":
        (checkpoint / "steps.json").write_text('{"losses": [1.0], "slowed": 0, "scores": []}', encoding="utf-8")
        (checkpoint / "state.safetensors").write_bytes(b"" if damage == "cut" else (b"\x02" + b"\0" * 7 + b"{}"))
    assert tune(folder, rows, [head], SMALL, 3, checkpoint).facts["resumed_at"] == 0


def test_a_loss_that_is_not_finite_is_rolled_back_at_half_the_rate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows, head = problem(folder)
    loss, calls = loop.Run._loss, []

    def breaks(run: loop.Run, batch: list[int]) -> torch.Tensor:
        calls.append(batch)
        return loss(run, batch) * (float("nan") if len(calls) == 5 else 1.0)

    monkeypatch.setattr(loop.Run, "_loss", breaks)
    found = tune(folder, rows, [head], SMALL, 3)
    assert "the loss of step 5 is not a finite number (nan); training goes back to step 0" in caplog.text
    assert found.facts["halved_rate"] == 1
    assert len(found.losses) == 12
    assert np.isfinite(found.losses).all()
    assert len(calls) == 5 + 12  # from the beginning again, for nothing was kept before


def test_a_loss_that_is_never_finite_ends_the_stage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, head = problem(folder)
    monkeypatch.setattr(loop.Run, "_loss", lambda run, batch: run._model.heads[0].weight.sum() * float("inf"))
    with pytest.raises(StageError, match=r"the loss of step 1 is not a finite number \((inf|nan)\), at an eighth of"):
        tune(folder, rows, [head], SMALL, 3)


@pytest.mark.parametrize(
    ("fitting", "words"),
    [
        (2, r"4 rows .* a step, and 2 fit; set training.batch_size = 2 and training.accumulate = 2, or"),
        (1, r"4 rows .* a step, and 1 fit; set training.batch_size = 1 and training.accumulate = 4, or"),
        (0, r'4 rows .* and no single one fits; lower training.max_tokens, or set training.mode = "probe"'),
    ],
)
def test_memory_that_is_not_enough_is_said_with_the_rows_that_fit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fitting: int, words: str
) -> None:
    rows, head = problem(folder)
    loss = loop.Run._loss

    def full(run: loop.Run, batch: list[int]) -> torch.Tensor:
        """As a processor and a GPU say it."""
        if len(batch) == 4:
            torch.empty(10**15)
        if len(batch) > fitting:
            raise torch.OutOfMemoryError
        return loss(run, batch)

    monkeypatch.setattr(loop.Run, "_loss", full)
    with pytest.raises(StageError, match=words):
        tune(folder, rows, [head], SMALL, 3)


def test_another_error_than_memory_is_not_taken_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, head = problem(folder)

    def broken(run: loop.Run, batch: list[int]) -> torch.Tensor:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(loop.Run, "_loss", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        tune(folder, rows, [head], SMALL, 3)


@pytest.mark.parametrize("change", [{"accumulate": 3}, {"gradient_checkpointing": True}, {"precision": "bfloat16"}])
def test_every_way_to_save_memory_learns(folder: Path, change: dict[str, object]) -> None:
    rows, head = problem(folder)
    config = SMALL.model_copy(update={"steps": 30, **change})
    found = tune(folder, rows, [head], config, 3)
    assert np.mean(found.losses[-6:]) < np.mean(found.losses[:6])
    assert not found.trunk.training
    assert found.trunk.state_dict()[next(iter(found.trunk.state_dict()))].dtype == torch.float32


def test_checkpointed_layers_learn_the_same(folder: Path) -> None:
    rows, head = problem(folder)
    checkpointed = tune(folder, rows, [head], SMALL.model_copy(update={"gradient_checkpointing": True}), 3)
    assert checkpointed.losses == pytest.approx(tune(folder, rows, [head], SMALL, 3).losses, abs=1e-5)


def test_another_accelerator_than_the_one_that_is_named_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, head = problem(folder)
    monkeypatch.setattr(tuning, "resolve_device", lambda *_: "xpu")  # as if there were one that accelerate passes over
    with pytest.raises(ConfigError, match=r'training\.device = "xpu", and accelerate finds "cpu" before it'):
        tune(folder, rows, [head], SMALL, 3)


def test_what_the_processor_does_not_compute_in_is_refused(folder: Path) -> None:
    rows, head = problem(folder)
    with pytest.raises(ConfigError, match=r'training\.precision = "float16", and fine-tuning runs on the processor'):
        tune(folder, rows, [head], SMALL.model_copy(update={"precision": "float16"}), 3)
