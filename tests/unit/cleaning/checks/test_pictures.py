"""Pictures in cleaning: copies and outliers among them, and labels that text and picture both contradict."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import cleaning, stage
from tilth.cleaning.label_errors.models.picture_view import add_picture_view
from tilth.cleaning.label_errors.models.two_views import TwoViews
from tilth.cleaning.label_errors.noise.wrong_share import estimate_error_rate
from tilth.learn.shared_features import Evidence
from tilth.samples import from_pandas, to_pandas
from tilth.store import Cache

VECTORS = {"red": (1, 0, 0), "reddish": (0.999, 0.01, 0), "blue": (0, 0, 1), "odd": (0, 1, 0)}


def encode(paths: dict[str, str]) -> np.ndarray:
    found = np.array([VECTORS[one] for one in paths], dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


PICTURES: Any = SimpleNamespace(fingerprint="colors", encode=encode)


def cleaned(rows: list[tuple[Any, ...]], digests: list[str | None], folder: Path) -> Any:
    frame = to_pandas(make_table(rows))
    frame["picture_digest"], frame["picture_path"] = digests, digests
    samples = from_pandas(frame, TASKS)
    (folder / "scratch").mkdir()
    encoder: Any = HashingEncoder()
    evidence = Evidence(samples, encoder=encoder, cache=Cache(folder / "cache"), pictures=PICTURES)
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    return to_pandas(stage.perform("cleaning", samples, cleaning.Config(), resources).samples).set_index("id")


def test_copies_of_pictures_alone_are_set_aside_and_others_reported(tmp_path: Path) -> None:
    alone = [(f"p{i}", "", "train", "billing", "refund") for i in range(4)]
    gold = [("pg", "", "gold", "billing", "refund")]
    digests = ["red", "red", "reddish", None, *[None] * (len(ROWS) - 4)]
    out = cleaned([*ROWS, *alone, *gold], [*digests, "blue", "blue", "odd", None, "odd"], tmp_path)
    assert out.loc["p1", ["status", "reason"]].tolist() == ["quarantined", "exact_duplicate"]
    assert out.loc["p1", "duplicate_of"] == "p0"
    assert out.loc["p2", ["status", "reason"]].tolist() == ["quarantined", "gold_leak"]
    assert out.loc["p3", ["status", "reason"]].tolist() == ["quarantined", "empty"]
    assert out.loc["p0", "status"] == "active"  # not empty, and no outlier among texts
    assert out.index[out["is_picture_duplicate_issue"]].tolist() == ["a2", "a3", "p1"]
    assert out.loc[["a2", "a3"], "status"].tolist() == ["active", "active"]


def test_a_picture_unlike_all_others_is_reported(tmp_path: Path) -> None:
    texts = [(f"t{i}", f"{ROWS[i % 8][1]} number {i}", "train", "billing", "refund") for i in range(30)]
    out = cleaned(texts, ["red", "blue"] * 14 + ["red", "odd"], tmp_path)
    assert out.index[out["is_picture_outlier_issue"]].tolist() == ["t29"]


def test_without_pictures_no_column_is_added(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    samples, encoder = make_table(), HashingEncoder()
    evidence = Evidence(samples, encoder=encoder, cache=Cache(tmp_path / "cache"))  # type: ignore[arg-type]
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=tmp_path / "scratch")
    result = stage.perform("cleaning", samples, cleaning.Config(), resources)
    assert not [name for name in result.samples.column_names if "picture" in name]


def test_a_label_that_text_and_picture_contradict_is_doubted_more() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=300)
    codes = np.where(rng.random(300) < 0.1, (truth + 1) % 3, truth)
    seen = np.where(rng.random(300) < 0.2, rng.integers(3, size=300), truth)  # what the text shows
    by_text = np.eye(3)[seen] * 0.4 + 0.2
    views = TwoViews.of(by_text, by_text, by_text, by_text, codes)
    vectors = np.eye(3)[truth] + rng.normal(0, 0.1, (300, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    there = np.arange(300) >= 100
    found = add_picture_view(views, vectors, there, codes, np.arange(300) % 5, 3)
    assert np.array_equal(found.pooled[:100], views.pooled[:100])
    # How often texts and labels err together hangs on how hard a row is for texts, whatever its picture shows.
    assert estimate_error_rate(found, codes) == estimate_error_rate(views, codes)
    wrong, misled = there & (codes != truth), there & (codes == truth) & (seen != truth)
    both, text = (one.pooled[np.arange(300), codes] for one in (found, views))
    assert both[wrong].mean() < text[wrong].mean()
    assert both[misled].mean() > text[misled].mean()


def test_few_pictures_are_not_listened_to() -> None:
    views: Any = object()
    there = np.arange(20) < 9  # five a class are needed, of two
    assert add_picture_view(views, np.eye(20), there, np.arange(20) % 2, np.arange(20) % 5, 2) is views
