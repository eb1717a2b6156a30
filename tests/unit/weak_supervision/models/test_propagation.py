from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from snorkel.labeling import LabelingFunction

from tests.small_table import HashingEncoder
from tilth import samples as table
from tilth import stage as stages
from tilth.learn import ClassTexts, NamedClasses
from tilth.learn.models.out_of_fold import OutOfFold
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache
from tilth.weak_supervision import Config
from tilth.weak_supervision.functions.loader import LoadedFunction
from tilth.weak_supervision.models import model_selection, propagation
from tilth.weak_supervision.models.propagation import LIKELY, propagate

TASK = Task(name="topic", labels=("bread", "rain"))
WORDS = {"bread": "flour oven crust dough loaf yeast", "rain": "cloud storm wet umbrella puddle drops"}


def texts(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of four words, three of their own topic and one of any, and their topics."""
    rng = np.random.default_rng(seed)
    topics = [str(rng.choice(list(WORDS))) for _ in range(count)]
    every = " ".join(WORDS.values()).split()
    made = [" ".join([*rng.choice(WORDS[topic].split(), 3), rng.choice(every)]) for topic in topics]
    return [f"{text} {number}" for number, text in enumerate(made)], topics


def frame_of(told: int = 60, free: int = 100, gold: int = 10) -> tuple[pd.DataFrame, list[str]]:
    words, topics = texts(told + free + gold, 0)
    split = ["train"] * told + ["unlabeled"] * free + ["gold"] * gold
    given = [topic if part != "unlabeled" else None for topic, part in zip(topics, split, strict=True)]
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(words))], "text": words, "split": split})
    frame["source"], frame["parent_id"], frame["status"], frame["reason"] = "input", None, "active", None
    frame["topic_given"] = given
    return table.resolve(frame, [TASK]), topics


def perform(
    frame: pd.DataFrame,
    folder: Path,
    functions: Any = (),
    class_texts: Mapping[str, ClassTexts] = MappingProxyType({}),
    **config: Any,
) -> stages.StageResult:
    (folder / "scratch").mkdir(parents=True)
    samples, encoder = table.from_pandas(frame, [TASK]), HashingEncoder()
    evidence = Evidence(samples, encoder=encoder, cache=Cache(folder / "cache"), class_texts=class_texts)  # type: ignore[arg-type]
    resources = stages.Resources(
        tasks=(TASK,), seed=0, evidence=evidence, scratch=folder / "scratch", labeling_functions=functions
    )
    return stages.perform("weak_supervision", samples, Config(**config), resources)


def test_rows_that_nobody_labeled_are_labeled_by_the_text_at_the_weight_of_its_belief(tmp_path: Path) -> None:
    frame, topics = frame_of()
    frame.loc[60, "status"] = "quarantined"  # junk is no row to learn from
    result = perform(frame, tmp_path)
    assert result.skipped is None
    after = table.to_pandas(result.samples)
    new = after["topic_origin"].eq("propagated").to_numpy()
    assert new.sum() == result.metrics["tasks"]["topic"]["weakly_labeled"] > 50
    assert not new[:61].any()
    assert not new[160:].any()  # gold
    assert (after["topic"][new] == np.array(topics, dtype=object)[new]).mean() > 0.9
    assert after["topic_confidence"][new].between(LIKELY, 1).all()
    assert table.learnable(after, "topic")[new].all()
    assert not table.settled(after, "topic")[new].any()
    assert table.unlabeled(after, "topic").tolist() == table.unlabeled(frame, "topic").tolist()
    (figure,) = result.figures
    assert [row[0] for row in figure.data["rows"]] == ["the labels alone", "and rows labeled by the text"]


def loaded(name: str, vote: Callable[[Any], str | None]) -> LoadedFunction:
    return LoadedFunction(task="topic", name=name, function=LabelingFunction(name, vote), fingerprint="")


def test_where_functions_know_less_than_the_text_it_labels_in_their_place(tmp_path: Path) -> None:
    frame, topics = frame_of()
    # Right on two rows of three, wherever the number at a text's end puts them.
    turned = {"bread": "rain", "rain": "bread"}
    of = dict(zip(frame["text"], topics, strict=True))
    poor = loaded("poor", lambda x: of[x.text] if int(x.text.split()[-1]) % 3 else turned[of[x.text]])
    result = perform(frame, tmp_path / "poor", [poor])
    metrics, after = result.metrics["tasks"]["topic"], table.to_pandas(result.samples)
    assert metrics["label_model"] == "text"
    assert metrics["functions"] == metrics["used"] == 1
    assert metrics["label_model_scores"]["text"] == max(metrics["label_model_scores"].values())
    new = after["topic_origin"].eq("propagated").to_numpy()
    assert new.sum() == metrics["weakly_labeled"] > 50
    assert not after["topic_origin"].eq("weak").any()
    assert (after["topic"][new] == np.array(topics, dtype=object)[new]).mean() > 0.9
    heard = perform(frame, tmp_path / "heard", [poor], propagate="never").metrics["tasks"]["topic"]
    assert "text" not in heard["label_model_scores"]


def test_where_labels_by_the_text_would_do_harm_the_functions_label_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, topics = frame_of()
    of = dict(zip(frame["text"], topics, strict=True))
    some = loaded("some", lambda x: of[x.text] if int(x.text.split()[-1]) % 3 else None)
    monkeypatch.setattr(model_selection, "_on_labels", lambda name, _: (float(name == "text"), 1.0))
    by_text = perform(frame, tmp_path / "text", [some]).metrics["tasks"]["topic"]
    assert by_text["label_model"] == "text"
    monkeypatch.setattr(propagation, "_change", lambda *_: -1)
    result = perform(frame, tmp_path / "functions", [some])
    metrics, after = result.metrics["tasks"]["topic"], table.to_pandas(result.samples)
    assert metrics["label_model"].startswith("joint-")
    assert metrics["label_model_by"] == "held-out labels; labels by the text alone would do harm"
    weak = after["topic_weak"].notna().to_numpy() & ~after["split"].eq("gold").to_numpy()
    assert weak.sum() == metrics["weakly_labeled"] > 50
    assert (after["topic_weak"][weak] == np.array(topics, dtype=object)[weak]).mean() > 0.9
    assert not after["topic_origin"].eq("propagated").any()


@pytest.mark.parametrize("change", [{"propagate": "never"}, {"told": 10}, {"free": 0}])
def test_where_there_is_nothing_to_go_by_or_it_is_not_wanted_the_stage_says_so(
    change: dict[str, Any], tmp_path: Path
) -> None:
    config = {name: change.pop(name) for name in list(change) if name == "propagate"}
    frame, _ = frame_of(**change)
    assert perform(frame, tmp_path, **config).skipped == "no labeling functions"


@pytest.mark.parametrize("told", [0, 6])
def test_without_labels_the_names_of_the_classes_label_the_rows(told: int, tmp_path: Path) -> None:
    frame, topics = frame_of(told=told)
    sentences = tuple(WORDS.values())
    names = {"topic": ClassTexts(texts=sentences, codes=np.arange(2), always=True)}
    result = perform(frame, tmp_path / "always", class_texts=names)
    after, new = table.to_pandas(result.samples), result.metrics["tasks"]["topic"]["weakly_labeled"]
    propagated = after["topic_origin"].eq("propagated").to_numpy()
    assert propagated.sum() == new > 50
    assert (after["topic"][propagated] == np.array(topics, dtype=object)[propagated]).mean() > 0.9
    assert not propagated[:told].any()
    assert result.metrics["tasks"]["topic"]["by_names"]
    assert "hardly any labels" in result.figures[0].note
    if not told:  # no label speaks for the names
        doubted = {"topic": replace(names["topic"], always=False)}
        skipped = perform(frame, tmp_path / "auto", class_texts=doubted).skipped
        assert skipped is not None
        assert 'data.class_names = "always" labels rows by what classes are called' in skipped


class _Told:
    """Evidence that says of every row what it is given; the second judge is wrong about a share of the labels."""

    def __init__(self, truth: np.ndarray, wrong: int, sure: float = 0.9) -> None:
        self._truth, self._wrong, self._sure = truth, wrong, sure
        self.folds = np.arange(len(truth)) % 5

    def out_of_fold(self, task: Task, labels: list[str | None]) -> OutOfFold:
        return self._judged(np.maximum(self._truth, 0), labels)

    def named(self, task: Task, labels: list[str | None]) -> NamedClasses:
        return NamedClasses()

    def self_trained(self, task: Task, labels: list[str | None], free: np.ndarray) -> OutOfFold:
        said = np.maximum(self._truth, 0)
        said[: self._wrong] = 1 - said[: self._wrong]
        return self._judged(said, labels)

    def _judged(self, said: np.ndarray, labels: list[str | None]) -> OutOfFold:
        found = np.full((len(said), 2), min(0.4, 1 - self._sure), dtype=np.float32)
        found[np.arange(len(said)), said] = self._sure
        return OutOfFold(probabilities=found, labeled=np.array([x is not None for x in labels]), temperature=1.0)


@pytest.mark.parametrize(("wanted", "labeled"), [("auto", 0), ("always", 100)])
def test_what_would_make_the_judge_worse_is_left_out_unless_it_is_wanted_all_the_same(
    wanted: str, labeled: int
) -> None:
    frame, _ = frame_of(gold=0)
    truth = frame["topic"].map({"bread": 0, "rain": 1}).fillna(-1).astype(int).to_numpy()
    found = propagate(frame, TASK, truth, _Told(truth, wrong=10), wanted)  # type: ignore[arg-type]
    assert found is not None
    assert (found.label >= 0).sum() == labeled
    assert found.with_predicted["macro_f1"] < found.without["macro_f1"]
    assert ("would fall" in (found.why_not or "")) == (labeled == 0)


def test_a_judge_that_is_sure_of_nothing_labels_nothing() -> None:
    frame, _ = frame_of(gold=0)
    truth = frame["topic"].map({"bread": 0, "rain": 1}).fillna(-1).astype(int).to_numpy()
    found = propagate(frame, TASK, truth, _Told(truth, wrong=0, sure=0.49), "auto")  # type: ignore[arg-type]
    assert found is not None
    assert found.why_not == "no row is as sure as 0.5"
    assert not (found.label >= 0).any()


def test_no_row_is_judged_by_a_model_that_its_own_label_reached(tmp_path: Path) -> None:
    frame, _ = frame_of(told=18)  # so few that no temperature is fitted to them
    samples = table.from_pandas(frame, [TASK])
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(tmp_path))  # type: ignore[arg-type]
    labels, free = frame["topic"].where(frame["split"] != "gold", None).tolist(), table.unlabeled(frame, "topic")
    before = evidence.self_trained(TASK, labels, free)
    assert not np.allclose(before.probabilities, evidence.out_of_fold(TASK, labels).probabilities)
    other = list(labels)
    other[3] = "rain" if labels[3] == "bread" else "bread"
    after = evidence.self_trained(TASK, other, free)
    same = before.labeled & (evidence.folds == evidence.folds[3])
    assert np.array_equal(after.probabilities[same], before.probabilities[same])
    assert not np.allclose(after.probabilities[~same], before.probabilities[~same])


@pytest.mark.parametrize(
    ("first", "second", "by_second"), [(20, 0, True), (9, 9, False), (0, 0, False), (0, 20, False)]
)
def test_the_second_judge_labels_where_held_out_labels_speak_for_it(first: int, second: int, by_second: bool) -> None:
    """Of 60 labels the judges are wrong about so many; the rows without a label they call by their own number."""
    frame, _ = frame_of(gold=0)
    truth = frame["topic"].map({"bread": 0, "rain": 1}).fillna(-1).astype(int).to_numpy()

    class Two(_Told):
        def out_of_fold(self, task: Task, labels: list[str | None]) -> OutOfFold:
            return self._said(first, 0, labels)

        def self_trained(self, task: Task, labels: list[str | None], free: np.ndarray) -> OutOfFold:
            return self._said(second, 1, labels)

        def _said(self, wrong: int, number: int, labels: list[str | None]) -> OutOfFold:
            said = np.where(truth >= 0, truth, number)
            said[:wrong] = 1 - said[:wrong]
            return self._judged(said, labels)

    found = propagate(frame, TASK, truth, Two(truth, wrong=0), "always")  # type: ignore[arg-type]
    assert found is not None
    assert set(found.label[found.label >= 0]) == {int(by_second)}


def test_where_each_class_has_one_label_the_rows_near_it_are_labeled_and_nothing_is_measured(tmp_path: Path) -> None:
    topics = [f"topic{number:02}" for number in range(24)]
    rng = np.random.default_rng(0)
    rows = [
        {"text": " ".join(rng.permutation([f"{topic}{word}" for word in "abcd"])[:3]), "given": None, "topic": topic}
        for topic in topics
        for _ in range(20)
    ]
    for row in rows[::20]:
        row["given"] = row["topic"]
    frame = pd.DataFrame({"text": [row["text"] for row in rows]}).assign(
        id=[f"r{number}" for number in range(len(rows))], source="input", parent_id=None, status="active", reason=None
    )
    frame["split"] = ["train" if row["given"] else "unlabeled" for row in rows]
    frame["topic_given"] = [row["given"] for row in rows]
    task = Task(name="topic", labels=tuple(topics))
    samples = table.from_pandas(table.resolve(frame, [task]), [task])
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(tmp_path))  # type: ignore[arg-type]
    index = {name: code for code, name in enumerate(task.labels)}
    truth = np.array([index[row["given"]] if row["given"] else -1 for row in rows])
    found = propagate(table.to_pandas(samples), task, truth, evidence, "auto")
    assert found is not None
    labeled = found.label >= 0
    assert labeled.sum() > 200
    assert (found.label[labeled] == np.array([index[row["topic"]] for row in rows])[labeled]).mean() > 0.9
    assert (found.measured_on, found.without, found.with_predicted, found.why_not) == (0, {}, {}, None)
    assert "Not measured" in (found.figure("topic").note or "")


def test_few_labels_that_can_be_held_out_are_too_few_to_go_by(tmp_path: Path) -> None:
    """Of twenty labels of two classes one is alone: nineteen can be judged, which is most, and fewer than is asked."""
    frame, _ = frame_of(told=20, gold=0)
    truth = np.array([0] * 19 + [1] + [-1] * 100)
    assert propagate(frame, TASK, truth, _Told(truth, wrong=0), "always") is None  # type: ignore[arg-type]
