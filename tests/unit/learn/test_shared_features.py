from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from tests.small_table import TASKS, HashingEncoder, make_table
from tilth.learn import row_features
from tilth.learn.models import out_of_fold
from tilth.learn.models.linear_probe import FittedProbe, fit_predict, fit_probe
from tilth.learn.models.views import VIEWS
from tilth.learn.neighbors import nearest
from tilth.learn.shared_features import Evidence
from tilth.samples import Task
from tilth.store import Cache

INTENT = TASKS[1]
FOLDS = 3


def evidence_of(samples: Dataset, folder: Path, folds: int = FOLDS) -> Evidence:
    return Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder), folds=folds)  # type: ignore[arg-type]


def labels_of(samples: Dataset) -> list[str | None]:
    """The labels as a stage would pass them: gold rows have theirs too."""
    labels: list[str | None] = samples["intent_given"][:]
    return labels


def test_no_row_is_predicted_by_a_model_that_saw_its_label(samples: Dataset, tmp_path: Path) -> None:
    evidence = evidence_of(samples, tmp_path)
    labels = labels_of(samples)
    before = evidence.out_of_fold(INTENT, labels)
    assert before.temperature == 1.0  # so few labels that none is fitted, and the folds can be looked at one by one
    for row in np.flatnonzero(before.labeled):
        other = [
            label if i != row else ("slow" if labels[row] == "refund" else "refund") for i, label in enumerate(labels)
        ]
        after = evidence.out_of_fold(INTENT, other)
        same_fold = before.labeled & (evidence.folds == evidence.folds[row])
        assert np.array_equal(after.probabilities[same_fold], before.probabilities[same_fold])
        elsewhere = ~same_fold
        assert (np.abs(after.probabilities - before.probabilities).max(axis=1)[elsewhere] > 1e-4).any()


def test_probabilities_are_those_of_the_linear_probe_fold_by_fold(samples: Dataset, tmp_path: Path) -> None:
    evidence = evidence_of(samples, tmp_path)
    found = evidence.out_of_fold(INTENT, labels_of(samples))
    vectors, codes = evidence.embeddings(), np.array([0, 0, 0, 1, 1, 1, 2, 2, -1, -1, -1, -1])
    training = [(codes >= 0) & (evidence.folds != fold) for fold in range(FOLDS)]
    models = np.stack([fit_predict(vectors[rows], codes[rows], vectors, 3) for rows in training])
    by_hand = np.where((codes >= 0)[:, None], models[evidence.folds, np.arange(len(codes))], models.mean(axis=0))
    assert found.probabilities == pytest.approx(by_hand, abs=1e-5)
    assert found.predicted.tolist() == by_hand.argmax(axis=1).tolist()
    assert found.confidence == pytest.approx(by_hand.max(axis=1), abs=1e-5)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_predicted_out_of_fold(view: str, samples: Dataset, tmp_path: Path) -> None:
    evidence = evidence_of(samples, tmp_path)
    found = evidence.out_of_fold(INTENT, labels_of(samples), view)
    features, codes = evidence.features(view), np.array([0, 0, 0, 1, 1, 1, 2, 2, -1, -1, -1, -1])
    for row in range(8):
        training = (codes >= 0) & (evidence.folds != evidence.folds[row])
        alone = VIEWS[view].fit_predict(features[training], codes[training], features[[row]], 3)
        assert found.probabilities[row] == pytest.approx(alone[0], abs=1e-5)


def test_gold_texts_weigh_no_word(samples: Dataset, tmp_path: Path) -> None:
    rows = samples.to_pandas()[["id", "text", "split", "area_given", "intent_given"]]
    before = evidence_of(samples, tmp_path).lexical
    gold = (rows["split"] == "gold").to_numpy()
    rows.loc[gold, "text"] = "quite another text"
    after = evidence_of(make_table(rows.to_numpy().tolist()), tmp_path).lexical
    assert gold.any()
    assert np.array_equal(before[~gold].joined.toarray(), after[~gold].joined.toarray())


def test_gold_never_takes_part_whatever_is_passed(samples: Dataset, tmp_path: Path) -> None:
    gold = [split == "gold" for split in samples["split"]]
    labels = labels_of(samples)
    with_gold = evidence_of(samples, tmp_path / "with").out_of_fold(INTENT, labels)
    lies = ["outage" if is_gold else label for label, is_gold in zip(labels, gold, strict=True)]
    without = [None if is_gold else label for label, is_gold in zip(labels, gold, strict=True)]
    for number, others in enumerate((lies, without)):
        found = evidence_of(samples, tmp_path / str(number)).out_of_fold(INTENT, others)
        assert np.array_equal(found.probabilities, with_gold.probabilities)
    assert not with_gold.labeled[gold].any()
    assert with_gold.probabilities[gold].sum(axis=1) == pytest.approx(1, abs=1e-5)  # predicted all the same


def test_labels_that_are_no_class_or_nan_take_no_part(samples: Dataset, tmp_path: Path) -> None:
    labels: list[Any] = [*labels_of(samples)[:8], float("nan"), "no such class", None, None]
    assert evidence_of(samples, tmp_path).out_of_fold(INTENT, labels).labeled.tolist() == [True] * 8 + [False] * 4


def test_without_labels_every_class_is_as_likely(samples: Dataset, tmp_path: Path) -> None:
    evidence, nothing = evidence_of(samples, tmp_path), [None] * samples.num_rows
    every = np.ones(samples.num_rows, dtype=bool)
    for found in (evidence.out_of_fold(INTENT, nothing), evidence.self_trained(INTENT, nothing, every)):
        assert found.probabilities == pytest.approx(1 / 3, abs=1e-6)
        assert not found.labeled.any()


def test_a_fold_goes_by_the_id_alone(samples: Dataset, tmp_path: Path) -> None:
    whole = dict(zip(samples["id"], evidence_of(samples, tmp_path).folds, strict=True))
    part = samples.select([10, 3, 7])
    assert evidence_of(part, tmp_path).folds.tolist() == [whole[row_id] for row_id in part["id"]]
    assert set(whole.values()) == set(range(FOLDS))


def test_neighbors_among_some_rows_are_those_of_a_search_among_them(samples: Dataset, tmp_path: Path) -> None:
    evidence = evidence_of(samples, tmp_path)
    part = np.array([0, 2, 3, 7, 10])
    found, alone = evidence.neighbors(3, part), nearest(evidence.embeddings()[part], 3)
    assert found.similarities == pytest.approx(alone.similarities, abs=1e-6)
    assert found.rows.max() < len(part)


@pytest.mark.parametrize("k", [1, 5, 50])
def test_neighbors_of_the_whole_table(k: int, samples: Dataset, tmp_path: Path) -> None:
    evidence = evidence_of(samples, tmp_path)
    found, alone = evidence.neighbors(k), nearest(evidence.embeddings(), k)
    assert found.similarities == pytest.approx(alone.similarities, abs=1e-6)


def test_tables_too_small_for_neighbors(tmp_path: Path) -> None:
    for count in (0, 1):
        samples = make_table([("r", "text", "unlabeled", None, None)][:count])
        assert evidence_of(samples, tmp_path).neighbors(5).rows.shape == (count, 0)


def test_what_was_computed_is_not_computed_again(
    samples: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evidence_of(samples, tmp_path)
    cached = first.out_of_fold(INTENT, labels_of(samples)).probabilities, first.neighbors(3).rows
    monkeypatch.setattr(out_of_fold, "fit_probe", lambda *_: pytest.fail("fitted again"))
    monkeypatch.setattr(row_features, "nearest", lambda *_: pytest.fail("searched again"))
    again = evidence_of(samples, tmp_path)
    assert np.array_equal(again.out_of_fold(INTENT, labels_of(samples)).probabilities, cached[0])
    assert np.array_equal(again.neighbors(3).rows, cached[1])


@pytest.mark.parametrize("change", ["labels", "classes", "folds", "texts", "gold", "code", "libraries"])
def test_whatever_the_answer_depends_on_makes_a_new_one(
    change: str, samples: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, task, folds = labels_of(samples), INTENT, FOLDS
    evidence_of(samples, tmp_path).out_of_fold(task, labels)
    fitted: list[int] = []

    def counting(*arguments: Any) -> FittedProbe:
        fitted.append(1)
        return fit_probe(*arguments)

    monkeypatch.setattr(out_of_fold, "fit_probe", counting)
    rows = samples.to_pandas()[["id", "text", "split", "area_given", "intent_given"]]
    if change == "labels":
        labels = ["outage", *labels[1:]]
    elif change == "classes":
        task = Task(name="intent", labels=(*INTENT.labels, "new"))
    elif change == "folds":
        folds = 4
    elif change == "texts":
        rows.loc[0, "text"] += " please"
    elif change == "code":
        monkeypatch.setattr(row_features, "digest_code", lambda *_: "another")
    elif change == "libraries":
        monkeypatch.setattr(row_features, "library_versions", lambda: {"numpy": "0"})
    else:
        rows.loc[0, "split"] = "gold"
    evidence_of(make_table(rows.to_numpy().tolist()), tmp_path, folds).out_of_fold(task, labels)
    assert fitted


def test_the_temperature_goes_by_labels_that_a_model_could_get_right(tmp_path: Path) -> None:
    """Beside two classes of 30, forty classes of one label each, which the models of the other folds never heard of."""
    words = ["flour oven"] * 30 + ["cloud rain"] * 30 + [f"word{number}" for number in range(40)]
    labels = ["a"] * 30 + ["b"] * 30 + [f"c{number}" for number in range(40)]
    names = tuple(dict.fromkeys(labels))
    rows = [[f"r{number}", f"{text} {number}", "train", None, None] for number, text in enumerate(words)]
    found = evidence_of(make_table(rows), tmp_path).out_of_fold(Task(name="intent", labels=names), list(labels))
    assert found.temperature < 1  # those two are told apart without fail; by the others it would be 5
    assert (found.predicted[:60] == np.repeat([0, 1], 30)).all()
