from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.unit.night.test_incremental import at, first_rows, text, write
from tilth import night, reports, store
from tilth.reports.page.rows import map_of_texts
from tilth.store import Run


def whole_night(root: Path, **overrides: object) -> Run:
    settings = {"data.input": [str(root / "rows.csv")], "tasks": [{"name": "intent"}], **overrides}
    run = night.begin(night.Request(workspace=at(root), overrides=settings, stages=("cleaning",)))
    night.perform(run, "cleaning")
    night.finish(run)
    reports.write(run.path)
    run.promote()
    return run


def test_the_map_is_fitted_again_when_enough_texts_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[int] = []

    def counted(vectors: np.ndarray) -> np.ndarray:
        fitted.append(len(vectors))
        return vectors[:, :2].astype(np.float32)

    monkeypatch.setattr(map_of_texts, "project", counted)
    root, draw = tmp_path / "workspace", random.Random(0)
    rows = first_rows(draw, 60)
    write(root, rows)
    first = whole_night(root)
    assert fitted == [60]  # once, for the night and its page
    assert store.read_json(first.path / "report.json")["map"]["points"] == 60
    write(root, rows := pd.concat([rows, pd.DataFrame([{"id": "new", "text": text(draw, "slow"), "intent": "slow"}])]))
    second = whole_night(root)
    assert fitted == [60]
    assert store.read_json(second.path / "report.json")["map"]["points"] == 61
    assert second.record["carried"]["out"]["map.fits"] == first.record["carried"]["out"]["map.fits"]
    more = [{"id": f"more{place}", "text": text(draw, "slow"), "intent": "slow"} for place in range(4)]
    write(root, pd.concat([rows, pd.DataFrame(more)]))
    whole_night(root)  # 5 of 65 rows are others than those of the first night
    assert fitted == [60, 65]
    whole_night(root, **{"night.full": True})
    assert len(fitted) == 2  # the very same texts: from the cache
