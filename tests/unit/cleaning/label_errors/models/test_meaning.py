"""Labels of long texts are doubted by the passages that tell them apart, and by the mean of all where none does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tilth.cleaning.label_errors.models.meaning import meaning_view
from tilth.cleaning.label_errors.models.out_of_fold_models import fit_evidence_models
from tilth.learn import Focus, choose_focus, nearest, pooled
from tilth.learn.encoder import Passages
from tilth.samples import Task

TASK = Task(name="intent", labels=("refund", "slow", "outage"))
ROWS = np.arange(1, 121)
FOLDS = np.arange(121) // 3 % 5


@pytest.fixture(scope="module")
def passages() -> tuple[Passages, np.ndarray]:
    """Texts of 20 passages of noise, one of which has the direction of the text's class; the first has no label."""
    random = np.random.default_rng(0)
    codes = np.arange(121) % 3
    vectors = random.normal(0, 1, (121 * 20, 24))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = np.arange(121) * 20 + random.integers(20, size=121)
    vectors[places] = np.eye(24)[codes]
    codes[0] = -1
    return Passages.of(np.repeat(np.arange(121), 20), vectors.astype(np.float32), 121), codes


def evidence(passages: Passages, focus: Focus | None = None) -> Any:
    mean = pooled(passages, np.ones(len(passages.index), dtype=np.float32))

    def chosen(task: Task, labels: list[str | None]) -> Focus:
        codes = task.codes(labels)
        return focus or choose_focus(passages, mean, codes, FOLDS, classes=3, fold_count=5)

    return SimpleNamespace(
        focus=chosen,
        focused=lambda found: pooled(passages, found.weights),
        embeddings=lambda: mean,
        neighbors=lambda k, rows: nearest(mean[rows], k),
    )


def agreed(passages: Passages, codes: np.ndarray, focus: Focus | None) -> float:
    view = meaning_view(TASK, codes, ROWS, 10, evidence(passages, focus))
    found = fit_evidence_models(view.vectors, view.graph, codes[ROWS], FOLDS[ROWS], 3, rounds=2)
    return float((found.joint.argmax(axis=1) == codes[ROWS]).mean())


def test_right_labels_are_believed_where_only_one_passage_tells_them(passages: tuple[Passages, np.ndarray]) -> None:
    by_mean, by_passages = agreed(*passages, Focus()), agreed(*passages, None)
    assert by_mean < 0.7
    assert by_passages > 0.95


def test_without_passages_the_view_is_that_of_whole_texts(passages: tuple[Passages, np.ndarray]) -> None:
    view = meaning_view(TASK, passages[1], ROWS, 10, evidence(passages[0], Focus()))
    assert view.is_whole
    assert np.array_equal(view.vectors, evidence(passages[0]).embeddings()[ROWS])
    assert view.graph.neighbors.rows.shape == (120, 10)
