"""The tokens that an export reads are the encoder's."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from transformers import BertModel

from tilth.learn.encoder.tokenizer import Tokens


def test_truncation_of_the_tokenizer_file_is_replaced_by_ours(folder: Path) -> None:
    assert len(Tokens.load(folder).tokenizer.encode("refund " * 20).ids) == 22


def test_a_folder_without_a_tokenizer_file_is_read_by_transformers(folder: Path, tmp_path: Path) -> None:
    BertModel.from_pretrained(folder).save_pretrained(tmp_path / "model")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    lines = "".join(f"{word}\n" for word in sorted(words, key=words.__getitem__))
    (tmp_path / "model/vocab.txt").write_text(lines, encoding="utf-8")
    one, two = Tokens.load(folder), Tokens.load(tmp_path / "model")
    assert (one.prefix, one.suffix) == (two.prefix, two.suffix) == ([2], [3])
    assert one.chunks(["refund slow internet"], 5, 2) == two.chunks(["refund slow internet"], 5, 2)
