"""What the page of the rivals says of cells, by hand, and which cells are run again."""

from __future__ import annotations

import importlib
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SET = "sms_spam_rules"


@pytest.fixture
def rivals(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("rivals")


def _cell(way: str, seed: int, **figures: Any) -> dict[str, Any]:
    return {"set": SET, "way": way, "seed": seed, "rows": 2000, **figures}


def test_a_line_is_the_median_of_its_seeds_and_an_error_is_not_run(
    rivals: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = importlib.import_module("_rivals_page")
    monkeypatch.setattr(page._results, "FOLDER", tmp_path / "results")
    (tmp_path / "results").mkdir()
    scores = zip((0, 1, 2), (0.7, 0.9, 0.8), strict=True)
    cells = [_cell("tilth run", seed, macro_f1=one, cpu_s=90.0, bytes=4e6, ms=0.5) for seed, one in scores]
    cells.append(_cell("model2vec", 0, error="ImportError: no such module"))
    page.write(cells, rivals.WAYS, {SET: 2000})
    text = (tmp_path / "RIVALS.md").read_text()
    assert "| tilth run | 0.800 (0.700 to 0.900) | 1.5 | 4.0 | 0.5 | 3 |" in text
    assert "| model2vec | not run: ImportError: no such module |" in text
    assert "| AutoIntent, classic-light | not run: left out of this run |" in text


def test_labels_and_minutes_to_a_score_are_shares_of_labeling_everything(rivals: Any) -> None:
    page = importlib.import_module("_rivals_page")
    everything = {"macro_f1": 0.9, "labels": 1000.0, "cpu_s": 200.0}
    curve = {"labels": [100, 200], "macro_f1": [0.86, 0.895], "seconds": [20.0, 40.0]}
    lines = page._of_queue(0, curve, everything)
    assert lines[0][2:] == ["not reached with 200", "0.895 at the most", ""]
    assert lines[1][2:] == ["200 (20%)", "0.895", "0.7 (20%)"]  # 99% of 0.9 is 0.891
    assert lines[3][2:] == ["100 (10%)", "0.860", "0.3 (10%)"]  # 95% is 0.855


def test_a_finished_cell_is_not_run_again(rivals: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, ran = importlib.import_module("_rivals_data"), []
    monkeypatch.setattr(data, "write_rows", lambda *_: None)

    def measure(way: str, *_: object) -> dict[str, float]:
        ran.append(way)
        return {"macro_f1": 0.5}

    monkeypatch.setattr(rivals, "measure", measure)
    out = tmp_path / "cells.jsonl"
    out.write_text(json.dumps(_cell("tilth run", 0)) + "\n")
    only = ["tilth run", "model2vec"]
    asked = Namespace(out=out, sets=[SET], seeds=[0], only=only, rows=10, data=tmp_path)
    rivals.cells(asked)
    rivals.cells(asked)
    assert ran == ["model2vec"]


def test_a_fifth_of_the_labels_is_wrong_and_half_are_missing(
    rivals: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = importlib.import_module("_rivals_data")
    folder = tmp_path / SET
    folder.mkdir()
    for part in ("train", "valid", "test"):
        rows = pd.DataFrame({"v1": ["ham", "spam"] * 500, "v2": [f"{part} {place}" for place in range(1000)]})
        rows.to_csv(folder / f"{part}.csv", index=False)
    (folder / "rule.txt").write_text("ham\tthanks\tthanks a lot\n")

    def even(train: pd.DataFrame, _: Path) -> Any:
        task = data.Task(name="label", labels=("ham", "spam"))
        return data.Rows(train, task, task.codes(train["label"]), ([], []), np.full((len(train), 2), 0.5))

    monkeypatch.setattr(data, "_with_belief", even)
    drawn = data.write_rows(SET, tmp_path, 800, 0, tmp_path)
    given = drawn.rows[drawn.rows["label"].ne("")]
    assert len(given) == 400
    assert 0.15 < given["label"].ne(given["truth"]).mean() < 0.25
    assert "truth" not in pd.read_csv(tmp_path / "rows.csv").columns
    assert len(drawn.gold) == 2000


@pytest.mark.slow  # for what it imports
def test_a_fine_tuned_model_answers_in_the_order_that_it_is_asked_in(rivals: Any, tmp_path: Path) -> None:
    words = ("refund", "parcel")
    texts = [" ".join([word] * count) for count in range(1, 25) for word in words]  # as long as short ones of each
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", *words])}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path / "tiny"
    PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=4, max_position_embeddings=64, **shape)).save_pretrained(folder)
    model = rivals.peers.fine_tune(texts, [text.split()[0] for text in texts], folder, tmp_path / "model", 0, steps=150)
    asked = [texts[place] for place in (40, 3, 22, 1, 0, 31)]
    assert model.predict(asked) == [text.split()[0] for text in asked]
