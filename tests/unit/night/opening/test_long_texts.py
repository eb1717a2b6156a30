"""Which nights read long texts sentence by sentence."""

from __future__ import annotations

from datasets import Dataset

from tilth.config import EncoderConfig
from tilth.night.opening.long_texts import settle_long_texts

SHORT, LONG = "my router is dead", "word " * 17
CONFIG = EncoderConfig(max_tokens=16)


def rows(*texts: tuple[str, str]) -> Dataset:
    return Dataset.from_dict({"text": [text for text, _ in texts], "split": [split for _, split in texts]})


def settle(config: EncoderConfig, samples: Dataset) -> tuple[EncoderConfig, list[str]]:
    said: list[str] = []
    return settle_long_texts(config, samples, said.append), said


def test_passages_where_half_of_the_texts_are_long() -> None:
    found, (sentence,) = settle(CONFIG, rows((LONG, "train"), (SHORT, "unlabeled")))
    assert found.long_texts == "passages"
    assert sentence.startswith("50% of the texts have more than 16 words")


def test_chunks_where_they_are_few_and_gold_decides_nothing() -> None:
    few = rows((LONG, "train"), (SHORT, "train"), (SHORT, "train"), (LONG, "gold"), (LONG, "gold"))
    at_once = rows(("word " * 16, "train"))  # as many as are read at once
    for samples in (few, at_once, rows()):
        found, said = settle(CONFIG, samples)
        assert found.long_texts == "chunks"
        assert said == []


def test_what_the_config_names_stands() -> None:
    for way in ("chunks", "passages"):
        config = CONFIG.model_copy(update={"long_texts": way})
        assert settle(config, rows((LONG, "train"), (SHORT, "train"), (SHORT, "train"))) == (config, [])
