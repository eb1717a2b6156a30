"""The end of a night's record."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tilth.errors import RequestError
from tilth.night.closing import closing
from tilth.store import Fits, Run


def test_the_map_is_placed_while_the_record_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both, order = threading.Barrier(2, timeout=20), list[str]()

    def place(run: Run) -> Fits:
        both.wait()  # which nobody leaves before the other has come
        return Fits(date="of the map")

    def close(run: Run) -> None:
        both.wait()
        order.append("closed")

    def carry(run: Run, placed: Any) -> None:
        order.append(placed.result().date)

    monkeypatch.setattr(closing, "_place_texts", place)
    monkeypatch.setattr(closing, "_close_record", close)
    monkeypatch.setattr(closing, "_carry_map", carry)
    monkeypatch.setattr(closing, "_measure", lambda run: {"order": list(order)})
    assert closing.finish(Run(tmp_path)) == {"order": ["closed", "of the map"]}


def test_a_night_is_closed_where_its_map_cannot_be_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def place(run: Run) -> Fits:
        raise RequestError("no vectors")

    monkeypatch.setattr(closing, "_place_texts", place)
    monkeypatch.setattr(closing, "_close_record", lambda run: None)
    monkeypatch.setattr(closing, "_measure", lambda run: {"closed": True})
    with caplog.at_level("INFO", logger=closing.__name__):
        assert closing.finish(Run(tmp_path)) == {"closed": True}
    assert "the map's places are not carried: RequestError: no vectors" in caplog.text
