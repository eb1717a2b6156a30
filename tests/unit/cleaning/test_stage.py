from pathlib import Path

import pytest

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import cleaning, stage
from tilth.config import load
from tilth.learn.shared_features import Evidence
from tilth.store import Cache


def test_every_bad_text_is_set_aside_with_its_reason_and_gold_stays(tmp_path: Path) -> None:
    rows = [
        *ROWS,
        ("e1", "", "unlabeled", None, None),
        ("j1", "<br> http://x.y/z 12345", "unlabeled", None, None),
        ("d1", "My REFUND has not come back to the bank!", "unlabeled", None, None),
        ("l1", "Has the refund been sent?", "train", "billing", "refund"),
    ]
    samples = make_table(rows)
    (tmp_path / "scratch").mkdir()
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(tmp_path / "cache"))  # type: ignore[arg-type]
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=tmp_path / "scratch")
    out = stage.perform("cleaning", samples, cleaning.Config(), resources).samples.to_pandas().set_index("id")
    assert out.loc[["e1", "j1", "d1", "l1"], "reason"].tolist() == ["empty", "junk", "exact_duplicate", "gold_leak"]
    assert out.loc["d1", "duplicate_of"] == "a2"
    assert out.loc[["a1", "g1"], "status"].tolist() == ["active", "active"]


def test_the_old_least_precision_is_told_and_still_works(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tilth.toml").write_text("[cleaning]\nmin_precision = 0.8\n", encoding="utf-8")
    settings = load(tmp_path / "tilth.toml", {}, {"cleaning": cleaning.Config})
    assert "cleaning.prefer" in caplog.text
    assert settings.model_dump()["cleaning"]["min_precision"] == 0.8
