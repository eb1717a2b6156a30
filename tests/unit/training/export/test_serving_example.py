"""The service that `docs/model.md` shows answers over HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import tilth

PAGE = Path(__file__).parents[4] / "docs/model.md"


def test_the_service_of_the_documents_answers_as_the_model(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL", str(written))
    code = re.search(r"<!-- serving -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    service: dict[str, Any] = {"__name__": "service"}
    exec(compile(code.group(1), str(PAGE), "exec"), service)
    texts = ["refund still missing", ""]
    with TestClient(service["app"]) as client:
        answer = client.post("/predict", json={"texts": texts})
        assert answer.json() == tilth.Predictor.load(written)(texts)
        assert client.post("/predict", json={"texts": [3]}).status_code == 422
