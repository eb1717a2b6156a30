"""Which results of a stage another night may take."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset

from tilth.night.stages.result_cache import kept
from tilth.night.stages.stage_runner import write_result
from tilth.stage.contract import StageResult


def test_a_result_is_kept_unless_somebody_who_was_asked_gave_no_answer(samples: Dataset, tmp_path: Path) -> None:
    assert not kept(tmp_path / "none")
    write_result(tmp_path / "whole", StageResult(samples=samples))
    assert kept(tmp_path / "whole")
    write_result(tmp_path / "partial", StageResult(samples=samples, unavailable_services=("languagetool",)))
    assert not kept(tmp_path / "partial")
