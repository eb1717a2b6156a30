"""The blocks of CONTRIBUTING.md, run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from tests.labeling import apply_function, failed_examples
from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import query_strategies
from tilth.cleaning.checks import text_quality
from tilth.cleaning.checks.registry import CHECKS, ordered_checks
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision.functions.loader import load_functions
from tilth.weak_supervision.voting.applier import ABSTAIN
from tilth.weak_supervision.voting.data_points import RowSimilarities, build_rows

ROOT = Path(__file__).resolve().parents[2]
MOST = 15


def sections() -> dict[str, str]:
    """What stands under each heading `## Add …`, by the heading."""
    parts = re.split(r"^## ", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {title: body for title, _, body in (part.partition("\n") for part in parts) if title.startswith("Add ")}


def block(title: str) -> str:
    """The one code block under a heading."""
    (found,) = re.findall(r"^```python\n(.*?)^```$", sections()[title], flags=re.MULTILINE | re.DOTALL)
    return str(found)


def paste(title: str, module: ModuleType) -> None:
    """Run a block as the last lines of a module, whose own names it leaves alone."""
    code = compile(block(title), f"CONTRIBUTING.md: {title}", "exec")
    exec(code, dict(vars(module)))


@contextmanager
def restored(registry: MutableMapping[str, Any]) -> Iterator[None]:
    """Whatever the block registers is gone afterwards."""
    ordered_checks()  # loads every check that there is, before it is noted which there are
    before = dict(registry)
    try:
        yield
    finally:
        registry.clear()
        registry.update(before)


def perform(name: str, samples: Dataset, folder: Path, **config: Any) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stages.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    return stages.perform(name, samples, stages.get(name).Config(**config), resources)


def test_there_are_three_ways_in_and_each_names_its_file() -> None:
    files = {
        "Add a labeling function": "labeling_functions/moving.py",
        "Add a query strategy": "src/tilth/active_learning/query_strategies.py",
        "Add a cleaning check": "src/tilth/cleaning/checks/text_quality.py",
    }
    assert set(sections()) == set(files)
    for title, file in files.items():
        assert f"`{file}`" in sections()[title]
        assert (ROOT / file).parent.is_dir()
        assert (ROOT / file).exists() == (title != "Add a labeling function")  # that one is a new file


@pytest.mark.parametrize("title", sections())
def test_no_block_is_longer_than_it_may_be(title: str) -> None:
    lines = block(title).rstrip("\n").split("\n")
    assert len(lines) <= MOST
    assert max(map(len, lines)) <= 120


def test_the_labeling_function_loads_and_votes(tmp_path: Path) -> None:
    folder = tmp_path / "labeling_functions"
    folder.mkdir()
    (folder / "moving.py").write_text(block("Add a labeling function"), encoding="utf-8")
    truth = pd.read_csv(ROOT / "data/raw/truth.csv").set_index("id")
    inbox = pd.read_csv(ROOT / "data/raw/inbox.csv")
    task = Task(name="intent", labels=tuple(sorted(truth["intent"].dropna().unique())))

    loaded = load_functions(folder, [Task(name="area", labels=("account",)), task])
    assert loaded.problems == ()
    (function,) = loaded.functions
    assert (function.task, function.name) == ("intent", "moving_words")
    encoder = HashingEncoder()
    assert failed_examples(function, task, encoder.encode) is None

    texts = inbox["text"].tolist()
    rows = build_rows(inbox[["text"]], RowSimilarities(lambda: encoder.encode(texts), encoder.encode))
    found, raised = apply_function(function, task, rows, max_failures=0)
    label = task.labels.index("moving_home")
    assert raised == 0
    assert set(found) == {label, ABSTAIN}
    right = truth.loc[inbox["id"], "intent"].to_numpy()[found == label] == "moving_home"
    assert len(right) >= 10
    assert right.mean() > 0.8


def test_the_query_strategy_asks_about_other_rows(tmp_path: Path) -> None:
    """An odd row is the least certain; the strategy asks first about one that others are like."""
    alike = [(f"k{i}", f"red light slow refund {i}", "unlabeled", None, None) for i in range(4)]
    odd = ("odd", "zebra quantum marmalade", "unlabeled", None, None)
    samples = make_table([*(row for row in ROWS if row[2] != "unlabeled"), *alike, odd])

    def ranked(folder: str, strategy: str) -> list[str]:
        result = perform("active_learning", samples, tmp_path / folder, strategy=strategy)
        frame = table.to_pandas(result.samples).dropna(subset="acquisition_rank").sort_values("acquisition_rank")
        assert result.metrics["strategy"] == strategy
        assert (np.diff(frame["acquisition_score"]) <= 0).all()
        return [str(row_id) for row_id in frame["id"]]

    with restored(query_strategies._STRATEGIES):
        paste("Add a query strategy", query_strategies)
        assert ranked("theirs", "uncertainty")[0] == "odd"
        assert ranked("dense", "dense")[-1] == "odd"
    assert "dense" not in query_strategies._STRATEGIES
    assert not hasattr(query_strategies, "dense")


def test_the_cleaning_check_sets_its_rows_aside(tmp_path: Path) -> None:
    reply = ("r1", "Fwd: what my neighbor wrote about the red light", "unlabeled", None, None)
    samples = make_table([*ROWS, reply])
    with restored(CHECKS):
        paste("Add a cleaning check", text_quality)
        result = perform("cleaning", samples, tmp_path / "with")
    frame = table.to_pandas(result.samples).set_index("id")
    assert frame.loc["r1", ["status", "reason"]].tolist() == ["quarantined", "junk"]
    assert frame.index[frame["is_forwarded_issue"]].tolist() == ["r1"]
    assert frame["forwarded_score"].tolist() == [1.0] * len(ROWS) + [0.0]
    assert result.metrics["checks"]["forwarded"] == 1

    without = table.to_pandas(perform("cleaning", samples, tmp_path / "without").samples).set_index("id")
    assert without.loc["r1", "reason"] != "junk"
    assert "forwarded_score" not in without
