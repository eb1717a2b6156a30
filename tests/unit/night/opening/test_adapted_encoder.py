"""A night adapts its encoder to long texts where the config asks for it, once for the same texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from tests.unit.learn.encoder.attention.test_long_texts import folder, text
from tilth.config import EncoderConfig
from tilth.errors import ConfigError
from tilth.learn import encoder
from tilth.learn.encoder import Encoder
from tilth.night.opening.adapted_encoder import FEWEST, adapted_encoder
from tilth.store import Cache

__all__ = ["folder"]  # a fixture


def config(folder: Path, steps: int = 3) -> EncoderConfig:
    return EncoderConfig(model=str(folder), attention="dynamic", max_tokens=80, window=192, adapt_steps=steps)


def rows(long: int, split: str = "train") -> Dataset:
    texts = [*(text(200, seed) for seed in range(long)), "w1 w2"]
    return Dataset.from_dict({"text": texts, "split": [split] * long + ["train"]})


def test_it_is_adapted_once_and_vectors_follow(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, samples = Cache(tmp_path), rows(FEWEST)
    found = adapted_encoder(config(folder), samples, cache, seed=0)
    one, two = Encoder(config(folder), cache), Encoder(found, cache)
    assert one.fingerprint != two.fingerprint
    assert np.abs(one.encode([text(200)]) - two.encode([text(200)])).max() > 1e-6
    other = adapted_encoder(config(folder), samples, cache, seed=1)
    assert other.weights != found.weights
    monkeypatch.setattr(encoder, "adapt_windows", None, raising=False)  # nothing is adapted again
    order = samples.select([*reversed(range(len(samples)))])
    assert adapted_encoder(config(folder), order, cache, seed=0) == found


@pytest.mark.parametrize("samples", [rows(FEWEST - 1), rows(40, "gold"), rows(0)])
def test_too_few_long_texts_adapt_nothing(
    samples: Dataset, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert adapted_encoder(config(folder), samples, Cache(tmp_path), seed=0) == config(folder)
    assert "the encoder stays as it came" in caplog.text


def test_by_default_nothing_is_adapted(folder: Path, tmp_path: Path) -> None:
    assert adapted_encoder(config(folder, 0), rows(40), Cache(tmp_path), seed=0) == config(folder, 0)
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_adapted_is_said_with_the_fix(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(encoder, "adapt_windows", fails, raising=False)
    with pytest.raises(ConfigError, match=r"adapt_steps = 3: .*out of memory.*set it to 0"):
        adapted_encoder(config(folder), rows(40), Cache(tmp_path), seed=0)
    with pytest.raises(ValueError, match=r'attention = "full" has none; set attention = "dynamic"'):
        EncoderConfig(adapt_steps=3)
    gone = Encoder(config(folder).model_copy(update={"weights": str(tmp_path / "gone")}), Cache(tmp_path))
    with pytest.raises(ConfigError, match=r"there is no such folder.*adapt_steps makes it anew"):
        gone.encode(["w1"])
