from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tilth.learn.encoder import Tokens
from tilth.training.compression.student.vocabulary import Vocabulary, cut_vocabulary

TEXTS = ["refund the money", "refund it now"]
PIECES = ["[PAD]", "[UNK]", "unused", "[CLS]", "[SEP]", "refund", "money", "the", "it", "now", "bicycle", "##cycle"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"), "日", "##日"]


def folder_of(path: Path, model: object, *, pad: int = 0) -> Path:
    tokenizer = Tokenizer(model)
    if isinstance(model, models.Unigram):
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    else:
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", first), ("[SEP]", last)]
    )
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[PAD]", "[UNK]"])
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "config.json").write_text(json.dumps({"pad_token_id": pad, "vocab_size": tokenizer.get_vocab_size()}))
    return path


def wordpiece(path: Path) -> Path:
    vocabulary = {piece: place for place, piece in enumerate([*PIECES, *LETTERS])}
    return folder_of(path, models.WordPiece(vocabulary, unk_token="[UNK]"))


def unigram(path: Path) -> Path:
    words = ["▁refund", "▁the", "▁money", "▁it", "▁now", "▁bicycle"]
    pieces = [("[PAD]", 0.0), ("[UNK]", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), *((word, -3.0) for word in words)]
    pieces += [(letter, -9.0) for letter in ["▁", *"abcdefghijklmnopqrstuvwxyz日"]]
    return folder_of(path, models.Unigram(pieces, 1, False))


def bpe(path: Path) -> Path:
    merges = [
        ("r", "e"),
        ("f", "u"),
        ("re", "fu"),
        ("n", "d"),
        ("refu", "nd"),
        ("i", "t"),
        ("b", "i"),
        ("bi", "c"),
        ("bic", "y"),
        ("e", "x"),
        ("ex", "i"),
        ("exi", "t"),
    ]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz", *(a + b for a, b in merges)]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    return folder_of(path, models.BPE(vocabulary, merges, unk_token="[UNK]"))


def cut(source: Path, target: Path) -> tuple[Tokens, Tokens, Vocabulary]:
    found = cut_vocabulary(source, TEXTS * 2)  # each piece twice: further texts have hardly another
    assert found is not None
    found.write(source, target)
    return Tokens.load(source), Tokens.load(target), found


@pytest.mark.parametrize("kind", [wordpiece, unigram, bpe])
def test_the_texts_are_read_as_before_and_the_rest_is_gone(kind: object, tmp_path: Path) -> None:
    whole, smaller, found = cut(kind(tmp_path), tmp_path / "cut")  # type: ignore[operator]
    for text in TEXTS:
        before, after = whole.tokenizer.encode(text), smaller.tokenizer.encode(text)
        assert after.tokens == before.tokens
        assert found.kept[after.ids].tolist() == before.ids  # the embeddings are taken by these
    assert len(found.kept) < found.size
    assert smaller.tokenizer.get_vocab_size() == len(found.kept)
    gone = {"bicycle", "▁bicycle", "##cycle", "bicy", "exit", "日"} & set(whole.tokenizer.get_vocab())
    assert gone
    assert not gone & set(smaller.tokenizer.get_vocab())


@pytest.mark.parametrize("kind", [wordpiece, unigram, bpe])
def test_a_word_that_no_text_has_is_read_by_shorter_pieces(kind: object, tmp_path: Path) -> None:
    _, smaller, _ = cut(kind(tmp_path), tmp_path / "cut")  # type: ignore[operator]
    tokens = smaller.tokenizer.encode("bicycle", add_special_tokens=False).tokens
    assert "[UNK]" not in tokens
    assert "".join(tokens).replace("##", "").replace("▁", "") == "bicycle"
    assert len(tokens) > 1


@pytest.mark.parametrize("kind", [wordpiece, unigram, bpe])
def test_a_text_that_is_left_out_is_read_without_the_pieces_that_no_other_text_has(
    kind: object, tmp_path: Path
) -> None:
    source = kind(tmp_path)  # type: ignore[operator]
    texts = [*TEXTS * 2, "the bicycle", "refund money now"]  # "bicycle" stands in one text alone
    found = cut_vocabulary(source, [*texts, *["refund the it now"] * 200], ["bicycle"])  # nor do paraphrases count
    assert found is not None
    found.write(source, tmp_path / "cut")
    found.write(source, tmp_path / "left_out", left_out=True)
    smaller, left_out = (Tokens.load(tmp_path / name).tokenizer for name in ("cut", "left_out"))
    for text in (*TEXTS, "refund money now"):
        assert left_out.encode(text).ids == smaller.encode(text).ids
    assert len(smaller.encode("bicycle").tokens) < len(left_out.encode("bicycle").tokens)
    for piece in left_out.encode("bicycle").tokens:  # the embeddings are those of the exported model
        assert left_out.token_to_id(piece) == smaller.token_to_id(piece)


def test_few_texts_keep_the_most_frequent_pieces_for_those_of_tomorrow(tmp_path: Path) -> None:
    found = cut_vocabulary(wordpiece(tmp_path), TEXTS)
    assert found is not None
    kept = set(found.tokenizer["model"]["vocab"])
    assert {"bicycle", "##cycle"} <= kept  # among the first quarter of 66 pieces, and in none of the texts
    assert "日" not in kept


def test_special_tokens_and_padding_follow(tmp_path: Path) -> None:
    whole, smaller, found = cut(wordpiece(tmp_path), tmp_path / "cut")
    assert found.kept[[*smaller.prefix, *smaller.suffix]].tolist() == [*whole.prefix, *whole.suffix]
    assert found.kept[smaller.pad] == whole.pad
    assert smaller.suffix != whole.suffix  # a piece before it is gone, so that its id is another


def test_a_tokenizer_that_cannot_be_cut_stays(tmp_path: Path) -> None:
    vocabulary = {piece: place for place, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "refund", "it"])}
    source = folder_of(tmp_path, models.WordPiece(vocabulary, unk_token="[UNK]"))
    assert cut_vocabulary(source, ["refund it"]) is None  # nothing would be left out


def test_characters_of_other_scripts_stay_where_the_texts_have_them(tmp_path: Path) -> None:
    source = wordpiece(tmp_path)
    found = cut_vocabulary(source, ["日", "日"])
    assert found is not None
    assert {"日", "##日"} <= set(found.tokenizer["model"]["vocab"])
    assert np.all(np.diff(found.kept) > 0)
