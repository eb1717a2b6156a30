"""Each rule of the contract, broken by a stage that does nothing else: what holds the real stages must catch it."""

from __future__ import annotations

import ctypes
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset, concatenate_datasets

from tests.contract.harness import TASKS, broken_rules, perform
from tilth import samples as table
from tilth import stage as stages
from tilth.errors import ContractError

Run: TypeAlias = Callable[[Dataset, Any, stages.Resources], stages.StageResult]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Run], None]:
    """Put a stage in the place of a registered one."""

    def put(name: str, run: Run) -> None:
        config = stages.get(name).Config
        monkeypatch.setitem(sys.modules, f"tilth.{name}", SimpleNamespace(Config=config, run=run))

    return put


def scored(samples: Dataset, score: Any = 0.5) -> stages.StageResult:
    """The table with the one column that a stage of active learning may set at its pleasure."""
    frame = table.to_pandas(samples).assign(acquisition_score=score)
    return stages.StageResult(samples=table.from_pandas(frame, TASKS))


def honest(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    (resources.scratch / "own.txt").write_text("mine", encoding="utf-8")
    return scored(samples, np.random.default_rng(resources.seed).random(samples.num_rows))


def writes_into_the_memory_of_the_table(
    samples: Dataset, config: Any, resources: stages.Resources
) -> stages.StageResult:
    letters = samples.data.table["text"].chunk(0).buffers()[-1]
    ctypes.memset(letters.address, ord("x"), 1)
    return scored(samples)


def scales_the_embeddings(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    vectors = resources.evidence.embeddings()
    vectors *= 2
    return scored(samples)


def reads_the_clock(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    return scored(samples, time.perf_counter() % 1)


def draws_by_the_global_state(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    return scored(samples, np.random.random(samples.num_rows))  # noqa: NPY002


def seeds_python(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    random.seed(resources.seed)
    return scored(samples, random.random())


def seeds_numpy(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    np.random.seed(resources.seed)  # noqa: NPY002
    return scored(samples, np.random.random(samples.num_rows))  # noqa: NPY002


def seeds_torch(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    torch.manual_seed(resources.seed)
    return scored(samples, float(torch.rand(1)))


def writes_beside_scratch(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    (resources.scratch.parent / "notes.txt").write_text("not mine", encoding="utf-8")
    return scored(samples)


def writes_where_it_stands(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    subprocess.run(["touch", "notes.txt"], check=True)
    return scored(samples)


def writes_and_tidies_up(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    notes = resources.scratch.parents[2] / "notes.txt"
    notes.write_text("not mine", encoding="utf-8")
    notes.unlink()
    return scored(samples)


INPUT, SEED, STATE, WRITTEN = (
    "the input is left as it was",
    "the same seed gives the same table",
    "the global random state is left as it was",
    "nothing is written outside of scratch",
)


@pytest.mark.parametrize(
    ("run", "rules"),
    [
        (honest, []),
        (writes_into_the_memory_of_the_table, [INPUT]),
        (scales_the_embeddings, [INPUT]),
        (reads_the_clock, [SEED]),
        (draws_by_the_global_state, [SEED, STATE]),
        (seeds_python, [STATE]),
        (seeds_numpy, [STATE]),
        (seeds_torch, [STATE]),
        (writes_beside_scratch, [WRITTEN]),
        (writes_where_it_stands, [WRITTEN]),
        (writes_and_tidies_up, [WRITTEN]),
    ],
)
def test_what_a_stage_does_beside_its_work_is_seen(
    run: Run, rules: list[str], register: Callable[[str, Run], None], samples: Dataset, tmp_path: Path
) -> None:
    register("active_learning", run)
    assert broken_rules("active_learning", samples, tmp_path / "runs") == rules


def setting(**columns: Any) -> Run:
    """A stage that sets columns and does nothing else; a value may be a function of the frame."""

    def run(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
        return stages.StageResult(samples=table.from_pandas(table.to_pandas(samples).assign(**columns), TASKS))

    return run


def taking(*places: int) -> Run:
    """A stage that hands back these rows alone."""

    def run(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
        return stages.StageResult(samples=table.from_pandas(table.to_pandas(samples).iloc[list(places)], TASKS))

    return run


def without_its_last_row(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    """Drops it from the very object that it was handed."""
    samples._data = samples.select(range(samples.num_rows - 1))._data
    return stages.StageResult(samples=samples)


def with_other_texts(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
    """Puts them into the very object that it was handed."""
    samples._data = table.from_pandas(table.to_pandas(samples).assign(text="the same"), TASKS)._data
    return stages.StageResult(samples=samples)


def adding(source: str) -> Run:
    """A stage that adds a row of a source at the end."""

    def run(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
        last = table.to_pandas(samples).tail(1).assign(id="new", source=source, parent_id="a1")
        return stages.StageResult(samples=concatenate_datasets([samples, table.from_pandas(last, TASKS)]))

    return run


def leaving(**left: Any) -> Run:
    """A stage that leaves files under the folder above scratch."""

    def run(samples: Dataset, config: Any, resources: stages.Resources) -> stages.StageResult:
        above = resources.scratch.parent
        made = {key: above / "x" if key == "carried" else {"x": above / "x"} for key in left}
        return replace(scored(samples), **made)

    return run


def first_active(frame: pd.DataFrame) -> pd.Series:
    return frame["status"].where(frame.index > 0, "active")


BREACHES: dict[str, tuple[str, Run, str]] = {
    "drops a row": ("cleaning", taking(*range(11)), "dropped or reordered rows"),
    "drops every row": ("cleaning", taking(), "dropped or reordered rows"),
    "drops a row in place": ("cleaning", without_its_last_row, "dropped or reordered rows"),
    "reorders rows": ("cleaning", taking(*range(11, -1, -1)), "dropped or reordered rows"),
    "puts one row in place of another": ("augmentation", setting(id=[*"bcdefghijklm"]), "dropped or reordered rows"),
    "adds rows": ("weak_supervision", adding("paraphrase"), "only augmentation adds any"),
    "adds rows of the input": ("augmentation", adding("input"), "added rows of source .'input'."),
    "loosens a status": ("training", setting(status=first_active), "loosened a status; within a night it only"),
    "writes another stage's column": (
        "cleaning",
        setting(acquisition_score=1.0),
        'changed column "acquisition_score", which active_learning owns',
    ),
    "changes a text": ("cleaning", setting(text="the same"), 'changed column "text", which input owns'),
    "changes a text in place": ("cleaning", with_other_texts, 'changed column "text", which input owns'),
    "changes a given label": ("cleaning", setting(intent_given="slow"), '"intent_given", which input owns'),
    "moves a row out of gold": ("training", setting(split="train"), 'changed column "split", which input owns'),
    "puts a label in force": ("training", setting(intent="slow"), 'changed column "intent", which resolve owns'),
    "invents a column": ("cleaning", setting(surprise=1.0), "surprise"),
    "invents a status": ("cleaning", setting(status="doubtful"), r"holds \['doubtful'\], expected words of Status"),
    "leaves a file elsewhere": ("active_learning", leaving(artifacts=True), "outside its scratch folder"),
    "carries a folder elsewhere": ("active_learning", leaving(carried=True), "outside its scratch folder"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_what_a_stage_may_not_hand_back_is_refused_by_name(
    breach: str, register: Callable[[str, Run], None], samples: Dataset, tmp_path: Path
) -> None:
    name, run, told = BREACHES[breach]
    frame = table.to_pandas(samples)
    table.escalate_status(frame, frame.index == 0, table.Status.QUARANTINED, table.Reason.JUNK)
    register(name, run)
    with pytest.raises(ContractError, match=told):
        perform(name, table.from_pandas(frame, TASKS), tmp_path)


def test_a_stage_that_keeps_all_of_it_is_let_through(
    register: Callable[[str, Run], None], samples: Dataset, tmp_path: Path
) -> None:
    register("active_learning", honest)
    result = perform("active_learning", samples, tmp_path)
    assert table.to_pandas(result.samples)["acquisition_score"].notna().all()
