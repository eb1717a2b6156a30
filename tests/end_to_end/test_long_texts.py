"""A night of long texts, each of which says what it is about in one sentence: a night finds it by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.command_line import Workspace
from tilth.training import Predictor

pytestmark = pytest.mark.slow
RAW = Path(__file__).parents[2] / "data" / "raw"
INTENTS = ["delivery_tracking", "no_internet", "sim_activation"]
PARTS = (
    ["The old harbor", "A small garden", "The town library", "Our village school", "The stone bridge"],
    ["was opened", "was painted", "stood empty", "was much loved", "drew visitors"],
    ["in a warm spring", "after the long war", "before the railway came", "for a hundred years", "on market days"],
    ["by people of the valley", "near the river", "under a gray sky", "beside the church", "to everybody's surprise"],
)


def long_rows(requests: pd.Series, random: np.random.Generator) -> list[str]:
    texts = []
    for request in requests:
        said = [" ".join(random.choice(part) for part in PARTS) + "." for _ in range(45)]
        said.insert(int(random.integers(46)), request)
        texts.append(" ".join(said))
    return texts


def test_the_sentence_that_decides_is_found(tmp_path: Path) -> None:
    random, truth = np.random.default_rng(0), pd.read_csv(RAW / "truth.csv")
    rows = pd.read_csv(RAW / "inbox.csv")[["id", "text"]].merge(truth[truth["kind"] == "message"], on="id")
    rows = rows[rows["intent"].isin(INTENTS) & (rows["text"].str.len() < 120) & rows["duplicate_of"].isna()]
    rows = rows.groupby("intent").head(45).sample(frac=1, random_state=0)
    rows["request"], rows["text"] = rows["text"], long_rows(rows["text"], random)
    gold = rows.groupby("intent").head(9)
    train = rows.drop(gold.index)
    train[["text", "intent"]].to_csv(tmp_path / "train.csv", index=False)
    gold[["text", "intent"]].to_csv(tmp_path / "gold.csv", index=False)
    (tmp_path / "tilth.toml").write_text("seed = 0\n")
    workspace = Workspace(tmp_path)

    done = workspace("run", "--input", "train.csv", "--gold", "gold.csv", "--text", "text", "--label", "intent")

    assert done.returncode == 0, done.stderr
    assert "100% of the texts have more than 256 words: long ones are read sentence by sentence" in done.stderr
    record = workspace.record()
    stages = {one["name"]: one for one in record["stages"]}
    assert record["gold"]["intent"]["macro_f1"] >= 0.6, "by the mean of all passages 0.2 to 0.4"
    facts = stages["training"]["metrics"]["trunk"]["passages"]["intent"]
    assert facts["passages"] > facts["mean"]
    assert not {"near_duplicate", "boilerplate"} & {*stages["cleaning"]["quarantined"], *stages["cleaning"]["review"]}
    assert stages["augmentation"]["skipped"] == "every text is longer than the 48 tokens of a paraphrase's source"
    table = pd.read_parquet(workspace.runs[-1] / "5-training.parquet").set_index("text")
    assert stages["cleaning"]["metrics"]["tasks"]["intent"]["issues"] < 0.1 * len(train), "all labels are right"
    found = [said in request for said, request in zip(table.loc[gold["text"], "passage"], gold["request"], strict=True)]
    assert np.mean(found) > 0.35, "of 46 sentences, by 36 texts a class"
    explained = workspace("explain", str(table["id"].iloc[0]))
    assert "model read" in explained.stdout
    predictor = Predictor.load(workspace.runs[-1])
    codes = predictor.answers(gold["text"].tolist()[:5]).codes["intent"].tolist()
    labels = predictor.tasks[0]["labels"]
    assert [labels[code] for code in codes] == table.loc[gold["text"], "intent_predicted"].tolist()[:5]
