"""Which language a text is in, and which one most of a data set's rows are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

_FEWEST_LETTERS = 20  # below which a language is a guess
_USUAL = 0.6  # share of the texts that one language must have to be the one that belongs here
_CHARACTERS = 2000
_MOST_TEXTS = 1000  # texts, for the language of most of them


def detect_language(text: str) -> tuple[str, float] | None:
    """A text's language (ISO 639-1) and how likely it is, by py3langid (Lui and Baldwin 2012); None of a short text.

    >>> detect_language("Wann macht die Bücherei am Samstag auf?")[0], detect_language("Hallo")
    ('de', None)
    """
    if letter_count(text[:200]) < _FEWEST_LETTERS:
        return None
    language, probability = _identifier().classify(text[:_CHARACTERS])
    return str(language), float(probability)


def usual_language(detected: Sequence[tuple[str, float] | None]) -> str | None:
    """The language of most texts, or None where no language has most of those that are long enough to tell.

    >>> usual_language([("de", 0.9), ("de", 0.4), None, ("nl", 0.9)])
    'de'
    >>> usual_language([("de", 0.9), ("nl", 0.9)])
    """
    languages = [one[0] for one in detected if one]
    most = Counter(languages).most_common(1)
    return most[0][0] if most and most[0][1] >= _USUAL * len(languages) else None


def foreign_language(texts: Sequence[str]) -> str | None:
    """The language that most texts are in where it is not English; of many texts an even sample is asked.

    >>> foreign_language(["Wann macht die Bücherei am Samstag auf?", "Habt ihr am Feiertag geschlossen?"])
    'de'
    >>> foreign_language(["When does the library open on Saturday?", "ok"])
    """
    step = max(1, len(texts) // _MOST_TEXTS)
    language = usual_language([detect_language(text) for text in texts[::step]])
    return None if language == "en" else language


def letter_count(text: str) -> int:
    """Letters; one of a script of syllables or whole words counts as three.

    >>> letter_count("7 Äpfel"), letter_count("苹果")
    (5, 6)
    """
    return sum(3 if ord(letter) > 0x2E7F else 1 for letter in text if letter.isalpha())


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
