"""Gold decides nothing: from the files to the last stage, another gold set leaves every other row as it is.

The table is large enough that errors are planted, labels propagated and probabilities calibrated. Of the stages,
augmentation is left out, which would cost minutes; `test_stages.py` holds it to this on few rows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset
from snorkel.labeling import LabelingFunction

from tests.small_table import HashingEncoder
from tilth import samples as table
from tilth import stage as stages
from tilth.config import load
from tilth.io.ingestion import Ingested, ingest
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.functions.loader import LoadedFunction

AREA = {"refund": "billing", "invoice": "billing", "slow": "network", "outage": "network"}
WORDS = {
    "refund": "refund money back bank returned owed promised cheque repaid credited",
    "invoice": "invoice bill charge amount wrong statement paid vat total due",
    "slow": "slow speed crawling buffering evening lag download loading video stuck",
    "outage": "outage red light dead router nothing connection dropped cable storm",
}
COMMON = "please my the still since yesterday hello I have been again help today why about a is it"
STAGES = ("cleaning", "weak_supervision", "active_learning", "training")


def text(draw: random.Random, intent: str) -> str:
    words = draw.choices(WORDS[intent].split(), k=4) + draw.choices(COMMON.split(), k=4)
    words += draw.choices(WORDS[draw.choice(list(WORDS))].split(), k=2)
    return " ".join(draw.sample(words, len(words)))


def rows(draw: random.Random, prefix: str, count: int, labeled: float) -> pd.DataFrame:
    truth = [draw.choice(list(AREA)) for _ in range(count)]
    given = [draw.choice(list(AREA)) if draw.random() < 0.08 else intent for intent in truth]
    kept = [intent if draw.random() < labeled else None for intent in given]
    frame = pd.DataFrame({"id": [f"{prefix}{n}" for n in range(count)], "text": [text(draw, one) for one in truth]})
    return frame.assign(area=[AREA.get(intent or "") for intent in kept], intent=kept)


def votes(draw: random.Random, ids: Sequence[str]) -> pd.DataFrame:
    cast = [
        (row, who, draw.choice(list(AREA)) if draw.random() < 0.5 else None)
        for row in ids
        for who in ("ann", "bob", "cy")
    ]
    return pd.DataFrame(cast, columns=["id", "annotator", "intent"]).dropna()


@dataclass
class Files:
    """What a night reads."""

    train: pd.DataFrame
    gold: pd.DataFrame
    votes: pd.DataFrame

    def read(self, folder: Path) -> Ingested:
        for name in ("train", "gold", "votes"):
            getattr(self, name).to_csv(folder / f"{name}.csv", index=False)
        overrides = {
            "data": {"input": ["train.csv"], "gold": "gold.csv", "annotations": "votes.csv"},
            "tasks": [{"name": "area"}, {"name": "intent", "parent": "area"}],
        }
        return ingest(load(None, overrides, {}), folder)


def made() -> Files:
    draw = random.Random(4)
    train, gold = rows(draw, "t", 300, 0.8), rows(draw, "g", 60, 0.7)
    return Files(train, gold, votes(draw, [*train["id"][:60], *gold["id"][:40]]))


def other_labels(files: Files) -> Files:
    """The labels of gold rows dealt anew, and all that annotators say of them turned to one label."""
    gold = files.gold.copy()
    dealt = gold.sample(frac=1.0, random_state=1)
    gold[["area", "intent"]] = dealt[["area", "intent"]].to_numpy()
    cast = files.votes.copy()
    cast.loc[cast["id"].isin(gold["id"]), "intent"] = "outage"
    return Files(files.train, gold, cast)


def other_texts(files: Files) -> Files:
    """Other texts of the gold rows, none of them a train row's, many of them near to some."""
    draw = random.Random(7)
    fresh = [f"{text(draw, draw.choice(list(AREA)))} number {n}" for n in range(len(files.gold))]
    return Files(files.train, files.gold.assign(text=fresh), files.votes)


def function(name: str, term: str, label: str) -> LoadedFunction:
    voter = LabelingFunction(name, lambda x: label if term in x.text else -1)
    return LoadedFunction(task="intent", name=name, function=voter, fingerprint=name)


FUNCTIONS = (
    function("refunds", "refund", "refund"),
    function("invoices", "invoice", "invoice"),
    function("slowness", "slow", "slow"),
    function("red", "red", "outage"),
)


@dataclass
class Night:
    """What came of the stages, one after the other."""

    tasks: tuple[Task, ...]
    tables: dict[str, pd.DataFrame]
    metrics: dict[str, dict[str, Any]]


def night(files: Files, folder: Path) -> Night:
    folder.mkdir()
    read = files.read(folder)
    samples: Dataset = read.samples
    done = Night(read.tasks, {"ingest": table.to_pandas(samples)}, {})
    for name in STAGES:
        (folder / name).mkdir()
        evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
        resources = stages.Resources(
            tasks=read.tasks, seed=0, evidence=evidence, scratch=folder / name, labeling_functions=FUNCTIONS
        )
        config = {"planted": 50, "rounds": 1} if name == "cleaning" else {}
        result = stages.perform(name, samples, stages.get(name).Config(**config), resources)
        assert result.skipped is None
        samples = result.samples
        done.tables[name] = table.to_pandas(samples)
        done.metrics[name] = {key: value for key, value in result.metrics.items() if key != "gold"}
    return done


@pytest.fixture(scope="module")
def as_it_is(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return night(made(), tmp_path_factory.mktemp("as_it_is") / "night")


def test_the_table_is_large_enough_for_what_gold_might_reach(as_it_is: Night) -> None:
    cleaning, weak = as_it_is.metrics["cleaning"]["tasks"], as_it_is.metrics["weak_supervision"]["tasks"]
    assert cleaning["intent"]["error_rate"] is not None  # rows enough for the share of wrong labels to be estimated
    assert cleaning["intent"]["consensus"]["rows"] > 20
    assert weak["intent"]["weakly_labeled"] > 0
    assert weak["area"]["label_model"] == "text"
    assert weak["area"]["measured_on"] > 100
    first = as_it_is.tables["ingest"]
    assert first.loc[first["split"].eq("gold"), "intent_given"].notna().sum() > 40


@pytest.mark.parametrize("other", [other_labels, other_texts])
def test_another_gold_set_changes_gold_rows_and_gold_figures_alone(other: Any, as_it_is: Night, tmp_path: Path) -> None:
    again = night(other(made()), tmp_path / "night")
    assert again.tasks == as_it_is.tasks
    for name, before in as_it_is.tables.items():
        first, second = (
            frame[frame["split"] != "gold"].reset_index(drop=True) for frame in (before, again.tables[name])
        )
        assert len(first) == 300
        pd.testing.assert_frame_equal(first, second, check_exact=True, obj=name)
    assert again.metrics == as_it_is.metrics
