"""A night that takes over what earlier ones fitted is the same night with an empty cache, whatever was edited."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tilth import night, store
from tilth.store import Run, Workspace

STAGES = ("cleaning", "weak_supervision", "active_learning")
WORDS = {
    "refund": "refund money back bank returned owed promised cheque repaid",
    "slow": "slow speed crawling buffering evening lag download loading",
    "outage": "outage red light dead router nothing connection dropped storm",
}
FUNCTION = """from snorkel.labeling import labeling_function

@labeling_function()
def words(x):
    return "{label}" if "{word}" in x.text else -1
"""


def text(draw: random.Random, label: str) -> str:
    return " ".join([*draw.choices(WORDS[label].split(), k=5), f"number {draw.randrange(10**6)}"])


def first_rows(draw: random.Random, count: int = 100) -> pd.DataFrame:
    labels = [list(WORDS)[place % 3] for place in range(count)]
    given = [None if place % 10 == 9 else label for place, label in enumerate(labels)]
    texts = [text(draw, label) for label in labels]
    return pd.DataFrame({"id": [f"r{place}" for place in range(count)], "text": texts, "intent": given})


def edited(rows: pd.DataFrame, draw: random.Random, most: int) -> pd.DataFrame:
    """The rows with some added, removed, in other words or under another label."""
    rows = rows.copy()
    for _ in range(draw.randint(1, most)):
        place, label = draw.randrange(len(rows)), draw.choice(list(WORDS))
        kind = draw.choice(("added", "removed", "reworded", "relabeled"))
        if kind == "added":
            rows.loc[len(rows)] = [f"n{draw.randrange(10**9)}", text(draw, label), label]
        elif kind == "removed":
            rows = rows.drop(index=place).reset_index(drop=True)
        else:
            rows.loc[place, "text" if kind == "reworded" else "intent"] = (
                text(draw, label) if kind == "reworded" else label
            )
    return rows


def at(root: Path) -> Workspace:
    return Workspace(root=root, config=None, data=root / "data", runs=root / "data/runs")


def write(root: Path, rows: pd.DataFrame, *, word: str = "refund") -> None:
    (root / "labeling_functions").mkdir(exist_ok=True, parents=True)
    label = next(label for label, words in WORDS.items() if word in words)
    (root / "labeling_functions/words.py").write_text(FUNCTION.format(label=label, word=word), encoding="utf-8")
    rows.to_csv(root / "rows.csv", index=False)


def one_night(root: Path, **overrides: Any) -> Run:
    settings = {"data.input": [str(root / "rows.csv")], "tasks": [{"name": "intent"}], **overrides}
    run = night.begin(night.Request(workspace=at(root), overrides=settings, stages=STAGES))
    for name in STAGES:
        night.perform(run, name)
    run.finish("completed")
    run.promote()
    return run


def fits(run: Run) -> list[dict[str, Any]]:
    return [fit for entry in run.record["stages"] for fit in entry["fits"]]


def assert_same_tables(one: Run, other: Run) -> None:
    for path in sorted(one.path.glob("[0-9]-*.parquet")):
        first, second = (store.read_table(run.path / path.name).to_pandas() for run in (one, other))
        pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(second), check_exact=False, rtol=0, atol=1e-4)


def replayed(root: Path, before: Path, **overrides: Any) -> tuple[Run, Run]:
    """A night in a workspace, and the same in a copy as it was before with an empty cache."""
    warm = one_night(root, **overrides)
    for part in ("rows.csv", "labeling_functions"):
        whole = shutil.copytree if (root / part).is_dir() else shutil.copy2
        shutil.rmtree(before / part) if (before / part).is_dir() else (before / part).unlink()
        whole(root / part, before / part)
    shutil.rmtree(before / "data/cache")
    return warm, one_night(before, **overrides)


def test_few_new_rows_cost_no_fit_and_a_full_night_makes_all_anew(tmp_path: Path) -> None:
    root, draw = tmp_path / "workspace", random.Random(0)
    rows = first_rows(draw)
    write(root, rows)
    first = one_night(root)
    assert not any(fit["reused"] for fit in fits(first))
    again = one_night(root)
    assert [entry["cached"] for entry in again.record["stages"][: len(STAGES)]] == [True] * len(STAGES)
    assert again.record["carried"] == first.record["carried"]

    shutil.copytree(root, before := tmp_path / "before", symlinks=True)
    write(root, pd.concat([rows, pd.DataFrame([{"id": "new", "text": text(draw, "slow"), "intent": "slow"}])]))
    second, replay = replayed(root, before)
    assert all(fit["reused"] for fit in fits(second))
    assert len(fits(second)) >= 5
    assert "intent: label model" in {fit["name"] for fit in fits(second)}
    assert {fit["date"] for fit in fits(second)} == {first.record["started"]}
    assert_same_tables(second, replay)
    assert second.record["carried"] == replay.record["carried"]
    assert "taken over, fitted 20" in night.line(second.record["stages"][0])

    third = one_night(root, **{"night.full": True})
    assert not any(fit["reused"] for fit in fits(third))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_replay_with_an_empty_cache_gives_the_same_tables(seed: int, tmp_path: Path) -> None:
    draw, root = random.Random(seed), tmp_path / "workspace"
    rows = first_rows(draw)
    write(root, rows)
    one_night(root)
    for turn in range(3):
        before = tmp_path / f"before-{turn}"
        shutil.copytree(root, before, symlinks=True)
        rows = edited(rows, draw, most=12)
        write(root, rows, word=draw.choice(("refund", "refund", "slow", "dead")))
        overrides = {"cleaning.prefer": "recall"} if draw.random() < 0.3 else {}
        warm, cold = replayed(root, before, **overrides)
        assert_same_tables(warm, cold)
        assert warm.record["carried"]["in"] == cold.record["carried"]["in"]
        assert np.array_equal([fit["reused"] for fit in fits(warm)], [fit["reused"] for fit in fits(cold)])


@pytest.mark.slow
def test_killed_at_any_moment_a_night_goes_on_to_the_same_tables(tmp_path: Path) -> None:
    draw = random.Random(0)
    rows, code = first_rows(draw), "import sys; from tests.unit.night.test_incremental import *; one_night(Path({!r}))"
    write(tmp_path / "whole", rows)
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", code.format(str(tmp_path / "whole"))], check=True)
    seconds = time.monotonic() - begun
    [expected] = store.all_runs(at(tmp_path / "whole").runs)
    for number in range(2):  # 50 of them: benchmarks/kills.py
        root = tmp_path / f"killed-{number}"
        write(root, rows)
        with subprocess.Popen([sys.executable, "-c", code.format(str(root))]) as process:
            time.sleep(seconds * draw.uniform(0.3, 1.0))
            process.kill()
        with at(root).lock():  # as a next night does it
            pass
        again = one_night(root)
        assert_same_tables(expected, again)
        assert all(run.record["status"] in ("failed", "completed") for run in store.all_runs(at(root).runs))
