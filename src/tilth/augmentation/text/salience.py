"""Which words of a text carry its meaning, by the encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.augmentation.text.words import Word
from tilth.learn.encoder import Encoder

_COUNT = 2


def salient_words(texts: Sequence[str], words: Sequence[Sequence[Word]], encoder: Encoder) -> list[list[str]]:
    """For each text the two free words without which its vector moves most, most salient first."""
    without, owner = [], []
    for row, row_words in enumerate(words):
        for place, word in enumerate(row_words):
            if not word.fixed and word.text[:1].isalpha():
                without.append(" ".join(w.text for k, w in enumerate(row_words) if k != place))
                owner.append((row, word.text.lower()))
    vectors = encoder.encode(texts)
    kept = (encoder.encode(without) * vectors[[row for row, _ in owner]]).sum(axis=1) if owner else np.zeros(0)
    found_words: list[list[str]] = [[] for _ in texts]
    for place in np.argsort(kept, kind="stable"):
        row, word = owner[place]
        if len(found_words[row]) < _COUNT and word not in found_words[row]:
            found_words[row].append(word)
    return found_words
