"""Which row stays for its near copies: by cosines and words that can be computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.small_table import HashingEncoder, make_table
from tilth.cleaning.checks.config import ChecksConfig
from tilth.learn import Evidence
from tilth.learn.neighbors import NEAR_COPY, NearCopies, nearest, neighbors
from tilth.store import Cache


def directions(*degrees: float) -> np.ndarray:
    """Unit vectors of the plane."""
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def kept(
    texts: list[str], vectors: np.ndarray, turns: list[int] | None = None, k: int = 3, **options: object
) -> list[int]:
    order = np.array(range(len(texts)) if turns is None else turns)
    return NearCopies(texts, vectors, nearest(vectors, k), order, **options).kept.tolist()  # type: ignore[arg-type]


def test_the_first_in_turn_stays_for_what_is_near_and_worded_alike() -> None:
    """cos 10° = 0.985 and cos 20° = 0.940: rows 0 and 1 are near, rows 1 and 2 too, rows 0 and 2 are not."""
    texts, vectors = ["my line is slow"] * 3, directions(0, 10, 20)
    assert kept(texts, vectors) == [0, 0, 2]
    assert kept(texts, vectors, [1, 0, 2]) == [1, 1, 1]
    assert kept(texts, vectors, [2, 0]) == [0, 1, 2]  # row 1 has no turn: nobody stays for it
    found = NearCopies(texts, vectors, nearest(vectors, 2), np.arange(3))
    assert found.similarities == pytest.approx([1, np.cos(np.radians(10)), 1])


def test_what_is_near_but_worded_otherwise_is_no_copy() -> None:
    """Of 4 and 6 words 4 are shared, a share of 0.67; of 4 and 5 all 4, a share of 0.8."""
    vectors = directions(0, 0)
    assert kept(["My line is slow!", "my line is slow and dead"], vectors) == [0, 1]
    assert kept(["My line is slow!", "my line is slow again"], vectors) == [0, 0]
    assert kept(["", ""], vectors) == [0, 1]


def test_of_two_long_texts_one_sentence_may_decide() -> None:
    body = " ".join(f"word{n}" for n in range(20)) + ". "
    texts = [body, body + "refund me at once"]
    assert kept(texts, directions(0, 0)) == [0, 0]  # 20 of 24 words are shared
    assert kept(texts, directions(0, 0), [1, 0], long=np.array([True, True])) == [1, 1]  # all of it stands in the other
    assert kept(texts, directions(0, 0), long=np.array([True, True])) == [0, 1]


def test_more_near_copies_than_are_looked_at_stand_behind_one_row() -> None:
    assert set(kept(["my line is slow"] * 60, directions(*np.linspace(0, 5, 60)), k=20)) == {0}


def test_texts_of_one_template_are_not_each_compared_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 texts that share one word of three, all of them near: 79,800 pairs, few of which are compared."""
    compared, compare = [], NearCopies._say_the_same
    monkeypatch.setattr(NearCopies, "_say_the_same", lambda *rows: compared.append(rows) or compare(*rows))
    texts = [f"code {n}x {n}y" for n in range(399)]
    assert kept([*texts, "code 7x 7y"], directions(*np.linspace(0, 5, 400)), k=20) == [*range(399), 7]
    assert len(compared) < 79_800 / 4  # the nearest of each, and those that have it among theirs


def test_the_queue_and_cleaning_find_the_same_by_the_index_of_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 300 texts comes twice, the second time with a word more."""
    words = [f"alpha{n} beta{n % 50} gamma{n % 7} delta{n % 11} tango{n}" for n in range(300)]
    rows = [
        (f"r{n}", text, "unlabeled", None, None) for n, text in enumerate([*words, *(f"{one} ok" for one in words)])
    ]

    def found(name: str) -> list[int]:
        evidence = Evidence(make_table(rows), encoder=HashingEncoder(), cache=Cache(tmp_path / name))  # type: ignore[arg-type]
        return evidence.near_copies(np.arange(600), np.arange(600), cosine=0.8).kept.tolist()

    exact = found("exact")
    assert exact == [*range(300), *range(300)]
    monkeypatch.setattr(neighbors, "EXACT", 100)
    assert found("index") == exact


def test_cleaning_compares_at_the_same_cosine_where_nothing_is_set() -> None:
    assert ChecksConfig().near_duplicate == NEAR_COPY


def test_by_the_index_nearly_all_near_copies_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the last 3,000 rows is one of the others at a cosine of 0.98, nine of its ten words the same."""
    monkeypatch.setattr(neighbors, "EXACT", 1_000)
    rng, first, copies = np.random.default_rng(0), 7_000, 3_000
    base = rng.standard_normal((first, 384), dtype=np.float32)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    of = rng.permutation(first)[:copies]
    moved = base[of] + 0.2 / np.sqrt(384) * rng.standard_normal((copies, 384), dtype=np.float32)
    vectors = np.concatenate([base, moved / np.linalg.norm(moved, axis=1, keepdims=True)])
    texts = [" ".join(f"w{n}x{place}" for place in range(9)) for n in range(first)]
    texts = [*(f"{text} a" for text in texts), *(f"{texts[n]} b" for n in of)]
    found = NearCopies(texts, vectors, nearest(vectors, 20), np.arange(first + copies)).kept
    assert (found[:first] == np.arange(first)).all()
    assert (found[first:] == of).mean() > 0.999
