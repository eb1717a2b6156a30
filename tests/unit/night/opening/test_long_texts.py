"""Which nights read long texts sentence by sentence."""

from __future__ import annotations

import logging

import pytest
from datasets import Dataset

from tilth.config import EncoderConfig
from tilth.night.opening.long_texts import settle_long_texts
from tilth.night.opening.warnings_once import warn_once

SHORT, LONG = "my router is dead", "word " * 17
CONFIG = EncoderConfig(max_tokens=16)


def rows(*texts: tuple[str, str]) -> Dataset:
    return Dataset.from_dict({"text": [text for text, _ in texts], "split": [split for _, split in texts]})


@pytest.fixture(autouse=True)
def _nothing_said_before() -> None:
    warn_once.cache_clear()


def test_passages_where_half_of_the_texts_are_long(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = settle_long_texts(CONFIG, rows((LONG, "train"), (SHORT, "unlabeled")))
        again = settle_long_texts(CONFIG, rows((LONG, "train"), (SHORT, "unlabeled")))
    assert found == again
    assert found.long_texts == "passages"
    assert caplog.text.count("50% of the texts have more than 16 words") == 1


def test_chunks_where_they_are_few_and_gold_decides_nothing() -> None:
    few = rows((LONG, "train"), (SHORT, "train"), (SHORT, "train"), (LONG, "gold"), (LONG, "gold"))
    assert settle_long_texts(CONFIG, few).long_texts == "chunks"
    assert (
        settle_long_texts(CONFIG, rows(("word " * 16, "train"))).long_texts == "chunks"
    )  # as many as are read at once
    assert settle_long_texts(CONFIG, rows()).long_texts == "chunks"


def test_what_the_config_names_stands() -> None:
    for way in ("chunks", "passages"):
        config = CONFIG.model_copy(update={"long_texts": way})
        assert settle_long_texts(config, rows((LONG, "train"), (SHORT, "train"), (SHORT, "train"))) == config
