"""Sentences with one grammar mistake put in, from which the acceptability model learns what a mistake is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

_SWAPS: dict[str, tuple[str, ...]] = {
    "is": ("are", "be"), "are": ("is", "be"), "am": ("is", "are"), "was": ("were", "be"), "were": ("was",),
    "isn't": ("aren't",), "aren't": ("isn't",), "wasn't": ("weren't",), "weren't": ("wasn't",),
    "has": ("have",), "have": ("has", "had"), "hasn't": ("haven't",), "haven't": ("hasn't",),
    "do": ("does", "did"), "does": ("do",), "did": ("do",), "don't": ("doesn't",), "doesn't": ("don't",),
    "a": ("an", "the"), "an": ("a",), "the": ("a",), "this": ("these",), "these": ("this",), "that": ("those",),
    "those": ("that",), "many": ("much",), "much": ("many",), "any": ("some",), "ever": ("never",),
    "to": ("for", "at"), "in": ("on",), "on": ("in", "at"), "of": ("for",), "been": ("be",), "be": ("been", "is"),
    "i": ("me", "my"), "me": ("i", "my"), "my": ("me", "mine"), "he": ("him",), "him": ("he",), "she": ("her",),
    "they": ("them",), "them": ("they",), "it": ("its",), "its": ("it",), "who": ("whom", "which"),
    "himself": ("herself", "themselves"), "herself": ("himself",), "themselves": ("himself",),
}  # fmt: skip
_AGREEING = frozenset(word for word in _SWAPS if word.split("n't")[0] in {
    "is", "are", "am", "was", "were", "has", "have", "do", "does",
})  # fmt: skip
_SMALL = frozenset(_SWAPS) | {
    "for", "with", "from", "at", "by", "and", "or", "if", "not", "can", "will", "would", "should", "you", "your",
}  # fmt: skip
_TRIES = 4

Change = Callable[[list[str], random.Random], list[str] | None]
"""A sentence's words with a mistake, or None where its kind does not fit."""


def _swapped(among: Iterable[str]) -> Change:
    wanted = frozenset(among)

    def change(words: list[str], rng: random.Random) -> list[str] | None:
        places = [place for place, word in enumerate(words) if word.lower() in wanted]
        if not places:
            return None
        place = rng.choice(places)
        return _with(words, place, [rng.choice(_SWAPS[words[place].lower()])])

    return change


def _order(words: list[str], rng: random.Random) -> list[str] | None:
    place = rng.randrange(len(words) - 1)
    return _with(words, place, [words[place + 1], words[place]], 2)


def _missing(words: list[str], rng: random.Random) -> list[str] | None:
    places = [place for place, word in enumerate(words) if word.lower() in _SMALL]
    return _with(words, rng.choice(places), []) if places else None


def _any_missing(words: list[str], rng: random.Random) -> list[str] | None:
    return _with(words, rng.randrange(len(words)), [])


def _inflected(words: list[str], rng: random.Random) -> list[str] | None:
    places = [k for k, word in enumerate(words) if word.islower() and word not in _SWAPS and _forms(word)]
    if not places:
        return None
    place = rng.choice(places)
    return _with(words, place, [rng.choice(_forms(words[place]))])


def _ending_lost(words: list[str], rng: random.Random) -> list[str] | None:
    endings = ("ed", "ing", "s")
    places = [k for k, word in enumerate(words) if word.isalpha() and len(word) > 5 and word.lower().endswith(endings)]
    if not places:
        return None
    place = rng.choice(places)
    ending = next(end for end in endings if words[place].lower().endswith(end))
    return _with(words, place, [words[place][: -len(ending)]])


def _too_many(words: list[str], rng: random.Random) -> list[str] | None:
    return _with(words, rng.randrange(len(words)), [rng.choice([*words, "the", "to", "is", "of", "a"])], 0)


_CHANGES: tuple[tuple[Change, float], ...] = (
    (_order, 0.22),
    (_missing, 0.20),
    (_any_missing, 0.05),
    (_inflected, 0.18),
    (_ending_lost, 0.07),
    (_swapped(_AGREEING), 0.13),
    (_swapped(_SWAPS), 0.10),
    (_too_many, 0.05),
)


def _with(words: Sequence[str], place: int, new: Sequence[str], old: int = 1) -> list[str]:
    return [*words[:place], *new, *words[place + old :]]


_known_forms: dict[str, list[str]] = {}


def _forms(word: str) -> list[str]:
    """Other forms of a verb or a noun, by lemminflect."""
    if word not in _known_forms:
        import lemminflect

        other_forms: set[str] = set()
        for part in ("VERB", "NOUN") if word.isalpha() and len(word) > 2 else ():
            for lemma in lemminflect.getAllLemmas(word, upos=part).get(part, ()):
                for forms in lemminflect.getAllInflections(lemma, upos=part).values():
                    other_forms.update(form for form in forms if " " not in form)
        _known_forms[word] = sorted(other_forms - {word})
    return _known_forms[word]


def with_synthetic_error(text: str, rng: random.Random) -> str | None:
    """The text with one mistake, or None where none was found for it in a few tries.

    A few of them are no mistake after all, as a number or a tense may change and the sentence stay right.
    """
    words = text.split()
    if len(words) < 3:
        return None
    changes, weights = zip(*_CHANGES, strict=True)
    for _ in range(_TRIES):
        changed = rng.choices(changes, weights)[0](words, rng)
        if changed is not None and " ".join(changed).lower() != text.lower():
            return " ".join(changed)
    return None
