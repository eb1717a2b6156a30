"""A stage that fails: exit status 1, one clear line, a record that names the stage, and a night that can go on."""

from __future__ import annotations

import shutil

import pytest

from tests.command_line import PATIENCE, Workspace

pytestmark = pytest.mark.slow

DENOISER = ("--set", "augmentation.denoiser=./hollow", "--to", "augmentation")


def test_a_stage_that_fails_is_named_in_one_line(warm: Workspace) -> None:
    (warm.root / "hollow").mkdir()
    (warm.root / "hollow/config.json").write_text("{}", encoding="utf-8")
    (warm.root / "hollow/diffusion_pytorch_model.safetensors").write_text("no weights", encoding="utf-8")
    done = warm("run", *DENOISER)
    assert done.returncode == 1
    failed = [line for line in done.stderr.splitlines() if "failed" in line]
    assert failed == done.stderr.splitlines()[-1:]
    assert failed[0].startswith("tilth: stage augmentation failed: ")
    assert "hollow" in failed[0]
    assert "tilth run goes on from there" in failed[0]
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["cleaning", "weak_supervision"]
    record = warm.record()
    assert record["status"] == "failed"
    assert record["failed"]["stage"] == "augmentation"
    assert "Traceback" in record["failed"]["traceback"]
    assert record["error"] in done.stderr
    assert not (warm.data / "runs/latest").exists()


def test_an_error_of_any_kind_is_told_and_its_traceback_with_v_alone(warm: Workspace) -> None:
    stages = warm.data / "cache/stages"
    shutil.rmtree(stages)
    stages.write_text("a file where a folder belongs", encoding="utf-8")
    done = warm("run", "--to", "cleaning")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("tilth: stage cleaning failed: ")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    done = warm("-v", "run", "--to", "cleaning")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert [run["status"] for run in map(warm.record, warm.runs)] == ["failed", "failed"]


def test_a_night_whose_process_dies_is_closed_by_the_command(warm: Workspace) -> None:
    (warm.root / "flows/nightly.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    done = warm("run")
    assert done.returncode == 1
    assert "ended with status 3" in done.stderr
    assert warm.record()["status"] == "failed"


def test_a_night_goes_on_when_the_reader_of_its_lines_has_seen_enough(warm: Workspace) -> None:
    process = warm.start("run", "--to", "weak_supervision")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    told = process.stderr.read()
    assert process.wait(timeout=120 * PATIENCE) == 0, told
    assert told.count("BrokenPipe") == 0
    assert warm.record()["status"] == "completed"
    assert (warm.runs[-1] / "2-weak_supervision.parquet").exists()
