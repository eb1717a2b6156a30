"""Gold rows of a picture alone: two nights are compared on those that both, or neither, learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.small_table import TASKS, make_table
from tilth.night.closing import evaluation_rows
from tilth.samples import from_pandas, to_pandas
from tilth.store import Cache, Run, write_table


def test_pictures_are_known_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = to_pandas(make_table())
    frame.loc[frame.index == 0, "text"] = ""
    frame["picture_digest"] = ["p1", *[None] * (len(frame) - 1)]
    frame["picture_path"] = ["a.png", *[None] * (len(frame) - 1)]
    other = Run.create(tmp_path / "runs", {})
    write_table(other.path / "0-input.parquet", from_pandas(frame, TASKS))
    gold = evaluation_rows._Gold(
        texts=["", "", "has the refund been sent"],
        pictures=[("p1", Path("a.png")), ("p2", Path("b.png")), None],
        tasks=("intent",),
        learned=frozenset(),
        cache=Cache(tmp_path / "cache"),
    )
    said = np.array(["refund", "slow", "refund"], dtype=object)
    monkeypatch.setattr(evaluation_rows._Gold, "model", lambda self, folder: {"intent": said})
    rows, labels = gold.answers(other)
    assert rows.tolist() == [1, 2]  # the other night learned from the first one's picture
    assert labels["intent"].tolist() == ["slow", "refund"]
