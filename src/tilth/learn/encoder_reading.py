"""How well an encoder reads a data set's language: by its tokens, and by whether near rows share their labels.

The limits come from measurements of the default encoder, whose tokenizer knows English words. English texts (banking77,
clinc150, sentfin, the messages of `sms_spam_rules`, Django's English interface) take 0.28 to 0.36 tokens a letter and
none that it does not know; Django's interface in 78 other languages 0.41 at the least, or 3% unknown ones. By the
labels, the encoder's neighbors are better than those by character n-grams on each of the English sets (kappa 0.33 to
0.87 against 0.24 to 0.71), and worse on the German and Chinese sets of this project's tests (0.30 and 0.08 against 0.47
and 0.37).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tilth.languages import letter_count
from tilth.learn.encoder import Encoder
from tilth.samples import evenly_spaced

MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
"""What to try in its place: 50 languages, 384 dimensions as the default (Reimers and Gurevych 2020)."""
TOKENS_A_LETTER, UNKNOWN = 0.4, 0.02
"""From which on a language may be badly read."""
_TEXTS, _ROWS = 2000, 1500
_NEAREST = 5
_FEWEST = 30  # labeled rows, for neighbors to say anything


@dataclass(frozen=True, kw_only=True)
class EncoderReading:
    """How an encoder reads a data set.

    Attributes:
        tokens_a_letter: tokens that a letter takes on average; a sign of Chinese, Japanese or Korean counts as three.
        unknown: share of the tokens that stand for text that the tokenizer does not know.
        agreement: how often the nearest rows have a row's label, beyond chance (kappa: 0 = by chance, 1 = always);
            None where the tokens give no cause to ask, or too few rows have labels.
        agreement_by_ngrams: the same where nearness goes by character n-grams.
        averaged: share of the texts that are longer than what the encoder reads at once, by their letters, and are read
            in chunks whose vectors are averaged.
    """

    tokens_a_letter: float
    unknown: float
    agreement: float | None = None
    agreement_by_ngrams: float | None = None
    averaged: float = 0.0

    @property
    def badly(self) -> bool:
        """Whether another encoder should be tried."""
        if self.agreement is None or self.agreement_by_ngrams is None:
            return _suspicious(self.tokens_a_letter, self.unknown)
        return self.agreement < self.agreement_by_ngrams

    def to_json(self) -> dict[str, Any]:
        """Rounded, with the verdict and a model to try."""
        values = {name: value if value is None else round(value, 4) for name, value in asdict(self).items()}
        return {**values, "badly": self.badly, "try": MULTILINGUAL if self.badly else None}


def measure_reading(encoder: Encoder, texts: Sequence[str], vectors: np.ndarray, codes: np.ndarray) -> EncoderReading:
    """How an encoder reads texts; of many rows an even sample.

    Args:
        encoder: whose tokens are counted.
        texts: one a row; never gold.
        vectors: the encoder's, float32, shape (rows, dimensions), L2-normalized.
        codes: labels by place, -1 where there is none, shape (rows,).
    """
    shown = [texts[row] for row in evenly_spaced(len(texts), _TEXTS)]
    tokens, unknown = encoder.count_tokens(shown)
    letters = np.array([letter_count(text) for text in shown])
    a_letter, share = tokens / max(1, int(letters.sum())), unknown / max(1, tokens)
    config = getattr(encoder, "config", None)
    averaged = 0.0
    if config is not None and len(letters) and config.attention == "full" and config.long_texts != "passages":
        averaged = float((letters * a_letter > config.max_tokens).mean())
    rows = np.flatnonzero(codes >= 0)
    rows = rows[evenly_spaced(len(rows), _ROWS)]
    if not _suspicious(a_letter, share) or len(rows) < _FEWEST or len(np.unique(codes[rows])) < 2:
        return EncoderReading(tokens_a_letter=a_letter, unknown=share, averaged=averaged)
    counts = _ngrams([texts[row] for row in rows])
    return EncoderReading(
        tokens_a_letter=a_letter,
        unknown=share,
        averaged=averaged,
        agreement=neighbor_agreement(vectors[rows] @ vectors[rows].T, codes[rows]),
        agreement_by_ngrams=neighbor_agreement((counts @ counts.T).toarray(), codes[rows]),
    )


def neighbor_agreement(similarities: np.ndarray, codes: np.ndarray) -> float:
    """Cohen's kappa of a row's label and those of its five nearest rows.

    Args:
        similarities: of each pair, shape (rows, rows).
        codes: labels by place, two different ones at the least, shape (rows,).
    """
    nearness = similarities.astype(np.float64)
    np.fill_diagonal(nearness, -np.inf)
    near = np.argsort(-nearness, axis=1, kind="stable")[:, :_NEAREST]
    agreed = float((codes[near] == codes[:, None]).mean())
    chance = float(((np.unique(codes, return_counts=True)[1] / len(codes)) ** 2).sum())
    return (agreed - chance) / (1 - chance)


def _suspicious(tokens_a_letter: float, unknown: float) -> bool:
    return tokens_a_letter >= TOKENS_A_LETTER or unknown >= UNKNOWN


def _ngrams(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True).fit_transform(texts)
