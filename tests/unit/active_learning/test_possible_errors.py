"""Labels of which nobody can say whether they are wrong are asked about; the answers settle it for the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import HashingEncoder
from tilth import samples as table
from tilth import stage as stages
from tilth.active_learning import Config
from tilth.active_learning.queue import QueueInputs
from tilth.active_learning.queue.possible_errors import possible_errors
from tilth.cleaning import Config as CleaningConfig
from tilth.cleaning.checks import find_conflicts
from tilth.cleaning.label_errors import find_label_errors
from tilth.learn import Evidence
from tilth.samples import Task
from tilth.store import Cache

KIND = Task(name="kind", labels=("ham", "spam"))
ROWS, LOANS = 1500, 80
"""Messages, one in six of them spam; and how many more spam are about loans."""


def messages(wrong: int) -> tuple[pd.DataFrame, np.ndarray]:
    """The first `wrong` of the spam about loans came as ham, as a rule that knows prizes alone says; and the truth."""
    rng = np.random.default_rng(0)
    words = {name: [f"{name}{i}" for i in range(many)] for name, many in (("home", 40), ("prize", 20), ("loan", 15))}
    every = [f"word{i}" for i in range(60)]
    about = ["loan" if row < LOANS else "prize" if row % 6 == 0 else "home" for row in range(ROWS)]
    truth = np.array(["ham" if one == "home" else "spam" for one in about], dtype=object)
    given = truth.copy()
    given[:wrong] = "ham"
    texts = [" ".join([*rng.choice(words[one], 4), *rng.choice(every, 4)]) for one in about]
    frame = pd.DataFrame({"id": [f"m{row}" for row in range(ROWS)], "text": texts, "split": "train"})
    frame = frame.assign(source="input", parent_id=None, status="active", reason=None, kind_given=given)
    return frame, truth


def night(frame: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table as cleaning leaves it, and the queue."""
    (folder / "scratch").mkdir(parents=True)
    samples = table.from_pandas(table.resolve(frame, [KIND]), [KIND])
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    cleaned = table.to_pandas(samples)
    find_label_errors(cleaned, [KIND], CleaningConfig(), evidence, 0, find_conflicts(cleaned, [KIND]))
    samples = table.from_pandas(table.resolve(cleaned, [KIND]), [KIND])
    resources = stages.Resources(tasks=(KIND,), seed=0, evidence=evidence, scratch=folder / "scratch", questions=())
    result = stages.perform("active_learning", samples, Config(random=0.0), resources)
    empty = pd.DataFrame({"id": [], "detector": [], "reason": []})
    return cleaned, pd.read_csv(result.artifacts["queue.csv"]) if result.artifacts else empty


def answered(frame: pd.DataFrame, cleaned: pd.DataFrame, rows: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """The input with a person's answers to these rows, beside what that night showed of them."""
    shown: list[str | None] = [None] * ROWS
    answer: list[Any] = [None] * ROWS
    for row in rows:
        doubt = round(float(cleaned["kind_doubt"].iloc[row]), 4)
        shown[row] = json.dumps({"given": frame["kind_given"].iloc[row], "given_confidence": 1.0, "doubt": doubt})
        answer[row] = truth[row]
    return frame.assign(kind_answer=answer, kind_shown=shown)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, pd.DataFrame]:
    frame, truth = messages(wrong=45)
    return frame, truth, *night(frame, tmp_path_factory.mktemp("first"))


def test_none_is_flagged_without_an_answer_and_twenty_of_the_likeliest_are_asked(
    first: tuple[pd.DataFrame, np.ndarray, pd.DataFrame, pd.DataFrame],
) -> None:
    frame, truth, cleaned, queue = first
    assert not cleaned["is_kind_issue"].any()
    assert queue["detector"].tolist() == ["possible_error"] * 20
    assert queue["reason"].str.startswith('tilth cannot tell whether labels such as the given kind "').all()
    assert queue["reason"].str.endswith("% likely): some twenty answers like yours settle it for all of them").all()
    asked = frame["id"].isin(queue["id"]).to_numpy()
    assert (cleaned.loc[asked, "kind_wrong_at_most"] >= 0.5).all()
    assert (truth != frame["kind_given"])[asked].mean() > 0.7


def test_twenty_answers_flag_the_others_like_them(
    first: tuple[pd.DataFrame, np.ndarray, pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    frame, truth, cleaned, queue = first
    rows = np.flatnonzero(frame["id"].isin(queue["id"]))
    again, _ = night(answered(frame, cleaned, rows, truth), tmp_path)
    flagged = again["is_kind_issue"].to_numpy(dtype=bool)
    assert not flagged[rows].any()  # a person's answer is not doubted
    assert again.loc[again["id"].isin(queue["id"]), ["kind_doubt", "kind_wrong_at_most"]].isna().all(axis=None)
    wrong = (truth != frame["kind_given"]).to_numpy()
    assert flagged.sum() >= 10
    assert wrong[flagged].mean() > 0.6


def test_where_people_find_them_right_none_is_flagged_and_nobody_is_asked_again(
    first: tuple[pd.DataFrame, np.ndarray, pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    frame, _, cleaned, queue = first
    rows = np.flatnonzero(frame["id"].isin(queue["id"]))
    again, asked = night(answered(frame, cleaned, rows, frame["kind_given"].to_numpy()), tmp_path)
    assert not again["is_kind_issue"].any()
    assert len(asked) <= 3


def test_labels_that_models_do_not_doubt_are_not_asked_about(tmp_path: Path) -> None:
    cleaned, queue = night(messages(wrong=0)[0], tmp_path)
    assert not cleaned["is_kind_issue"].any()
    assert queue.empty


def worth_of(frame: pd.DataFrame) -> np.ndarray:
    """What the answers of a night are worth beside what is like their own rows, one each."""
    inputs = QueueInputs(
        frame=frame,
        tasks=[KIND],
        task=KIND,
        pool=np.zeros(0, dtype=int),
        probabilities=np.zeros((0, 2)),
        picks=np.zeros(0, dtype=int),
        questions=(),
        learned=True,
    )
    found = possible_errors(inputs, KIND)
    return np.broadcast_to(found.besides, found.rows.shape)


@pytest.fixture
def wide() -> pd.DataFrame:
    """Labels that nobody can tell from wrong ones, each doubted by 0.6, half-way: 24 of forty."""
    frame, _ = messages(wrong=0)
    frame = table.resolve(frame, [KIND]).assign(kind_action="keep", is_kind_issue=False, kind_suggested="spam")
    return frame.assign(kind_given_confidence=0.7, kind_wrong_at_most=0.9)


def test_the_first_answers_are_worth_most_and_are_spread_over_all(wide: pd.DataFrame) -> None:
    worth = worth_of(wide)
    assert worth.sum() == pytest.approx(24 * 20 / 24)  # twenty answers leave four of 24 parts of the variance
    assert np.sort(worth)[::-1][:2] == pytest.approx([24 * (1 - 4 / 5), 24 * (4 / 5 - 4 / 6)])
    first = np.sort(np.argsort(-worth)[:5])  # of twenty places
    assert np.diff(first).max() <= 5
    assert first[0] <= 4
    assert first[-1] >= 15


def test_answers_of_earlier_nights_leave_the_next_ones_less_to_tell(wide: pd.DataFrame) -> None:
    shown, answer = np.full((2, ROWS), None, dtype=object)
    shown[:16], answer[:16] = json.dumps({"given": "spam", "doubt": 0.1}), "spam"
    shown[16:20], answer[16:20] = "{}", "spam"  # rows without a label, which tell nothing of labels
    assert worth_of(wide.assign(kind_shown=shown, kind_answer=answer)).sum() == pytest.approx(24 * (4 / 20 - 4 / 40))
