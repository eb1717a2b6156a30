"""Cut a vocabulary to what the night's texts need, with the short pieces that every other word falls back to.

Half of a small encoder is its vocabulary, of which a workspace's texts use a tenth. What they are read as does not
change; a word that none of them has is read by shorter pieces, which says less of it. So few texts, of which every
third of tomorrow's may have such a word, are given the most frequent pieces of the full vocabulary too. What unseen
words cost is measured by leaving each text out of its own vocabulary: it is read without the pieces that no other has.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tilth.learn.encoder import Tokens

_SHORT = 3
"""Letters of a piece that is kept whatever the texts have: with two, unseen words are read letter by letter."""
_ASCII = frozenset(string.ascii_lowercase + string.ascii_uppercase + string.digits + string.punctuation)
_UNSEEN, _FREQUENT = 0.01, 0.25
"""Expected share of pieces that are in none of the texts, from which the most frequent pieces are kept too, and what
share of the full vocabulary those are."""
_NEVER = "\N{NULL}{}"
"""What a piece that is never to be found is called: no text has it."""
_MARKS = ("##", "▁", "Ġ")
"""What tokenizers put before a piece that goes on, or that begins a word."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The pieces that are kept.

    Attributes:
        kept: their ids in the full vocabulary, ascending; the place of each is its new id.
        tokenizer: the new `tokenizer.json`.
        left_out: the same without the pieces that only one of the texts has: it reads each of them as if the vocabulary
            had been cut without that text. Its ids are those of `tokenizer`.
        size: of the full vocabulary.
    """

    kept: np.ndarray
    tokenizer: Mapping[str, Any]
    left_out: Mapping[str, Any]
    size: int

    def write(self, source: Path, target: Path, *, left_out: bool = False) -> None:
        """Write a model folder without weights: the new tokenizer, and the encoder's other settings.

        Args:
            source: the encoder's folder.
            target: the new one.
            left_out: whether the tokenizer is the one that leaves each text out of its own vocabulary.
        """
        target.mkdir(parents=True, exist_ok=True)
        tokenizer = self.left_out if left_out else self.tokenizer
        (target / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        pad = int(np.searchsorted(self.kept, int(config.get("pad_token_id") or 0)))
        config |= {"vocab_size": len(self.kept), "pad_token_id": pad}
        (target / "config.json").write_text(json.dumps(config), encoding="utf-8")


def cut_vocabulary(source: Path, texts: Iterable[str], generated: Iterable[str] = ()) -> Vocabulary | None:
    """The pieces that some texts use, every character of them, and the short pieces of Latin letters.

    Where texts are few, the most frequent pieces of the full vocabulary are kept too: those that stand first in it, for
    tokenizers are made from the most frequent pieces to the rarest.

    Args:
        source: the encoder's folder.
        texts: of the night, none of them gold.
        generated: paraphrases of them, whose pieces are kept too; they show no piece to be in two texts.

    Returns:
        None where the tokenizer is of a kind that cannot be cut, or nothing would be left out.
    """
    tokens = Tokens.load(source)
    found = json.loads(tokens.tokenizer.to_str())
    cut = _CUTS.get(found["model"]["type"])
    if cut is None:
        return None
    pieces, some, made = _pieces(found["model"]), list(texts), list(generated)
    written = [one.tokens for one in tokens.tokenizer.encode_batch(some)]
    counts = Counter(piece for one in written for piece in one)
    of_made = {piece for one in tokens.tokenizer.encode_batch(made) for piece in one.tokens}
    always = {entry["content"] for entry in found["added_tokens"]} | {found["model"].get("unk_token")}
    if expected_unseen(counts) > _UNSEEN:
        words = [piece for piece in sorted(pieces, key=pieces.__getitem__) if _plain(piece).isalpha()]
        always |= set(words[: int(_FREQUENT * len(pieces))])
    if found["model"]["type"] == "Unigram" and (unknown := found["model"].get("unk_id")) is not None:
        always.add(list(pieces)[unknown])
    always.add(next((piece for piece, place in pieces.items() if place == tokens.pad), None))

    def needed(used: set[str], letters: frozenset[str]) -> set[str]:
        return cut(found["model"], always | used | {piece for piece in pieces if _is_fallback(piece, letters)})

    used = set(counts) | of_made
    wanted = needed(used, _ASCII | set("".join([*some, *made])) | set("".join(used)))
    by_text = dict(zip(some, written, strict=True))
    again = _in_two(by_text.values())
    shared = needed(again, _ASCII | _in_two(by_text) | set("".join(again)))
    kept = np.array(sorted(place for piece, place in pieces.items() if piece in wanted))
    size = max(pieces.values()) + 1
    if len(kept) >= size:
        return None
    renamed = {int(old): new for new, old in enumerate(kept)}
    _keep(found["model"], renamed)
    for entry in found["added_tokens"]:
        entry["id"] = renamed[entry["id"]]
    _rename(found.get("post_processor"), renamed)
    return Vocabulary(kept=kept, tokenizer=found, left_out=_without(found, wanted - shared), size=size)


def _in_two(texts: Iterable[Iterable[str]]) -> set[str]:
    """What is in at least two of some texts: pieces, or characters."""
    counts = Counter(part for text in texts for part in set(text))
    return {part for part, count in counts.items() if count > 1}


def expected_unseen(counts: Mapping[str, int]) -> float:
    """The share of further texts' pieces that these texts lack, by how many of theirs stand in them once (Good 1953).

    >>> expected_unseen({"the": 6, "router": 2, "is": 1, "dead": 1})
    0.2
    """
    return sum(count == 1 for count in counts.values()) / max(sum(counts.values()), 1)


def _plain(piece: str) -> str:
    for mark in _MARKS:
        piece = piece.removeprefix(mark)
    return piece


def _is_fallback(piece: str, letters: frozenset[str]) -> bool:
    """Whether a piece is one character of the texts, or a few Latin letters."""
    plain = _plain(piece)
    return (len(plain) <= 1 and set(plain) <= letters) or (len(plain) <= _SHORT and set(plain) <= _ASCII)


def _pieces(model: Mapping[str, Any]) -> dict[str, int]:
    if model["type"] == "Unigram":
        return {piece: place for place, (piece, _) in enumerate(model["vocab"])}
    return dict(model["vocab"])


def _merged(model: Mapping[str, Any], needed: set[str]) -> set[str]:
    """With each piece that is merged from others, those; and with the alphabet, so that any text can be read."""
    made: dict[str, list[tuple[str, str]]] = {}
    for first, second in map(_pair, model["merges"]):
        made.setdefault(first + second, []).append((first, second))
    waiting, found = [*needed], {piece for piece in model["vocab"] if len(piece) == 1} | needed
    while waiting:
        for pair in made.get(waiting.pop(), ()):
            waiting += [part for part in pair if part not in found]
            found |= set(pair)
    return found


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


_CUTS: dict[str, Callable[[Mapping[str, Any], set[str]], set[str]]] = {
    "WordPiece": lambda model, needed: needed,
    "WordLevel": lambda model, needed: needed,
    "Unigram": lambda model, needed: needed,
    "BPE": _merged,
}
"""Each kind of tokenizer that can be cut: all pieces without which the needed ones could not be read."""


def _keep(model: dict[str, Any], renamed: Mapping[int, int]) -> None:
    """Leave a tokenizer's model the kept pieces, in place."""
    if model["type"] == "Unigram":
        model["vocab"] = [entry for place, entry in enumerate(model["vocab"]) if place in renamed]
        if model.get("unk_id") is not None:
            model["unk_id"] = renamed[model["unk_id"]]
        return
    model["vocab"] = {piece: renamed[place] for piece, place in model["vocab"].items() if place in renamed}
    if "merges" in model:
        model["merges"] = _merges_among(model["merges"], model["vocab"])


def _without(tokenizer: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    """A tokenizer that gives every piece its id as before, and some pieces never."""
    model = dict(tokenizer["model"])
    if model["type"] == "Unigram":  # whose ids are the places
        model["vocab"] = [
            [_NEVER.format(place), score] if piece in gone else [piece, score]
            for place, (piece, score) in enumerate(model["vocab"])
        ]
    else:
        model["vocab"] = {piece: place for piece, place in model["vocab"].items() if piece not in gone}
    if "merges" in model:
        model["merges"] = _merges_among(model["merges"], model["vocab"])
    return {**tokenizer, "model": model}


def _merges_among(merges: Sequence[Any], known: Mapping[str, int]) -> list[Any]:
    """The merges of known pieces to known ones."""
    return [merge for merge in merges if all(part in known for part in (*_pair(merge), "".join(_pair(merge))))]


def _rename(part: Any, renamed: Mapping[int, int]) -> None:
    """Set the ids in a post-processor to the new ones, in place."""
    if not isinstance(part, dict):
        return
    for key in ("cls", "sep"):
        if key in part:
            part[key] = [part[key][0], renamed[part[key][1]]]
    for entry in (part.get("special_tokens") or {}).values():
        entry["ids"] = [renamed[place] for place in entry["ids"]]
    for inner in part.get("processors") or ():
        _rename(inner, renamed)
