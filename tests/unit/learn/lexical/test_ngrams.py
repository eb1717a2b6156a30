from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tilth.learn.lexical import NGrams, RarityWeights, count_blocks, count_ngrams, ngrams, stacked
from tilth.store import Cache


def shared(counts: NGrams, kind: str) -> int:
    """N-grams that the first two texts have in common."""
    part = getattr(counts, kind)
    return len(set(part[0].indices) & set(part[1].indices))


def test_words_and_pairs_of_them_are_counted_whatever_their_case() -> None:
    counts = count_ngrams(["Pay, pay my bill", "my BILL"])
    assert sorted(counts.words[0].data.tolist()) == [1, 1, 1, 1, 1, 2]  # pay twice; my, bill; three pairs
    assert shared(counts, "words") == 3  # my, bill, my bill


def test_characters_are_counted_within_words() -> None:
    # " ab " has 3 pairs, 2 of three, 1 of four signs, and no run of five
    assert count_ngrams(["ab"]).characters[0].data.tolist() == [1.0] * 6


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["我要退款", "退款"], 3),  # two signs and their pair: no space says where a word begins
        (["คืนเงิน", "เงิน"], 7),  # four signs, three pairs
        (["पैसे वापस", "पैसे"], 1),  # one word, vowel signs and all
        (["Zurück zahlen", "zurück"], 1),
    ],
)
def test_every_script_has_words(texts: list[str], words: int) -> None:
    assert shared(count_ngrams(texts), "words") == words


def test_emoji_are_seen_by_their_characters() -> None:
    assert shared(count_ngrams(["thanks 😀", "😀"]), "characters") == 3  # " 😀", "😀 ", " 😀 "


def test_a_text_has_the_same_counts_in_every_table_and_with_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngrams, "_BLOCK", 2)
    texts, cache = ["one text", "two texts", "one text", "", "three"], Cache(tmp_path)
    whole = stacked(count_blocks(texts, cache)).joined.toarray()
    assert np.array_equal(whole[0], whole[2])
    assert not whole[3].any()
    assert np.array_equal(whole, np.vstack([count_ngrams([text]).joined.toarray() for text in texts]))
    assert len(list((tmp_path / "ngrams").iterdir())) == 3


def test_rows_that_are_added_leave_the_cached_ones_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngrams, "_BLOCK", 2)
    counted: list[str] = []

    def spying(text: str) -> list[str]:
        counted.append(text)
        return [text]

    monkeypatch.setattr(ngrams, "ANALYZERS", {"words": spying, "characters": str.split})
    list(count_blocks(["a", "b"], Cache(tmp_path)))
    list(count_blocks(["a", "b", "c"], Cache(tmp_path)))
    assert counted == ["a", "b", "c"]


def test_no_text_at_all() -> None:
    counts = count_ngrams([])
    assert len(counts) == 0
    assert len(RarityWeights.fit([counts]).transform(counts)) == 0


def test_what_a_single_row_has_is_left_out_and_rare_words_weigh_more() -> None:
    counts = count_ngrams(["pay bill", "pay rent", "pay bill", "odd"])
    weighted = RarityWeights.fit([counts]).transform(counts)
    # Left: pay (3 of 4 rows), bill and "pay bill" (2 of 4); idf = ln((1 + 4) / (1 + rows)) + 1.
    pay, bill = np.log(5 / 4) + 1, np.log(5 / 3) + 1
    length = np.sqrt(pay**2 + 2 * bill**2)
    assert weighted.words.shape == (4, 3)
    assert sorted(weighted.words[0].data) == pytest.approx(sorted([pay / length, bill / length, bill / length]))
    assert weighted.words[1].data == pytest.approx([1.0])
    assert weighted.words[3].nnz == 0


def test_only_the_most_frequent_are_kept_where_they_are_too_many() -> None:
    counts = count_ngrams(["pay bill"] * 2 + ["pay"])
    assert RarityWeights.fit([counts], most=1).transform(counts).words.toarray().tolist() == [[1.0], [1.0], [1.0]]


def test_weights_hold_for_texts_that_come_later() -> None:
    weights = RarityWeights.fit([count_ngrams(["pay my bill", "pay a bill", "rent"])])
    later = weights.transform(count_ngrams(["pay the bill", "nothing known"]))
    assert later.joined[0].nnz > 2
    assert later.joined[1].nnz <= 2  # of all that is said there, hardly anything is known


def test_counts_and_weights_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["pay my bill", "pay a bill", "rent", "", "my rent"]
    whole = count_ngrams(texts)
    monkeypatch.setattr(ngrams, "_BLOCK", 2)
    blocks = list(count_blocks(texts, None))
    assert [len(block) for block in blocks] == [2, 2, 1]
    assert np.array_equal(stacked(blocks).joined.toarray(), whole.joined.toarray())
    in_blocks, at_once = RarityWeights.fit(blocks), RarityWeights.fit([whole])
    for kind in ("words", "characters"):
        assert np.array_equal(getattr(in_blocks, kind).columns, getattr(at_once, kind).columns)
        assert np.array_equal(getattr(in_blocks, kind).idf, getattr(at_once, kind).idf)


def test_a_column_weighs_by_how_few_rows_have_it() -> None:
    weights = RarityWeights.fit([count_ngrams(["pay", "pay", "pay", "other"])])
    assert weights.words.idf.tolist() == pytest.approx([np.log(5 / 4) + 1])
