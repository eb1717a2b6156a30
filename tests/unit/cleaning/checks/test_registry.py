from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.small_table import ROWS, TASKS, HashingEncoder, make_table
from tilth import cleaning, stage
from tilth.cleaning.checks.registry import CHECKS, check
from tilth.learn import row_features
from tilth.learn.shared_features import Evidence
from tilth.samples import Reason, Status, to_pandas
from tilth.store import Cache

ENGLISH = [
    "I would like to know when my new router is going to arrive please",
    "the internet at home has been very slow since yesterday evening",
    "could you tell me why the bill went up by so much this month",
    "my mother cannot log in to her account on the new telephone",
    "we are moving house in August and want to take the line with us",
    "nobody came for the appointment although I waited all day long",
]


def cleaned(extra: list[tuple[Any, ...]], folder: Path, **config: Any) -> pd.DataFrame:
    samples = make_table([*ROWS, *extra])
    (folder / "scratch").mkdir(parents=True)
    evidence = Evidence(samples, encoder=HashingEncoder(), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    resources = stage.Resources(tasks=TASKS, seed=0, evidence=evidence, scratch=folder / "scratch")
    result = stage.perform("cleaning", samples, cleaning.Config(**config), resources)
    return to_pandas(result.samples).set_index("id")


def unlabeled(texts: list[str], prefix: str) -> list[tuple[Any, ...]]:
    return [(f"{prefix}{i}", text, "unlabeled", None, None) for i, text in enumerate(texts)]


FOREIGN = [
    "Bonjour, je voudrais savoir pourquoi ma facture a augmenté ce mois-ci",
    "Ich möchte bitte meinen Vertrag zum Ende des Monats kündigen, vielen Dank",
    "我下个月毕业要从宿舍搬到伦敦，宽带合同还有八个月，可以直接迁到新地址吗",
]


def test_texts_in_another_language_are_sent_to_review(tmp_path: Path) -> None:
    out = cleaned([*unlabeled(ENGLISH, "e"), *unlabeled(FOREIGN[:2], "f")], tmp_path)
    assert out.loc[["f0", "f1"], "reason"].tolist() == ["language", "language"]
    assert out.loc[["f0", "f1"], "status"].tolist() == ["review", "review"]
    assert not out.loc[[f"e{i}" for i in range(6)], "is_language_issue"].any()


def test_languages_may_be_named(tmp_path: Path) -> None:
    rows = [*unlabeled(ENGLISH, "e"), *unlabeled(FOREIGN, "f")]
    out = cleaned(rows, tmp_path, languages=("en", "fr"), language=0.6)
    assert out.loc[["f0", "f1", "f2"], "is_language_issue"].tolist() == [False, True, True]


def test_mojibake_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    out = cleaned(unlabeled(["I donâ€™t know why the cafÃ© bill is so high", "the café is fine"], "m"), tmp_path)
    assert out.loc[["m0", "m1"], "is_encoding_issue"].tolist() == [True, False]
    assert out.loc["m0", "status"] == "active"


def test_boilerplate_is_what_many_rows_hold_with_little_else(tmp_path: Path) -> None:
    footer = "This message is confidential and meant for its receiver alone. Please think before you print it"
    texts = [f"{words}. {footer}" for words in ENGLISH] + [f"hi there. {footer}", "hello hello", "hello hello"]
    out = cleaned(unlabeled(texts, "t"), tmp_path)
    assert out.loc["t6", "reason"] == "boilerplate"
    assert out.loc[[f"t{i}" for i in range(6)], "status"].eq("active").all()
    assert out.loc["t6", "boilerplate_score"] < out.loc["t0", "boilerplate_score"]


def test_copies_of_one_message_are_no_boilerplate(tmp_path: Path) -> None:
    out = cleaned(unlabeled(["The line is dead since Monday. Nobody answers the phone"] * 6, "t"), tmp_path)
    assert out.loc["t0", "status"] == "active"  # the one that the copies repeat
    assert out.loc["t1":"t5", "reason"].eq("exact_duplicate").all()


def test_what_people_also_send_by_itself_is_no_boilerplate(tmp_path: Path) -> None:
    lost, plea = "I have lost my card", "please help me as soon as you can"
    texts = [f"{words}. {part}" for words in ENGLISH for part in (lost, plea)] + [f"{lost}. {plea}", lost, f"{lost}!"]
    out = cleaned(unlabeled(texts, "t"), tmp_path)
    assert out.loc["t12", "status"] == "active"  # it is about the card, though both of its sentences recur
    assert out.loc["t12", "boilerplate_score"] == pytest.approx(len(lost) / len(lost + plea))


def test_a_near_copy_names_the_row_that_it_repeats(tmp_path: Path) -> None:
    out = cleaned(unlabeled(["slow internet and buffering again again tonight"], "n"), tmp_path, near_duplicate=0.9)
    assert out.loc["n0", ["reason", "duplicate_of"]].tolist() == ["near_duplicate", "b2"]


def test_a_labeled_row_is_kept_before_its_near_copy_without_a_label(tmp_path: Path) -> None:
    text = "the little blue kettle will not boil water today"
    extra = [*unlabeled([f"{text} today"], "n"), ("late", text, "train", "network", "slow")]
    out = cleaned(extra, tmp_path, near_duplicate=0.9)
    assert out.loc["n0", ["reason", "duplicate_of"]].tolist() == ["near_duplicate", "late"]
    assert out.loc["late", "status"] == Status.ACTIVE


def test_the_data_set_as_a_whole_is_examined_by_datalab(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = {"refund": ["refund", "money", "bank"], "slow": ["slow", "buffering", "evening"]}
    rows = []
    for i in range(120):  # beside them only two rows are labeled "outage"
        label = "slow" if i % 2 else "refund"
        text = " ".join([*rng.choice(words[label], 3), f"w{rng.integers(50)}", f"v{rng.integers(50)}"])
        rows.append((f"d{i}", text, "train", "network" if i % 2 else "billing", label))
    out = cleaned(rows, tmp_path)
    assert out["class_imbalance_score"].between(0, 1).all()
    assert out.index[out["is_class_imbalance_issue"]].tolist() == ["c1", "c2"]
    assert {"non_iid_score", "underperforming_group_score"} <= set(out.columns)


def test_a_check_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered already"):
        check("junk", Status.REVIEW, Reason.JUNK)(CHECKS["junk"].run)


def test_of_many_near_copies_one_is_kept_whatever_gold_holds(tmp_path: Path) -> None:
    text = "please tell me when the engineer comes to mend the broken line in my street"
    copies = unlabeled([f"{text} {text} number{n}" for n in range(30)], "n")
    gold = [(f"h{n}", f"{text} {text} gold{n}", "gold", "network", "outage") for n in range(15)]
    for rows in (copies, [*copies, *gold]):
        out = cleaned(rows, tmp_path / str(len(rows)), near_duplicate=0.95)
        near = out[out["reason"].eq("near_duplicate")]
        assert len(near) == 29
        assert set(near["duplicate_of"]) == {"n0"}


def test_near_copies_are_the_same_however_many_rows_are_looked_at_around_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "please",
        "tell",
        "me",
        "when",
        "the",
        "engineer",
        "comes",
        "to",
        "mend",
        "the",
        "broken",
        "line",
        "in",
        "my",
        "street",
        "or",
        "house",
    ]
    rng = np.random.default_rng(0)
    texts = [" ".join([*words[: 8 + start % 9], f"w{rng.integers(6)}"]) for start in range(48)]

    def found(nearest: int) -> list[str]:
        monkeypatch.setattr(row_features, "CANDIDATES", nearest)
        out = cleaned(unlabeled(texts, "n"), tmp_path / str(nearest), near_duplicate=0.85)
        return out.index[out["is_near_duplicate_issue"]].tolist()

    few = found(2)
    assert len(few) > 15
    assert few == found(60)


def test_the_copy_with_labels_for_more_tasks_is_kept(tmp_path: Path) -> None:
    text = "the little blue kettle will not boil water today"
    out = cleaned(
        [("less", text, "train", "network", None), ("more", f"{text}!", "train", "network", "slow")], tmp_path
    )
    assert out.loc["less", "duplicate_of"] == "more"
    assert out.loc["more", "status"] == Status.ACTIVE


def test_gold_does_not_decide_which_language_belongs_here(tmp_path: Path) -> None:
    gold = [(f"h{n}", text, "gold", "network", "slow") for n, text in enumerate([*ENGLISH, *map(str.upper, ENGLISH)])]
    german = unlabeled([f"{FOREIGN[1]}, das ist jetzt mein Brief Nummer {n}" for n in range(30)], "d")
    out = cleaned([*german, *gold], tmp_path, language=0.6)
    assert not out.loc[[f"d{n}" for n in range(30)], "is_language_issue"].any()


class Vectors:
    """An encoder whose vectors are given: one a text, by its place in the list."""

    fingerprint = "given"

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        self.dimensions = vectors.shape[1]

    def encode(self, texts: Any, progress: Any = None) -> np.ndarray:
        return self.vectors[: len(texts)]


def outliers(vectors: np.ndarray, folder: Path) -> list[str]:
    rows = [(f"v{n}", f"text number {n}", "unlabeled", None, None) for n in range(len(vectors))]
    samples = make_table(rows)
    evidence = Evidence(samples, encoder=Vectors(vectors), cache=Cache(folder / "cache"))  # type: ignore[arg-type]
    found = CHECKS["outlier"].run(to_pandas(samples), cleaning.Config(), evidence)
    return [row[0] for row, issue in zip(rows, found.issue, strict=True) if issue]


def test_where_texts_are_unlike_each_other_one_like_none_is_still_an_outlier(tmp_path: Path) -> None:
    """Their cosines are near 0.5, so that a distance of 1 scores exp(-2) = 0.14: no text could fall below 0.01."""
    rng = np.random.default_rng(0)
    vectors = np.c_[np.full((200, 1), 1.0), rng.normal(size=(200, 400)) / 20]
    far = np.zeros((1, 401))
    far[0, 1:] = rng.normal(size=400)
    assert outliers(np.r_[vectors, far], tmp_path / "far") == ["v200"]
    assert outliers(vectors, tmp_path / "none") == []


def test_where_texts_are_alike_the_limit_on_the_score_decides_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = np.c_[np.full((200, 1), 1.0), rng.normal(size=(200, 400)) / 100]  # distances near 0.04
    near, far = np.zeros((1, 401)), np.zeros((1, 401))
    near[0, :2], far[0, :2] = (1.0, 0.4), (1.0, 2.0)  # 0.09 and 0.57 away: exp(-2.3) and exp(-14)
    assert outliers(np.r_[vectors, near, far], tmp_path) == ["v201"]
